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
# # One gene, from its whole length to its letters
#
# Boundary probability on every edge of a gene of the region that ships with the package. Looking is
# for ideas: whether a cut means more than its letters is what controls are for (`quick_start.py`).

# %%
import ldar_interp as li
from ldar_interp.assets import CHECKPOINT
from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF
from ldar_interp.genome.intervals import Interval

fasta, gtf = DEMO_FASTA, DEMO_GTF
model = li.load_model(str(CHECKPOINT))
annotation = li.load_splice_sites(gtf, fasta)

# %%
gene = annotation.genes.query("gene_name == 'SS18L2'").iloc[0]
whole = Interval(gene["chrom"], gene["start"] - 500, gene["end"] + 500, gene["strand"])
whole

# %% [markdown]
# ## p on every edge
#
# `extract_boundaries` reads around sites; `extract_regions` reads everything in between, in the
# orientations that you name. A region can be text as well: `"chr3:42,622,832-42,638,926"`.

# %%
track = li.extract_regions(model, fasta, whole, orientations=("forward",))

# %% [markdown]
# ## The gene
#
# An edge is now narrower than a printed dot: the panel shows the mean of bins, in the range from
# the smallest to the largest value in them, and says how long a bin is.

# %%
figure = li.plot_locus(track, whole, genes=annotation)

# %% [markdown]
# ## An exon
#
# At one kilobase every edge has its bar, dark where p > 0.5: these are the cuts.

# %%
donors = annotation.sites.query("gene_name == 'SS18L2' and kind == 'donor'")
edge = int(donors["edge"].iloc[-1])
around = Interval(gene["chrom"], edge - 500, edge + 500, gene["strand"])
figure = li.plot_locus(track, around, genes=annotation, hits=donors)

# %% [markdown]
# ## The promoter
#
# Hits of the declared motifs around the gene's transcription start, a line a motif: above it on the
# plus strand of the genome, below it on the minus strand.

# %%
tss = li.load_promoters(gtf, fasta).tss.query("gene_name == 'SS18L2'")
motifs = li.find_promoter_motifs(fasta, tss, li.load_motifs("declared")).hits
start = int(tss["edge"].iloc[0])
promoter = Interval(gene["chrom"], start - 300, start + 150, gene["strand"])
figure = li.plot_locus(track, promoter, genes=annotation, hits=motifs)

# %% [markdown]
# ## The letters
#
# Boxes are tokens, from one cut to the next. `hits` takes any table of sites: here the annotated
# donors, drawn at their edges.

# %%
close = Interval(gene["chrom"], edge - 30, edge + 30, gene["strand"])
figure = li.plot_locus(track, close, fasta, annotation, hits=donors)

# %% [markdown]
# For a genome browser, `python -m ldar_interp.export_tracks` writes the same values as bigWig and
# BED.
