"""What a scan of every matrix tabulates and draws: motifs with claims, the others named."""

import pandas as pd
import pytest

from ldar_interp.promoter.analysis import choose_curves
from ldar_interp.promoter.files import choose_volcano_rung
from ldar_interp.promoter.report import MOST_NAMES, name_motifs


def test_curves_are_of_motifs_that_can_have_intervals_and_of_those_with_most_hits():
    sizes = {"few": (5, 5), "large": (20, 10), "one_gene": (30, 9), "rare": (1, 1)}
    sites = pd.DataFrame(
        {
            "kind": [kind for kind, (n, _) in sizes.items() for _ in range(n)],
            "group": [f"g{i % m}" for n, m in sizes.values() for i in range(n)],
        }
    )
    assert choose_curves(sites, least=0) == ["large"]
    assert choose_curves(sites, least=1) == ["large", "one_gene"]
    assert choose_curves(sites, least=3) == ["few", "large", "one_gene"]
    assert choose_curves(sites) == list(sizes)


@pytest.mark.parametrize(
    ("controls", "q_values", "wanted"),
    [
        (["C0", "C1", "C2"], [None, 0.2, 0.3], "C2"),
        (["C0", "C1", "C2"], [None, 0.2, None], "C1"),  # too few pairs at C2
        (["C0", "C1", "C2"], [None, None, None], "C2"),
        (["C0", "C1"], [None, None], "C1"),
        (["C0"], [None], "C0"),
    ],
)
def test_the_volcano_is_of_the_tightest_rung_with_a_test(controls, q_values, wanted):
    table = pd.DataFrame({"control": controls, "q_value": pd.Series(q_values, dtype=float)})
    assert choose_volcano_rung(table) == wanted


def test_very_many_names_are_counted():
    names = [f"M{i}" for i in range(MOST_NAMES + 2)]
    assert name_motifs(names[:2]) == "M0, M1"
    assert name_motifs(names).endswith(f"M{MOST_NAMES - 1} and 2 more (motifs.tsv)")
