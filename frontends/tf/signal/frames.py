"""Frames and windows of signals, short-time Fourier transforms, mel scales."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from frontends.tf.functions import fourier
from frontends.tf.functions.math import axes_of
from frontends.tf.graph.tensor import builder, convert, known_rank, size_of, whole_number
from graphc.errors import AttributeValueError
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import DType, as_dtype, float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ops.products.spectral import resized

# --- windows -------------------------------------------------------------------------------------


def as_window(values: np.ndarray, dtype: Any, what: str, name: str | None) -> Tensor:
    kind = as_dtype(dtype)
    if not kind.is_floating:
        raise AttributeValueError(f"dtype must be floating, got {kind}", subject=what, site=here())
    b = builder()
    with b.home.name_scope(name or what) as scope:
        return b.cast(b.tensor(values), dtype=kind, name=scope)


def _raised_cosine(public: str, level: float) -> Callable[..., Tensor]:
    def window(
        window_length: Any, periodic: Any = True, dtype: Any = float32, name: str | None = None
    ) -> Tensor:
        size = whole_number(window_length, "window_length")
        span = size - 1 + (bool(periodic) and size % 2 == 0)
        phase = 2 * math.pi * np.arange(size) / max(span, 1)
        values = np.ones(1) if size == 1 else level - (1 - level) * np.cos(phase)
        return as_window(values, dtype, public, name)

    window.__name__ = window.__qualname__ = public
    window.__doc__ = (
        f"``{level} - {1 - level:.2g} * cos(2 pi k / n)`` for ``k < window_length``: "
        "[window_length].\n\n``n`` is ``window_length`` where that is even and ``periodic``, "
        "else one less.  ``window_length`` must\nbe known."
    )
    return window


hann_window = _raised_cosine("hann_window", 0.5)
hamming_window = _raised_cosine("hamming_window", 0.54)


def kaiser_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = float32, name: str | None = None
) -> Tensor:
    """The Kaiser window of shape ``beta``: [window_length]."""
    size = whole_number(window_length, "window_length")
    return as_window(np.kaiser(size, float(beta)), dtype, "kaiser_window", name)


def vorbis_window(window_length: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """``sin(pi / 2 * sin(pi (k + 1/2) / n)**2)`` for ``k < n``: [window_length]."""
    size = whole_number(window_length, "window_length")
    rise = np.sin(math.pi / size * (np.arange(size) + 0.5))
    return as_window(np.sin(math.pi / 2 * rise**2), dtype, "vorbis_window", name)


# --- frames --------------------------------------------------------------------------------------


def frame(
    signal: Any, frame_length: Any, frame_step: Any, pad_end: bool = False, pad_value: Any = 0,
    axis: Any = -1, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Frames of ``frame_length`` samples, each ``frame_step`` after the one before it.

    signal: [..., samples, ...] -> [..., frames, frame_length, ...], by default of the frames that
    lie inside it; with ``pad_end`` one begins at every step inside it, filled up with
    ``pad_value``.

    >>> tf.signal.frame(tf.range(9), 4, 2)   # [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]
    """
    x = convert(signal)
    b = builder(x)
    rank, along = known_rank(x, "frame"), axes_of(axis)
    assert isinstance(along, int)
    along %= rank
    with b.home.name_scope(name or "frame"):
        length, step = size_of(b, frame_length), size_of(b, frame_step)
        later = (*(k for k in range(rank) if k != along), along)
        x = b.transpose(x, perm=later) if along != rank - 1 else x
        if pad_end:
            x = _filled_up(b, x, length, step, pad_value)
        frames = b.frame(x, length=length, step=step)
        if along == rank - 1:
            return frames
        back = (*range(along), rank - 1, rank, *range(along, rank - 1))
        return b.transpose(frames, perm=back)


def _filled_up(b: Builder, x: Tensor, length: Dim, step: Dim, value: Any) -> Tensor:
    """A frame at every step inside the signal, the last of them whole."""
    size = x.type.dims[-1]
    needed = dims.maximum(0, (dims.ceildiv(size, step) - 1) * step + length - size)
    paddings = (*((0, 0) for _ in x.type.dims[:-1]), (0, needed))
    return b.pad(x, paddings=paddings, value=np.asarray(value).astype(x.dtype.numpy).item())


def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Tensor:
    """The signal that frames are added up to: [..., frames, frame_length] -> [..., samples].

    Frame ``f`` is added from sample ``f * frame_step`` on.
    """
    x = convert(signal)
    b = builder(x)
    known_rank(x, "overlap_and_add")
    with b.home.name_scope(name or "overlap_and_add"):
        return b.overlap_and_add(x, step=size_of(b, frame_step))


# --- short-time Fourier transforms ---------------------------------------------------------------


def stft(
    signals: Any, frame_length: Any, frame_step: Any, fft_length: Any = None,
    window_fn: Any = hann_window, pad_end: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The Fourier transforms of the windowed frames of real signals.

    signals: [..., samples] of float32 or float64 -> [..., frames, fft_length // 2 + 1], complex.
    ``fft_length`` is by default the power of two that ``frame_length`` fits in; ``window_fn(length,
    dtype=)`` gives the window (None: no window); ``pad_end`` as in :func:`frame`.
    """
    x = convert(signals)
    b = builder(x)
    with b.home.name_scope(name or "stft"):
        length = whole_number(frame_length, "frame_length")
        size = _enclosing(length) if fft_length is None else whole_number(fft_length, "fft_length")
        frames = frame(x, length, frame_step, pad_end=pad_end)
        if window_fn is not None:
            frames = b.mul(frames, window_fn(length, dtype=frames.dtype))
        return fourier.rfft(frames, [size])


def inverse_stft(
    stfts: Any, frame_length: Any, frame_step: Any, fft_length: Any = None,
    window_fn: Any = hann_window, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The real signals whose windowed frames have these Fourier transforms.

    stfts: [..., frames, fft_length // 2 + 1], complex -> [..., samples].  What :func:`stft` took
    apart comes back where ``window_fn`` is ``inverse_stft_window_fn(frame_step)`` of its window.
    """
    z = convert(stfts)
    b = builder(z)
    with b.home.name_scope(name or "inverse_stft"):
        length = whole_number(frame_length, "frame_length")
        size = _enclosing(length) if fft_length is None else whole_number(fft_length, "fft_length")
        frames = resized(b, fourier.irfft(z, [size]), length)
        if window_fn is not None:
            frames = b.mul(frames, window_fn(length, dtype=frames.dtype))
        return overlap_and_add(frames, frame_step)


def inverse_stft_window_fn(
    frame_step: Any, forward_window_fn: Any = hann_window, name: str | None = None
) -> Callable[..., Tensor]:
    """The ``window_fn`` for :func:`inverse_stft` with which it undoes an :func:`stft` made with
    ``forward_window_fn``: each sample divided by the squares of the windows over it."""
    step = whole_number(frame_step, "frame_step")

    def window_fn(frame_length: Any, dtype: Any) -> Tensor:
        length = whole_number(frame_length, "frame_length")
        b = builder()
        with b.home.name_scope(name or "inverse_stft_window_fn"):
            window = forward_window_fn(length, dtype=dtype)
            blocks = -(-length // step)
            squares = b.reshape(resized(b, b.square(window), blocks * step), shape=(blocks, step))
            total = b.reduce_sum(squares, axis=(0,), keepdims=True)
            every = b.reshape(b.broadcast_to(total, shape=(blocks, step)), shape=(blocks * step,))
            return b.realdiv(window, resized(b, every, length))

    return window_fn


def _enclosing(length: int) -> int:
    return 1 << max(0, length - 1).bit_length()


# --- mel scales ----------------------------------------------------------------------------------


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def linear_to_mel_weight_matrix(
    num_mel_bins: Any = 20, num_spectrogram_bins: Any = 129, sample_rate: Any = 8000,
    lower_edge_hertz: Any = 125.0, upper_edge_hertz: Any = 3800.0, dtype: DType = float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """What a spectrogram [..., num_spectrogram_bins] is multiplied with for one of mel bands.

    [num_spectrogram_bins, num_mel_bins]: triangles that overlap by half, evenly spaced in mels
    between the two edges.

    >>> mel = tf.tensordot(tf.abs(spectrogram), tf.signal.linear_to_mel_weight_matrix(), 1)
    """
    bands = whole_number(num_mel_bins, "num_mel_bins")
    bins = whole_number(num_spectrogram_bins, "num_spectrogram_bins")
    low, high = float(lower_edge_hertz), float(upper_edge_hertz)
    if not (bands > 0 and 0 <= low < high <= sample_rate / 2):
        raise AttributeValueError(
            "bands must be positive, and 0 <= lower_edge_hertz < upper_edge_hertz <= "
            f"sample_rate / 2, got {bands} bands from {low} to {high} at {sample_rate}",
            subject="linear_to_mel_weight_matrix", site=here(),
        )  # fmt: skip
    # frequency 0 is of no band
    places = _mel(np.linspace(0.0, sample_rate / 2, bins)[1:])[:, None]
    edges = np.linspace(_mel(low), _mel(high), bands + 2)
    rising = (places - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - places) / (edges[2:] - edges[1:-1])
    weights = np.pad(np.maximum(0.0, np.minimum(rising, falling)), [[1, 0], [0, 0]])
    return as_window(weights, dtype, "linear_to_mel_weight_matrix", name)


def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Tensor:
    """The mel-frequency cepstral coefficients: an orthogonal dct of logarithms of mel bands."""
    x = convert(log_mel_spectrograms)
    b = builder(x)
    with b.home.name_scope(name or "mfccs_from_log_mel_spectrograms"):
        return b.mul(
            fourier.dct(x), 1 / math.sqrt(2 * whole_number(x.type.dims[-1], "the last axis"))
        )
