"""Gradients of a few rows: ``tf.IndexedSlices``, and what functions of tensors do with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert, sizes_of
from graphc.errors import ShapeError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import DType, as_dtype, int32
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.operators import Operators
from graphc.ir.rows import Rows
from graphc.ir.source import here


class IndexedSlicesValue(NamedTuple):
    """What ``session.run`` gives for an :class:`IndexedSlices`."""

    values: Any
    indices: Any
    dense_shape: Any


class _Pair(NamedTuple):
    values: Any
    indices: Any


class _WithoutShape(_Pair):
    """Fetched where there is no dense shape."""

    @classmethod
    def _make(cls, parts: Any) -> Any:  # type: ignore[override]
        values, indices = parts
        return IndexedSlicesValue(values, indices, None)


class IndexedSlices(Operators):
    """``dense[indices[i]] += values[i]`` over zeros of ``dense_shape``, not made yet.

    values: [n, ...], indices: int[n].  Equal indices add up.  ``tf.gradients`` gives one where rows
    of a variable were looked up; whatever needs the dense tensor makes it.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values = convert(values)
        self._indices = convert(indices)
        self._dense_shape = None if dense_shape is None else convert(dense_shape)
        self._rows: Rows | None = None
        self._dense: Tensor | None = None

    @classmethod
    def of_rows(cls, rows: Rows) -> IndexedSlices:
        """A gradient as the graph's own code has it."""
        b = builder(rows.values)
        made = cls(rows.values, rows.indices, b.shape(rows.like, dtype=int32))
        made._rows = rows
        return made

    @property
    def values(self) -> Tensor:
        return self._values

    @property
    def indices(self) -> Tensor:
        return self._indices

    @property
    def dense_shape(self) -> Tensor | None:
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """The shape of the dense tensor, as far as it is known."""
        if self._rows is not None:
            return TensorShape(self._rows.like.type.shape)
        if self._dense_shape is None:
            return TensorShape(None)
        return TensorShape(as_tensor(self).type.shape)

    def get_shape(self) -> TensorShape:
        return self.shape

    @property
    def name(self) -> str:
        return self._values.name

    @property
    def device(self) -> str:
        return self._values.device

    @property
    def op(self) -> Node:
        return self._values.node

    @property
    def dtype(self) -> DType:
        return self._values.dtype

    @property
    def graph(self) -> Graph:
        return self._values.graph

    def with_values(self, values: Tensor) -> IndexedSlices:
        """Other values for the same rows."""
        made = IndexedSlices(values, self._indices, self._dense_shape)
        if self._rows is not None:
            made._rows = Rows(values, self._indices, self._rows.like)
        return made

    def is_read_from(self, table: Tensor) -> bool:
        """Whether the indices are those of reads of ``table``, which checked them (-1 where nothing
        was read)."""
        return self._rows is not None and self._rows.like is table

    def as_graph_tensor(self) -> Tensor:
        """The dense tensor, made once."""
        if self._dense is None:
            b = builder(self._values)
            if self._rows is not None:
                self._dense = self._rows.dense(b)
            elif self._dense_shape is None:
                raise ShapeError(
                    "IndexedSlices without dense_shape cannot become a tensor",
                    rows=[("values", str(self._values.type), "")],
                    hint="give it: tf.IndexedSlices(values, indices, dense_shape)",
                    site=here(),
                )
            else:
                sizes = sizes_of(b, self._dense_shape)
                self._dense = b.unsorted_segment_sum(
                    self._values, self._indices, num_segments=sizes[0]
                )
        return self._dense

    def fetch_parts(self) -> Any:
        """What is fetched for it, in the structure its value has."""
        if self._dense_shape is None:
            return _WithoutShape(self._values, self._indices)
        return IndexedSlicesValue(self._values, self._indices, self._dense_shape)

    def consumers(self) -> list[Node]:
        return self._values.consumers()  # type: ignore[attr-defined]

    def __neg__(self) -> IndexedSlices:
        return self.with_values(builder(self._values).neg(self._values))

    def __repr__(self) -> str:
        return f"IndexedSlices(indices={self._indices!r}, values={self._values!r})"


def of_values(function: Callable) -> Callable:
    """Let a function of a tensor take ``tf.IndexedSlices`` or a ``tf.SparseTensor``: it acts on
    the values."""

    @wraps(function)
    def apply(t: Any, *args: Any, **kwargs: Any) -> Any:
        if hasattr(t, "with_values"):
            return t.with_values(function(t.values, *args, **kwargs))
        return function(t, *args, **kwargs)

    return apply


def values_of(t: Any) -> Any:
    """The values of an :class:`IndexedSlices`; anything else as it is."""
    return t.values if isinstance(t, IndexedSlices) else t


def convert_to_tensor_or_indexed_slices(
    value: Any, dtype: Any = None, name: str | None = None
) -> Tensor | IndexedSlices:
    """``value`` as a tensor; an :class:`IndexedSlices` stays one."""
    if isinstance(value, IndexedSlices):
        if dtype is not None and value.dtype is not as_dtype(dtype):
            raise ValueError(f"the slices are {value.dtype}, {dtype} was asked for")
        return value
    return convert(value, dtype, name=name)
