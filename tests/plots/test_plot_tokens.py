"""The figures of tokens: readable text, every kind and class drawn, errors."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.plots.chunks import chunk_figure
from ldar_interp.plots.integrity import MOST_KINDS, PANELS, integrity_figure
from ldar_interp.plots.style import check_figure

TOKENIZERS = ("checkpoint", "random", "bpe", "grid_4", "single_bases", "random_cuts")


def integrity_table(kinds) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {"tokenizer": t, "kind": k, "endpoint": e, "value": rng.random(), "ci_low": 0.1,
         "ci_high": 0.9, "null": 0.3, "null_shifted": 0.4, "n_instances": 1234, "n_groups": 56,
         "mean_token_bp": 4.0}
        for t in TOKENIZERS for k in kinds for e in PANELS
    ]  # fmt: skip
    return pd.DataFrame(rows)


def chunk_tables():
    strata = (
        "all",
        "complex",
        "complex_gc_standardised",
        "run_1",
        "run_2",
        "run_3",
        "run_4",
        "run_5+",
    )
    classes = ("CDS", "UTR", "exon", "promoter", "repeat", "intron", "intergenic")
    chunks = pd.DataFrame(
        [
            {"model": m, "class": c, "stratum": s, "mean_bp": 4.0, "ci_low": 3.0, "ci_high": 5.0,
             "n_chunks": 99}
            for m in ("checkpoint", "random") for c in classes for s in strata
        ]
    )  # fmt: skip
    histogram = pd.DataFrame(
        [
            {"model": m, "class": c, "length_bp": n, "share": 1 / 64}
            for m in ("checkpoint", "random") for c in classes for n in range(1, 65)
        ]
    )  # fmt: skip
    return chunks, histogram


def test_integrity_figure_is_readable() -> None:
    figure = integrity_figure(integrity_table(["all", "donor_GT", "codon", "tss"]))
    assert check_figure(figure) == []
    assert len(figure.axes) == len(PANELS)


def test_a_wide_interval_does_not_hide_rare_tokens() -> None:
    table = integrity_table(["all"])
    table.loc[table["endpoint"] == "intact", ["value", "null", "ci_high"]] = [0.04, 0.02, 1.0]
    ax = integrity_figure(table).axes[list(PANELS).index("intact")]
    assert ax.get_xlim()[1] == pytest.approx(0.06)


def test_kinds_that_do_not_fit_are_counted() -> None:
    figure = integrity_figure(integrity_table([f"motif{i}" for i in range(MOST_KINDS + 3)]))
    assert any("3 further kinds are in the table." in text.get_text() for text in figure.texts)
    assert check_figure(figure) == []


def test_chunk_figure_is_readable() -> None:
    chunks, histogram = chunk_tables()
    assert check_figure(chunk_figure(chunks, histogram)) == []
    one = chunk_figure(
        chunks[chunks["model"] == "checkpoint"], histogram[histogram["model"] == "checkpoint"]
    )
    assert check_figure(one) == []


def test_tables_that_cannot_be_drawn() -> None:
    table = integrity_table(["all"])
    with pytest.raises(InputError, match="integrity table: no column null"):
        integrity_figure(table.drop(columns="null"))
    with pytest.raises(InputError, match="integrity table: no rows"):
        integrity_figure(table.iloc[:0])
    chunks, histogram = chunk_tables()
    with pytest.raises(InputError, match="histogram table: no column share"):
        chunk_figure(chunks, histogram.drop(columns="share"))


def test_kinds_are_drawn_as_named_and_called() -> None:
    table = integrity_table(["TBP", "tss", "donor_GT", "elements"])
    figure = integrity_figure(table, kinds=["elements", "donor_GT"], labels={"elements": "hits"})
    texts = [text.get_text() for text in figure.texts]
    heads = [text.split(",")[0] for text in texts if ", n = " in text]
    assert heads == ["hits", "donor GT"]
    assert any("2 further kinds" in text for text in texts)
    assert check_figure(figure) == []
    with pytest.raises(InputError, match="kinds: 'codon' is not in the integrity table"):
        integrity_figure(table, kinds=["codon"])
