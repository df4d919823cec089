"""A genome with promoters and planted motifs whose p is simulated from a fitted k-mer null.

Loci of 6 kb, each a group, with a promoter in its middle. Motifs are drawn from their matrices into
promoters and outside. p of an edge is what a fitted null expects there, plus an effect of the locus
(all its edges move together) and noise; nothing else, unless an effect is planted inside the hits
in promoters. The two strands are read apart and share the locus effect.

What p depends on must be drawn anew for each simulated p, or the same chance of letters at hits and
controls would come back in every run. One null is fitted, and asked with its letters relabelled (A
for T, C for G) or read backwards: eight functions of k letters and GC, mixed at random.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment
from ldar_interp.genome.alphabet import decode, reverse_complement
from ldar_interp.genome.fasta import Genome
from ldar_interp.ladder.compare import compare_ladder
from ldar_interp.ladder.measure import LadderProfiles
from ldar_interp.ladder.settings import LadderSettings
from ldar_interp.letters.background import Background, leave_out_sites
from ldar_interp.letters.blocks import list_blocks
from ldar_interp.letters.features import measure_edges
from ldar_interp.letters.fit import fit_null
from ldar_interp.letters.kmer_null import KmerNull
from ldar_interp.letters.residual import expect_edges, residual_track
from ldar_interp.profiles import collect
from ldar_interp.sites.controls import ControlLadder
from ldar_interp.sites.motif import Motif
from ldar_interp.sites.motif_controls import build_motif_controls
from ldar_interp.sites.promoter_motifs import PromoterMotifs, find_promoter_motifs
from ldar_interp.stats.regions import MOTIF_REGIONS

Floats = NDArray[np.float32]

CHROM = "chr1"
LOCUS_BP, N_LOCI, REGION_BP, WINDOW_BP = 6_000, 120, 400, 1000
FLANK_BP = 20
N_MOTIFS, WIDTH_BP = 12, 10
N_IN, N_OUT = 100, 400
"""Instances of a motif in promoters, one in each, and outside."""
K = 6
LOCUS_SD, NOISE_SD = 0.03, 0.08


@dataclass(frozen=True)
class World:
    """Everything that stays the same from one simulated p to the next.

    `expected` (8, edges) is what the null says under eight relabellings, read forward and reverse.
    """

    ids: NDArray[np.uint8]
    genome: Genome
    tss: pd.DataFrame
    found: PromoterMotifs
    ladder: ControlLadder
    expected: dict[str, Floats]


@dataclass(frozen=True)
class Simulated:
    """A track of p, and what was expected of each edge before any effect or noise."""

    track: BoundaryTrack
    expected: dict[str, Floats]


def make_world(seed: int, *, gc_of_promoters: float = 0.0) -> World:
    """Letters, hits and controls; promoters are `gc_of_promoters` richer in GC than the rest."""
    rng = np.random.default_rng(seed)
    size = LOCUS_BP * N_LOCI
    share = np.repeat(rng.uniform(0.3, 0.6, size // REGION_BP), REGION_BP)
    edge = LOCUS_BP // 2 + LOCUS_BP * np.arange(N_LOCI)
    is_minus = rng.random(N_LOCI) < 0.5
    for at in edge.tolist():
        share[at - 400 : at + 400] += gc_of_promoters
    is_gc = rng.random(size) < share
    ids = np.where(is_gc, rng.integers(1, 3, size), 3 * rng.integers(0, 2, size)).astype(np.uint8)
    motifs = tuple(
        Motif(f"m{i}", f"M{i}.1", rng.dirichlet([0.12] * 4, size=WIDTH_BP) * 40 + 0.5, "simulated")
        for i in range(N_MOTIFS)
    )
    _plant(rng, ids, motifs, edge, is_minus)
    genome = Genome.from_records({CHROM: decode(ids)})
    tss = pd.DataFrame(
        {
            "site_id": [f"t{i}" for i in range(N_LOCI)], "chrom": CHROM, "edge": edge,
            "strand": np.where(is_minus, "-", "+"), "kind": "tss", "set": "site",
            "group": [f"g{i}" for i in range(N_LOCI)],
        }
    )  # fmt: skip
    found = find_promoter_motifs(genome, tss, motifs)
    ladder = build_motif_controls(
        found, genome, known=tss, rungs=("C1", "C2"), n_draws=1, flank_bp=100, seed=seed
    )
    background = _make_background(ids, genome, {"forward": _draw_prob(rng, ids)}, every=1)
    null = replace(fit_null(background, k=K, shrinks=(4.0,)).null, strands="both")
    expected = {name: _expect_relabelled(null, ids, name) for name in ("forward", "reverse")}
    return World(ids, genome, tss, found, ladder, expected)


def simulate(
    world: World, rng: np.random.Generator, *, effect: float = 0.0, kinds: Collection[str] = ()
) -> Simulated:
    """p of both strands; `effect` is added to the edges inside the hits of `kinds`."""
    size = world.ids.size
    of_locus = np.repeat(rng.normal(0, LOCUS_SD, N_LOCI), LOCUS_BP)
    weights = rng.normal(0, 8**-0.5, 8)
    weights += (1 - weights.sum()) / 8
    expected, segments = {}, {}
    for name, parts in world.expected.items():
        expected[name] = (weights @ parts).astype(np.float32)
        rows = world.ladder.sites
        strand = "-" if name == "reverse" else "+"
        rows = rows[rows["kind"].isin(kinds) & (rows["strand"] == strand)]
        sign = -1 if strand == "-" else 1
        inside = np.zeros(size, dtype=bool)
        for edge, width in zip(rows["edge"], rows["width_bp"], strict=True):
            inside[edge + sign * np.arange(1, width)] = True
        prob = expected[name] + of_locus + NOISE_SD * rng.normal(size=size) + effect * inside
        segments[name] = [TrackSegment(CHROM, 0, np.clip(prob, 0, 1).astype(np.float32))]
    return Simulated(BoundaryTrack(segments), expected)


def fit_simulated(world: World, simulated: Simulated, *, every: int) -> KmerNull:
    """The null of a simulated p, fitted as the programs do, without the hits' surroundings.

    So it is the same with and without planted effects. `every` is the step from one window of the
    fit to the next, in windows of 1 kb.
    """
    values = {name: simulated.track.segments[name][0].values for name in simulated.expected}
    background = leave_out_sites(
        _make_background(world.ids, world.genome, values, every=every),
        [world.tss, world.found.hits],
    )
    return fit_null(background, k=K, shrinks=(4.0,)).null


def find_residual(world: World, simulated: Simulated, null: KmerNull | None) -> BoundaryTrack:
    """The residual track; without a null what p was made from is subtracted instead of a fit."""
    track = simulated.track
    if null is not None:
        return residual_track(track, world.genome, null)
    return BoundaryTrack(
        {
            name: [TrackSegment(CHROM, 0, track.segments[name][0].values - expected, "residual")]
            for name, expected in simulated.expected.items()
        },
        signal="residual",
    )


def compare(
    world: World, tracks: Sequence[BoundaryTrack], *, seed: int, n_flips: int = 999
) -> pd.DataFrame:
    """The enrichment table on C1 and C2, as `promoter_profile` makes it."""
    placed = {
        ("checkpoint", track.signal): (
            collect(track, world.ladder.sites, flank_bp=FLANK_BP),
            collect(track, world.ladder.table, flank_bp=FLANK_BP),
        )
        for track in tracks
    }
    settings = LadderSettings.model_validate(
        {"out": "-", "controls": ("C1", "C2"), "n_boot": 200, "n_flips": n_flips, "seed": seed}
    )
    found = LadderProfiles(placed, {}, {}, {})
    return compare_ladder(found, settings, regions=MOTIF_REGIONS, curves_of=()).enrichment


def _plant(
    rng: np.random.Generator,
    ids: NDArray[np.uint8],
    motifs: Sequence[Motif],
    tss_edge: NDArray[np.int64],
    is_minus: NDArray[np.bool_],
) -> None:
    """Write instances drawn from each matrix into `ids`, on either strand."""
    slots = np.arange(-240, 81, 28)
    order = [rng.permutation(len(slots))[: len(motifs)] for _ in tss_edge]
    outside = np.arange(150, ids.size - 150, 40)
    outside = outside[np.abs(outside[:, None] - tss_edge).min(axis=1) > 800]
    outside = rng.choice(outside, N_OUT * len(motifs), replace=False).reshape(len(motifs), N_OUT)
    for m, motif in enumerate(motifs):
        inside = [
            tss_edge[i] + slots[order[i][m]] * (-1 if is_minus[i] else 1)
            for i in rng.permutation(len(tss_edge))[:N_IN]
        ]
        shares = motif.counts / motif.counts.sum(axis=1, keepdims=True)
        for start in [*inside, *outside[m]]:
            word = np.array([rng.choice(4, p=row) for row in shares], dtype=np.uint8)
            turned = rng.random() < 0.5
            ids[start : start + motif.width] = reverse_complement(word) if turned else word


def _draw_prob(rng: np.random.Generator, ids: NDArray[np.uint8]) -> Floats:
    """p from a table of 4-mers and a slope on GC: what the first null is fitted on."""
    found = measure_edges(ids[None], 4)
    table = rng.uniform(0.2, 0.5, 256)
    prob = table[found.code[0]] + 0.6 * (found.gc_far[0].astype(float) - 0.45)
    return np.clip(prob + 0.02 * rng.normal(size=ids.size), 0, 1).astype(np.float32)


def _expect_relabelled(null: KmerNull, ids: NDArray[np.uint8], orientation: str) -> Floats:
    """Expected p on every edge under eight relabellings of the letters, float32 (8, edges)."""
    found = []
    for swap in ([0, 1, 2, 3], [3, 1, 2, 0], [0, 2, 1, 3], [3, 2, 1, 0]):
        letters = np.array(swap, dtype=np.uint8)[ids]
        for step in (1, -1):
            genome = Genome.from_records({CHROM: decode(letters[::step])})
            by_edge = expect_edges(null, genome, CHROM, 0, ids.size + 1, orientation)
            found.append(by_edge[::step][:-1])  # edge t read backwards is edge L - t
    return np.stack(found)


def _make_background(
    ids: NDArray[np.uint8], genome: Genome, prob: dict[str, Floats], *, every: int
) -> Background:
    """Every so manieth window; with reverse reads too, every other one of these is one."""
    start = np.arange(0, ids.size, every * WINDOW_BP)
    is_reverse = np.zeros(start.size, dtype=bool)
    windows = np.stack([ids[s : s + WINDOW_BP] for s in start])
    values = np.stack([prob["forward"][s : s + WINDOW_BP] for s in start])
    if "reverse" in prob:
        is_reverse[1::2] = True
        windows[is_reverse] = reverse_complement(windows[is_reverse])
        # Column t of a reverse read is edge start + L - t; the last window has no such edge.
        padded = np.append(prob["reverse"], np.float32(np.nan))
        steps = np.arange(WINDOW_BP, 0, -1)
        values[is_reverse] = padded[start[is_reverse, None] + steps]
    blocks = list_blocks(genome, ids.size // 8)
    return Background(
        ids=windows,
        prob=values,
        chrom=np.full(start.size, CHROM),
        start=start,
        is_reverse=is_reverse,
        block=blocks.find(CHROM, start),
        blocks=blocks,
        strands="both" if "reverse" in prob else "forward",
        counts={},
    )
