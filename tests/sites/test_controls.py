"""The control ladder: what holds for every control, checked on letters and edges read plainly."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from control_genomes import letters_at, mirror, random_letters, simulate

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.candidates import Pool, count_bases, find_pool, read_stretches
from ldar_interp.sites.controls import ControlLadder, build_controls, match_controls
from ldar_interp.sites.covariates import MATCHED, REPORTED
from ldar_interp.sites.loci import AnnotatedEdges, find_loci
from ldar_interp.sites.table import check_sites

WORLD = simulate(0)
PLACE = {"donor": (0, 2), "acceptor": (-2, 0)}
KEEP_AWAY = {"C0": 30, "C1": 60, "C2": 60}


@pytest.fixture(scope="module")
def ladder() -> ControlLadder:
    return build_controls(
        WORLD.sites, WORLD.genome, annotation=WORLD.annotation, n_draws=3, caliper=6.0
    )


def test_the_table_keeps_the_contract(ladder: ControlLadder) -> None:
    table = ladder.table
    pd.testing.assert_frame_equal(check_sites(table), table)
    assert set(table["set"]) == {"C0", "C1", "C2"}
    assert set(table["draw"]) == {0, 1, 2}
    sites = WORLD.sites.set_index("site_id").loc[table["matched_to"]]
    for column in ("chrom", "strand", "kind", "group", "gene_id"):
        assert table[column].tolist() == sites[column].tolist()
    assert table[list(REPORTED)].notna().all(axis=None)


def test_controls_lie_in_the_gene_and_far_from_annotated_edges(ladder: ControlLadder) -> None:
    edges = WORLD.annotation.edges["edge"].to_numpy()
    genes = WORLD.annotation.genes.set_index("group")
    for row in ladder.table.itertuples():
        assert np.abs(edges - row.edge).min() > KEEP_AWAY[row.set]
        assert genes.loc[row.group, "start"] <= row.edge <= genes.loc[row.group, "end"]
        assert row.nearest_edge_bp == np.abs(edges - row.edge).min()


def test_c0_uses_the_room_between_30_and_60_bp(ladder: ControlLadder) -> None:
    assert (ladder.table.query("set == 'C0'")["nearest_edge_bp"] <= 60).any()


def test_a_control_has_the_two_letters_of_its_site_on_either_strand(ladder: ControlLadder) -> None:
    site_of = WORLD.sites.set_index("site_id")
    paired = ladder.table[ladder.table["set"] != "C0"]
    assert set(paired["strand"]) == {"+", "-"}
    for _, row in paired.iterrows():
        wanted = {"donor": "GT", "acceptor": "AG"}[row["kind"]]
        assert letters_at(WORLD.records, row, *PLACE[row["kind"]]) == wanted
        site = site_of.loc[row["matched_to"]]
        assert letters_at(WORLD.records, site, *PLACE[row["kind"]]) == wanted


def test_no_control_serves_two_sites_of_a_rung_kind_and_draw(ladder: ControlLadder) -> None:
    table = ladder.table
    assert not table.duplicated(["set", "kind", "draw", "chrom", "edge", "strand"]).any()
    assert not table.duplicated(["set", "draw", "matched_to"]).any()
    assert not set(table["edge"]) & set(WORLD.sites["edge"])


def test_counts_add_up(ladder: ControlLadder) -> None:
    table = ladder.table
    for rung, kinds in ladder.counts.items():
        for kind, counts in kinds.items():
            reasons = sum(n for name, n in counts.items() if name.startswith("unmatched:"))
            first = table[(table["set"] == rung) & (table["kind"] == kind) & (table["draw"] == 0)]
            assert counts["sites"] == (WORLD.sites["kind"] == kind).sum() == 18
            assert counts["matched"] == len(first) == 18 - reasons
            assert counts["share_unmatched"] == pytest.approx(reasons / 18)


def test_half_of_c0_is_exonic(ladder: ControlLadder) -> None:
    exons = WORLD.annotation.exons
    c0 = ladder.table.query("set == 'C0' and draw == 0")
    inside = [((exons["start"] < edge) & (edge < exons["end"])).any() for edge in c0["edge"]]
    assert (c0["exonic"] > 0).tolist() == inside
    for group, part in c0.groupby(["group", "kind"]):
        # Three sites: the odd one falls on either side.
        assert part["exonic"].sum() in (1, 2), group
    assert len(set(c0.groupby(["group", "kind"])["exonic"].sum())) == 2


def test_exons_too_short_for_c0_are_counted_not_replaced() -> None:
    # 61 bp: the middle edge is 30 and 31 bp from the ends, and > 30 is asked for.
    world = simulate(1, exon_bp=61)
    ladder = build_controls(world.sites, world.genome, annotation=world.annotation, rungs=("C0",))
    assert (ladder.table["exonic"] == 0).all()
    for counts in ladder.counts["C0"].values():
        assert 6 <= counts["unmatched: no exonic edge left in the gene"] <= 12
        assert counts["matched"] == 18 - counts["unmatched: no exonic edge left in the gene"]


@pytest.mark.parametrize(("donor", "letters"), [("CAGGCAAGT", "GC"), ("ATCATCCTT", "AT")])
def test_rare_donors_get_their_own_letters(donor: str, letters: str) -> None:
    world = simulate(2, donor=donor)
    table = match_controls(world.sites, world.genome, annotation=world.annotation, n_draws=1)
    c1 = table.query("set == 'C1' and kind == 'donor'")
    assert len(c1) == 18
    assert {letters_at(world.records, row, 0, 2) for _, row in c1.iterrows()} == {letters}


def pools(world, kind: str, code: int | None, keep_away: int, flank: int = 100) -> dict[str, Pool]:
    annotated = AnnotatedEdges([world.sites, world.annotation.edges])
    return {
        locus.group: find_pool(
            read_stretches(world.genome, locus, flank),
            locus,
            annotated,
            kind=kind,
            dinucleotide=code,
            keep_away_bp=keep_away,
            flank_bp=flank,
            log_odds=np.arange(36.0).reshape(9, 4) if kind == "donor" else None,
            counts=Counter(),
        )
        for locus in find_loci(world.sites, world.annotation).values()
    }


@pytest.mark.parametrize(("kind", "code"), [("donor", 11), ("acceptor", 2), ("donor", None)])
def test_candidates_are_the_same_from_the_other_end(kind: str, code: int | None) -> None:
    length = len(WORLD.records["chr1"])
    here, there = pools(WORLD, kind, code, 60), pools(mirror(WORLD), kind, code, 60)
    assert here.keys() == there.keys()
    for group, pool in here.items():
        assert len(pool) > 50
        assert (length - there[group].edges[::-1]).tolist() == pool.edges.tolist()
        np.testing.assert_allclose(there[group].values[::-1], pool.values)


def test_candidates_are_complete() -> None:
    """Every GT that a plain search finds in the rules' room is a candidate, and nothing else."""
    known = WORLD.annotation.edges["edge"].to_numpy()
    found = pools(WORLD, "donor", 11, 60)
    text = WORLD.records["chr1"]
    for gene in WORLD.annotation.genes.itertuples():
        wanted = [
            edge
            for edge in range(gene.start, gene.end + 1)
            if (
                text[edge : edge + 2] == "GT"
                if gene.strand == "+"
                else text[edge - 2 : edge] == "AC"
            )
            and np.abs(known - edge).min() > 60
        ]
        assert found[gene.group].edges.tolist() == wanted


def test_the_background_is_read_on_the_genes_own_strand() -> None:
    genome = Genome.from_records({"chr1": "A" * 10 + "CCGT" + "A" * 10})
    rows = [(10, "donor"), (14, "acceptor")]
    sites = pd.DataFrame(rows, columns=["edge", "kind"]).assign(chrom="chr1", group="g")
    for strand, wanted in (("+", [0, 2, 1, 1]), ("-", [1, 1, 2, 0])):
        (locus,) = find_loci(sites.assign(strand=strand)).values()
        assert count_bases(genome, locus).tolist() == wanted


def test_covariates_by_plain_counting(ladder: ControlLadder) -> None:
    for _, row in ladder.table.query("draw == 0").iterrows():
        up, down = (letters_at(WORLD.records, row, *w) for w in ((-50, 0), (0, 50)))
        around = letters_at(WORLD.records, row, -100, 100)
        for text, gc in ((up, "gc_up50"), (down, "gc_down50"), (around, "gc_200")):
            assert row[gc] == pytest.approx((text.count("G") + text.count("C")) / len(text))
        for text, cpg in ((up, "cpg_up50"), (down, "cpg_down50")):
            product = text.count("C") * text.count("G")
            wanted = text.count("CG") * len(text) / product if product else 0.0
            assert row[cpg] == pytest.approx(wanted)


def test_same_seed_same_table_whatever_the_order_of_rows(ladder: ControlLadder) -> None:
    shuffled = WORLD.sites.sample(frac=1, random_state=3)
    arguments = {"annotation": WORLD.annotation, "n_draws": 3, "caliper": 6.0}
    again = build_controls(shuffled, WORLD.genome, **arguments)
    pd.testing.assert_frame_equal(again.table, ladder.table)
    pd.testing.assert_frame_equal(again.balance, ladder.balance)
    assert again.counts == ladder.counts
    assert again.sites["site_id"].tolist() == shuffled["site_id"].tolist()
    by_id = again.sites.set_index("site_id").loc[WORLD.sites["site_id"], "strength"]
    assert by_id.tolist() == ladder.sites["strength"].tolist()
    other = match_controls(WORLD.sites, WORLD.genome, seed=1, **arguments)
    for rung in ("C0", "C1"):
        first, second = (set(t["edge"][t["set"] == rung]) for t in (other, ladder.table))
        assert first != second


def test_a_gene_keeps_its_controls_when_another_one_leaves() -> None:
    some = WORLD.sites[WORLD.sites["group"] != "locus5"]
    arguments = {"annotation": WORLD.annotation, "rungs": ("C0", "C1"), "n_draws": 2}
    everything = match_controls(WORLD.sites, WORLD.genome, **arguments)
    rest = match_controls(some, WORLD.genome, **arguments)
    kept = everything[everything["group"] != "locus5"]
    assert kept["site_id"].tolist() == rest["site_id"].tolist()


def test_repeat_draws_differ(ladder: ControlLadder) -> None:
    for rung in ("C0", "C1", "C2"):
        table = ladder.table[ladder.table["set"] == rung]
        assert len({frozenset(part["edge"]) for _, part in table.groupby("draw")}) == 3


def test_planted_imbalance_is_removed_by_matching() -> None:
    """Sites stand in GC-rich flanks; parts of the introns are as rich, so matches exist."""
    world = simulate(4, n_genes=10, intron_bp=2500, fidelity=0.2)
    rng = np.random.default_rng(0)
    letters = list(world.records["chr1"])
    rich = [(int(edge) - 150, int(edge) + 150) for edge in world.sites["edge"]]
    rich += [(start + 700 * k, end + 700 * k) for start, end in rich for k in (1, 2)]
    core = set()
    for row in world.sites.itertuples():
        core |= set(range(row.edge - 23, row.edge + 23))
    for start, end in rich:
        for x in range(start, min(end, len(letters))):
            if x not in core and rng.random() < 0.4:
                letters[x] = "GC"[rng.integers(2)]
    genome = Genome.from_records({"chr1": "".join(letters)})
    balance = build_controls(
        world.sites, genome, annotation=world.annotation, n_draws=1, caliper=3.5
    ).balance.set_index(["control", "kind", "covariate"])
    for kind in ("donor", "acceptor"):
        planted, matched = balance.loc["C1", kind, "gc_200"], balance.loc["C2", kind, "gc_200"]
        assert planted["smd_before"] > 0.5
        assert abs(planted["smd_after"]) > 0.4
        assert planted["flagged"]
        assert abs(matched["smd_after"]) < abs(planted["smd_after"]) / 3


def test_constant_soft_mask_has_no_difference(ladder: ControlLadder) -> None:
    rows = ladder.balance.query("covariate == 'soft_mask_200'")
    assert rows["smd_after"].isna().all()
    assert not rows["flagged"].any()
    assert ladder.balance["covariate"].tolist() == list(REPORTED) * 6


def test_soft_masked_letters_are_letters_and_their_share_is_measured() -> None:
    lower = Genome.from_records({"chr1": WORLD.records["chr1"].lower()})
    ladder = build_controls(WORLD.sites, lower, annotation=WORLD.annotation, n_draws=1)
    assert (ladder.sites["soft_mask_200"] == 1).all()
    upper = match_controls(WORLD.sites, WORLD.genome, annotation=WORLD.annotation, n_draws=1)
    columns = [c for c in upper.columns if c != "soft_mask_200"]
    pd.testing.assert_frame_equal(ladder.table[columns], upper[columns])


def test_n_and_the_ends_are_dropped_and_counted() -> None:
    text = WORLD.records["chr1"]
    first = WORLD.sites.sort_values("edge").iloc[0]
    intron = int(first["edge"]) + 400
    # A record that starts 150 bp before the first donor, and an N in the middle of its intron.
    start = int(first["edge"]) - 150
    records = {f"chr1:{start + 1}-{len(text)}": text[start:intron] + "N" + text[intron + 1 :]}
    genome = Genome.from_records(records)
    ladder = build_controls(WORLD.sites, genome, annotation=WORLD.annotation, n_draws=2)
    reason = "unmatched: flank leaves the sequence or holds N"
    assert ladder.counts["C1"]["donor"][reason] == 1
    assert reason not in ladder.counts["C1"]["acceptor"]
    dropped = "candidates dropped: flank leaves the sequence or holds N"
    assert ladder.counts["C1"]["donor"][dropped] > 0
    assert first["site_id"] not in set(ladder.table["matched_to"])
    assert (np.abs(ladder.table["edge"] - intron) > 199).all()
    assert (ladder.table["edge"] >= start + 200).all()
    unknown = ladder.sites["strength"].isna()
    assert ladder.sites["site_id"][unknown].tolist() == [first["site_id"]]


def test_without_annotation_genes_and_exons_are_read_off_the_sites() -> None:
    table = match_controls(WORLD.sites, WORLD.genome, n_draws=1)
    known = WORLD.sites["edge"].to_numpy()
    spans = WORLD.sites.groupby("group")["edge"].agg(["min", "max"])
    exons = WORLD.annotation.exons
    for row in table.itertuples():
        assert np.abs(known - row.edge).min() > KEEP_AWAY[row.set]
        assert spans.loc[row.group, "min"] < row.edge < spans.loc[row.group, "max"]
        inside = ((exons["start"] < row.edge) & (row.edge < exons["end"])).any()
        assert bool(row.exonic) is bool(inside)


def test_edges_to_avoid_are_kept_away_from() -> None:
    plain = match_controls(WORLD.sites, WORLD.genome, annotation=WORLD.annotation, n_draws=1)
    avoid = plain.loc[plain["set"] == "C1", ["chrom", "edge"]]
    ladder = build_controls(
        WORLD.sites, WORLD.genome, annotation=WORLD.annotation, n_draws=1, avoid=avoid
    )
    for row in ladder.table.itertuples():
        assert np.abs(avoid["edge"] - row.edge).min() > KEEP_AWAY[row.set]


def test_an_edge_in_genes_of_two_groups_is_nobodys_control() -> None:
    genes = WORLD.annotation.genes.copy()
    # Gene 0 reaches over the first half of gene 2, on the same strand.
    middle = int(genes.loc[2, "start"] + genes.loc[2, "end"]) // 2
    genes.loc[0, "end"] = middle
    annotation = WORLD.annotation.__class__(**(WORLD.annotation.__dict__ | {"genes": genes}))
    ladder = build_controls(WORLD.sites, WORLD.genome, annotation=annotation, n_draws=2)
    start = int(genes.loc[2, "start"])
    plus = ladder.table[ladder.table["strand"] == "+"]
    assert not plus["edge"].between(start + 1, middle - 1).any()
    assert ladder.counts["C1"]["donor"]["candidates dropped: in genes of two groups"] > 0


def test_one_gene_alone_has_no_strength_and_no_c2() -> None:
    one = WORLD.sites[WORLD.sites["group"] == "locus0"]
    ladder = build_controls(one, WORLD.genome, annotation=WORLD.annotation, n_draws=2)
    reason = "unmatched: no site in another gene to fit site strength on"
    assert ladder.counts["C2"]["donor"][reason] == 3
    assert set(ladder.table["set"]) == {"C0", "C1"}
    assert ladder.table["strength"].isna().all()


def test_a_site_whose_gene_the_annotation_lacks_is_counted() -> None:
    genes = WORLD.annotation.genes.query("group != 'locus1'")
    annotation = WORLD.annotation.__class__(**(WORLD.annotation.__dict__ | {"genes": genes}))
    ladder = build_controls(WORLD.sites, WORLD.genome, annotation=annotation, n_draws=1)
    reason = "unmatched: the annotation has no gene of this group and strand here"
    assert all(counts[kind][reason] == 3 for counts in ladder.counts.values() for kind in counts)
    assert "locus1" not in set(ladder.table["group"])


def test_too_few_candidates_are_counted() -> None:
    """A gene of poly-A introns has no GT to offer."""
    text = list("A" * 4000)
    for donor, acceptor in ((500, 1500), (2000, 3000)):
        text[donor : donor + 2], text[acceptor - 2 : acceptor] = "GT", "AG"
    rows = [(500, "donor"), (1500, "acceptor"), (2000, "donor"), (3000, "acceptor")]
    sites = pd.DataFrame(rows, columns=["edge", "kind"]).assign(
        site_id=list("abcd"), chrom="c", strand="+", set="site", group="g"
    )
    genome = Genome.from_records({"c": "".join(text)})
    ladder = build_controls(sites, genome, rungs=("C1",), n_draws=2)
    reason = "unmatched: no candidate left in the gene with these two letters"
    assert ladder.counts["C1"]["donor"][reason] == 2
    assert len(ladder.table) == 0
    check_sites(ladder.table)


def test_caliper_bounds_every_pair() -> None:
    """The distance of a pair, computed from the two tables alone."""
    ladder = build_controls(
        WORLD.sites, WORLD.genome, annotation=WORLD.annotation, rungs=("C2",), caliper=3.5
    )
    for kind, controls in ladder.table.groupby("kind"):
        sites = ladder.sites[ladder.sites["kind"] == kind].set_index("site_id")[list(MATCHED)]
        spread = sites.std(ddof=0)
        partner = sites.loc[controls["matched_to"]].to_numpy()
        gap = (partner - controls[list(MATCHED)].to_numpy())[:, :6] / spread.to_numpy()[:6]
        gap[:, 0] += 0.1
        distance = np.sqrt(((gap * [2, 1, 1, 1.5, 1.5, 1.5]) ** 2).sum(axis=1))
        assert 2.0 < distance.max() <= 3.5 + 1e-9


SITES = WORLD.sites


@pytest.mark.parametrize(
    ("sites", "arguments", "message"),
    [
        (SITES, {"rungs": ("C3",)}, r"rungs \('C3',\); wanted some of C0, C1, C2"),
        (SITES, {"rungs": ()}, "wanted some of C0"),
        (SITES, {"n_draws": 0}, "n_draws 0; wanted a whole number >= 1"),
        (SITES, {"flank_bp": 0}, "flank_bp 0; wanted a whole number >= 1"),
        (SITES, {"seed": -1}, "seed -1; wanted a whole number >= 0"),
        (SITES, {"caliper": 0.0}, "caliper 0.0; wanted > 0"),
        (SITES, {"avoid": SITES[["edge"]]}, "avoid has columns edge; wanted chrom and edge"),
        (SITES.iloc[:0], {}, "sites is empty"),
        (SITES.assign(kind="tss"), {}, "kind 'tss'; wanted donor and acceptor"),
        (SITES.assign(set="C1"), {}, "36 rows that are controls"),
        (
            pd.concat([SITES, SITES.iloc[:1].assign(site_id="again")]),
            {},
            r"'again' twice \(1 such rows\); wanted each chrom, edge, strand and kind once",
        ),
        (SITES.drop(columns="group"), {}, "lacks column 'group'"),
    ],
)
def test_wrong_input_is_refused(sites: pd.DataFrame, arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_controls(sites, WORLD.genome, annotation=WORLD.annotation, **arguments)


def test_a_missing_chromosome_is_an_error_not_zeros() -> None:
    genome = Genome.from_records({"1": random_letters(np.random.default_rng(0), 500)})
    with pytest.raises(CoordinateError, match="sites lie on chr1, which the genome does not have"):
        build_controls(WORLD.sites, genome)
