"""The models of a run: the checkpoint, and beside it the same architecture with random weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ldar_interp.assets import CHECKPOINT
from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF
from ldar_interp.boundaries.consistency import Consistency, measure_consistency
from ldar_interp.boundaries.tiling import check_margin
from ldar_interp.command_line import say
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.backend import backend_versions, find_backend, set_backend
from ldar_interp.model.checkpoint import load_model, locate_weights, random_model
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.provenance import describe_input
from ldar_interp.tokens.settings import TokenSettings


@dataclass(frozen=True)
class Models:
    """Open models by name, `checkpoint` first, and where they came from."""

    models: dict[str, LDARNet]
    source: str
    baseline_seed: int | None

    @property
    def window_bp(self) -> int:
        """Bases of a window."""
        return self.models["checkpoint"].config.train_length

    def describe(self) -> dict[str, Any]:
        """For provenance: file and sha256 of the weights, config, backend."""
        model = self.models["checkpoint"]
        weights = (
            {"random": self.source.removeprefix("random:")}
            if self.source.startswith("random:")
            else describe_input(locate_weights(self.source))
        )
        return {
            "checkpoint": weights,
            "model": model.config.to_dict(),
            "backend": find_backend(model),
            "backend_versions": backend_versions(find_backend(model)),
            "baseline_seed": self.baseline_seed,
        }


def choose_files(settings: TokenSettings) -> tuple[Path, Path]:
    """FASTA and GTF of a run: those given, or the embedded region."""
    return settings.fasta or DEMO_FASTA, settings.gtf or DEMO_GTF


def open_models(settings: TokenSettings) -> Models:
    """Open the checkpoint and, unless the baseline is none, its untrained twin.

    Raises
    ------
    CheckpointError, DeviceError, InputError : as `load_model` and `check_margin` do.
    """
    source = settings.ckpt or str(CHECKPOINT)
    model = load_model(source, settings.device, seed=settings.seed, backend=settings.backend)
    if settings.margin_bp is not None:
        check_margin(settings.margin_bp, model.config.train_length)
    models, baseline_seed = {"checkpoint": model}, None
    if settings.baseline == "random":
        # Another draw than --ckpt random:PRESET, or it would be compared with itself.
        baseline_seed = settings.seed + 1
        untrained = random_model(model.config, seed=baseline_seed)
        set_backend(untrained, find_backend(model))
        models["random"] = untrained.to(settings.device).eval().requires_grad_(False)
    return Models(models, source, baseline_seed)


def choose_margin(
    opened: Models, genome: Genome, settings: TokenSettings, program: str
) -> tuple[int, dict[str, Consistency]]:
    """The margin that was given, or the largest that the models' offset consistency asks for.

    Raises
    ------
    InputError : none was given and the genome is too short to measure on.
    """
    if settings.margin_bp is not None:
        return settings.margin_bp, {}
    found = {
        name: measure_consistency(model, genome, seed=settings.seed, dtype=settings.dtype)
        for name, model in opened.models.items()
    }
    margin = max(one.margin_bp for one in found.values())
    say(
        f"{program}: margin of {margin} bp in windows of {opened.window_bp} bp, measured: "
        + "; ".join(
            f"{name} asks for {one.margin_bp} bp" + ("" if one.reached else " (not reached)")
            for name, one in found.items()
        )
    )
    return margin, found
