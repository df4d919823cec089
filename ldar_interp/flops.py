"""FLOPs of a model by layer and in total: boundaries, forward pass, training step.

Example: python -m ldar_interp.flops --preset 110m --length 4096 --out flops.tsv

Without arguments it counts the embedded checkpoint. What is counted: docs/architecture.md.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ldar_interp.assets import CHECKPOINT
from ldar_interp.command_line import one_line_errors, run_program, say
from ldar_interp.errors import CheckpointError, InputError
from ldar_interp.program import options

if TYPE_CHECKING:
    from ldar_interp.model.config import LDARNetConfig
    from ldar_interp.model.flops import FlopTable
    from ldar_interp.model.layer_flops import FlopRow

PROGRAM = "flops"
COLUMNS = (
    "stage", "part", "layer", "what", "forward_flops", "backward_flops", "windowed_flops",
    "forward_per_base", "backward_per_base",
)  # fmt: skip


def main(
    ckpt: options.Ckpt = None,
    preset: Annotated[
        str | None, typer.Option(help="Instead: a preset's shape (110m, 20m, 2m, small, nano).")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Instead: a config.json, as written beside weights.")
    ] = None,
    length: Annotated[
        int | None, typer.Option(help="Bases.", show_default="the model's train_length")
    ] = None,
    boundary_rate: Annotated[
        list[float] | None,
        typer.Option(
            help="Share of positions that routers keep; repeat for one a stage.",
            show_default="0.25, or what --router says",
        ),
    ] = None,
    router: Annotated[
        str | None,
        typer.Option(
            help="learned, one_sided, fixed:N or random:RATE.", show_default="the model's"
        ),
    ] = None,
    as_published: Annotated[
        bool, typer.Option(help="Count the published way of computing it.")
    ] = False,
    training: Annotated[
        bool, typer.Option(help="Show layers of a training step, with its backward pass.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the table here (TSV).")] = None,
    force: Annotated[bool, typer.Option(help="Replace an existing --out.")] = False,
    debug: options.Debug = False,
) -> None:
    """Count floating-point operations by layer and in total; a multiply-add is two."""
    with one_line_errors(PROGRAM, debug=debug):
        if out is not None and out.exists() and not force:
            raise InputError(f"{out}: exists; add --force to replace it or choose another --out")
        from ldar_interp.model.flops import count_table

        source, shape = _read_shape(ckpt, preset, config)
        if router is not None:
            shape = shape.with_router(router)
        rates = boundary_rate[0] if boundary_rate and len(boundary_rate) == 1 else boundary_rate
        table = count_table(
            shape,
            shape.train_length if length is None else length,
            boundary_rate=rates or None,
            as_published=as_published,
        )
        way = "the published way" if as_published else "this package's way"
        positions = " > ".join(map(str, table.lengths))
        typer.echo(f"{source}, router {shape.router}, {way}; positions by stage: {positions}\n")
        for line in [*_show_layers(table, training=training), "", *_show_totals(table)]:
            typer.echo(line)
        if out is not None:
            _write(out, table, training=training)
            say(f"{PROGRAM}: wrote {out}")


def _read_shape(
    ckpt: str | None, preset_name: str | None, file: Path | None
) -> tuple[str, "LDARNetConfig"]:
    """What is counted, in words, and its config."""
    from ldar_interp.model.checkpoint import load_model, preset
    from ldar_interp.model.config import LDARNetConfig

    given = {"--ckpt": ckpt, "--preset": preset_name, "--config": file}
    chosen = [option for option, value in given.items() if value is not None]
    if len(chosen) > 1:
        raise InputError(f"{' and '.join(chosen)} were given; wanted one of them: drop the others")
    if preset_name is not None:
        return f"preset {preset_name}", preset(preset_name)
    if file is None:
        model = load_model(CHECKPOINT if ckpt is None else ckpt)
        return "embedded checkpoint" if ckpt is None else Path(ckpt).name, model.config
    try:
        return file.name, LDARNetConfig.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(
            f"{file}: cannot be read ({error.strerror}); wanted a config.json"
        ) from None
    except ValueError as error:
        raise InputError(f"{file}: is not JSON ({error}); wanted a config.json") from None
    except InputError as error:
        raise CheckpointError(f"{file}: {error}; correct the file") from None


def _rows(table: "FlopTable", *, training: bool) -> "tuple[FlopRow, ...]":
    return table.training if training else table.inference


def _show_layers(table: "FlopTable", *, training: bool) -> Iterator[str]:
    """One line an operation, in kFLOP per base, with its share of the whole."""
    rows = _rows(table, training=training)
    total = sum(row.forward + row.backward for row in rows)
    backward = f"{'backward':>12}" if training else ""
    yield f"{'stage':<6}{'part':<10}{'layer':<6}{'what':<16}{'forward':>12}{backward}{'share':>9}"
    for row in rows:
        layer = "-" if row.layer is None else str(row.layer)
        numbers = [row.forward, row.backward] if training else [row.forward]
        shown = "".join(f"{flops / table.lengths[0] / 1e3:12.3f}" for flops in numbers)
        share = (row.forward + row.backward) / total
        yield f"{row.stage:<6}{row.part:<10}{layer:<6}{row.what:<16}{shown}{share:>9.2%}"
    yield "forward and backward in kFLOP per base" if training else "forward in kFLOP per base"


def _show_totals(table: "FlopTable") -> Iterator[str]:
    count, length = table.per_base(), table.lengths[0]
    yield f"{'total':<44}{'MFLOP/base':>12}{'GFLOP/sequence':>16}"
    for name, flops in (
        ("boundaries: encoder and router", count.boundaries),
        ("full forward pass", count.full),
        ("  attention within its window only", count.windowed),
        ("training step: forward and backward", count.training),
    ):
        yield f"{name:<44}{flops / 1e6:12.4f}{flops * length / 1e9:16.4f}"


def _write(out: Path, table: "FlopTable", *, training: bool) -> None:
    """Rows of `COLUMNS`, then totals with `part` total; whole or not at all."""
    length, lines = table.lengths[0], ["\t".join(COLUMNS)]

    def add(stage: str, part: str, layer: str, what: str, *flops: int) -> None:
        per_base = (f"{number / length:.6g}" for number in flops[:2])
        lines.append("\t".join([stage, part, layer, what, *map(str, flops), *per_base]))

    for row in _rows(table, training=training):
        layer = "" if row.layer is None else str(row.layer)
        flops = (row.forward, row.backward, row.windowed)
        add(str(row.stage), row.part, layer, row.what, *flops)
    for name, rows in table.totals().items():
        sums = (sum(getattr(row, of) for row in rows) for of in ("forward", "backward", "windowed"))
        add("", "total", "", name, *sums)
    partial = out.with_name(f".{out.name}.partial")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
        partial.replace(out)
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written ({error.strerror}); choose another --out"
        ) from None


if __name__ == "__main__":
    run_program(main)
