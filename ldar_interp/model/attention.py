"""Local bidirectional softmax attention with rotary positions.

A window w means |i - j| <= w, -1 means all. Long sequences are cut into blocks of queries, each
with only the keys that its window can reach, so cost and memory grow with length x window.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

ROTARY_BASE = 10000.0
QUERY_BLOCK = 128


class LocalAttention(nn.Module):
    """Maps (b, l, d_model) to (b, l, d_model). Padding is never a key."""

    def __init__(self, d_model: int, *, n_heads: int, rotary_dim: int, window: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.rotary_dim = rotary_dim
        self.window = window
        self.Wqkv = nn.Linear(d_model, 3 * d_model, bias=False)
        self.out_proj = nn.Linear(d_model, d_model, bias=False)

    def forward(
        self, hidden: Float[Tensor, "b l d"], mask: Bool[Tensor, "b l"] | None = None
    ) -> Float[Tensor, "b l d"]:
        """`mask` is True on real positions; None means that all are."""
        batch, length, _ = hidden.shape
        qkv = self.Wqkv(hidden).view(batch, length, 3, self.n_heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        q, k = self._rotate(q), self._rotate(k)
        out = self._attend(q, k, v, mask)
        return self.out_proj(out.transpose(1, 2).reshape(batch, length, -1))

    def forward_rows(
        self, hidden: Float[Tensor, "b l d"], first: int, last: int
    ) -> Float[Tensor, "b r d"]:
        """What `forward` gives at positions first..last of sequences without padding.

        Only these are queries, and only what their windows reach are keys.
        """
        batch, length, d_model = hidden.shape
        window = length if self.window < 0 else self.window
        low, high = max(0, first - window), min(length, last + 1 + window)
        weight_q, weight_kv = self.Wqkv.weight.split([d_model, 2 * d_model])
        n_rows = last + 1 - first
        q = F.linear(hidden[:, first : last + 1], weight_q).view(batch, n_rows, self.n_heads, -1)
        kv = F.linear(hidden[:, low:high], weight_kv).view(batch, high - low, 2, self.n_heads, -1)
        k, v = kv.permute(2, 0, 3, 1, 4).unbind(0)
        q, k = self._rotate(q.transpose(1, 2), first), self._rotate(k, low)
        reaches_all = window >= length - 1
        band = None if reaches_all else _band(n_rows, first - low, high - low, window, q)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=band)
        return self.out_proj(out.transpose(1, 2).reshape(batch, n_rows, d_model))

    def _rotate(self, x: Float[Tensor, "b h l e"], start: int = 0) -> Float[Tensor, "b h l e"]:
        """Turn channels by position; `start` is the position of the first row."""
        half = self.rotary_dim // 2
        if half == 0:
            return x
        exponent = torch.arange(half, device=x.device, dtype=torch.float32) / half
        position = torch.arange(start, start + x.shape[2], device=x.device, dtype=torch.float32)
        angle = position[:, None] * ROTARY_BASE**-exponent
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
        return torch.cat([first * cos - second * sin, second * cos + first * sin, rest], dim=-1)

    def _attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Bool[Tensor, "b l"] | None
    ) -> Float[Tensor, "b h l e"]:
        length = q.shape[2]
        window = length if self.window < 0 else self.window
        reaches_all = window >= length - 1
        if reaches_all and mask is None:
            return F.scaled_dot_product_attention(q, k, v)
        outputs = []
        for start in range(0, length, QUERY_BLOCK):
            stop = min(start + QUERY_BLOCK, length)
            low, high = max(0, start - window), min(length, stop + window)
            if reaches_all:
                allowed = q.new_zeros(())
            else:
                allowed = _band(stop - start, start - low, high - low, window, q)
            if mask is not None:
                # A padded query keeps itself as a key: a row without any key would be NaN.
                keys = torch.arange(low, high, device=q.device)
                own = torch.arange(start, stop, device=q.device)[:, None] == keys
                real = mask[:, None, None, low:high] | own
                allowed = torch.where(real, allowed, -torch.inf)
            outputs.append(
                F.scaled_dot_product_attention(
                    q[:, :, start:stop], k[:, :, low:high], v[:, :, low:high], attn_mask=allowed
                )
            )
        return torch.cat(outputs, dim=2)


def _band(n_queries: int, first: int, n_keys: int, window: int, like: Tensor) -> Tensor:
    """(queries, keys) of 0 within the window and -inf outside; query i stands at key first + i."""
    return _make_band(n_queries, first, n_keys, window, like.device, like.dtype)


@lru_cache(maxsize=64)
def _make_band(
    n_queries: int,
    first: int,
    n_keys: int,
    window: int,
    device: torch.device,
    dtype: torch.dtype,
) -> Tensor:
    """Kept from call to call: making them anew took a tenth of the time of p at 4,096 bp."""
    # Not as an inference tensor, which could not be used in training afterwards.
    with torch.inference_mode(False), torch.no_grad():
        queries = torch.arange(first, first + n_queries, device=device)
        gap = (queries[:, None] - torch.arange(n_keys, device=device)).abs()
        return torch.zeros_like(gap, dtype=dtype).masked_fill_(gap > window, -torch.inf)
