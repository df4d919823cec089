"""Pointwise passes of the BiMamba-2 mixer for one CPU core, compiled by numba.

Between its matrix products the mixer does a few operations on each value; torch runs each as a
pass of its own over tensors that do not fit into the cache. Here a pass is a loop over bases that
reads a row of channels once, does everything, and writes once. Rows are a few hundred float32
values, so the buffers of a row stay in the first-level cache, and each loop over channels is one
that the compiler vectorises.

Shapes: d direction (0 left to right, 1 right to left), r sequence, t base (filled up to whole
chunks), h head, p channel of a head, n state. `projected` is the output of in_proj: z, then the
convolution's channels x, B, C, then dt, then columns of no meaning that make rows a multiple of
16. Bases at and beyond `lengths[r]` are padding: they read as zero, and write nothing.
"""

import math

import numpy as np

from ldar_interp.model.compiled import FAST, ORDERED, compile_loop

_LOG2E = np.float32(1.4426950408889634)
# ln 2 in two parts, the first with trailing zeros, so that n ln2 is subtracted exactly.
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_LIMIT = np.float32(87)
# Added to a small number, 1.5 * 2^23 leaves its nearest whole number in the low bits.
_MAGIC = np.float32(12582912)
_EXPONENT, _BIAS = np.int32(23), np.int32(127 << 23)
# Coefficients of (exp(r) - 1 - r) / r^2 on |r| <= ln(2)/2 (Cephes, expf).
_P0, _P1 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3)
_P2, _P3 = np.float32(8.3334519073e-3), np.float32(4.1665795894e-2)
_P4, _P5 = np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)


@compile_loop()
def _row(width):
    """A buffer of one row."""
    return np.empty(width, np.float32)


# No reordering here: it would cancel _MAGIC against itself.
@compile_loop(fastmath=ORDERED)
def _sigmoid_row(x, out, mantissa, bits):
    """out = 1 / (1 + exp(-x)) over a row, in loops that vectorise; relative error below 2e-7.

    numba would call the C library's exp for each value. exp(v) = 2^n exp(r) with n the whole number
    nearest v / ln 2; 2^n is made from its bits. `mantissa` and `bits` (int32) are buffers of the
    row's length. exp is held between exp(-87) and exp(87); NaN gives a number.
    """
    powers = bits.view(np.float32)
    for i in range(x.shape[0]):
        v = -x[i]
        v = v if v < _LIMIT else _LIMIT
        v = v if v > -_LIMIT else -_LIMIT
        mantissa[i] = v
        powers[i] = v * _LOG2E + _MAGIC
    for i in range(x.shape[0]):
        n = powers[i] - _MAGIC
        r = mantissa[i] - n * _LN2_HIGH - n * _LN2_LOW
        poly = ((((_P0 * r + _P1) * r + _P2) * r + _P3) * r + _P4) * r + _P5
        mantissa[i] = poly * r * r + r + _ONE
    for i in range(x.shape[0]):
        bits[i] = (bits[i] << _EXPONENT) + _BIAS
    for i in range(x.shape[0]):
        out[i] = _ONE / (_ONE + mantissa[i] * powers[i])


@compile_loop()
def decays(projected, offset, lengths, rate, bias, chunk, dt, into, out_of, half):
    """Step sizes and decay factors; returns the most negative log-decay of a chunk.

    Fills dt (d, r, t, h), into = dt exp(m - c), out_of = exp(c - m) and half = exp(m) (d, r,
    chunks, h), with c the running sum of -rate dt and m half of the chunk's total (ssd_factored).
    `rate` and `bias` (d, h); dt's columns of `projected` start at `offset`.
    """
    lowest = 0.0
    for d in range(2):
        for r in range(dt.shape[1]):
            for c in range(half.shape[2]):
                start = c * chunk
                for h in range(dt.shape[3]):
                    total = 0.0
                    for i in range(chunk):
                        t = start + i if d == 0 else start + chunk - 1 - i
                        step = 0.0
                        if t < lengths[r]:
                            raw = projected[r, t, offset + h] + bias[d, h]
                            # softplus without overflow, as torch computes it.
                            step = raw if raw > 20 else math.log1p(math.exp(raw))
                        dt[d, r, t, h] = step
                        total -= step * rate[d, h]
                        out_of[d, r, t, h] = total
                    lowest = min(lowest, total)
                    middle = 0.5 * total
                    half[d, r, c, h] = math.exp(middle)
                    for i in range(chunk):
                        t = start + i
                        gap = out_of[d, r, t, h] - middle
                        out_of[d, r, t, h] = math.exp(gap)
                        into[d, r, t, h] = dt[d, r, t, h] * math.exp(-gap)
    return lowest


@compile_loop(fastmath=FAST)
def _add_taps(rows, r, t, step, offset, length, weight, d, out):
    """out += sum over taps k of weight[d, k] rows[r, t + step (k - K + 1)], zero off the sequence.

    `step` is 1 for taps on bases before t, -1 for taps on bases behind it.
    """
    taps, channels = weight.shape[1], weight.shape[2]
    far = t - step * (taps - 1)
    low, high = offset, offset + channels
    if taps == 4 and 0 <= far < length:
        # One pass over the row for the usual four taps.
        a, b = rows[r, far, low:high], rows[r, far + step, low:high]
        c, e = rows[r, far + 2 * step, low:high], rows[r, t, low:high]
        wa, wb, wc, we = weight[d, 0], weight[d, 1], weight[d, 2], weight[d, 3]
        for i in range(channels):
            out[i] += (wa[i] * a[i] + wb[i] * b[i]) + (wc[i] * c[i] + we[i] * e[i])
        return
    for k in range(taps):
        s = far + step * k
        if 0 <= s < length:
            row, tap = rows[r, s, low:high], weight[d, k]
            for i in range(channels):
                out[i] += tap[i] * row[i]


@compile_loop(fastmath=FAST)
def convolve(projected, offset, lengths, weight, bias, into, size, act, weighted):
    """act = silu(convolution) (d, r, t, x|B|C); weighted = x into (d, r, t, h p).

    `weight` (d, taps, channels), last tap on the base itself.
    """
    channels = weight.shape[2]
    pre, sig, mantissa = _row(channels), _row(channels), _row(channels)
    bits = np.empty(channels, np.int32)
    for d in range(2):
        for r in range(act.shape[1]):
            for t in range(act.shape[2]):
                if t >= lengths[r]:
                    act[d, r, t] = 0
                    weighted[d, r, t] = 0
                    continue
                pre[:] = bias[d]
                _add_taps(projected, r, t, 1 - 2 * d, offset, lengths[r], weight, d, pre)
                _sigmoid_row(pre, sig, mantissa, bits)
                row = act[d, r, t]
                for c in range(channels):
                    row[c] = pre[c] * sig[c]
                for h in range(into.shape[3]):
                    scale = into[d, r, t, h]
                    x, scaled = (
                        row[h * size : (h + 1) * size],
                        weighted[d, r, t, h * size : (h + 1) * size],
                    )
                    for c in range(size):
                        scaled[c] = x[c] * scale


@compile_loop(fastmath=FAST)
def carry(written, half, size, entering):
    """entering' = g g' (entering + written), from zero; (d, r, chunks, n, h p)."""
    n_chunks = written.shape[2]
    for d in range(2):
        for r in range(written.shape[1]):
            first = 0 if d == 0 else n_chunks - 1
            entering[d, r, first] = 0
            for i in range(n_chunks - 1):
                here = i if d == 0 else n_chunks - 1 - i
                after = here + 1 if d == 0 else here - 1
                for n in range(written.shape[3]):
                    for h in range(half.shape[3]):
                        keep = half[d, r, here, h] * half[d, r, after, h]
                        low, high = h * size, (h + 1) * size
                        source, write = (
                            entering[d, r, here, n, low:high],
                            written[d, r, here, n, low:high],
                        )
                        target = entering[d, r, after, n, low:high]
                        for c in range(size):
                            target[c] = keep * (source[c] + write[c])


@compile_loop(fastmath=FAST)
def gate(projected, lengths, act, inner_y, out_of, skip, norm_weight, eps, size, out):
    """out (r, t, e) = mean over d of rmsnorm((inner_y out_of + skip x) silu(z)) norm_weight."""
    width = norm_weight.shape[1]
    z, sig, gated, mantissa = _row(width), _row(width), _row(width), _row(width)
    bits = np.empty(width, np.int32)
    for r in range(out.shape[0]):
        for t in range(out.shape[1]):
            if t >= lengths[r]:
                out[r, t] = 0
                continue
            z[:] = projected[r, t, :width]
            _sigmoid_row(z, sig, mantissa, bits)
            for c in range(width):
                sig[c] *= z[c]
            target = out[r, t]
            for d in range(2):
                square = _ZERO
                for h in range(skip.shape[1]):
                    scale, through = out_of[d, r, t, h], skip[d, h]
                    low, high = h * size, (h + 1) * size
                    y, x = inner_y[d, r, t, low:high], act[d, r, t, low:high]
                    silu, u = sig[low:high], gated[low:high]
                    for c in range(size):
                        u[c] = (y[c] * scale + through * x[c]) * silu[c]
                        square += u[c] * u[c]
                norm = _HALF / np.float32(math.sqrt(square / np.float32(width) + eps))
                by_channel = norm_weight[d]
                if d == 0:
                    for c in range(width):
                        target[c] = gated[c] * norm * by_channel[c]
                else:
                    for c in range(width):
                        target[c] += gated[c] * norm * by_channel[c]
