"""Backward passes of `cpu_kernels`: the same rows, the same shapes, gradients out.

Gradients of parameters are summed in float32 over one sequence and in float64 over sequences.

numba keeps compiled code for as long as this file does not change, and does not look at the file
that `_add_taps` and `_sigmoid_row` come from: who edits those touches this file too.
"""

import math

import numpy as np

from ldar_interp.model.compiled import FAST, compile_loop
from ldar_interp.model.cpu_kernels import _HALF, _ONE, _ZERO, _add_taps, _row, _sigmoid_row


@compile_loop(fastmath=FAST)
def gate_back(
    grad, projected, lengths, act, inner_y, out_of, skip, norm_weight, eps, size,
    d_projected, d_inner, d_x, gained, d_skip, d_norm_weight,
):  # fmt: skip
    """From the gradient of `gate`'s output (r, t, e).

    Fills z's columns of d_projected, d_inner = gradient of inner_y, d_x = what reaches x through
    the skip, gained (d, r, t, h) = gradient of log out_of; adds to d_skip and d_norm_weight.
    """
    width = norm_weight.shape[1]
    z, sig, silu, mantissa = _row(width), _row(width), _row(width), _row(width)
    gated, y, d_gate, d_y = _row(width), _row(width), _row(width), _row(width)
    bits = np.empty(width, np.int32)
    sum_norm = np.empty((2, width), np.float32)
    sum_skip = np.empty((2, skip.shape[1]), np.float32)
    for r in range(grad.shape[0]):
        sum_norm[:] = 0
        sum_skip[:] = 0
        for t in range(d_inner.shape[2]):
            if t >= lengths[r]:
                d_inner[0, r, t] = 0
                d_inner[1, r, t] = 0
                gained[0, r, t] = 0
                gained[1, r, t] = 0
                if t < grad.shape[1]:
                    d_projected[r, t, :width] = 0
                continue
            z[:] = projected[r, t, :width]
            d_gate[:] = 0
            _sigmoid_row(z, sig, mantissa, bits)
            for c in range(width):
                silu[c] = z[c] * sig[c]
            g_row = grad[r, t]
            for d in range(2):
                square, along = _ZERO, _ZERO
                w_row = norm_weight[d]
                for h in range(skip.shape[1]):
                    scale, through = out_of[d, r, t, h], skip[d, h]
                    low, high = h * size, (h + 1) * size
                    y_h, x = inner_y[d, r, t, low:high], act[d, r, t, low:high]
                    out_y = y[low:high]
                    for c in range(size):
                        out_y[c] = y_h[c] * scale + through * x[c]
                for c in range(width):
                    gated[c] = y[c] * silu[c]
                    square += gated[c] * gated[c]
                    along += gated[c] * g_row[c] * w_row[c]
                inverse = _ONE / np.float32(math.sqrt(square / np.float32(width) + eps))
                norm = _HALF * inverse
                # d rmsnorm: the part of the gradient along the row itself is taken away.
                along = along * inverse * inverse / np.float32(width)
                sums = sum_norm[d]
                for c in range(width):
                    sums[c] += g_row[c] * gated[c] * norm
                    d_u = norm * (g_row[c] * w_row[c] - gated[c] * along)
                    d_gate[c] += d_u * y[c]
                    d_y[c] = d_u * silu[c]
                for h in range(skip.shape[1]):
                    scale, through = out_of[d, r, t, h], skip[d, h]
                    low, high = h * size, (h + 1) * size
                    y_h, x, g = inner_y[d, r, t, low:high], act[d, r, t, low:high], d_y[low:high]
                    to_y, to_x = d_inner[d, r, t, low:high], d_x[d, r, t, low:high]
                    with_y, with_x = _ZERO, _ZERO
                    for c in range(size):
                        to_y[c] = g[c] * scale
                        to_x[c] = g[c] * through
                        with_y += g[c] * y_h[c]
                        with_x += g[c] * x[c]
                    gained[d, r, t, h] = with_y * scale
                    sum_skip[d, h] += with_x
            d_z = d_projected[r, t, :width]
            for c in range(width):
                d_z[c] = d_gate[c] * sig[c] * (_ONE + z[c] * (_ONE - sig[c]))
        d_norm_weight += sum_norm
        d_skip += sum_skip


@compile_loop(fastmath=FAST)
def carry_back(d_entering, entering, half, size, d_written, d_half):
    """Gradients of `carry`'s `written` and of log half; d_entering is used up."""
    n_chunks = entering.shape[2]
    d_half[:] = 0
    for d in range(2):
        for r in range(entering.shape[1]):
            last = n_chunks - 1 if d == 0 else 0
            d_written[d, r, last] = 0
            for i in range(n_chunks - 1):
                after = n_chunks - 1 - i if d == 0 else i
                here = after - 1 if d == 0 else after + 1
                for h in range(half.shape[3]):
                    keep = half[d, r, here, h] * half[d, r, after, h]
                    along = _ZERO
                    for n in range(entering.shape[3]):
                        low, high = h * size, (h + 1) * size
                        g, f = (
                            d_entering[d, r, after, n, low:high],
                            entering[d, r, after, n, low:high],
                        )
                        write, source = (
                            d_written[d, r, here, n, low:high],
                            d_entering[d, r, here, n, low:high],
                        )
                        for c in range(size):
                            along += g[c] * f[c]
                            write[c] = keep * g[c]
                            source[c] += keep * g[c]
                    d_half[d, r, here, h] += along
                    d_half[d, r, after, h] += along


@compile_loop(fastmath=FAST)
def convolve_back(
    projected, offset, lengths, weight, bias, into, out_of, size,
    act, weighted, d_weighted, d_x, d_b, d_c,
    d_projected, spent, d_dt, d_pre, d_weight, d_bias,
):  # fmt: skip
    """From the gradients of weighted, of x through the skip, of B and of C.

    Fills the convolution's columns of d_projected, spent (d, r, t, h) = gradient of log into, and
    d_dt = that of dt in it; adds to d_weight (d, taps, channels) and d_bias. `d_pre` (1, t,
    channels) is a buffer.
    """
    taps, channels = weight.shape[1], weight.shape[2]
    inner, state = d_x.shape[3], d_b.shape[3]
    pre, sig, mantissa = _row(channels), _row(channels), _row(channels)
    bits = np.empty(channels, np.int32)
    sum_weight = np.empty((taps, channels), np.float32)
    sum_bias = np.empty(channels, np.float32)
    for d in range(2):
        for r in range(act.shape[1]):
            length = lengths[r]
            sum_weight[:] = 0
            sum_bias[:] = 0
            for t in range(length, act.shape[2]):
                spent[d, r, t] = 0
                d_dt[d, r, t] = 0
            for t in range(length):
                row = d_pre[0, t]
                for h in range(into.shape[3]):
                    scale, by_weighted, by_x = into[d, r, t, h], _ZERO, _ZERO
                    low, high = h * size, (h + 1) * size
                    g, skipped = d_weighted[d, r, t, low:high], d_x[d, r, t, low:high]
                    w, x, target = (
                        weighted[d, r, t, low:high],
                        act[d, r, t, low:high],
                        row[low:high],
                    )
                    for c in range(size):
                        by_weighted += g[c] * w[c]
                        by_x += g[c] * x[c]
                        target[c] = g[c] * scale + skipped[c]
                    spent[d, r, t, h] = by_weighted
                    d_dt[d, r, t, h] = by_x / out_of[d, r, t, h]
                row[inner : inner + state] = d_b[d, r, t]
                row[inner + state :] = d_c[d, r, t]
                pre[:] = bias[d]
                _add_taps(projected, r, t, 1 - 2 * d, offset, length, weight, d, pre)
                _sigmoid_row(pre, sig, mantissa, bits)
                for c in range(channels):
                    row[c] *= sig[c] * (_ONE + pre[c] * (_ONE - sig[c]))
                    sum_bias[c] += row[c]
                for k in range(taps):
                    s = t - (taps - 1 - k) if d == 0 else t + (taps - 1 - k)
                    if 0 <= s < length:
                        source, sums = projected[r, s, offset : offset + channels], sum_weight[k]
                        for c in range(channels):
                            sums[c] += row[c] * source[c]
            for t in range(d_projected.shape[1]):
                out = d_projected[r, t, offset : offset + channels]
                if d == 0:
                    out[:] = 0
                if t >= length:
                    continue
                # The transpose: base t reaches the outputs behind (d = 0) or before it (d = 1).
                _add_taps(d_pre, 0, t, 2 * d - 1, 0, length, weight, d, out)
            d_weight[d] += sum_weight
            d_bias[d] += sum_bias


@compile_loop()
def decays_back(
    gained, spent, d_dt, d_half, dt, rate, projected, offset, bias, lengths, chunk,
    d_projected, d_log_rate, d_bias,
):  # fmt: skip
    """From the gradients of log out_of, log into, dt in `into` and log half.

    Fills dt's columns of d_projected; adds to d_log_rate (that of A_log) and d_bias, both (d, h).
    """
    for r in range(d_projected.shape[0]):
        for t in range(d_projected.shape[1]):
            d_projected[r, t, offset : offset + dt.shape[3]] = 0
    for d in range(2):
        for r in range(dt.shape[1]):
            for c in range(d_half.shape[2]):
                start = c * chunk
                for h in range(dt.shape[3]):
                    d_middle = d_half[d, r, c, h]
                    for i in range(chunk):
                        d_middle -= gained[d, r, start + i, h] - spent[d, r, start + i, h]
                    # c_t sums the steps up to t in the scan's direction: from the far end back.
                    total = 0.5 * d_middle
                    for i in range(chunk):
                        t = start + chunk - 1 - i if d == 0 else start + i
                        total += gained[d, r, t, h] - spent[d, r, t, h]
                        if t >= lengths[r]:
                            continue
                        step = d_dt[d, r, t, h] - total * rate[d, h]
                        d_log_rate[d, h] -= total * dt[d, r, t, h] * rate[d, h]
                        raw = projected[r, t, offset + h] + bias[d, h]
                        # d softplus = sigmoid.
                        d_raw = step / (1 + math.exp(-raw))
                        d_projected[r, t, offset + h] += d_raw
                        d_bias[d, h] += d_raw
