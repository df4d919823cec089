"""A track, genes and hits of which every drawn number can be said in advance."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment
from ldar_interp.genome.fasta import Genome

START, N_BASES = 1000, 4000
GAP = (1500, 1520)
"""Edges without value, the second not included."""


def make_values(seed=0):
    values = np.random.default_rng(seed).random(N_BASES + 1).astype(np.float32)
    values[GAP[0] - START : GAP[1] - START] = np.nan
    return values


def make_track():
    return BoundaryTrack(
        {
            "forward": [TrackSegment("chr1", START, make_values(0))],
            "reverse": [TrackSegment("chr1", START, make_values(1))],
        }
    )


def make_genome():
    letters = "".join(np.random.default_rng(5).choice(list("ACGT"), N_BASES).tolist())
    return Genome.from_records({f"chr1:{START + 1}-{START + N_BASES}": letters})


class Residual:
    """Signed values on edges that are no BoundaryTrack."""

    orientations = ("forward", "reverse")

    def gather(self, chrom, edges, orientation):
        values = make_track().gather(chrom, edges, orientation)
        return (values - np.float32(0.5)).astype(np.float32)


def make_annotation():
    """A gene on each strand that overlap, one without a name, one elsewhere."""
    genes = [
        ("chr1", 1100, 1900, "+", "G1", "ALPHA"),
        ("chr1", 1700, 2600, "-", "G2", "BETA"),
        ("chr1", 3000, 3300, "+", "G3", None),
        ("chr2", 1100, 1900, "+", "G4", "ELSEWHERE"),
    ]
    exons = [
        ("chr1", 1100, 1200, "+", "G1"), ("chr1", 1600, 1900, "+", "G1"),
        ("chr1", 1700, 1750, "-", "G2"), ("chr1", 2500, 2600, "-", "G2"),
        ("chr2", 1100, 1900, "+", "G4"),
    ]  # fmt: skip
    return SimpleNamespace(
        genes=pd.DataFrame(
            genes, columns=["chrom", "start", "end", "strand", "gene_id", "gene_name"]
        ),
        exons=pd.DataFrame(exons, columns=["chrom", "start", "end", "strand", "gene_id"]),
    )


def make_hits():
    rows = [
        ("chr1", 1300, "+", "TATA", 6), ("chr1", 1300, "-", "TATA", 6),
        ("chr1", 1330, "-", "GC", 4), ("chr2", 1300, "+", "TATA", 6), ("chr1", 4900, "+", "INR", 3),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["chrom", "edge", "strand", "kind", "width_bp"])


def row_of(figure: Figure, name: str):
    (found,) = [ax for ax in figure.axes if ax.get_label() == name]
    return found


def artist_of(ax, gid: str):
    (found,) = [a for a in [*ax.collections, *ax.patches] if a.get_gid() == gid]
    return found


def bars_of(ax, gid: str) -> dict[int, float]:
    """Edge -> height of the bars of that name."""
    return {int(s[0, 0]): float(s[1, 1]) for s in artist_of(ax, gid).get_segments()}
