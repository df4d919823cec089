"""What do the learned tokens of a DNA language model mean?

Boundary probabilities of LDARNet, aligned to functional sites, against matched controls. Names
are loaded when they are first used: `import ldar_interp` does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PLACES = {
    "load_model": "ldar_interp.model.checkpoint",
    "LDARNet": "ldar_interp.model.ldarnet",
    "predict_boundaries": "ldar_interp.boundaries.extract",
    "extract_boundaries": "ldar_interp.boundaries.extract",
    "extract_regions": "ldar_interp.boundaries.extract_regions",
    "measure_consistency": "ldar_interp.boundaries.consistency",
    "BoundaryTrack": "ldar_interp.boundaries.track",
    "Genome": "ldar_interp.genome.fasta",
    "read_splice_sites": "ldar_interp.sites.gencode",
    "load_splice_sites": "ldar_interp.sites.gencode",
    "match_controls": "ldar_interp.sites.controls",
    "build_controls": "ldar_interp.sites.controls",
    "KmerNull": "ldar_interp.letters.kmer_null",
    "sample_background": "ldar_interp.letters.sample",
    "fit_null": "ldar_interp.letters.fit",
    "residual_track": "ldar_interp.letters.residual",
    "load_motifs": "ldar_interp.sites.motif_lists",
    "scan_motifs": "ldar_interp.sites.scan",
    "load_promoters": "ldar_interp.sites.promoters",
    "find_promoter_motifs": "ldar_interp.sites.promoter_motifs",
    "build_motif_controls": "ldar_interp.sites.motif_controls",
    "build_same_letters": "ldar_interp.sites.same_letters",
    "mutate_sites": "ldar_interp.boundaries.mutagenesis",
    "ladder_figure": "ldar_interp.plots.ladder_figure",
    "collect": "ldar_interp.profiles",
    "enrichment": "ldar_interp.stats.enrichment",
    "embed": "ldar_interp.tune.embeddings",
    "fit_probe": "ldar_interp.tune.probe",
    "plot_profile": "ldar_interp.plots.profiles",
    "plot_locus": "ldar_interp.plots.locus",
    "splice_figure": "ldar_interp.plots.splice",
}
__all__ = sorted(_PLACES)

if TYPE_CHECKING:
    from ldar_interp.boundaries.consistency import measure_consistency as measure_consistency
    from ldar_interp.boundaries.extract import extract_boundaries as extract_boundaries
    from ldar_interp.boundaries.extract import predict_boundaries as predict_boundaries
    from ldar_interp.boundaries.extract_regions import extract_regions as extract_regions
    from ldar_interp.boundaries.mutagenesis import mutate_sites as mutate_sites
    from ldar_interp.boundaries.track import BoundaryTrack as BoundaryTrack
    from ldar_interp.genome.fasta import Genome as Genome
    from ldar_interp.letters.fit import fit_null as fit_null
    from ldar_interp.letters.kmer_null import KmerNull as KmerNull
    from ldar_interp.letters.residual import residual_track as residual_track
    from ldar_interp.letters.sample import sample_background as sample_background
    from ldar_interp.model.checkpoint import load_model as load_model
    from ldar_interp.model.ldarnet import LDARNet as LDARNet
    from ldar_interp.plots.ladder_figure import ladder_figure as ladder_figure
    from ldar_interp.plots.locus import plot_locus as plot_locus
    from ldar_interp.plots.profiles import plot_profile as plot_profile
    from ldar_interp.plots.splice import splice_figure as splice_figure
    from ldar_interp.profiles import collect as collect
    from ldar_interp.sites.controls import build_controls as build_controls
    from ldar_interp.sites.controls import match_controls as match_controls
    from ldar_interp.sites.gencode import load_splice_sites as load_splice_sites
    from ldar_interp.sites.gencode import read_splice_sites as read_splice_sites
    from ldar_interp.sites.motif_controls import build_motif_controls as build_motif_controls
    from ldar_interp.sites.motif_lists import load_motifs as load_motifs
    from ldar_interp.sites.promoter_motifs import find_promoter_motifs as find_promoter_motifs
    from ldar_interp.sites.promoters import load_promoters as load_promoters
    from ldar_interp.sites.same_letters import build_same_letters as build_same_letters
    from ldar_interp.sites.scan import scan_motifs as scan_motifs
    from ldar_interp.stats.enrichment import enrichment as enrichment
    from ldar_interp.tune.embeddings import embed as embed
    from ldar_interp.tune.probe import fit_probe as fit_probe


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'ldar_interp' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
