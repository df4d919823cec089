"""Runs of admissible starts against a count of N in every window."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ldar_interp.genome.alphabet import N, encode
from ldar_interp.train.starts import StartRuns, admissible_starts, most_n


def find(segments: list[str], length: int, share: float, gap: int = 0) -> StartRuns:
    """The segments laid out with `gap` positions between them."""
    starts, n_runs, at = [], [], 0
    for text in segments:
        starts.append(at)
        is_n = np.concatenate([[False], encode(text) == N, [False]])
        n_runs.append(at + np.flatnonzero(is_n[1:] != is_n[:-1]).reshape(-1, 2))
        at += len(text) + gap
    lengths = np.array([len(text) for text in segments])
    return admissible_starts(np.array(starts), lengths, np.concatenate(n_runs), length, share)


def listed(runs: StartRuns) -> list[int]:
    return [s for a, b in zip(runs.start, runs.end, strict=True) for s in range(a, b)]


def test_by_hand():
    text = ["ACNNGTACGT"]
    assert listed(find(text, 4, 0.0)) == [4, 5, 6]
    assert listed(find(text, 4, 0.25)) == [3, 4, 5, 6]
    assert listed(find(text, 4, 0.5)) == list(range(7))
    assert listed(find(text, 11, 1.0)) == []
    assert listed(find(text, 10, 0.2)) == [0]
    assert find(text, 4, 0.5).start.tolist() == [0]  # one run, not three that touch


def test_no_window_crosses_from_one_segment_to_the_next():
    runs = find(["AAAAA", "CC", "GGGGNGGG"], 3, 0.0)
    assert listed(runs) == [0, 1, 2, 7, 8, 12]
    assert runs.segment.tolist() == [0, 2, 2]


def test_a_large_genome_takes_no_more_room_than_a_small_one():
    """Two segments of 1.5 Gb with one run of N: three runs of starts."""
    starts, lengths = np.array([0, 1_500_000_000]), np.array([1_500_000_000, 1_500_000_000])
    runs = admissible_starts(starts, lengths, np.array([[10**9, 10**9 + 10**6]]), 1024, 0.0)
    assert runs.start.tolist() == [0, 10**9 + 10**6, 1_500_000_000]
    assert runs.end.tolist() == [10**9 - 1023, 1_500_000_000 - 1023, 3_000_000_000 - 1023]


@given(length=st.integers(1, 5000), share=st.floats(0, 1))
def test_most_n_is_the_largest_count_within_the_share(length, share):
    most = most_n(length, share)
    assert most / length <= share < (most + 1) / length


def test_most_n_where_the_product_rounds_down():
    assert (most_n(100, 0.29), most_n(100, 0.28), most_n(50, 0.58)) == (29, 28, 29)


@given(
    segments=st.lists(st.text(alphabet="AN", min_size=1, max_size=30), min_size=1, max_size=4),
    length=st.integers(1, 12),
    share=st.sampled_from([0.0, 0.1, 0.25, 0.29, 0.5, 0.58, 0.9, 1.0]),
    gap=st.integers(0, 3),
)
def test_against_every_window(segments, length, share, gap):
    runs = find(segments, length, share, gap)
    wanted, at = [], 0
    for number, text in enumerate(segments):
        wanted += [
            (at + s, number)
            for s in range(len(text) - length + 1)
            if text[s : s + length].count("N") / length <= share
        ]
        at += len(text) + gap
    assert listed(runs) == [start for start, _ in wanted]
    segment = np.repeat(runs.segment, runs.end - runs.start).tolist()
    assert segment == [number for _, number in wanted]
