"""The value of a NodeDef's attribute as Python has it."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.protocol import dtype_of, shape_of

_LISTS = ("s", "i", "f", "b", "type", "shape", "tensor")


def attribute_value(held: Any) -> Any:
    """bytes, int, float, bool, DType, TensorShape, a TensorProto, or a list of those."""
    kind = held.WhichOneof("value")
    if kind is None:
        return []
    if kind == "list":
        field = next((f for f in _LISTS if len(getattr(held.list, f))), None)
        return [] if field is None else [_one(field, v) for v in getattr(held.list, field)]
    return _one(kind, getattr(held, kind))


def _one(kind: str, value: Any) -> Any:
    if kind == "type":
        return dtype_of(value)
    if kind == "shape":
        from frontends.tf.graph.shapes import TensorShape

        return TensorShape(shape_of(value))
    if kind == "f":  # the shortest number that is this float32: 0.2, not 0.20000000298
        return float(str(np.float32(value)))
    return value
