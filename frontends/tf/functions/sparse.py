"""``tf.SparseTensor``: values at some positions of a tensor that is zero elsewhere.

``indices`` is int64 [entries, rank], ``values`` [entries], ``dense_shape`` int64 [rank].  Positions
may come in any order unless a function says it needs them sorted, as its own results are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from frontends.tf.graph.building import placeholder
from frontends.tf.graph.shapes import Dimension, TensorShape
from frontends.tf.graph.tensor import builder, convert, is_tensor
from graphc.errors import ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import DType, as_dtype, bool_, int64
from graphc.ir.graph import Graph, Node, Tensor, default_graph
from graphc.ir.shape_values import dims_of
from graphc.ir.source import here


def __getattr__(name: str) -> Any:
    """``tf.sparse.add`` and its like, which are owned by other modules."""
    from frontends.tf.names.missing import elsewhere, namespace

    return elsewhere("sparse", name, dir(namespace("sparse")))


class SparseTensorValue(NamedTuple):
    """A sparse tensor as arrays: what is fed for a :class:`SparseTensor` and fetched of one."""

    indices: Any
    values: Any
    dense_shape: Any

    @property
    def shape(self) -> Any:
        return self.dense_shape


class SparseTensor:
    """``values[k]`` at position ``indices[k]`` of a tensor of ``dense_shape``.

    >>> sp = tf.SparseTensor([[0, 1], [2, 0]], [3.0, 4.0], dense_shape=[3, 2])
    >>> tf.sparse_tensor_dense_matmul(sp, w)
    """

    is_sparse_tensor = True  # for functions that take one beside tensors

    def __init__(
        self, indices: Any, values: Any, dense_shape: Any = None, *, shape: Any = None
    ) -> None:
        given = dense_shape if dense_shape is not None else shape
        if given is None:
            raise ValueError("a SparseTensor needs a dense_shape")
        if isinstance(given, TensorShape):
            given = given.as_list()
        self._indices = _wide(_empty_matrix(indices, given))
        self._values = convert(values)
        self._dense_shape = _wide(given)
        self._sizes: tuple[Dim, ...] | None = None
        self._fed_shape = True
        self._extent: Tensor | None = None  # fed an empty array whose leading axes are the shape
        for name, tensor, rank in (
            ("indices", self._indices, 2), ("values", self._values, 1),
            ("dense_shape", self._dense_shape, 1),
        ):  # fmt: skip
            if tensor.type.rank not in (None, rank):
                raise ShapeError(
                    f"{name} of a SparseTensor must have rank {rank}",
                    rows=[(name, str(tensor.type), "")],
                    site=here(),
                )

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """A constant of a :class:`SparseTensorValue` (or of another SparseTensor's parts)."""
        value = sparse_tensor_value
        if isinstance(value, SparseTensor):
            return value
        if not isinstance(value, SparseTensorValue):
            raise TypeError(f"Neither a SparseTensor nor SparseTensorValue: {value!r}.")
        return cls(value.indices, value.values, value.dense_shape)

    # --- parts ---------------------------------------------------------------------------------

    @property
    def indices(self) -> Tensor:
        return self._indices

    @property
    def values(self) -> Tensor:
        return self._values

    @property
    def dense_shape(self) -> Tensor:
        return self._dense_shape

    @property
    def dtype(self) -> DType:
        return self._values.dtype

    @property
    def op(self) -> Node:
        return self._values.node

    @property
    def name(self) -> str:
        return self._values.name

    @property
    def graph(self) -> Graph:
        return self._values.graph

    @property
    def shape(self) -> TensorShape:
        """The dense shape as far as it is known while the graph is built."""
        found = self._sizes or dims_of(self._dense_shape)
        if isinstance(found, tuple):
            return TensorShape([Dimension(d) for d in found])
        rank = self._known_rank()
        return TensorShape(None if rank is None else [None] * rank)

    def get_shape(self) -> TensorShape:
        return self.shape

    def consumers(self) -> list[Node]:
        return self._values.consumers()  # type: ignore[attr-defined]

    # --- what functions of sparse tensors ask ---------------------------------------------------

    def _known_rank(self) -> int | None:
        lengths = (
            (self._dense_shape.type.shape or (None,))[0],
            (self._indices.type.shape or (None, None))[1],
        )
        return next((n for n in lengths if isinstance(n, int)), None)

    @property
    def rank(self) -> int:
        """How many axes it has; functions that go by axes need to know."""
        found = self._known_rank()
        if found is None:
            raise ShapeError(
                "the rank of this SparseTensor must be known",
                rows=[("dense_shape", str(self._dense_shape.type), "")],
                hint="say the shape: tf.sparse_placeholder(dtype, shape=[None, 784])",
                site=here(),
            )
        return found

    def of_rank(self, rank: int) -> SparseTensor:
        """The same, taken to have ``rank`` axes where that is not known."""
        if self._known_rank() is None:
            b = builder(self._values)
            entries = self._values.type.dims[0]
            return SparseTensor(
                b.reshape(self._indices, shape=(entries, rank)),
                self._values,
                b.reshape(self._dense_shape, shape=(rank,)),
            )
        if self.rank != rank:
            raise ShapeError(
                f"a SparseTensor of rank {rank} is needed, this has rank {self.rank}", site=here()
            )
        return self

    def sizes(self) -> tuple[Dim, ...]:
        """The dense shape as sizes; where only a run knows them, it decides them."""
        if self._sizes is None:
            b = builder(self._values)
            shape = self._dense_shape
            if shape.type.shape is None or not isinstance(shape.type.shape[0], int):
                shape = b.reshape(shape, shape=(self.rank,))
            self._sizes = tuple(b.shape_argument(shape))
        return self._sizes

    def column(self, axis: int) -> Tensor:
        """Every entry's index along one axis: int64 [entries]."""
        b = builder(self._indices)
        entries = self._values.type.dims[0]
        part = b.slice(self._indices, begin=(0, axis), size=(entries, 1))
        return b.reshape(part, shape=(entries,))

    def with_values(self, values: Tensor) -> SparseTensor:
        """Other values at the same positions."""
        made = SparseTensor(self._indices, values, self._dense_shape)
        made._sizes = self._sizes
        return made

    # --- in sessions ---------------------------------------------------------------------------

    def fetch_parts(self) -> SparseTensorValue:
        """What is fetched for it, in the structure its value has."""
        return SparseTensorValue(self._indices, self._values, self._dense_shape)

    def feed_parts(self) -> tuple[Tensor, ...]:
        """The tensors that are fed for it, in the order :meth:`fed_values` gives arrays."""
        parts = (self._indices, self._values, self._dense_shape)
        if self._extent is not None:
            return (*parts, self._extent)
        return parts if self._fed_shape else parts[:2]

    def fed_values(self, value: Any) -> tuple[Any, ...]:
        """The arrays of a :class:`SparseTensorValue` or a tuple of (indices, values, shape)."""
        if not isinstance(value, tuple | list) or len(value) != 3:
            raise TypeError(
                f"a SparseTensor is fed a SparseTensorValue or (indices, values, dense_shape), "
                f"got {value!r}"
            )
        indices, values, shape = value
        indices = _empty_matrix(indices, shape)
        if self._known_rank() is None:
            return indices, values, shape
        known = self.shape.as_list()
        fits = len(known) == len(shape) and all(
            n is None or n == int(m) for n, m in zip(known, shape, strict=True)
        )
        if not fits:
            raise ShapeError(
                "the sparse value fed has another shape",
                subject="run",
                rows=[("needed", str(known), ""), ("fed", str(list(map(int, shape))), "")],
                site=here(),
            )
        if self._extent is not None:
            return indices, values, shape, np.empty((*map(int, shape), 0), bool)
        return (indices, values, shape) if self._fed_shape else (indices, values)

    def eval(self, feed_dict: dict | None = None, session: Any = None) -> SparseTensorValue:
        """The value in ``session`` (default: the default session)."""
        from runtime.session import session_for

        return session_for(session, self.graph).run(self, feed_dict)

    # --- operators -----------------------------------------------------------------------------

    def __mul__(self, other: Any) -> SparseTensor:
        return _ops().sparse_dense_cwise("mul", self, other)

    def __rmul__(self, other: Any) -> SparseTensor:
        return _ops().sparse_dense_cwise("mul", self, other)

    def __truediv__(self, other: Any) -> SparseTensor:
        return _ops().sparse_dense_cwise("truediv", self, other)

    def __add__(self, other: Any) -> Any:
        return _ops().sparse_add(self, other)

    __radd__ = __add__
    __array_priority__ = 100

    def __neg__(self) -> SparseTensor:
        return self.with_values(builder(self._values).neg(self._values))

    def __repr__(self) -> str:
        return (
            f"SparseTensor(indices={self._indices!r}, values={self._values!r}, "
            f"dense_shape={self._dense_shape!r})"
        )


def _ops() -> Any:
    from frontends.tf.functions import sparse_ops

    return sparse_ops


def _wide(value: Any) -> Tensor:
    """Indices and sizes are int64."""
    if not is_tensor(value):
        return convert(np.asarray(value, np.int64))
    tensor = convert(value)
    return tensor if tensor.dtype is int64 else builder(tensor).cast(tensor, dtype=int64)


def _empty_matrix(indices: Any, shape: Any) -> Any:
    """``[]`` stands for no indices, whatever the rank."""
    if is_tensor(indices) or is_tensor(shape) or np.size(indices):
        return indices
    return np.zeros((0, len(shape)), np.int64)


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """A sparse tensor to be fed: ``{sp: (indices, values, dense_shape)}``.

    ``shape`` may hold None for sizes that differ from run to run; without it nothing is known.

    >>> sp = tf.sparse_placeholder(tf.float32, shape=[None, 1000])
    """
    b = Builder(default_graph())
    sizes = None if shape is None or is_tensor(shape) else TensorShape(shape).as_list()
    rank = None if sizes is None else len(sizes)
    title = name or "Placeholder"
    with b.home.name_scope(title):
        values = placeholder(as_dtype(dtype), [None], name="values")
        indices = placeholder(int64, [Dimension(values.type.dims[0]), rank], name="indices")
        if is_tensor(shape):
            dense_shape = convert(shape)
        elif sizes is not None and None not in sizes:
            dense_shape = convert(np.array(sizes, np.int64), name="shape")
        else:
            dense_shape = placeholder(int64, [rank], name="shape")
        made = SparseTensor(indices, values, dense_shape)
        made._fed_shape = dense_shape.node.op.name == "placeholder"
        if sizes is not None and made._fed_shape:
            # Sizes read off an array's header are known before the run; numbers in it are not.
            made._extent = placeholder(bool_, [*sizes, 0], name="extent")
            made._sizes = made._extent.type.dims[:-1]
    return made


def convert_to_tensor_or_sparse_tensor(
    value: Any, dtype: Any = None, name: str | None = None
) -> Tensor | SparseTensor:
    """``value`` as a tensor; a :class:`SparseTensor` or its value as a SparseTensor."""
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if isinstance(value, SparseTensor):
        if dtype is not None and as_dtype(dtype) is not value.dtype:
            raise RuntimeError(
                f"Sparse dtype: requested = {as_dtype(dtype).name}, actual = {value.dtype.name}"
            )
        return value
    return convert(value, dtype, name=name)


def as_sparse(value: Any, name: str = "sp_input") -> SparseTensor:
    """A sparse argument: a SparseTensor or its value."""
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    if not isinstance(value, SparseTensor):
        raise TypeError(f"{name} must be a SparseTensor, got {value!r}")
    return value


def flat_positions(b: Builder, columns: Sequence[Tensor], sizes: Sequence[Dim]) -> Tensor:
    """Row-major positions of entries among axes of these sizes: int64 [entries]."""
    total: Tensor | None = None
    for column, size in zip(columns, sizes, strict=True):
        if total is None:
            total = column
        else:
            total = b.add(b.mul(total, b.dim_value(dim=size, dtype=int64)), column)
    assert total is not None, "there is an axis"
    return total


def shape_vector(b: Builder, sizes: Sequence[Dim]) -> Tensor:
    """Sizes as an int64 vector."""
    if all(isinstance(size, int) for size in sizes):
        return b.tensor(np.array(sizes, np.int64), dtype=int64)
    return b.pack(*(b.dim_value(dim=size, dtype=int64) for size in sizes), axis=0)
