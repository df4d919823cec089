"""Small motifs and genomes, and a scanner that knows nothing of the one it checks."""

import itertools
import math

import numpy as np
import pandas as pd

from ldar_interp.sites.motif import Motif

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def turn(text):
    return text.translate(COMPLEMENT)[::-1]


def make_motif(word, name="word", accession=None, *, counts=(20, 0)):
    """A motif that has one letter of `word` at each place; N is four letters alike."""
    most, least = counts
    rows = [
        [5.0] * 4 if letter == "N" else [most if letter == other else least for other in "ACGT"]
        for letter in word
    ]
    return Motif(name, accession or name.upper() + ".1", np.array(rows, dtype=float), "test")


def random_motif(rng, width, name):
    return Motif(name, name.upper() + ".1", rng.dirichlet([0.4] * 4, size=width) * 30, "test")


def round_units(motif, background=(0.25,) * 4, pseudocount=0.8):
    """Log-odds in hundredths of a bit by the formula, one cell at a time."""
    table = []
    for row in motif.counts.tolist():
        total = sum(row) + pseudocount
        shares = [(n + pseudocount * b) / total for n, b in zip(row, background, strict=True)]
        table.append(
            [round(100 * math.log2(s / b)) for s, b in zip(shares, background, strict=True)]
        )
    return table


def count_words(motif, background=(0.25,) * 4):
    """P(score >= s) by all 4^w words: a function of s."""
    table = round_units(motif, background)
    scores, shares = [], []
    for word in itertools.product(range(4), repeat=motif.width):
        scores.append(sum(table[i][letter] for i, letter in enumerate(word)))
        shares.append(math.prod(background[letter] for letter in word))
    scores, shares = np.array(scores), np.array(shares)
    return lambda s: shares[scores >= s].sum()


def scan_plainly(text, motif, threshold_units, background=(0.25,) * 4):
    """Every stretch of `text` that scores enough: (start, strand, units), read letter by letter."""
    table = round_units(motif, background)
    found = []
    for start in range(len(text) - motif.width + 1):
        word = text[start : start + motif.width].upper()
        if set(word) - set("ACGT"):
            continue
        for strand, read in (("+", word), ("-", turn(word))):
            units = sum(table[i]["ACGT".index(letter)] for i, letter in enumerate(read))
            if units >= threshold_units:
                found.append((start, strand, units))
    return found


def drop_overlaps(found, width):
    """The rule by its words: best score first, then leftmost, then plus."""
    kept = []
    for start, strand, units in sorted(found, key=lambda hit: (-hit[2], hit[0], hit[1])):
        if all(abs(start - other) >= width for other, _, _ in kept):
            kept.append((start, strand, units))
    return sorted(kept)


def list_hits(hits, kind):
    """(start, strand, units) of a table of hits."""
    own = hits[hits["kind"] == kind]
    start = np.where(own["strand"] == "-", own["edge"] - own["width_bp"], own["edge"])
    units = np.rint(own["score"] * 100).astype(int)
    return sorted(zip(start.tolist(), own["strand"].tolist(), units.tolist(), strict=True))


def random_text(rng, n, gc=0.5):
    at, cg = (1 - gc) / 2, gc / 2
    return "".join(rng.choice(list("ACGT"), size=n, p=[at, cg, cg, at]))


def make_tss(*rows, chrom="chr1"):
    """Rows (edge, strand, group) as a SiteTable of transcription starts."""
    return pd.DataFrame(
        {
            "site_id": [f"t{i}" for i in range(len(rows))],
            "chrom": chrom,
            "edge": [row[0] for row in rows],
            "strand": [row[1] for row in rows],
            "kind": "tss",
            "set": "site",
            "group": [row[2] for row in rows],
        }
    )
