"""Published numbers of LDARNet and other models, to print beside ours and never to mix with them.

All are MCC on the published test split of the `nt18` tasks, as a fraction, from models with other
pretraining and five to ten times the training rows that public copies of the data hold: not like
for like. LDARNet stands there twice, as in the first version of the paper and as in the authors'
repository after a precision fix. Of other models only those numbers are here that the paper's
slides or repository list: the best under 300M parameters, the best of any size, and some of three
models. There is no table for Genomic Benchmarks.

`ci95` is the half width of a t interval over ten folds on one test set. It holds how much training
varies, not how much the test rows do, which for 400 test rows is several times as much.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources

import pandas as pd

from ldar_interp.tasks.examples import OTHER, PUBLISHED

COLUMNS = ("task", "model", "metric", "value", "ci95", "note", "source")
LDARNET = "LDARNet (repository)"


@cache
def _read_table() -> pd.DataFrame:
    with resources.files("ldar_interp.tasks").joinpath("published.tsv").open("rb") as lines:
        # An empty note is a note; only `ci95` may be missing.
        return pd.read_csv(
            lines, sep="\t", keep_default_na=False, na_values={"ci95": [""]}, encoding="utf-8"
        )


def read_published() -> pd.DataFrame:
    """All published scores.

    Returns
    -------
    DataFrame with `task, model, metric, value, ci95, note, source`; `metric` is `mcc`, `value` and
    `ci95` (a half width) are fractions; `ci95` is NaN where none was published.
    """
    table = _read_table()
    return table[table["metric"] == "mcc"].reset_index(drop=True)


def find_marks(published: pd.DataFrame, splits: Mapping[str, str]) -> tuple[dict[str, float], str]:
    """LDARNet's later numbers for a figure of our own, and what such a mark is.

    Parameters
    ----------
    published : rows of `read_published`.
    splits : task -> `TaskData.split`; tasks with other test rows get no mark.
    """
    comparable = [task for task, split in splits.items() if split != OTHER]
    mine = published[(published["model"] == LDARNET) & published["task"].isin(comparable)]
    values = dict(zip(mine["task"], mine["value"].astype(float), strict=True))
    is_whole = all(splits[task] == PUBLISHED for task in values)
    return values, f"published, other {'pretraining' if is_whole else 'training data'}"


def read_learning_rates() -> dict[str, float]:
    """Task -> learning rate of LDARNet's published fine-tuning; `gb9` tasks have none."""
    table = _read_table()
    rates = table[table["metric"] == "learning_rate"]
    return dict(zip(rates["task"], rates["value"].astype(float), strict=True))
