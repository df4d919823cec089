"""Zones and the chunks in them, by hand on a tiny genome."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.boundaries.cuts import Cuts, Domain
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.base_classes import BASE_CLASSES, BaseClasses
from ldar_interp.tokens.chunk_sampling import Zones, measure_chunks, take_zones

EXON, INTERGENIC = BASE_CLASSES.index("exon"), BASE_CLASSES.index("intergenic")


def world(n=400, exon=(40, 60)):
    genome = Genome.from_records({"c": "ACGT" * (n // 4)})
    codes = np.full(n, INTERGENIC, dtype=np.uint8)
    codes[slice(*exon)] = EXON
    return genome, BaseClasses({genome.segments[0]: codes}, {}, {})


def take(n_windows, **options):
    genome, classes = world()
    given = {"window_bp": 64, "margin_bp": 8, "seed": 1} | options
    return take_zones(genome, classes, n_windows=n_windows, **given)


def test_zones_tile_the_sequence() -> None:
    zones = take(1000)
    # 64 - 16 = 48 edges apart: a zone of 36 bp and a reach of 12; the last must fit before 392.
    assert (zones.zone_bp, zones.reach_bp) == (36, 12)
    assert zones.table["low"].tolist() == list(range(8, 392 - 48 + 1, 36))
    assert zones.counts == {
        "exon": {"zones": 2, "taken": 2},
        "intergenic": {"zones": 10, "taken": 10},
    }
    centres, flank = zones.as_sites()
    assert (centres["edge"].iloc[0], flank) == (8 + 24, 24)


def test_each_class_has_its_share() -> None:
    zones = take(8)
    assert zones.counts["exon"]["taken"] == 2 and zones.counts["intergenic"]["taken"] == 4
    # Zones [8, 44) and [44, 80) hold the exon.
    exonic = zones.table[zones.table["classes"].to_numpy() >> EXON & 1 == 1]
    assert exonic["low"].tolist() == [8, 44]


def test_too_few_windows() -> None:
    with pytest.raises(InputError, match=r"allow 1 windows of 64 bp for 2 classes; .*--bases 128"):
        take(1)
    with pytest.raises(InputError, match="no stretch without N is as long"):
        take(10, window_bp=1000)


def chunks(edges, bits):
    genome, classes = world()
    table = pd.DataFrame({"chrom": ["c"], "low": [38], "classes": [bits]})
    zones = Zones(table, 36, 12, {})
    place = ("forward", "c")
    cuts = Cuts(Domain({place: np.array([[38, 86]])}), {place: np.array(edges)})
    return measure_chunks(zones, cuts, genome, classes, block_bp=50, dust=2.0)


def test_chunks_by_hand() -> None:
    both = 1 << EXON | 1 << INTERGENIC
    found = chunks([38, 40, 45, 72, 80], both)
    # The chunk that begins at 72 ends in the reach; the one at 80 begins outside the zone.
    assert found["length_bp"].tolist() == [2, 5, 27, 8]
    assert found["class"].tolist() == ["intergenic", "exon", "exon", "intergenic"]
    assert found["block"].tolist() == ["c:0", "c:0", "c:0", "c:1"]
    assert found["gc"].tolist() == pytest.approx([0.5] * 4, abs=0.01)
    assert (found["run_bp"] == 1).all()


def test_a_chunk_that_stays_open_is_censored() -> None:
    found = chunks([45, 72], 1 << EXON | 1 << INTERGENIC)
    assert found["length_bp"].tolist()[0] == 27 and np.isnan(found["length_bp"].iloc[1])


def test_only_classes_that_the_zone_was_taken_for() -> None:
    assert chunks([38, 40, 45, 72, 80], 1 << EXON)["length_bp"].tolist() == [5, 27]
    assert chunks([80], 1 << EXON).empty
