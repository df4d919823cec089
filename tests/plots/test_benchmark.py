"""The figure of a benchmark: its dots are the table's numbers, its text is readable."""

import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.plots.benchmark import METHODS, benchmark_figure
from ldar_interp.plots.style import check_figure


def make_results(tasks=("H3", "promoter_tata", "splice_sites_all"), methods=tuple(METHODS)):
    rows = []
    for t, task in enumerate(tasks):
        for m, method in enumerate(methods):
            value = 0.7 - 0.05 * m - 0.2 * t
            for fold in (0, "all"):
                rows.append(
                    {
                        "task": task, "method": method, "fold": fold, "split": "test",
                        "metric": "mcc", "value": value, "ci_low": value - 0.05,
                        "ci_high": value + 0.04, "n_train": 2688, "n_test": 1497, "seed": 1,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def make_differences(tasks=("H3", "promoter_tata")):
    return pd.DataFrame(
        [
            {
                "task": task, "method": "finetune", "floor": "kmer", "split": "test",
                "metric": "mcc", "effect": -0.1234, "ci_low": -0.2, "ci_high": 0.011,
            }
            for task in tasks
        ]
    )  # fmt: skip


def test_dots_are_the_values_of_all_folds():
    figure = benchmark_figure(make_results(), make_differences())
    dots = [line for line in figure.axes[0].lines if (line.get_gid() or "").startswith("value-")]
    found = [round(float(line.get_xdata()[0]), 3) for line in dots]
    wanted = make_results().query("fold == 'all'")["value"].round(3).tolist()
    assert found == wanted


def test_difference_and_published_values_are_shown():
    figure = benchmark_figure(
        make_results(), make_differences(), published={"H3": 0.817, "H4": 0.812}
    )
    texts = [text.get_text() for text in figure.texts]
    assert texts.count("−0.12 [−0.20, +0.01]") == 2
    dashed = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in dashed] == [0.817]


def test_text_is_readable():
    figure = benchmark_figure(make_results(), make_differences(), published={"H3": 0.8})
    assert check_figure(figure) == []


def test_a_long_name_ends_before_the_dots():
    long = "enhancers_of_my_cell_line_against_shuffled_sequences"
    names = ("demo_coding_vs_intergenomic_seqs", long)
    figure = benchmark_figure(make_results(names), make_differences(names))
    figure.canvas.draw()
    begin = figure.axes[0].get_window_extent().x0
    shown = [text for text in figure.texts if text.get_weight() == "bold"]
    assert all(text.get_window_extent().x1 < begin for text in shown)
    whole, cut = (text.get_text() for text in shown)
    assert whole == names[0]
    assert cut.endswith("…") and long.startswith(cut[:-1]) and len(cut) > 25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="value"), "results table: no column value"),
        (lambda t: t.assign(metric="f1"), "no rows of metric 'mcc' over all folds"),
    ],
)
def test_tables_without_what_is_drawn_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        benchmark_figure(change(make_results()), make_differences())
