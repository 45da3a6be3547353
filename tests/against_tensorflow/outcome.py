"""What a call of the TF1 API gives, whoever provides it: values, dtypes, static shapes, gradients.

A :class:`Case` is data: a public name and its arguments.  :func:`outcome` builds and runs it with
the module it is given, TensorFlow's ``compat.v1`` when recording, graphc when comparing.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Fed:
    """An argument that is a placeholder, fed with ``array``; ``static`` is its declared shape."""

    array: np.ndarray
    static: tuple[int | None, ...] | None = None
    unknown_rank: bool = False
    cast: str | None = None  # what the placeholder is cast to; for dtypes that NumPy has not

    def shape(self) -> list[int | None] | None:
        if self.unknown_rank:
            return None
        return list(self.array.shape if self.static is None else self.static)


@dataclass(frozen=True, eq=False)
class Entries:
    """An argument that is a SparseTensor: ``values`` at ``places`` of ``shape``."""

    places: np.ndarray
    values: Fed
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Held:
    """An argument that is a variable which holds ``array``."""

    array: np.ndarray


@dataclass(frozen=True, eq=False)
class Filled:
    """An argument that is an initializer: variables hold ``array`` in their shape."""

    array: np.ndarray


@dataclass(frozen=True)
class Case:
    """One call: ``name`` is a dotted public name, arguments may hold :class:`Fed`,
    :class:`Entries`, :class:`Held` and :class:`Filled` at any depth.

    ``gradients`` asks for those of all floating outputs with respect to all floating ``Fed`` (of
    complex ones too where it is "complex"), and
    ``second`` for the gradients of those and for Hessians.  ``drawn`` says that values are random:
    only dtypes and static shapes are compared.  ``tolerance`` is relative; where
    not given, it is the dtype's.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    gradients: bool | str = True
    second: bool = False
    drawn: bool = False
    tolerance: float | None = None
    note: str = ""

    @property
    def title(self) -> str:
        given = [_shown(a) for a in self.args] + [
            f"{k}={_shown(v)}" for k, v in self.kwargs.items()
        ]
        remarks = [remark for remark in ("second" if self.second else "", self.note) if remark]
        note = f" # {', '.join(remarks)}" if remarks else ""
        return f"{self.name}({', '.join(given)}){note}"


def _shown(value: Any) -> str:
    if isinstance(value, Fed):
        digest = zlib.crc32(
            value.array.tobytes()
            if value.array.dtype != object
            else repr(value.array.tolist()).encode()
        )
        static = "" if value.static is None else f" as {list(value.static)}"
        rank = " as any rank" if value.unknown_rank else ""
        cast = "" if value.cast is None else f" as {value.cast}"
        return f"{value.array.dtype}{list(value.array.shape)}~{digest:08x}{static}{rank}{cast}"
    if isinstance(value, Entries):
        return f"entries {value.places.tolist()} of {list(value.shape)} {_shown(value.values)}"
    if isinstance(value, Held):
        return f"held {_shown(Fed(value.array))}"
    if isinstance(value, Filled):
        return f"filled {_shown(Fed(value.array))}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value)


def outcome(
    tf: Any, case: Case, refusals: tuple[type[Exception], ...] = (), **session: Any
) -> dict[str, Any]:
    """What the case gives: outputs with their static shapes, dtypes and names, and gradients.
    Or ``{"error": when}``: ``absent`` where there is no such function.  Building may raise
    ``refusals`` beside what a refusal ought to be.  Runs in ``tf.Session`` of the further
    arguments."""
    with tf.Graph().as_default():
        feeds: dict[Any, np.ndarray] = {}
        function: Any = tf
        try:
            for part in case.name.split("."):
                function = getattr(function, part)
        except AttributeError as error:
            return {"error": "absent", "says": str(error)[:200]}
        try:
            args, kwargs = _built(tf, case, feeds)
            with tf.name_scope("here"):
                made = [t for t in flat(function(*args, **kwargs)) if t is not None]
            tensors = [_tensor(tf, t) for t in made]
            whole = case.gradients == "complex"
            slopes = _gradients(tf, tensors, list(feeds), whole) if case.gradients else []
            curves = _gradients(tf, known(slopes), list(feeds)) if case.second else []
            bends = _hessians(tf, tensors, list(feeds)) if case.second else []
        except (ValueError, TypeError, NotImplementedError, tf.errors.OpError, *refusals) as error:
            return {"error": "building", "says": str(error)[:200]}
        wanted = [tensors, known(slopes), known(curves), known(bends)]
        try:
            with tf.Session(**session) as running:
                running.run(tf.global_variables_initializer())
                values = running.run([[_plain(tf, t) for t in ts] for ts in wanted], feeds)
        except Exception as error:  # whatever class a framework gives a failed run
            return {"error": "running", "says": str(error)[:200]}
    return {
        "outputs": [np.asarray(v, object if isinstance(v, bytes) else None) for v in values[0]],
        "static": [_static(t) for t in tensors],
        "dtypes": [t.dtype.base_dtype.name for t in tensors],
        "names": [t.name if hasattr(t, "graph") else None for t in made],
        "gradients": _in_place(slopes, values[1]),
        "second": _in_place(curves, values[2]),
        "hessians": _in_place(bends, values[3]),
    }


def _tensor(tf: Any, made: Any) -> Any:
    """What was made, as a tensor; true after an operation without outputs."""
    if isinstance(made, tf.Operation):
        with tf.control_dependencies([made]):
            return tf.constant(True)
    return tf.convert_to_tensor(made)


def known(found: list[Any] | None) -> list[Any]:
    return [t for t in found or () if t is not None]


def _in_place(found: list[Any] | None, values: list[Any]) -> list[Any] | None:
    """The values of those that are known, with None for the others."""
    arrays = iter(values)
    return found and [None if t is None else np.asarray(next(arrays)) for t in found]


def _plain(tf: Any, tensor: Any) -> Any:
    """The tensor in a dtype that NumPy has."""
    return tf.cast(tensor, tf.float32) if tensor.dtype.base_dtype == tf.bfloat16 else tensor


def _built(tf: Any, case: Case, feeds: dict[Any, np.ndarray]) -> tuple[list, dict]:
    def built(value: Any) -> Any:
        if isinstance(value, Fed):
            dtype = tf.string if value.array.dtype == object else value.array.dtype
            place = tf.placeholder(tf.as_dtype(dtype), value.shape())
            feeds[place] = value.array
            return place if value.cast is None else tf.cast(place, value.cast)
        if isinstance(value, Entries):
            places = np.asarray(value.places, np.int64).reshape(-1, len(value.shape))
            return tf.SparseTensor(places, built(value.values), value.shape)
        if isinstance(value, Held):
            return tf.Variable(value.array)
        if isinstance(value, Filled):
            return tf.constant_initializer(value.array)
        if isinstance(value, str) and value.startswith("tf."):
            found = tf
            for part in value.split(".")[1:]:
                found = getattr(found, part)
            return found
        if isinstance(value, list | tuple):
            return type(value)(built(v) for v in value)
        return value

    return [built(v) for v in case.args], {k: built(v) for k, v in case.kwargs.items()}


def _gradients(
    tf: Any, outputs: list[Any], inputs: list[Any], whole: bool = False
) -> list[Any] | None:
    """Gradients under fixed weights of every floating output, in every floating input; None where
    TensorFlow defines none.  ``whole``: complex ones too."""
    ys, xs = (
        [t for t in ts if t.dtype.is_floating or (whole and t.dtype.is_complex)]
        for ts in (outputs, inputs)
    )
    if not ys or not xs:
        return []
    try:
        found = tf.gradients(ys, xs, _weights(tf, ys))
    except LookupError:
        return None
    return [None if g is None else tf.convert_to_tensor(g) for g in found]


def _hessians(tf: Any, outputs: list[Any], inputs: list[Any]) -> list[Any] | None:
    """The second derivatives of a weighted sum of the floating outputs, by each floating input."""
    ys = [t for t in outputs if t.dtype.is_floating]
    xs = [t for t in inputs if t.dtype.is_floating]
    total = tf.add_n(
        [
            tf.cast(tf.reduce_sum(y * w), tf.float64)
            for y, w in zip(ys, _weights(tf, ys), strict=True)
        ]
    )
    try:
        return tf.hessians(total, xs)
    except (LookupError, ValueError):  # without a gradient, TensorFlow gives no None here
        return None


def _weights(tf: Any, ys: list[Any]) -> list[Any]:
    weights = []
    for y in ys:
        if y.get_shape().ndims is None:
            weights.append(1.25 * tf.ones_like(y))
            continue
        places = tf.reshape(tf.cast(tf.range(tf.size(y)), tf.float64), tf.shape(y))
        weights.append(tf.cast(1.0 + 0.5 * tf.cos(places), y.dtype))
    return weights


def _static(tensor: Any) -> list[int | None] | None:
    shape = tensor.get_shape()
    return None if shape.ndims is None else shape.as_list()


def flat(value: Any) -> Iterator[Any]:
    """Tensors in a nest of lists, tuples and dicts, in order; a sparse tensor's parts."""
    if hasattr(value, "dense_shape"):
        yield from (value.indices, value.values, value.dense_shape)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from flat(one)
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from flat(value[key])
    else:
        yield value


# --- as JSON --------------------------------------------------------------------------------------


def packed(value: Any) -> Any:
    """An outcome as plain JSON values."""
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            texts = [base64.b64encode(b).decode() for b in value.ravel()]
            return {"dtype": "object", "shape": list(value.shape), "texts": texts}
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        name = value.dtype.name
        return {"dtype": name, "shape": list(value.shape), "data": data}
    if isinstance(value, dict):
        return {k: packed(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [packed(v) for v in value]
    return value


def unpacked(value: Any) -> Any:
    """What :func:`packed` was given."""
    if isinstance(value, dict) and "texts" in value:
        found = np.empty(len(value["texts"]), object)
        found[:] = [base64.b64decode(t) for t in value["texts"]]
        return found.reshape(value["shape"])
    if isinstance(value, dict) and "data" in value:
        dtype = "uint16" if value["dtype"] == "bfloat16" else value["dtype"]
        return np.frombuffer(base64.b64decode(value["data"]), dtype).reshape(value["shape"])
    if isinstance(value, dict):
        return {k: unpacked(v) for k, v in value.items()}
    if isinstance(value, list):
        return [unpacked(v) for v in value]
    return value


def titles(cases: Iterable[Case]) -> dict[str, Case]:
    """The cases by title; two of one title are a mistake of the family."""
    found: dict[str, Case] = {}
    for case in cases:
        if case.title in found:
            raise ValueError(f"two cases are {case.title}")
        found[case.title] = case
    return found
