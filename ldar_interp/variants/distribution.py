"""How the scores are distributed: counts in bins that all models and labels of a run share."""

import numpy as np
import pandas as pd

N_BINS = 40
SCORES = ("log_odds", "delta_p")
COLUMNS = ("model", "score", "label", "low", "high", "n", "share")


def count_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Histograms of `log_odds` and `delta_p` by model, and by label if there are labels.

    Parameters
    ----------
    scores : rows of all models, with `label` (0, 1, missing) if there are labels.

    Returns
    -------
    Columns `model, score, label, low, high, n, share`: a row a bin [low, high), the last one
    closed; `share` of the n of its model and label. Bins reach from the smallest to the largest
    score of all models. Empty for a score that no variant has.
    """
    parts = [pd.DataFrame(columns=list(COLUMNS))]
    labels = scores["label"] if "label" in scores else pd.Series("", index=scores.index)
    for score in SCORES:
        values = scores[score].to_numpy(dtype=np.float64)
        finite = np.isfinite(values)
        if not finite.any():
            continue
        edges = np.histogram_bin_edges(values[finite], bins=N_BINS)
        for model in dict.fromkeys(scores["model"]):
            for label in sorted(labels.dropna().unique()):
                is_here = finite & (scores["model"] == model) & (labels == label).fillna(False)
                n, _ = np.histogram(values[is_here.to_numpy(dtype=bool)], edges)
                parts.append(
                    pd.DataFrame(
                        {
                            "model": model, "score": score, "label": label, "low": edges[:-1],
                            "high": edges[1:], "n": n, "share": n / max(int(n.sum()), 1),
                        }
                    )
                )  # fmt: skip
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else parts[0]
