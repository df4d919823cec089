# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Quick start: do learned boundaries differ at splice donors?
#
# The main job in a few lines, on the human region and the checkpoint that ship with the
# package. A few sites only, so that it takes seconds: enough to see how it works, too few to
# conclude anything. For a genome of your own, change the three names of the next cell.

# %%
import ldar_interp as li
from ldar_interp.assets import CHECKPOINT
from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF

checkpoint = CHECKPOINT  # "model_ckpt_110m.pt", a folder, hf://owner/name
fasta = DEMO_FASTA  # "hg38.fa": plain or bgzip
gtf = DEMO_GTF  # "gencode.v47.annotation.gtf.gz": GENCODE, Ensembl or NCBI

# %% [markdown]
# ## Sites and their controls
#
# Sites are a pandas table, one row an edge between two bases. Every sixteenth donor is kept here.
# C1 controls are other places of the same gene that have the same two letters behind the edge.

# %%
model = li.load_model(str(checkpoint))
annotation = li.load_splice_sites(gtf, fasta)
sites = annotation.sites
sites = sites[sites["kind"] == "donor"].iloc[::16].reset_index(drop=True)
ladder = li.build_controls(
    sites, fasta, annotation=annotation, rungs=("C0", "C1"), n_draws=1, flank_bp=100, seed=1
)
sites[["site_id", "gene_name", "site_class"]].head()

# %% [markdown]
# ## Boundary probability around them
#
# The model reads windows around these edges and nothing else. NaN means *not evaluated*, never 0.

# %%
track = li.extract_boundaries(model, fasta, around=[sites, ladder.table], flank_bp=30)
profiles = li.collect(track, sites, flank_bp=30)
controls = li.collect(track, ladder.table, flank_bp=30)
profiles.values.shape

# %% [markdown]
# ## The comparison
#
# `effect` is the mean of site minus matched control at the edge itself; the interval resamples
# genes, not sites. Under 20 pairs or 10 genes `method` says so, and there is no p-value.

# %%
result = li.enrichment(profiles, controls, n_boot=200, n_flips=199, seed=1)
primary = result.enrichment.query("statistic == 'mean_difference'")
primary[["kind", "control", "effect", "ci_low", "ci_high", "p_value", "n_sites", "n_groups"]]

# %%
axes = li.plot_profile(profiles, result)

# %% [markdown]
# ## One of the sites, letter by letter
#
# The same track, looked at directly: 30 bases on each side of a donor, 5' to 3'. The exon ends in
# the middle, where its box does.

# %%
from ldar_interp.genome.intervals import Interval

site = sites.iloc[0]
region = Interval(site["chrom"], site["edge"] - 30, site["edge"] + 30, site["strand"])
figure = li.plot_locus(track, region, fasta, annotation)

# %% [markdown]
# With all sites, all controls, the random-weights model and the tests that a claim needs, this is
# `python -m ldar_interp.splice_profile`. `one_gene.py` looks along a whole gene.
