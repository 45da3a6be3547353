"""TF1's faces of a shape: ``TensorShape`` and ``Dimension`` over symbolic sizes.

A size that TF1 would call None is a named symbol here; ``value`` and ``as_list`` show it as None,
while arithmetic and shape arguments keep the symbol, so ``tf.zeros([x.shape[0], 3])`` works.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from graphc.errors import ShapeError
from graphc.ir import dims
from graphc.ir.dims import Dim, Expr
from graphc.ir.graph import Graph
from graphc.ir.source import here


class Dimension:
    """One size of a shape; ``value`` is an int, or None when it is not known until the graph
    runs."""

    __slots__ = ("dim",)

    def __init__(self, value: Any) -> None:
        self.dim: Dim | None = value.dim if isinstance(value, Dimension) else value

    @property
    def value(self) -> int | None:
        return self.dim if isinstance(self.dim, int) else None

    def __int__(self) -> int:
        if isinstance(self.dim, int):
            return self.dim
        raise TypeError(
            f"the size {self.dim} is not known until the graph runs; use tf.shape(x)[k]"
        )

    __index__ = __int__

    def __bool__(self) -> bool:
        return self.value is not None and self.value != 0

    def __eq__(self, other: object) -> Any:
        theirs = _dim(other)
        if theirs is None or self.dim is None:
            return None if self.dim is not None or theirs is not None else True
        if self.dim == theirs:
            return True
        return False if isinstance(self.dim, int) and isinstance(theirs, int) else None

    def __ne__(self, other: object) -> Any:
        same = self.__eq__(other)
        return None if same is None else not same

    def __hash__(self) -> int:
        return hash(self.dim)

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a < b)

    def __le__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a <= b)

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a > b)

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a >= b)

    def _compare(self, other: Any, holds: Any) -> bool | None:
        theirs = _dim(other)
        known = isinstance(self.dim, int) and isinstance(theirs, int)
        return holds(self.dim, theirs) if known else None

    def _with(self, other: Any, combine: Any) -> Dimension:
        theirs = _dim(other)
        if self.dim is None or theirs is None:
            return Dimension(None)
        return Dimension(combine(self.dim, theirs))

    def __add__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a + b)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Dimension:
        return self._with(other, dims.floordiv)

    def __rfloordiv__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: dims.floordiv(b, a))

    def __mod__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a - dims.floordiv(a, b) * b)

    def is_compatible_with(self, other: Any) -> bool:
        return (self == other) is not False

    def __str__(self) -> str:
        return "?" if self.dim is None else str(self.dim)

    def __repr__(self) -> str:
        return f"Dimension({self.value if self.value is not None else self})"


def _dim(value: Any) -> Dim | None:
    if isinstance(value, Dimension):
        return value.dim
    if value is None or isinstance(value, int | Expr):
        return value
    return int(value) if hasattr(value, "__index__") else None


class TensorShape:
    """A shape: a sequence of :class:`Dimension`, or unknown altogether (``ndims`` None).

    >>> x.get_shape().as_list()
    [None, 784]
    """

    __slots__ = ("_dims",)

    def __init__(self, dims: Any) -> None:
        if isinstance(dims, TensorShape):
            self._dims: tuple[Dim | None, ...] | None = dims._dims
        elif dims is None:
            self._dims = None
        elif isinstance(dims, Iterable):
            self._dims = tuple(_dim(d) for d in dims)
        else:
            self._dims = (_dim(dims),)

    @property
    def dims(self) -> list[Dimension] | None:
        return None if self._dims is None else [Dimension(d) for d in self._dims]

    @property
    def ndims(self) -> int | None:
        return None if self._dims is None else len(self._dims)

    rank = ndims

    def symbolic(self) -> tuple[Dim | None, ...] | None:
        """The sizes with their symbols; None for an unknown rank."""
        return self._dims

    def _known(self) -> tuple[Dim | None, ...]:
        if self._dims is None:
            raise ValueError("the rank of this shape is unknown")
        return self._dims

    def as_list(self) -> list[int | None]:
        """The sizes, None for those not known until the graph runs; the rank must be known."""
        return [d if isinstance(d, int) else None for d in self._known()]

    def is_fully_defined(self) -> bool:
        """Whether the rank and every size are known."""
        return self._dims is not None and all(isinstance(d, int) for d in self._dims)

    def num_elements(self) -> int | None:
        """The product of the sizes; None unless all are known."""
        if not self.is_fully_defined():
            return None
        total = dims.product(d for d in self._known() if d is not None)
        return total if isinstance(total, int) else None

    def __len__(self) -> int:
        return len(self._known())

    def __bool__(self) -> bool:
        return self._dims is not None

    def __iter__(self) -> Iterator[Dimension]:
        return iter([Dimension(d) for d in self._known()])

    def __getitem__(self, key: Any) -> Any:
        if self._dims is None:
            return TensorShape(None) if isinstance(key, slice) else Dimension(None)
        found = self._dims[key]
        return TensorShape(found) if isinstance(key, slice) else Dimension(found)

    def __eq__(self, other: object) -> bool:
        try:
            return self._dims == TensorShape(other)._dims
        except TypeError:
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self._dims)

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def concatenate(self, other: Any) -> TensorShape:
        """This shape followed by ``other``; of unknown rank where one of them is."""
        mine, theirs = self._dims, TensorShape(other)._dims
        return TensorShape(None if mine is None or theirs is None else mine + theirs)

    def is_compatible_with(self, other: Any) -> bool:
        mine, theirs = self._dims, TensorShape(other)._dims
        if mine is None or theirs is None:
            return True
        return len(mine) == len(theirs) and all(
            Dimension(a).is_compatible_with(Dimension(b)) for a, b in zip(mine, theirs, strict=True)
        )

    def assert_is_compatible_with(self, other: Any) -> None:
        """ValueError where no tensor can have both shapes."""
        if not self.is_compatible_with(other):
            raise ValueError(f"shapes {self} and {TensorShape(other)} are not compatible")

    def merge_with(self, other: Any) -> TensorShape:
        """What is known from both; ValueError where they contradict each other."""
        theirs = TensorShape(other)
        self.assert_is_compatible_with(theirs)
        if self._dims is None or theirs._dims is None:
            return theirs if self._dims is None else self
        return TensorShape([
            b if a is None or (isinstance(b, int) and not isinstance(a, int)) else a
            for a, b in zip(self._dims, theirs._dims, strict=True)
        ])  # fmt: skip

    def with_rank(self, rank: int) -> TensorShape:
        """This shape if it has ``rank`` axes, one of unknown sizes if its rank is unknown; else
        ValueError.
        """
        if self.ndims not in (None, rank):
            raise ValueError(f"shape {self} must have rank {rank}")
        return self if self._dims is not None else TensorShape([None] * rank)

    def assert_has_rank(self, rank: int) -> None:
        """ValueError unless the rank is ``rank`` or unknown."""
        self.with_rank(rank)

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape if it has ``rank`` axes or more, or an unknown rank; else ValueError."""
        if self.ndims is not None and self.ndims < rank:
            raise ValueError(f"shape {self} must have rank {rank} or more")
        return self

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        inner = ", ".join("?" if d is None else str(d) for d in self._dims)
        return f"({inner},)" if len(self._dims) == 1 else f"({inner})"

    def __repr__(self) -> str:
        return f"TensorShape({None if self._dims is None else self.dims})"


def declared_shape(graph: Graph, shape: Any, name: str) -> tuple[Dim, ...] | None:
    """The symbolic shape a user wrote: None becomes a size of its own called after ``name``, a
    string the size of that name; a shape of None is an unknown rank."""
    if isinstance(shape, TensorShape):
        shape = shape.symbolic()
    if shape is None:
        return None
    if isinstance(shape, str) or not isinstance(shape, Iterable):
        shape = [shape]
    listed = list(shape)
    stem = name.rpartition("/")[2]
    return tuple(
        _declared(graph, d, f"{stem}_{k}" if len(listed) > 1 else stem)
        for k, d in enumerate(listed)
    )


def _declared(graph: Graph, size: Any, name: str) -> Dim:
    if isinstance(size, str):
        return graph.named_dim(size)
    dim = _dim(size)
    if dim is None:
        if size is None or isinstance(size, Dimension):
            return graph.new_dim(name)
        raise ShapeError(
            f"a size is an int, None or a name, got {size!r}", subject="shape", site=here()
        )
    if isinstance(dim, int) and dim < 0:
        raise ShapeError(
            f"a size cannot be negative, got {dim}",
            subject="shape",
            hint="write None for a size that is not known yet" if dim == -1 else None,
            site=here(),
        )
    return dim


def static_shape(shape: Any, what: str) -> tuple[int, ...]:
    """A shape whose every size is known now."""
    sizes = TensorShape(shape)
    if not sizes.is_fully_defined():
        raise ShapeError(
            f"the shape of {what} must be known when it is made, got {sizes}", site=here()
        )
    return tuple(d for d in sizes.symbolic() or () if isinstance(d, int))


def listed(values: Any) -> Sequence[Any]:
    """A list or tuple as it is; anything else as a list of one."""
    return values if isinstance(values, list | tuple) else [values]
