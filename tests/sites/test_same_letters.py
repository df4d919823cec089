"""Controls with the same letters elsewhere: read plainly, mirrored, shuffled, and by hand."""

import numpy as np
import pandas as pd
import pytest
from control_genomes import letters_at, mirror, random_letters, reverse_complement, simulate

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites import letter_pools, letter_search
from ldar_interp.sites.controls import ControlLadder
from ldar_interp.sites.letter_results import RUNG_LETTERS
from ldar_interp.sites.same_letters import build_same_letters
from ldar_interp.sites.table import check_sites

WORLD = simulate(0, n_genes=8)
RECORDS = {**WORLD.records, "chr2": random_letters(np.random.default_rng(5), 300_000)}
GENOME = Genome.from_records(RECORDS)
AVOID = WORLD.annotation.edges
MOTIF, WIDTH = "TATAAAAGG", 9


def build(**changes) -> ControlLadder:
    options = {"avoid": AVOID, "n_draws": 3, "seed": 1} | changes
    return build_same_letters(WORLD.sites, GENOME, **options)


def plant_motifs() -> tuple[dict[str, str], pd.DataFrame]:
    """A motif ten times in chr1 on both strands, and a hundred times in chr2."""
    rng = np.random.default_rng(2)
    records, rows = {}, []
    for chrom, n in (("chr1", 10), ("chr2", 100)):
        text = list(random_letters(rng, 400 * (n + 1)))
        for i in range(n):
            start, strand = 400 * (i + 1), "+-"[i % 2]
            text[start : start + WIDTH] = MOTIF if strand == "+" else reverse_complement(MOTIF)
            if chrom == "chr1":
                edge = start if strand == "+" else start + WIDTH
                rows.append((f"m{i}", chrom, edge, strand, "TATA", "site", f"g{i}", WIDTH))
        records[chrom] = "".join(text)
    columns = ["site_id", "chrom", "edge", "strand", "kind", "set", "group", "width_bp"]
    return records, pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="module")
def ladder() -> ControlLadder:
    return build()


def test_the_table_keeps_the_contract(ladder: ControlLadder) -> None:
    table = ladder.table
    pd.testing.assert_frame_equal(check_sites(table), table)
    assert list(dict.fromkeys(table["set"])) == ["C3-8", "C3-10", "C3-core"]
    assert set(table["draw"]) == {0, 1, 2}
    assert set(table["strand"]) == {"+", "-"}
    assert set(table.loc[table["set"] == "C3-core", "kind"]) == {"donor"}
    sites = WORLD.sites.set_index("site_id").loc[table["matched_to"]]
    for column in ("kind", "group"):
        assert table[column].tolist() == sites[column].tolist()
    assert ladder.sites["site_id"].tolist() == WORLD.sites["site_id"].tolist()


def test_letters_are_those_of_the_site_and_gc_is_near(ladder: ControlLadder) -> None:
    site_of = WORLD.sites.set_index("site_id")
    assert len(ladder.table) > 200
    for _, row in ladder.table.iterrows():
        left, right = RUNG_LETTERS[row["set"]]
        site = site_of.loc[row["matched_to"]]
        assert letters_at(RECORDS, row, -left, right) == letters_at(RECORDS, site, -left, right)
        shares = []
        for place in (row, site):
            letters = letters_at(RECORDS, place, -100, 100)
            shares.append((letters.count("G") + letters.count("C")) / 200)
        assert abs(shares[0] - shares[1]) <= 0.05 + 1e-9
        assert row["gc_200"] == pytest.approx(shares[0])


def test_controls_keep_away_and_apart(ladder: ControlLadder) -> None:
    table = ladder.table
    here = table[table["chrom"] == "chr1"]
    assert len(here) > 5
    edges = AVOID["edge"].to_numpy()
    assert min(np.abs(edges - edge).min() for edge in here["edge"]) > 60
    for _, rows in table.groupby(["set", "draw", "kind", "chrom"]):
        left, right = RUNG_LETTERS[rows["set"].iloc[0]]
        before = np.where(rows["strand"] == "+", left, right)
        start = np.sort(rows["edge"].to_numpy() - before)
        assert (np.diff(start) >= left + right).all()
    assert not table.duplicated(["set", "draw", "matched_to"]).any()


def test_counts_add_up_and_balance_is_judged(ladder: ControlLadder) -> None:
    first_draw = ladder.table[ladder.table["draw"] == 0]
    for rung, kinds in ladder.counts.items():
        for kind, counts in kinds.items():
            reasons = sum(n for name, n in counts.items() if name.startswith("unmatched:"))
            first = first_draw[(first_draw["set"] == rung) & (first_draw["kind"] == kind)]
            assert counts["sites"] == 24
            assert counts["matched"] == len(first) == 24 - reasons
            assert counts["share_unmatched"] == pytest.approx(reasons / 24)
    matched = ladder.balance[ladder.balance["covariate"] == "gc_200"]
    assert set(matched["control"]) == set(ladder.counts)
    eight = matched[matched["control"] == "C3-8"]
    assert (eight["smd_after"].abs() < 0.15).all()
    assert (eight["smd_after"].abs() < eight["smd_before"].abs() + 0.05).all()


def test_the_other_strand_gives_the_same_controls_mirrored() -> None:
    turned = mirror(WORLD)
    records = {name: reverse_complement(text) for name, text in RECORDS.items()}
    there = build_same_letters(
        turned.sites,
        Genome.from_records(records),
        avoid=turned.annotation.edges,
        n_draws=3,
        seed=1,
    )
    here = build().table.set_index(["set", "draw", "matched_to"])
    back = there.table.set_index(["set", "draw", "matched_to"]).loc[here.index]
    length = here["chrom"].map({name: len(text) for name, text in RECORDS.items()})
    assert (back["chrom"] == here["chrom"]).all()
    assert (length - back["edge"] == here["edge"]).all()
    assert (back["strand"] != here["strand"]).all()
    pd.testing.assert_series_equal(back["gc_up50"], here["gc_up50"])


def test_rows_in_any_order_and_blocks_of_any_size_give_the_same(
    ladder: ControlLadder, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = np.random.default_rng(0).permutation(len(WORLD.sites))
    again = build_same_letters(
        WORLD.sites.iloc[order], GENOME, avoid=AVOID, n_draws=3, seed=1
    ).table
    pd.testing.assert_frame_equal(again, ladder.table)
    monkeypatch.setattr(letter_search, "BLOCK_BP", 10_007)
    monkeypatch.setattr(letter_pools, "_PRUNE_ROWS", 50)
    pd.testing.assert_frame_equal(build().table, ladder.table)


def test_the_seed_and_the_draw_decide(ladder: ControlLadder) -> None:
    edges = {
        (seed, draw): set(zip(table["matched_to"], table["edge"], strict=True))
        for seed, found in ((1, ladder.table), (2, build(seed=2).table))
        for draw, table in found[found["set"] == "C3-8"].groupby("draw")
    }
    assert edges[1, 0] != edges[2, 0]
    assert edges[1, 1] != edges[1, 2]


def test_a_motif_by_hand_on_both_strands() -> None:
    records, sites = plant_motifs()
    genome = Genome.from_records(records)
    ladder = build_same_letters(sites, genome, rungs=("C3-8",), n_draws=1, caliper=1.0)
    assert len(ladder.table) == 10
    assert set(ladder.table["width_bp"]) == {WIDTH}
    for _, row in ladder.table.iterrows():
        # 8 letters around edge + 9 // 2 are the motif without its last letter.
        assert letters_at(records, row, 0, 8) == MOTIF[:8]
        planted = row["edge"] % 400 == (0 if row["strand"] == "+" else WIDTH)
        assert planted and row["chrom"] == "chr2"
    regions = pd.DataFrame({"chrom": ["chr2"], "start": [0], "end": [20_000]})
    kept = build_same_letters(
        sites, genome, rungs=("C3-8",), n_draws=1, caliper=1.0, avoid_regions=regions
    )
    assert kept.table["edge"].min() >= 20_000
    assert kept.counts["C3-8"]["TATA"]["candidates dropped: in a region to avoid"] >= 49


def test_region_borders_count_bases_not_edges() -> None:
    records, sites = plant_motifs()
    genome = Genome.from_records(records)
    for start, end, lost in ((400 + WIDTH, 420, 0), (390, 400, 0), (390, 401, 1)):
        regions = pd.DataFrame({"chrom": ["chr2"], "start": [start], "end": [end]})
        counts = build_same_letters(
            sites, genome, rungs=("C3-8",), n_draws=1, caliper=1.0, avoid_regions=regions
        ).counts["C3-8"]["TATA"]
        assert counts.get("candidates dropped: in a region to avoid", 0) == lost


def test_what_cannot_be_matched_is_counted() -> None:
    text = random_letters(np.random.default_rng(9), 2000)
    rows = [("a", "chr1", 1000, "+"), ("b", "chr1", 30, "+")]
    sites = pd.DataFrame(rows, columns=["site_id", "chrom", "edge", "strand"]).assign(
        kind="donor", set="site", group="g"
    )
    ladder = build_same_letters(
        sites, Genome.from_records({"chr1": text}), rungs=("C3-10",), n_draws=1
    )
    assert ladder.counts["C3-10"]["donor"] == {
        "sites": 2,
        "matched": 0,
        "unmatched": 2,
        "share_unmatched": 1.0,
        "candidates dropped: within 60 bp of an edge to avoid": 1,
        "candidates seen": 1,
        "unmatched: flank leaves the sequence or holds N": 1,
        "unmatched: no other place with these letters": 1,
    }
    assert len(ladder.table) == 0
    assert ladder.sites["gc_200"].isna().tolist() == [False, True]
    # The same letters, but only in a desert of A and T: outside the caliper.
    desert = "AT" * 300 + text[995:1005] + "TA" * 300
    far = Genome.from_records({"chr1": text, "chr2": desert})
    counts = build_same_letters(sites, far, rungs=("C3-10",), n_draws=1).counts
    assert counts["C3-10"]["donor"]["unmatched: no free place within the GC caliper"] == 1


def test_exons_are_reported_where_given() -> None:
    ladder = build(rungs=("C3-8",), exons=WORLD.annotation.exons, n_draws=1)
    assert "exonic" in ladder.table.columns
    for row in ladder.table.itertuples():
        exons = WORLD.annotation.exons
        inside = (exons["start"] < row.edge) & (row.edge < exons["end"]) & (row.chrom == "chr1")
        assert bool(row.exonic) == inside.any()


SITES = WORLD.sites


@pytest.mark.parametrize(
    ("sites", "changes", "message"),
    [
        (SITES.iloc[:0], {}, "sites is empty; wanted at least one site"),
        (SITES.assign(set="C1"), {}, "sites hold 48 rows that are controls"),
        (pd.concat([SITES, SITES.assign(site_id=SITES["site_id"] + "x")]), {}, "'s0x' twice"),
        (SITES, {"rungs": ("C3-9",)}, "wanted some of C3-8, C3-10, C3-core, each once"),
        (SITES.assign(kind="INR"), {"rungs": ("C3-core",)}, "C3-core is for donors"),
        (SITES, {"n_draws": 0}, "n_draws 0; wanted a whole number >= 1"),
        (SITES, {"flank_bp": 0}, "flank_bp 0; wanted"),
        (SITES, {"seed": -1}, "seed -1; wanted"),
        (SITES, {"caliper": 1.5}, "caliper 1.5; wanted 0 to 1"),
        (SITES, {"avoid": AVOID[["edge"]]}, "avoid has columns edge; wanted chrom, edge"),
        (SITES, {"avoid_regions": AVOID}, "avoid_regions has columns chrom, edge; wanted chrom, s"),
        (SITES.assign(width_bp=range(48)), {}, "kind 'acceptor' have the widths"),
    ],
)
def test_wrong_input_is_refused(sites: pd.DataFrame, changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_same_letters(sites, GENOME, **changes)


def test_an_unknown_chromosome_is_refused() -> None:
    with pytest.raises(CoordinateError, match="sites lie on chrX, which the genome does not have"):
        build_same_letters(SITES.assign(chrom="chrX"), GENOME)
