"""LDARNet: encoder, router, chunk, backbone (or another such stage), dechunk, decoder, head.

    ids (b, l) -> embedding -> ENCODER -> router -> chunk -> BACKBONE -> dechunk
                                  |                                         |
                                  +---------- residual projection --------- + -> DECODER -> head

LDARNet is arXiv:2606.04552; the chunking stage follows H-Net, arXiv:2507.07955.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import PAD
from ldar_interp.model.bimamba2 import BiMamba2
from ldar_interp.model.block import Stack, SwiGLU
from ldar_interp.model.chunking import chunk, dechunk
from ldar_interp.model.config import LDARNetConfig, parse_layers
from ldar_interp.model.fixed_routers import hash_sequences
from ldar_interp.model.router import RouterOutput
from ldar_interp.model.router_choice import build_router

INIT_STD = 0.02


@dataclass(frozen=True, slots=True)
class LDARNetOutput:
    """What a forward pass gives, always.

    `logits` (b, l, 7), `hidden` (b, l, d0): decoder states; `boundaries`: one RouterOutput a
    stage, outermost first. Values on padding are finite and mean nothing.
    """

    logits: Float[Tensor, "b l v"]
    hidden: Float[Tensor, "b l d"]
    boundaries: tuple[RouterOutput, ...]


class Stage(nn.Module):
    """One level of the hierarchy. The innermost has a backbone only."""

    def __init__(self, config: LDARNetConfig, depth: int = 0) -> None:
        super().__init__()
        d_model = config.d_model[depth]
        outer = config.d_model[depth - 1] if depth else d_model
        self.d_outer = outer
        if d_model > outer:
            self.pad_dimension = nn.Parameter(torch.zeros(d_model - outer))
        layout = [parse_layers(part) for part in config.layouts()[depth]]
        self.is_innermost = len(layout) == 1
        if self.is_innermost:
            self.backbone = Stack(layout[0], config, depth)
        else:
            self.encoder = Stack(layout[0], config, depth)
            self.router = build_router(config.router_spec, d_model, depth)
            self.inner = Stage(config, depth + 1)
            self.decoder = Stack(layout[1], config, depth)
            self.residual_proj = nn.Linear(d_model, d_model)

    def forward(
        self,
        hidden: Float[Tensor, "b l d"],
        mask: Bool[Tensor, "b l"] | None,
        letters: tuple[Tensor, Tensor] | None = None,
        key: Int[Tensor, " b"] | None = None,
    ) -> tuple[Float[Tensor, "b l d"], tuple[RouterOutput, ...]]:
        """States of the outer width in and out, and this and all inner stages' decisions.

        `letters`, for the outermost stage: see `Stack`. `key`, for all: see `Router`.
        """
        hidden = self.widen(hidden)
        if self.is_innermost:
            return self.backbone(hidden, mask, letters)[..., : self.d_outer], ()
        encoded, routed = self.route(hidden, mask, letters, key)
        chunks = chunk(encoded, routed)
        inner, deeper = self.inner(chunks.states, chunks.mask, key=key)
        # Exactly 1 in the forward pass; its gradient goes to the probability that was acted on.
        straight_through = routed.selected_prob + (1 - routed.selected_prob).detach()
        restored = dechunk(inner, chunks) * straight_through[..., None]
        with torch.autocast(encoded.device.type, enabled=False):
            # Float32 also under autocast, as published.
            skipped = self.residual_proj(encoded)
        hidden = self.decoder(restored + skipped, mask)
        return hidden[..., : self.d_outer], (routed, *deeper)

    def route(
        self,
        hidden: Float[Tensor, "b l d"],
        mask: Bool[Tensor, "b l"] | None,
        letters: tuple[Tensor, Tensor] | None = None,
        key: Int[Tensor, " b"] | None = None,
    ) -> tuple[Float[Tensor, "b l d"], RouterOutput]:
        """Encoder and router only: all that p_t depends on."""
        encoded = self.encoder(hidden, mask, letters)
        return encoded, self.router(encoded, mask, key)

    def widen(self, hidden: Float[Tensor, "b l d"]) -> Float[Tensor, "b l e"]:
        """States of the outer width, with the learned tail that an inner stage appends."""
        if not hasattr(self, "pad_dimension"):
            return hidden
        tail = self.pad_dimension.expand(*hidden.shape[:-1], -1)
        return torch.cat([hidden, tail.to(hidden.dtype)], dim=-1)


class LDARNet(nn.Module):
    """Masked DNA language model with learned tokens.

    Parameters
    ----------
    config : shape of the model; weights are random, in the published distribution. For weights
        from a file see `load_model`.
    """

    def __init__(self, config: LDARNetConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model[0])
        self.stage = Stage(config)
        self.head = nn.Linear(config.d_model[0], config.vocab_size, bias=False)
        if config.tie_embeddings:
            self.head.weight = self.embedding.weight
        self._reset_parameters()

    def forward(
        self,
        input_ids: Int[Tensor, "b l"],
        attention_mask: Bool[Tensor, "b l"] | None = None,
    ) -> LDARNetOutput:
        """Full model.

        Parameters
        ----------
        input_ids : 0..6 (A C G T N [MASK] [PAD]), right-padded.
        attention_mask : True on real positions; None means all but [PAD].

        Raises
        ------
        InputError : ids out of range, empty, or padding anywhere but on the right.
        """
        mask = self._check(input_ids, attention_mask)
        embedded, letters = self._embed(input_ids)
        hidden, boundaries = self.stage(embedded, mask, letters, self._hash(input_ids, mask))
        return LDARNetOutput(self.head(hidden), hidden, boundaries)

    def encode(
        self,
        input_ids: Int[Tensor, "b l"],
        attention_mask: Bool[Tensor, "b l"] | None = None,
    ) -> tuple[Float[Tensor, "b l d"], RouterOutput]:
        """Encoder states and the outermost router's decisions, without backbone and decoder.

        The same numbers as `forward`, at a third to a fifth of its cost.
        """
        if self.stage.is_innermost:
            raise InputError(
                f"layout {self.config.arch_layout} has no router; wanted [encoder, [...], decoder]"
            )
        mask = self._check(input_ids, attention_mask)
        embedded, letters = self._embed(input_ids)
        return self.stage.route(embedded, mask, letters, self._hash(input_ids, mask))

    def encode_rows(
        self, input_ids: Int[Tensor, "b l"], first: int, last: int
    ) -> Float[Tensor, "b e"]:
        """p on the edges before bases first..last alone, of sequences without padding.

        The same numbers as `encode`, to rounding, without what only other edges need: for whoever
        asks for one edge of many variants of a sequence.

        Raises
        ------
        InputError : no router, or one that cuts without reading states, ids as in `forward`,
            padding, or not 1 <= first <= last < length: p on edge 0 is 1 by construction.
        """
        spec = self.config.router_spec
        if self.stage.is_innermost or not spec.has_parameters:
            raise InputError(
                f"router {spec} of layout {self.config.arch_layout}; wanted a learned or one_sided "
                "one, which reads the sequence"
            )
        if self._check(input_ids, None) is not None:
            raise InputError("input_ids hold [PAD]; wanted sequences of one length")
        if not 1 <= first <= last < input_ids.shape[1]:
            raise InputError(
                f"edges {first} to {last} of {input_ids.shape[1]} bases; wanted 1 <= first <= last "
                f"< {input_ids.shape[1]}"
            )
        embedded, letters = self._embed(input_ids)
        hidden = self.stage.encoder.forward_rows(
            self.stage.widen(embedded), first - 1, last, letters
        )
        # The first row has no neighbour here, and its p of 1 means nothing.
        return self.stage.router(hidden).prob[:, 1:]

    def _embed(self, input_ids: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
        """Embeddings, and what the first layer may look up instead of projecting them.

        Who hooks the embedding wants to see, change or differentiate its output: then everything
        goes through it.
        """
        is_hooked = bool(self.embedding._forward_hooks)
        letters = None if is_hooked else (input_ids, self.embedding.weight)
        return self.embedding(input_ids), letters

    def _hash(self, input_ids: Tensor, mask: Tensor | None) -> Tensor | None:
        """What random cuts depend on; None for a router that does not need it."""
        needed = self.config.router_spec.needs_key
        return hash_sequences(input_ids, mask) if needed else None

    def _check(self, input_ids: Tensor, attention_mask: Tensor | None) -> Tensor | None:
        if input_ids.ndim != 2 or input_ids.shape[1] == 0 or input_ids.shape[0] == 0:
            raise InputError(
                f"input_ids of shape {tuple(input_ids.shape)}; wanted (batch >= 1, length >= 1)"
            )
        if int(input_ids.min()) < 0 or int(input_ids.max()) >= self.config.vocab_size:
            raise InputError(
                f"input_ids from {int(input_ids.min())} to {int(input_ids.max())}; wanted 0 to "
                f"{self.config.vocab_size - 1} (A C G T N [MASK] [PAD])"
            )
        mask = input_ids != PAD if attention_mask is None else attention_mask.bool()
        if mask.shape != input_ids.shape:
            raise InputError(
                f"attention_mask of shape {tuple(mask.shape)} for input_ids of shape "
                f"{tuple(input_ids.shape)}; wanted the same"
            )
        if bool(mask.all()):
            return None
        if not bool((mask[:, :-1] >= mask[:, 1:]).all()) or not bool(mask[:, 0].all()):
            raise InputError(
                "attention_mask has padding left of a real base or an empty sequence; "
                "wanted sequences of length >= 1, padded on the right"
            )
        return mask

    @torch.no_grad()
    def _reset_parameters(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                module.weight.normal_(0.0, INIT_STD)
        additions, stage = 0, self.stage
        while True:
            stacks = [stage.backbone] if stage.is_innermost else [stage.encoder, stage.decoder]
            blocks = [block for stack in stacks for block in stack.blocks()]
            additions += sum(1 + block.has_mlp for block in blocks)
            std = INIT_STD / math.sqrt(additions)
            for block in blocks:
                for module in block.modules():
                    if isinstance(module, SwiGLU):
                        module.fc2.weight.normal_(0.0, std)
                    elif isinstance(module, BiMamba2):
                        module.out_proj.weight.normal_(0.0, std)
                        module.reset_parameters()
                if not isinstance(block.mixer, BiMamba2):
                    block.mixer.out_proj.weight.normal_(0.0, std)
            if stage.is_innermost:
                return
            stage.router.reset_parameters()
            stage.residual_proj.weight.zero_()
            stage = stage.inner
