"""Are elements kept whole by a tokenizer, more than by chance at its own rate?

    edges   -4 -3 -2 -1 | 0 | 1 .. w-1 | w | w+1 .. w+4          offsets, 5' to 3' of the element
             flank    left    inside  right    flank

For each element (width w, cuts b on its edges):

    inside_cut          1 if any of b[1..w-1]                                  w >= 2
    left_cut            b[0]
    right_cut           b[w]                                                   w >= 1
    border_cut          mean of the two (b[0] alone for an edge, w = 0)
    both_cut            b[0] and b[w]                                          w >= 1
    intact              both borders cut and no cut inside: exactly one token  w >= 1
    integrity_contrast  mean b inside - mean b of the flanks                   w >= 2
    border_contrast     mean of the borders - mean b of the flanks

Null 1, `null`: cuts at random, each edge with the same probability r, where r is the tokenizer's
own rate around the elements of that kind: 1 - (1-r)^(w-1), r, r, r, r^2, r^2 (1-r)^(w-1), 0, 0.
A tokenizer that cuts more cuts more insides, and this takes that away. It does not take away that
tokens may be more regular than chance (a grid never cuts twice in a row). Null 2, `null_shifted`,
does: the same endpoint of the same tokenizer at all other places of the same width around the
same element.

The rate is estimated from the same groups. Each element's difference therefore carries its
influence on the rate, so that the interval of the mean covers it (delta method): the values that
are bootstrapped are  v_i - null_i(r) - mean(dnull/dr) (c_i - r m_i) / mean(m),
with c_i cuts on m_i edges around element i. The last term sums to 0 and moves no mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.stats.grouping import Floats, divide

ENDPOINTS = (
    "inside_cut", "left_cut", "right_cut", "border_cut", "both_cut", "intact",
    "integrity_contrast", "border_contrast",
)  # fmt: skip
FLANK_EDGES = 4
_LEAST_WIDTH = {
    "inside_cut": 2, "integrity_contrast": 2, "right_cut": 1, "both_cut": 1, "intact": 1,
}  # fmt: skip
BOUNDS = dict.fromkeys(ENDPOINTS, (0.0, 1.0)) | {
    "integrity_contrast": (-1.0, 1.0),
    "border_contrast": (-1.0, 1.0),
}


@dataclass(frozen=True, eq=False)
class Measured:
    """Endpoints of elements under one tokenizer; columns as in `ENDPOINTS`.

    `value` and `shifted` are (n, 8), NaN where an endpoint has no meaning at that width. `cuts`
    and `edges` (n,) count all edges around each element.
    """

    value: Floats
    shifted: Floats
    cuts: Floats
    edges: Floats


def measure_endpoints(cut: NDArray[np.floating], width: int) -> Floats:
    """Endpoints of elements of one width.

    Parameters
    ----------
    cut : (..., w + 9) cuts on the offsets -4 .. w + 4, 0 or 1 (or a probability for the means).
    width : w, >= 0.

    Returns
    -------
    float64 (..., 8), columns as in `ENDPOINTS`; NaN where a width has no such endpoint.

    Raises
    ------
    InputError : `cut` is not w + 9 wide.
    """
    f = FLANK_EDGES
    if width < 0 or cut.shape[-1] != width + 2 * f + 1:
        raise InputError(
            f"cuts on {cut.shape[-1]} edges for elements of {width} bp; wanted width + "
            f"{2 * f + 1}, the offsets -{f} .. width + {f}"
        )
    out = np.full((*cut.shape[:-1], len(ENDPOINTS)), np.nan)
    left, right = cut[..., f], cut[..., f + width]
    flank = (cut[..., :f].sum(axis=-1) + cut[..., f + width + 1 :].sum(axis=-1)) / (2 * f)
    border = (left + right) / 2
    put = {name: i for i, name in enumerate(ENDPOINTS)}
    out[..., put["left_cut"]] = left
    out[..., put["border_cut"]] = border
    out[..., put["border_contrast"]] = border - flank
    if width >= 1:
        inside = cut[..., f + 1 : f + width]
        any_inside = (inside > 0).any(axis=-1)
        out[..., put["right_cut"]] = right
        out[..., put["both_cut"]] = left * right
        out[..., put["intact"]] = left * right * ~any_inside
        if width >= 2:
            out[..., put["inside_cut"]] = any_inside
            out[..., put["integrity_contrast"]] = inside.mean(axis=-1) - flank
    return out


def measure_places(cut: NDArray[np.floating], width: int, context: int) -> Measured:
    """Endpoints of elements of one width, and the same at the other places around each.

    Parameters
    ----------
    cut : (n, w + 2 * context + 1) cuts on the offsets -context .. w + context, 0 or 1.
    context : edges beyond each border, > w + 8, so that there is another place on each side.

    Returns
    -------
    Measured : `shifted` is the mean over all places whose borders and inside share no edge with
    the element's own, and whose flanks lie in the context.

    Raises
    ------
    InputError : the context is too short, or `cut` has another width.
    """
    f = FLANK_EDGES
    if context <= width + f:
        raise InputError(
            f"context of {context} bp around elements of {width} bp; wanted more than "
            f"{width + f}: give a larger --context-bp"
        )
    if cut.shape[1] != width + 2 * context + 1:
        raise InputError(
            f"cuts on {cut.shape[1]} edges; wanted {width + 2 * context + 1}, the offsets "
            f"-{context} .. {width + context}"
        )
    size = width + 2 * f + 1
    middle = context - f
    total = np.zeros((len(cut), len(ENDPOINTS)))
    shifts = [s for s in range(-middle, middle + 1) if abs(s) > width]
    for shift in shifts:
        total += measure_endpoints(cut[:, middle + shift : middle + shift + size], width)
    return Measured(
        measure_endpoints(cut[:, middle : middle + size], width),
        total / len(shifts),
        cut.sum(axis=1, dtype=np.float64),
        np.full(len(cut), float(cut.shape[1])),
    )


def average_measured(parts: list[Measured]) -> Measured:
    """The mean over equally likely cuts of one tokenizer, such as the phases of a grid."""
    return Measured(
        *(
            np.mean([getattr(part, name) for part in parts], axis=0)
            for name in ("value", "shifted", "cuts", "edges")
        )
    )


def join_measured(parts: list[Measured]) -> Measured:
    """Elements of several widths, one below the other."""
    return Measured(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("value", "shifted", "cuts", "edges")
        )
    )


def expect_at_rate(rate: float, width: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Endpoints expected under random cuts, and their derivative by the rate; (n, 8) each.

    NaN as in `measure_endpoints`.
    """
    w = width.astype(np.float64)
    r, free = rate, 1.0 - rate
    empty = np.where(w > 1, free ** np.maximum(w - 1, 0), 1.0)
    slope = np.where(w > 1, -(w - 1) * free ** np.maximum(w - 2, 0), 0.0)
    one = np.ones_like(w)
    value = np.stack(
        [1 - empty, r * one, r * one, r * one, r * r * one, r * r * empty, 0 * one, 0 * one], axis=1
    )
    change = np.stack(
        [-slope, one, one, one, 2 * r * one, 2 * r * empty + r * r * slope, 0 * one, 0 * one],
        axis=1,
    )
    for name, least in _LEAST_WIDTH.items():
        column = ENDPOINTS.index(name)
        value[w < least, column] = np.nan
        change[w < least, column] = np.nan
    return value, change


def subtract_chance(measured: Measured, width: NDArray[np.int64]) -> tuple[float, Floats, Floats]:
    """Difference from random cuts at the tokenizer's own rate around these elements.

    Parameters
    ----------
    measured : elements of one kind.
    width : (n,) their widths.

    Returns
    -------
    (rate, null, difference): the rate, the expectation (n, 8) for each element, and values (n, 8)
    whose mean is the mean difference and whose spread between groups holds that of the rate.
    """
    rate = float(measured.cuts.sum() / measured.edges.sum())
    null, change = expect_at_rate(rate, width)
    pull = (measured.cuts - rate * measured.edges) / measured.edges.mean()
    known = ~np.isnan(change)
    n_known = known.sum(axis=0)
    slope = divide(np.where(known, change, 0.0).sum(axis=0), n_known)
    # Where widths are mixed, elements without the endpoint are left out; centred, so that the
    # term moves no mean there either.
    centre = divide(np.where(known, pull[:, None], 0.0).sum(axis=0), n_known)
    return rate, null, measured.value - null - slope * (pull[:, None] - centre)
