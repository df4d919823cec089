"""A genome whose p is known: a table of 4-mers, and a slope on GC that depends on the letters.

One chromosome of eight blocks. GC changes every 400 bp: the nearest letters do not tell it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment
from ldar_interp.genome.alphabet import decode
from ldar_interp.genome.fasta import Genome
from ldar_interp.letters.background import Background
from ldar_interp.letters.blocks import list_blocks
from ldar_interp.letters.features import measure_edges

BLOCK_BP, N_BLOCKS, WINDOW_BP, REGION_BP = 32_000, 8, 1000, 400
GROUP_BP = 6_400
CORE = np.array([1, 0, 2, 2, 3, 0, 0, 2], dtype=np.uint8)  # CAGG|TAAG


@dataclass
class World:
    """Letters, and the p of every edge before any site: `gc` is that of 200 bp."""

    ids: np.ndarray
    genome: Genome
    prob: np.ndarray
    gc: np.ndarray
    core: np.ndarray  # edges in the middle of CORE


def make_world(seed=0, *, gc_slope=1.0, noise=0.05):
    rng = np.random.default_rng(seed)
    size = BLOCK_BP * N_BLOCKS
    share = np.repeat(rng.uniform(0.25, 0.65, size // REGION_BP), REGION_BP)
    is_gc = rng.random(size) < share
    ids = np.where(is_gc, rng.integers(1, 3, size), 3 * rng.integers(0, 2, size)).astype(np.uint8)
    core = np.sort(rng.choice(np.arange(300, size - 300, 100), 400, replace=False))
    for edge in core:
        ids[edge - 4 : edge + 4] = CORE
    found = measure_edges(ids[None], 4)
    table = rng.uniform(0.15, 0.6, 256)
    slope = gc_slope * np.where(np.arange(16) % 3 == 0, 1.0, 0.2)
    code, gc = found.code[0], found.gc_far[0].astype(float)
    prob = table[code] + slope[code >> 4] * (gc - 0.45) + noise * rng.normal(size=size)
    genome = Genome.from_records({"chr1": decode(ids)})
    return World(ids, genome, np.clip(prob, 0, 1).astype(np.float32), gc, core)


def make_background(world, prob):
    n = world.ids.size // WINDOW_BP
    start = np.arange(n) * WINDOW_BP
    blocks = list_blocks(world.genome, BLOCK_BP)
    chrom = np.full(n, "chr1")
    return Background(
        ids=world.ids.reshape(n, WINDOW_BP),
        prob=prob.reshape(n, WINDOW_BP).copy(),
        chrom=chrom,
        start=start,
        is_reverse=np.zeros(n, dtype=bool),
        block=blocks.find("chr1", start),
        blocks=blocks,
        strands="forward",
        counts={},
    )


def make_track(prob):
    return BoundaryTrack({"forward": [TrackSegment("chr1", 0, prob)]})


def pair_tables(sites, controls):
    """Site and control tables of edges on +, pair by pair; a group is the site's 6.4 kb."""
    ids = [f"s{i}" for i in range(len(sites))]
    group = [f"g{edge // GROUP_BP}" for edge in sites]
    shared = {"chrom": "chr1", "strand": "+", "kind": "donor", "group": group}
    table = pd.DataFrame({"site_id": ids, "edge": sites, "set": "site", **shared})
    other = pd.DataFrame(
        {
            "site_id": [f"c{i}" for i in range(len(sites))],
            "edge": controls,
            "set": "C1",
            **shared,
            "matched_to": ids,
            "draw": 0,
        }
    )
    return table, other
