"""The pretraining loop: steps, logs, validation, checkpoints; resumes exactly where it was cut."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.distributed.tensor import DTensor

from ldar_interp.errors import InputError
from ldar_interp.train.config import PretrainConfig
from ldar_interp.train.folder import claim_folder
from ldar_interp.train.parallel import join_team
from ldar_interp.train.run import Run, kept_weights, open_run
from ldar_interp.train.schedule import learning_rate_factor
from ldar_interp.train.state import STATE, Progress
from ldar_interp.train.step import add_gradients, choose_precision, plan_micro_batches
from ldar_interp.train.validate import validate
from ldar_interp.train.watch import Bar, Clock, StopSignal

SAVE_SECONDS = 60.0


def be_silent(_: str) -> None:
    """For callers that want no messages."""


def pretrain(
    config: PretrainConfig,
    out: Path,
    *,
    device: str = "cpu",
    backend: str = "auto",
    resume: bool = False,
    max_steps: int | None = None,
    max_minutes: float | None = None,
    precision: str = "auto",
    parallel: str = "auto",
    cache: Path | None = None,
    tensorboard: bool = False,
    tell: Callable[[str], None] = be_silent,
) -> Progress:
    """Train until the schedule ends, `max_steps` or `max_minutes` of this call, whichever is first.

    Writes the files that `run.py` lists: logs and `state/state.pt` about once a minute, weights
    at the end of every call. SIGTERM and SIGINT end a call cleanly after the step they come in.

    Parameters
    ----------
    device : torch device; with several processes, `cuda` is each one's own.
    backend : auto, torch, compiled or cuda (`model.backend.resolve_backend`).
    precision : auto, fp32 or bf16 (`step.choose_precision`).
    parallel : auto, none, ddp or fsdp (`parallel.join_team`).
    cache : folder for packed sequence; None is `out/data`.
    tell : gets messages for the person at the terminal.

    Raises
    ------
    InputError : `out` holds a run and `resume` is off, or another call trains in it, or its state
        cannot be resumed; the loss became NaN; `out` cannot be written. DeviceError : the device
        is not there, or the backend was asked for by name and cannot run on it.
    """
    clock = Clock(max_minutes)
    team = join_team(parallel, device)
    try:
        precision = choose_precision(precision, team.device)
        plan = plan_micro_batches(
            config.optimizer.batch_windows, team, config.optimizer.micro_windows
        )
        record: dict[str, Any] = {
            "device": team.device.type, "precision": precision, "parallel": team.mode,
        }  # fmt: skip
        speak = tell if team.is_first else be_silent
        with claim_folder(out, team, resume=resume, tell=speak):
            run = open_run(
                config,
                out,
                team,
                backend=backend,
                resume=resume,
                cache=out / "data" if cache is None else cache,
                tensorboard=tensorboard,
                record=record,
                tell=speak,
            )
            _train(run, plan, clock, max_steps, precision, speak)
            return run.progress
    finally:
        team.close()


def _train(
    run: Run,
    plan: list[range],
    clock: Clock,
    max_steps: int | None,
    precision: str,
    tell: Callable[[str], None],
) -> None:
    config, progress, team, tables = run.config, run.progress, run.team, run.tables
    total = config.optimizer.total_steps
    last = total if max_steps is None else min(max_steps, total)
    per_step = config.optimizer.batch_windows * config.train_length
    bar = Bar(last * per_step, progress.bases, clock, shown=team.is_first)
    began, before, saved = clock.elapsed, progress.seconds, clock.elapsed
    try:
        with StopSignal() as stop:
            while True:
                due = clock.elapsed - saved > SAVE_SECONDS
                # One process's clock counts, a signal to any of them does.
                is_time_up, is_stopped, is_save_due = team.any(
                    clock.is_up and team.is_first, bool(stop.name), due and team.is_first
                )
                if is_save_due:
                    run.save()
                    saved = clock.elapsed
                if is_time_up or is_stopped:
                    break
                _validate_if_due(run, total, precision, bar)
                if progress.step in config.keep_weights_at:
                    # Also where a resumed run finds some: they may be another run's.
                    run.save_weights(kept_weights(run.out, progress.step))
                if progress.step >= last:
                    break
                clock.tick(is_step=False)
                lr, losses, norm = _take_step(run, plan, precision)
                progress.step += 1
                progress.bases += per_step
                progress.seconds = before + clock.elapsed - began
                if tables is not None:
                    tables.log(progress, lr, losses, norm)
                clock.tick(is_step=True)
                bar.update(progress.bases)
            run.save()
            run.save_weights(run.out)
    finally:
        bar.close()
        if tables is not None:
            tables.close()
    if progress.step < last:
        reason = stop.name or ("the time limit" if is_time_up else "a signal to another process")
        tell(f"ended by {reason} at step {progress.step} of {last}; --resume goes on from there")


def _take_step(run: Run, plan: list[range], precision: str) -> tuple[float, Any, float]:
    """Update the weights once; (backbone's rate, losses, norm of the gradient before clipping)."""
    settings, step = run.config.optimizer, run.progress.step
    factor = learning_rate_factor(step, settings)
    for group in run.optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor
    batch = run.sampler.batch(
        step,
        settings.batch_windows,
        run.config.objective.mask_rate,
        rows=range(plan[0].start, plan[-1].stop),
    )
    run.optimizer.zero_grad(set_to_none=True)
    losses = add_gradients(run.module, batch, plan, run.config, run.team, precision)
    norm = torch.nn.utils.clip_grad_norm_(run.model.parameters(), settings.clip_norm)
    if isinstance(norm, DTensor):
        norm = norm.full_tensor()
    if not bool(torch.isfinite(norm)):
        path = run.out / "state" / STATE
        raise InputError(
            f"step {step}: the loss or its gradient is not finite; lower peak_lr and add --resume "
            + (f"to go on from {path}" if path.exists() else "to begin again at step 0")
        )
    run.optimizer.step()
    return settings.peak_lr * factor, losses, norm.item()


def _validate_if_due(run: Run, total: int, precision: str, bar: Bar) -> None:
    """At the step it is due and once only, also where a run was cut before or while validating."""
    step, tables, team = run.progress.step, run.tables, run.team
    is_due = step > 0 and (step % run.config.validate_every == 0 or step == total)
    (is_missing,) = team.any(tables is not None and is_due and tables.validated_step < step)
    if not is_missing:
        return
    found = validate(
        run.model,
        run.held_out,
        mask_rate=run.config.objective.mask_rate,
        device=team.device,
        team=team,
        precision=precision,
    )
    if tables is not None:
        tables.validation(run.progress, found)
    bar.note(f"val={found.mask_loss:.4f}, F={found.stages[0].boundary_rate:.3f}")
