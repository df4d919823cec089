"""What a splice-profile run tells the person at the terminal: kept, dropped, measured."""

import pandas as pd

from ldar_interp.command_line import say
from ldar_interp.sites.gencode import SpliceAnnotation
from ldar_interp.sites.table import count_kinds

PROGRAM = "splice_profile"
_DROPPED_INTRONS = {
    "introns_on_absent_chroms": "on chromosomes that the genome lacks",
    "introns_off_genome": "off the sequence",
    "introns_filtered_out": "filtered out",
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
