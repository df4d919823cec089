"""Sites beside their matched controls: one row a pair, one table a kind, rung and draw."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.profiles import Profiles

SITE_SET = "site"


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Matched pairs; row i of everything is one pair, in the order of the sites.

    `site` and `control` are float32 (n_pairs, n_offsets), NaN where not evaluated.
    `n_unmatched` counts the sites of this kind that have no control in this rung and draw.
    """

    site: NDArray[np.float32]
    control: NDArray[np.float32]
    group: NDArray[np.str_]
    site_rows: NDArray[np.int64]
    n_unmatched: int

    @property
    def difference(self) -> NDArray[np.float64]:
        """Site minus control; NaN where either was not evaluated."""
        return self.site.astype(np.float64) - self.control


def check_pairing(profiles: Profiles, controls: Profiles) -> None:
    """Can the controls be paired with the sites?

    Raises
    ------
    InputError : a column is missing; offsets or signals differ; the sites hold controls, or the
        controls sites; site ids repeat; a control names no site, one of another kind, or one of
        another group; a site has two controls in one rung and draw.
    """
    for name, table, needed in (
        ("site", profiles.sites, ["site_id", "kind", "set", "group"]),
        ("control", controls.sites, ["site_id", "kind", "set", "group", "matched_to"]),
    ):
        missing = [column for column in needed if column not in table.columns]
        if missing:
            raise InputError(
                f"{name} table lacks the columns {', '.join(missing)}; see docs/contracts.md"
            )
    if not np.array_equal(profiles.offsets, controls.offsets):
        raise InputError(
            f"sites have {_describe(profiles.offsets)} and controls {_describe(controls.offsets)}; "
            "collect both with the same flank_bp"
        )
    if profiles.signal != controls.signal:
        raise InputError(
            f"sites hold the signal {profiles.signal!r} and controls {controls.signal!r}; collect "
            "both from one track"
        )
    sites, table = profiles.sites, controls.sites
    if (sites["set"] != SITE_SET).any():
        raise InputError("profiles of the sites hold rows of a control set; pass them as controls")
    if (table["set"] == SITE_SET).any():
        raise InputError("profiles of the controls hold rows of the set 'site'; pass them apart")
    if sites["site_id"].duplicated().any():
        first = sites["site_id"][sites["site_id"].duplicated()].iloc[0]
        raise InputError(f"site_id {first!r} appears twice among the sites; make ids unique")
    keys = pd.DataFrame(
        {"set": table["set"], "draw": draws_of(table), "matched_to": table["matched_to"]}
    )
    if keys.duplicated().any():
        row = keys[keys.duplicated()].iloc[0]
        raise InputError(
            f"site {row['matched_to']!r} has two controls in {row['set']} draw {row['draw']}; "
            "number repeats with the column draw (0 is the declared 1:1 draw)"
        )
    site_row = pd.Index(sites["site_id"]).get_indexer(table["matched_to"])
    if (site_row < 0).any():
        lost = table[site_row < 0].iloc[0]
        raise InputError(
            f"control {lost['site_id']!r} is matched to {lost['matched_to']!r}, which is not among "
            f"the sites ({int((site_row < 0).sum())} such controls); pass the sites it was made for"
        )
    for column in ("kind", "group"):
        wanted = sites[column].to_numpy(dtype=object)[site_row]
        wrong = np.flatnonzero(table[column].to_numpy(dtype=object) != wanted)
        if wrong.size:
            i = int(wrong[0])
            raise InputError(
                f"control {table['site_id'].iloc[i]!r} has the {column} {table[column].iloc[i]!r} "
                f"but its site has {wanted[i]!r} ({wrong.size} such controls); "
                f"controls are paired within a {column} only"
            )


class PairIndex:
    """Which control belongs to which site, looked up once for all kinds, rungs and draws.

    With a thousand motifs, looking through the tables for every comparison takes longer than the
    statistics.

    Parameters
    ----------
    profiles, controls : see `check_pairing`.
    """

    def __init__(self, profiles: Profiles, controls: Profiles) -> None:
        self._profiles, self._controls = profiles, controls
        table = controls.sites
        site_row = pd.Index(profiles.sites["site_id"]).get_indexer(table["matched_to"])
        self._site_row: NDArray[np.int64] = site_row.astype(np.int64)
        self._group = profiles.sites["group"].to_numpy(dtype=np.str_)
        keys = [table["kind"].astype(str), table["set"].astype(str), pd.Series(draws_of(table))]
        self._rows: dict[tuple[str, str, int], NDArray[np.int64]] = {
            (str(kind), str(rung), int(draw)): np.asarray(rows, dtype=np.int64)
            for (kind, rung, draw), rows in table.groupby(keys).indices.items()
        }
        self._sites: dict[str, NDArray[np.int64]] = {
            str(kind): np.asarray(rows, dtype=np.int64)
            for kind, rows in profiles.sites.groupby(
                profiles.sites["kind"].astype(str)
            ).indices.items()
        }

    def sites_of(self, kind: str) -> NDArray[np.int64]:
        """Rows of the sites of a kind, in the order of the table."""
        return self._sites.get(kind, np.empty(0, dtype=np.int64))

    def controls_of(self, kind: str, control: str, draw: int = 0) -> NDArray[np.int64]:
        """Rows of the controls of a kind, rung and draw, in the order of the table."""
        return self._rows.get((kind, control, draw), np.empty(0, dtype=np.int64))

    def draws_of(self, kind: str, control: str) -> list[int]:
        """Draws of a kind and rung, ascending."""
        return sorted(draw for k, rung, draw in self._rows if (k, rung) == (kind, control))

    def pair(self, kind: str, control: str, draw: int = 0) -> Pairs:
        """Each site of a kind beside its control of a rung and draw, in the order of the sites."""
        chosen = self.controls_of(kind, control, draw)
        chosen = chosen[np.argsort(self._site_row[chosen], kind="stable")]
        site_row = self._site_row[chosen]
        return Pairs(
            site=self._profiles.values[site_row],
            control=self._controls.values[chosen],
            group=self._group[site_row],
            site_rows=site_row,
            n_unmatched=self.sites_of(kind).size - site_row.size,
        )


def pair_sites(
    profiles: Profiles, controls: Profiles, *, kind: str, control: str, draw: int = 0
) -> Pairs:
    """Each site of a kind beside its control of one rung and draw; see `check_pairing`."""
    return PairIndex(profiles, controls).pair(kind, control, draw)


def draws_of(table: pd.DataFrame) -> NDArray[np.int64]:
    """The draw of each control; 0 for all where the table has no such column."""
    if "draw" not in table.columns:
        return np.zeros(len(table), dtype=np.int64)
    return table["draw"].to_numpy(dtype=np.int64)


def _describe(offsets: NDArray[np.int64]) -> str:
    if not offsets.size:
        return "no offsets"
    return f"{offsets.size} offsets {offsets[0]}..{offsets[-1]}"
