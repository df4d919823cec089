"""The fitted null: what p to expect at an edge from its letters and GC, by fits that left it out.

A null holds one fit for each fold of blocks, made without that fold, and one of all edges for
sequence of no block. It is asked with letters and a block, so it also answers for sequences that
are no place in the genome (shuffled flanks, mutations): they take the block of their site.
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ldar_interp.errors import InputError
from ldar_interp.letters.backoff import DENSE_K, Coefficients, GcScale
from ldar_interp.letters.blocks import Blocks
from ldar_interp.letters.features import measure_edges
from ldar_interp.letters.fitted import FittedEdges

FORMAT = 2


@dataclass(frozen=True, eq=False)
class KmerNull:
    """E[p | k letters, GC in 50 and 200 bp], cross-fitted by genomic block.

    Parameters
    ----------
    blocks : blocks of the genome.
    fold : int64 (n_blocks,), the fold that each block is in; -1 for a block that gave no edges.
    beta : float32 (n_folds + 1, 4^8, terms); row f was fitted without fold f, the last row on all.
    tail : float32 (n_folds + 1, 4^10), added for the whole 10-mer.
    scale : of GC; terms is 6, or 1 without GC.
    k, shrink : (n_folds + 1,) what each fit uses; chosen without the fold that it predicts.
    strands : `both`, or `forward` if no reverse read was seen.
    fitted : the edges of the fit; those near sites that were left out are not among them.
    provenance : what made the null; anything that JSON can hold.
    """

    blocks: Blocks
    fold: NDArray[np.int64]
    beta: NDArray[np.float32]
    tail: NDArray[np.float32]
    scale: GcScale
    k: NDArray[np.int64]
    shrink: NDArray[np.float64]
    strands: str
    fitted: FittedEdges
    provenance: dict[str, Any]

    @property
    def n_folds(self) -> int:
        """Folds of blocks."""
        return len(self.beta) - 1

    def fit_of(self, fold: int) -> Coefficients:
        """The coefficients that predict a fold; -1 for those fitted on everything."""
        return Coefficients(self.beta[fold], self.tail[fold])

    def fold_of(self, block: ArrayLike) -> NDArray[np.int64]:
        """Which row of `beta` predicts edges of a block: its fold's, or the last one.

        A block without edges in the fit, and -1 (no block), are predicted by the fit of all edges:
        none of theirs was in it.

        Raises
        ------
        InputError : there is no such block.
        """
        number = np.asarray(block, dtype=np.int64)
        if number.size and (number.min() < -1 or number.max() >= len(self.blocks)):
            raise InputError(
                f"blocks from {number.min()} to {number.max()}; wanted -1 to "
                f"{len(self.blocks) - 1}: take them from KmerNull.blocks"
            )
        found = np.append(self.fold, -1)[number]  # the number -1 reads the -1 at the end
        return np.where(found < 0, self.n_folds, found)

    def expect_windows(self, ids: NDArray[np.uint8], block: ArrayLike) -> NDArray[np.float32]:
        """Expected p of the edge before each base of windows.

        Parameters
        ----------
        ids : uint8 (n, L), 5' to 3' as the model reads them.
        block : the block whose left-out fit answers: one number for all, (n,) for each window or
            (n, L) for each edge; -1 for sequence of no block. `blocks.find` and
            `blocks.find_sites` give numbers.

        Returns
        -------
        float32 (n, L) in [0, 1], as `predict_boundaries` lays p out; NaN within 100 bp of an end
        or of an N.

        Raises
        ------
        InputError : ids are no matrix, or there is no such block.
        """
        features = measure_edges(ids, 10)
        fold = np.broadcast_to(_as_column(self.fold_of(block)), ids.shape)[features.known]
        code = features.code[features.known]
        x = self.scale.design(features.gc_near[features.known], features.gc_far[features.known])
        value = np.einsum("ni,ni->n", self.beta[fold, code >> 4], x) + self.tail[fold, code]
        expected = np.full(ids.shape, np.nan, dtype=np.float32)
        expected[features.known] = np.clip(value, 0, 1)
        return expected

    def save(self, path: str | Path) -> None:
        """Write the null as `.npz`: exactly, and the same bytes for the same null."""
        seen = np.flatnonzero((self.tail != 0).any(axis=0)).astype(np.int32)
        arrays: dict[str, NDArray[Any]] = {
            "format": np.array(FORMAT),
            "block_bp": np.array(self.blocks.size_bp, dtype=np.int64),
            "block_chrom": self.blocks.chrom,
            "block_index": self.blocks.index,
            "fold": self.fold,
            "beta": self.beta,
            "tail_code": seen,
            "tail": self.tail[:, seen],
            "scale": np.array(self.scale, dtype=np.float64),
            "k": self.k,
            "shrink": self.shrink,
            "strands": np.array(self.strands),
            "fitted_chrom": self.fitted.chrom,
            "fitted_low": self.fitted.low,
            "fitted_high": self.fitted.high,
            "provenance": np.array(json.dumps(self.provenance, sort_keys=True)),
        }
        target = Path(path)
        partial = target.with_name(target.name + ".partial")
        with partial.open("wb") as handle:
            np.savez_compressed(handle, **arrays)  # type: ignore[arg-type]
        partial.replace(target)

    @classmethod
    def load(cls, path: str | Path) -> "KmerNull":
        """Read a null that `save` wrote.

        Raises
        ------
        InputError : the file is not there, or is not such a null.
        """
        try:
            with Path(path).open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
                held = {name: archive[name] for name in archive.files}
            if int(held["format"]) != FORMAT:
                raise ValueError(f"format {int(held['format'])}, this version reads {FORMAT}")
            near_mean, near_sd, far_mean, far_sd, used = held["scale"].tolist()
            tail = np.zeros((len(held["beta"]), 4 ** (DENSE_K + 2)), dtype=np.float32)
            tail[:, held["tail_code"]] = held["tail"]
            return cls(
                blocks=Blocks(int(held["block_bp"]), held["block_chrom"], held["block_index"]),
                fold=held["fold"],
                beta=held["beta"],
                tail=tail,
                scale=GcScale(near_mean, near_sd, far_mean, far_sd, bool(used)),
                k=held["k"],
                shrink=held["shrink"],
                strands=str(held["strands"]),
                fitted=FittedEdges(held["fitted_chrom"], held["fitted_low"], held["fitted_high"]),
                provenance=json.loads(str(held["provenance"])),
            )
        except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{path}: cannot be read as a k-mer null ({error}); wanted an .npz of "
                "kmer_null: run it again"
            ) from error


def _as_column(fold: NDArray[np.int64]) -> NDArray[np.int64]:
    """Folds of windows as a column beside their edges; other shapes as they are."""
    return fold[:, None] if fold.ndim == 1 else fold
