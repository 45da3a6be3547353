"""What ``run`` was given: conversion to arrays of the fed tensors' types, and the sizes they bind.

Conversion follows TF1: lists and scalars are accepted, and casts that keep the kind of number
(float64 to float32, int64 to int32 within range, integers and bools to floats).  A float does not
become an integer, nor a complex a real, nor a string a number: those are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from graphc.errors import FeedError, GraphcError, UnfedError
from graphc.ir import dims
from graphc.ir.dtype import DType, as_dtype, bfloat16, string_array
from graphc.ir.graph import Graph, Node, Tensor, whence
from graphc.ir.source import here
from graphc.ir.types import TensorType
from graphc.ops.running.precision import bfloat16_bits
from runtime.fetches import graph_element


class FeedTypeError(FeedError, TypeError):
    """What was fed cannot become an array of the tensor's dtype."""


class Feeds:
    """The fed tensors of one kind of run, in feed order."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self.tensors = tuple(tensors)
        # an array of objects may hold anything: strings are looked at each time
        self._dtypes = tuple(None if t.dtype.is_string else t.dtype.numpy for t in self.tensors)

    def convert(self, values: Sequence[Any]) -> tuple[np.ndarray, ...]:
        """C-contiguous arrays of the right dtype; arrays that already are one pass through."""
        return tuple([
            value
            if type(value) is np.ndarray and value.dtype is dtype and value.flags.c_contiguous
            else as_feed(tensor, value)
            for tensor, dtype, value in zip(self.tensors, self._dtypes, values, strict=True)
        ])  # fmt: skip

    def bind(self, arrays: Sequence[np.ndarray]) -> dict[str, int]:
        """The value of every symbolic size the feeds determine; :class:`FeedError` where they
        clash."""
        return bind_dims(self.tensors, arrays)


def feed_tensors(graph: Graph, keys: Sequence[Any]) -> tuple[Tensor, ...]:
    """The tensors that feed_dict's keys stand for."""
    return tuple(_feed_tensor(graph, key) for key in keys)


def _feed_tensor(graph: Graph, key: Any) -> Tensor:
    try:
        element = graph_element(graph, key, "feed")
    except GraphcError as error:
        kind = FeedTypeError if isinstance(error, TypeError) else FeedError
        raise kind(
            error.fact, subject=error.subject, rows=error.rows, hint=_key_hint(error, key),
            site=error.site,
        ) from None  # fmt: skip
    if isinstance(element, Node):
        raise FeedTypeError(
            f"cannot feed {element.name}: it is an operation, not a tensor",
            subject="run",
            hint=f"feed one of its outputs: '{element.name}:0'" if element.outputs else None,
            site=here(),
        )
    return element


def _key_hint(error: GraphcError, key: Any) -> str | None:
    if isinstance(error, TypeError):
        return "the keys of feed_dict are tensors: {x: value} with x = tf.placeholder(...)"
    return error.hint


def as_feed(tensor: Tensor, value: Any) -> np.ndarray:
    """``value`` as a C-contiguous array of ``tensor``'s dtype."""
    from graphc.ir.builder import as_tensor

    if as_tensor(value) is not None:
        raise _refusal(
            tensor,
            f"the value fed for {tensor.name} is itself a tensor",
            str(as_tensor(value).type),
            "feed arrays: compute it first with sess.run, or build the graph on it",
        )
    if value is None:
        raise _refusal(tensor, f"the value fed for {tensor.name} is None", "None", None)
    if tensor.dtype.is_string:
        return _strings(tensor, value)
    try:
        given = np.asarray(value)
        if given.dtype.kind == "O":
            given = np.asarray(given.tolist())  # numbers in an object array, as lists hold them
    except ValueError as error:
        raise _refusal(
            tensor, f"the value fed for {tensor.name} is not a rectangular array", _kind_of(value),
            f"NumPy says: {error}",
        ) from None  # fmt: skip
    wanted = tensor.dtype
    if given.dtype == wanted.numpy:
        array = np.ascontiguousarray(given).reshape(given.shape)
        # native code knows a dtype by its object, and an unpickled array has one of its own
        return array if array.dtype is wanted.numpy else array.view(wanted.numpy)
    reason = refusal_of_cast(given, wanted)
    if reason is not None:
        raise _refusal(tensor, f"the value fed for {tensor.name} {reason}", _described(given), None)
    if wanted is bfloat16:
        return bfloat16_bits(given.astype(np.float32))
    return np.ascontiguousarray(given.astype(wanted.numpy)).reshape(given.shape)


def _strings(tensor: Tensor, value: Any) -> np.ndarray:
    found = string_array(value)
    if found is not None:
        return np.ascontiguousarray(found).reshape(found.shape)
    flat = np.asarray(value, object).ravel().tolist()
    culprit = next((v for v in flat if not isinstance(v, str | bytes)), value)
    shown = repr(culprit) if len(repr(culprit)) <= 40 else repr(culprit)[:37] + "..."
    if isinstance(culprit, list | tuple):
        fact, hint = "is not a rectangular array", None
    else:
        fact = f"holds {shown}, which is no string"
        hint = "feed str or bytes: np.asarray(values).astype(str)"
    raise _refusal(tensor, f"the value fed for {tensor.name} {fact}", _kind_of(value), hint)


def refusal_of_cast(given: np.ndarray, wanted: DType) -> str | None:
    """Why an array may not be fed for a dtype; None when it may."""
    kind = given.dtype.kind
    if kind in "USO":
        return "is not numeric" if kind != "O" or given.size else None
    if given.size == 0:
        return None
    if wanted.is_complex:
        return None
    if kind == "c":
        return f"is complex; it does not become {wanted} by itself"
    if wanted.is_floating:
        return None
    if kind == "f":
        return f"is floating; it does not become {wanted} by itself"
    if wanted.is_bool:
        return (
            None
            if bool(((given == 0) | (given == 1)).all())
            else "holds numbers other than 0 and 1"
        )
    if kind == "b":
        return None
    low, high = given.min(), given.max()
    if wanted.min <= low and high <= wanted.max:
        return None
    culprit = low if low < wanted.min else high
    return f"holds {culprit}, which {wanted} cannot"


def bind_dims(tensors: Sequence[Tensor], arrays: Sequence[np.ndarray]) -> dict[str, int]:
    """Match the arrays' shapes with the tensors' symbolic shapes.

    A size named twice must have one value; a size that is an expression (``2*batch``) is checked
    once its symbols are known.
    """
    bound: dict[str, int] = {}
    source: dict[str, int] = {}
    later: list[tuple[int, int]] = []
    for k, (tensor, array) in enumerate(zip(tensors, arrays, strict=True)):
        shape = tensor.type.shape
        if shape is None:
            continue
        if len(shape) != array.ndim:
            raise _shape_error(
                tensor, array, f"rank {len(shape)} is needed, rank {array.ndim} was fed"
            )
        for axis, dim in enumerate(shape):
            size = array.shape[axis]
            if isinstance(dim, int):
                if dim != size:
                    raise _shape_error(tensor, array, f"axis {axis} must be {dim}, got {size}")
                continue
            atom = dims.single_atom(dim)
            if not isinstance(atom, dims.Symbol):
                later.append((k, axis))
            elif atom.name not in bound:
                bound[atom.name], source[atom.name] = size, k
            elif bound[atom.name] != size:
                first = source[atom.name]
                raise _clash(
                    atom.name, (tensors[first], arrays[first]), (tensor, array), bound, size
                )
    for k, axis in later:
        shape = tensors[k].type.shape or ()
        wanted = dims.substitute(shape[axis], bound)
        if isinstance(wanted, int) and wanted != arrays[k].shape[axis]:
            raise _shape_error(
                tensors[k], arrays[k],
                f"axis {axis} must be {shape[axis]} = {wanted}, got {arrays[k].shape[axis]}",
            )  # fmt: skip
    return bound


def missing_feed(tensor: Tensor, asked: Sequence[str]) -> UnfedError:
    """The error for a placeholder that a run of ``asked`` needs and nobody fed."""
    shown = ", ".join(asked[:3]) + (", ..." if len(asked) > 3 else "")
    return UnfedError(
        f"no value was fed for the placeholder '{tensor.node.name}'",
        subject="run",
        rows=[("needed", str(tensor.type), whence(tensor)), ("by", shown, "")],
        hint=f"pass it: feed_dict={{{tensor.node.name.rpartition('/')[2]}: ...}}",
        site=here(),
    )


def _shape_error(tensor: Tensor, array: np.ndarray, fact: str) -> FeedError:
    return FeedError(
        f"the value fed for '{tensor.node.name}' has the wrong shape: {fact}",
        subject="run",
        rows=[("needed", str(tensor.type), whence(tensor)), ("fed", _described(array), "")],
        hint=_shape_hint(tensor, array),
        site=here(),
    )


def _shape_hint(tensor: Tensor, array: np.ndarray) -> str | None:
    shape = tensor.type.shape or ()
    if array.ndim == len(shape) - 1 and _fits(shape[1:], array.shape):
        return "one example was fed; add the batch axis: value[None]"
    if _fits(shape, array.shape[::-1]):
        return "it fits transposed: value.T"
    if array.ndim == len(shape) + 1 and array.shape[-1] == 1 and _fits(shape, array.shape[:-1]):
        return "it fits without its last axis: value[..., 0]"
    if array.ndim == len(shape) - 1 and shape[-1] == 1 and _fits(shape[:-1], array.shape):
        return "it fits with a last axis: value[..., None]"
    return None


def _fits(shape: Sequence[dims.Dim], sizes: Sequence[int]) -> bool:
    return len(shape) == len(sizes) and all(
        not isinstance(d, int) or d == s for d, s in zip(shape, sizes, strict=True)
    )


def _clash(
    name: str, first: tuple[Tensor, np.ndarray], second: tuple[Tensor, np.ndarray],
    bound: dict[str, int], size: int,
) -> FeedError:  # fmt: skip
    rows = [
        (tensor.node.name, f"{_described(array)} for {tensor.type}", whence(tensor))
        for tensor, array in (first, second)
    ]
    return FeedError(
        f"the size '{name}' would be both {bound[name]} and {size}",
        subject="run",
        rows=rows,
        hint=f"both placeholders name the size '{name}': feed arrays that agree in it",
        site=here(),
    )


def _refusal(tensor: Tensor, fact: str, got: str, hint: str | None) -> FeedTypeError:
    return FeedTypeError(
        fact,
        subject="run",
        rows=[("needed", str(tensor.type), whence(tensor)), ("fed", got, "")],
        hint=hint,
        site=here(),
    )


def _described(array: np.ndarray) -> str:
    try:
        return str(TensorType(as_dtype(array.dtype), array.shape))
    except TypeError:
        return f"{array.dtype} array of shape {array.shape}"


def _kind_of(value: Any) -> str:
    return f"{type(value).__name__} of {len(value)}" if hasattr(value, "__len__") else repr(value)


class CompositeFeeds:
    """Feed keys of which some are several tensors (``tf.SparseTensor``): what is fed for them.

    Such a key has ``feed_parts()``, its tensors, and ``fed_values(value)``, an array for each.
    """

    def __init__(self, keys: Sequence[Any]) -> None:
        self._split = [getattr(key, "fed_values", None) for key in keys]
        parts = [
            key.feed_parts() if split else (key,)
            for key, split in zip(keys, self._split, strict=True)
        ]
        self.keys = tuple(part for group in parts for part in group)

    def values(self, given: Iterable[Any]) -> list[Any]:
        """The values in the order of ``keys``."""
        flat: list[Any] = []
        for split, value in zip(self._split, given, strict=True):
            flat.extend([value] if split is None else split(value))
        return flat


def composite_feeds(keys: Sequence[Any]) -> CompositeFeeds | None:
    """None where every key is one tensor."""
    if not any(hasattr(key, "feed_parts") for key in keys):
        return None
    return CompositeFeeds(keys)
