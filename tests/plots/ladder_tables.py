"""Enrichment tables of a whole ladder, made from a seed: raw and residual, splice and motifs."""

import numpy as np
import pandas as pd

RUNGS = ("C0", "C1", "C2", "C3-8", "C3-10", "C3-core", "C4")
SHARE_LEFT = (1.0, 0.45, 0.2, 0.12, 0.09, 0.1, 0.06)
PAIRS = (349, 345, 311, 322, 231, 297, 349)


def make_ladder(
    *,
    kinds: tuple[str, ...] = ("donor", "acceptor"),
    statistics: tuple[str, ...] = ("mean_difference",),
    models: tuple[str, ...] = ("checkpoint", "random"),
    signals: tuple[str, ...] = ("prob", "residual"),
    rungs: tuple[str, ...] = RUNGS,
    few: tuple[tuple[str, str], ...] = (("acceptor", "C3-10"),),
    seed: int = 0,
) -> pd.DataFrame:
    """Effects that shrink down the ladder; `few` are (kind, rung) with too few pairs."""
    rng = np.random.default_rng(seed)
    rows = []
    for kind in kinds:
        for statistic in statistics:
            size = rng.normal(0, 0.15) if statistic != "mean_difference" else 0.24
            size = -0.7 * size if kind == "acceptor" else size
            for model in models:
                for signal in signals:
                    for rung in rungs:
                        if rung == "C3-core" and kind != "donor":
                            continue
                        at = RUNGS.index(rung)
                        effect = size * SHARE_LEFT[at] * (0.35 if signal == "residual" else 1.0)
                        effect = effect * (0.3 if model == "random" else 1.0)
                        effect += rng.normal(0, 0.006)
                        half = 0.012 + 0.01 * rng.random()
                        too_few = (kind, rung) in few
                        declared = rung in ("C1", "C2") and not too_few
                        p = float(np.clip(np.exp(-abs(effect) / 0.012), 1e-4, 1)) * declared
                        rows.append(
                            {
                                "model": model,
                                "signal": signal,
                                "kind": kind,
                                "control": rung,
                                "statistic": statistic,
                                "offset": 0,
                                "effect": effect,
                                "ci_low": np.nan if too_few else effect - half,
                                "ci_high": np.nan if too_few else effect + half,
                                "p_value": p if declared else np.nan,
                                "q_value": min(1.5 * p, 1.0) if declared else np.nan,
                                "n_sites": 14 if too_few else PAIRS[at],
                                "n_controls": 14 if too_few else PAIRS[at],
                                "n_groups": 6 if too_few else 33,
                                "n_dropped": 0,
                                "method": "too few" if too_few else "cluster bootstrap",
                                "seed": 1,
                            }
                        )
    return pd.DataFrame(rows)
