"""Pre-norm layers on a residual stream kept in float32, and stacks of them."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ldar_interp.model.attention import LocalAttention
from ldar_interp.model.bimamba2 import NORM_EPS, BiMamba2
from ldar_interp.model.config import LayerSpec, LDARNetConfig

MLP_MULTIPLE = 128


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight over the last axis."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Float[Tensor, "... d"]) -> Float[Tensor, "... d"]:
        return F.rms_norm(x, self.weight.shape, self.weight, NORM_EPS)


class SwiGLU(nn.Module):
    """fc2(silu(gate) * y) with (y, gate) = fc1(x); the hidden size is a multiple of 128."""

    def __init__(self, d_model: int, d_intermediate: int) -> None:
        super().__init__()
        hidden = -(-d_intermediate // MLP_MULTIPLE) * MLP_MULTIPLE
        self.fc1 = nn.Linear(d_model, 2 * hidden, bias=False)
        self.fc2 = nn.Linear(hidden, d_model, bias=False)

    def forward(self, x: Float[Tensor, "b l d"]) -> Float[Tensor, "b l d"]:
        y, gate = self.fc1(x).chunk(2, dim=-1)
        return self.fc2(F.silu(gate) * y)


class Block(nn.Module):
    """One layer: a mixer, and an MLP if the layout has one."""

    def __init__(self, spec: LayerSpec, config: LDARNetConfig, stage: int) -> None:
        super().__init__()
        d_model = config.d_model[stage]
        self.norm1 = RMSNorm(d_model)
        self.mixer: BiMamba2 | LocalAttention
        if spec.mixer == "mamba":
            self.mixer = BiMamba2(
                d_model, d_state=config.d_state, d_conv=config.d_conv, expand=config.expand
            )
        else:
            self.mixer = LocalAttention(
                d_model,
                n_heads=config.num_heads[stage],
                rotary_dim=config.rotary_emb_dim[stage],
                window=config.window_size[stage],
            )
        if spec.has_mlp:
            self.norm2 = RMSNorm(d_model)
            self.mlp = SwiGLU(d_model, config.d_intermediate[stage])
        self.has_mlp = spec.has_mlp

    def forward(
        self, residual: Float[Tensor, "b l d"], mask: Bool[Tensor, "b l"] | None
    ) -> Float[Tensor, "b l d"]:
        """Residual stream in, residual stream with this layer's updates added out."""
        return self.finish(residual, self.mixer(self.norm1(residual), mask))

    def finish(
        self, residual: Float[Tensor, "b l d"], mixed: Float[Tensor, "b l d"]
    ) -> Float[Tensor, "b l d"]:
        """Add the mixer's output, then the MLP's."""
        residual = residual + mixed
        if self.has_mlp:
            residual = residual + self.mlp(self.norm2(residual))
        return residual


class Stack(nn.Module):
    """Layers of one stage's encoder, decoder or backbone, and the norm that ends them."""

    def __init__(self, layers: tuple[LayerSpec, ...], config: LDARNetConfig, stage: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(spec, config, stage) for spec in layers)
        self.rmsnorm = RMSNorm(config.d_model[stage])

    def blocks(self) -> list[Block]:
        """The layers with their type, which nn.ModuleList forgets."""
        return [layer for layer in self.layers if isinstance(layer, Block)]

    def forward(
        self,
        hidden: Float[Tensor, "b l d"],
        mask: Bool[Tensor, "b l"] | None,
        letters: tuple[Tensor, Tensor] | None = None,
    ) -> Float[Tensor, "b l d"]:
        """`letters` = (ids, embedding table) when `hidden` is nothing but an embedding.

        Then the first layer's `in_proj` has only as many distinct rows as there are letters.
        """
        return self.rmsnorm(self._pass(self.blocks(), hidden, mask, letters))

    def forward_rows(
        self,
        hidden: Float[Tensor, "b l d"],
        first: int,
        last: int,
        letters: tuple[Tensor, Tensor] | None = None,
    ) -> Float[Tensor, "b r d"]:
        """What `forward` gives at positions first..last of sequences without padding.

        The states of a scan hang on all positions, so all layers but the last are computed
        everywhere. If the last one is attention, only these rows of it are.
        """
        blocks = self.blocks()
        mixer = blocks[-1].mixer
        if not isinstance(mixer, LocalAttention):
            return self.forward(hidden, None, letters)[:, first : last + 1]
        residual = self._pass(blocks[:-1], hidden, None, letters)
        mixed = mixer.forward_rows(blocks[-1].norm1(residual), first, last)
        return self.rmsnorm(blocks[-1].finish(residual[:, first : last + 1], mixed))

    def _pass(
        self,
        blocks: list[Block],
        hidden: Float[Tensor, "b l d"],
        mask: Bool[Tensor, "b l"] | None,
        letters: tuple[Tensor, Tensor] | None,
    ) -> Float[Tensor, "b l d"]:
        """The residual stream behind some layers, the first of the stack among them."""
        residual = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
        for depth, block in enumerate(blocks):
            if depth == 0 and letters is not None and isinstance(block.mixer, BiMamba2):
                ids, table = letters
                rows = block.mixer.project(block.norm1(table))
                residual = block.finish(residual, block.mixer.mix(look_up(ids, rows), mask))
            else:
                residual = block(residual, mask)
        return residual


def look_up(ids: Tensor, table: Float[Tensor, "v d"]) -> Float[Tensor, "b l d"]:
    """Rows of a table of a few letters.

    With gradients as a one-hot product: its backward is a small matrix product, where an index's
    backward adds row by row.
    """
    if torch.is_grad_enabled() and table.requires_grad:
        return F.one_hot(ids, table.shape[0]).to(table.dtype) @ table
    return F.embedding(ids, table)
