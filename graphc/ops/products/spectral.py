"""Fourier transforms, by NumPy's: they run in Python.  Frames of a signal, which are a kernel.

A transform is over the last one, two or three axes.  Of a real signal only the half of the spectrum
is kept that the other half follows from: ``length // 2 + 1`` along the last axis.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc.ir import dims
from graphc.ir.builder import composite
from graphc.ir.dims import Dim
from graphc.ir.dtype import COMPLEX, DType, complex64, complex128, float32, float64
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample, describe
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType

REAL_PARTS = (float32, float64)


class Transform(Op, abstract=True):
    """A discrete Fourier transform over the last ``rank`` axes."""

    operands = ("x",)
    kind = Kind.HOST
    linear = True
    rank: ClassVar[int]
    dtypes: ClassVar[tuple[DType, ...]] = COMPLEX

    def infer_type(self, x: TensorType) -> TensorType:
        if x.dtype not in self.dtypes:
            raise DTypeMismatch(f"x must be {describe(self.dtypes)}, got {x}")
        if x.shape is not None and len(x.shape) < self.rank:
            axes = "axis" if self.rank == 1 else "axes"
            raise Mismatch(f"x needs {self.rank} {axes}, its rank is {len(x.shape)}", x=x)
        return self.result(x)

    def result(self, x: TensorType) -> TensorType:
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def host(self, x: np.ndarray) -> tuple:
        return (self.reference(x),)

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(range(-self.rank, 0))

    def numbers(self, b: Any, x: Any, last: Dim | None = None) -> Any:
        """How many numbers a transform is of, in the dtype of ``x``."""
        sizes = x.type.dims[-self.rank :]
        if last is not None:
            sizes = (*sizes[:-1], last)
        return b.dim_value(dim=dims.product(sizes), dtype=x.dtype)


class _Forward(Transform, abstract=True):
    """``y[k] = sum_n x[n] exp(-2 pi i k n / N)``."""

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.fft.fftn(x, axes=self.axes) if x.size else x.copy()

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(b.apply(_BACK[self.rank], (ct,), {}), self.numbers(b, ct))]


class _Back(Transform, abstract=True):
    """``y[n] = sum_k x[k] exp(2 pi i k n / N) / N``."""

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.fft.ifftn(x, axes=self.axes) if x.size else x.copy()

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.realdiv(b.apply(_FORWARD[self.rank], (ct,), {}), self.numbers(b, ct))]


class _RealForward(Transform, abstract=True):
    """The transform of real numbers: its half, ``length // 2 + 1`` along the last axis."""

    dtypes = REAL_PARTS

    def result(self, x: TensorType) -> TensorType:
        dtype = complex64 if x.dtype is float32 else complex128
        if x.shape is None:
            return TensorType(dtype, None)
        return TensorType(dtype, (*x.shape[:-1], dims.floordiv(x.shape[-1], 2) + 1))

    def reference(self, x: np.ndarray) -> np.ndarray:
        if x.size:
            return np.fft.rfftn(x, axes=self.axes)
        dtype = np.complex64 if x.dtype == np.float32 else np.complex128
        return np.zeros((*x.shape[:-1], x.shape[-1] // 2 + 1), dtype)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        whole = resized(b, ct, x.type.dims[-1])
        spread = b.real(b.apply(_BACK[self.rank], (whole,), {}))
        return [b.mul(spread, self.numbers(b, spread))]


class _RealBack(Transform, abstract=True):
    """The real numbers, ``length`` along the last axis, that a half spectrum is of."""

    attributes = {"length": REQUIRED}

    def result(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return TensorType(x.dtype.real, None)
        half = dims.floordiv(self.length, 2) + 1
        if isinstance(half, int) and isinstance(x.shape[-1], int) and half != x.shape[-1]:
            raise Mismatch(f"a half spectrum of {self.length} has {half} numbers", x=x)
        return TensorType(x.dtype.real, (*x.shape[:-1], self.length))

    def reference(self, x: np.ndarray) -> np.ndarray:
        sizes = (*x.shape[-self.rank : -1], self.length)
        if x.size and self.length:
            return np.fft.irfftn(x, sizes, self.axes)
        return np.zeros((*x.shape[:-1], self.length), np.real(x).dtype)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        half = b.apply(_REAL_FORWARD[self.rank], (ct,), {})
        twice = b.hermitian_weights(half, length=self.length)
        return [b.realdiv(twice, self.numbers(b, twice, self.length))]


PLANE: list[Sample | Refuses] = [
    Sample("complex64[3, 4]"),
    Sample("complex128[2, 3, 5]"),
    Sample("complex64[0, 4]"),
    Refuses("float32[4, 4, 4]", "x must be complex64, complex128, got float32[4, 4, 4]"),
]
REALS: list[Sample | Refuses] = [
    Sample("float32[3, 4]"),
    Sample("float64[2, 3, 5]"),
    Sample("float64[2, 2, 1]"),
    Sample("float32[0, 4]"),
    Refuses("complex64[4, 4, 4]", "x must be floating, got complex64[4, 4, 4]"),
]
HALVES: list[Sample | Refuses] = [
    Sample("complex64[3, 3]", length=4),
    Sample("complex128[2, 3, 3]", length=5),
    Sample("complex128[2, 2, 1]", length=1),
    Sample("complex64[0, 3]", length=4),
    Refuses("complex64[3, 3, 3]", "a half spectrum of 6 has 4 numbers", length=6),
]


def _deep(rank: int, rows: list[Sample | Refuses]) -> list[Sample | Refuses]:
    """The rows of operands that have so many axes."""
    return [row for row in rows if row.types[0].count(",") + 1 >= rank]


class FFT(_Forward):
    """``y[k] = sum_n x[n] exp(-2 pi i k n / N)`` along the last axis."""

    rank = 1
    samples = [*PLANE, Refuses("complex64[]", "x needs 1 axis, its rank is 0")]


class FFT2D(_Forward):
    """The transform over the last two axes."""

    name, rank = "fft2d", 2
    samples = [*PLANE, Refuses("complex64[3]", "x needs 2 axes, its rank is 1")]


class FFT3D(_Forward):
    """The transform over the last three axes."""

    name, rank = "fft3d", 3
    samples = _deep(3, PLANE)


class IFFT(_Back):
    """``y[n] = sum_k x[k] exp(2 pi i k n / N) / N`` along the last axis: fft undone."""

    rank = 1
    samples = PLANE


class IFFT2D(_Back):
    """fft2d undone."""

    name, rank = "ifft2d", 2
    samples = PLANE


class IFFT3D(_Back):
    """fft3d undone."""

    name, rank = "ifft3d", 3
    samples = _deep(3, PLANE)


class RFFT(_RealForward):
    """The half of the transform of real numbers along the last axis."""

    rank = 1
    samples = [*REALS, Sample("float64[6]"), Sample("float32[2, 0]", gradient=False)]


class RFFT2D(_RealForward):
    """The half of the transform of real numbers over the last two axes."""

    name, rank = "rfft2d", 2
    samples = REALS


class RFFT3D(_RealForward):
    """The half of the transform of real numbers over the last three axes."""

    name, rank = "rfft3d", 3
    samples = _deep(3, REALS)


class IRFFT(_RealBack):
    """rfft undone, for ``length`` real numbers along the last axis."""

    rank = 1
    samples = HALVES


class IRFFT2D(_RealBack):
    """rfft2d undone, for ``length`` real numbers along the last axis."""

    name, rank = "irfft2d", 2
    samples = HALVES


class IRFFT3D(_RealBack):
    """rfft3d undone, for ``length`` real numbers along the last axis."""

    name, rank = "irfft3d", 3
    samples = _deep(3, HALVES)


_FORWARD: dict[int, type[Op]] = {1: FFT, 2: FFT2D, 3: FFT3D}
_BACK: dict[int, type[Op]] = {1: IFFT, 2: IFFT2D, 3: IFFT3D}
_REAL_FORWARD: dict[int, type[Op]] = {1: RFFT, 2: RFFT2D, 3: RFFT3D}


class HermitianWeights(Op):
    """A half spectrum of ``length`` numbers, each as often as the whole has it or its conjugate."""

    operands = ("x",)
    attributes = {"length": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.dtype not in COMPLEX:
            raise DTypeMismatch(f"x must be {describe(COMPLEX)}, got {x}")
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        k = np.arange(x.shape[-1])
        return np.where((k == 0) | (2 * k == self.length), x, 2 * x)

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        value, k = x(*at), e.position(at[-1])
        last = e.position(self.length)
        ends = e.let(f"logical_or(eq({k}, {e.literal(0, 'int64')}), eq({k} + {k}, {last}))", "bool",
                     k, last)  # fmt: skip
        doubled = e.let(f"add({value}, {value})", x.type.dtype, value)
        return e.let(f"where({ends}, {value}, {doubled})", x.type.dtype, ends, value, doubled)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.hermitian_weights(ct, length=self.length)]

    samples = [
        Sample("complex64[2, 4]", length=6),
        Sample("complex128[3]", length=5),
        Sample("complex64[1]", length=1),
        Refuses("float32[3]", "x must be complex64, complex128, got float32[3]", length=4),
    ]


class Frame(Op):
    """``y[..., f, k] = x[..., f * step + k]``: all frames of ``length`` that lie inside ``x``."""

    operands = ("x",)
    attributes = {"length": REQUIRED, "step": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        if not x.shape:
            raise Mismatch("x needs an axis, its rank is 0", x=x)
        frames = dims.maximum(0, dims.floordiv(x.shape[-1] - self.length, self.step) + 1)
        return x.with_shape((*x.shape[:-1], frames, self.length))

    def reference(self, x: np.ndarray) -> np.ndarray:
        frames = max(0, (x.shape[-1] - self.length) // self.step + 1)
        places = np.arange(frames)[:, None] * self.step + np.arange(self.length)
        return x[..., places]

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        return x(*at[:-2], at[-2] * self.step + at[-1])

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [resized(b, b.overlap_and_add(ct, step=self.step), x.type.dims[-1])]

    samples = [
        Sample("float32[2, 11]", length=4, step=2),
        Sample("float64[10]", length=3, step=5),
        Sample("float64[7]", length=7, step=1),
        Sample("float64[2, 3, 8]", length=3, step=1),
        Sample("complex64[9]", length=4, step=3),
        Sample("int32[6]", length=2, step=2),
        Sample("float32[3]", length=4, step=1, gradient=False),
        Refuses("float32[]", "x needs an axis, its rank is 0", length=1, step=1),
    ]


@composite
def overlap_and_add(b: Any, x: Any, step: Dim, name: str | None = None) -> Any:
    """``y[..., f * step + k] += x[..., f, k]``: frames added up where they lie.

    Each frame is cut into blocks of ``step``; the k-th blocks of all frames are a row that begins k
    places later.  Rows one longer than needed, read as rows of the needed length, lie like that.
    """
    (x,) = b.tensors((x,))
    *before, frames, length = x.type.dims
    blocks = dims.ceildiv(length, step)
    total = dims.maximum(0, frames - 1) * step + length
    cut = b.reshape(resized(b, x, blocks * step), shape=(*before, frames, blocks, step))
    n = len(before)
    rows = b.transpose(cut, perm=(*range(n), n + 1, n, n + 2))
    rows = resized(b, rows, frames + blocks, axis=n + 1)
    flat = b.reshape(rows, shape=(*before, blocks * (frames + blocks), step))
    width = frames + blocks - 1
    kept = resized(b, flat, blocks * width, axis=n)
    moved = b.reshape(kept, shape=(*before, blocks, width, step))
    sums = b.reduce_sum(moved, axis=(n,))
    return resized(b, b.reshape(sums, shape=(*before, width * step)), total, name=name)


def resized(b: Any, x: Any, size: Dim, axis: int = -1, name: str | None = None) -> Any:
    """The first ``size`` elements along an axis, with zeros after the last."""
    shape = x.type.dims
    axis %= len(shape)
    missing = size - shape[axis]
    if not (isinstance(missing, int) and missing <= 0):
        more = missing if isinstance(missing, int) else dims.maximum(0, missing)
        paddings = tuple((0, more if k == axis else 0) for k in range(len(shape)))
        x = b.pad(x, paddings=paddings, **({"name": name} if isinstance(missing, int) else {}))
        if isinstance(missing, int):
            return x
    if missing == 0:
        return x if name is None else b.identity(x, name=name)
    sizes = tuple(size if k == axis else n for k, n in enumerate(shape))
    return b.slice(x, begin=(0,) * len(shape), size=sizes, name=name)
