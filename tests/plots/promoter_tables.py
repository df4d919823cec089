"""Result tables of a plausible promoter run, made from a seed: the shapes of `promoter_profile`."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ldar_interp.plots import LogoCounts

OFFSETS = np.arange(-60, 81)
ENDPOINTS = ("left_flank", "inside", "right_flank")
RUNGS = ("C0", "C1", "C2")
CONSENSUS = {
    "TATA-Box": "GTATAAAAGGCGGGG", "INR": "TCAGTCTT", "GC-box": "AGGGGCGGGGCTTC",
    "CCAAT-box": "CTCAGCCAATCA", "DPE": "AGACGT", "BREu": "GGGCGCC", "BREd": "GTGTTTG",
    "MTE": "CGAGCCGAGCGG", "XCPE1": "GGTGGGACCT", "SP1": "GGGGGCGGGGC", "YY1": "CAAGATGGCGGC",
    "NRF1": "TGCGCATGCGCA", "ETS1": "ACCGGAAGTG", "CTCF": "TGGCCACCAGGGGGCGCTA",
}  # fmt: skip
WIDTHS = {kind: len(letters) for kind, letters in CONSENSUS.items()}
N_SITES = dict(
    zip(CONSENSUS, (46, 210, 812, 158, 9, 640, 75, 31, 118, 655, 88, 240, 172, 52), strict=True)
)
N_GROUPS = {kind: max(4, int(0.7 * n)) for kind, n in N_SITES.items()}
N_FEW = 20
FEW = tuple((kind, rung) for kind, n in N_SITES.items() for rung in RUNGS if n < N_FEW)
LEVEL = {"checkpoint": 0.31, "random": 0.44}


@dataclass(frozen=True)
class PromoterTables:
    profile: pd.DataFrame
    difference: pd.DataFrame
    enrichment: pd.DataFrame
    balance: pd.DataFrame


def make_promoter_tables(
    *,
    kinds: tuple[str, ...] = tuple(CONSENSUS),
    models: tuple[str, ...] = ("checkpoint", "random"),
    signals: tuple[str, ...] = ("prob", "residual"),
    few: tuple[tuple[str, str], ...] = (*FEW, ("MTE", "C2"), ("CTCF", "C2")),
    seed: int = 0,
) -> PromoterTables:
    """All four tables; `few` are (kind, rung) with too few pairs."""
    profile, difference, enrichment, balance = [], [], [], []
    for kind in kinds:
        # A motif's numbers depend on its name, so fewer motifs leave the others as they are.
        rng = np.random.default_rng([seed, *kind.encode()])
        w, n = WIDTHS[kind], N_SITES[kind]
        size = rng.normal(-0.02, 0.08)
        # What the letters of the motif do to p, whether it is in a promoter or not.
        letters = np.zeros(len(OFFSETS))
        within = np.isin(OFFSETS, range(w + 1))
        letters[within] = rng.normal(0, 0.09, w + 1)
        elsewhere = np.zeros(len(OFFSETS))
        elsewhere[within] = rng.normal(0, 0.09, w + 1)
        inside = 1 / (1 + np.exp(-(OFFSETS - 0.5) * 2)) / (1 + np.exp((OFFSETS - w + 0.5) * 2))
        border = np.exp(-np.abs(OFFSETS) / 2) + np.exp(-np.abs(OFFSETS - w) / 2)
        for model in models:
            for signal in signals:
                share = (1.0 if signal == "prob" else 0.45) * (
                    1.0 if model == "checkpoint" else 0.3
                )
                shape = share * (size * inside - 0.5 * size * border)
                base = LEVEL[model] * (signal == "prob")
                noise = 0.2 / np.sqrt(n)
                half = 1.5 * noise
                read = share * letters * (signal == "prob")
                site = base + shape + read + rng.normal(0, noise, len(OFFSETS))
                key = {"model": model, "signal": signal, "kind": kind}
                is_few = n < N_FEW
                profile.append(_curve(key | {"set": "site"}, "mean", site, half, is_few, n))
                for r, rung in enumerate(RUNGS):
                    too_few = (kind, rung) in few
                    control_read = (0.0, share * elsewhere * (signal == "prob"), read)[r]
                    gap = read - control_read
                    gap = (
                        gap + shape * (1.0, 0.7, 0.5)[r] + rng.normal(0, 0.7 * noise, len(OFFSETS))
                    )
                    control = _curve(key | {"set": rung}, "mean", site - gap, half, is_few, n - r)
                    profile.append(control)
                    rows = _curve(
                        key | {"control": rung}, "difference", gap, half, too_few, n - r
                    ).drop(columns=["n", "boundary_rate"])
                    p = np.clip(2 * np.exp(-0.8 * np.abs(gap / noise) ** 1.5), 1e-4, 1.0)
                    declared = rung != "C0" and not too_few
                    difference.append(rows.assign(p_maxt=p if declared else np.nan))
                    enrichment += _endpoints(key, rung, gap, noise, w, n - r, too_few)
        for rung in RUNGS:
            balance.append((kind, rung, "strength", 0.9, 0.15, 1.1, kind == "SP1"))
            balance.append((kind, rung, "gc_200", 0.9, 0.02, 1.1, False))
    return PromoterTables(
        profile=pd.concat(profile, ignore_index=True),
        difference=pd.concat(difference, ignore_index=True),
        enrichment=pd.DataFrame(enrichment),
        balance=pd.DataFrame(
            balance,
            columns=[
                *("kind", "control", "covariate", "smd_before", "smd_after", "variance_ratio"),
                "flagged",
            ],
        ),
    )


def make_motif_logos(kinds: tuple[str, ...] = tuple(CONSENSUS)) -> dict[str, LogoCounts]:
    """Counts of each matrix: its consensus, with shares that vary from base to base."""
    logos = {}
    for kind in kinds:
        rng = np.random.default_rng([1, *kind.encode()])
        counts = rng.integers(2, 25, size=(WIDTHS[kind], 4)).astype(np.float64)
        for position, letter in enumerate(CONSENSUS[kind]):
            counts[position, "ACGT".index(letter)] += rng.integers(20, 400)
        logos[kind] = LogoCounts(counts, np.arange(WIDTHS[kind]))
    return logos


def make_volcano(
    *,
    n_motifs: int = 600,
    n_few: int = 150,
    models: tuple[str, ...] = ("checkpoint", "random"),
    signals: tuple[str, ...] = ("prob", "residual"),
    strength: float = 1.0,
    seed: int = 0,
) -> pd.DataFrame:
    """An enrichment table of many motifs, C1 and C2; the last `n_few` have too few pairs."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n_motifs):
        kind = f"{rng.choice(['ZNF', 'SOX', 'KLF', 'FOX', 'HOXA', 'NR2F', 'TFAP2'])}{i}"
        if i % 7 == 0:
            kind = f"{kind}::RXRA"
        error = rng.uniform(0.004, 0.03)
        for model in models:
            for signal in signals:
                for rung in ("C1", "C2"):
                    for statistic in ENDPOINTS:
                        spread = 0.02 if model == "checkpoint" else 0.005
                        effect = strength * rng.normal(0, spread) + rng.normal(0, error)
                        too_few = i >= n_motifs - n_few
                        p = float(np.clip(2 * np.exp(-0.7 * abs(effect / error) ** 1.6), 1e-4, 1))
                        rows.append(
                            _row(
                                {"model": model, "signal": signal, "kind": kind},
                                rung,
                                statistic,
                                effect,
                                error,
                                np.nan if too_few else min(1.0, 4 * p),
                                8 if too_few else 140,
                                too_few,
                            )
                        )
    return pd.DataFrame(rows)


def _curve(
    key: dict[str, str], value: str, y: np.ndarray, half: float, is_few: bool, n: int
) -> pd.DataFrame:
    margin = np.nan if is_few else half
    columns = {"offset": OFFSETS, value: y, "ci_low": y - margin, "ci_high": y + margin}
    return pd.DataFrame(key | columns | {"boundary_rate": y, "n": n})


def _endpoints(
    key: dict[str, str],
    rung: str,
    gap: np.ndarray,
    noise: float,
    w: int,
    n: int,
    too_few: bool,
) -> list[dict[str, object]]:
    rows = []
    for statistic, first, last in zip(ENDPOINTS, (-4, 1, w), (0, w - 1, w + 4), strict=True):
        effect = float(gap[np.isin(OFFSETS, range(first, last + 1))].mean())
        error = 0.5 * noise
        p = float(np.clip(2 * np.exp(-0.7 * abs(effect / error) ** 1.6), 1e-4, 1.0))
        q = np.nan if rung == "C0" or too_few else min(1.0, 1.5 * p)
        rows.append(_row(key, rung, statistic, effect, error, q, n, too_few))
    return rows


def _row(
    key: dict[str, str],
    rung: str,
    statistic: str,
    effect: float,
    error: float,
    q: float,
    n: int,
    too_few: bool,
) -> dict[str, object]:
    margin = np.nan if too_few else 2 * error
    return key | {
        "control": rung,
        "statistic": statistic,
        "offset": np.nan,
        "effect": effect,
        "ci_low": effect - margin,
        "ci_high": effect + margin,
        "p_value": q / 1.5,
        "q_value": q,
        "n_sites": n,
        "n_controls": n,
        "n_groups": max(3, int(0.7 * n)),
        "n_dropped": 0,
        "method": "too few: pairs" if too_few else "mean; studentised cluster bootstrap",
        "seed": 1,
    }
