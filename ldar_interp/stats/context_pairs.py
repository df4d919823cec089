"""Rung C4 as pairs: each site beside the mean over its shuffled contexts.

**Why the mean over shuffles is the declared control.** The other rungs have draws because a site
has one control and another choice might have said something else; a draw is a whole answer. The
shuffles of a site are something different: repeated measurements of one quantity, the p that the
core has in a context of the same dinucleotides, in random order. The estimand is p in the native
context minus the expectation of that p, and the mean over shuffles is its unbiased estimate, with
a fifth of the variance of a single shuffle and no arbitrary choice among five. The expectation of
the difference, and so the estimate, is the same as with one shuffle; only its noise is less. So it
is one row, draw 0, and there are no further draws.

Read `mean_difference` and the profile. `auroc`, `cliffs_delta` and `boundary_odds_ratio` compare
spreads too, and a mean of five spreads less than a single value: they are not those of the other
rungs. Means of p over 0.5 are not means of hard boundaries either.
"""

import numpy as np

from ldar_interp.boundaries.shuffled_context import ContextProfiles
from ldar_interp.errors import InputError
from ldar_interp.profiles import Profiles

SHUFFLED_SET = "C4"


def pair_contexts(found: ContextProfiles) -> tuple[Profiles, Profiles]:
    """Sites and their C4 controls, as `enrichment` takes them.

    Returns
    -------
    Profiles of the sites (`set` is `site`, values from the native windows) and of one control a
    site: `set` is `C4`, `draw` 0, `matched_to` the site, everything else of its row the site's
    own; values are means over the shuffles, NaN only where every shuffle is NaN.

    Raises
    ------
    InputError : the rows are not sites (`set` is another, or there is no such column).
    """
    sites = found.windows.sites
    if "set" not in sites.columns or (sites["set"] != "site").any():
        raise InputError("rows of the context windows are not all of the set 'site'; shuffle sites")
    known = ~np.isnan(found.shuffled)
    total = np.where(known, found.shuffled, 0).sum(axis=1, dtype=np.float64)
    count = known.sum(axis=1)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    plain = sites.drop(columns=["matched_to", "draw"], errors="ignore")
    controls = plain.assign(
        site_id=plain["site_id"] + f":{SHUFFLED_SET}:0",
        set=SHUFFLED_SET,
        matched_to=plain["site_id"],
        draw=0,
    )
    return (
        Profiles(found.native, found.offsets, plain),
        Profiles(mean.astype(np.float32), found.offsets, controls),
    )
