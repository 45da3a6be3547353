"""Writing some rows of a variable: ``tf.scatter_update`` and its kin.

Only the rows named are touched.  The indices are checked first: if one is outside, the run fails
and no variable has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.graph.indexed_slices import IndexedSlices
from frontends.tf.graph.tensor import builder, convert, known_rank
from graphc.ir.dtype import int64
from graphc.ir.graph import Tensor

_FORMULA = {
    "update": "``ref[indices[i]] = updates[i]``; the last of equal indices counts.",
    "add": "``ref[indices[i]] += updates[i]``; equal indices add up.",
    "sub": "``ref[indices[i]] -= updates[i]``; equal indices add up.",
    "mul": "``ref[indices[i]] *= updates[i]``; equal indices multiply.",
    "div": "``ref[indices[i]] /= updates[i]``; equal indices divide one after the other.",
    "min": "``ref[indices[i]] = min(ref[indices[i]], updates[i])``.",
    "max": "``ref[indices[i]] = max(ref[indices[i]], updates[i])``.",
}


def _rows(how: str) -> Callable[..., Tensor]:
    def scatter(
        ref: Any, indices: Any, updates: Any, use_locking: bool = how == "update",
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        return _scattered(f"scatter_{how}", ref, indices, updates, name or f"Scatter{how.title()}")

    scatter.__name__ = scatter.__qualname__ = f"scatter_{how}"
    scatter.__doc__ = (
        f"{_FORMULA[how]}\n\n"
        "ref: a variable [rows, ...]; indices: int of any shape; updates: indices.shape + "
        "ref.shape[1:], or one\nnumber.  The result is the variable afterwards.  "
        "InvalidArgumentError for an index outside it."
    )
    return scatter


def _positions(how: str) -> Callable[..., Tensor]:
    def scatter(
        ref: Any, indices: Any, updates: Any, use_locking: bool = how == "update",
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        title = name or f"ScatterNd{how.title()}"
        return _scattered(f"scatter_nd_{how}", ref, indices, updates, title)

    scatter.__name__ = scatter.__qualname__ = f"scatter_nd_{how}"
    scatter.__doc__ = (
        f"{_FORMULA[how]}\n\n"
        "A row of ``indices``, along its last axis of size k, is a position along the first k "
        "axes of ``ref``;\nupdates: indices.shape[:-1] + ref.shape[k:]."
    )
    return scatter


def _scattered(op: str, ref: Any, indices: Any, updates: Any, name: str) -> Tensor:
    variable = _written(ref)
    return getattr(builder(variable), op)(
        variable, convert(indices), convert(updates, like=variable), name=name
    )


def _written(ref: Any) -> Tensor:
    from frontends.tf.variables.variable import written_variable  # it gives variables these methods

    return written_variable(ref)


scatter_update, scatter_add, scatter_sub = _rows("update"), _rows("add"), _rows("sub")
scatter_mul, scatter_div = _rows("mul"), _rows("div")
scatter_min, scatter_max = _rows("min"), _rows("max")
scatter_nd_update, scatter_nd_add = _positions("update"), _positions("add")
scatter_nd_sub = _positions("sub")


def batch_scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Tensor:
    """``ref[b, indices[b, i]] = updates[b, i]`` for every position b of the leading axes.

    indices: int[b1, ..., n]; ref: [b1, ..., rows, ...]; updates: indices.shape + the rest of ref's.
    """
    variable, chosen = _written(ref), convert(indices)
    b = builder(variable)
    rank = known_rank(chosen, "batch_scatter_update")
    with b.home.name_scope(name or "BatchScatterUpdate"):
        sizes = chosen.type.dims
        parts = [b.axis_position(shape=sizes, axis=k, dtype=chosen.dtype) for k in range(rank - 1)]
        places = b.pack(*parts, chosen, axis=-1)
        return scatter_nd_update(variable, places, updates)


def _of_slices(how: str) -> Callable[..., Tensor]:
    function = globals()[f"scatter_{how}"]

    def method(
        self: Any, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Tensor:
        if not isinstance(sparse_delta, IndexedSlices):
            raise TypeError(f"sparse_delta is not IndexedSlices: {sparse_delta}")
        return function(self, sparse_delta.indices, sparse_delta.values, use_locking, name)

    method.__name__ = method.__qualname__ = f"scatter_{how}"
    method.__doc__ = f"{_FORMULA[how]}  ``sparse_delta``: ``tf.IndexedSlices``."
    return method


def _at_positions(how: str) -> Callable[..., Tensor]:
    function = globals()[f"scatter_nd_{how}"]

    def method(self: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        return function(self, indices, updates, name=name)

    method.__name__ = method.__qualname__ = f"scatter_nd_{how}"
    method.__doc__ = function.__doc__
    return method


def _batch_update(
    self: Any, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """``batch_scatter_update`` of ``tf.IndexedSlices``."""
    return batch_scatter_update(self, sparse_delta.indices, sparse_delta.values, use_locking, name)


METHODS: dict[str, Callable] = {
    **{f"scatter_{how}": _of_slices(how) for how in _FORMULA},
    **{f"scatter_nd_{how}": _at_positions(how) for how in ("update", "add", "sub")},
    "batch_scatter_update": _batch_update,
}


def _assign_part(self: Tensor, value: Any, name: str | None = None) -> Tensor:
    """Write ``variable[key]``, of which this is the value; the result is the variable afterwards.

    >>> v[1:3, 0].assign([5.0, 6.0])
    """
    from frontends.tf.variables.variable import variable_with_part

    found = variable_with_part(self)
    if found is None:
        raise AttributeError(
            f"only a variable and a part of one, v[...], can be assigned; {self.name} is neither"
        )
    variable, key = found
    held = _written(variable)
    b = builder(held)
    with b.home.name_scope(name or "StridedSliceAssign"):
        shape = held.type.dims
        place: Any = b.full(shape, 0, int64)
        for axis, size in enumerate(shape):
            along = b.axis_position(shape=shape, axis=axis, dtype=int64)
            place = b.add(b.mul(place, b.dim_value(dim=size, dtype=int64)), along)
        places = b.subscript(place, key)
        updates = convert(value, like=held)
        if updates.type.shape == () and places.type.shape != ():
            updates = b.broadcast_to(updates, shape=places.type.dims)
        return b.write_rows(held, places, updates, depth=len(shape))


Tensor.assign = _assign_part  # type: ignore[attr-defined]
