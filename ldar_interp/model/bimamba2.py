"""BiMamba-2: two Mamba-2 mixers, one per direction, that share their projections.

The output is the mean of the forward pass and the pass over the reversed sequence, reversed back.
Since `in_proj` and `out_proj` are shared and linear, `in_proj` runs once for both directions and
`out_proj` once, on the mean of the two gated outputs: the same function for about 40 % fewer
FLOPs. Everything that belongs to one direction is kept stacked, direction 0 first: the short
convolution, A_log, D, dt_bias and the gated norm.
"""

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ldar_interp.model.config import MAMBA_HEAD_DIM
from ldar_interp.model.short_conv import convolve_both_ways
from ldar_interp.model.ssd import scan_chunked

NORM_EPS = 1e-5
# Columns of a projection are filled up to whole cache lines of float32.
ROW_MULTIPLE = 16
Backend = Literal["torch", "compiled", "cuda"]


class BiMamba2(nn.Module):
    """Maps (b, l, d_model) to (b, l, d_model); padding neither reads nor writes.

    `backend` says what computes the part between the projections: `torch`, `compiled` passes for
    a CPU, or `cuda` for kernels (`ldar_interp.model.backend.set_backend`): the same function.
    """

    backend: Backend = "torch"

    def __init__(self, d_model: int, *, d_state: int, d_conv: int = 4, expand: int = 2) -> None:
        super().__init__()
        self.d_inner = expand * d_model
        self.d_state = d_state
        self.d_conv = d_conv
        self.n_heads = self.d_inner // MAMBA_HEAD_DIM
        d_mixed = self.d_inner + 2 * d_state
        self.n_projected = 2 * self.d_inner + 2 * d_state + self.n_heads
        self.in_proj = nn.Linear(d_model, self.n_projected, bias=False)
        self.out_proj = nn.Linear(self.d_inner, d_model, bias=False)
        self.conv_weight = nn.Parameter(torch.empty(2, d_mixed, d_conv))
        self.conv_bias = nn.Parameter(torch.empty(2, d_mixed))
        self.A_log = nn.Parameter(torch.empty(2, self.n_heads))
        self.D = nn.Parameter(torch.ones(2, self.n_heads))
        self.dt_bias = nn.Parameter(torch.empty(2, self.n_heads))
        self.norm_weight = nn.Parameter(torch.ones(2, self.d_inner))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Published initialisation of the state-space parameters and the convolution."""
        with torch.no_grad():
            self.A_log.uniform_(1, 16).log_()
            dt = torch.empty_like(self.dt_bias).uniform_(math.log(1e-3), math.log(0.1)).exp()
            dt = dt.clamp_min(1e-4)
            self.dt_bias.copy_(dt + torch.log(-torch.expm1(-dt)))
            self.D.fill_(1.0)
            self.norm_weight.fill_(1.0)
            # torch's own default of a depthwise Conv1d with this fan-in.
            bound = 1 / math.sqrt(self.d_conv)
            self.conv_weight.uniform_(-bound, bound)
            self.conv_bias.uniform_(-bound, bound)

    def forward(
        self, hidden: Float[Tensor, "b l d"], mask: Bool[Tensor, "b l"] | None = None
    ) -> Float[Tensor, "b l d"]:
        """`mask` is True on real positions; None means that all are."""
        return self.mix(self.project(hidden), mask)

    def mix(
        self, projected: Float[Tensor, "b l f"], mask: Bool[Tensor, "b l"] | None
    ) -> Float[Tensor, "b l d"]:
        """Everything behind `in_proj`, so that a caller may look the projection up in a table.

        Between the projections at least float32, also under autocast: decays need it. The kernels
        of the cuda backend take bfloat16 and keep decays and sums in float32 themselves.
        """
        backend = self.runs_on
        if backend == "cuda":
            from ldar_interp.model.cuda_mix import mix_with_kernels

            with torch.autocast(projected.device.type, enabled=False):
                mixed = mix_with_kernels(projected, mask, **self._parameters_between())
            return self.out_proj(mixed)
        projected = projected.to(torch.promote_types(projected.dtype, torch.float32))
        gated: Tensor | None = None
        with torch.autocast(projected.device.type, enabled=False):
            if backend == "compiled":
                # Imported where it is used: numba compiles for nobody else.
                from ldar_interp.model.cpu_mixer import mix_compiled

                gated = mix_compiled(projected, mask, **self._parameters_between())
            if gated is None:
                gated = self._mix(projected[..., : self.n_projected], mask)
        return self.out_proj(gated)

    def project(self, hidden: Float[Tensor, "... d"]) -> Float[Tensor, "... f"]:
        """`in_proj`, with columns of zeros behind it where rows of whole cache lines are faster."""
        weight = self.in_proj.weight
        if self.runs_on == "compiled":
            weight = F.pad(weight, (0, 0, 0, -len(weight) % ROW_MULTIPLE))
        return F.linear(hidden, weight)

    @property
    def runs_on(self) -> Backend:
        """What computes: `compiled` in another precision or on a device is left to torch."""
        weight = self.in_proj.weight
        is_plain = weight.device.type == "cpu" and weight.dtype == torch.float32
        return "torch" if self.backend == "compiled" and not is_plain else self.backend

    def _parameters_between(self) -> dict[str, Any]:
        """What lies between the projections, as the backends name it."""
        return {
            "conv_weight": self.conv_weight,
            "conv_bias": self.conv_bias,
            "a_log": self.A_log,
            "skip": self.D,
            "dt_bias": self.dt_bias,
            "norm_weight": self.norm_weight,
            "eps": NORM_EPS,
        }

    def _mix(
        self, projected: Float[Tensor, "b l f"], mask: Bool[Tensor, "b l"] | None
    ) -> Float[Tensor, "b l e"]:
        if mask is not None:
            projected = projected * mask[..., None]
        inner, state = self.d_inner, self.d_state
        z, mixed, dt = projected.split([inner, inner + 2 * state, self.n_heads], dim=-1)
        mixed = convolve_both_ways(mixed, self.conv_weight, self.conv_bias)
        x, b_in, c_out = mixed.split([inner, state, state], dim=-1)
        dt = F.softplus(dt + self.dt_bias[:, None, None])
        if mask is not None:
            # The convolution's bias and dt_bias would write state from padding.
            dt = dt * mask[..., None]
        x = x.unflatten(-1, (self.n_heads, MAMBA_HEAD_DIM))
        y = scan_chunked(x, dt, -dt * self.A_log.exp()[:, None, None], b_in, c_out)
        y = torch.addcmul(y, x, self.D[:, None, None, :, None]).flatten(-2)
        gated = F.rms_norm(y * F.silu(z), (inner,), eps=NORM_EPS)
        return (gated * self.norm_weight[:, None, None]).mean(0)
