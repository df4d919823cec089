"""The models of a run: the checkpoint, random weights beside it, and how far they can be trusted.

Everything here is the same for each program that reads p: open, measure the margin, describe.
"""

from dataclasses import dataclass
from typing import Any

from ldar_interp.assets import CHECKPOINT
from ldar_interp.boundaries.consistency import Consistency, NoStretchError, measure_consistency
from ldar_interp.boundaries.tiling import check_margin
from ldar_interp.command_line import say
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.backend import backend_versions, find_backend, set_backend
from ldar_interp.model.checkpoint import load_model, locate_weights, random_model
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.program.settings import ModelSettings
from ldar_interp.provenance import describe_input


@dataclass(frozen=True)
class OpenModels:
    """Models by name, `checkpoint` first, then `random` if a baseline is wanted.

    `source` is where the checkpoint came from, `seed` what it was drawn with if it is itself
    random, `baseline_seed` what the random weights were drawn with (None without them).
    """

    source: str
    by_name: dict[str, LDARNet]
    seed: int
    baseline_seed: int | None

    @property
    def checkpoint(self) -> LDARNet:
        """The model that the run is about."""
        return self.by_name["checkpoint"]

    @property
    def window_bp(self) -> int:
        """Bases of a window, the same for every model of a run."""
        return self.checkpoint.config.train_length

    def describe(self) -> dict[str, Any]:
        """For provenance: the shape, the backend and its versions, the baseline's seed."""
        backend = find_backend(self.checkpoint)
        return {
            "model": self.checkpoint.config.to_dict(),
            "backend": backend,
            "backend_versions": backend_versions(backend),
            "baseline_seed": self.baseline_seed,
        }

    def describe_source(self) -> dict[str, str]:
        """File name and sha256 of the weights, or the name of a random model."""
        return describe_source(self.source)

    def identify(self, name: str) -> dict[str, Any]:
        """Which weights a model of the run has: by hash, or by what they were drawn with."""
        if name == "random":
            return {"random_weights_seed": self.baseline_seed}
        found: dict[str, Any] = self.describe_source()
        return found | {"seed": self.seed} if "random" in found else found


def open_models(settings: ModelSettings) -> OpenModels:
    """Open the checkpoint (the embedded one if none was given) and, if asked for, the baseline.

    Raises
    ------
    CheckpointError, DeviceError : see `load_model`.
    InputError : a margin that leaves nothing of the model's window.
    """
    source = settings.ckpt or str(CHECKPOINT)
    model = load_model(source, settings.device, seed=settings.seed, backend=settings.backend)
    if settings.margin_bp is not None:
        check_margin(settings.margin_bp, model.config.train_length)
    models, baseline_seed = {"checkpoint": model}, None
    if settings.baseline == "random":
        # Another draw than --ckpt random:PRESET, or it would be compared with itself.
        baseline_seed = settings.seed + 1
        models["random"] = draw_untrained(model, seed=baseline_seed, device=settings.device)
    return OpenModels(source, models, settings.seed, baseline_seed)


def draw_untrained(model: LDARNet, *, seed: int, device: str) -> LDARNet:
    """Random weights of a model's shape, for inference with the same backend."""
    untrained = random_model(model.config, seed=seed)
    set_backend(untrained, find_backend(model))
    return untrained.to(device).eval().requires_grad_(False)


def describe_source(source: str) -> dict[str, str]:
    """File name and sha256 of a checkpoint, or the name of a random model."""
    if source.startswith("random:"):
        return {"random": source.removeprefix("random:")}
    return describe_input(locate_weights(source))


def measure_models(
    models: OpenModels, genome: Genome, settings: ModelSettings, *, program: str
) -> dict[str, Consistency]:
    """Offset consistency of each model; none on a short genome for which a margin was given.

    What was found is told on stderr under the program's name.

    Raises
    ------
    NoStretchError : the genome is too short to measure on, and no margin was given.
    """
    found = {}
    for name, model in models.by_name.items():
        try:
            found[name] = measure_consistency(
                model, genome, seed=settings.seed, dtype=settings.dtype
            )
        except NoStretchError as error:
            if settings.margin_bp is None:
                raise
            say(f"{program}: offset consistency was not measured: {error}")
            return {}
        say(f"{program}: {_describe_consistency(name, found[name])}")
    return found


def choose_margin(settings: ModelSettings, consistency: dict[str, Consistency]) -> int:
    """The margin that was given, or else the largest that any model's measurement asks for."""
    return settings.margin_bp or max(found.margin_bp for found in consistency.values())


def _describe_consistency(name: str, found: Consistency) -> str:
    """The margin that the measurement asks for, and what is left beyond it."""
    summary = found.summary()
    reached = (
        f"within {found.tolerance:g} of itself in shifted windows from {found.margin_bp} bp on"
        if found.reached
        else f"not within {found.tolerance:g} of itself in shifted windows up to "
        f"{found.margin_bp} bp, which is the margin"
    )
    return (
        f"{name}: p is {reached} (mean |dp| there "
        f"{summary['mean_abs_dp_beyond_margin']:.2g}, max "
        f"{summary['max_abs_dp_beyond_margin']:.2g}); strands differ by "
        f"{found.strand_difference:.2g}"
    )
