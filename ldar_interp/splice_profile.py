"""Boundary probability at splice sites against matched controls, as tables and a figure.

Example: python -m ldar_interp.splice_profile --ckpt model_ckpt_110m.pt --fasta hg38.fa \\
    --gtf gencode.v47.annotation.gtf.gz --tag MANE_Select --out splice_profile

Without arguments it runs on the embedded checkpoint and region.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import BaseModel, ConfigDict, Field

from ldar_interp.command_line import merge_settings, one_line_errors, result_folder, say
from ldar_interp.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from ldar_interp.boundaries.consistency import Consistency
    from ldar_interp.genome.fasta import Genome
    from ldar_interp.model.ldarnet import LDARNet
    from ldar_interp.profiles import Profiles
    from ldar_interp.sites.controls import ControlLadder
    from ldar_interp.sites.gencode import SpliceAnnotation
    from ldar_interp.stats.enrichment import EnrichmentResult

PROGRAM = "splice_profile"
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"]}


class SpliceSettings(BaseModel):
    """Everything that a run depends on; `--config` takes a TOML file of these names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ckpt: str | None = None
    fasta: Path | None = None
    gtf: Path | None = None
    out: Path = Path("splice_profile")
    flank_bp: int = Field(100, ge=10, le=2000)
    strand: Literal["transcript", "forward", "mean"] = "transcript"
    controls: tuple[Literal["C0", "C1", "C2"], ...] = ("C0", "C1", "C2")
    baseline: Literal["random", "none"] = "random"
    gene_type: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    max_sites: int | None = Field(None, ge=1)
    margin_bp: int | None = Field(None, ge=1)
    n_draws: int = Field(3, ge=1)
    n_boot: int = Field(2000, ge=100)
    n_flips: int = Field(9999, ge=99)
    seed: int = Field(1, ge=0)
    device: str = "cpu"
    dtype: Literal["float32", "bfloat16"] = "float32"
    width_mm: Literal[89, 183] = 183


def main(
    ckpt: Annotated[
        str | None,
        typer.Option(help="Checkpoint: .pt, .safetensors, hf://owner/name[/file], random:2m."),
    ] = None,
    fasta: Annotated[Path | None, typer.Option(help="Genome, plain or bgzip.")] = None,
    gtf: Annotated[Path | None, typer.Option(help="GENCODE, Ensembl or NCBI annotation.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results. [default: splice_profile]")
    ] = None,
    flank_bp: Annotated[
        int | None, typer.Option(help="Edges shown on each side. [default: 100]")
    ] = None,
    strand: Annotated[
        str | None,
        typer.Option(
            help="Strand that the model reads: transcript, forward or mean. [default: transcript]"
        ),
    ] = None,
    controls: Annotated[str | None, typer.Option(help="Control rungs. [default: C0,C1,C2]")] = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="random: the same architecture untrained; or none. [default: random]"),
    ] = None,
    gene_type: Annotated[
        list[str] | None, typer.Option(help="Keep genes of this type; may be repeated.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Keep transcripts with this tag; may be repeated.")
    ] = None,
    max_sites: Annotated[
        int | None, typer.Option(help="At most this many sites of each kind, drawn by --seed.")
    ] = None,
    margin_bp: Annotated[
        int | None, typer.Option(help="Window margin to drop. [default: measured]")
    ] = None,
    n_draws: Annotated[
        int | None, typer.Option(help="Draws of controls; the first is tested. [default: 3]")
    ] = None,
    n_boot: Annotated[int | None, typer.Option(help="Bootstrap resamples. [default: 2000]")] = None,
    n_flips: Annotated[int | None, typer.Option(help="Sign flips. [default: 9999]")] = None,
    seed: Annotated[int | None, typer.Option(help="Of every random choice. [default: 1]")] = None,
    device: Annotated[str | None, typer.Option(help="torch device. [default: cpu]")] = None,
    dtype: Annotated[
        str | None, typer.Option(help="float32 or bfloat16. [default: float32]")
    ] = None,
    width_mm: Annotated[
        int | None, typer.Option(help="Width of the figure, 183 or 89. [default: 183]")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes on a CPU. [default: all cores]")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file of these options; options given here win.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier result.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Profile boundary probability around splice sites, with controls, intervals and tests.

    Without arguments: the embedded checkpoint and human region, into splice_profile/.
    """
    given: dict[str, Any] = {
        "ckpt": ckpt, "fasta": fasta, "gtf": gtf, "out": out, "flank_bp": flank_bp,
        "strand": strand, "baseline": baseline, "gene_type": gene_type or None,
        "tag": tag or None, "max_sites": max_sites, "margin_bp": margin_bp, "n_draws": n_draws,
        "n_boot": n_boot, "n_flips": n_flips, "seed": seed, "device": device, "dtype": dtype,
        "width_mm": width_mm,
        "controls": None if controls is None else [part.strip() for part in controls.split(",")],
    }  # fmt: skip
    with one_line_errors(PROGRAM, debug=debug):
        settings = merge_settings(SpliceSettings, config, given)
        if (settings.fasta is None) != (settings.gtf is None):
            raise InputError("give --fasta and --gtf together, or neither for the embedded region")
        with result_folder(settings.out, force=force) as folder:
            run(settings, folder, workers=workers)
        say(f"{PROGRAM}: results in {settings.out}")


def run(settings: SpliceSettings, folder: Path, *, workers: int | None = None) -> None:
    """Read, extract, compare, write into an existing folder."""
    from ldar_interp.assets import CHECKPOINT
    from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF
    from ldar_interp.boundaries.extract import count_workers
    from ldar_interp.genome.fasta import Genome
    from ldar_interp.model.checkpoint import load_model, random_model
    from ldar_interp.provenance import describe_input
    from ldar_interp.sites.controls import build_controls
    from ldar_interp.sites.gencode import load_splice_sites
    from ldar_interp.stats.enrichment import enrichment, join_results

    source = settings.ckpt or str(CHECKPOINT)
    fasta, gtf = settings.fasta or DEMO_FASTA, settings.gtf or DEMO_GTF
    model = load_model(source, settings.device, seed=settings.seed)
    models = {"checkpoint": model}
    if settings.baseline == "random":
        untrained = random_model(model.config, seed=settings.seed)
        models["random"] = untrained.to(settings.device).eval().requires_grad_(False)
    with Genome(fasta) as genome:
        annotation = load_splice_sites(
            gtf,
            genome,
            gene_types=settings.gene_type or None,
            tags=settings.tag or None,
        )
        chosen = draw_sites(annotation.sites, settings.max_sites, settings.seed)
        _report_annotation(annotation, chosen)
        ladder = build_controls(
            chosen,
            genome,
            annotation=annotation,
            rungs=settings.controls,
            n_draws=settings.n_draws,
            flank_bp=settings.flank_bp,
            seed=settings.seed,
        )
        _report_controls(ladder)
        consistency = _measure_margin(models, genome, settings)
        results, profiles, tracks = [], {}, {}
        for name, current in models.items():
            found, track = _profile(
                current,
                genome,
                ladder,
                settings,
                consistency,
                label=name,
                workers=workers or count_workers(),
            )
            profiles[name], tracks[name] = found, track
            results.append(
                enrichment(
                    *found,
                    model=name,
                    n_boot=settings.n_boot,
                    n_flips=settings.n_flips,
                    seed=settings.seed,
                )
            )
        result = join_results(results)
        logos = _count_letters(ladder.sites, genome)
    _write_tables(folder, ladder, result, profiles)
    _draw(folder, ladder, result, logos, settings)
    _write_provenance(
        folder,
        settings,
        inputs={
            "fasta": describe_input(fasta),
            "gtf": describe_input(gtf),
            "checkpoint": describe_checkpoint(source),
        },
        model=model,
        counts={
            "annotation": annotation.counts,
            "absent_chroms": list(annotation.absent_chroms),
            "chrom_names": annotation.chrom_names,
            "sites_used": _count_kinds(chosen),
            "controls": ladder.counts,
            "extraction": tracks,
            "profiles": {name: _count_missing(*found) for name, found in profiles.items()},
        },
        consistency={name: found.summary() for name, found in consistency.items()},
    )


def draw_sites(sites: "pd.DataFrame", max_sites: int | None, seed: int) -> "pd.DataFrame":
    """At most `max_sites` sites of each kind, drawn without replacement, in table order."""
    import numpy as np

    if max_sites is None:
        return sites
    kept = []
    for number, (_, rows) in enumerate(sites.groupby("kind", sort=True)):
        rng = np.random.default_rng([seed, 5, number])
        size = min(max_sites, len(rows))
        kept += rng.choice(rows.index.to_numpy(), size=size, replace=False).tolist()
    return sites.loc[sorted(kept)].reset_index(drop=True)


def describe_checkpoint(source: str) -> dict[str, str]:
    """File name and sha256 of the weights, or the name of a random model."""
    from ldar_interp.model.checkpoint import locate_weights
    from ldar_interp.provenance import describe_input

    if source.startswith("random:"):
        return {"random": source.removeprefix("random:")}
    return describe_input(locate_weights(source))


def _measure_margin(
    models: dict[str, "LDARNet"], genome: "Genome", settings: SpliceSettings
) -> dict[str, "Consistency"]:
    from ldar_interp.boundaries.consistency import measure_consistency

    found = {
        name: measure_consistency(model, genome, seed=settings.seed, dtype=settings.dtype)
        for name, model in models.items()
    }
    for name, consistency in found.items():
        summary = consistency.summary()
        say(
            f"{PROGRAM}: {name}: p is within {consistency.tolerance:g} of itself in shifted "
            f"windows from {consistency.margin_bp} bp on"
            f"{'' if consistency.reached else ' (not reached)'}: mean |dp| "
            f"{summary['mean_abs_dp_beyond_margin']:.2g}, max "
            f"{summary['max_abs_dp_beyond_margin']:.2g}; strands differ by "
            f"{consistency.strand_difference:.2g}"
        )
    return found


def _profile(
    model: "LDARNet",
    genome: "Genome",
    ladder: "ControlLadder",
    settings: SpliceSettings,
    consistency: dict[str, "Consistency"],
    *,
    label: str,
    workers: int,
) -> tuple[tuple["Profiles", "Profiles"], dict[str, Any]]:
    """Profiles of sites and controls, and what their extraction counted."""
    from ldar_interp.boundaries.extract import extract_boundaries
    from ldar_interp.profiles import collect

    margin = settings.margin_bp or max(found.margin_bp for found in consistency.values())
    track = extract_boundaries(
        model,
        genome,
        around=[ladder.sites, ladder.table] if len(ladder.table) else ladder.sites,
        flank_bp=settings.flank_bp,
        strand=settings.strand,
        margin_bp=margin,
        dtype=settings.dtype,
        workers=workers,
        progress=f"{PROGRAM}: {label}",
    )
    sites, controls = (
        collect(track, table, flank_bp=settings.flank_bp, strand=settings.strand)
        for table in (ladder.sites, ladder.table)
    )
    return (sites, controls), track.provenance


def _count_letters(sites: "pd.DataFrame", genome: "Genome") -> dict[str, Any]:
    """Letters around the sites of each kind, for the logos: 20 bases on each side of the edge."""
    import numpy as np

    from ldar_interp.plots.logos import LogoCounts, count_letters
    from ldar_interp.sites.measured_sites import read_site_letters

    logos = {}
    for kind, rows in sites.groupby("kind", sort=True):
        letters = read_site_letters(rows, genome, 20)
        if letters.usable.any():
            logos[str(kind)] = LogoCounts(
                count_letters(letters.ids[letters.usable]), np.arange(-20, 20)
            )
    return logos


def _count_kinds(sites: "pd.DataFrame") -> dict[str, int]:
    return {str(kind): len(rows) for kind, rows in sites.groupby("kind", sort=True)}


def _count_missing(sites: "Profiles", controls: "Profiles") -> dict[str, int]:
    import numpy as np

    return {
        "sites": len(sites),
        "sites_with_edges_off_the_track": int(np.isnan(sites.values).any(axis=1).sum()),
        "controls": len(controls),
        "controls_with_edges_off_the_track": int(np.isnan(controls.values).any(axis=1).sum()),
    }


def _report_annotation(annotation: "SpliceAnnotation", chosen: "pd.DataFrame") -> None:
    kept = ", ".join(f"{n} {kind}s" for kind, n in _count_kinds(chosen).items())
    say(f"{PROGRAM}: {kept} in {chosen['group'].nunique()} loci")
    dropped = {k: v for k, v in annotation.counts.items() if v and k.startswith("introns_")}
    say(f"{PROGRAM}: annotation: " + ", ".join(f"{k} {v}" for k, v in dropped.items()))
    if annotation.absent_chroms:
        shown = ", ".join(annotation.absent_chroms[:5])
        say(f"{PROGRAM}: {len(annotation.absent_chroms)} chromosomes not in the genome: {shown}")


def _report_controls(ladder: "ControlLadder") -> None:
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


def _write_tables(
    folder: Path,
    ladder: "ControlLadder",
    result: "EnrichmentResult",
    profiles: dict[str, tuple["Profiles", "Profiles"]],
) -> None:
    import numpy as np

    from ldar_interp.sites.table import join_sites, write_sites

    write_sites(folder / "sites.tsv", join_sites([ladder.sites, ladder.table]))
    for name, table in {
        "profile": result.profile,
        "difference": result.difference,
        "enrichment": result.enrichment,
        "balance": ladder.balance,
    }.items():
        table.to_csv(
            folder / f"{name}.tsv", sep="\t", index=False, float_format="%.6g", lineterminator="\n"
        )
    first = next(iter(profiles.values()))
    arrays: dict[str, Any] = {
        "offsets": first[0].offsets,
        "site_id": np.concatenate([part.sites["site_id"].to_numpy(dtype=str) for part in first]),
    }
    for name, parts in profiles.items():
        arrays[name] = np.concatenate([part.values for part in parts])
    np.savez_compressed(folder / "profiles.npz", **arrays)


def _draw(
    folder: Path,
    ladder: "ControlLadder",
    result: "EnrichmentResult",
    logos: dict[str, Any],
    settings: SpliceSettings,
) -> None:
    from ldar_interp.plots.save import save_figure
    from ldar_interp.plots.splice import splice_figure

    figure = splice_figure(
        result.profile,
        result.difference,
        result.enrichment,
        logos,
        width_mm=settings.width_mm,
        balance=ladder.balance,
        n_genes={
            str(kind): int(rows["group"].nunique())
            for kind, rows in ladder.sites.groupby("kind", sort=True)
        },
    )
    save_figure(figure, folder / "figure")


def _write_provenance(
    folder: Path,
    settings: SpliceSettings,
    *,
    inputs: dict[str, Any],
    model: "LDARNet",
    counts: dict[str, Any],
    consistency: dict[str, Any],
) -> None:
    from ldar_interp.provenance import write_provenance

    arguments = settings.model_dump(mode="json", exclude={"ckpt", "fasta", "gtf", "out"})
    write_provenance(
        folder / "provenance.json",
        {
            "program": PROGRAM,
            "arguments": arguments,
            "inputs": inputs,
            "model": model.config.to_dict(),
            "backend": "torch",
            "seed": settings.seed,
            "counts": counts,
            "offset_consistency": consistency,
        },
    )


if __name__ == "__main__":
    typer.run(main)
