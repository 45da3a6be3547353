"""The modified discrete cosine transform (Princen and Bradley, 1986), and a window for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from frontends.tf.functions import fourier
from frontends.tf.functions.fourier import part_of
from frontends.tf.graph.tensor import builder, convert, known_rank, whole_number
from frontends.tf.signal.frames import as_window, frame, overlap_and_add, vorbis_window
from graphc.errors import AttributeValueError
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here


def kaiser_bessel_derived_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = float32, name: str | None = None
) -> Tensor:
    """The root of the running sum of a Kaiser window, up to the middle and back: [window_length].

    The squares of a half and of the next add up to 1, as :func:`mdct` needs.
    """
    half = whole_number(window_length, "window_length") // 2
    sums = np.cumsum(np.kaiser(half + 1, float(beta)))
    rise = np.sqrt(sums[:-1] / sums[-1])
    values = np.concatenate([rise, rise[::-1]])
    return as_window(values, dtype, "kaiser_bessel_derived_window", name)


def mdct(
    signals: Any, frame_length: Any, window_fn: Callable | None = vorbis_window,
    pad_end: bool = False, norm: str | None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The modified cosine transform of frames that overlap by half.

    signals: [..., samples] of float32 or float64 -> [..., frames, frame_length // 2].
    ``frame_length`` divides by 4.  ``window_fn(length, dtype=)`` gives the window (None: one of
    ``sqrt(1/2)``); ``pad_end`` is as in ``tf.signal.frame``.
    """
    length = _length(frame_length)
    x = convert(signals)
    b = builder(x)
    with b.home.name_scope(name or "mdct"):
        half = length // 2
        frames = frame(x, length, half, pad_end=pad_end)
        frames = b.mul(frames, _window(b, window_fn, length, frames))
        *batch, count, _ = frames.type.dims
        quarter = half // 2
        parts = b.reshape(frames, shape=(*batch, count, 4, quarter))
        a, second, c, d = (b.squeeze(part_of(b, parts, -2, k, 1), axis=(-2,)) for k in range(4))
        turned = [b.reverse(t, axis=(-1,)) for t in (c, second)]
        first = b.sub(b.neg(turned[0]), d)
        rest = b.sub(a, turned[1])
        return fourier.dct(b.concat(first, rest, axis=-1), type=4, norm=norm)


def inverse_mdct(
    mdcts: Any, window_fn: Callable | None = vorbis_window, norm: str | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The signals that :func:`mdct` with this window and ``norm`` took apart, but for the first and
    last half frame: [..., frames, half] -> [..., samples]."""
    z = convert(mdcts)
    b = builder(z)
    with b.home.name_scope(name or "inverse_mdct"):
        known_rank(z, "inverse_mdct")
        half = whole_number(z.type.dims[-1], "the last axis")
        if norm is None:
            z = b.mul(z, 0.5 / half)
        turned = fourier.idct(z, type=4, norm=norm)
        size = len(z.type.dims) - 1
        first, rest = (part_of(b, turned, -1, k * (half // 2), half // 2) for k in (0, 1))
        backward = [b.neg(b.reverse(t, axis=(size,))) for t in (rest, first)]
        whole = b.concat(rest, backward[0], backward[1], b.neg(first), axis=size)
        whole = b.mul(whole, _window(b, window_fn, 2 * half, whole))
        return overlap_and_add(whole, half)


def _length(frame_length: Any) -> int:
    length = whole_number(frame_length, "frame_length")
    if length < 4 or length % 4:
        raise AttributeValueError(
            f"frame_length must divide by 4, got {length}", subject="mdct", site=here()
        )
    return length


def _window(b: Builder, window_fn: Callable | None, length: int, like: Tensor) -> Tensor:
    if window_fn is None:
        return b.tensor(np.sqrt(0.5), like=like)
    return window_fn(length, dtype=like.dtype)
