"""No leak from training to validation, and the split for those who have none."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_run import random_sequence, tiny_config, write_fasta

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.train.config import Source
from ldar_interp.train.held_out import _overlaps, check_held_out, default_sources
from ldar_interp.train.loop import pretrain
from ldar_interp.train.regions import locate


def source(path, name="s", **fields) -> Source:
    return Source(name=name, fasta=path, **fields)


@pytest.fixture
def fasta(tmp_path):
    return write_fasta(tmp_path / "a.fa", random_sequence(200))


# ---- leaks --------------------------------------------------------------------------------------


def test_a_leak_is_named(fasta):
    train = [source(fasta, "left", regions=("chr1:1-100",)), source(fasta, "more")]
    held_out = [source(fasta, "right", regions=("chr1:91-150",))]
    with pytest.raises(InputError) as caught:
        check_held_out(train, held_out)
    assert str(caught.value) == (
        f"{fasta}: validation source 'right' is trained on: it shares chr1:91-100 with training "
        "source 'left' (70 bases in 2 overlaps); exclude them from training or validate elsewhere"
    )
    check_held_out(train[:1], [source(fasta, regions=("chr1:101-150",))])  # they only touch
    cut = source(fasta, "more", exclude=("chr1:91-150",))
    check_held_out([cut], held_out)


def test_a_copy_under_another_name_is_the_same_sequence(fasta, tmp_path):
    shutil.copy(fasta, tmp_path / "copy.fa")
    with pytest.raises(InputError, match=r"copy\.fa: validation source 's' is trained on"):
        check_held_out([source(fasta)], [source(tmp_path / "copy.fa", regions=("chr1:7-7",))])
    other = write_fasta(tmp_path / "b.fa", random_sequence(200, seed=1))
    check_held_out([source(fasta)], [source(other)])


def test_training_refuses_a_leak(tmp_path):
    config = tiny_config(tmp_path)
    whole = config.train[0].model_copy(update={"regions": ()})
    with pytest.raises(InputError, match="validation source 'right' is trained on"):
        pretrain(config.model_copy(update={"train": (whole,)}), tmp_path / "out")


INTERVALS = st.lists(
    st.builds(
        lambda chrom, start, size: Interval(chrom, start, start + size),
        st.sampled_from(["a", "b"]),
        st.integers(0, 30),
        st.integers(1, 15),
    ),
    max_size=8,
)


@given(trained=INTERVALS, held_out=INTERVALS)
def test_every_overlap_is_found_once(trained, held_out):
    wanted = [
        (t.chrom, max(t.start, h.start), min(t.end, h.end))
        for t in trained
        for h in held_out
        if t.chrom == h.chrom and max(t.start, h.start) < min(t.end, h.end)
    ]
    nowhere = source("none.fa")
    found = _overlaps([(i, nowhere) for i in trained], [(i, nowhere) for i in held_out])
    assert sorted((i.chrom, i.start, i.end) for i, _, _ in found) == sorted(wanted)


# ---- the default split --------------------------------------------------------------------------


def test_the_last_twentieth_of_long_records_is_held_out(tmp_path):
    path = tmp_path / "a.fa"
    sizes = {"long": 1000, "exact": 640, "short": 639, "chr5:11-1010": 1000}
    path.write_text("".join(f">{n}\n{random_sequence(k)}\n" for n, k in sizes.items()))
    train, validation = default_sources(path, length=32)
    assert validation.regions == ("long:951-1000", "exact:609-640", "chr5:961-1010")
    with Genome(path) as genome:
        trained = [f"{i.chrom}:{i.start}-{i.end}" for i in locate(train, genome).intervals]
    assert trained == ["long:0-950", "exact:0-608", "short:0-639", "chr5:10-960"]
    check_held_out([train], [validation])


def test_nothing_to_hold_out(fasta):
    message = (
        "a.fa: nothing can be held out for validation: the longest record has 200 bases, wanted "
        "20 windows of 1024; give a shorter train_length"
    )
    with pytest.raises(InputError) as caught:
        default_sources(fasta)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
