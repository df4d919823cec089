"""Do the p-values and intervals of the motif ladder mean what they say? From hits to tables.

p is simulated from a fitted k-mer null on a genome with planted motifs; scanning, controls, fit of
the null without the hits, residuals, pairs and tests are those of `promoter_profile`. Twelve motifs
have no effect; then three have one of 0.1 inside, on the same noise. Longer runs:
analyses/motif_calibration.
"""

import pandas as pd
import pytest
import typer
from scipy import stats
from typer.testing import CliRunner

from analyses.motif_calibration.run import EFFECT, PLANTED, compare_run, main, summarise
from analyses.motif_calibration.simulate import make_world

RUNS = 7
FAIR = [("prob", "C2"), ("residual", "C2"), ("truth", "C1"), ("truth", "C2")]
"""Where no effect means no difference. `truth` is p less what it was made from: p against C1
differs by its letters, and its residual by the null's own error at the letters of the motif."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Enrichment rows of all runs; each has its own letters' effects, effects of loci and noise."""
    world = make_world(1)
    found = []
    for run in range(RUNS):
        found.append(compare_run(world, 1, run, every=6))
        found.append(compare_run(world, 1, run, every=None).assign(signal="truth"))
    return pd.concat(found, ignore_index=True)


def choose(rows, signal, control, *, planted):
    here = (rows["signal"] == signal) & (rows["control"] == control)
    here &= (rows["planted"] > 0) == planted
    return rows[here & rows["p_value"].notna()]


@pytest.mark.parametrize(("signal", "control"), FAIR)
def test_p_values_are_uniform_for_motifs_without_an_effect(rows, signal, control):
    found = choose(rows, signal, control, planted=False)
    assert len(found) >= 200
    for level in (0.05, 0.01):
        low, high = stats.binom.interval(0.999, len(found), level)
        assert low <= (found["p_value"] <= level).sum() <= high, level
    for statistic, part in found.groupby("statistic"):
        # Motifs of one run share the effects of loci: not quite as many draws as rows.
        assert stats.kstest(part["p_value"], "uniform").pvalue > 0.005, statistic


@pytest.mark.parametrize(("signal", "control"), FAIR)
def test_intervals_cover_no_effect(rows, signal, control):
    found = choose(rows, signal, control, planted=False)
    covers = (found["ci_low"] <= 0) & (found["ci_high"] >= 0)
    assert 0.92 <= covers.mean() <= 0.985


@pytest.mark.parametrize(("signal", "control"), [*FAIR, ("residual", "C1")])
def test_a_planted_effect_is_found_at_its_size_and_in_its_place(rows, signal, control):
    found = choose(rows, signal, control, planted=True)
    inside = found[found["statistic"] == "inside"]
    assert len(inside) == RUNS * len(PLANTED)
    assert inside["effect"].mean() == pytest.approx(EFFECT, abs=0.006)
    assert (inside["q_value"] < 0.05).mean() > 0.95
    covers = (inside["ci_low"] <= EFFECT) & (inside["ci_high"] >= EFFECT)
    assert covers.mean() >= 0.8
    beside = found[found["statistic"] != "inside"]
    assert abs(beside["effect"].mean()) < 0.006
    assert (beside["q_value"] < 0.05).mean() < 0.1


def test_other_letters_are_a_difference_of_p_and_hardly_of_its_residual(rows):
    """Why the residual is the primary endpoint, and that the tests above can fail."""
    table = summarise(rows[rows["planted"] == 0])
    inside = table[(table["control"] == "C1") & (table["statistic"] == "inside")]
    rates = inside.set_index("signal")["p_at_most_0.05"]
    assert rates["prob"] > 0.12 > rates["residual"]


def test_an_existing_table_is_kept(tmp_path):
    path = tmp_path / "data.tsv"
    path.write_text("kept")
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, ["--out", str(path)])
    assert result.exit_code == 2 and path.read_text() == "kept"
    assert "data.tsv: exists; give another --out, or --force" in result.stderr
