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
# # Your own motif in promoters
#
# A matrix of your own (JASPAR, MEME or TRANSFAC text), its hits around transcription starts, and
# what the router does left of it, inside it and right of it, against hits of the same matrix that
# are not in promoters. The region that ships with the package has 32 starts: enough to see how it
# works.

# %%
from pathlib import Path

import ldar_interp as li
from ldar_interp.assets import CHECKPOINT
from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF
from ldar_interp.stats.regions import MOTIF_REGIONS

fasta, gtf = DEMO_FASTA, DEMO_GTF
model = li.load_model(str(CHECKPOINT))

# %% [markdown]
# ## The matrix
#
# Here a file is written; give the path of yours instead. The same function takes `"declared"`, the
# list that `promoter_profile` scans, and `"all"`, every CORE matrix of vertebrates.

# %%
matrix = """>my.1 GC-rich
A [ 2 0 0 1 0 0 3 ]
C [ 1 0 0 8 0 0 1 ]
G [ 6 9 9 0 9 9 5 ]
T [ 0 0 0 0 0 0 0 ]
"""
Path("mine.jaspar").write_text(matrix)
motifs = li.load_motifs("mine.jaspar")
motifs[0].name, motifs[0].width

# %% [markdown]
# ## Hits in promoters
#
# p-values of scores are exact. Overlapping hits are one place, and a motif that cannot reach the
# threshold is named and left out before anything is scanned.

# %%
from ldar_interp.sites.score_distribution import Scoring

promoters = li.load_promoters(gtf, fasta)
found = li.find_promoter_motifs(fasta, promoters.tss, motifs, scoring=Scoring(p_value=5e-4))
found.hits[["site_id", "tss_offset", "score", "p_value", "gene_name"]].head()

# %% [markdown]
# ## Controls
#
# C0: other places of the same promoters. C2: hits of the same matrix, as strong and in the same GC,
# far from any start. What C0 alone shows may be the letters of the motif.

# %%
ladder = li.build_motif_controls(
    found, fasta, known=promoters.known, rungs=("C0", "C2"), n_draws=1, flank_bp=60, seed=1
)
ladder.table.groupby("set").size()

# %%
track = li.extract_boundaries(model, fasta, around=[ladder.sites, ladder.table], flank_bp=40)
profiles = li.collect(track, ladder.sites, flank_bp=40)
controls = li.collect(track, ladder.table, flank_bp=40)
result = li.enrichment(
    profiles, controls, regions=MOTIF_REGIONS, primary=("C2",), n_boot=200, n_flips=199, seed=1
)
result.enrichment[["control", "statistic", "effect", "ci_low", "ci_high", "n_sites", "method"]]

# %%
axes = li.plot_profile(profiles, result)

# %% [markdown]
# With residuals, equal letters elsewhere, shuffled contexts and random weights beside it, this is
# `python -m ldar_interp.promoter_profile --motifs mine.jaspar`.
