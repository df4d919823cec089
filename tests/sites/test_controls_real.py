"""The ladder on human genes: balanced where it is matched, and most sites kept."""

from pathlib import Path

import pandas as pd
import pytest

from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.controls import ControlLadder, build_controls, match_controls
from ldar_interp.sites.covariates import MATCHED
from ldar_interp.sites.gencode import SpliceAnnotation, load_splice_sites

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "ldar_interp" / "assets" / "demo"
DATA = ROOT.parent / "shared" / "data" / "genome"
INPUTS = {
    "demo": (DEMO / "demo.fa.gz", DEMO / "demo.gtf.gz"),
    "chr20": (
        DATA / "grch38.chr20_and_21_10M.fa.gz",
        DATA / "gencode_v43.GRCh38.chr20_0_10M.gtf.gz",
    ),
}


@pytest.fixture(scope="module", params=sorted(INPUTS))
def case(request, tmp_path_factory):
    fasta, gtf = INPUTS[request.param]
    missing = [path.name for path in (fasta, gtf) if not path.exists()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}, which is not here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with Genome(fasta) as genome:
            annotation = load_splice_sites(gtf, genome)
            # The test region of chromosome 20 is not looked at while anything is chosen.
            sites = annotation.sites
            sites = sites[(sites["chrom"] != "chr20") | (sites["edge"] < 7_000_000)]
            yield (
                genome,
                annotation,
                sites,
                build_controls(sites, genome, annotation=annotation, n_draws=2),
            )


Case = tuple[Genome, SpliceAnnotation, pd.DataFrame, ControlLadder]


def test_every_matched_covariate_is_balanced(case: Case) -> None:
    balance = case[3].balance
    matched = balance[(balance["control"] == "C2") & balance["covariate"].isin(MATCHED)]
    assert not matched["flagged"].any(), matched[matched["flagged"]].to_string()
    strength = balance[balance["covariate"] == "strength"].set_index(["control", "kind"])
    assert (strength["smd_before"] > 1).all()  # what there was to remove
    assert (strength.loc["C1", "smd_after"] > 1).all()


def test_most_sites_find_a_control(case: Case) -> None:
    counts = case[3].counts
    for kind in ("donor", "acceptor"):
        assert counts["C0"][kind]["share_unmatched"] < 0.02
        assert counts["C1"][kind]["share_unmatched"] < 0.02
        assert counts["C2"][kind]["share_unmatched"] < 0.2


def test_real_controls_keep_away_from_every_annotated_edge(case: Case) -> None:
    _, annotation, _, ladder = case
    for chrom, rows in ladder.table.groupby("chrom"):
        known = pd.Index(annotation.edges.loc[annotation.edges["chrom"] == chrom, "edge"].unique())
        for distance in range(-60, 61):
            near = rows["set"].ne("C0") | (abs(distance) <= 30)
            assert not (rows["edge"] + distance)[near].isin(known).any()


def test_a_path_serves_as_well_as_an_open_genome(case: Case) -> None:
    genome, annotation, sites, ladder = case
    assert genome.path is not None
    table = match_controls(sites, genome.path, annotation=annotation, rungs=("C1",), n_draws=2)
    wanted = ladder.table[ladder.table["set"] == "C1"].reset_index(drop=True)
    pd.testing.assert_frame_equal(table, wanted)
