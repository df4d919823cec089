"""The pretraining loop: steps, logs, validation, checkpoints; resumes exactly where it was cut."""

import csv
import hashlib
import json
import time
from dataclasses import astuple
from pathlib import Path

import torch
from tqdm import tqdm

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import MASK
from ldar_interp.model.backend import describe_backend, resolve_backend, set_backend
from ldar_interp.model.checkpoint import check_device, random_model, save_model
from ldar_interp.model.losses import IGNORE, mlm_loss, total_ratio_loss
from ldar_interp.train.config import PretrainConfig
from ldar_interp.train.data import WindowSampler, tile_windows
from ldar_interp.train.record import record_call
from ldar_interp.train.schedule import learning_rate_factor, parameter_groups
from ldar_interp.train.state import Progress, load_state, save_state
from ldar_interp.train.validate import validate, validation_columns

LOG_COLUMNS = (
    "step", "bases", "seconds", "lr", "mlm_loss", "mask_loss", "ratio_loss",
    "boundary_rate", "mean_prob", "grad_norm",
)  # fmt: skip
SAVE_SECONDS = 60.0


def run_digest(config: PretrainConfig) -> str:
    """Identifies what must stay the same when a run is resumed: all but schedule and reporting.

    Schedules may be extended in their stable phase, so `optimizer` is left out; paths are too,
    since a run may move between machines.
    """
    raw = config.model_dump(mode="json")
    for name in ("optimizer", "validation", "validate_every", "validation_windows"):
        raw.pop(name)
    for source in raw["train"]:
        source["fasta"] = Path(source["fasta"]).name
    raw["batch_windows"] = config.optimizer.batch_windows
    return hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()


def pretrain(
    config: PretrainConfig,
    out: Path,
    *,
    device: str = "cpu",
    backend: str = "auto",
    resume: bool = False,
    max_steps: int | None = None,
    max_minutes: float | None = None,
) -> Progress:
    """Train until the schedule ends, `max_steps` or `max_minutes` of this call, whichever is first.

    Writes `log.csv` (training), `validation.csv`, `state/state.pt` about once a minute, and
    `model.safetensors` with `config.json` and `provenance.json` at the end of every call.

    Raises
    ------
    InputError : `out` holds a run and `resume` is off, or the state cannot be resumed; the loss
        became NaN; `out` cannot be written. DeviceError : the device is not there, or the backend
        was asked for by name and cannot run on it.
    """
    target = check_device(device)
    resolved = resolve_backend(backend, target)
    state_path = out / "state" / "state.pt"
    if state_path.exists() and not resume:
        raise InputError(
            f"{state_path}: this folder holds a run; add --resume to continue it or choose "
            "another --out"
        )
    settings, objective = config.optimizer, config.objective
    sampler = WindowSampler(
        config.train, config.train_length, max_n_share=config.max_n_share, seed=config.seed
    )
    held_out = tile_windows(
        config.validation,
        config.train_length,
        max_n_share=0.0,
        limit=config.validation_windows,
    )
    model = random_model(config.shape(), seed=config.seed).to(target).train()
    set_backend(model, resolved)
    optimizer = torch.optim.AdamW(
        parameter_groups(model, objective.compression, settings), betas=(0.9, 0.95), fused=True
    )
    peaks = [group["peak_lr"] for group in optimizer.param_groups]
    weight_decays = [group["weight_decay"] for group in optimizer.param_groups]
    progress = Progress()
    digest = run_digest(config)
    if resume and state_path.exists():
        progress = load_state(state_path, model, optimizer, digest)
        # The state restores groups as they were; this call's config may say otherwise.
        for group, weight_decay in zip(optimizer.param_groups, weight_decays, strict=True):
            group["weight_decay"] = weight_decay
    try:
        out.mkdir(parents=True, exist_ok=True)
        log = _Table(out / "log.csv", LOG_COLUMNS, progress.step)
        columns = ("step", "bases", "seconds", *validation_columns())
        curve = _Table(out / "validation.csv", columns, progress.step)
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written ({error.strerror}); choose another --out"
        ) from None
    last = settings.total_steps if max_steps is None else min(max_steps, settings.total_steps)
    began, before, first_step = time.monotonic(), progress.seconds, progress.step
    saved = began
    bar = tqdm(total=last, initial=progress.step, unit="step", mininterval=5, smoothing=0.1)

    def check_point() -> None:
        log.flush()
        curve.flush()
        save_state(state_path, model, optimizer, progress, digest)

    while progress.step < last:
        now = time.monotonic()
        if max_minutes is not None and now - began > 60 * max_minutes:
            break
        factor = learning_rate_factor(progress.step, settings)
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * factor
        batch = sampler.batch(progress.step, settings.batch_windows, objective.mask_rate)
        ids = torch.from_numpy(batch.input_ids).to(target)
        labels = torch.from_numpy(batch.labels).to(target)
        result = model(ids)
        mlm = mlm_loss(result.logits, labels)
        ratio = total_ratio_loss(result.boundaries, objective.compression)
        loss = mlm + objective.alpha * ratio
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        if not bool(torch.isfinite(norm)):
            raise InputError(
                f"step {progress.step}: the loss or its gradient is not finite; lower peak_lr and "
                f"resume from {state_path}"
            )
        optimizer.step()
        progress.step += 1
        progress.bases += ids.numel()
        progress.seconds = before + time.monotonic() - began
        with torch.no_grad():
            shown = (ids == MASK) & (labels != IGNORE)
            routed = result.boundaries[0]
            mask_loss = torch.nn.functional.cross_entropy(
                result.logits.detach()[shown].float(), labels[shown]
            )
            log.add(
                progress.step, progress.bases, progress.seconds, peaks[-1] * factor,
                mlm.item(), mask_loss.item(), ratio.item(),
                routed.is_boundary.float().mean().item(), routed.prob.mean().item(), norm.item(),
            )  # fmt: skip
        if progress.step % config.validate_every == 0 or progress.step == settings.total_steps:
            result_now = validate(model, held_out, mask_rate=objective.mask_rate, device=target)
            curve.add(progress.step, progress.bases, progress.seconds, *astuple(result_now))
            bar.set_postfix(val=f"{result_now.mask_loss:.4f}", F=f"{result_now.boundary_rate:.3f}")
        bar.update()
        if time.monotonic() - saved > SAVE_SECONDS:
            check_point()
            saved = time.monotonic()
    bar.close()
    check_point()
    save_model(model, out)
    record_call(
        out / "provenance.json",
        {"program": "pretrain", "seed": config.seed, "run": digest},
        {
            "first_step": first_step,
            "last_step": progress.step,
            "device": target.type,
            **describe_backend(model),
        },
    )
    return progress


class _Table:
    """A CSV that grows with a run; rows after the resumed step are dropped and made again."""

    def __init__(self, path: Path, columns: tuple[str, ...], step: int) -> None:
        self._path = path
        self._rows: list[list[str]] = []
        kept: list[list[str]] = []
        if path.exists():
            with path.open(newline="") as handle:
                rows = list(csv.reader(handle))[1:]
            kept = [row for row in rows if len(row) == len(columns) and int(row[0]) <= step]
        partial = path.with_suffix(".partial")
        with partial.open("w", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows([list(columns), *kept])
        partial.replace(path)

    def add(self, *values: float) -> None:
        self._rows.append([str(v) if isinstance(v, int) else f"{v:.6g}" for v in values])

    def flush(self) -> None:
        with self._path.open("a", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows(self._rows)
        self._rows.clear()
