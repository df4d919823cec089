"""The files of a mutagenesis result; their columns are in docs/contracts.md."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ldar_interp.mutations.analysis import MutationRun
from ldar_interp.mutations.settings import PROGRAM, MutationSettings
from ldar_interp.plots.mutations import mutation_figure
from ldar_interp.plots.save import save_figure
from ldar_interp.program.sidecar import describe_program, seal_folder
from ldar_interp.program.tables import write_table
from ldar_interp.sites.table import write_sites


def write_result(folder: Path, run: MutationRun, settings: MutationSettings) -> None:
    """Write all files of a result into an existing, empty folder, provenance last."""
    write_sites(folder / "sites.tsv", run.results["checkpoint"].sites)
    tables = run.tables._asdict()
    if run.variants is not None:
        tables["variants"] = run.variants
    for name, table in tables.items():
        write_table(folder / f"{name}.tsv", table)
    write_arrays(folder / "sites.npz", run)
    figure = mutation_figure(run.tables.mutations, run.tables.importance)
    save_figure(figure, folder / "figure")
    seal_folder(folder, describe_run(run, settings))


def write_arrays(path: Path, run: MutationRun) -> None:
    """`base_offsets`, `edge_offsets`, `site_id`, `letters`, `flanks`; `<model>_native` and
    `<model>_delta` (sites x bases x letters x edges) for each model.
    """
    first = run.results["checkpoint"]
    arrays: dict[str, NDArray[Any]] = {
        "base_offsets": first.base_offsets,
        "edge_offsets": first.edge_offsets,
        "site_id": first.sites["site_id"].to_numpy(dtype=np.str_),
        "letters": first.letters,
        "flanks": first.flanks,
    }
    for name, result in run.results.items():
        arrays[f"{name}_native"] = result.native
        arrays[f"{name}_delta"] = result.profiles
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def describe_run(run: MutationRun, settings: MutationSettings) -> dict[str, Any]:
    """What made the result and what was kept and dropped; no paths, so no machine shows."""
    found = describe_program(PROGRAM, settings, run.models, run.inputs, files={"sites", "vcf"})
    return found | {"counts": run.counts}
