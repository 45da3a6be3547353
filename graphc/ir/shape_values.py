"""Shape arithmetic: what an integer tensor holds, as symbolic sizes, before anything runs.

``tf.shape(x)[0] * 4`` is a tensor of the graph, and also the dim ``4*batch``.  :func:`dims_of`
follows the ``dims_value`` of ops (a value per output where there are several) from a tensor back
to shapes and constants; ``b.shape_argument`` turns whatever a user gives for a shape into a tuple
of dims.  A shape whose numbers only exist once a node has run becomes data-dependent symbols,
bound by a ``bind_dims`` node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.errors import ShapeError
from graphc.ir.builder import as_tensor, composite
from graphc.ir.dims import Dim, Expr, Shape
from graphc.ir.source import here

LONGEST_SHAPE = 64  # vectors longer than this are data, not shapes


def dims_of(tensor: Any) -> Dim | Shape | None:
    """The value of an integer tensor as dims: one for a scalar, a tuple for a vector, else None."""
    known: dict[Any, Dim | Shape | None] = {}
    waiting = [tensor]
    while waiting:
        top = waiting[-1]
        if top in known:
            waiting.pop()
            continue
        op, operands = top.node.op, top.node.operands
        if not _may_be_shape(top):
            known[top] = None
        elif hasattr(op, "dims_of_type"):
            known[top] = op.dims_of_type(*(t.type for t in operands))
        elif op.dims_value is None:
            known[top] = None
        else:
            missing = [t for t in operands if t not in known]
            if missing:
                waiting.extend(missing)
                continue
            values = [known[t] for t in operands]
            found = None if any(v is None for v in values) else op.dims_value(*values)
            several = len(top.node.outputs) > 1
            known[top] = found[top.index] if several and found is not None else found
        waiting.pop()
    return known[tensor]


def _may_be_shape(tensor: Any) -> bool:
    shape = tensor.type.shape
    if not tensor.dtype.is_integer:
        return False
    return (
        shape is None
        or not shape
        or (len(shape) == 1 and (not isinstance(shape[0], int) or shape[0] <= LONGEST_SHAPE))
    )


@composite
def shape_argument(b: Any, value: Any, elements: Dim | None = None) -> Shape:
    """What a user gave for a shape, as dims: a list of ints and scalar tensors, or a shape tensor.

    -1 stays -1.  ``elements`` is what a -1 among data-dependent sizes is resolved with.
    """
    tensor = as_tensor(value)
    if tensor is not None:
        return _from_tensor(b, tensor, elements)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, Sequence | tuple) or isinstance(value, str):
        value = [value] if not hasattr(value, "__iter__") else list(value)
    return tuple(_entry(b, v) for v in value)


@composite
def dim_argument(b: Any, value: Any) -> Dim:
    """One size a user gave: an int, a dim, the name of a size, or a scalar integer tensor."""
    return _entry(b, value)


def _entry(b: Any, value: Any) -> Dim:
    if isinstance(value, bool) or value is None:
        raise ShapeError(
            f"{value} is not a size", site=here(), hint="use -1 for a size to be worked out"
        )
    if isinstance(value, Expr | int):
        return value
    if isinstance(value, str):
        return b.home.named_dim(value)
    tensor = as_tensor(value)
    if tensor is None:
        if hasattr(value, "__index__") and not getattr(value, "ndim", 0):
            return value.__index__()
        raise ShapeError(f"{value!r} is not a size", site=here())
    found = dims_of(tensor)
    if isinstance(found, tuple) and len(found) == 1:
        return found[0]
    if found is None:
        return _bound(b, b.reshape(tensor, shape=(1,)), 1, None)[0]
    if isinstance(found, tuple):
        raise ShapeError(f"a size is one number, {tensor.name} holds {len(found)}", site=here())
    return found


def _from_tensor(b: Any, tensor: Any, elements: Dim | None) -> Shape:
    found = dims_of(tensor)
    if found is not None:
        return found if isinstance(found, tuple) else (found,)
    if tensor.node.op.name == "pack" and all(t.type.shape == () for t in tensor.node.operands):
        return tuple(_entry(b, t) for t in tensor.node.operands)
    shape = tensor.type.shape
    if not tensor.dtype.is_integer or shape is None or len(shape) != 1:
        fact = f"a shape is a vector of integers, {tensor.name} is {tensor.type}"
        raise ShapeError(fact, site=here())
    if not isinstance(shape[0], int):
        raise ShapeError(
            f"the rank is not known: {tensor.name} is {tensor.type}",
            site=here(),
            hint="give the shape tensor a fixed length",
        )
    return _bound(b, tensor, shape[0], elements)


def _bound(b: Any, vector: Any, length: int, elements: Dim | None) -> Shape:
    sizes = tuple(b.home.new_dim("size", data=True) for _ in range(length))
    b.bind_dims(vector, dims=sizes, elements=elements)
    return sizes
