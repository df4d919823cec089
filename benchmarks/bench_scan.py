"""Time of a scan with every CORE matrix of vertebrates, on one core.

    python benchmarks/bench_scan.py [--megabases 10] [--out benchmarks/scan.json]

The embedded region's promoters and background of random letters (41 % G and C, as human), at
p <= 1e-4 on both strands. Wanted: under 90 s on two cores for 10 Mb. Wall time and processor time
are both printed: on a busy machine only the second says something.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from bench_common import peak_mb, show, write_results

from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.motif_lists import load_motifs
from ldar_interp.sites.promoter_motifs import find_promoter_motifs
from ldar_interp.sites.promoters import load_promoters
from ldar_interp.sites.scan import scan_motifs

Result = TypeVar("Result")


def measure(work: Callable[[], Result]) -> tuple[Result, dict[str, float]]:
    """A call's result, and its seconds by the clock and of the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    seconds = {
        "wall_seconds": time.perf_counter() - wall,
        "processor_seconds": time.process_time() - processor,
    }
    return result, seconds


def main() -> None:
    """Measure, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabases", type=int, default=10)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rng = np.random.default_rng(0)
    letters = rng.choice(
        list("ACGT"), size=arguments.megabases * 10**6, p=[0.295, 0.205, 0.205, 0.295]
    )
    background = Genome.from_records({"chr1": "".join(letters)})
    motifs, loading = measure(lambda: load_motifs("all"))
    with Genome(DEMO_FASTA) as genome:
        tss = load_promoters(DEMO_GTF, genome).tss
        near, promoters = measure(lambda: find_promoter_motifs(genome, tss, motifs))
    scan, outside = measure(lambda: scan_motifs(background, None, motifs))
    parts = (loading, promoters, outside)
    results = {
        "motifs": {"all": len(motifs), "scanned": len(near.scanned), **loading},
        "promoters of the demo": {"windows": len(tss), "hits": len(near.hits), **promoters},
        f"{arguments.megabases} Mb of background": {"hits": len(scan.hits), **outside},
        "together": {name: sum(part[name] for part in parts) for name in loading}
        | {"peak_mb": peak_mb()},
    }
    for title, values in results.items():
        show(title, values)
    write_results(results, arguments.out)


if __name__ == "__main__":
    main()
