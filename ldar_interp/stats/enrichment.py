"""Sites against their matched controls: effects, intervals and tests as three tidy tables.

The declared endpoint is `mean_difference` at offset 0: the site-weighted mean of site minus
matched control in draw 0, with a cluster-bootstrap interval and, for the rungs of the primary
family, a sign-flip test by group. Everything else carries an effect and an interval only, so the
family stays as declared. Over the profile, the studentised maximum over offsets gives family-wise
p-values for the same rungs; the others (C0) get an interval at each offset and no test.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.profiles import Profiles
from ldar_interp.stats.endpoints import (
    ENRICHMENT_COLUMNS,
    Settings,
    compare_distributions,
    compare_mean,
    range_over_draws,
)
from ldar_interp.stats.pairs import SITE_SET, PairIndex, Pairs, check_pairing
from ldar_interp.stats.regions import Region, average_region
from ldar_interp.stats.resample import (
    MeanInterval,
    SignFlipTest,
    adjust_bh,
    bootstrap_mean,
    sign_flip_test,
)

MIN_SITES, MIN_GROUPS = 20, 10
"""Pairs and groups below which a row has neither interval nor p."""

PROFILE_COLUMNS = (
    *("model", "signal", "kind", "set", "offset", "mean", "ci_low", "ci_high"),
    *("boundary_rate", "n"),
)
DIFFERENCE_COLUMNS = (
    *("model", "signal", "kind", "control", "offset", "difference", "ci_low", "ci_high", "p_maxt"),
)


@dataclass(frozen=True, slots=True, eq=False)
class EnrichmentResult:
    """Three tables with the columns of docs/contracts.md; NaN is "not applicable"."""

    enrichment: pd.DataFrame
    profile: pd.DataFrame
    difference: pd.DataFrame


def enrichment(
    profiles: Profiles,
    control_profiles: Profiles,
    *,
    model: str = "checkpoint",
    regions: Sequence[Region] = (),
    n_boot: int = 2000,
    n_flips: int = 9999,
    seed: int = 0,
    primary: Sequence[str] = ("C1", "C2"),
    rungs: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    curves_of: Sequence[str] | None = None,
    min_sites: int = MIN_SITES,
    min_groups: int = MIN_GROUPS,
) -> EnrichmentResult:
    """Compare sites with their matched controls, for every kind and control rung.

    Parameters
    ----------
    profiles : p around the sites (`set` is `site`), or its residual: `profiles.signal` is printed
        in every row. A residual has no hard boundaries: their rate is NaN, their odds not listed.
    control_profiles : p around their controls, with `matched_to`; `draw` 0 is the declared 1:1
        draw, further draws give `mean_difference_draw_range` only.
    model : printed in every row; `checkpoint` or `random`.
    regions : endpoints instead of offset 0, for sites with `width_bp`: the declared statistics are
        then the mean differences over these, one row each (see `stats.regions`).
    n_boot, n_flips : resamples of groups, sign flips of groups.
    seed : of all resampling; printed in every row.
    primary : rungs whose `mean_difference` at offset 0 is tested. Rungs that the controls do not
        have are no part of the family.
    rungs : rungs to report; one without any control is listed as too few. Default: those that
        the controls have.
    kinds : kinds to report, in this order; one without any site is listed as too few. Default:
        those that the sites have.
    curves_of : kinds whose profile and difference are tabulated, a row an offset; default all. The
        enrichment table holds every kind in any case.
    min_sites, min_groups : below either the row is listed as "too few", with neither interval
        nor p.

    Returns
    -------
    EnrichmentResult : `q_value` is Benjamini-Hochberg over this call's primary family. Pairs with
        NaN at offset 0 are dropped and counted in `n_dropped`.

    Raises
    ------
    InputError : offset 0 is missing, no sites, controls that cannot be paired,
        regions for sites without a width, or one that reaches beyond the offsets.
    """
    check_pairing(profiles, control_profiles)
    if 0 not in profiles.offsets:
        raise InputError("profiles have no offset 0, where the effect is declared; collect it")
    if not len(profiles) and not kinds:
        raise InputError("profiles hold no sites; nothing can be compared")
    widths = _read_widths(profiles) if regions else None
    signal = profiles.signal
    given = Settings(model, signal, n_boot, n_flips, seed, tuple(primary), min_sites, min_groups)
    if kinds is None:
        kinds = list(dict.fromkeys(profiles.sites["kind"].tolist()))
    rungs = sorted(set(rungs or control_profiles.sites["set"].tolist()))
    rows: list[dict[str, object]] = []
    profile_parts, difference_parts = [], []
    index = PairIndex(profiles, control_profiles)
    for kind in kinds:
        has_curves = curves_of is None or kind in curves_of
        if has_curves:
            at = index.sites_of(kind)
            profile_parts.append(_profile_table(profiles, at, kind, SITE_SET, given))
        for rung in rungs:
            pairs = index.pair(kind, rung)
            if has_curves:
                at = index.controls_of(kind, rung)
                profile_parts.append(_profile_table(control_profiles, at, kind, rung, given))
            if has_curves or widths is None:
                interval, test = _compare(pairs, kind, rung, given)
            if has_curves:
                difference_parts.append(
                    _difference_table(profiles.offsets, interval, test, kind, rung, given)
                )
            if widths is not None:
                rows += _compare_regions(
                    pairs, profiles.offsets, widths[pairs.site_rows], regions, kind, rung, given
                )
                continue
            centre = int(np.flatnonzero(profiles.offsets == 0)[0])
            rows.append(compare_mean(pairs, centre, interval, test, kind, rung, given))
            rows += compare_distributions(pairs, centre, kind, rung, given)
            rows += range_over_draws(index, centre, kind, rung, given)
    table = pd.DataFrame(rows, columns=list(ENRICHMENT_COLUMNS)).astype({"offset": "Int64"})
    return EnrichmentResult(
        enrichment=adjust_family(table),
        profile=_join(profile_parts, PROFILE_COLUMNS),
        difference=_join(difference_parts, DIFFERENCE_COLUMNS),
    )


def _join(parts: list[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    return pd.concat(parts or [pd.DataFrame(columns=list(columns))], ignore_index=True)


def adjust_family(tables: pd.DataFrame | Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join enrichment tables and fill `q_value`: Benjamini-Hochberg over each model's family.

    The family of a model is every row with a p-value, which only declared endpoints have.
    """
    parts = [tables] if isinstance(tables, pd.DataFrame) else list(tables)
    table = pd.concat(parts, ignore_index=True)
    q_values = np.full(len(table), np.nan)
    models = table["model"].to_numpy(dtype=object)
    p_values = table["p_value"].to_numpy(dtype=np.float64)
    for name in dict.fromkeys(models.tolist()):
        q_values[models == name] = adjust_bh(p_values[models == name])
    return table.assign(q_value=q_values)


def join_results(results: Sequence[EnrichmentResult]) -> EnrichmentResult:
    """Results of several models one below the other, each model its own family."""
    return EnrichmentResult(
        enrichment=adjust_family([result.enrichment for result in results]),
        profile=pd.concat([result.profile for result in results], ignore_index=True),
        difference=pd.concat([result.difference for result in results], ignore_index=True),
    )


def _read_widths(profiles: Profiles) -> NDArray[np.int64]:
    widths = profiles.sites.get("width_bp")
    if widths is None or widths.isna().any():
        raise InputError(
            "sites have no width_bp, or not all of them; wanted it for endpoints inside and beside "
            "a motif"
        )
    return widths.to_numpy(dtype=np.int64)


def _compare_regions(
    pairs: Pairs,
    offsets: NDArray[np.int64],
    width_bp: NDArray[np.int64],
    regions: Sequence[Region],
    kind: str,
    rung: str,
    given: Settings,
) -> list[dict[str, object]]:
    """A row for each region: the pairs narrowed to one column, their mean over it."""
    rows = []
    for region in regions:
        site, control = (
            average_region(values, offsets, width_bp, region).astype(np.float32)[:, None]
            for values in (pairs.site, pairs.control)
        )
        narrow = replace(pairs, site=site, control=control)
        interval, test = _compare(narrow, kind, rung, given, region.name)
        rows.append(
            compare_mean(
                narrow, 0, interval, test, kind, rung, given, statistic=region.name, offset=None
            )
        )
    return rows


def _compare(
    pairs: Pairs, kind: str, rung: str, given: Settings, *purpose: str
) -> tuple[MeanInterval, SignFlipTest | None]:
    difference = pairs.difference
    interval = bootstrap_mean(
        difference,
        pairs.group,
        n_boot=given.n_boot,
        rng=given.rng("difference", kind, rung, *purpose),
        min_groups=given.min_groups,
        min_sites=given.min_sites,
        bounds=(given.bounds[0] - given.bounds[1], given.bounds[1] - given.bounds[0]),
    )
    if rung not in given.primary:
        return interval, None
    test = sign_flip_test(
        difference,
        pairs.group,
        n_flips=given.n_flips,
        rng=given.rng("flip", kind, rung, *purpose),
        min_groups=given.min_groups,
        min_sites=given.min_sites,
    )
    return interval, test


def _profile_table(
    profiles: Profiles, at: NDArray[np.int64], kind: str, name: str, given: Settings
) -> pd.DataFrame:
    group = profiles.sites[["group"]].iloc[at].reset_index(drop=True)
    chosen = Profiles(profiles.values[at], profiles.offsets, group, profiles.signal)
    found = bootstrap_mean(
        chosen.values,
        group["group"].to_numpy(dtype=np.str_),
        n_boot=given.n_boot,
        rng=given.rng("profile", kind, name),
        min_groups=given.min_groups,
        min_sites=given.min_sites,
        bounds=given.bounds,
    )
    columns = (
        *(given.model, given.signal, kind, name, chosen.offsets),
        *(found.mean, found.low, found.high, chosen.boundary_rate(), found.n),
    )
    return pd.DataFrame(dict(zip(PROFILE_COLUMNS, columns, strict=True)))


def _difference_table(
    offsets: NDArray[np.int64],
    interval: MeanInterval,
    test: SignFlipTest | None,
    kind: str,
    rung: str,
    given: Settings,
) -> pd.DataFrame:
    p_maxt = np.full(offsets.size, np.nan) if test is None else test.p_maxt
    columns = (
        *(given.model, given.signal, kind, rung, offsets),
        *(interval.mean, interval.low, interval.high, p_maxt),
    )
    return pd.DataFrame(dict(zip(DIFFERENCE_COLUMNS, columns, strict=True)))
