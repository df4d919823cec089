"""Which router a model has, as its config says it: one word, and a number where it needs one.

    learned       p_t from the states on both sides of an edge: LDARNet's own (arXiv:2606.04552)
    one_sided     p_t from q_{t-1} and k_t alone: H-Net's (arXiv:2507.07955)
    fixed:N       a cut at every N-th position: the control with the same FLOPs of arXiv:2606.04552
    random:RATE   cuts at this rate that depend on nothing but the sequence's letters, by a hash

The last two have no parameters: their p is 0 or 1 and says nothing about the sequence. A model with
several stages has the same router in each; N and RATE then count the positions of each stage.

Not to be confused with `load_model("random:nano")`, which is random weights of the preset `nano`.
"""

import re
from dataclasses import dataclass
from typing import Literal

from ldar_interp.errors import InputError

Kind = Literal["learned", "one_sided", "fixed", "random"]
WANTED = "wanted learned, one_sided, fixed:N or random:RATE"
USUAL_RATE = 0.25
"""Share of positions that a learned router keeps where nothing better is known: N = 4."""


@dataclass(frozen=True, slots=True)
class RouterSpec:
    """A router's kind and its number: `period` of `fixed`, `rate` of `random`, None otherwise.

    Made by `parse`, which checks; `str` gives the text back.
    """

    kind: Kind
    period: int | None = None
    rate: float | None = None

    @classmethod
    def parse(cls, text: object) -> "RouterSpec":
        """Read `learned`, `one_sided`, `fixed:N` or `random:RATE`.

        Raises
        ------
        InputError : anything else, N that is no whole number >= 1, RATE not above 0 and at most 1.
        """
        if not isinstance(text, str):
            raise InputError(f"router is {text!r}; {WANTED}")
        kind, colon, number = text.partition(":")
        match kind:
            case "learned" | "one_sided" if not colon:
                return cls(kind)
            case "learned" | "one_sided":
                raise InputError(f"router {text!r}: {kind} takes no number; {WANTED}")
            case "fixed":
                if not re.fullmatch(r"[1-9]\d*", number):
                    raise InputError(
                        f"router {text!r}: N is {number!r}; wanted a whole number >= 1, as in "
                        "fixed:4"
                    )
                return cls(kind, period=int(number))
            case "random":
                return cls(kind, rate=_parse_rate(text, number))
        raise InputError(f"router is {text!r}; {WANTED}")

    def __str__(self) -> str:
        number = self.period if self.period is not None else self.rate
        return self.kind if number is None else f"{self.kind}:{number}"

    @property
    def has_parameters(self) -> bool:
        """True if p depends on weights, and so carries a gradient."""
        return self.kind in ("learned", "one_sided")

    @property
    def needs_key(self) -> bool:
        """True if the cuts depend on a hash of the sequence's letters."""
        return self.kind == "random"

    def count_kept(self, length: int, rate: float | None = None) -> int:
        """How many of a stage's positions go on to the next one: at least 1, the first.

        The one place that says so. A grid keeps exactly ceil(length / N), whatever `rate` is. The
        other routers keep `rate` x length, rounded; where `rate` is None, what is expected:
        1 + (length - 1) x RATE of a random router, a quarter of the positions of a learned one.

        Parameters
        ----------
        length : positions of the stage, >= 1.
        rate : share kept, for example as measured.
        """
        if self.period is not None:
            return -(-length // self.period)
        if rate is None and self.rate is not None:
            return 1 + round((length - 1) * self.rate)
        return max(1, round(length * (USUAL_RATE if rate is None else rate)))


def _parse_rate(text: str, number: str) -> float:
    """A share from its digits; `float` alone would also read nan, inf and 1_0."""
    if re.fullmatch(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", number) and 0 < float(number) <= 1:
        return float(number)
    raise InputError(
        f"router {text!r}: RATE is {number!r}; wanted a number above 0 and at most 1, as in "
        "random:0.25"
    )
