"""Fourier and cosine transforms: ``tf.fft``, ``tf.signal.rfft``, ``tf.spectral.dct``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from frontends.tf.functions.math import axes_of
from frontends.tf.graph.tensor import builder, convert, known_rank, sizes_of
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ops.products.spectral import resized


def _of_complex(op: str, says: str) -> Callable[..., Tensor]:
    def transform(input: Any, name: str | None = None) -> Tensor:
        x = convert(input)
        return getattr(builder(x), op)(x, name=name)

    transform.__name__ = transform.__qualname__ = op
    transform.__doc__ = f"{says}: complex64 or complex128 -> the same shape and dtype."
    return transform


fft = _of_complex("fft", "The discrete Fourier transform along the last axis")
fft2d = _of_complex("fft2d", "The discrete Fourier transform over the last two axes")
fft3d = _of_complex("fft3d", "The discrete Fourier transform over the last three axes")
ifft = _of_complex("ifft", "fft undone: the sum over the last axis, divided by its size")
ifft2d = _of_complex("ifft2d", "fft2d undone")
ifft3d = _of_complex("ifft3d", "fft3d undone")


def _of_reals(op: str, axes: int) -> Callable[..., Tensor]:
    def transform(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
        x = convert(input_tensor, like=None)
        if x.dtype.is_integer:
            raise AttributeValueError(
                f"{op} takes floating numbers, got {x.type}", subject=op, site=here()
            )
        b = builder(x)
        with b.home.name_scope(name or op) as scope:
            if fft_length is not None:
                x = _cut(b, x, _lengths(b, fft_length, axes, op))
            return getattr(b, op)(x, name=scope)

    transform.__name__ = transform.__qualname__ = op
    transform.__doc__ = (
        f"The discrete Fourier transform of real numbers over the last {axes} axes.\n\n"
        "float32 -> complex64, float64 -> complex128: along the last axis the ``n // 2 + 1`` that "
        "the others\nfollow from.  ``fft_length`` (a size per axis) cuts or fills with zeros first."
    )
    return transform


def _to_reals(op: str, axes: int) -> Callable[..., Tensor]:
    def transform(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
        x = convert(input_tensor)
        b = builder(x)
        with b.home.name_scope(name or op) as scope:
            if fft_length is None:
                known_rank(x, op)
                length: Dim = dims.maximum(0, 2 * (x.type.dims[-1] - 1))
            else:
                *others, length = _lengths(b, fft_length, axes, op)
                x = _cut(b, x, (*others, dims.floordiv(length, 2) + 1))
            return getattr(b, op)(x, length=length, name=scope)

    transform.__name__ = transform.__qualname__ = op
    transform.__doc__ = (
        f"The real numbers that ``tf.signal.{op[1:]}`` gives this of.\n\n"
        "complex64 -> float32, complex128 -> float64.  ``fft_length`` is the size of the result "
        "along the last\naxes; without it that of the last axis is even, ``2 * (n - 1)``."
    )
    return transform


rfft, rfft2d, rfft3d = (
    _of_reals(name, k) for k, name in enumerate(("rfft", "rfft2d", "rfft3d"), 1)
)
irfft, irfft2d, irfft3d = (
    _to_reals(name, k) for k, name in enumerate(("irfft", "irfft2d", "irfft3d"), 1)
)


def _lengths(b: Builder, fft_length: Any, axes: int, what: str) -> tuple[Dim, ...]:
    found = sizes_of(b, fft_length)
    if len(found) != axes:
        raise ShapeError(
            f"fft_length has a size for each of {axes} axes, got {len(found)}", subject=what,
            site=here(),
        )  # fmt: skip
    return found


def _cut(b: Builder, x: Tensor, sizes: tuple[Dim, ...]) -> Tensor:
    """``x`` with those sizes along its last axes."""
    known_rank(x, "fft_length")
    for k, size in enumerate(sizes):
        x = resized(b, x, size, axis=k - len(sizes))
    return x


def _shifted(public: str, forward: bool) -> Callable[..., Tensor]:
    def shift(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
        z = convert(x)
        b = builder(z)
        chosen = axes_of(axes)
        if chosen is None:
            chosen = tuple(range(known_rank(z, public)))
        listed = (chosen,) if isinstance(chosen, int) else chosen
        with b.home.name_scope(name or public):
            for axis in listed:
                half = dims.floordiv(z.type.dims[axis], 2)
                moved = half if forward else z.type.dims[axis] - half
                first = z.type.dims[axis] - moved
                z = b.concat(
                    part_of(b, z, axis, first, moved), part_of(b, z, axis, 0, first), axis=axis
                )
            return z

    shift.__name__ = shift.__qualname__ = public
    says = "Frequency 0 moved to the middle" if forward else "fftshift undone"
    shift.__doc__ = f"{says}, along ``axes`` (default: all)."
    return shift


fftshift, ifftshift = _shifted("fftshift", True), _shifted("ifftshift", False)


def part_of(b: Builder, x: Tensor, axis: int, begin: Dim, size: Dim) -> Tensor:
    axis %= len(x.type.dims)
    starts = tuple(begin if k == axis else 0 for k in range(len(x.type.dims)))
    sizes = tuple(size if k == axis else n for k, n in enumerate(x.type.dims))
    return b.slice(x, begin=starts, size=sizes)


# --- cosine transforms ---------------------------------------------------------------------------


def dct(
    input: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The discrete cosine transform of ``type`` 1 to 4 along the last axis: floating -> the same.

    ``n`` cuts the axis or fills it with zeros first.  ``norm="ortho"`` makes it orthogonal, but for
    type 1, which has no such form.  The size of the axis must be known.
    """
    x = convert(input)
    b = builder(x)
    if type not in (1, 2, 3, 4) or axis not in (-1, known_rank(x, "dct") - 1):
        raise AttributeValueError(
            f"type must be 1 to 4 and axis -1, got {type} and {axis}", subject="dct", site=here()
        )
    if norm not in (None, "ortho") or (type == 1 and norm is not None):
        raise AttributeValueError(
            f"norm must be None{'' if type == 1 else ' or ortho'}, got {norm!r}", subject="dct",
            site=here(),
        )  # fmt: skip
    with b.home.name_scope(name or "dct"):
        if n is not None:
            x = resized(b, x, n)
        size = x.type.dims[-1]
        if not isinstance(size, int) or size < (2 if type == 1 else 1):
            raise ShapeError(
                f"dct of type {type} needs a last axis of known size, at least "
                f"{2 if type == 1 else 1}, got {x.type}", site=here(),
            )  # fmt: skip
        return _TRANSFORMS[type](b, x, size, norm is not None)


def idct(
    input: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """dct of ``type`` undone, up to a factor of ``2 * size`` (type 1: ``2 * (size - 1)``) unless
    ``norm`` is "ortho"."""
    if n is not None:
        raise AttributeValueError(f"n must be None, got {n}", subject="idct", site=here())
    return dct(input, {1: 1, 2: 3, 3: 2}.get(type, type), n, axis, norm, name or "idct")


def _dct1(b: Builder, x: Tensor, size: int, ortho: bool) -> Tensor:
    inside = b.reverse(part_of(b, x, -1, 1, size - 2), axis=(-1,))
    return b.real(b.rfft(b.concat(x, inside, axis=-1)))


def _turns(b: Builder, x: Tensor, size: int, sign: float) -> Tensor:
    turns = 2 * np.exp(sign * 1j * math.pi * np.arange(size) / (2 * size))
    return b.tensor(turns.astype(np.complex64 if x.dtype is float32 else np.complex128))


def _weights(b: Builder, x: Tensor, size: int, first: float, rest: float) -> Tensor:
    weights = np.full(size, rest)
    weights[0] = first
    return b.tensor(weights.astype(x.dtype.numpy))


def _dct2(b: Builder, x: Tensor, size: int, ortho: bool) -> Tensor:
    half = b.rfft(resized(b, x, 2 * size))
    found = b.real(b.mul(part_of(b, half, -1, 0, size), _turns(b, x, size, -1.0)))
    if not ortho:
        return found
    root = 0.5 / math.sqrt(size)
    return b.mul(found, _weights(b, x, size, root, root * math.sqrt(2)))


def _dct3(b: Builder, x: Tensor, size: int, ortho: bool) -> Tensor:
    root = math.sqrt(size)
    first, rest = (root, root * math.sqrt(0.5)) if ortho else (size, size)
    x = b.mul(x, _weights(b, x, size, first, rest))
    z = b.mul(b.complex(x, b.tensor(0, like=x)), _turns(b, x, size, 1.0))
    whole = b.irfft(resized(b, z, size + 1), length=2 * size)
    return part_of(b, whole, -1, 0, size)


def _dct4(b: Builder, x: Tensor, size: int, ortho: bool) -> Tensor:
    doubled = _dct2(b, resized(b, x, 2 * size), 2 * size, False)
    pairs = b.reshape(doubled, shape=(*x.type.dims[:-1], size, 2))
    odd = b.squeeze(part_of(b, pairs, -1, 1, 1), axis=(-1,))
    return b.mul(odd, math.sqrt(0.5 / size)) if ortho else odd


_TRANSFORMS = {1: _dct1, 2: _dct2, 3: _dct3, 4: _dct4}
