"""The model card, from measured numbers only.

    python -m analyses.checkpoint.write_card

Fills card_template.md with what evaluation.json, against_counts.json, validation.csv, baselines.tsv
and config.toml beside it hold, and writes ldar_interp/assets/checkpoint/README.md.
"""

import json
from pathlib import Path

import pandas as pd

from ldar_interp.assets import CHECKPOINT
from ldar_interp.train.config import read_config

HERE = Path(__file__).resolve().parent
WANTED_GAIN = 0.01
"""Nats better than the best count model, with an interval above 0: declared before the run."""


def main() -> None:
    """Fill the card in."""
    (CHECKPOINT / "README.md").write_text(make_card())


def make_card() -> str:
    """The card of what the files beside this one measured."""
    measured = json.loads((HERE / "evaluation.json").read_text())
    config = read_config(HERE / "config.toml")
    shape = config.shape()
    curve = pd.read_csv(HERE / "validation.csv")
    baselines = pd.read_csv(HERE / "baselines.tsv", sep="\t")
    against = json.loads((HERE / "against_counts.json").read_text())
    if against["checkpoint_sha256"] != measured["weights_sha256"]:
        raise SystemExit(
            "write_card: against_counts.json is of other weights than evaluation.json; "
            "run analyses.checkpoint.against_counts first"
        )
    stored, clean = measured["as_stored"], measured["unmasked"]
    consistency = measured["consistency_trained"]
    order_nine = baselines.query("context == 'one-sided' and letters_a_side == 9").iloc[0, 3]
    best = baselines["nats_per_base"].min()
    beats = [
        f"Its loss is {'below' if stored['mask_loss'] < value else 'not below'} that of the {name} "
        f"({value:.3f})"
        for name, value in (("order-9 Markov model", order_nine), ("best count model", best))
    ]
    total = sum(source.weight for source in config.train)
    return (
        (HERE / "card_template.md")
        .read_text()
        .format(
            parameters=measured["parameters"],
            bases=measured["progress"]["bases"] / 1e6,
            hours=measured["progress"]["seconds"] / 3600,
            layout=shape.arch_layout,
            d_model=list(shape.d_model),
            d_state=shape.d_state,
            window=shape.window_size[0],
            train_length=config.train_length,
            batch=config.optimizer.batch_windows,
            steps=measured["progress"]["step"],
            compression=config.objective.compression[0],
            alpha=config.objective.alpha,
            peak_lr=config.optimizer.peak_lr,
            sha=measured["weights_sha256"],
            data="\n".join(
                f"- {source.name} ({', '.join(source.regions) or 'whole file'}): "
                f"{source.weight / total:.0%} of windows"
                for source in config.train
            ),
            n_windows=measured["validation_windows"],
            n_mask=stored["n_mask"],
            rows="\n".join(
                f"| {row.context}, {row.letters_a_side} letters | {row.nats_per_base:.4f} |"
                for row in baselines.itertuples()
            ),
            loss=stored["mask_loss"],
            accuracy=stored["mask_accuracy"],
            loss_trained=measured["as_trained"]["mask_loss"],
            sentence=". ".join(beats) + ".",
            **{f"paired_{key}": value for key, value in against["endpoint"].items()},
            **{f"light_{key}": value for key, value in against["light_mask"].items()},
            reached=judge(against["endpoint"]),
            n_curve=config.validation_windows,
            decay_at=(1 - config.optimizer.decay_fraction)
            * config.optimizer.total_steps
            * config.optimizer.batch_windows
            * config.train_length
            / 1e6,
            curve="\n".join(
                f"| {row.bases / 1e6:.1f} | {row.mask_loss:.4f} | {row.boundary_rate:.3f} "
                f"| {row.mean_prob:.3f} |"
                for row in curve[curve["step"].isin(spread(curve["step"].tolist()))].itertuples()
            ),
            mean_prob=clean["mean_prob"],
            boundary_rate=clean["boundary_rate"],
            chunk_mean=clean["chunk_length_mean"],
            chunk_median=clean["chunk_length_p50"],
            chunk_95=clean["chunk_length_p95"],
            chunk_99=clean["chunk_length_p99"],
            dp_mean=consistency["mean_abs_dp_beyond_margin"],
            dp_max=consistency["max_abs_dp_beyond_margin"],
            dp_where="beyond" if consistency["margin_reached_tolerance"] else "at",
            dp_note="(the tolerance of {:g} on the mean is {}reached)".format(
                consistency["tolerance"], "" if consistency["margin_reached_tolerance"] else "not "
            ),
            margin=consistency["margin_bp"],
            strands=consistency["mean_abs_dp_strands"],
            strands_random=measured["consistency_random"]["mean_abs_dp_strands"],
        )
    )


def judge(found: dict[str, float]) -> str:
    """Whether the aim that was declared before the run was reached."""
    enough, certain = found["gain"] >= WANTED_GAIN, found["gain_low"] > 0
    if enough and certain:
        return "That was the aim: it is reached"
    missed = f"the difference is {found['gain']:.4f}" if not enough else ""
    unsure = "the interval holds 0" if not certain else ""
    return f"It is missed: {' and '.join(filter(None, (missed, unsure)))}"


def spread(steps: list[int], n_rows: int = 8) -> list[int]:
    """About `n_rows` of the steps, evenly, the first and the last among them."""
    last = len(steps) - 1
    return [steps[round(i * last / (n_rows - 1))] for i in range(n_rows)]


if __name__ == "__main__":
    main()
