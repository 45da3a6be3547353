"""Shape: views, transposes, broadcasting, and the sizes of tensors as values.

Attributes hold symbolic sizes; a ``-1``, a negative axis or a missing permutation is resolved by
the type rule, because the operand's rank may only be known when the graph is compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims, shape_values
from graphc.ir.builder import composite
from graphc.ir.dims import Dim
from graphc.ir.dtype import DType, as_dtype, bfloat16, float32, int32, int64
from graphc.ir.op import REQUIRED, Kind, Literal, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim

ONLY_SIZES = NotDifferentiable("it depends on the shape of its operand, not on its values")


def resolve_axis(axis: int, rank: int, **named: Any) -> int:
    """``axis`` counted from the front."""
    if not isinstance(axis, int):
        raise Mismatch(f"axis {axis!r} is not an int", **named)
    if not -rank <= axis < rank:
        raise Mismatch(f"axis {axis} is outside a tensor of rank {rank}", **named)
    return axis % rank


def at_most(a: Dim, b: Dim, what: str) -> bool:
    """Whether ``a <= b``: False is a certain no, what cannot be decided is checked at run time."""
    if dims.lower_bound(b - a) >= 0:
        return True
    if isinstance(a, int) and isinstance(b, int):
        return False
    return same_dim(dims.maximum(a, b), b, what) is not None


def minimum(a: Dim, b: Dim) -> Dim:
    """The smaller of two dims."""
    if dims.lower_bound(b - a) >= 0:
        return a
    if dims.lower_bound(a - b) >= 0:
        return b
    return -dims.maximum(-a, -b)


class View(Op, abstract=True):
    """The operand's memory under another shape."""

    operands = ("x",)
    kind = Kind.VIEW
    view = True
    linear = True


class Identity(View):
    """``y = x``."""

    passes_rows = True

    def infer_type(self, x: TensorType) -> TensorType:
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        return x

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [ct]

    def dims_value(self, x: Any) -> Any:
        return x

    samples = [Sample("float32[3, 4]"), Sample("int32[]"), Sample("float64[0, 2]")]


class PlaceholderWithDefault(Identity):
    """``x`` unless it is fed; ``shape`` is what may be fed.

    A run that does not feed it fixes the free sizes of ``shape`` at those of ``x``; where ``shape``
    is None, any rank may be fed.
    """

    attributes = {"shape": REQUIRED}

    def infer_type(self, x: TensorType) -> TensorType:
        if self.shape is None or x.shape is None:
            return x.with_shape(self.shape)
        if len(self.shape) != len(x.shape):
            raise Mismatch("the default does not fit the shape", x=x, shape=self._said())
        for k, (given, size) in enumerate(zip(self.shape, x.shape, strict=True)):
            if same_dim(given, size, f"size {k} of the default") is None:
                raise Mismatch("the default does not fit the shape", x=x, shape=self._said())
        return x.with_shape(self.shape)

    def _said(self) -> str:
        return dims.format_shape(self.shape)

    samples = [
        Sample("float32[3, 4]", shape=(3, 4)),
        Sample("int32[]", shape=()),
        Refuses("float32[2]", "the default does not fit the shape", shape=(3,)),
        Refuses("float32[2]", "the default does not fit the shape", shape=()),
    ]


class StopGradient(Identity):
    """``y = x``; no gradient flows back through it."""

    passes_rows = False
    vjp = NotDifferentiable("stop_gradient stops it here")
    samples = [Sample("float32[3, 4]"), Sample("bool[2]")]


class Reshape(View):
    """The elements of ``x`` in row-major order under ``shape``; one size may be -1 (the rest)."""

    attributes = {"shape": REQUIRED}

    def infer_type(self, x: TensorType) -> TensorType:
        free = [k for k, size in enumerate(self.shape) if size == -1]
        if len(free) > 1:
            raise Mismatch("at most one size may be -1", shape=dims.format_shape(self.shape))
        if x.shape is None:
            return x.with_shape(None if free else self.shape)
        rest = dims.product(size for size in self.shape if size != -1)
        total = x.elements
        shape = self.shape
        if free:
            size = total if rest == 1 else 0 if rest == 0 else dims.floordiv(total, rest)
            shape = tuple(size if k == free[0] else d for k, d in enumerate(shape))
            rest = rest * size
        if same_dim(rest, total, "the number of elements") is None:
            raise Mismatch(
                f"{dims.format_shape(self.shape)} does not hold the {total} elements of x", x=x
            )
        return x.with_shape(shape)

    def reference(self, x: np.ndarray) -> np.ndarray:
        if x.size == 0 and -1 in self.shape:
            shape: Any = self.infer_type(TensorType(as_dtype(x.dtype), x.shape)).shape
            return np.empty(shape, x.dtype)
        return x.reshape(self.shape)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        if x.type.shape is None:
            return [b.reshape_like(ct, x)]
        return [b.reshape(ct, shape=x.type.shape)]

    def dims_value(self, x: Any) -> Any:
        return _reshaped_dims(x, len(self.shape))

    samples = [
        Sample("float32[3, 4]", shape=(2, 6)),
        Sample("float32[3, 4]", shape=(-1,)),
        Sample("float64[2, 3, 4]", shape=(2, -1)),
        Sample("int32[1]", shape=()),
        Sample("float32[0, 4]", shape=(-1, 4)),
        Sample("bool[2, 0]", shape=(0, 5)),
        Refuses("float32[2, 3]", "[4, 2] does not hold the 6 elements of x", shape=(4, 2)),
        Refuses("float32[2, 3]", "[4, -1] does not hold the 6 elements of x", shape=(4, -1)),
        Refuses("float32[2, 3]", "at most one size may be -1", shape=(-1, -1)),
    ]


class ReshapeLike(Op):
    """``x`` in the shape of ``like``, whose rank may only be known when the graph is compiled."""

    operands = ("x", "like")
    kind = Kind.EXPANDED

    def infer_type(self, x: TensorType, like: TensorType) -> TensorType:
        known = x.shape is not None and like.shape is not None
        if known and same_dim(x.elements, like.elements, "the number of elements") is None:
            raise Mismatch("x and like hold different numbers of elements", x=x, like=like)
        return x.with_shape(like.shape)

    def reference(self, x: np.ndarray, like: np.ndarray) -> np.ndarray:
        return x.reshape(like.shape)

    def expand(self, b: Any, x: Any, like: Any) -> Any:
        return b.reshape(x, shape=like.type.dims)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, like: Any) -> list:
        return [b.reshape_like(ct, x), None]

    samples = [
        Sample("float32[3, 4]", "float32[12]"),
        Sample("float64[2]", "int32[2, 1]"),
        Sample("int32[0, 3]", "float32[0]"),
        Refuses("float32[3]", "float32[4]", "x and like hold different numbers of elements"),
    ]


def _reshaped_dims(value: Any, rank: int) -> Any:
    """Dims as a scalar (rank 0) or a vector (rank 1)."""
    if rank == 0:
        return value[0] if isinstance(value, tuple) else value
    if rank == 1:
        return value if isinstance(value, tuple) else (value,)
    return None


class ExpandDims(View):
    """An axis of size 1 inserted before axis ``axis`` (-1: after the last)."""

    attributes = {"axis": REQUIRED}

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        axis = resolve_axis(self.axis, len(x.shape) + 1, x=x)
        return x.with_shape((*x.shape[:axis], 1, *x.shape[axis:]))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.expand_dims(x, self.axis)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.squeeze(ct, axis=(self.axis,))]

    def dims_value(self, x: Any) -> Any:
        return None if isinstance(x, tuple) else (x,)

    samples = [
        Sample("float32[3, 4]", axis=0),
        Sample("float32[3, 4]", axis=-1),
        Sample("float64[]", axis=0),
        Sample("int32[2, 0]", axis=1),
        Refuses("float32[3]", "axis 2 is outside a tensor of rank 2", axis=2),
    ]


class Squeeze(View):
    """``x`` without the axes ``axis``, each of size 1; with None, without every axis of size 1."""

    attributes = {"axis": None}

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        dropped = self._axes(x)
        for axis in dropped:
            if same_dim(x.shape[axis], 1, f"axis {axis}") is None:
                raise Mismatch(f"axis {axis} has size {x.shape[axis]}, only size 1 can go", x=x)
        return x.with_shape(tuple(d for k, d in enumerate(x.shape) if k not in dropped))

    def _axes(self, x: TensorType) -> set[int]:
        if self.axis is None:
            return {k for k, d in enumerate(x.shape or ()) if d == 1}
        return {resolve_axis(a, len(x.shape or ()), x=x) for a in self.axis}

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.squeeze(x, self.axis)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.reshape(ct, shape=x.type.shape)]

    def dims_value(self, x: Any) -> Any:
        return x[0] if isinstance(x, tuple) and len(x) == 1 else x

    samples = [
        Sample("float32[1, 3, 1]"),
        Sample("float32[1, 3, 1]", axis=(0,)),
        Sample("float64[2, 1]", axis=(-1,)),
        Sample("int32[1, 0]", axis=(0,)),
        Refuses("float32[2, 3]", "axis 1 has size 3, only size 1 can go", axis=(1,)),
    ]


class Transpose(Op):
    """``x`` with its axes reordered: axis ``k`` of ``y`` is axis ``perm[k]``; None reverses."""

    operands = ("x",)
    attributes = {"perm": None}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        perm = self.permutation(len(x.shape))
        if sorted(perm) != list(range(len(x.shape))):
            raise Mismatch(f"perm {list(self.perm)} is not an order of {len(x.shape)} axes", x=x)
        return x.with_shape(tuple(x.shape[p] for p in perm))

    def permutation(self, rank: int) -> tuple[int, ...]:
        if self.perm is None:
            return tuple(reversed(range(rank)))
        return tuple(p + rank if p < 0 else p for p in self.perm)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.transpose(x, self.permutation(x.ndim))

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        perm = self.permutation(len(at))
        return x(*(at[perm.index(axis)] for axis in range(len(at))))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        if self.perm is None:
            return [b.transpose(ct)]
        perm = self.permutation(len(self.perm))
        return [b.transpose(ct, perm=tuple(perm.index(k) for k in range(len(perm))))]

    samples = [
        Sample("float32[3, 4]"),
        Sample("float32[2, 3, 4]", perm=(1, 2, 0)),
        Sample("float64[2, 3, 4]", perm=(0, 2, 1)),
        Sample("float16[2, 3]", perm=(1, 0)),
        Sample("int32[2, 0]"),
        Sample("bool[5]", perm=(0,)),
        Refuses("float32[2, 3]", "perm [0, 0] is not an order of 2 axes", perm=(0, 0)),
    ]


class BroadcastTo(Op):
    """``x`` stretched to ``shape``: aligned at the right, axes of size 1 (or missing) repeat."""

    operands = ("x",)
    attributes = {"shape": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        target: dims.Shape = self.shape
        if x.shape is None:
            return x.with_shape(target)
        if len(x.shape) > len(target):
            raise Mismatch(f"x has more axes than {dims.format_shape(target)}", x=x)
        for axis in range(-len(x.shape), 0):
            fits = x.shape[axis] == 1 or same_dim(x.shape[axis], target[axis], f"axis {axis}")
            if fits is None:
                raise Mismatch(
                    f"x does not stretch to {dims.format_shape(target)} (axis {axis})", x=x
                )
        return x.with_shape(target)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(x, self.shape).copy()

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        shape = x.type.shape
        skipped = len(at) - len(shape)
        return x(*(0 if size == 1 else at[skipped + k] for k, size in enumerate(shape)))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.sum_to(ct, x)]

    def dims_value(self, x: Any) -> Any:
        if len(self.shape) != 1 or not isinstance(self.shape[0], int) or isinstance(x, tuple):
            return None
        return (x,) * self.shape[0] if self.shape[0] <= shape_values.LONGEST_SHAPE else None

    samples = [
        Sample("float32[]", shape=(2, 3)),
        Sample("float32[3]", shape=(2, 3)),
        Sample("float64[2, 1]", shape=(4, 2, 3)),
        Sample("int32[1]", shape=(0,)),
        Sample("bool[2]", shape=(2,)),
        Refuses("float32[4]", "x does not stretch to [2, 3] (axis -1)", shape=(2, 3)),
        Refuses("float32[1, 4]", "x has more axes than [4]", shape=(4,)),
    ]


class _Constant(Op, abstract=True):
    """One number in the shape of the operand."""

    operands = ("x",)
    kind = Kind.EXPANDED
    vjp = ONLY_SIZES
    number = 0

    def infer_type(self, x: TensorType) -> TensorType:
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        number = b"" if x.dtype.hasobject else self.number
        return np.full(x.shape, number, x.dtype)

    def expand(self, b: Any, x: Any) -> Any:
        number = b"" if x.dtype.is_string else self.number
        if x.dtype is bfloat16:  # NumPy cannot hold one
            value = b.tensor(number, dtype=x.dtype)
        else:
            value = b.const(value=Literal(np.asarray(number, x.dtype.numpy)))
        return b.broadcast_to(value, shape=x.type.shape)


class ZerosLike(_Constant):
    """Zeros in the shape of ``x``; empty strings, where it holds strings."""

    samples = [
        Sample("float32[3, 4]"),
        Sample("int64[]"),
        Sample("bool[2]"),
        Sample("float16[0]"),
        Sample("string[2]"),
    ]


class OnesLike(_Constant):
    """Ones in the shape of ``x``."""

    number = 1

    def infer_type(self, x: TensorType) -> TensorType:
        if x.dtype.is_string:
            raise DTypeMismatch(f"x must be numeric or bool, got {x}")
        return x

    samples = [
        Refuses("string[2]", "x must be numeric or bool, got string[2]"),
        Sample("float32[3, 4]"),
        Sample("int64[]"),
        Sample("bool[2]"),
        Sample("float16[0]"),
    ]


class _SizeOf(Op, abstract=True):
    """Something about the shape of ``x``, as integers of ``dtype``."""

    operands = ("x",)
    attributes = {"dtype": int32}
    kind = Kind.EXPANDED
    vjp = ONLY_SIZES

    def result(self, shape: dims.Shape | None) -> TensorType:
        if self.dtype not in (int32, int64):
            raise DTypeMismatch(f"sizes are int32 or int64, not {self.dtype}")
        return TensorType(self.dtype, shape)


class Shape(_SizeOf):
    """The sizes of ``x`` as a vector."""

    def infer_type(self, x: TensorType) -> TensorType:
        return self.result(None if x.shape is None else (len(x.shape),))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x.shape, self.dtype.numpy)

    def dims_of_type(self, x: TensorType) -> dims.Shape | None:
        return x.shape

    def expand(self, b: Any, x: Any) -> Any:
        shape = x.type.shape
        if all(isinstance(d, int) for d in shape):
            return b.const(value=Literal(np.asarray(shape, self.dtype.numpy)))
        return b.pack(*(b.dim_value(dim=d, dtype=self.dtype) for d in shape))

    samples = [
        Sample("float32[3, 4]"),
        Sample("float32[]"),
        Sample("bool[0, 2]", dtype=int64),
        Refuses("float32[2]", "sizes are int32 or int64, not float32", dtype=float32),
    ]


class Size(_SizeOf):
    """The number of elements of ``x``."""

    def infer_type(self, x: TensorType) -> TensorType:
        return self.result(())

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x.size, self.dtype.numpy)

    def dims_of_type(self, x: TensorType) -> Dim | None:
        return None if x.shape is None else x.elements

    def expand(self, b: Any, x: Any) -> Any:
        return b.dim_value(dim=x.type.elements, dtype=self.dtype)

    samples = [Sample("float32[3, 4]"), Sample("float32[]"), Sample("bool[0, 2]", dtype=int64)]


class Rank(_SizeOf):
    """The number of axes of ``x``."""

    def infer_type(self, x: TensorType) -> TensorType:
        return self.result(())

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x.ndim, self.dtype.numpy)

    def dims_of_type(self, x: TensorType) -> int | None:
        return x.rank

    def expand(self, b: Any, x: Any) -> Any:
        return b.const(value=Literal(np.asarray(x.type.rank, self.dtype.numpy)))

    samples = [Sample("float32[3, 4]"), Sample("float32[]"), Sample("bool[0, 2]", dtype=int64)]


class BindDims(Op):
    """``y = values``, and the data-dependent sizes ``dims`` are its numbers from here on.

    A number that is -1 is resolved so that the product is ``elements``.
    """

    operands = ("values",)
    attributes = {"dims": REQUIRED, "elements": None}
    binding = "dims"
    kind = Kind.HOST
    may_fail = True
    vjp = ONLY_SIZES

    def infer_type(self, values: TensorType) -> TensorType:
        if not values.dtype.is_integer:
            raise DTypeMismatch(f"sizes are integers, got {values}")
        length = len(self.dims)
        if values.shape is not None and (
            len(values.shape) != 1 or same_dim(values.shape[0], length, "sizes") is None
        ):
            raise Mismatch(f"{length} sizes are a vector of length {length}, got {values}")
        return TensorType(int64, (length,))

    def reference(self, values: np.ndarray) -> np.ndarray:
        sizes = values.astype(np.int64)
        free = np.flatnonzero(sizes == -1)
        if len(free) == 1 and self.elements is not None:
            rest = int(np.prod(np.delete(sizes, free)))
            sizes[free] = self.elements // rest if rest else 0
        if (sizes < 0).any():
            raise InvalidArgumentError(f"a size cannot be negative: {values.tolist()}")
        return sizes

    def host(self, values: np.ndarray) -> tuple:
        return (self.reference(values),)

    def binds(self, y: np.ndarray) -> dict[str, int]:
        """The data-dependent sizes its output determines."""
        return {str(dim): int(size) for dim, size in zip(self.dims, y, strict=True)}

    samples = [
        Sample("int32[2]", values={0: [3, 4]}, dims=(3, 4)),
        Sample("int32[2]", values={0: [3, -1]}, dims=(3, 4), elements=12),
        Sample("int64[0]", dims=()),
        Refuses("float32[1]", "sizes are integers, got float32[1]", dims=(1,)),
        Refuses("int32[3]", "2 sizes are a vector of length 2, got int32[3]", dims=(1, 2)),
    ]


@composite
def dynamic_reshape(b: Any, x: Any, shape: Any, name: str | None = None) -> Any:
    """``x`` under a shape given as sizes or as a tensor, if need be computed by the run."""
    elements = x.type.elements if x.type.shape is not None else None
    sizes = b.shape_argument(shape, elements=elements)
    made = b.reshape(x, shape=sizes, name=name)
    if made.type.shape is None:  # all but the size to be worked out is known
        made.type = made.type.with_shape(
            tuple(b.home.new_dim(made.node.name) if size == -1 else size for size in sizes)
        )
    return made


@composite
def fill(b: Any, shape: Any, value: Any, name: str | None = None) -> Any:
    """``value`` in every element of ``shape``."""
    return b.broadcast_to(b.tensor(value), shape=b.shape_argument(shape), name=name)


@composite
def zeros(b: Any, shape: Any, dtype: DType = float32, name: str | None = None) -> Any:
    return _filled(b, shape, 0, dtype, name)


@composite
def ones(b: Any, shape: Any, dtype: DType = float32, name: str | None = None) -> Any:
    return _filled(b, shape, 1, dtype, name)


def _filled(b: Any, shape: Any, number: int, dtype: DType, name: str | None) -> Any:
    sizes = b.shape_argument(shape)
    if dtype is bfloat16:
        return b.broadcast_to(b.tensor(number, dtype=dtype), shape=sizes, name=name)
    value = np.asarray(b"" if dtype.is_string and not number else number, dtype.numpy)
    if dims.product(sizes) in (0, 1):
        return b.const(value=Literal(np.broadcast_to(value, sizes)), name=name)
    return b.broadcast_to(b.const(value=Literal(value)), shape=sizes, name=name)
