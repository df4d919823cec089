"""Sequence logos aligned to the edge: the base at position x sits between edges x and x + 1.

edge:     -2    -1     0     1     2
            | A  | G  | G  | T |            letters centred at -1.5, -0.5, 0.5, 1.5
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import encode
from ldar_interp.plots.style import HAIRLINE, HAIRLINE_PT, publication_style

BASES = "ACGT"
BASE_COLOURS = {"A": "#2E8B57", "C": "#2F6DB5", "G": "#E0A100", "T": "#B5302A"}


class LogoCounts(NamedTuple):
    """Letters counted at each position around an edge, 5' to 3'.

    counts : (n_positions, 4), columns A, C, G, T.
    offsets : (n_positions,), the edge on the 5' side of each base, in bp from the site's edge.
    """

    counts: NDArray[np.float64]
    offsets: NDArray[np.int64]


def count_letters(sequences: Sequence[str] | NDArray[np.uint8]) -> NDArray[np.float64]:
    """Count A, C, G, T at each position; N and other letters are not counted.

    Parameters
    ----------
    sequences : strings of one length, or uint8 ids (n_sequences, length), 5' to 3'.

    Returns
    -------
    (length, 4) counts as float64.

    Raises
    ------
    InputError : no sequences, or sequences of different lengths.
    """
    if isinstance(sequences, np.ndarray):
        ids = sequences
    else:
        lengths = sorted({len(sequence) for sequence in sequences})
        if len(lengths) != 1:
            raise InputError(
                f"logo: {len(sequences)} sequences of lengths {lengths}; wanted one length for all"
            )
        ids = np.stack([encode(sequence) for sequence in sequences])
    if ids.ndim != 2 or ids.shape[0] == 0:
        raise InputError(f"logo: ids of shape {ids.shape}; wanted (n_sequences, length)")
    return np.stack([(ids == base).sum(axis=0) for base in range(4)], axis=1).astype(np.float64)


def measure_information(counts: ArrayLike) -> NDArray[np.float64]:
    """Height of each letter in bits, (n_positions, 4).

    Shannon information of the position against a uniform background, less the small-sample
    correction 3 / (2 ln 2 n), never below 0, shared among the letters by frequency
    (Schneider and Stephens 1990, doi:10.1093/nar/18.20.6097). NaN where nothing was counted.

    Raises
    ------
    InputError : not (n_positions, 4), or a count that is negative or not finite.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != 4:
        raise InputError(
            f"logo: counts of shape {table.shape}; wanted (n_positions, 4) for A C G T"
        )
    if not np.isfinite(table).all() or (table < 0).any():
        raise InputError("logo: counts that are negative or not finite; wanted numbers of letters")
    total = table.sum(axis=1, keepdims=True)
    n = np.where(total > 0, total, np.nan)
    frequency = table / n
    log2 = np.log2(frequency, where=frequency > 0, out=np.zeros_like(frequency))
    entropy = -(frequency * log2).sum(axis=1, keepdims=True)
    information = np.maximum(2.0 - entropy - 3.0 / (2.0 * np.log(2.0) * n), 0.0)
    return frequency * information


def plot_logo(
    counts_or_sequences: ArrayLike | Sequence[str],
    offsets: ArrayLike,
    ax: Axes,
    *,
    window: tuple[int, int] = (-20, 10),
) -> Axes:
    """Draw the letters around an edge, in bits, each centred half a base right of its 5' edge.

    Parameters
    ----------
    counts_or_sequences : strings of one length, or counts (n_positions, 4) in the order A C G T
        (a DataFrame is read by its columns A, C, G, T).
    offsets : (n_positions,), the edge on the 5' side of each base, bp from the site's edge.
    window : edges (from, to) between which letters are drawn.

    Raises
    ------
    InputError : counts and offsets that do not fit each other, or no base in the window.
    """
    if isinstance(counts_or_sequences, pd.DataFrame):
        counts = counts_or_sequences[list(BASES)].to_numpy(dtype=np.float64)
    elif isinstance(counts_or_sequences, Sequence) and isinstance(counts_or_sequences[0], str):
        counts = count_letters([str(sequence) for sequence in counts_or_sequences])
    else:
        counts = np.asarray(counts_or_sequences, dtype=np.float64)
    bits = measure_information(counts)
    positions = np.asarray(offsets, dtype=np.int64)
    if positions.shape != (len(bits),):
        raise InputError(
            f"logo: {len(bits)} positions and offsets of shape {positions.shape}; wanted one each"
        )
    low, high = window
    inside = (positions >= low) & (positions < high)
    if not inside.any():
        raise InputError(f"logo: no base between edges {low} and {high}; wanted some to draw")
    with publication_style():
        ax.set_xlim(low, high)
        ax.set_ylim(0, 2)
        ax.axvline(0, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0)
        for position, heights in zip(positions[inside], bits[inside], strict=True):
            _stack_letters(ax, int(position), heights)
    return ax


def logo_table(logos: Mapping[str, LogoCounts]) -> pd.DataFrame:
    """Every number of the logos, tidy: `kind, offset, base, count, bits`."""
    tables = []
    for kind, (counts, offsets) in logos.items():
        bits = measure_information(counts)
        tables.append(
            pd.DataFrame(
                {
                    "kind": kind,
                    "offset": np.repeat(np.asarray(offsets, dtype=np.int64), 4),
                    "base": list(BASES) * len(bits),
                    "count": np.asarray(counts, dtype=np.float64).ravel(),
                    "bits": bits.ravel(),
                }
            )
        )
    columns = ["kind", "offset", "base", "count", "bits"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _stack_letters(ax: Axes, position: int, heights: NDArray[np.float64]) -> None:
    """Letters of one position, smallest at the bottom, as outlines (not text).

    `logomaker.Logo` takes whole-number positions only; its `Glyph` takes the half that puts a
    letter between its two edges.
    """
    import logomaker  # brings pyplot with it: half a second that `--help` need not wait for

    floor = 0.0
    for base in np.argsort(heights, kind="stable"):
        height = float(heights[base])
        if not height > 0.005:
            continue
        letter = BASES[base]
        glyph = logomaker.Glyph(
            position + 0.5,
            letter,
            ax=ax,
            floor=floor,
            ceiling=floor + height,
            width=0.92,
            vpad=0.0,
            font_name="DejaVu Sans",
            font_weight="bold",
            color=BASE_COLOURS[letter],
            edgewidth=0.0,
        )
        glyph.patch.set_gid(f"letter-{letter}-{position}")
        floor += height
