"""Windows and hits in them, by eye: both strands, shared windows, clipped ends."""

import numpy as np
import pytest
from motif_case import make_motif, make_tss, turn

from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF
from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import offset_of_edge
from ldar_interp.sites.motif_lists import load_motifs
from ldar_interp.sites.promoter_motifs import PROMOTER_HIT_COLUMNS, find_promoter_motifs
from ldar_interp.sites.promoter_windows import find_nearest_start, make_windows, widen_windows
from ldar_interp.sites.promoters import load_promoters
from ldar_interp.sites.table import check_sites

WORD = "ACCTGAAT"
MOTIF = make_motif(WORD, "w")


def plant(length, *words):
    """A text of T with words at places."""
    text = ["T"] * length
    for at, word in words:
        text[at : at + len(word)] = word
    return Genome.from_records({"chr1": "".join(text)})


def test_windows_are_oriented_and_cut():
    tss = make_tss((1000, "+", "a"), (1000, "-", "b"), (100, "+", "c"), (1950, "-", "d"))
    windows = make_windows(tss, plant(2000))
    assert windows[["start", "end"]].to_numpy().tolist() == [
        [750, 1100],
        [900, 1250],
        [0, 200],
        [1850, 2000],
    ]
    assert windows["is_clipped"].tolist() == [False, False, True, True]
    assert windows["group"].tolist() == ["a", "b", "c", "d"]
    wide = widen_windows(windows, plant(2000), 300)
    assert wide[["start", "end"]].to_numpy().tolist()[:3] == [[450, 1400], [600, 1550], [0, 500]]


def test_windows_end_where_a_slice_ends():
    genome = Genome.from_records({"chr1:1-300": "T" * 300, "chr1:301-900": "T" * 600})
    tss = make_tss((300, "+", "a"), (300, "-", "b"))
    windows = make_windows(tss, genome)
    # The base downstream of the start decides: on plus it is in the second piece, on minus not.
    assert windows[["start", "end"]].to_numpy().tolist() == [[300, 400], [200, 300]]


def test_a_hit_has_its_offset_from_the_start_on_the_genes_strand():
    genome = plant(2000, (980, WORD), (1480, turn(WORD)))
    tss = make_tss((1000, "+", "a"), (1500, "-", "b"))
    found = find_promoter_motifs(genome, tss, [MOTIF])
    hits = found.hits
    assert hits.columns.tolist() == list(PROMOTER_HIT_COLUMNS)
    assert check_sites(hits).equals(hits)
    # 980..988 on plus: 20 upstream. 1480..1488 on minus: its 5' edge 1488 is 12 downstream of 1500.
    assert hits["edge"].tolist() == [980, 1488]
    assert hits["tss_offset"].tolist() == [-20, 12]
    assert hits["tss_id"].tolist() == ["t0", "t1"]
    assert hits["group"].tolist() == ["a", "b"]


def test_a_hit_in_two_windows_is_one_hit_of_the_nearest_start():
    genome = plant(2000, (1010, WORD))
    tss = make_tss((1000, "+", "a"), (1050, "+", "b"), (1015, "-", "c"), (1000, "-", "d"))
    found = find_promoter_motifs(genome, tss, [MOTIF])
    assert len(found.hits) == 1
    assert found.hits[["tss_id", "tss_offset"]].to_numpy().tolist() == [["t2", 5]]
    assert found.counts["hits in several windows"] == 1
    assert found.counts["hits"] == 1
    # Two as near: the first of the table, whatever its place.
    for rows, wanted in (
        (((1020, "+", "a"), (1000, "+", "b")), -10),
        (((1000, "+", "a"), (1020, "+", "b")), 10),
    ):
        tie = find_promoter_motifs(genome, make_tss(*rows), [MOTIF]).hits
        assert tie[["tss_id", "tss_offset"]].to_numpy().tolist() == [["t0", wanted]]


def test_a_hit_across_the_end_of_a_window_is_none():
    genome = plant(2000, (1096, WORD), (745, WORD))
    assert len(find_promoter_motifs(genome, make_tss((1000, "+", "a")), [MOTIF]).hits) == 0
    both = make_tss((1000, "+", "a"), (1349, "+", "b"))  # windows [750, 1100) and [1099, 1449)
    assert len(find_promoter_motifs(genome, both, [MOTIF]).hits) == 0
    inside = make_tss((1000, "+", "a"), (1346, "+", "b"))
    assert len(find_promoter_motifs(genome, inside, [MOTIF]).hits) == 1


def test_motifs_longer_than_windows_are_named_and_counted():
    long = make_motif(WORD * 5, "long")
    tss = make_tss((100, "+", "a"), (2, "+", "b"))
    found = find_promoter_motifs(
        plant(300, (90, WORD)), tss, [MOTIF, long], upstream_bp=20, downstream_bp=10
    )
    assert found.motifs["status"].tolist() == [
        "scanned",
        "left out: longer than every region (30 bp)",
    ]
    assert found.motifs["n_short_regions"].tolist() == [0, 2]
    assert [motif.name for motif in found.scanned] == ["w"]
    assert found.counts["windows clipped"] == 1


def test_assignment_agrees_with_looking_at_every_window():
    rng = np.random.default_rng(0)
    rows = [(int(e), s, "g") for e, s in zip(rng.integers(300, 3000, 40), "+-" * 20, strict=True)]
    windows = make_windows(make_tss(*rows), plant(3300))
    start = rng.integers(0, 3200, 500)
    width = rng.integers(5, 30, 500)
    edge = np.where(rng.random(500) < 0.5, start, start + width)
    row, offset = find_nearest_start(
        windows, np.array(["chr1"] * 500, dtype=object), start, width, edge
    )
    for i in range(500):
        best = (-1, 0)
        for k, window in enumerate(windows.itertuples()):
            if window.start <= start[i] and start[i] + width[i] <= window.end:
                away = int(offset_of_edge(edge[i], window.tss_edge, window.strand))
                if best[0] == -1 or abs(away) < abs(best[1]):
                    best = (k, away)
        assert (row[i], offset[i]) == best


def test_what_is_refused():
    genome, tss = plant(2000), make_tss((1000, "+", "a"))
    with pytest.raises(InputError, match="tss is empty; wanted at least one transcription start"):
        find_promoter_motifs(genome, tss.iloc[:0], [MOTIF])
    with pytest.raises(InputError, match="windows of -1 bp upstream and 100 bp downstream; wanted"):
        find_promoter_motifs(genome, tss, [MOTIF], upstream_bp=-1)
    with pytest.raises(InputError, match="both >= 0 and not both 0"):
        find_promoter_motifs(genome, tss, [MOTIF], upstream_bp=0, downstream_bp=0)
    with pytest.raises(CoordinateError, match="start 't0' is not on the genome"):
        find_promoter_motifs(genome, tss.assign(edge=5000), [MOTIF])


def test_the_demo_region(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with Genome(DEMO_FASTA) as genome:
        promoters = load_promoters(DEMO_GTF, genome)
        found = find_promoter_motifs(genome, promoters.tss, load_motifs("declared"))
        texts = [
            genome.fetch(hit.chrom, min(hit.edge, end := hit.edge + sign * 9), max(hit.edge, end))
            for hit in found.hits[found.hits["kind"] == "SP1"].itertuples()
            for sign in ([1] if hit.strand == "+" else [-1])
        ]
    assert len(promoters.tss) == promoters.counts["tss"] == 32
    n_of = found.motifs.set_index("kind")["n_hits"]
    # CpG-island promoters: GC-boxes stand far above the two hits that 10 kb would have by chance.
    assert n_of["SP1"] == len(texts) > 15
    gc = np.mean([np.isin(text, (1, 2)).mean() for text in texts])
    assert gc > 0.85
    assert found.hits["tss_offset"].between(-250, 100).all()
    assert set(found.hits["gene_name"]) <= set(promoters.tss["gene_name"])
