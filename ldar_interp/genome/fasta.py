"""Random access to a genome: bases by chromosome and 0-based position, never by record.

A record named `chrom:start-end` (1-based, both ends included, as `samtools faidx` names them) is
that slice of the chromosome; any other record is a chromosome from position 0. All coordinates
that go in or come out are those of the chromosome. Sequence is read piece by piece when asked
for, so memory does not grow with the genome.
"""

import bisect
import hashlib
import os
import shutil
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyfaidx import Faidx

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.alphabet import N, encode
from ldar_interp.genome.fasta_index import CORRUPT, check_container, open_index
from ldar_interp.genome.fasta_records import check_letters, parse_record_name
from ldar_interp.genome.intervals import Interval
from ldar_interp.genome.names import resolve_names

_BLOCK_BP = 1 << 20
_N_RECORDS_SAMPLED = 64


class Genome:
    """A FASTA file, or sequences in memory, as chromosomes.

    Use it as a context manager or call `close`. A genome opened from a file can be pickled: a
    worker process opens the file again. After a fork it does so by itself, because processes
    that share one file handle also share its position.

    Parameters
    ----------
    path : FASTA, plain or bgzip (`.gz`, `.bgz`). Where its index comes from and goes to is told
        in `ldar_interp.genome.fasta_index`; nothing is written beside the file.

    Raises
    ------
    InputError : the file is missing, empty, not FASTA, not DNA (over 10 % of sampled letters are
        no IUPAC nucleotide code), gzip but not bgzip, truncated, has duplicate or empty records,
        a slice whose name and length disagree, or slices that overlap.
    """

    def __init__(self, path: str | Path) -> None:
        self._path: Path | None = Path(path)
        self._memory: dict[str, bytes] = {}
        self._index_path: Path | None = None
        self._reader: Faidx | None = None
        self._pid = -1
        check_container(self._path)
        reader = self._open_reader()
        self._set_segments([(name, record.rlen) for name, record in reader.index.items()])
        self._check_dna()

    @classmethod
    def from_records(cls, records: Mapping[str, str]) -> "Genome":
        """A genome in memory, from names and sequences; for tests and simulations."""
        genome = cls.__new__(cls)
        genome._path = None
        genome._memory = {name: sequence.encode("ascii") for name, sequence in records.items()}
        genome._index_path = genome._reader = None
        genome._pid = -1
        if not records:
            raise InputError("no records; wanted at least one name and its sequence")
        genome._set_segments([(name, len(sequence)) for name, sequence in records.items()])
        genome._check_dna()
        return genome

    def _set_segments(self, records: list[tuple[str, int]]) -> None:
        pieces = [(parse_record_name(name, length, self._label), name) for name, length in records]
        order = {chrom: i for i, chrom in enumerate(dict.fromkeys(p[0].chrom for p in pieces))}
        pieces.sort(key=lambda piece: (order[piece[0].chrom], piece[0].start))
        for (left, left_name), (right, right_name) in pairwise(pieces):
            if left.chrom == right.chrom and right.start < left.end:
                raise InputError(
                    f"{self._label}: records {left_name!r} and {right_name!r} overlap; "
                    "wanted each base once: remove or trim one"
                )
        self._segments = tuple(segment for segment, _ in pieces)
        self._record_of = dict(pieces)
        self._chroms = tuple(order)
        self._by_chrom: dict[str, list[Interval]] = {chrom: [] for chrom in order}
        for segment in self._segments:
            self._by_chrom[segment.chrom].append(segment)

    @property
    def path(self) -> Path | None:
        """The FASTA, None for a genome in memory."""
        return self._path

    @property
    def segments(self) -> tuple[Interval, ...]:
        """The pieces that are there: chromosomes in file order, then by start; no overlaps."""
        return self._segments

    @property
    def chroms(self) -> tuple[str, ...]:
        """Chromosome names in file order."""
        return self._chroms

    @property
    def sha256(self) -> str:
        """Of the file's bytes; of `>name`, newline, sequence, newline for a genome in memory."""
        digest = hashlib.sha256()
        if self._path is None:
            for name, sequence in self._memory.items():
                digest.update(b">" + name.encode() + b"\n" + sequence + b"\n")
        else:
            with self._path.open("rb") as handle:
                while block := handle.read(_BLOCK_BP):
                    digest.update(block)
        return digest.hexdigest()

    def is_whole(self, chrom: str) -> bool:
        """Whether a chromosome is one record of its own name, so that its length is known."""
        return [self._record_of[piece] for piece in self._by_chrom.get(chrom, [])] == [chrom]

    def segment_at(self, chrom: str, edge: int) -> Interval | None:
        """The piece with start <= edge <= end, None if there is none.

        An edge between two pieces that touch belongs to the one that ends there.
        """
        segments = self._by_chrom.get(chrom, [])
        at = bisect.bisect_left(segments, edge, key=lambda segment: segment.end)
        if at < len(segments) and segments[at].start <= edge:
            return segments[at]
        return None

    def fetch(self, chrom: str, start: int, end: int) -> NDArray[np.uint8]:
        """Ids of the bases [start, end), uint8; soft-masked letters are letters, others N.

        Raises
        ------
        CoordinateError : the bases do not all lie in one piece of the genome.
        """
        return encode(self._letters(chrom, start, end))

    def soft_mask(self, chrom: str, start: int, end: int) -> NDArray[np.bool_]:
        """True where the base is written in lower case; raises as `fetch` does."""
        letters = np.frombuffer(self._letters(chrom, start, end), dtype=np.uint8)
        return (letters >= ord("a")) & (letters <= ord("z"))

    def bases_at(self, chrom: str, positions: ArrayLike) -> NDArray[np.uint8]:
        """Ids of single bases, uint8 in the shape of `positions`, read in blocks of 1 Mb.

        Fast for many positions in any order; raises as `fetch` does if one is not there.
        """
        wanted = np.asarray(positions, dtype=np.int64)
        order = np.argsort(wanted, axis=None, kind="stable")
        sorted_positions = wanted.ravel()[order]
        result = np.empty(wanted.size, dtype=np.uint8)
        done = 0
        while done < wanted.size:
            first = int(sorted_positions[done])
            segment = self._segment_of_base(chrom, first)
            last = min(segment.end, first + _BLOCK_BP)
            stop = int(np.searchsorted(sorted_positions, last))
            ids = self.fetch(chrom, first, int(sorted_positions[stop - 1]) + 1)
            result[order[done:stop]] = ids[sorted_positions[done:stop] - first]
            done = stop
        return result.reshape(wanted.shape)

    def n_runs(self, chrom: str, *, min_length: int = 1) -> list[Interval]:
        """Runs of at least `min_length` letters that read as N, in order."""
        if chrom not in self._by_chrom:
            raise CoordinateError(f"{self._label}: no chromosome {chrom!r}; {self._known()}")
        runs: list[Interval] = []
        for segment in self._by_chrom[chrom]:
            bounds: list[int] = []  # alternately the first and the end of a run
            for start in range(segment.start, segment.end, _BLOCK_BP):
                end = min(segment.end, start + _BLOCK_BP)
                is_n = self.fetch(chrom, start, end) == N
                inside = np.concatenate(([len(bounds) % 2 == 1], is_n))
                bounds += (start + np.flatnonzero(inside[1:] != inside[:-1])).tolist()
            bounds += [segment.end] * (len(bounds) % 2)
            pairs = zip(bounds[::2], bounds[1::2], strict=True)
            runs += [Interval(chrom, s, e) for s, e in pairs if e - s >= min_length]
        return runs

    def resolve_names(self, names: Iterable[str]) -> dict[str, str]:
        """Annotation names -> names here; see `ldar_interp.genome.names.resolve_names`."""
        return resolve_names(names, self._chroms, genome=self._label)

    def close(self) -> None:
        """Close the file; the genome opens it again if it is asked for bases."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def __enter__(self) -> "Genome":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_reader": None, "_pid": -1}

    def __repr__(self) -> str:
        return f"Genome({self._label!r}, {len(self._segments)} segments)"

    @property
    def _label(self) -> str:
        return "genome in memory" if self._path is None else str(self._path)

    def _known(self) -> str:
        shown = ", ".join(self._chroms[:5])
        return f"it has {shown}" + (", ..." if len(self._chroms) > 5 else "")

    def _open_reader(self) -> Faidx:
        assert self._path is not None
        if self._reader is None or self._pid != os.getpid():
            self._reader, self._index_path, temporary = open_index(self._path, self._index_path)
            self._pid = os.getpid()
            if temporary is not None:
                weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)
        return self._reader

    def _segment_of_base(self, chrom: str, position: int) -> Interval:
        """The piece with start <= position < end."""
        segment = self.segment_at(chrom, position + 1) if position >= 0 else None
        if segment is not None and segment.start <= position:
            return segment
        if chrom not in self._by_chrom:
            raise CoordinateError(f"{self._label}: no chromosome {chrom!r}; {self._known()}")
        pieces = self._by_chrom[chrom]
        shown = ", ".join(f"[{s.start}, {s.end})" for s in pieces[:3])
        raise CoordinateError(
            f"{self._label}: base {position} of {chrom} is not there; wanted one inside {shown}"
            + (", ..." if len(pieces) > 3 else "")
        )

    def _letters(self, chrom: str, start: int, end: int) -> bytes:
        """Letters of [start, end) as they are written."""
        start, end = int(start), int(end)
        if end <= start:
            raise CoordinateError(f"{chrom}:[{start}, {end}) is empty; wanted start < end")
        segment = self._segment_of_base(chrom, start)
        if end > segment.end:
            raise CoordinateError(
                f"{self._label}: {chrom}:[{start}, {end}) leaves the sequence, which ends at "
                f"{segment.end}; wanted bases of one piece"
            )
        name, first, last = self._record_of[segment], start - segment.start, end - segment.start
        if self._path is None:
            return self._memory[name][first:last]
        reader = self._open_reader()
        # In blocks, because the bgzip reader's time grows with the square of one request.
        blocks = range(first, last, _BLOCK_BP)
        try:
            text = "".join(reader.fetch(name, b + 1, min(last, b + _BLOCK_BP)) for b in blocks)
        except CORRUPT as error:
            raise InputError(
                f"{self._label}: damaged near {chrom}:[{start}, {end}) ({error}); fetch it again"
            ) from error
        letters = text.encode("ascii", "replace")
        if len(letters) != end - start:
            raise InputError(
                f"{self._label}: {len(letters)} bases read at {chrom}:[{start}, {end}); the file "
                "and its index disagree: remove the index and start again"
            )
        return letters

    def _check_dna(self) -> None:
        """Sample letters of up to 64 records, at three places each."""
        step = max(1, len(self._segments) // _N_RECORDS_SAMPLED)
        samples = []
        for s in self._segments[::step]:
            size = min(1000, len(s))
            for start in (s.start, (s.start + s.end - size) // 2, s.end - size):
                samples.append(self._letters(s.chrom, start, start + size))
        check_letters(b"".join(samples), self._label)


def open_genome(path: str | Path) -> Genome:
    """Open a FASTA, plain or bgzip; the same as `Genome(path)`."""
    return Genome(path)


@contextmanager
def borrow_genome(genome: Genome | str | Path) -> Iterator[Genome]:
    """An open genome as it is, left open; a path opened, and closed at the end."""
    if isinstance(genome, Genome):
        yield genome
    else:
        with open_genome(genome) as opened:
            yield opened
