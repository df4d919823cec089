"""The embedded demo region: 4 Mb of human hg19 with its splice junctions (see README.md here).

Built by `python -m annotations.build_demo_region`; never part of any training data.
"""

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent

DEMO_FASTA = _FOLDER / "demo.fa.gz"
"""bgzip FASTA; records `chr3:42000000-44000000` and `chr4:103000000-105000000` (1-based)."""

DEMO_GTF = _FOLDER / "demo.gtf.gz"
"""GENCODE-dialect GTF in chromosome coordinates; features gene, transcript, exon, intron."""

DEMO_MANIFEST = _FOLDER / "demo.toml"
"""sha256 of the files, counts, and what was left out, by reason."""
