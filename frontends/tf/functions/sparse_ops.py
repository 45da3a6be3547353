"""Functions of sparse tensors.  Their results have their positions in row-major order.

How many entries a result has may depend on the data (``sparse_add``, ``sparse_retain``); a run with
such sizes goes stage by stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from frontends.tf.functions.math import _one_of, axes_of
from frontends.tf.functions.sparse import (
    SparseTensor,
    SparseTensorValue,
    as_sparse,
    flat_positions,
    shape_vector,
)
from frontends.tf.graph.tensor import builder, convert, known_rank, sizes_of
from frontends.tf.names.forwards import alike
from graphc.errors import ShapeError
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype, bool_, float32, int32, int64
from graphc.ir.graph import Tensor
from graphc.ir.source import here


def _columns(sp: SparseTensor) -> list[Tensor]:
    return [sp.column(k) for k in range(sp.rank)]


def _of_columns(columns: Sequence[Tensor], values: Tensor, sizes: Sequence[Dim]) -> SparseTensor:
    b = builder(values)
    made = SparseTensor(b.pack(*columns, axis=1), values, shape_vector(b, sizes))
    made._sizes = tuple(sizes)
    return made


def _checked_positions(sp: SparseTensor) -> Tensor:
    """Every entry's row-major position; an index outside the shape is an error of the run."""
    b = builder(sp.values)
    indices = b.reshape(sp.indices, shape=(sp.values.type.dims[0], sp.rank))
    return b.flat_positions(indices, bounds=sp.sizes())


# --- to and from dense ---------------------------------------------------------------------------


def sparse_to_dense(
    sparse_indices: Any, output_shape: Any, sparse_values: Any, default_value: Any = 0,
    validate_indices: bool = True, name: str | None = None,
) -> Tensor:  # fmt: skip
    """``default_value`` in the shape ``output_shape``, and the values at their positions.

    sparse_indices: a scalar, [n], or [n, rank]; sparse_values: [n], or one for all.  With
    ``validate_indices`` the positions must be in order and distinct.

    >>> tf.sparse_to_dense([[0, 1], [2, 0]], [3, 2], [5.0, 6.0])
    """
    indices, values = convert(sparse_indices), convert(sparse_values)
    b = builder(indices, values)
    with b.home.name_scope(name or "SparseToDense"):
        sizes = sizes_of(b, output_shape)
        rank = known_rank(indices, "sparse_to_dense")
        count = 1 if rank == 0 else indices.type.dims[0]
        width = indices.type.dims[1] if rank == 2 else 1
        if rank > 2 or width != len(sizes):
            raise ShapeError(
                f"positions in a shape of {len(sizes)} axes are [n, {len(sizes)}]",
                rows=[("sparse_indices", str(indices.type), "")],
                site=here(),
            )
        positions = b.flat_positions(b.reshape(indices, shape=(count, width)), bounds=sizes)
        if validate_indices:
            positions = b.check_increasing(positions)
        if values.type.shape == ():
            values = b.broadcast_to(values, shape=(count,))
        default = convert(default_value, like=values)
        whole = b.filled_at(positions, values, default, size=dims.product(sizes))
        return b.reshape(whole, shape=sizes)


def sparse_tensor_to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The dense tensor: ``default_value`` (0) where there is no entry."""
    sp = as_sparse(sp_input)
    b = builder(sp.values)
    with b.home.name_scope(name or "SparseToDense"):
        positions = _checked_positions(sp)
        if validate_indices:
            positions = b.check_increasing(positions)
        if default_value is None:
            default_value = b"" if sp.dtype.is_string else False if sp.dtype.is_bool else 0
        default = convert(default_value, like=sp.values)
        sizes = sp.sizes()
        whole = b.filled_at(positions, sp.values, default, size=dims.product(sizes))
        return b.reshape(whole, shape=sizes)


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """The elements that are not zero (or empty, for strings)."""
    x = convert(tensor)
    b = builder(x)
    with b.home.name_scope(name or "dense_to_sparse"):
        zero = b.tensor(b"" if x.dtype.is_string else False if x.dtype.is_bool else 0,
                        dtype=x.dtype)  # fmt: skip
        return _elements_where(b, x, b.not_equal(x, zero))


def dense_to_sparse(
    tensor: Any, eos_token: Any = 0, outputs_collections: Any = None, scope: str | None = None
) -> SparseTensor:
    """The elements that are not ``eos_token``."""
    x = convert(tensor)
    b = builder(x)
    with b.home.name_scope(scope or "dense_to_sparse"):
        return _elements_where(b, x, b.not_equal(x, convert(eos_token, like=x)))


def _elements_where(b: Builder, x: Tensor, there: Tensor) -> SparseTensor:
    indices = b.where_true(there)
    made = SparseTensor(indices, b.gather_nd(x, indices), shape_vector(b, x.type.dims))
    made._sizes = x.type.dims
    return made


def eye(
    num_rows: int, num_columns: int | None = None, dtype: Any = float32, name: str | None = None
) -> SparseTensor:
    """Ones at [k, k]."""
    columns = num_rows if num_columns is None else num_columns
    count = min(num_rows, columns)
    places = np.repeat(np.arange(count)[:, None], 2, 1)
    values = np.ones(count, as_dtype(dtype).numpy)
    return SparseTensor(places, convert(values, as_dtype(dtype)), [num_rows, columns])


def expand_dims(sp_input: Any, axis: Any = None, name: str | None = None) -> SparseTensor:
    """The same with an axis of size 1 before ``axis`` (default: as the last)."""
    sp = as_sparse(sp_input)
    b = builder(sp.values)
    chosen = axes_of(axis)
    at = -1 if chosen is None else chosen
    if not isinstance(at, int) or not -sp.rank - 1 <= at <= sp.rank:
        raise ValueError(f"axis {at} is not in [-{sp.rank + 1}, {sp.rank}]")
    at %= sp.rank + 1
    with b.home.name_scope(name or "expand_dims"):
        columns, sizes = _columns(sp), list(sp.sizes())
        columns.insert(at, b.full(sp.values.type.dims, 0, int64))
        sizes.insert(at, 1)
        return _of_columns(columns, sp.values, sizes)


def sparse_to_indicator(sp_input: Any, vocab_size: Any, name: str | None = None) -> Tensor:
    """True at ``[..., values[k]]``: the last axis becomes one of ``vocab_size`` classes."""
    sp = as_sparse(sp_input)
    b = builder(sp.values)
    with b.home.name_scope(name or "SparseToIndicator"):
        there = sp.with_values(b.full(sp.values.type.dims, True, bool_))
        merged = sparse_merge(sp, there, vocab_size)
        return sparse_tensor_to_dense(merged, False, validate_indices=False)


def sparse_merge(
    sp_ids: Any, sp_values: Any, vocab_size: Any, name: str | None = None,
    already_sorted: bool = False,
) -> SparseTensor:  # fmt: skip
    """The values of ``sp_values`` with the ids of ``sp_ids`` as their last index.

    Several id tensors, with as many sizes, give as many last axes.
    """
    ids = [as_sparse(s, "sp_ids") for s in (sp_ids if isinstance(sp_ids, list) else [sp_ids])]
    sizes = vocab_size if isinstance(sp_ids, list) else [vocab_size]
    if len(sizes) != len(ids):
        raise ValueError(f"{len(ids)} sp_ids need as many vocab_sizes, got {len(sizes)}")
    values = as_sparse(sp_values, "sp_values")
    b = builder(values.values)
    with b.home.name_scope(name or "SparseMerge"):
        last = [s.values if s.dtype is int64 else b.cast(s.values, dtype=int64) for s in ids]
        bounds = [sizes_of(b, [size])[0] for size in sizes]
        last = [b.check_range(t, bound=n, what="sp_ids.values")
                for t, n in zip(last, bounds, strict=True)]  # fmt: skip
        leading = range(ids[0].rank - 1)
        columns = [ids[0].column(k) for k in leading] + last
        made = _of_columns(columns, values.values, (*ids[0].sizes()[:-1], *bounds))
        return made if already_sorted else sparse_reorder(made)


# --- order, shape, parts -------------------------------------------------------------------------


def sparse_reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The same tensor with its positions in row-major order."""
    sp = as_sparse(sp_input)
    b = builder(sp.values)
    with b.home.name_scope(name or "SparseReorder"):
        order = b.index_order(sp.indices)
        return _picked(sp, order)


def _picked(sp: SparseTensor, order: Tensor) -> SparseTensor:
    """Some entries, by number."""
    b = builder(sp.values)
    made = SparseTensor(
        b.gather(sp.indices, order, axis=0), b.gather(sp.values, order, axis=0), sp.dense_shape
    )
    made._sizes = sp._sizes
    return made


def sparse_retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """The entries for which the bool vector ``to_retain`` is true."""
    sp = as_sparse(sp_input)
    kept = convert(to_retain, bool_)
    b = builder(sp.values)
    return _picked(sp, b.reshape(b.where_true(kept), shape=(-1,)))


def sparse_reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """The same entries in row-major order under another shape, in which one size may be -1."""
    sp = as_sparse(sp_input)
    b = builder(sp.values)
    with b.home.name_scope(name or "SparseReshape"):
        whole = dims.product(sp.sizes())
        sizes = list(sizes_of(b, shape))
        if -1 in sizes:
            at = sizes.index(-1)
            rest = dims.product(sizes[:at] + sizes[at + 1 :])
            sizes[at] = dims.floordiv(whole, rest)
        total = dims.product(sizes)
        if isinstance(whole, int) and isinstance(total, int) and whole != total:
            raise ValueError(
                f"Cannot reshape a tensor with {whole} elements to shape {sizes} ({total} elements)"
            )
        left = flat_positions(b, _columns(sp), sp.sizes())
        columns = []
        for size in reversed(sizes[1:]):
            n = b.dim_value(dim=size, dtype=int64)
            columns.append(b.floormod(left, b.maximum(n, 1)))
            left = b.floordiv(left, b.maximum(n, 1))
        return _of_columns([left, *reversed(columns)], sp.values, sizes)


def sparse_transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """The axes in another order (default: reversed)."""
    sp = as_sparse(sp_input)
    b = builder(sp.values)
    with b.home.name_scope(name or "SparseTranspose"):
        chosen = axes_of(perm)
        order = tuple(reversed(range(sp.rank))) if chosen is None else chosen
        assert isinstance(order, tuple)
        columns, sizes = _columns(sp), sp.sizes()
        return sparse_reorder(
            _of_columns([columns[k] for k in order], sp.values, [sizes[k] for k in order])
        )


def sparse_slice(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """The block of ``size`` from ``start`` on, cut where the tensor ends."""
    sp = as_sparse(sp_input)
    b = builder(sp.values)
    with b.home.name_scope(name or "SparseSlice"):
        first, extent = (_vector(b, v) for v in (start, size))
        last = b.minimum(b.add(first, extent), sp.dense_shape)
        inside = b.logical_and(b.greater_equal(sp.indices, first), b.less(sp.indices, last))
        kept = sparse_retain(sp, b.reduce_all(inside, axis=(1,)))
        shape = b.maximum(b.sub(last, first), 0)
        return SparseTensor(b.sub(kept.indices, first), kept.values, shape)


def _vector(b: Builder, value: Any) -> Tensor:
    tensor = convert(value)
    return tensor if tensor.dtype is int64 else b.cast(tensor, dtype=int64)


def sparse_split(
    keyword_required: Any = None, sp_input: Any = None, num_split: int | None = None,
    axis: Any = None, name: str | None = None, split_dim: Any = None,
) -> list[SparseTensor]:  # fmt: skip
    """``num_split`` parts along ``axis``; the first are one longer where it does not divide."""
    sp = as_sparse(sp_input)
    along = axes_of(_one_of(axis, split_dim, "axis", "split_dim"))
    if not isinstance(along, int) or not num_split:
        raise ValueError("sparse_split needs num_split and axis")
    sizes = list(sp.sizes())
    whole = sizes[along]
    if not isinstance(whole, int):
        raise ShapeError("sparse_split needs to know the size of the axis it splits", site=here())
    b = builder(sp.values)
    parts, begin = [], [0] * len(sizes)
    with b.home.name_scope(name or "SparseSplit"):
        for k in range(num_split):
            length = whole // num_split + (k < whole % num_split)
            extent = shape_vector(b, [*sizes[:along], length, *sizes[along + 1 :]])
            parts.append(sparse_slice(sp, list(begin), extent))
            begin[along] += length
    return parts


def sparse_concat(
    axis: Any, sp_inputs: Any, name: str | None = None, expand_nonconcat_dim: bool = False,
    concat_dim: Any = None, expand_nonconcat_dims: bool | None = None,
) -> SparseTensor:  # fmt: skip
    """Sparse tensors one after the other along ``axis``.

    The other sizes must agree, or with ``expand_nonconcat_dim`` are the largest of them.
    """
    along = axes_of(_one_of(axis, concat_dim, "axis", "concat_dim"))
    given = sp_inputs if isinstance(sp_inputs, list | tuple) else [sp_inputs]
    inputs = [as_sparse(s, "sp_inputs") for s in given]
    expand = expand_nonconcat_dim if expand_nonconcat_dims is None else expand_nonconcat_dims
    if len(inputs) == 1:
        return inputs[0]
    assert isinstance(along, int)
    rank = inputs[0].rank
    along %= rank
    b = builder(inputs[0].values)
    with b.home.name_scope(name or "SparseConcat"):
        shapes = [s.sizes() for s in inputs]
        sizes = [_joined_size([s[k] for s in shapes], k, k == along, expand) for k in range(rank)]
        offset: Dim = 0
        moved = []
        for sp, shape in zip(inputs, shapes, strict=True):
            step = [0] * rank
            by = shape_vector(b, [*step[:along], offset, *step[along + 1 :]])
            moved.append(b.add(sp.indices, by))
            offset = offset + shape[along]
        values = b.concat(*(s.values for s in inputs), axis=0)
        made = SparseTensor(b.concat(*moved, axis=0), values, shape_vector(b, sizes))
        made._sizes = tuple(sizes)
        return sparse_reorder(made)


def _joined_size(sizes: Sequence[Dim], axis: int, along: bool, expand: bool) -> Dim:
    if along:
        return sum(sizes, start=0)
    if expand:
        largest = sizes[0]
        for size in sizes[1:]:
            largest = dims.maximum(largest, size)
        return largest
    known = {size for size in sizes if isinstance(size, int)}
    if len(known) > 1:
        raise ValueError(
            f"the sizes along axis {axis} differ ({', '.join(map(str, sizes))}); "
            "expand_nonconcat_dim=True takes the largest"
        )
    return next(iter(known), sizes[0])


def sparse_reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """The same entries in ``new_shape``, which must hold the old one, or in the smallest shape."""
    sp = as_sparse(sp_input)
    b = builder(sp.values)
    if new_shape is None:
        largest = b.reduce_max(sp.indices, axis=(0,))
        return SparseTensor(sp.indices, sp.values, b.maximum(b.add(largest, 1), 0))
    sizes = sizes_of(b, new_shape)
    if len(sizes) != sp.rank:
        raise ValueError(f"new_shape has {len(sizes)} sizes, the tensor rank {sp.rank}")
    for new, old in zip(sizes, sp.sizes(), strict=True):
        if isinstance(new, int) and isinstance(old, int) and new < old:
            raise ValueError(f"new_shape {list(sizes)} is smaller than {list(sp.sizes())}")
    made = SparseTensor(sp.indices, sp.values, shape_vector(b, sizes))
    made._sizes = tuple(sizes)
    return made


def sparse_fill_empty_rows(
    sp_input: Any, default_value: Any, name: str | None = None
) -> tuple[SparseTensor, Tensor]:
    """(the tensor with ``default_value`` at column 0 of every row that had no entry, a bool vector
    of those rows)."""
    sp = as_sparse(sp_input)
    b = builder(sp.values)
    with b.home.name_scope(name or "SparseFillEmptyRows"):
        count = sp.sizes()[0]
        rows = sp.column(0)
        entries = b.full(sp.values.type.dims, 1, int32)
        empty = b.equal(b.unsorted_segment_sum(entries, rows, num_segments=count), 0)
        missing = b.reshape(b.where_true(empty), shape=(-1,))
        (added,) = missing.type.dims
        zero = b.full((added,), 0, int64)
        fresh = b.pack(missing, *[zero] * (sp.rank - 1), axis=1)
        default = convert(default_value, like=sp.values)
        values = b.concat(sp.values, b.broadcast_to(default, shape=(added,)), axis=0)
        made = SparseTensor(b.concat(sp.indices, fresh, axis=0), values, sp.dense_shape)
        made._sizes = sp._sizes
        return sparse_reorder(made), empty


# --- arithmetic ----------------------------------------------------------------------------------


def sparse_tensor_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Tensor:
    """The matrix product of a sparse matrix and a dense one.

    sp_a: [n, k] (or [k, n], with ``adjoint_a``), in any order; b: [k, m] (or [m, k]).  Gradients
    flow to the values and to ``b``; the sparse matrix is never made dense.

    >>> logits = tf.sparse_tensor_dense_matmul(features, weights) + bias
    """
    sp = as_sparse(sp_a, "sp_a").of_rank(2)
    dense = convert(b, like=sp.values)
    g = builder(sp.values)
    with g.home.name_scope(name or "SparseTensorDenseMatMul"):
        rows, columns = sp.column(0), sp.column(1)
        height, depth = sp.sizes()
        if adjoint_a:
            rows, columns, height, depth = columns, rows, depth, height
        if adjoint_b:
            dense = g.transpose(dense, perm=(1, 0))
        inner = dense.type.dims[0]
        if isinstance(inner, int) and isinstance(depth, int) and inner != depth:
            raise ShapeError(
                "inner sizes differ",
                subject="sparse_tensor_dense_matmul",
                rows=[("sp_a", f"{sp.dtype}[{height}, {depth}]", ""), ("b", str(dense.type), "")],
                site=here(),
            )
        return g.sparse_mat_mul(rows, columns, sp.values, dense, count=height)


def sparse_add(a: Any, b: Any, threshold: Any = None, thresh: Any = None) -> Any:
    """The sum of two tensors of which one at least is sparse: sparse if both are, else dense.

    Sums of two entries whose magnitude is below ``threshold`` are dropped.
    """
    limit = _one_of(threshold, thresh, "threshold", "thresh")
    kinds = SparseTensor, SparseTensorValue
    if isinstance(a, kinds) and isinstance(b, kinds):
        return _sparse_sum(as_sparse(a), as_sparse(b), 0 if limit is None else limit)
    if not isinstance(a, kinds) and not isinstance(b, kinds):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    sparse, dense = (a, b) if isinstance(a, kinds) else (b, a)
    sp = as_sparse(sparse)
    x = convert(dense, like=sp.values)
    g = builder(sp.values)
    positions = _checked_positions(sp.of_rank(x.type.rank or sp.rank))
    zeros = g.unsorted_segment_sum(sp.values, positions, num_segments=x.type.elements)
    return g.add(x, g.reshape(zeros, shape=x.type.dims), name="SparseTensorDenseAdd")


def _sparse_sum(x: SparseTensor, y: SparseTensor, limit: Any) -> SparseTensor:
    b = builder(x.values)
    with b.home.name_scope("SparseAdd"):
        groups, place_x, place_y = _united(x, y)
        (count, _) = groups.type.dims
        values = b.concat(x.values, convert(y.values, like=x.values), axis=0)
        places = b.concat(place_x, place_y, axis=0)
        total = SparseTensor(
            groups, b.unsorted_segment_sum(values, places, num_segments=count), x.dense_shape
        )
        total._sizes = x._sizes
        if isinstance(limit, int | float) and limit <= 0:
            return total
        ones = b.full(places.type.dims, 1, int32)
        alone = b.less(b.unsorted_segment_sum(ones, places, num_segments=count), 2)
        size = b.abs(total.values)
        large = b.greater_equal(size, convert(limit, like=size))
        return sparse_retain(total, b.logical_or(alone, large))


def _united(x: SparseTensor, y: SparseTensor) -> tuple[Tensor, Tensor, Tensor]:
    """The positions of either, and where in them the entries of each are."""
    mine, theirs = x.shape, y.shape
    if not mine.is_compatible_with(theirs):
        raise ShapeError(
            "the two sparse tensors differ in shape",
            rows=[("a", str(mine), ""), ("b", str(theirs), "")],
            site=here(),
        )
    b = builder(x.values)
    groups, places = b.index_groups_of(b.concat(x.indices, y.indices, axis=0))
    (n,), (m,) = x.values.type.dims, y.values.type.dims
    first = b.slice(places, begin=(0,), size=(n,))
    return groups, first, b.slice(places, begin=(n,), size=(m,))


def _extreme(op: str, public: str, word: str) -> Callable[..., SparseTensor]:
    def extreme(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
        x, y = as_sparse(sp_a, "sp_a"), as_sparse(sp_b, "sp_b")
        b = builder(x.values)
        with b.home.name_scope(name or public):
            groups, place_x, place_y = _united(x, y)
            (count, _) = groups.type.dims
            mine = b.unsorted_segment_sum(x.values, place_x, num_segments=count)
            theirs = b.unsorted_segment_sum(y.values, place_y, num_segments=count)
            made = SparseTensor(groups, getattr(b, op)(mine, theirs), x.dense_shape)
            made._sizes = x._sizes
            return made

    extreme.__name__ = extreme.__qualname__ = f"sparse_{op}"
    extreme.__doc__ = f"The {word} of two sparse tensors, element by element; no entry is a zero."
    return extreme


sparse_maximum = _extreme("maximum", "SparseSparseMaximum", "larger")
sparse_minimum = _extreme("minimum", "SparseSparseMinimum", "smaller")


def sparse_dense_cwise(op: str, sp: SparseTensor, other: Any) -> SparseTensor:
    """``sp * dense`` or ``sp / dense`` at the entries of ``sp``; the dense one is broadcast."""
    (x,) = (convert(other, like=sp.values),)
    b = builder(sp.values)
    rank = x.type.rank
    if rank is None or rank > sp.rank:
        raise ShapeError(
            "the dense operand must broadcast to the sparse one",
            rows=[("dense", str(x.type), ""), ("sparse", str(sp.shape), "")],
            site=here(),
        )
    if rank == 0:
        return sp.with_values(getattr(b, op)(sp.values, x))
    columns = [
        b.full(sp.values.type.dims, 0, int64) if size == 1 else sp.column(sp.rank - rank + k)
        for k, size in enumerate(x.type.dims)
    ]
    there = b.gather_nd(x, b.pack(*columns, axis=1))
    return sp.with_values(getattr(b, op)(sp.values, there))


def sparse_softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """Softmax along the last axis over the entries there are."""
    sp = as_sparse(sp_input)
    if sp.rank < 2:
        raise ShapeError("sparse_softmax needs at least two axes", site=here())
    b = builder(sp.values)
    with b.home.name_scope(name or "SparseSoftmax"):
        columns, sizes = _columns(sp)[:-1], sp.sizes()[:-1]
        rows, count = flat_positions(b, columns, sizes), dims.product(sizes)
        largest = b.unsorted_segment_max(b.stop_gradient(sp.values), rows, num_segments=count)
        powers = b.exp(b.sub(sp.values, b.gather(largest, rows, axis=0)))
        totals = b.unsorted_segment_sum(powers, rows, num_segments=count)
        return sp.with_values(b.truediv(powers, b.gather(totals, rows, axis=0)))


def sparse_mask(a: Any, mask_indices: Any, name: str | None = None) -> Any:
    """``tf.IndexedSlices`` without the rows that ``mask_indices`` names."""
    from frontends.tf.graph.indexed_slices import IndexedSlices

    b = builder(a.values)
    with b.home.name_scope(name or "sparse_mask"):
        masked = convert(mask_indices, like=a.indices)
        left, right = alike([b.expand_dims(a.indices, axis=1), masked])
        kept = b.logical_not(b.reduce_any(b.equal(left, right), axis=(1,)))
        return IndexedSlices(
            b.boolean_mask(a.values, kept), b.boolean_mask(a.indices, kept), a.dense_shape
        )
