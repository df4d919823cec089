"""What a splice-profile run tells the person at the terminal: kept, dropped, measured."""

from typing import Any

import numpy as np
import pandas as pd

from ldar_interp.command_line import say
from ldar_interp.profiles import Profiles
from ldar_interp.sites.controls import ControlLadder
from ldar_interp.sites.gencode import SpliceAnnotation
from ldar_interp.sites.table import count_kinds

PROGRAM = "splice_profile"
_DROPPED_INTRONS = {
    "introns_on_absent_chroms": "on chromosomes that the genome lacks",
    "introns_off_genome": "off the sequence",
    "introns_filtered_out": "filtered out",
}


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


def tell_annotation(annotation: SpliceAnnotation, sites: pd.DataFrame) -> None:
    """Introns read and dropped, and the sites that are used."""
    counts = annotation.counts
    dropped = [f"{counts[key]} {reason}" for key, reason in _DROPPED_INTRONS.items() if counts[key]]
    reasons = f" ({', '.join(dropped)})" if dropped else ""
    say(
        f"{PROGRAM}: {counts['introns']} of {counts['introns_annotated']} introns kept{reasons}; "
        f"{counts['introns_gt_ag']} of "
        f"{counts['introns_in_genome']} inside the genome read GT..AG"
    )
    total = count_kinds(annotation.sites)
    kept = ", ".join(f"{n} of {total[kind]} {kind}s" for kind, n in count_kinds(sites).items())
    say(f"{PROGRAM}: {kept} in {sites['group'].nunique()} loci")


def tell_controls(ladder: ControlLadder) -> None:
    """Sites with a control in each rung, and why the others have none."""
    for rung, by_kind in ladder.counts.items():
        for kind, counts in by_kind.items():
            reasons = "; ".join(
                f"{name.removeprefix('unmatched: ')} {int(n)}"
                for name, n in counts.items()
                if name.startswith("unmatched: ") and n
            )
            say(
                f"{PROGRAM}: {rung} {kind}: {int(counts['matched'])} of {int(counts['sites'])} "
                f"sites matched{f' ({reasons})' if reasons else ''}"
            )


def tell_extraction(
    name: str, extraction: dict[str, Any], sites: Profiles, controls: Profiles
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
        f"{PROGRAM}: {name}: {extraction['windows']} windows of {extraction['window_bp']} bp, "
        f"margin {extraction['margin_bp']} bp from ends and N: {'; '.join(missing)}"
    )
