"""The type of a tensor: element type and symbolic shape; and how shapes meet in a type rule."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from graphc.errors import DTypeError, ShapeError
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import DType


@dataclass(frozen=True)
class TensorType:
    """``dtype`` and ``shape``.  A shape of None means the rank itself is unknown."""

    dtype: DType
    shape: Shape | None

    @property
    def rank(self) -> int | None:
        return None if self.shape is None else len(self.shape)

    @property
    def dims(self) -> Shape:
        """The shape, where the rank is known (always, once a graph is specialised)."""
        assert self.shape is not None, "bug in graphc: the rank is unknown"
        return self.shape

    @cached_property
    def elements(self) -> Dim:
        return dims.product(self.shape or ())

    @property
    def is_static(self) -> bool:
        return self.shape is not None and all(isinstance(d, int) for d in self.shape)

    def with_dtype(self, dtype: DType) -> TensorType:
        return TensorType(dtype, self.shape)

    def with_shape(self, shape: Shape | None) -> TensorType:
        return TensorType(self.dtype, shape)

    def __str__(self) -> str:
        return f"{self.dtype.name}{dims.format_shape(self.shape)}"


class Mismatch(Exception):
    """Raised by type rules: the fact, the values it is about, and a hint when one is known.

    The graph turns it into a :class:`~graphc.errors.ShapeError` or
    :class:`~graphc.errors.DTypeError` with the node, its operands' origins and the user's line.
    """

    error: type = ShapeError

    def __init__(self, fact: str, hint: str | None = None, **values: object) -> None:
        super().__init__(fact)
        self.fact = fact
        self.hint = hint
        self.values = values


class DTypeMismatch(Mismatch):
    error = DTypeError


@dataclass(frozen=True)
class Equal:
    """A run-time check: two dims a type rule took as equal (``what`` says where they met)."""

    left: Dim
    right: Dim
    what: str


class _Collector(threading.local):
    sink: list[Equal] | None = None


_collector = _Collector()


@contextmanager
def collected_checks() -> Iterator[list[Equal]]:
    """Receive the checks that the type rules run inside the block leave to run time."""
    outer, _collector.sink = _collector.sink, []
    try:
        yield _collector.sink
    finally:
        _collector.sink = outer


def same_dim(a: Dim, b: Dim, what: str) -> Dim | None:
    """The dim two operands share; None when they provably differ.

    What cannot be decided becomes a run-time check, and the better known of the two is returned.
    """
    if a == b:
        return a
    if isinstance(a, int) and isinstance(b, int):
        return None
    if isinstance(difference := a - b, int) and difference != 0:
        return None
    if _collector.sink is not None:
        _collector.sink.append(Equal(a, b, what))
    return b if isinstance(b, int) else a


def same_dtype(**operands: TensorType) -> DType:
    """The element type all operands must agree on."""
    types = iter(operands.values())
    first = next(types)
    if any(t.dtype is not first.dtype for t in types):
        names = " and ".join(operands) if len(operands) == 2 else "operands"
        raise DTypeMismatch(f"dtypes of {names} differ", hint=_cast_hint(operands), **operands)
    return first.dtype


def _cast_hint(operands: dict[str, TensorType]) -> str:
    """Towards the floating operand where there is one, else towards the first."""
    named = list(operands.items())
    _, target = next((o for o in named if o[1].dtype.is_floating), named[0])
    name, other = next(o for o in reversed(named) if o[1].dtype is not target.dtype)
    return f"convert one of them: tf.cast({name}, tf.{target.dtype})  (it is {other.dtype})"


def broadcast(**operands: TensorType) -> Shape | None:
    """The shape operands broadcast to, NumPy's way (aligned at the right; 1 stretches)."""
    if any(t.shape is None for t in operands.values()):
        return None
    shapes = [t.dims for t in operands.values()]
    if all(s == shapes[0] for s in shapes):
        return shapes[0]
    rank = max(len(s) for s in shapes)
    out: list[Dim] = []
    for axis in range(-rank, 0):
        meeting = [s[axis] for s in shapes if len(s) >= -axis and s[axis] != 1]
        dim: Dim = meeting[0] if meeting else 1
        for other in meeting[1:]:
            same = same_dim(dim, other, f"axis {axis}")
            if same is None:
                raise Mismatch(f"shapes do not broadcast (axis {axis})", None, **operands)
            # Of two unknown sizes either may turn out to be 1 and stretch to the other.
            dim = same if dim == other or isinstance(same, int) else dims.maximum(dim, other)
        out.append(dim)
    return tuple(out)


def broadcast_index(at: tuple[Dim, ...], shape: Shape, out: Shape) -> tuple[Dim, ...]:
    """The index into an operand of ``shape`` that broadcasts to ``out``, at ``at`` of the
    output.
    """
    skipped = len(out) - len(shape)
    return tuple(
        0 if size == 1 and out[skipped + k] != 1 else at[skipped + k]
        for k, size in enumerate(shape)
    )
