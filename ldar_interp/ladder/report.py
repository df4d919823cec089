"""What a run down the ladder tells the person at the terminal: kept, dropped, measured."""

from typing import Any

import numpy as np

from ldar_interp.boundaries.shuffled_context import ContextWindows
from ldar_interp.command_line import say
from ldar_interp.profiles import Profiles
from ldar_interp.sites.controls import ControlLadder

_MOST_KINDS = 4


def count_values(profiles: Profiles) -> dict[str, int]:
    """Sites, those without a value at their edge, and those without one somewhere in the flank.

    They lie within the margin of an end of the sequence or of an N.
    """
    is_missing = np.isnan(profiles.values)
    return {
        "total": len(profiles),
        "without_value_at_edge": int(is_missing[:, profiles.offsets == 0].sum()),
        "without_value_in_flank": int(is_missing.any(axis=1).sum()),
    }


def tell_controls(program: str, ladder: ControlLadder) -> None:
    """Sites with a control on each rung, and why the others have none; kinds added up if many."""
    for rung, by_kind in ladder.counts.items():
        named = by_kind if len(by_kind) <= _MOST_KINDS else {"all kinds": _add_up(by_kind)}
        for kind, counts in named.items():
            reasons = "; ".join(
                f"{name.removeprefix('unmatched: ')} {int(n)}"
                for name, n in counts.items()
                if name.startswith("unmatched: ") and n
            )
            say(
                f"{program}: {rung} {kind}: {int(counts['matched'])} of {int(counts['sites'])} "
                f"sites matched{f' ({reasons})' if reasons else ''}"
            )


def tell_extraction(
    program: str, name: str, extraction: dict[str, Any], sites: Profiles, controls: Profiles
) -> None:
    """Windows modelled, and the sites and controls that stay without a value."""
    missing = []
    for what, profiles in (("sites", sites), ("controls", controls)):
        counts = count_values(profiles)
        missing.append(
            f"{counts['without_value_at_edge']} of {counts['total']} {what} dropped, "
            f"{counts['without_value_in_flank']} with gaps"
        )
    say(
        f"{program}: {name}: {extraction['windows']} windows of {extraction['window_bp']} bp, "
        f"margin {extraction['margin_bp']} bp from ends and N: {'; '.join(missing)}"
    )


def tell_contexts(program: str, windows: ContextWindows) -> None:
    """Sites of C4: used, not drawn, dropped."""
    total: dict[str, int] = {}
    for counts in windows.counts.values():
        for name, n in counts.items():
            total[name] = total.get(name, 0) + n
    rest = "; ".join(f"{name} {n}" for name, n in total.items() if name not in ("sites", "used"))
    say(
        f"{program}: C4: {total.get('used', 0)} of {total.get('sites', 0)} sites in "
        f"{windows.n_shuffles} shuffled contexts{f' ({rest})' if rest else ''}"
    )


def _add_up(by_kind: dict[str, dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {"matched": 0, "sites": 0}
    for counts in by_kind.values():
        for name, n in counts.items():
            total[name] = total.get(name, 0) + n
    return total
