"""Slices put at positions of a tensor: ``tf.scatter_nd`` and the ``tf.tensor_scatter_nd_*``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.graph.tensor import builder, convert, sizes_of
from graphc.ir.graph import Tensor

_DOES = {
    "update": "in place of what is there; the last of equal positions counts",
    "add": "added to what is there; equal positions add up",
    "sub": "subtracted from what is there; equal positions add up",
    "max": "where they are larger",
    "min": "where they are smaller",
}


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of ``shape`` with ``updates[i]`` added at ``indices[i]``; equal positions add up.

    indices: int [..., depth], positions in the first ``depth`` axes of shape;
    updates: [..., *shape[depth:]].  A position outside ``shape`` is an error of the run.
    """
    index, values = convert(indices), convert(updates)
    b = builder(index, values)
    with b.home.name_scope(name or "ScatterNd") as scope:
        return b.scatter_nd(index, values, sizes_of(b, shape), name=scope)


def _tensor_scatter(fold: str) -> Callable[..., Tensor]:
    def scatter(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        x, index = convert(tensor), convert(indices)
        values = convert(updates, like=x)
        b = builder(x, index, values)
        with b.home.name_scope(name or f"TensorScatter{fold.capitalize()}") as scope:
            return b.tensor_scatter(fold, x, index, values, name=scope)

    scatter.__name__ = scatter.__qualname__ = f"tensor_scatter_nd_{fold}"
    scatter.__doc__ = (
        f"``tensor`` with ``updates[i]`` at ``indices[i]``, {_DOES[fold]}.\n\n"
        "indices: int [..., depth], positions in the first ``depth`` axes of tensor;\n"
        "updates: [..., *tensor.shape[depth:]].  A position outside is an error of the run."
    )
    return scatter


tensor_scatter_nd_update = _tensor_scatter("update")
tensor_scatter_nd_add = _tensor_scatter("add")
tensor_scatter_nd_sub = _tensor_scatter("sub")
tensor_scatter_nd_max = _tensor_scatter("max")
tensor_scatter_nd_min = _tensor_scatter("min")


def scatter_nd_non_aliasing_add(
    input: Any, indices: Any, updates: Any, name: str | None = None
) -> Tensor:
    """As :func:`tensor_scatter_nd_add`."""
    return tensor_scatter_nd_add(input, indices, updates, name)
