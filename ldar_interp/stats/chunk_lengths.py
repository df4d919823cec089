"""Chunk lengths by class of sequence, and what is left of their differences.

Means are over chunks. Two things that have nothing to do with function make chunks short or long:
low complexity (each base of a run of one letter can become a chunk of its own) and base
composition. So every class is summarised in these strata:

    all                      every chunk
    complex                  chunks that do not start in low complexity
    low_complexity           those that do
    gc_standardised          the class's means in bins of GC, averaged with the same weights for
                             all classes
    complex_gc_standardised  both
    run_1 .. run_4, run_5+   chunks whose first base is in a run of that many equal letters

GC bins are the fifths of all chunks of all models together, and their weights the share of chunks
in them. Where a class has fewer than `MIN_IN_BIN` chunks in a bin, the bin is left out and the
other weights are raised; `gc_covered` is the weight that was there. A difference from the
reference class uses the bins that both have.

Intervals: blocks of the genome are resampled (cluster bootstrap). A standardised mean is linear in
the chunks but for the bin sizes, so each chunk stands in with its influence,
m + n sum_b w_b / n_b (y_i - m_b).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.stats.grouping import Floats
from ldar_interp.stats.resample import bootstrap_mean

REFERENCE = "intergenic"
GC_BINS = 5
MIN_IN_BIN = 20
MIN_CHUNKS, MIN_BLOCKS = 20, 10
LONGEST_BP = 64
LONGEST_RUN = 5
RUN_STRATA = (*(f"run_{run}" for run in range(1, LONGEST_RUN)), f"run_{LONGEST_RUN}+")
STRATA = (
    "all", "complex", "low_complexity", "gc_standardised", "complex_gc_standardised", *RUN_STRATA,
)  # fmt: skip
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
CHUNK_TABLE = (
    "model", "class", "stratum", "mean_bp", "ci_low", "ci_high", "difference", "diff_ci_low",
    "diff_ci_high", *QUANTILES, "share_single", "mean_gc", "gc_covered", "n_chunks", "n_censored",
    "n_blocks",
)  # fmt: skip


def summarise_chunks(
    chunks: pd.DataFrame, classes: Sequence[str], *, n_boot: int, seed: int
) -> pd.DataFrame:
    """`chunks.tsv`: one row a model, class and stratum that has chunks.

    Parameters
    ----------
    chunks : `model, class, length_bp` (NaN: censored, left out of all numbers but `n_censored`),
        `block, gc, run_bp, low_complexity`.
    classes : in the order of the rows.

    Returns
    -------
    Columns `CHUNK_TABLE`. `difference` is the mean minus that of intergenic sequence in the same
    model and stratum. Intervals are empty under 20 chunks or 10 blocks. Quantiles and shares of
    the standardised strata are empty.

    Raises
    ------
    InputError : no chunks.
    """
    if not len(chunks):
        raise InputError("no chunks to summarise; wanted at least one cut: give more --bases")
    inner = np.quantile(chunks["gc"], np.linspace(0, 1, GC_BINS + 1)[1:-1])
    gc_bin = np.searchsorted(inner, chunks["gc"].to_numpy(), side="right")
    weight = np.bincount(gc_bin, minlength=GC_BINS) / len(chunks)
    table = chunks.assign(gc_bin=gc_bin)
    rows = []
    for model in dict.fromkeys(table["model"]):
        of_model = table[table["model"] == model]
        for stratum in STRATA:
            part = of_model[_select(of_model, stratum)]
            is_standard = stratum.endswith("gc_standardised")
            reference = part[(part["class"] == REFERENCE) & part["length_bp"].notna()]
            for name in classes:
                mine = part[part["class"] == name]
                if not mine["length_bp"].notna().any():
                    continue
                row = _summarise(mine, weight if is_standard else None, n_boot, seed)
                if name != REFERENCE and len(reference):
                    row |= _compare(
                        mine[mine["length_bp"].notna()], reference,
                        weight if is_standard else None, n_boot, seed,
                    )  # fmt: skip
                rows.append({"model": model, "class": name, "stratum": stratum} | row)
    return pd.DataFrame(rows).reindex(columns=list(CHUNK_TABLE))


def count_lengths(chunks: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """`histogram.tsv`: `model, class, length_bp, n_chunks, share`; the last length is "or more"."""
    rows = []
    known = chunks[chunks["length_bp"].notna()]
    for model in dict.fromkeys(known["model"]):
        for name in classes:
            mine = known[(known["model"] == model) & (known["class"] == name)]
            if not len(mine):
                continue
            length = np.minimum(mine["length_bp"].to_numpy(dtype=np.int64), LONGEST_BP)
            count = np.bincount(length, minlength=LONGEST_BP + 1)[1:]
            rows.append(
                pd.DataFrame(
                    {
                        "model": model,
                        "class": name,
                        "length_bp": np.arange(1, LONGEST_BP + 1),
                        "n_chunks": count,
                        "share": count / count.sum(),
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


def _select(chunks: pd.DataFrame, stratum: str) -> NDArray[np.bool_]:
    low = chunks["low_complexity"].to_numpy(dtype=bool)
    if stratum == "low_complexity":
        return low
    if stratum.startswith("complex"):
        return ~low
    if stratum in RUN_STRATA:
        run = np.minimum(chunks["run_bp"].to_numpy(), LONGEST_RUN)
        return np.asarray(run == RUN_STRATA.index(stratum) + 1)
    return np.ones(len(chunks), dtype=bool)


def _summarise(
    mine: pd.DataFrame, weight: Floats | None, n_boot: int, seed: int
) -> dict[str, float]:
    """Numbers of one row but the difference."""
    known = mine[mine["length_bp"].notna()]
    length = known["length_bp"].to_numpy(dtype=np.float64)
    if weight is None:
        values, covered = length, np.nan
    else:
        values, covered = _standardise(known, weight, _count_bins(known) >= MIN_IN_BIN)
    row = {
        **_estimate(values, known["block"], n_boot, seed, ("mean_bp", "ci_low", "ci_high")),
        "mean_gc": float(known["gc"].mean()),
        "gc_covered": covered,
        "n_chunks": len(known),
        "n_censored": int(mine["length_bp"].isna().sum()),
        "n_blocks": int(known["block"].nunique()),
    }
    if weight is None:
        row |= {name: float(np.quantile(length, q)) for name, q in QUANTILES.items()}
        row["share_single"] = float((length == 1).mean())
    return row


def _compare(
    mine: pd.DataFrame, reference: pd.DataFrame, weight: Floats | None, n_boot: int, seed: int
) -> dict[str, float]:
    """Mean minus mean of the reference, with blocks that hold both drawn together."""
    parts = []
    if weight is None:
        pair = [part["length_bp"].to_numpy(dtype=np.float64) for part in (mine, reference)]
    else:
        shared = (_count_bins(mine) >= MIN_IN_BIN) & (_count_bins(reference) >= MIN_IN_BIN)
        pair = [_standardise(part, weight, shared)[0] for part in (mine, reference)]
    total = len(mine) + len(reference)
    gap = float(pair[0].mean() - pair[1].mean())
    # Influences of the two means, so that the mean over all chunks is their difference.
    for sign, values in zip((1, -1), pair, strict=True):
        parts.append(gap + sign * total / len(values) * (values - values.mean()))
    blocks = pd.concat([mine["block"], reference["block"]])
    names = ("difference", "diff_ci_low", "diff_ci_high")
    row = _estimate(np.concatenate(parts), blocks, n_boot, seed, names)
    if min(mine["block"].nunique(), reference["block"].nunique()) < MIN_BLOCKS:
        row |= dict.fromkeys(names[1:], np.nan)
    return row


def _count_bins(chunks: pd.DataFrame) -> NDArray[np.int64]:
    return np.bincount(chunks["gc_bin"], minlength=GC_BINS)


def _standardise(
    chunks: pd.DataFrame, weight: Floats, usable: NDArray[np.bool_]
) -> tuple[Floats, float]:
    """Values whose mean is the standardised mean, and the weight of the bins that are used.

    All NaN if no bin is usable.
    """
    length = chunks["length_bp"].to_numpy(dtype=np.float64)
    covered = float(weight[usable].sum())
    if covered == 0:
        return np.full(len(length), np.nan), 0.0
    bins = chunks["gc_bin"].to_numpy()
    count = _count_bins(chunks)
    total = np.bincount(bins, weights=length, minlength=GC_BINS)
    mean = np.divide(total, count, out=np.zeros(GC_BINS), where=count > 0)
    used = np.where(usable, weight, 0) / covered
    influence = np.divide(used, count, out=np.zeros(GC_BINS), where=count > 0)
    values = (used * mean).sum() + len(length) * influence[bins] * (length - mean[bins])
    return values, covered


def _estimate(
    values: Floats, block: pd.Series, n_boot: int, seed: int, names: tuple[str, str, str]
) -> dict[str, float]:
    found = bootstrap_mean(
        values,
        block.to_numpy(dtype=object),
        n_boot=n_boot,
        rng=np.random.default_rng([seed, 23]),
        min_groups=MIN_BLOCKS,
        min_sites=MIN_CHUNKS,
    )
    return dict(
        zip(names, (float(found.mean[0]), float(found.low[0]), float(found.high[0])), strict=True)
    )
