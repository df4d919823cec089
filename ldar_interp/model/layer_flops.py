"""Floating-point operations of every part of an LDARNet, as whole numbers (a multiply-add is 2).

Counted are matrix products, attention and the short convolution: all that grows with the width
squared, the state or the window. Norms, activations, decays, rotations, gathers and other
pointwise work are not. What is counted is what runs:

- A sequence is filled up to whole chunks of the scan, a batch to its longest number of chunks.
- Entries above the diagonal of a chunk of the scan are computed and masked, so they count.
- Local attention gives a block of queries the keys that any of them can reach; what its mask cuts
  off counts in `forward`. `windowed` is the same without those entries.
- The first layer's `in_proj` of an embedding is a product with the letters' table, once a batch;
  with gradients, looking it up is a product with one-hot rows.

The backward pass runs two products for each product of the forward pass, one for either factor.
Where it differs, the number of products stands in a constant below.

This is what plain torch runs. The compiled passes of a CPU convolve once more in the backward pass,
fill the columns of `in_proj` up to a multiple of 16 (514 to 528 in the 2M), and take shorter chunks
of the scan where decays are large; the CUDA kernels scan in chunks of 128.

`as_published` counts another execution of the same function instead: each direction with its own
`in_proj` and `out_proj`, no table, attention within its window only, the scan in chunks of 256 (the
published code's kernels; arXiv:2606.04552). Its dechunking is a scan kernel and is not counted, nor
is what its backward kernels compute again, except in attention.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ldar_interp.model.attention import QUERY_BLOCK
from ldar_interp.model.block import MLP_MULTIPLE
from ldar_interp.model.chunking import SMOOTHING_CHUNK
from ldar_interp.model.config import MAMBA_HEAD_DIM, LayerSpec, LDARNetConfig, parse_layers
from ldar_interp.model.ssd import CHUNK

PUBLISHED_CHUNK = 256

BACKWARD = 2
"""Products of the backward pass for one of the forward pass: the gradient of either factor."""

SCAN_BACKWARD = {"scores": 3, "written": 2, "inside": 2, "carried": 2}
"""The same for each product of the scan; C B^T is computed again (`ssd_factored`)."""

CONV_BACKWARD = 3
"""Convolved again for the activation's slope, gradient of the input, gradient of the taps."""

ATTENTION_BACKWARD = 5
"""For the forward pass's two, q k^T and weights v: q k^T again, and either factor of both."""


@dataclass(frozen=True, slots=True)
class FlopRow:
    """One operation of one layer, in FLOPs of the whole batch.

    `layer` counts from 0 within its part; None where there is only one. `backward` is 0 unless
    training was counted. `windowed` is `forward` without masked-out entries of attention.
    """

    stage: int
    part: str
    layer: int | None
    what: str
    forward: int
    backward: int
    windowed: int


@dataclass(frozen=True, slots=True)
class _Work:
    """FLOPs of one operation, before it is known where it stands."""

    what: str
    forward: int
    backward: int
    windowed: int


def count_rows(
    config: LDARNetConfig,
    lengths: Sequence[int],
    *,
    batch: int = 1,
    training: bool = False,
    as_published: bool = False,
) -> list[FlopRow]:
    """Every operation of a full forward pass, and of its backward pass if `training`.

    Parameters
    ----------
    config : shape and router of the model.
    lengths : positions of each stage, outermost first: bases, then kept positions of the batch's
        longest member.
    batch : sequences.
    training : the forward pass with gradients and its backward pass; otherwise without.
    as_published : count the published way of computing it.

    Returns
    -------
    Rows in the order of execution of the forward pass; decoders come after inner stages.
    """
    count = _Counter(config, tuple(lengths), batch, training, as_published)
    rows = list(count.stage(0))
    rows.append(count.place(0, "head", None, count.dense("head", 0, config.vocab_size)))
    return rows


@dataclass(frozen=True, slots=True)
class _Counter:
    config: LDARNetConfig
    lengths: tuple[int, ...]
    batch: int
    training: bool
    as_published: bool

    def stage(self, stage: int) -> Iterator[FlopRow]:
        """One stage and all within it."""
        layout = self.config.layouts()[stage]
        if len(layout) == 1:
            yield from self._stack(stage, "backbone", layout[0])
            return
        d_model = self.config.d_model[stage]
        spec = self.config.router_spec
        yield from self._stack(stage, "encoder", layout[0])
        if spec.has_parameters:
            yield self.place(
                stage, "router", None, self.dense("q_proj, k_proj", stage, 2 * d_model)
            )
        yield from self.stage(stage + 1)
        if not self.as_published:
            yield self.place(stage, "dechunk", None, self._dechunk(stage, spec.has_parameters))
        yield self.place(stage, "residual", None, self.dense("residual_proj", stage, d_model))
        yield from self._stack(stage, "decoder", layout[1])

    def place(self, stage: int, part: str, layer: int | None, work: _Work) -> FlopRow:
        """A row; the backward pass counts only in training."""
        backward = work.backward if self.training else 0
        return FlopRow(stage, part, layer, work.what, work.forward, backward, work.windowed)

    def dense(self, what: str, stage: int, width: int, times: int = 1) -> _Work:
        """Product of a stage's states (or `times` of them) with weights of (d_model, width)."""
        return _product(
            what, 2 * times * self._positions(stage) * self.config.d_model[stage] * width
        )

    def _positions(self, stage: int) -> int:
        return self.batch * self.lengths[stage]

    def _stack(self, stage: int, part: str, layout: str) -> Iterator[FlopRow]:
        for depth, layer in enumerate(parse_layers(layout)):
            is_first = stage == 0 and depth == 0 and part != "decoder"
            for work in self._layer(stage, layer, is_first):
                yield self.place(stage, part, depth, work)

    def _layer(self, stage: int, layer: LayerSpec, is_first: bool) -> Iterator[_Work]:
        if layer.mixer == "attention":
            yield from self._attention(stage)
        else:
            yield from self._mamba(stage, has_table=is_first and not self.as_published)
        if layer.has_mlp:
            hidden = -(-self.config.d_intermediate[stage] // MLP_MULTIPLE) * MLP_MULTIPLE
            yield self.dense("mlp", stage, 3 * hidden)

    def _mamba(self, stage: int, *, has_table: bool) -> Iterator[_Work]:
        d_model, state = self.config.d_model[stage], self.config.d_state
        inner = self.config.expand * d_model
        projected = 2 * inner + 2 * state + inner // MAMBA_HEAD_DIM
        times = 2 if self.as_published else 1
        positions = self._positions(stage)
        if has_table:
            yield self._table(projected)
        else:
            yield self.dense("in_proj", stage, projected, times)
        conv = 2 * 2 * self.config.d_conv * (inner + 2 * state) * positions
        yield _Work("conv", conv, CONV_BACKWARD * conv, conv)
        yield self._scan(stage, inner, state)
        yield self.dense("out_proj", stage, inner, times)

    def _table(self, projected: int) -> _Work:
        """`in_proj` of the letters' embeddings, and, with gradients, its one-hot look-up.

        The backward of the look-up is one product: one-hot rows need no gradient.
        """
        letters = self.config.vocab_size
        table = 2 * letters * self.config.d_model[0] * projected
        look_up = 2 * self._positions(0) * letters * projected
        forward = table + (look_up if self.training else 0)
        return _Work("in_proj", forward, BACKWARD * table + look_up, forward)

    def _scan(self, stage: int, inner: int, state: int) -> _Work:
        """Both directions of `ssd.scan_chunked`, all of its chunks filled up."""
        length = self.lengths[stage]
        chunk = min(PUBLISHED_CHUNK if self.as_published else CHUNK, length)
        by_sequence = -(-length // chunk)
        n_chunks = 2 * self.batch * by_sequence
        products = {
            "scores": 2 * n_chunks * chunk * chunk * state,
            "written": 2 * n_chunks * chunk * state * inner,
            "inside": 2 * n_chunks * chunk * chunk * inner,
            "carried": 2 * n_chunks * chunk * state * inner,
        }
        forward = sum(products.values())
        if self.as_published:
            return _product("scan", forward)
        backward = sum(SCAN_BACKWARD[name] * flops for name, flops in products.items())
        return _Work("scan", forward, backward, forward)

    def _attention(self, stage: int) -> Iterator[_Work]:
        d_model, length = self.config.d_model[stage], self.lengths[stage]
        window = self.config.window_size[stage]
        ideal = count_pairs(window, length)
        pairs = ideal if self.as_published else count_pairs(window, length, block=QUERY_BLOCK)
        # Two products, q k^T and weights v, each 2 d_model a pair over all heads.
        one = 2 * d_model * self.batch
        yield self.dense("qkv_proj", stage, 3 * d_model)
        yield _Work("attention", 2 * one * pairs, ATTENTION_BACKWARD * one * pairs, 2 * one * ideal)
        yield self.dense("out_proj", stage, d_model)

    def _dechunk(self, stage: int, has_gradient: bool) -> _Work:
        """Both directions of `chunking.smooth_both_ways`.

        If p has no gradient, neither has the matrix of decays.
        """
        kept = self.lengths[stage + 1]
        size = min(SMOOTHING_CHUNK, kept)
        blocks = 2 * self.batch * -(-kept // size)
        forward = 2 * blocks * size * size * self.config.d_model[stage]
        return _Work("dechunk", forward, (BACKWARD if has_gradient else 1) * forward, forward)


def _product(what: str, forward: int) -> _Work:
    return _Work(what, forward, BACKWARD * forward, forward)


def count_pairs(window: int, length: int, *, block: int = 1) -> int:
    """Pairs of query and key for which attention computes a score.

    Parameters
    ----------
    window : keys on either side, -1 for all.
    length : positions.
    block : queries that share their keys, those within the window of any of them; 1 counts what
        the window itself lets through.
    """
    if window < 0 or window >= length - 1:
        return length * length
    starts = range(0, length, block)
    stops = [min(start + block, length) for start in starts]
    return sum(
        (stop - start) * (min(length, stop + window) - max(0, start - window))
        for start, stop in zip(starts, stops, strict=True)
    )
