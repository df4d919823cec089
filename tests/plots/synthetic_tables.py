"""Result tables of a plausible run, made from a seed: shapes and sizes of the real demo."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ldar_interp.plots import LogoCounts, count_letters

OFFSETS = np.arange(-100, 101)
N_SITES = {"donor": 323, "acceptor": 322}
N_GENES = {"donor": 33, "acceptor": 33}
RUNGS = ("C0", "C1", "C2")
MATCHED = {"C0": 1.0, "C1": 0.97, "C2": 0.84}
LEVEL = {"checkpoint": 0.31, "random": 0.44}
# Effects at the edge shrink from rung to rung; the random model has them too.
EFFECT = {
    ("checkpoint", "donor"): {"C0": 0.24, "C1": 0.07, "C2": 0.012},
    ("checkpoint", "acceptor"): {"C0": -0.16, "C1": -0.09, "C2": -0.035},
    ("random", "donor"): {"C0": 0.05, "C1": 0.015, "C2": 0.004},
    ("random", "acceptor"): {"C0": -0.10, "C1": -0.03, "C2": -0.02},
}


@dataclass(frozen=True)
class Tables:
    profile: pd.DataFrame
    difference: pd.DataFrame
    enrichment: pd.DataFrame
    balance: pd.DataFrame


@dataclass(frozen=True)
class FakeProfiles:
    """The two fields of Profiles that the plots read."""

    offsets: np.ndarray
    sites: pd.DataFrame


def make_tables(
    *,
    models: tuple[str, ...] = ("checkpoint", "random"),
    kinds: tuple[str, ...] = ("donor", "acceptor"),
    rungs: tuple[str, ...] = RUNGS,
    seed: int = 0,
) -> Tables:
    """All four tables; every number is drawn from `seed`."""
    rng = np.random.default_rng(seed)
    profile, difference, enrichment, balance = [], [], [], []
    for model in models:
        for kind in kinds:
            effect = EFFECT[model, kind]
            peak = np.exp(-np.abs(OFFSETS) / 2.5)
            tract = -0.06 * np.exp(-(((OFFSETS + 12) / 8.0) ** 2)) * (kind == "acceptor")
            step = 0.03 * np.tanh(OFFSETS / 15) * (1 if kind == "donor" else -1)
            site = LEVEL[model] + effect["C0"] * peak + tract + step
            site = site + rng.normal(0, 0.012, len(OFFSETS))
            half = 0.03 if model == "checkpoint" else 0.012
            n = N_SITES[kind]
            profile.append(_profile_rows(model, kind, "site", site, half, n))
            for rung in rungs:
                gap = effect[rung] * peak + (tract + step) * (0.8 if rung == "C0" else 0.3)
                gap = gap + rng.normal(0, 0.008, len(OFFSETS))
                pairs = int(n * MATCHED[rung])
                profile.append(_profile_rows(model, kind, rung, site - gap, half * 0.9, pairs))
                p = np.clip(np.exp(-np.abs(gap) / 0.013), 1e-4, 1.0)
                difference.append(
                    pd.DataFrame(
                        {
                            "model": model,
                            "signal": "prob",
                            "kind": kind,
                            "control": rung,
                            "offset": OFFSETS,
                            "difference": gap,
                            "ci_low": gap - half * 0.8,
                            "ci_high": gap + half * 0.8,
                            "p_maxt": p if rung != "C0" else np.nan,
                        }
                    )
                )
                at = gap[OFFSETS == 0][0]
                enrichment.append(
                    {
                        "model": model,
                        "signal": "prob",
                        "kind": kind,
                        "control": rung,
                        "statistic": "mean_difference",
                        "offset": 0,
                        "effect": at,
                        "ci_low": at - half * 0.8,
                        "ci_high": at + half * 0.8,
                        "p_value": p[OFFSETS == 0][0] if rung != "C0" else np.nan,
                        "q_value": min(p[OFFSETS == 0][0] * 1.5, 1.0) if rung != "C0" else np.nan,
                        "n_sites": pairs,
                        "n_controls": pairs,
                        "n_groups": N_GENES[kind] - (rung == "C2") * 2,
                        "n_dropped": n - pairs,
                        "method": "cluster bootstrap 2000, sign-flip 9999",
                        "seed": seed,
                    }
                )
                if model == models[0]:
                    high = rung != "C2" or kind == "acceptor"
                    balance.append((kind, rung, "strength", 1.5, 0.14 * high, 1.2, high))
                    balance.append((kind, rung, "gc_up50", 0.5, 0.02, 1.1, False))
                    balance.append((kind, rung, "exonic", 0.8, 0.75, 1.1, rung == "C2"))
    auroc = pd.DataFrame(enrichment).assign(statistic="auroc", effect=0.6, ci_low=0.5, ci_high=0.7)
    return Tables(
        profile=pd.concat(profile, ignore_index=True),
        difference=pd.concat(difference, ignore_index=True),
        enrichment=pd.concat([pd.DataFrame(enrichment), auroc], ignore_index=True),
        balance=pd.DataFrame(
            balance,
            columns=[
                "kind",
                "control",
                "covariate",
                "smd_before",
                "smd_after",
                "variance_ratio",
                "flagged",
            ],
        ),
    )


def make_logos(seed: int = 0) -> dict[str, LogoCounts]:
    """Letters around the edges: CAG|GTAAGT at donors, a pyrimidine tract and CAG|G at acceptors."""
    rng = np.random.default_rng(seed)
    offsets = np.arange(-30, 30)
    logos = {}
    for kind, n in N_SITES.items():
        weights = np.full((len(offsets), 4), 0.25)
        if kind == "donor":
            core = {-3: "C", -2: "A", -1: "G", 0: "G", 1: "T", 2: "A", 3: "A", 4: "G", 5: "T"}
            strength = {0: 1.0, 1: 0.98, 4: 0.8, -1: 0.8}
        else:
            core = {-3: "C", -2: "A", -1: "G", 0: "G"}
            strength = {-2: 1.0, -1: 0.99, 0: 0.5}
            weights[(offsets >= -20) & (offsets < -4)] = [0.1, 0.3, 0.1, 0.5]
        for position, letter in core.items():
            share = strength.get(position, 0.65)
            row = np.full(4, (1 - share) / 3)
            row["ACGT".index(letter)] = share
            weights[offsets == position] = row
        ids = np.stack([rng.choice(4, size=n, p=row) for row in weights], axis=1).astype(np.uint8)
        logos[kind] = LogoCounts(count_letters(ids), offsets)
    return logos


def make_profiles(*, kinds: tuple[str, ...] = ("donor", "acceptor")) -> FakeProfiles:
    """Sites of the kinds, spread over their genes."""
    rows = [
        {"kind": kind, "group": f"gene{i % N_GENES[kind]}", "set": "site"}
        for kind in kinds
        for i in range(N_SITES[kind])
    ]
    return FakeProfiles(offsets=OFFSETS, sites=pd.DataFrame(rows))


def _profile_rows(
    model: str, kind: str, name: str, mean: np.ndarray, half: float, n: int
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": model,
            "signal": "prob",
            "kind": kind,
            "set": name,
            "offset": OFFSETS,
            "mean": mean,
            "ci_low": mean - half,
            "ci_high": mean + half,
            "boundary_rate": mean * 0.7,
            "n": n,
        }
    )
