"""The rungs of equal letters, joined to those that were matched in the site's own surroundings."""

from collections.abc import Sequence

import pandas as pd

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.ladder.settings import LadderSettings
from ldar_interp.sites.controls import ControlLadder
from ldar_interp.sites.same_letters import CORE_KIND, CORE_RUNG, build_same_letters
from ldar_interp.sites.table import join_sites


def add_letter_rungs(
    ladder: ControlLadder,
    genome: Genome,
    settings: LadderSettings,
    *,
    avoid: pd.DataFrame,
    avoid_regions: pd.DataFrame | None = None,
    exons: pd.DataFrame | None = None,
) -> ControlLadder:
    """The ladder with the C3 rungs of the settings, in one draw.

    One draw, because places with the same ten letters are few: a second one would mostly be the
    same places in another order, and each costs a window of its own.

    Parameters
    ----------
    ladder : C0 to C2, those that were asked for.
    avoid, avoid_regions, exons : see `build_same_letters`.
    """
    kinds = set(ladder.sites["kind"])
    rungs = [r for r in settings.letter_rungs if r != CORE_RUNG or CORE_KIND in kinds]
    if not rungs:
        return ladder
    found = build_same_letters(
        ladder.sites,
        genome,
        rungs=rungs,
        n_draws=1,
        flank_bp=settings.flank_bp,
        seed=settings.seed,
        avoid=avoid,
        avoid_regions=avoid_regions,
        exons=exons,
    )
    return ControlLadder(
        table=join_sites(
            [part.table for part in (ladder, found) if len(part.table)] or [ladder.table]
        ),
        balance=pd.concat([ladder.balance, found.balance], ignore_index=True),
        counts=ladder.counts | found.counts,
        sites=ladder.sites,
    )


def check_controls(ladder: ControlLadder, asked: Sequence[str]) -> None:
    """Raise InputError if no site has a control on any of the rungs that were asked for."""
    if len(ladder.table):
        return
    reasons = sorted(
        {
            reason.removeprefix("unmatched: ")
            for by_kind in ladder.counts.values()
            for counts in by_kind.values()
            for reason, n in counts.items()
            if reason.startswith("unmatched: ") and n
        }
    )
    raise InputError(
        f"none of {len(ladder.sites)} sites has a control on rung {', '.join(asked)} "
        f"({'; '.join(reasons) or 'no reason counted'}); wanted at least one: add --controls C0 or "
        "give an annotation with more genes"
    )
