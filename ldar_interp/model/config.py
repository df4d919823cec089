"""What shape a model has: layout strings, widths, and the published presets.

A layout such as `["m3t1", ["M10"], "m4"]` reads: an encoder of three BiMamba-2 layers and one
attention layer, a backbone of ten BiMamba-2 layers with SwiGLU MLPs on the chunks, a decoder of
four BiMamba-2 layers. The backbone may itself be `[encoder, [backbone], decoder]`.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from ldar_interp.errors import CheckpointError, InputError
from ldar_interp.genome.alphabet import VOCAB_SIZE
from ldar_interp.model.router_spec import RouterSpec

MAMBA_HEAD_DIM = 64
STAGED = ("d_model", "d_intermediate", "num_heads", "rotary_emb_dim", "window_size")
LayoutTree = list[Any]


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer: its mixer, and whether an MLP follows it (upper case in the layout)."""

    mixer: Literal["mamba", "attention"]
    has_mlp: bool


def parse_layers(layout: str) -> tuple[LayerSpec, ...]:
    """`m3t1` -> three BiMamba-2 layers, one attention layer. Upper case adds an MLP.

    Raises
    ------
    InputError : anything but letters m, M, t, T followed by counts >= 1.
    """
    if not re.fullmatch(r"([mMtT][1-9]\d*)+", layout):
        raise InputError(
            f"layout {layout!r} is not a sequence of m, M, t, T with counts, such as 'm3t1'"
        )
    layers: list[LayerSpec] = []
    for letter, count in re.findall(r"([mMtT])(\d+)", layout):
        mixer: Literal["mamba", "attention"] = "mamba" if letter in "mM" else "attention"
        layers += [LayerSpec(mixer, letter.isupper())] * int(count)
    return tuple(layers)


@dataclass(frozen=True)
class LDARNetConfig:
    """Shape of an LDARNet model. Tuples have one entry a stage, outermost first.

    `train_length` is the window length in bases that the model was trained on; tiling uses it.
    `router` is `learned`, `one_sided`, `fixed:N` or `random:RATE` (`router_spec.py`); files
    without it, the published ones among them, are learned.
    """

    arch_layout: LayoutTree
    d_model: tuple[int, ...]
    d_intermediate: tuple[int, ...]
    num_heads: tuple[int, ...]
    rotary_emb_dim: tuple[int, ...]
    window_size: tuple[int, ...]
    d_state: int = 128
    d_conv: int = 4
    expand: int = 2
    tie_embeddings: bool = False
    vocab_size: int = 7
    train_length: int = 4096
    router: str = "learned"

    def __post_init__(self) -> None:
        self._check_numbers()
        # One spelling of each router, so that equal configs are equal.
        object.__setattr__(self, "router", str(RouterSpec.parse(self.router)))
        n_stages = len(self.layouts())
        for name in STAGED:
            if len(getattr(self, name)) != n_stages:
                raise InputError(
                    f"{name} has {len(getattr(self, name))} entries; "
                    f"layout {self.arch_layout} has {n_stages} stages: give one entry a stage"
                )
        for d in self.d_model:
            if d * self.expand % MAMBA_HEAD_DIM:
                raise InputError(
                    f"d_model {d} x expand {self.expand} is not a multiple of {MAMBA_HEAD_DIM}"
                )
        for outer, inner in zip(self.d_model, self.d_model[1:], strict=False):
            if inner < outer:
                raise InputError(
                    f"d_model {self.d_model}: an inner stage is narrower than the one around it"
                )
        for stage, layout in enumerate(self.layouts()):
            for layers in map(parse_layers, layout):
                heads, rotary = self.num_heads[stage], self.rotary_emb_dim[stage]
                if any(layer.mixer == "attention" for layer in layers):
                    if self.d_model[stage] % heads:
                        raise InputError(
                            f"d_model {self.d_model[stage]} is not a multiple of {heads} heads"
                        )
                    if rotary % 2 or rotary > self.d_model[stage] // heads:
                        raise InputError(
                            f"rotary_emb_dim {rotary} must be even and at most the head size "
                            f"{self.d_model[stage] // heads}"
                        )
                if any(layer.has_mlp for layer in layers) and self.d_intermediate[stage] < 1:
                    raise InputError(f"layout {layout} has an MLP but d_intermediate is 0 there")

    def _check_numbers(self) -> None:
        """Make tuples of the lists that files hold; whole numbers, none below what makes sense."""
        lowest = {"d_model": 1, "d_intermediate": 0, "num_heads": 1, "rotary_emb_dim": 0}
        lowest |= {"window_size": -1, "d_state": 1, "d_conv": 1, "expand": 1, "train_length": 1}
        for name, least in lowest.items():
            found = getattr(self, name)
            by_stage = name in STAGED
            values = found if by_stage and isinstance(found, list | tuple) else [found]
            is_list = isinstance(found, list | tuple)
            if is_list != by_stage or any(type(v) is not int or v < least for v in values):
                wanted = "a list of whole numbers" if by_stage else "a whole number"
                raise InputError(f"{name} is {found!r}; wanted {wanted} >= {least}")
            if by_stage:
                object.__setattr__(self, name, tuple(found))
        if self.vocab_size != VOCAB_SIZE:
            raise InputError(
                f"vocab_size is {self.vocab_size!r}; wanted {VOCAB_SIZE} (A C G T N [MASK] [PAD])"
            )

    def layouts(self) -> list[tuple[str, ...]]:
        """Layer strings by stage, outermost first: (encoder, decoder), ..., (backbone,)."""
        out: list[tuple[str, ...]] = []
        tree: Any = self.arch_layout
        while True:
            match tree:
                case [str(encoder), list(inner), str(decoder)]:
                    out.append((encoder, decoder))
                    tree = inner
                case [str(layers)]:
                    out.append((layers,))
                    return out
                case _:
                    raise InputError(
                        f"layout {self.arch_layout} is not [encoder, [backbone], decoder] "
                        "or, innermost, [layers]"
                    )

    @property
    def router_spec(self) -> RouterSpec:
        """`router`, read."""
        return RouterSpec.parse(self.router)

    @property
    def n_routers(self) -> int:
        """Number of boundary decisions, one less than stages."""
        return len(self.d_model) - 1

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, as written next to safetensors weights."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "LDARNetConfig":
        """Inverse of `to_dict`.

        Raises
        ------
        CheckpointError : unknown or missing keys. InputError : values that make no model.
        """
        known = {f.name for f in fields(cls)}
        if not isinstance(raw, Mapping):
            raise CheckpointError(f"config is a {type(raw).__name__}; wanted a table of its fields")
        unknown = sorted(set(raw) - known)
        if unknown:
            raise CheckpointError(f"config has unknown keys {unknown}; wanted {sorted(known)}")
        try:
            return cls(**raw)
        except TypeError as error:
            raise CheckpointError(f"config is incomplete: {error}") from None

    @classmethod
    def from_published(cls, raw: Mapping[str, Any]) -> "LDARNetConfig":
        """The `config` entry of a published checkpoint file; raises as `from_dict` does."""
        try:
            ssm, attn = raw["ssm_cfg"], raw["attn_cfg"]
            return cls(
                arch_layout=raw["arch_layout"],
                d_model=raw["d_model"],
                d_intermediate=raw["d_intermediate"],
                num_heads=attn["num_heads"],
                rotary_emb_dim=attn["rotary_emb_dim"],
                window_size=attn["window_size"],
                d_state=ssm["d_state"],
                d_conv=ssm.get("d_conv", 4),
                expand=ssm.get("expand", 2),
                tie_embeddings=raw.get("tie_embeddings", False),
                vocab_size=raw.get("vocab_size", 7),
                train_length=raw.get("train_length", 4096),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"config lacks or mistypes an entry ({error}); wanted arch_layout, d_model, "
                "d_intermediate, ssm_cfg.d_state, attn_cfg.{num_heads,rotary_emb_dim,window_size}"
            ) from None

    def with_length(self, train_length: int) -> "LDARNetConfig":
        """The same shape, trained on windows of `train_length` bases."""
        return replace(self, train_length=train_length)

    def with_router(self, router: str) -> "LDARNetConfig":
        """The same shape with another router: `learned`, `one_sided`, `fixed:N`, `random:RATE`."""
        return replace(self, router=router)


PRESETS: dict[str, LDARNetConfig] = {
    "110m": LDARNetConfig(
        ["m3t1", ["M10"], "m4"], (512, 768), (0, 2560), (16, 16), (32, 48), (1023, -1)
    ),
    "20m": LDARNetConfig(
        ["m3t1", ["M8"], "m4"], (256, 384), (0, 1280), (8, 8), (32, 48), (1023, -1)
    ),
    "2m": LDARNetConfig(["m3t1", ["M6"], "m3"], (64, 128), (0, 384), (2, 4), (32, 32), (1023, -1)),
    # The shape of the 2M with fewer layers and a quarter of its state: what CPU cores can train.
    "small": LDARNetConfig(
        ["m2t1", ["M3"], "m2"], (64, 128), (0, 256), (2, 4), (32, 32), (127, -1), d_state=32
    ),
    "nano": LDARNetConfig(
        ["m2t1", ["M2"], "m2"], (32, 64), (0, 128), (2, 4), (16, 16), (127, -1), d_state=32
    ),
}
