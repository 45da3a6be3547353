"""Convolutions and correlations of signals of any rank, as ``scipy.signal`` has them.

A convolution turns its second operand round (``tf.nn.convolution`` does not).  ``mode`` says what
is kept: "full", all places where the operands meet; "same", as many as the first operand has, from
the middle; "valid", those where one lies inside the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from frontends.tf.functions import fourier
from frontends.tf.functions.fourier import part_of
from frontends.tf.graph.tensor import builder, known_rank, whole_number
from frontends.tf.names.forwards import alike
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import float32, float64, int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here

MODES = ("full", "same", "valid")
METHODS = ("auto", "direct", "fft")
BOUNDARIES = ("fill", "wrap", "symm")
MOST_AXES = 3  # of one convolution
Pads = tuple[tuple[Dim, Dim], ...]


def convolve(
    in1: Any, in2: Any, mode: str = "full", method: str = "auto", name: str | None = None
) -> Tensor:
    """``y[k] = sum_l in1[l] * in2[k - l]`` over all axes.

    in1, in2: floating, complex or int32, of one rank.  ``method`` is "direct" (as is "auto") or
    "fft", for operands as large as each other.  Not in TF1; called as ``scipy.signal.convolve``.

    >>> tf.signal.convolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5], mode="same")   # [1. 2.5 4. ]
    """
    x, kernel = _operands("convolve", in1, in2, mode, method)
    b = builder(x, kernel)
    with b.home.name_scope(name or "convolve"):
        if mode == "valid" and _is_inside("convolve", x, kernel):
            x, kernel = kernel, x
        return _slid(b, x, b.reverse(kernel, axis=_all(kernel)), mode, method)


def correlate(
    in1: Any, in2: Any, mode: str = "full", method: str = "auto", name: str | None = None
) -> Tensor:
    """``y[k] = sum_l in1[l] * conj(in2[l - k + n - 1])`` over all axes, ``n`` of in2.

    Operands and ``method`` as in :func:`convolve`.  Not in TF1; called as
    ``scipy.signal.correlate``.
    """
    x, kernel = _operands("correlate", in1, in2, mode, method)
    b = builder(x, kernel)
    with b.home.name_scope(name or "correlate"):
        if kernel.dtype.is_complex:
            kernel = b.conj(kernel)
        if mode == "valid" and _is_inside("correlate", x, kernel):
            return b.reverse(_slid(b, kernel, x, mode, method), axis=_all(x))
        return _slid(b, x, kernel, mode, method)


def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """:func:`convolve` of two matrices; ``boundary`` says what lies outside ``in1``: "fill",
    ``fillvalue``; "wrap", the other end; "symm", its mirror image.

    Not in TF1; called as ``scipy.signal.convolve2d``.
    """
    x, kernel = _matrices("convolve2d", in1, in2, mode, boundary)
    b = builder(x, kernel)
    with b.home.name_scope(name or "convolve2d"):
        if mode == "valid" and _is_inside("convolve2d", x, kernel):
            x, kernel = kernel, x
        room = _room(kernel.type.dims, mode)
        return _bounded(b, x, b.reverse(kernel, axis=(0, 1)), room, boundary, fillvalue)


def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """:func:`correlate` of two matrices; ``boundary`` as in :func:`convolve2d`.

    Not in TF1; called as ``scipy.signal.correlate2d``.
    """
    x, kernel = _matrices("correlate2d", in1, in2, mode, boundary)
    b = builder(x, kernel)
    with b.home.name_scope(name or "correlate2d"):
        if kernel.dtype.is_complex:
            kernel = b.conj(kernel)
        if mode == "valid" and _is_inside("correlate2d", x, kernel):
            return b.reverse(_direct(b, kernel, x, ((0, 0), (0, 0))), axis=(0, 1))
        room = _room(kernel.type.dims, mode)
        if mode == "same":  # of an even size the middle is the later one here
            room = tuple((after, before) for before, after in room)
        return _bounded(b, x, kernel, room, boundary, fillvalue)


# --- what is asked for ---------------------------------------------------------------------------


def _operands(what: str, in1: Any, in2: Any, mode: str, method: str) -> tuple[Tensor, Tensor]:
    for given, argument, allowed in ((mode, "mode", MODES), (method, "method", METHODS)):
        if given not in allowed:
            raise AttributeValueError(
                f"{argument} must be {', '.join(allowed)}, got {given!r}", subject=what, site=here()
            )
    x, kernel = alike([in1, in2])
    if x.dtype is not kernel.dtype:
        raise DTypeError(
            f"dtypes differ: {x.dtype} and {kernel.dtype}", hint="tf.cast one of them",
            subject=what, site=here(),
        )  # fmt: skip
    if not (x.dtype.is_floating or x.dtype.is_complex or x.dtype is int32):
        raise DTypeError(
            f"operands must be floating, complex or int32, got {x.dtype}",
            hint="cast them: tf.cast(x, tf.float32)", subject=what, site=here(),
        )  # fmt: skip
    if known_rank(x, what) != known_rank(kernel, what):
        raise ShapeError(
            "the operands must be of one rank",
            rows=[("in1", str(x.type), f"from {x.node.name}"),
                  ("in2", str(kernel.type), f"from {kernel.node.name}")],
            subject=what, site=here(),
        )  # fmt: skip
    return x, kernel


def _matrices(what: str, in1: Any, in2: Any, mode: str, boundary: str) -> tuple[Tensor, Tensor]:
    if boundary not in BOUNDARIES:
        raise AttributeValueError(
            f"boundary must be {', '.join(BOUNDARIES)}, got {boundary!r}", subject=what, site=here()
        )
    x, kernel = _operands(what, in1, in2, mode, "direct")
    if x.type.rank != 2:
        raise ShapeError(f"the operands must be matrices, got {x.type}", subject=what, site=here())
    return x, kernel


def _is_inside(what: str, x: Tensor, kernel: Tensor) -> bool:
    """Whether ``x`` lies inside ``kernel``, rather than the other way round."""
    sizes = [
        (own, other)
        for own, other in zip(x.type.dims, kernel.type.dims, strict=True)
        if isinstance(own, int) and isinstance(other, int)
    ]
    if all(own >= other for own, other in sizes):
        return False
    if all(own <= other for own, other in sizes):
        return True
    raise ShapeError(
        "one operand must be at least as large as the other along every axis for mode valid",
        rows=[("in1", str(x.type), ""), ("in2", str(kernel.type), "")], subject=what, site=here(),
    )  # fmt: skip


def _all(x: Tensor) -> tuple[int, ...]:
    return tuple(range(x.type.rank or 0))


# --- what is computed ----------------------------------------------------------------------------


def _room(kernel: Sequence[Dim], mode: str) -> Pads:
    """What must stand around the first operand: a window of ``kernel`` then slides inside."""
    if mode == "full":
        return tuple((k - 1, k - 1) for k in kernel)
    if mode == "same":
        return tuple((k - 1 - dims.floordiv(k - 1, 2), dims.floordiv(k - 1, 2)) for k in kernel)
    return tuple((0, 0) for _ in kernel)


def _slid(b: Builder, x: Tensor, kernel: Tensor, mode: str, method: str) -> Tensor:
    """``kernel`` sliding over ``x``, not turned round."""
    room = _room(kernel.type.dims, mode)
    if not room:
        return b.mul(x, kernel)
    if method == "fft":
        return _transformed(b, x, b.reverse(kernel, axis=_all(kernel)), mode)
    return _direct(b, x, kernel, room)


def _direct(b: Builder, x: Tensor, kernel: Tensor, room: Pads) -> Tensor:
    if not x.dtype.is_complex:
        return _correlated(b, x, kernel, room)
    parts = [(b.real(t), b.imag(t)) for t in (x, kernel)]
    (xr, xi), (kr, ki) = parts
    real = b.sub(_correlated(b, xr, kr, room), _correlated(b, xi, ki, room))
    return b.complex(real, b.add(_correlated(b, xr, ki, room), _correlated(b, xi, kr, room)))


def _correlated(b: Builder, x: Tensor, kernel: Tensor, room: Pads) -> Tensor:
    """``kernel`` sliding over ``x`` with ``room`` zeros around it.

    Axes along which the kernel has one element count signals: they become channels, each convolved
    with the same filter.
    """
    rank = len(room)
    one = [k for k, size in enumerate(kernel.type.dims) if size == 1]
    slid = [k for k in range(rank) if k not in one]
    if not slid:
        return b.mul(x, kernel)
    if len(slid) > MOST_AXES:
        return _element_by_element(b, x, kernel, room, slid[0])
    order = (*slid, *one)
    x = b.transpose(x, perm=order) if order != tuple(range(rank)) else x
    sizes, others = x.type.dims[: len(slid)], x.type.dims[len(slid) :]
    signals = dims.product(others)
    windows = tuple(kernel.type.dims[k] for k in slid)
    filter = b.reshape(kernel, shape=(*windows, 1, 1))
    x = b.reshape(x, shape=(1, *sizes, signals))
    if isinstance(signals, int):
        filter = b.broadcast_to(filter, shape=(*windows, 1, signals))
    else:  # as many groups as channels must be known
        x = b.transpose(x, perm=(len(slid) + 1, *range(1, len(slid) + 1), 0))
    pads: Any = tuple(room[k] for k in slid)
    if not all(isinstance(n, int) for pair in pads for n in pair):
        x, pads = b.pad(x, paddings=((0, 0), *pads, (0, 0))), "VALID"
    y = b.convolution(x, filter, padding=pads)
    if not isinstance(signals, int):
        y = b.transpose(y, perm=(len(slid) + 1, *range(1, len(slid) + 1), 0))
    y = b.reshape(y, shape=(*y.type.dims[1:-1], *others))
    back = tuple(order.index(k) for k in range(rank))
    return b.transpose(y, perm=back) if back != tuple(range(rank)) else y


def _element_by_element(b: Builder, x: Tensor, kernel: Tensor, room: Pads, axis: int) -> Tensor:
    """As :func:`_correlated`, with the kernel's elements along ``axis`` one after the other."""
    rank, size = len(room), whole_number(kernel.type.dims[axis], "the size of in2")
    wide = b.pad(x, paddings=tuple(room[k] if k == axis else (0, 0) for k in range(rank)))
    rest = tuple((0, 0) if k == axis else room[k] for k in range(rank))
    sums = [
        _correlated(b, part_of(b, wide, axis, k, wide.type.dims[axis] - size + 1),
                    part_of(b, kernel, axis, k, 1), rest)
        for k in range(size)
    ]  # fmt: skip
    return b.add_n(*sums)


def _transformed(b: Builder, x: Tensor, kernel: Tensor, mode: str) -> Tensor:
    """The convolution, by the product of Fourier transforms."""
    rank, given = len(x.type.dims), x.dtype
    if rank > 3:
        raise AttributeValueError(f"method fft takes 1 to 3 axes, got {x.type}", site=here())
    kind = float32 if given is not float64 else float64
    wide = [t if t.dtype is kind else b.cast(t, dtype=kind) for t in (x, kernel)]
    if given.is_complex:
        raise AttributeValueError(f"method fft takes real numbers, got {given}", site=here())
    full = tuple(n + k - 1 for n, k in zip(x.type.dims, kernel.type.dims, strict=True))
    forward = (fourier.rfft, fourier.rfft2d, fourier.rfft3d)[rank - 1]
    backward = (fourier.irfft, fourier.irfft2d, fourier.irfft3d)[rank - 1]
    y = backward(b.mul(*(forward(t, list(full)) for t in wide)), list(full))
    sizes = _kept(x.type.dims, kernel.type.dims, mode)
    begin = tuple(dims.floordiv(f - n, 2) for f, n in zip(full, sizes, strict=True))
    y = b.slice(y, begin=begin, size=sizes)
    if given is int32:
        y = b.rint(y)
    return y if y.dtype is given else b.cast(y, dtype=given)


def _kept(sizes: Sequence[Dim], kernel: Sequence[Dim], mode: str) -> tuple[Dim, ...]:
    if mode == "same":
        return tuple(sizes)
    sign = 1 if mode == "full" else -1
    return tuple(n + sign * (k - 1) for n, k in zip(sizes, kernel, strict=True))


def _bounded(
    b: Builder, x: Tensor, kernel: Tensor, room: Pads, boundary: str, fillvalue: Any
) -> Tensor:
    """``kernel`` sliding over ``x`` with ``room`` of what is said to lie around it."""
    if boundary == "fill" and np.all(np.equal(fillvalue, 0)):
        return _direct(b, x, kernel, room)
    if boundary == "fill":
        value = np.asarray(fillvalue).astype(x.dtype.numpy).item()
        around = b.pad(x, paddings=room, value=value)
    else:
        around = x
        for axis, (before, after) in enumerate(room):
            around = _continued(b, around, axis, before, after, boundary)
    return _direct(b, around, kernel, ((0, 0), (0, 0)))


def _continued(b: Builder, x: Tensor, axis: int, before: Dim, after: Dim, boundary: str) -> Tensor:
    """``x`` with elements around it along ``axis``: its other end, or its mirror image."""
    size = x.type.dims[axis]
    place = b.axis_position(shape=(before + size + after,), axis=0, dtype=int32)
    period = size if boundary == "wrap" else 2 * size
    at = b.sub(place, b.dim_value(dim=before, dtype=int32))
    at = b.floormod(at, b.dim_value(dim=period, dtype=int32))
    if boundary == "symm":
        at = b.minimum(at, b.sub(b.dim_value(dim=2 * size - 1, dtype=int32), at))
    return b.gather(x, at, axis=axis)
