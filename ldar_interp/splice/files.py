"""The files of a splice-profile result; their columns are in docs/contracts.md."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ldar_interp.plots.save import save_figure
from ldar_interp.plots.splice import splice_figure
from ldar_interp.program.tables import write_table
from ldar_interp.provenance import describe_input, write_provenance
from ldar_interp.sites.table import count_kinds, join_sites, write_sites
from ldar_interp.splice.analysis import SpliceRun
from ldar_interp.splice.report import PROGRAM, count_values
from ldar_interp.splice.settings import SpliceSettings


def write_result(folder: Path, run: SpliceRun, settings: SpliceSettings) -> None:
    """Write all files of a result into an existing, empty folder, provenance last."""
    write_tables(folder, run)
    write_profiles(folder / "profiles.npz", run)
    draw_figure(folder / "figure", run, width_mm=settings.width_mm)
    written = sorted(path.name for path in folder.iterdir())
    write_provenance(folder / "provenance.json", describe_run(run, settings) | {"files": written})


def write_tables(folder: Path, run: SpliceRun) -> None:
    """`sites.tsv`, `profile.tsv`, `difference.tsv`, `enrichment.tsv` and `balance.tsv`."""
    write_sites(folder / "sites.tsv", join_sites([run.ladder.sites, run.ladder.table]))
    for name, table in {
        "profile": run.result.profile,
        "difference": run.result.difference,
        "enrichment": run.result.enrichment,
        "balance": run.ladder.balance,
    }.items():
        write_table(folder / f"{name}.tsv", table)


def write_profiles(path: Path, run: SpliceRun) -> None:
    """`offsets`, `site_id` in the order of sites.tsv, and a float32 matrix for each model."""
    sites, controls = run.profiles["checkpoint"]
    arrays: dict[str, NDArray[Any]] = {
        "offsets": sites.offsets,
        "site_id": np.concatenate(
            [part.sites["site_id"].to_numpy(dtype=np.str_) for part in (sites, controls)]
        ),
    }
    for name, parts in run.profiles.items():
        arrays[name] = np.concatenate([part.values for part in parts])
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def draw_figure(stem: Path, run: SpliceRun, *, width_mm: int) -> None:
    """`stem`.pdf, .png and .svg from the tables of the run."""
    figure = splice_figure(
        run.result.profile,
        run.result.difference,
        run.result.enrichment,
        run.logos,
        width_mm=width_mm,
        balance=run.ladder.balance,
        n_genes={
            str(kind): int(rows["group"].nunique())
            for kind, rows in run.ladder.sites.groupby("kind", sort=True)
        },
    )
    save_figure(figure, stem)


def describe_run(run: SpliceRun, settings: SpliceSettings) -> dict[str, Any]:
    """What made the result and what was kept and dropped; no paths, so no machine shows."""
    return {
        "program": PROGRAM,
        "arguments": settings.model_dump(mode="json", exclude={"ckpt", "fasta", "gtf", "out"}),
        "inputs": {
            "fasta": describe_input(settings.genome_path),
            "gtf": describe_input(settings.annotation_path),
            "checkpoint": run.models.describe_source(),
        },
        **run.models.describe(),
        "seed": settings.seed,
        "counts": {
            "annotation": run.annotation.counts,
            "absent_chroms": list(run.annotation.absent_chroms),
            "chrom_names": run.annotation.chrom_names,
            "sites_used": count_kinds(run.ladder.sites),
            "controls": run.ladder.counts,
            "extraction": run.extraction,
            "profiles": {
                name: {"sites": count_values(sites), "controls": count_values(controls)}
                for name, (sites, controls) in run.profiles.items()
            },
        },
        "offset_consistency": {name: found.summary() for name, found in run.consistency.items()},
    }
