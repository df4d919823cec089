"""How colours look to other eyes, and how far apart two colours are.

Colour-vision deficiency is simulated with the full-severity matrices of Machado, Oliveira and
Fernandes (2009), "A physiologically-based model for simulation of color vision deficiency",
IEEE TVCG 15(6), doi:10.1109/TVCG.2009.113, which act on linear sRGB. Distances are CIE76:
the Euclidean distance in CIELAB (D65); about 2.3 is just noticeable side by side.
"""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

MACHADO_2009: dict[str, NDArray[np.float64]] = {
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}

# sRGB primaries to CIE XYZ and the D65 white: IEC 61966-2-1.
_SRGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE_D65 = _SRGB_TO_XYZ.sum(axis=1)


def _linear_rgb(colour: str) -> NDArray[np.float64]:
    """sRGB to linear light, three values in [0, 1]."""
    srgb = np.asarray(to_rgb(colour))
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def simulate(colour: str, vision: str) -> NDArray[np.float64]:
    """Linear RGB, three values in [0, 1], of a colour as `vision` sees it.

    Parameters
    ----------
    colour : any matplotlib colour.
    vision : `normal`, `protanopia`, `deuteranopia` or `tritanopia`.

    Raises
    ------
    KeyError : another name for `vision`.
    """
    linear = _linear_rgb(colour)
    if vision == "normal":
        return linear
    return np.clip(MACHADO_2009[vision] @ linear, 0.0, 1.0)


def to_lab(linear_rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB (L in 0..100, a, b) of linear RGB, relative to D65 white."""
    ratio = (_SRGB_TO_XYZ @ linear_rgb) / _WHITE_D65
    epsilon, kappa = 216 / 24389, 24389 / 27
    f = np.where(ratio > epsilon, np.cbrt(ratio), (kappa * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def lightness(colour: str) -> float:
    """CIE L* in 0..100: what is left of a colour in greyscale print."""
    return float(to_lab(_linear_rgb(colour))[0])


def smallest_distance(colours: Iterable[str], vision: str = "normal") -> float:
    """Smallest CIE76 distance between any two of the colours, as `vision` sees them.

    Needs at least two colours.
    """
    labs = [to_lab(simulate(colour, vision)) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(labs, 2))
