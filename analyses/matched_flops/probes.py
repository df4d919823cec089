"""Frozen probes of the small runs on the downstream tasks, and their differences by router.

Every run of every setting learns the same rows of a task and is tested on the same rows. What a
run predicted is kept beside its weights, so that a run is probed once; the tables are made from
all predictions that are there.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from analyses.nano_runs.grid import Grid
from analyses.nano_runs.training import is_finished
from ldar_interp.downstream.examples import RunExamples, open_examples
from ldar_interp.downstream.methods import learn_probe
from ldar_interp.downstream.settings import FinetuneSettings
from ldar_interp.downstream.store import FoldResult, digest, read_fold, write_fold
from ldar_interp.model.checkpoint import load_model, preset, random_model
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.provenance import hash_input
from ldar_interp.tasks.registry import find_task
from ldar_interp.tasks.splits import Fold, hold_out
from ldar_interp.tune.embeddings import embed, hash_weights
from ldar_interp.tune.examples import Examples
from ldar_interp.tune.floors import fit_kmer

PROBES = "probes"
KMER = "kmer"


class Comparison(BaseModel):
    """One difference: a setting less another, of the same seed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    setting: str
    against: str
    label: str


class Settings(BaseModel):
    """config.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tasks: tuple[str, ...] = Field(min_length=1)
    untrained: str
    max_train: int
    max_test: int
    validation_share: float
    head: str
    metric: str
    n_boot: int
    seed: int
    comparison: tuple[Comparison, ...] = Field(min_length=1)

    def list_settings(self) -> list[str]:
        """Every setting that is compared, each once, in the order in which they come."""
        pairs = [(one.setting, one.against) for one in self.comparison]
        return list(dict.fromkeys(name for pair in pairs for name in pair))


def open_tasks(settings: Settings, benchmarks: str) -> dict[str, RunExamples]:
    """The examples of all tasks, cut down to the declared numbers of rows."""
    asked = FinetuneSettings(
        task=settings.tasks,
        data=benchmarks,
        max_train=settings.max_train,
        max_test=settings.max_test,
        seed=settings.seed,
    )
    return {name: open_examples(asked, find_task(name), benchmarks) for name in settings.tasks}


def list_models(settings: Settings, grid: Grid, runs: Path) -> Iterator[tuple[str, int, Path]]:
    """Setting, seed and folder of all models that there are: finished runs, and random weights."""
    wanted = settings.list_settings()
    for run in grid.queue():
        if run.setting.name in wanted and is_finished(runs / run.name):
            yield run.setting.name, run.seed, runs / run.name
    if settings.untrained in wanted:
        for seed in grid.seeds:
            yield settings.untrained, seed, runs / f"{settings.untrained}-seed{seed}"


def open_weights(settings: Settings, grid: Grid, setting: str, seed: int, folder: Path) -> LDARNet:
    """A run's last weights, or those that a run of this seed starts from."""
    if setting == settings.untrained:
        model = random_model(preset(grid.preset), seed=seed)
        return model.eval().requires_grad_(False)
    return load_model(folder)


def probe_model(
    settings: Settings, model: LDARNet, examples: dict[str, RunExamples], folder: Path
) -> None:
    """Learn and predict every task that this model has not been probed on."""
    weights = hash_weights(model)
    for task, found in examples.items():
        path, identity = probe_path(folder, task), identify(settings, found, weights)
        if read_fold(path, identity) is not None:
            continue
        states = [
            embed(
                model, frame["sequence"].tolist(), pooling=settings.head, rc_average=False,
                cache=None, weights_id=weights,
            )
            for frame in (found.pool, found.test)
        ]  # fmt: skip
        fold = Fold(*hold_out(found.pool, settings.validation_share, settings.seed))
        result = learn_probe(*states, found, fold, seed=settings.seed)
        write_fold(path, result, identity)


def probe_letters(settings: Settings, examples: dict[str, RunExamples], runs: Path) -> None:
    """The 5-mer floor on the same rows."""
    for task, found in examples.items():
        path, identity = probe_path(runs / KMER, task), identify(settings, found, KMER)
        if read_fold(path, identity) is not None:
            continue
        train, validation = hold_out(found.pool, settings.validation_share, settings.seed)
        sequences, labels = found.pool["sequence"].to_numpy(), found.pool["label"].to_numpy()
        parts = [Examples(sequences[rows].tolist(), labels[rows]) for rows in (train, validation)]
        fitted = fit_kmer(*parts, n_classes=len(found.data.task.classes), seed=settings.seed)
        write_fold(
            path,
            FoldResult(
                fitted.predict(found.test["sequence"].tolist()), validation,
                fitted.predict(parts[1].sequences), len(train), {},
            ),
            identity,
        )  # fmt: skip


def probe_path(folder: Path, task: str) -> Path:
    """Where the predictions of a model on a task lie."""
    return folder / PROBES / f"{task}.npz"


def identify(settings: Settings, examples: RunExamples, weights: str) -> str:
    """Digest of all that a probe's predictions depend on."""
    return digest(
        {
            "weights": weights,
            "files": [hash_input(path) for path in examples.data.files],
            **settings.model_dump(
                mode="json", include={"max_train", "max_test", "validation_share", "head", "seed"}
            ),
        }
    )
