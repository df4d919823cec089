"""The small print under the splice figure: what its marks mean and what to know before belief."""

from collections.abc import Mapping

import pandas as pd

from ldar_interp.plots.ladder import DAGGER, is_too_few
from ldar_interp.plots.tables import find_models, find_rungs, list_flagged


def write_note(
    profile: pd.DataFrame,
    difference: pd.DataFrame,
    enrichment: pd.DataFrame,
    balance: pd.DataFrame | None,
    *,
    kinds: list[str],
    rungs: list[str],
    letters: Mapping[str, str],
) -> str:
    """What the marks mean, and what a reader must know before believing them.

    `letters` names the panels of the rows profile, difference, ladder and, if there, residual.
    """
    strips, ladder = letters["difference"], letters["ladder"]
    curves = " and ".join(letters[row] for row in ("profile", "residual") if row in letters)
    sentences = [
        "Bands and bars: 95 % confidence intervals, gene loci resampled; "
        f"strips of {strips} have their own scales. "
        f"Site curves of {curves}: all sites; {strips} and {ladder}: matched pairs only."
    ]
    if "residual" in letters:
        sentences.append(
            f"{letters['residual']}: p less what the k-mer null expects of the letters and the GC "
            "around the edge. C3, C4 and residual effects: ladder figure."
        )
    tested = difference["p_maxt"].notna()
    if tested.any():
        weights = "thick checkpoint, thin random weights; "
        sentences.append(
            f"Ticks on top of {strips}: family-wise p < 0.05 over the profile (max-T; "
            + weights * (len(find_models(difference)) > 1)
            + f"tested for {', '.join(find_rungs(difference[tested]))})."
        )
    if "random" not in find_models(profile):
        sentences.append("No random-weights baseline was run.")
    for matched, says in (
        (True, f"{DAGGER}\u00a0Matched, yet |SMD|\u00a0>\u00a00.1"),
        (False, "Not matched, and |SMD|\u00a0>\u00a00.1"),
    ):
        flagged = [
            f"{kind} {rung} ({', '.join(names)})"
            for kind in kinds
            for rung in rungs
            if (names := list_flagged(balance, kind=kind, control=rung, matched=matched))
        ]
        if flagged:
            sentences.append(f"{says}: {', '.join(flagged)}.")
    few = [is_too_few(row) for _, row in enrichment.iterrows()]
    if any(few):
        sentences.append("Grey: too few sites or loci for a test.")
    return " ".join(sentences)
