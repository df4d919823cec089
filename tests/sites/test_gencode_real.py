"""Real annotation: the demo region of the package, and GENCODE v43 where the data are at hand."""

from pathlib import Path

import pytest

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode, reverse_complement
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.gencode import load_splice_sites

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "ldar_interp" / "assets" / "demo"
DATA = ROOT.parent / "shared" / "data" / "genome"
HUMAN = DATA / "grch38.chr20_and_21_10M.fa.gz"


def need(*paths):
    missing = [path.name for path in paths if not path.exists()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}, which is not here")


@pytest.fixture(autouse=True)
def index_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def check_motifs(annotation, genome):
    """Read the letters again, site by site, by the definition of an edge."""
    letters = {"GT-AG": ("GT", "AG"), "GC-AG": ("GC", "AG"), "AT-AC": ("AT", "AC")}
    sites = annotation.sites[annotation.sites["site_class"].isin(letters)]
    for site in sites.itertuples():
        downstream = (site.kind == "donor") == (site.strand == "+")
        start = site.edge if downstream else site.edge - 2
        ids = genome.fetch(site.chrom, start, start + 2)
        found = decode(ids if site.strand == "+" else reverse_complement(ids))
        assert found == letters[site.site_class][site.kind == "acceptor"]


def test_the_demo_region():
    need(DEMO / "demo.fa.gz", DEMO / "demo.gtf.gz")
    with Genome(DEMO / "demo.fa.gz") as genome:
        annotation = load_splice_sites(DEMO / "demo.gtf.gz", genome)
        check_motifs(annotation, genome)
    counts = annotation.counts
    assert annotation.absent_chroms == ()
    assert counts["broken_transcripts"] == counts["introns_off_genome"] == 0
    assert 0.9 < counts["introns_gt_ag"] / counts["introns_in_genome"] < 1
    assert counts["donors"] > 300
    assert counts["acceptors"] > 300
    assert annotation.sites["gene_id"].nunique() >= 30
    assert annotation.sites["group"].nunique() >= 20


def test_gencode_on_chromosome_20():
    gtf = DATA / "gencode_v43.GRCh38.chr20_0_10M.gtf.gz"
    need(gtf, HUMAN)
    with Genome(HUMAN) as genome:
        annotation = load_splice_sites(gtf, genome)
        check_motifs(annotation, genome)
        coding = load_splice_sites(gtf, genome, gene_types=["protein_coding"])
    counts = annotation.counts
    assert counts["introns"] == len(annotation.introns) == 1471
    assert counts["introns_gt_ag"] == 1440
    assert counts["genes"] == 228
    assert counts["transcripts"] == 913
    assert not annotation.sites.duplicated(["chrom", "edge", "strand", "kind"]).any()
    assert set(coding.sites["site_id"]) < set(annotation.sites["site_id"])


def test_pseudogenes_and_other_genomes_are_told_apart_from_a_match():
    gtf = DATA / "gencode_v43.GRCh38.chr21_0_10M.gtf.gz"
    need(gtf, HUMAN)
    with pytest.raises(InputError, match=r"do not match: only 79\.7% of 345 introns"):
        load_splice_sites(gtf, HUMAN)


def test_yeast_with_other_chromosome_names():
    fasta, gtf = DATA / "Scerevisiae_R64-1-1_ensembl94.fa.gz", DATA / "sacCer3_ares_v15.gtf.gz"
    need(fasta, gtf)
    annotation = load_splice_sites(gtf, fasta)
    assert annotation.chrom_names["chrXVI"] == "XVI"
    assert annotation.absent_chroms == ("chrM",)
    assert annotation.counts["introns"] == 314
