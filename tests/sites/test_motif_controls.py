"""The ladder of motif hits: what holds for every control, read off letters and tables plainly."""

import dataclasses
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from control_genomes import letters_at
from motif_case import make_motif, random_text, round_units, turn

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval, offset_of_edge
from ldar_interp.profiles import Profiles
from ldar_interp.sites.balance import BALANCE_COLUMNS
from ldar_interp.sites.column_shuffle import shuffle_columns
from ldar_interp.sites.motif_choices import Measured, choose_shuffled
from ldar_interp.sites.motif_controls import build_motif_controls
from ldar_interp.sites.motif_places import MOTIF_COVARIATES, Places
from ldar_interp.sites.motif_pools import KEEP_AWAY_BP, NEARBY_BP
from ldar_interp.sites.promoter_motifs import PromoterMotifs, find_promoter_motifs
from ldar_interp.sites.score_distribution import Scoring, score_motif
from ldar_interp.sites.table import check_sites, join_sites
from ldar_interp.stats.enrichment import enrichment

WORDS = {"w": "ACCTGAAT", "v": "GGCATCATG"}
MOTIFS = [make_motif(word, name, counts=(20, 1)) for name, word in WORDS.items()]
SCORING = Scoring(p_value=5e-4)
N_TSS, STEP = 30, 6000
COUNTED = ("share_unmatched", "sites", "matched", "unmatched")


def make_world():
    """Promoters every 6 kb on either strand, with two motifs planted in each, on a chromosome."""
    rng = np.random.default_rng(5)
    text = list(random_text(rng, (N_TSS + 1) * STEP, 0.45))
    rows = []
    for i in range(N_TSS):
        edge, strand = (i + 1) * STEP, "+-"[i % 2]
        for word, away in ((WORDS["w"], -40), (WORDS["v"], -110)):
            at = edge + (away if strand == "+" else -away - len(word))
            text[at : at + len(word)] = word if i % 3 else turn(word)
        rows.append((f"t{i}", edge, strand, f"locus{i // 2}"))
    tss = pd.DataFrame(rows, columns=["site_id", "edge", "strand", "group"])
    tss = tss.assign(chrom="chr1", kind="tss", set="site", gene_name=tss["group"])
    return {"chr1": "".join(text)}, tss


RECORDS, TSS = make_world()
GENOME = Genome.from_records(RECORDS)


@pytest.fixture(scope="module")
def found() -> PromoterMotifs:
    return find_promoter_motifs(GENOME, TSS, MOTIFS, scoring=SCORING)


@pytest.fixture(scope="module")
def ladder(found):
    return build_motif_controls(found, GENOME, known=TSS, n_draws=3, seed=1, caliper=3.0)


def first_base(table):
    return np.where(table["strand"] == "-", table["edge"] - table["width_bp"], table["edge"])


def test_the_ladder_has_the_shape_of_the_splice_ladder(found, ladder):
    table = ladder.table
    assert check_sites(table).equals(table)
    assert set(table["set"]) == {"C0", "C1", "C2"}
    assert set(table["draw"]) == {0, 1, 2}
    sites = found.hits.set_index("site_id").loc[table["matched_to"]]
    for column in ("kind", "group", "width_bp", "accession", "gene_name"):
        assert table[column].tolist() == sites[column].tolist()
    assert not table.duplicated(["set", "draw", "matched_to"]).any()
    assert not table.duplicated(["set", "kind", "draw", "chrom", "edge", "strand"]).any()
    assert ladder.balance.columns.tolist() == list(BALANCE_COLUMNS)
    assert set(ladder.balance["covariate"]) == set(MOTIF_COVARIATES)
    assert ladder.sites["site_id"].tolist() == found.hits["site_id"].tolist()
    assert ladder.sites[list(MOTIF_COVARIATES)].notna().all(axis=None)
    np.testing.assert_allclose(ladder.sites["strength"], found.hits["score"])
    assert len(join_sites([ladder.sites, table])) == len(table) + len(found.hits)


def test_c0_is_the_same_promoter_and_strand_and_no_hit(found, ladder):
    c0 = ladder.table[ladder.table["set"] == "C0"]
    sites = found.hits.set_index("site_id").loc[c0["matched_to"]]
    windows = found.windows.set_index("tss_id").loc[sites["tss_id"]]
    start, width = first_base(c0), c0["width_bp"].to_numpy()
    assert (start >= windows["start"].to_numpy()).all()
    assert (start + width <= windows["end"].to_numpy()).all()
    assert c0["strand"].tolist() == sites["strand"].tolist()
    for kind, own in c0.groupby("kind"):
        taken = first_base(found.hits[found.hits["kind"] == kind])
        away = np.abs(first_base(own)[:, None] - taken[None, :]).min(axis=1)
        assert (away >= own["width_bp"]).all()
    counts = ladder.counts["C0"]["w"]
    assert counts["matched"] == counts["sites"] == (found.hits["kind"] == "w").sum()


def test_c1_are_hits_of_the_shuffled_matrix_and_each_way_is_counted(found, ladder):
    c1 = ladder.table[ladder.table["set"] == "C1"]
    assert len(c1) > 20
    assert set(c1["strand"]) == {"+", "-"}
    ways = Counter()
    for motif in MOTIFS:
        threshold = score_motif(motif, SCORING).find_threshold(SCORING.p_value)
        taken = first_base(found.hits[found.hits["kind"] == motif.name])
        own = c1[c1["kind"] == motif.name]
        away = np.abs(first_base(own)[:, None] - taken[None, :]).min(axis=1)
        assert (away >= motif.width).all()
        for draw, rows in own.groupby("draw"):
            shuffled = shuffle_columns(motif, seed=1, draw=int(draw))
            assert shuffled is not None
            units = round_units(shuffled)
            for _, row in rows.iterrows():
                word = letters_at(RECORDS, row, 0, motif.width)
                score = sum(units[i]["ACGT".index(letter)] for i, letter in enumerate(word))
                assert score == round(row["score"] * 100) >= threshold
                assert row["p_value"] <= SCORING.p_value
        site = found.hits.set_index("site_id")
        for _, row in own[own["draw"] == 0].iterrows():
            window = found.windows.set_index("tss_id").loc[site.loc[row["matched_to"], "tss_id"]]
            at = row["edge"] - (row["strand"] == "-") * motif.width
            inside = window["start"] <= at and at + motif.width <= window["end"]
            near = window["start"] - NEARBY_BP <= at and at + motif.width <= window["end"] + 1000
            way = "in the same promoter" if inside else "within 1000 bp of the same promoter"
            ways["matched " + (way if near else "in another promoter")] += 1
    counted = Counter()
    for counts in ladder.counts["C1"].values():
        counted.update({name: n for name, n in counts.items() if name.startswith("matched ")})
    assert counted == ways
    assert len(ways) >= 2


def make_measured(rows):
    """Places from (window, offset from its start, strand is not the gene's), motif 0."""
    window, offset, opposite = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    zeros = np.zeros(n, dtype=np.int64)
    places = Places(zeros, zeros, offset, opposite, zeros, window)
    return Measured(places, np.zeros((n, len(MOTIF_COVARIATES))), offset, opposite)


def test_c1_goes_from_the_same_promoter_outwards():
    sites = make_measured([(0, -50, False), (0, -60, False), (1, -100, False), (2, -30, True)])
    pool = make_measured(
        [
            (0, -200, False),  # in promoter 0
            (1, -900, True),  # near promoter 1
            (5, -31, False),  # in another promoter: the offset fits site 3, the strand does not
            (6, 80, True),  # in another promoter: the strand fits site 3
            (7, -700, True),  # near another promoter: nobody's
        ]
    )
    picks = choose_shuffled(
        np.arange(4), sites, np.arange(5), pool,
        draw_of=np.zeros(5, dtype=np.int64),
        in_window=np.array([True, False, True, True, False]),
        has_shuffle=True, accession="X.1", n_draws=1, seed=0,
    )  # fmt: skip
    _, rows, at = picks.gather()
    chosen = dict(zip(rows.tolist(), at.tolist(), strict=True))
    assert chosen[2] == 1
    assert chosen[3] == 3
    assert sorted([chosen[0], chosen[1]]) == [0, 2]
    assert picks.counts == {
        "matched in the same promoter": 1,
        "matched within 1000 bp of the same promoter": 1,
        "matched in another promoter": 2,
        "matched": 4,
        "unmatched: no hit of the shuffled matrix left": 0,
    }


def test_c2_is_the_same_matrix_far_from_every_start_and_alike(ladder):
    c2 = ladder.table[ladder.table["set"] == "C2"]
    assert len(c2) > 20
    start = first_base(c2)
    known = TSS["edge"].to_numpy()
    for border in (start, start + c2["width_bp"].to_numpy()):
        assert np.abs(border[:, None] - known[None, :]).min() > KEEP_AWAY_BP
    for _, row in c2.iterrows():
        motif = next(m for m in MOTIFS if m.name == row["kind"])
        units = round_units(motif)
        word = letters_at(RECORDS, row, 0, motif.width)
        score = sum(units[i]["ACGT".index(letter)] for i, letter in enumerate(word))
        assert score == round(row["strength"] * 100) == round(row["score"] * 100)
        assert row["p_value"] <= SCORING.p_value
    balance = ladder.balance.query("control == 'C2' and covariate == 'strength'")
    assert (balance["smd_after"].abs() < 0.3).all()


def test_covariates_by_plain_counting(ladder):
    for _, row in ladder.table.query("draw == 0").iloc[::5].iterrows():
        up, down = (letters_at(RECORDS, row, *w) for w in ((-50, 0), (0, 50)))
        around = letters_at(RECORDS, row, -100, 100)
        for text, gc in ((up, "gc_up50"), (down, "gc_down50"), (around, "gc_200")):
            assert row[gc] == pytest.approx((text.count("G") + text.count("C")) / len(text))
        assert row["nearest_tss_bp"] == np.abs(TSS["edge"] - row["edge"]).min()
        motif = next(m for m in MOTIFS if m.name == row["kind"])
        word = letters_at(RECORDS, row, 0, motif.width)
        units = round_units(motif)
        score = sum(units[i]["ACGT".index(letter)] for i, letter in enumerate(word))
        assert round(row["strength"] * 100) == score


def test_counts_add_up(found, ladder):
    for rung, kinds in ladder.counts.items():
        assert set(kinds) == set(WORDS)
        for kind, counts in kinds.items():
            reasons = sum(n for name, n in counts.items() if name.startswith("unmatched:"))
            table = ladder.table
            first = table[(table["set"] == rung) & (table["kind"] == kind) & (table["draw"] == 0)]
            assert counts["sites"] == (found.hits["kind"] == kind).sum()
            assert counts["matched"] == len(first) == counts["sites"] - reasons
            assert counts["share_unmatched"] == pytest.approx(reasons / counts["sites"])


def test_same_seed_same_table_whatever_the_order_of_rows(found, ladder):
    mixed = found.hits.sample(frac=1, random_state=3)
    arguments = {"known": TSS, "n_draws": 3, "caliper": 3.0}
    again = build_motif_controls(found, GENOME, sites=mixed, seed=1, **arguments)
    pd.testing.assert_frame_equal(again.table, ladder.table)
    pd.testing.assert_frame_equal(again.balance, ladder.balance)
    assert again.sites["site_id"].tolist() == mixed["site_id"].tolist()
    by_id = again.sites.set_index("site_id").loc[found.hits["site_id"], "gc_200"]
    assert by_id.tolist() == ladder.sites["gc_200"].tolist()
    other = build_motif_controls(found, GENOME, seed=2, **arguments).table
    for rung in ("C0", "C1"):
        assert set(other["edge"][other["set"] == rung]) != set(
            ladder.table["edge"][ladder.table["set"] == rung]
        )


def test_a_motif_keeps_its_controls_when_another_leaves(found, ladder):
    own = found.hits[found.hits["kind"] == "v"]
    alone = build_motif_controls(
        found, GENOME, sites=own, known=TSS, n_draws=3, seed=1, caliper=3.0
    ).table
    kept = ladder.table[ladder.table["kind"] == "v"]
    assert alone["site_id"].tolist() == kept["site_id"].tolist()
    assert alone["matched_to"].tolist() == kept["matched_to"].tolist()


def test_draws_differ_and_c1_shuffles_anew(ladder):
    for rung in ("C0", "C1", "C2"):
        table = ladder.table[ladder.table["set"] == rung]
        edges = [frozenset(table["edge"][table["draw"] == draw]) for draw in range(3)]
        assert len(set(edges)) == 3


def test_enrichment_takes_them(ladder):
    rng = np.random.default_rng(0)

    def profile(table):
        values = rng.random((len(table), 3), dtype=np.float32)
        values[:, 1] += np.where(table["set"] == "site", 0.5, 0.0).astype(np.float32)
        return Profiles(values, np.arange(-1, 2), table.reset_index(drop=True))

    result = enrichment(
        profile(ladder.sites), profile(ladder.table), n_boot=200, n_flips=199, seed=0
    )
    rows = result.enrichment.query("statistic == 'mean_difference' and control == 'C0'")
    assert set(rows["kind"]) == set(WORDS)
    assert (rows["effect"] > 0.3).all()


def test_background_can_be_chosen(found):
    arguments = {"known": TSS, "n_draws": 1, "rungs": ("C2",), "caliper": 5.0}
    region = Interval("chr1", 20_000, 90_000)
    table = build_motif_controls(found, GENOME, background=[region], **arguments).table
    assert len(table) > 5
    assert table["edge"].between(20_000, 90_000).all()
    with pytest.raises(InputError, match="no base of the background lies outside promoters"):
        build_motif_controls(found, GENOME, background=[Interval("chr1", 5900, 6100)], **arguments)
    with pytest.raises(CoordinateError, match="no chromosome 'chr9'"):
        build_motif_controls(found, GENOME, background=[Interval("chr9", 0, 10)], **arguments)


def test_starts_that_were_not_scanned_are_kept_away_from(found):
    hits = build_motif_controls(
        found, GENOME, known=TSS, n_draws=1, rungs=("C2",), caliper=5.0
    ).table
    more = pd.concat([TSS, hits.assign(edge=hits["edge"] + 400)], ignore_index=True)
    away = build_motif_controls(
        found, GENOME, known=more, n_draws=1, rungs=("C2",), caliper=5.0
    ).table
    assert len(away) > 0
    assert not set(away["edge"]) & set(hits["edge"])


def test_sites_at_the_end_or_near_n_are_counted(found):
    text = list(RECORDS["chr1"])
    first = found.hits[found.hits["kind"] == "w"].iloc[0]
    for at in (first["edge"] - 150, first["edge"] + 150):
        text[at] = "N"
    genome = Genome.from_records({"chr1": "".join(text)})
    again = find_promoter_motifs(genome, TSS, MOTIFS, scoring=SCORING)
    ladder = build_motif_controls(again, genome, known=TSS, n_draws=1, caliper=3.0)
    counts = ladder.counts["C0"]["w"]
    assert counts["unmatched: flank leaves the sequence or holds N"] >= 1
    assert ladder.sites["strength"].isna().sum() >= 1
    assert ladder.table[list(MOTIF_COVARIATES)].notna().all(axis=None)


def test_a_motif_without_another_order_has_no_c1():
    text = list(RECORDS["chr1"])
    for edge in TSS["edge"]:
        text[edge - 40 : edge - 30] = "A" * 10
    genome = Genome.from_records({"chr1": "".join(text)})
    motif = make_motif("AAAAAAAAAA", "a")
    found = find_promoter_motifs(genome, TSS, [motif])
    ladder = build_motif_controls(found, genome, known=TSS, n_draws=2, rungs=("C0", "C1"))
    counts = ladder.counts["C1"]["a"]
    assert counts["matched"] == 0
    assert counts["unmatched: no other order of the motif's columns"] == counts["sites"] >= N_TSS
    assert (ladder.table["set"] == "C0").all()


def test_offsets_are_those_of_the_edge(found):
    tss = TSS.set_index("site_id").loc[found.hits["tss_id"]]
    wanted = offset_of_edge(found.hits["edge"], tss["edge"], tss["strand"])
    assert found.hits["tss_offset"].tolist() == wanted.tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rungs": ("C0", "C9")}, r"rungs \('C0', 'C9'\); wanted some of C0, C1, C2, each once"),
        ({"rungs": ()}, "wanted some of C0, C1, C2"),
        ({"n_draws": 0}, "n_draws 0; wanted a whole number >= 1"),
        ({"seed": -1}, "seed -1; wanted a whole number >= 0"),
        ({"caliper": 0.0}, r"caliper 0\.0; wanted > 0"),
        ({"known": pd.DataFrame({"x": [1]})}, "known has columns x; wanted chrom and edge"),
    ],
)
def test_wrong_arguments_are_refused(found, arguments, message):
    with pytest.raises(InputError, match=message):
        build_motif_controls(found, GENOME, **({"known": TSS} | arguments))


def test_wrong_sites_are_refused(found):
    with pytest.raises(InputError, match="no motif hits; wanted at least one"):
        build_motif_controls(found, GENOME, known=TSS, sites=found.hits.iloc[:0])
    strange = found.hits.assign(site_id=[f"x{i}" for i in range(len(found.hits))])
    with pytest.raises(InputError, match="site 'x0' is not among the hits"):
        build_motif_controls(found, GENOME, known=TSS, sites=strange)
    long = dataclasses.replace(found, scanned=(*found.scanned, make_motif("ACGT" * 60, "long")))
    with pytest.raises(InputError, match=r"flank_bp 200 is shorter than the motif long \(240 bp\)"):
        build_motif_controls(long, GENOME, known=TSS)
