"""From profiles to the result tables: every model, signal and rung, one family a model."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ldar_interp.ladder.measure import LadderProfiles
from ldar_interp.ladder.settings import CONTEXT_RUNG, PRIMARY, LadderSettings
from ldar_interp.profiles import Profiles
from ldar_interp.sites.same_letters import CORE_KIND, CORE_RUNG
from ldar_interp.stats.enrichment import EnrichmentResult, enrichment, join_results
from ldar_interp.stats.pairs import SITE_SET
from ldar_interp.stats.regions import Region


def compare_ladder(
    found: LadderProfiles,
    settings: LadderSettings,
    *,
    regions: Sequence[Region] = (),
    curves_of: Sequence[str] | None = None,
) -> EnrichmentResult:
    """The tables of a run; q is adjusted over the declared rungs and signals of each model.

    `curves_of` are the kinds whose profile and difference are tabulated; default all.

    C4 is compared among its own windows; a kind without one is listed as too few. Its rows of the
    set `site` are left out of the profile table, where they would stand beside the sites' values
    from the track.
    """
    parts = [
        enrichment(
            *profiles,
            model=model,
            regions=regions,
            curves_of=curves_of,
            primary=PRIMARY,
            rungs=settings.placed_rungs,
            n_boot=settings.n_boot,
            n_flips=settings.n_flips,
            seed=settings.seed,
        )
        for (model, _), profiles in found.placed.items()
    ]
    for (model, signal), profiles in found.contexts.items():
        part = enrichment(
            *profiles,
            model=model,
            # A kind whose sites all lack a window has its row too, as on the other rungs.
            kinds=_list_kinds(found.placed[model, signal][0]),
            regions=regions,
            curves_of=curves_of,
            primary=(),
            rungs=(CONTEXT_RUNG,),
            n_boot=settings.n_boot,
            n_flips=settings.n_flips,
            seed=settings.seed,
        )
        means_only = part.enrichment["statistic"].isin(
            ["mean_difference", *(region.name for region in regions)]
        )
        parts.append(
            replace(
                part,
                # A mean of five shuffles spreads less than one value: only means can be compared.
                enrichment=part.enrichment[means_only],
                profile=part.profile[part.profile["set"] != SITE_SET],
            )
        )
    return _drop_foreign(join_results(parts))


def _list_kinds(sites: Profiles) -> list[str]:
    """Kinds of sites, each once, in the order of the table."""
    return list(dict.fromkeys(sites.sites["kind"].astype(str)))


def _drop_foreign(result: EnrichmentResult) -> EnrichmentResult:
    """Without rows of the donors' own rung for other kinds, which do not have it."""

    def keep(table: pd.DataFrame, column: str) -> pd.DataFrame:
        foreign = (table[column] == CORE_RUNG) & (table["kind"] != CORE_KIND)
        return table[~foreign].reset_index(drop=True)

    return EnrichmentResult(
        enrichment=keep(result.enrichment, "control"),
        profile=keep(result.profile, "set"),
        difference=keep(result.difference, "control"),
    )
