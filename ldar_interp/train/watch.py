"""When a run has to stop, and what the person at the terminal sees meanwhile."""

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Self

from tqdm import tqdm

BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}b [{elapsed}{postfix}]"


class StopSignal:
    """Within it SIGTERM and SIGINT are noted, so that the step can be finished and saved.

    A second Ctrl-C interrupts at once. Outside the main thread, where Python cannot handle
    signals, it notes nothing.
    """

    def __init__(self) -> None:
        self.name = ""
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.name and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.name = signal.Signals(number).name


class Clock:
    """Time of this call, and whether another step fits into `max_minutes` of it."""

    def __init__(self, max_minutes: float | None) -> None:
        self._began = self._mark = time.monotonic()
        self._limit = None if max_minutes is None else 60 * max_minutes
        self._last_step = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds of this call."""
        return time.monotonic() - self._began

    def tick(self, *, is_step: bool) -> None:
        """A step, or something between two steps, has ended now."""
        now = time.monotonic()
        if is_step:
            self._last_step = now - self._mark
        self._mark = now

    @property
    def is_up(self) -> bool:
        """True where a step as long as the last one would end too late."""
        return self._limit is not None and self.elapsed + self._last_step > self._limit

    @property
    def remaining(self) -> float:
        """Seconds until the limit; infinite without one."""
        return float("inf") if self._limit is None else max(0.0, self._limit - self.elapsed)


class Bar:
    """Progress on stderr in bases, with bases a second and the time left.

    Time left is until the last step or the time limit, whichever is first.
    """

    def __init__(self, total: int, done: int, clock: Clock, *, shown: bool) -> None:
        self._clock, self._first, self._began = clock, done, time.monotonic()
        self._note = ""
        self._tqdm = tqdm(
            total=total, initial=done, unit_scale=True, mininterval=5, bar_format=BAR,
            disable=not shown,
        )  # fmt: skip

    def note(self, text: str) -> None:
        """Shown at the end of the line from now on."""
        self._note = text

    def update(self, done: int) -> None:
        """`done` bases are seen in all."""
        speed = (done - self._first) / max(time.monotonic() - self._began, 1e-9)
        left = (self._tqdm.total - done) / max(speed, 1e-9)
        left = min(left, self._clock.remaining)
        shown = [f"{tqdm.format_interval(left)} left", f"{tqdm.format_sizeof(speed)}b/s"]
        text = ", ".join([*shown, *filter(None, [self._note])])
        self._tqdm.set_postfix_str(text, refresh=False)
        self._tqdm.update(done - self._tqdm.n)

    def close(self) -> None:
        """Leave the line as it is."""
        self._tqdm.close()
