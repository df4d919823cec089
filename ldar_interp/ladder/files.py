"""The files that every run down the ladder writes; their columns are in docs/contracts.md."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ldar_interp.ladder.measure import Key, LadderProfiles
from ldar_interp.ladder.report import count_values
from ldar_interp.program.tables import write_table
from ldar_interp.sites.controls import ControlLadder
from ldar_interp.sites.table import join_sites, write_sites
from ldar_interp.stats.enrichment import EnrichmentResult


def write_tables(
    folder: Path, ladder: ControlLadder, result: EnrichmentResult, *, sites_name: str = "sites"
) -> None:
    """Sites with their controls, and the tables profile, difference, enrichment and balance."""
    write_sites(folder / f"{sites_name}.tsv", join_sites([ladder.sites, ladder.table]))
    for name, table in {
        "profile": result.profile,
        "difference": result.difference,
        "enrichment": result.enrichment,
        "balance": ladder.balance,
    }.items():
        write_table(folder / f"{name}.tsv", table)


def write_profiles(path: Path, found: LadderProfiles) -> None:
    """Every single profile, as `.npz`.

    `offsets`, `site_id` in the order of sites.tsv, and a float32 matrix for each model and signal
    (`checkpoint`, `checkpoint_residual`, ...). With C4 also `context_offsets`, `context_site_id`
    and, for each of these, `<name>_native` and `<name>_shuffled` (the mean over shuffles).
    """
    sites, controls = next(iter(found.placed.values()))
    arrays: dict[str, NDArray[Any]] = {
        "offsets": sites.offsets,
        "site_id": np.concatenate(
            [part.sites["site_id"].to_numpy(dtype=np.str_) for part in (sites, controls)]
        ),
    }
    for key, parts in found.placed.items():
        arrays[_name(key)] = np.concatenate([part.values for part in parts])
    for key, (native, shuffled) in found.contexts.items():
        arrays["context_offsets"] = native.offsets
        arrays["context_site_id"] = native.sites["site_id"].to_numpy(dtype=np.str_)
        arrays[f"{_name(key)}_native"] = native.values
        arrays[f"{_name(key)}_shuffled"] = shuffled.values
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def count_profiles(found: LadderProfiles) -> dict[str, dict[str, dict[str, int]]]:
    """Sites and controls without value, by model and signal, for provenance."""
    return {
        _name(key): {"sites": count_values(sites), "controls": count_values(controls)}
        for key, (sites, controls) in found.placed.items()
    }


def _name(key: Key) -> str:
    model, signal = key
    return model if signal == "prob" else f"{model}_{signal}"
