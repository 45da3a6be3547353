"""Rows of tables by number: one each, or several combined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.functions.math import clip_by_norm
from frontends.tf.graph.tensor import builder, convert, known_rank
from frontends.tf.variables.partitioned import PartitionedVariable
from graphc.errors import ShapeError
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here


def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: Any = None,
) -> Tensor:
    """The rows ``ids`` of the table ``params``, each scaled down to the L2 norm ``max_norm``.

    params: [rows, ...], or a list of such parts; ids: int [...] -> [..., ...].  With n parts, row i
    is row ``i // n`` of part ``i % n`` (``"mod"``), or the parts hold consecutive rows (``"div"``).
    An id outside the table is an error at run time.  The gradient of a table is of the rows looked
    up: ``tf.IndexedSlices``.

    >>> vectors = tf.nn.embedding_lookup(embeddings, word_ids)
    """
    several = isinstance(params, list | tuple | PartitionedVariable)
    parts = [convert(p) for p in params] if several else [convert(params)]
    if not parts:
        raise ValueError("embedding_lookup needs at least one table")
    index = convert(ids)
    title = name or "embedding_lookup"
    b = builder(parts[0], index)
    if len(parts) == 1:
        rows = b.gather(parts[0], index, axis=0, name=title)
    else:
        with b.home.name_scope(title):
            rows = _from_parts(b, parts, index, partition_strategy)
    if max_norm is None:
        return rows
    axes = range(known_rank(index, "max_norm"), known_rank(rows, "max_norm"))
    return clip_by_norm(rows, max_norm, axes=list(axes))


def _from_parts(b: Builder, parts: Sequence[Tensor], ids: Tensor, strategy: str) -> Tensor:
    sizes = [part.type.dims[0] for part in parts]
    total: Dim = sum(sizes, start=0)
    chosen = b.check_range(ids, bound=total, what="ids")
    count = len(parts)
    if strategy == "mod":
        owner, place = b.floormod(chosen, count), b.floordiv(chosen, count)
    elif strategy == "div":
        owner, place = _consecutive(b, chosen, total, count)
    else:
        raise ValueError(f"partition_strategy is 'mod' or 'div', got {strategy!r}")
    nowhere = b.tensor(-1, dtype=ids.dtype)
    found: Tensor | None = None
    for k, part in enumerate(parts):
        rows = b.rows_or_zeros(part, b.where(b.equal(owner, k), place, nowhere))
        found = rows if found is None else b.add(found, rows)
    assert found is not None
    return found


def _consecutive(b: Builder, ids: Tensor, total: Dim, count: int) -> tuple[Tensor, Tensor]:
    """The part and the row in it, where the first ``total % count`` parts have one row more."""
    short = dims.floordiv(total, count)
    longer = total - short * count
    few, extra = b.dim_value(dim=short, dtype=ids.dtype), b.dim_value(dim=longer, dtype=ids.dtype)
    many, limit = b.add(few, 1), b.mul(b.add(few, 1), extra)
    early = b.less(ids, limit)
    behind = b.sub(ids, limit)
    safe = b.maximum(few, 1)
    owner = b.where(early, b.floordiv(ids, many), b.add(extra, b.floordiv(behind, safe)))
    return owner, b.where(early, b.floormod(ids, many), b.floormod(behind, safe))


def embedding_lookup_sparse(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    combiner: str | None = None,
    max_norm: Any = None,
) -> Tensor:
    """One vector per row of ``sp_ids``: its embeddings, times ``sp_weights`` where given, combined.

    sp_ids: an int ``tf.SparseTensor`` [rows, width]; sp_weights: one of the same indices, or None.
    ``combiner``: ``"sum"``, ``"mean"`` (by the sum of the weights; the default) or ``"sqrtn"`` (by
    the root of the sum of their squares).  A row without ids is zero.
    """
    combiner = _known(combiner or "mean")
    ids = sp_ids.values
    b = builder(ids)
    with b.home.name_scope(name or "embedding_lookup_sparse"):
        rows = b.cast(sp_ids.column(0), dtype=int32)
        count = sp_ids.sizes()[0]
        vectors = embedding_lookup(params, ids, partition_strategy, max_norm=max_norm)
        weights = None if sp_weights is None else b.cast(sp_weights.values, dtype=vectors.dtype)
        if weights is not None:
            spread = weights
            for _ in range(1, known_rank(vectors, "embedding_lookup_sparse")):
                spread = b.expand_dims(spread, axis=-1)
            vectors = b.mul(vectors, spread)
        sums = b.unsorted_segment_sum(vectors, rows, num_segments=count)
        if combiner == "sum":
            return sums
        shares = b.ones_like(b.cast(ids, dtype=sums.dtype)) if weights is None else weights
        if combiner == "sqrtn":
            shares = b.square(shares)
        total = b.unsorted_segment_sum(shares, rows, num_segments=count)
        if weights is None:
            total = b.maximum(total, 1.0)
        divisor = b.sqrt(total) if combiner == "sqrtn" else total
        while known_rank(divisor, "combiner") < known_rank(sums, "combiner"):
            divisor = b.expand_dims(divisor, axis=-1)
        return b.truediv(sums, divisor)


def _known(combiner: str) -> str:
    if combiner not in ("sum", "mean", "sqrtn"):
        raise ValueError(f"combiner is 'sum', 'mean' or 'sqrtn', got {combiner!r}")
    return combiner


def safe_embedding_lookup_sparse(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str | None = None,
    default_id: int | None = None,
    name: str | None = None,
    partition_strategy: str = "div",
    max_norm: Any = None,
) -> Tensor:
    """As :func:`embedding_lookup_sparse`, for rows that may have no valid id.

    Negative ids, and unless summing weights that are not positive, do not count.  A row without ids
    has the embedding of ``default_id``, or zeros.  sparse_ids may have any rank: the result has its
    leading axes.
    """
    from frontends.tf.functions import sparse, sparse_ops

    if embedding_weights is None or (
        isinstance(embedding_weights, list | tuple) and not embedding_weights
    ):
        raise ValueError(f"Missing embedding_weights {embedding_weights}.")
    combiner = _known(combiner or "mean")
    b = builder(sparse_ids.values)
    with b.home.name_scope(name or "embedding_lookup"):
        rank = sparse_ids.rank
        if rank < 2:
            raise ShapeError("sparse_ids must have at least two axes", site=here())
        leading = sparse_ids.sizes()[:-1]
        flat = [dims.product(leading), sparse_ids.sizes()[-1]]
        ids = sparse_ops.sparse_reshape(sparse_ids, flat)
        weights = None
        if sparse_weights is not None:
            weights = sparse.SparseTensor(ids.indices, sparse_weights.values, ids.dense_shape)
        ids, weights = _valid(b, ids, weights, combiner)
        fill = b.tensor(default_id or 0, dtype=ids.dtype)
        ids, is_empty = sparse_ops.sparse_fill_empty_rows(ids, fill)
        if weights is not None:
            weights, _ = sparse_ops.sparse_fill_empty_rows(
                weights, b.tensor(1.0, dtype=weights.dtype)
            )
        found = embedding_lookup_sparse(
            embedding_weights, ids, weights, partition_strategy, None, combiner, max_norm
        )
        if default_id is None:
            empty = is_empty
            while known_rank(empty, name or "rows") < known_rank(found, name or "rows"):
                empty = b.expand_dims(empty, axis=-1)
            found = b.where(empty, b.zeros_like(found), found)
        return b.reshape(found, shape=(*leading, *found.type.dims[1:]))


def _valid(b: Builder, ids: Any, weights: Any, combiner: str) -> tuple[Any, Any]:
    from frontends.tf.functions import sparse, sparse_ops

    kept = b.greater_equal(ids.values, 0)
    if weights is not None and combiner != "sum":
        kept = b.logical_and(kept, b.greater(weights.values, 0))
    pruned = sparse_ops.sparse_retain(ids, kept)
    if weights is None:
        return pruned, None
    values = b.boolean_mask(weights.values, kept)
    return pruned, sparse.SparseTensor(pruned.indices, values, pruned.dense_shape)
