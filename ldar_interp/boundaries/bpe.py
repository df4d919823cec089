"""Byte-pair encoding of DNA: merges learned on sequence, and the cuts that they leave.

BPE (Sennrich et al. 2016, https://aclanthology.org/P16-1162) starts from single letters and again
and again joins the pair of neighbours that is most frequent. The order of the merges is all there
is to it, so the tokenizer with fewer merges is a prefix of the one with more: it is learned once,
and the number of merges is chosen afterwards so that its tokens are as long as a router's.

N is no letter here: sequence is cut at N before anything is learned or tokenised, and no token
holds one. DNA has no words, so a tokenizer sees one long word. A word's end forces a cut that
sequence beyond it might have prevented; every stretch is therefore read with `PAD_BP` more bases
on both sides (where there are any), whose cuts are dropped.
"""

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from ldar_interp.boundaries.cuts import Cuts, Domain, Edges, Place
from ldar_interp.boundaries.tiling import clean_segments
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode, reverse_complement
from ldar_interp.genome.fasta import Genome

PAD_BP = 256
_WORD_BP = 2000
_LETTERS = "ACGT"


@dataclass(frozen=True)
class BytePairs:
    """Merges in the order in which they were learned, and the bases they were learned on.

    The vocabulary of the first m merges is the four letters and m tokens.
    """

    merges: tuple[tuple[str, str], ...]
    n_bases: int

    def tokenizer(self, n_merges: int) -> Tokenizer:
        """The tokenizer of the first `n_merges` merges."""
        tokens = [*_LETTERS, *dict.fromkeys(a + b for a, b in self.merges[:n_merges])]
        return Tokenizer(
            BPE(
                vocab={token: i for i, token in enumerate(tokens)},
                merges=list(self.merges[:n_merges]),
                cache_capacity=0,  # no word comes twice
            )
        )


def learn_byte_pairs(genome: Genome, *, max_bases: int, max_merges: int) -> BytePairs:
    """Learn merges from the forward strand of a genome.

    Parameters
    ----------
    genome : open. If it is longer than `max_bases`, words of 2 kb evenly spaced over it are used.
    max_bases : bases to learn from, rounded up to whole words.
    max_merges : merges to learn; fewer where the sequence has no pair left that occurs twice.

    Raises
    ------
    InputError : fewer than 2 bases that are no N, max_bases < 2 or max_merges < 1.
    """
    if max_bases < 2 or max_merges < 1:
        raise InputError(
            f"{max_merges} byte pairs from {max_bases} bases; wanted at least 1 from at least 2"
        )
    pieces = [
        piece
        for segment in genome.segments
        for piece in clean_segments(genome, segment.chrom, segment.start, segment.end)
    ]
    starts = [
        (piece.chrom, start, min(piece.end, start + _WORD_BP))
        for piece in pieces
        for start in range(piece.start, piece.end, _WORD_BP)
    ]
    wanted = -(-max_bases // _WORD_BP)
    if len(starts) > wanted:
        starts = [starts[i] for i in np.linspace(0, len(starts) - 1, wanted).astype(int)]
    words = [decode(genome.fetch(*start)) for start in starts]
    n_bases = sum(map(len, words))
    if n_bases < 2:
        raise InputError("no sequence to learn byte pairs from; wanted bases that are no N")
    tokenizer = Tokenizer(BPE())
    trainer = BpeTrainer(
        vocab_size=len(_LETTERS) + max_merges,
        min_frequency=2,
        initial_alphabet=list(_LETTERS),
        show_progress=False,
    )
    tokenizer.train_from_iterator(words, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return BytePairs(tuple((a, b) for a, b in merges), n_bases)


def cut_by_byte_pairs(pairs: BytePairs, n_merges: int, genome: Genome, domain: Domain) -> Cuts:
    """Edges where a token of the first `n_merges` merges begins.

    Ranges of the orientation `reverse` are tokenised on the minus strand and mapped back.

    Raises
    ------
    InputError : a domain of the orientation `mean`, which is no strand to read.
    """
    tokenizer = pairs.tokenizer(n_merges)
    edges: dict[Place, Edges] = {}
    for place, ranges in domain.ranges.items():
        orientation, chrom = place
        if orientation == "mean":
            raise InputError("byte pairs read one strand; wanted strand transcript or forward")
        found = [np.zeros(0, dtype=np.int64)]
        for low, high in ranges.tolist():
            for piece in clean_segments(genome, chrom, max(0, low - PAD_BP), high + PAD_BP):
                ids = genome.fetch(chrom, piece.start, piece.end)
                if orientation == "reverse":
                    # Edge t of the minus strand is edge L - t of the plus strand.
                    cuts = piece.end - _list_starts(tokenizer, reverse_complement(ids))[::-1]
                else:
                    cuts = piece.start + _list_starts(tokenizer, ids)
                found.append(cuts[(cuts >= low) & (cuts <= high)])
        cut = np.unique(np.concatenate(found))
        edges[place] = cut[domain.holds(place, cut)]
    return Cuts(domain, edges)


def choose_merges(
    pairs: BytePairs, genome: Genome, domain: Domain, *, rate: float
) -> tuple[int, Cuts]:
    """The number of merges whose cut rate on the domain is closest to `rate`, and its cuts.

    More merges cut less, so the number is found by bisection. At least one merge is used; if all
    of them still cut more than `rate`, all are used.
    """
    low, high = 1, len(pairs.merges)
    tried: dict[int, Cuts] = {}
    while low < high:
        middle = (low + high) // 2
        tried[middle] = cut_by_byte_pairs(pairs, middle, genome, domain)
        if tried[middle].rate > rate:
            low = middle + 1
        else:
            high = middle
    for n_merges in {low, max(1, low - 1)} - tried.keys():
        tried[n_merges] = cut_by_byte_pairs(pairs, n_merges, genome, domain)
    best = min(sorted(tried), key=lambda n: abs(tried[n].rate - rate))
    return best, tried[best]


def _list_starts(tokenizer: Tokenizer, ids: NDArray[np.uint8]) -> Edges:
    """Where tokens begin in a stretch without N, ascending from 0."""
    offsets = tokenizer.encode(decode(ids)).offsets
    return np.array([start for start, _ in offsets], dtype=np.int64)
