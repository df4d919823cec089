"""The command line of analyses that pool several regions into sets: what a checkpoint saw, or not.

`regions.toml` of the analysis names sequence, annotation and starts in the folder that is given as
--data; each set becomes a genome of its own (promoter_profile/prepare.py) and is run alone.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from analyses.figure_folder import Describe, write_folder
from analyses.promoter_profile.prepare import prepare_sets
from ldar_interp.command_line import merge_settings, one_line_errors, say
from ldar_interp.program import options
from ldar_interp.program.settings import ModelSettings, split_words

Settings = TypeVar("Settings", bound=ModelSettings)
Measure = Callable[[Settings, Mapping[str, Path], int, Path], Mapping[str, Any]]
"""Settings, folder of each set, number of processes, folder of the figure -> provenance."""


def make_main(
    folder: Path,
    question: str,
    model: type[Settings],
    measure: Measure[Settings],
    describe: Describe,
    sets: Sequence[str] = ("held_out", "trained"),
) -> Callable[..., Any]:
    """The `main` of an analysis: as `region_program.make_main`, with `sets` of regions.toml."""
    name = folder.name

    def main(
        data: Annotated[Path, typer.Option(help="Folder of the files that the regions name.")],
        wanted: Annotated[
            str, typer.Option("--sets", help="Which sets of regions, the primary one first.")
        ] = ",".join(sets),
        regions: Annotated[Path, typer.Option(help="Which regions.")] = folder / "regions.toml",
        work: Annotated[Path, typer.Option(help="Folder for the prepared sets.")] = Path("runs")
        / name,
        config: Annotated[Path, typer.Option(help="Settings.")] = folder / "config.toml",
        out: Annotated[Path, typer.Option(help="Folder for the figure.")] = Path("figures") / name,
        ckpt: options.Ckpt = None,
        readme: Annotated[Path, typer.Option(help="README whose outcome is written.")] = folder
        / "README.md",
        workers: options.Workers = None,
        force: options.Force = False,
        debug: options.Debug = False,
    ) -> None:
        with one_line_errors(name, debug=debug):
            from ldar_interp.boundaries.extract import count_workers
            from ldar_interp.provenance import describe_input

            settings = merge_settings(model, config, {"ckpt": ckpt})
            names = split_words(wanted)
            assert isinstance(names, list)
            made = prepare_sets(tomllib.loads(regions.read_text()), data, work, names)

            def fill(target: Path) -> Mapping[str, Any]:
                content = measure(settings, made, workers or count_workers(), target)
                return {
                    "program": name,
                    "sets": names,
                    "inputs": {"regions": describe_input(regions)},
                    **content,
                }

            write_folder(out, readme, force=force, fill=fill, describe=describe)
            say(f"{name}: figures in {out}, outcome in {readme}")

    main.__doc__ = question
    return main
