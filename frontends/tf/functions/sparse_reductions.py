"""Sums and largest entries of sparse tensors along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.functions.math import _one_of, axes_of
from frontends.tf.functions.sparse import SparseTensor, as_sparse, flat_positions, shape_vector
from frontends.tf.graph.tensor import builder
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import int32, int64
from graphc.ir.graph import Tensor


def _reducing(fold: str, sparse: bool) -> Callable[..., Any]:
    def reduce(
        sp_input: Any, axis: Any = None, keepdims: bool | None = None, reduction_axes: Any = None,
        keep_dims: bool | None = None,
    ) -> Any:  # fmt: skip
        sp = as_sparse(sp_input)
        chosen = axes_of(_one_of(axis, reduction_axes, "axis", "reduction_axes"))
        keep = bool(_one_of(keepdims, keep_dims, "keepdims", "keep_dims"))
        axes = range(sp.rank) if chosen is None else [chosen] if isinstance(chosen, int) else chosen
        reduced = {k % sp.rank for k in axes}
        b = builder(sp.values)
        with b.home.name_scope(f"SparseReduce{fold.title()}{'Sparse' * sparse}"):
            if sparse:
                return _reduced_sparse(b, sp, fold, reduced, keep)
            return _reduced_dense(b, sp, fold, reduced, keep)

    result = "a SparseTensor" if sparse else "a dense tensor"
    reduce.__name__ = reduce.__qualname__ = f"sparse_reduce_{fold}{'_sparse' * sparse}"
    reduce.__doc__ = (
        f"The {fold} of the entries over ``axis`` (default: all), as {result}.\n\n"
        "Where there is no entry the result is 0 (dense), or has none (sparse).  "
        "``reduction_axes`` and\n``keep_dims`` are the older spellings."
    )
    return reduce


def _folded(b: Builder, fold: str, values: Tensor, places: Tensor, count: Dim) -> Tensor:
    if fold == "sum":
        return b.unsorted_segment_sum(values, places, num_segments=count)
    largest = b.unsorted_segment_max(values, places, num_segments=count)
    ones = b.full(values.type.dims, 1, int32)
    there = b.greater(b.unsorted_segment_sum(ones, places, num_segments=count), 0)
    return b.where(there, largest, b.zeros_like(largest))


def _reduced_dense(
    b: Builder, sp: SparseTensor, fold: str, reduced: set[int], keep: bool
) -> Tensor:
    sizes = sp.sizes()
    kept = [k for k in range(sp.rank) if k not in reduced]
    if kept:
        places = flat_positions(b, [sp.column(k) for k in kept], [sizes[k] for k in kept])
    else:
        places = b.full(sp.values.type.dims, 0, int64)
    out = _folded(b, fold, sp.values, places, dims.product([sizes[k] for k in kept]))
    shape = (
        tuple(1 if k in reduced else size for k, size in enumerate(sizes))
        if keep
        else tuple(sizes[k] for k in kept)
    )
    return b.reshape(out, shape=shape)


def _reduced_sparse(
    b: Builder, sp: SparseTensor, fold: str, reduced: set[int], keep: bool
) -> SparseTensor:
    sizes = sp.sizes()
    zero = b.full(sp.values.type.dims, 0, int64)
    shown = [
        (zero, 1) if k in reduced else (sp.column(k), size)
        for k, size in enumerate(sizes)
        if keep or k not in reduced
    ]
    columns = [column for column, _ in shown]
    nowhere = (*sp.values.type.dims, 0)
    indices = b.pack(*columns, axis=1) if columns else b.full(nowhere, 0, int64)
    groups, places = b.index_groups_of(indices)
    (count, _) = groups.type.dims
    made = SparseTensor(
        groups, _folded(b, fold, sp.values, places, count),
        shape_vector(b, [size for _, size in shown]),
    )  # fmt: skip
    made._sizes = tuple(size for _, size in shown)
    return made


sparse_reduce_sum, sparse_reduce_sum_sparse = _reducing("sum", False), _reducing("sum", True)
sparse_reduce_max, sparse_reduce_max_sparse = _reducing("max", False), _reducing("max", True)
