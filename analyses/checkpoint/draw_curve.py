"""Loss of the embedded checkpoint on the validation region, beside the count models.

    python -m analyses.checkpoint.draw_curve --out figures/checkpoint

Reads validation.csv (copied from the run; 128 windows spread over the region), baselines.tsv and
evaluation.json (both on the whole region) beside this file; writes loss.pdf, loss.png, data.tsv and
provenance.json. The line is the curve, the dot the final weights on the whole region.
"""

import argparse
import json
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from ldar_interp.plots.save import save_figure
from ldar_interp.plots.style import check_figure, inches, publication_style
from ldar_interp.provenance import describe_input, write_provenance

HERE = Path(__file__).resolve().parent
SHOWN = {("one-sided", 5): "5 letters before", ("one-sided", 9): "9 letters before",
         ("two-sided", 4): "4 letters a side", ("two-sided", 6): "6 letters a side"}  # fmt: skip


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    curve = pd.read_csv(HERE / "validation.csv")
    baselines = pd.read_csv(HERE / "baselines.tsv", sep="\t")
    lines = [
        (label, float(baselines.query("context == @context and letters_a_side == @k").iloc[0, 3]))
        for (context, k), label in SHOWN.items()
    ]
    megabases = curve["bases"] / 1e6
    # The curve is on a part of the region, baselines and the last weights are on all of it.
    whole = json.loads((HERE / "evaluation.json").read_text())["as_stored"]["mask_loss"]
    with publication_style():
        figure = Figure(figsize=(inches(89), inches(62)))
        ax = figure.add_axes((0.13, 0.17, 0.60, 0.78))
        ax.plot(megabases, curve["mask_loss"], color="#C8391B", lw=1.4, gid="checkpoint")
        labels = [(f"{label} {loss:.3f}", loss, "#555555") for label, loss in lines]
        labels.append((f"checkpoint {whole:.3f}", whole, "#C8391B"))
        for _, loss in lines:
            ax.axhline(loss, color="#7A7A7A", lw=0.7, ls=(0, (4, 2)), zorder=0)
        ax.plot(megabases.iloc[-1:], [whole], "o", ms=4, color="#C8391B", clip_on=False)
        for text, loss, colour in labels:
            ax.annotate(
                text,
                (1.02, loss),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=6,
                color=colour,
            )
        ax.set_xlim(0, megabases.iloc[-1])
        low = min(curve["mask_loss"].min(), min(loss for _, loss in lines)) - 0.01
        ax.set_ylim(low, 1.345)
        ax.set_xlabel("bases seen (Mb)")
        ax.set_ylabel("loss on [MASK] positions (nat)")
        figure.draw_without_rendering()
    for problem in check_figure(figure):
        print(problem)
    save_figure(figure, out / "loss", formats=("pdf", "png"))
    table = pd.concat(
        [
            curve.assign(series="checkpoint")[["series", "bases", "mask_loss"]],
            pd.DataFrame(
                [("checkpoint, whole region", whole), *lines], columns=["series", "mask_loss"]
            ),
        ],
        ignore_index=True,
    )
    table.to_csv(out / "data.tsv", sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    inputs = [
        describe_input(HERE / name)
        for name in ("validation.csv", "baselines.tsv", "evaluation.json")
    ]
    write_provenance(out / "provenance.json", {"program": "draw_curve", "inputs": inputs})


if __name__ == "__main__":
    main()
