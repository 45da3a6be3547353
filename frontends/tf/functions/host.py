"""Python inside a graph: functions, printing, checks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pprint import pformat
from typing import Any

import numpy as np

from frontends.tf.graph.building import group
from frontends.tf.graph.tensor import builder, convert, listed
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Graph, Node, Tensor
from runtime.session import Session


def py_func(
    func: Callable, inp: Sequence[Any], Tout: Any, stateful: bool = True, name: str | None = None
) -> Any:
    """Call ``func`` with the values of ``inp`` when the graph runs; its results have the dtypes
    ``Tout``.

    Returns a tensor, a list of them where ``Tout`` is a list, or the operation where that is empty.
    Shapes are unknown: use ``set_shape``.  ``func`` gets copies it may keep; a string scalar comes
    as bytes.  ``stateful`` changes nothing: calls are never merged.

    >>> y = tf.py_func(np.sort, [x], tf.float32)
    """
    tensors = [convert(v) for v in listed(inp, "inp")]
    several = isinstance(Tout, list | tuple)
    dtypes = tuple(as_dtype(t) for t in (Tout if several else [Tout]))
    made = builder(*tensors).python_function(func, tensors, dtypes, name=name or "PyFunc")
    if not dtypes:
        return made[0]
    return list(made) if several else made[0]


def numpy_function(func: Callable, inp: Sequence[Any], Tout: Any, name: str | None = None) -> Any:
    """The same as :func:`py_func`."""
    return py_func(func, inp, Tout, name=name)


class EagerArray(np.ndarray):
    """An array as a function of ``tf.py_function`` gets it: with ``numpy()``."""

    def numpy(self) -> Any:
        """The value as a plain array, or scalar."""
        plain = np.asarray(self)
        return plain if plain.ndim else plain[()]


def py_function(func: Callable, inp: Sequence[Any], Tout: Any, name: str | None = None) -> Any:
    """As :func:`py_func`, for functions that call ``.numpy()`` on what they get and may use ``tf``
    operations on it.

    The operations are run when the function has returned.  There is no gradient.
    """

    @wraps(func)
    def call(*values: Any) -> Any:
        graph = Graph()
        with graph.as_default():
            result = func(*(np.asarray(value).view(EagerArray) for value in values))
            listed = list(result) if isinstance(result, list | tuple) else [result]
            tensors = [t for t in map(as_tensor, listed) if t is not None]
        if tensors:
            with Session(graph=graph) as session:
                found = iter(session.run(tensors))
            listed = [part if as_tensor(part) is None else next(found) for part in listed]
        return listed if isinstance(result, list | tuple) else listed[0]

    return py_func(call, inp, Tout, name=name or "EagerPyFunc")


def Print(
    input_: Any,
    data: Sequence[Any],
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """``input_``, and when it is computed the values of ``data`` are written to standard error.

    >>> x = tf.Print(x, [tf.reduce_mean(x)], "mean: ")
    """
    x = convert(input_)
    tensors = [convert(d) for d in listed(data, "data")]
    return builder(x).print_values(
        x, tensors, message=message or "", first_n=-1 if first_n is None else first_n,
        summarize=3 if summarize is None else summarize, name=name or "Print",
    )  # fmt: skip


def Assert(
    condition: Any, data: Sequence[Any], summarize: int | None = None, name: str | None = None
) -> Node:
    """An operation that fails, showing ``data``, unless ``condition`` is true.

    >>> with tf.control_dependencies([tf.Assert(tf.reduce_all(x > 0), [x])]):
    ...     y = tf.log(x)
    """
    truth = convert(condition, "bool")
    texts: list[tuple[str, ...]] = [()]
    tensors: list[Tensor] = []
    for value in data:
        if isinstance(value, str):  # words of the message: no tensor needs to hold them
            texts[-1] += (value,)
        else:
            tensors.append(convert(value))
            texts.append(())
    check = getattr(builder(truth), "assert")
    return check(
        truth, *tensors, summarize=3 if summarize is None else summarize,
        texts=tuple(texts) if any(texts) else (), name=name or "Assert",
    )  # fmt: skip


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """``tensor``; when the graph runs, a NaN or infinity in it is an error with ``message``."""
    x = convert(tensor)
    return builder(x).check_numerics(x, message=message, name=name or "CheckNumerics")


def verify_tensor_all_finite(
    t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None,
    message: str | None = None,
) -> Tensor:  # fmt: skip
    """The same as :func:`check_numerics`; ``x`` and ``message`` are its later parameters."""
    return check_numerics(x if t is None else t, msg or message or "", name)


def add_check_numerics_ops() -> Node:
    """An operation that checks every floating tensor made so far for NaN and infinity, but for
    what waits for variables to be written.

    Branches and loops are run a second time for it, with checks in every turn, so that the message
    says in which turn and at which line the first one was computed.
    """
    from graphc.ir.graph import default_graph
    from graphc.ops.control.checked import SOURCES, checked_twin, told

    checked: list[Any] = []
    behind: set[Node] = set()  # writes and what waits for them: a check must not make them happen
    for node in list(default_graph().nodes):
        before = (*(t.node for t in node.operands), *node.control)
        if node.op.writes is not None or any(n in behind for n in before):
            behind.add(node)
        elif hasattr(node.op, "with_bodies"):
            checked.append(checked_twin(node))
        elif node.op.name not in SOURCES:
            floating = [t for t in node.outputs if t.dtype.is_floating]
            checked += [check_numerics(t, told(t)) for t in floating]
    return group(*checked, name="check_numerics")


def print_v2(*inputs: Any, **kwargs: Any) -> Node:
    """An operation that writes ``inputs``, tensors among them by value, when it is run.

    Keywords: ``output_stream`` (``sys.stderr``, ``sys.stdout``, a function of ``tf.logging``, or
    ``"file://PATH"``), ``summarize`` (3 elements from each end of an axis; -1 for all), ``sep``,
    ``end``, ``name``.

    >>> with tf.control_dependencies([tf.print("loss:", loss)]):
    ...     train = tf.identity(train)
    """
    stream, summarize = kwargs.pop("output_stream", sys.stderr), kwargs.pop("summarize", 3)
    between, end = kwargs.pop("sep", " "), kwargs.pop("end", "\n")
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError(f"print() got an unexpected argument {next(iter(kwargs))!r}")
    tensors: list[Tensor] = []
    parts = [_in_template(value, tensors) for value in inputs]
    b = builder(*tensors)
    lone = tensors[0] if len(inputs) == 1 and tensors and as_tensor(inputs[0]) is not None else None
    if lone is not None and lone.dtype.is_string and lone.type.shape == ():
        text = lone
    else:
        text = b.string_format(
            *tensors, template=(" " if between is None else between).join(parts), placeholder=_HERE,
            summarize=-1 if summarize is None else summarize,
        )  # fmt: skip
    return b.print_v2(text, stream=_stream_name(stream), end=end, name=name or "PrintV2")


_HERE = "\0"  # where a tensor's value goes


class _Place:
    def __repr__(self) -> str:
        return _HERE


def _in_template(value: Any, tensors: list[Tensor]) -> str:
    """``value`` as text, with a placeholder for every tensor in it, in order."""
    if isinstance(value, str):
        return value
    found = _without_tensors(value, tensors)
    return (
        pformat(found, sort_dicts=False) if isinstance(value, list | tuple | dict) else str(found)
    )


def _without_tensors(value: Any, tensors: list[Tensor]) -> Any:
    tensor = as_tensor(value)
    if tensor is not None:
        tensors.append(tensor)
        return _Place()
    if isinstance(value, dict):
        return {key: _without_tensors(inner, tensors) for key, inner in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_make"):
        return value._make(_without_tensors(inner, tensors) for inner in value)
    if isinstance(value, list | tuple):
        return type(value)(_without_tensors(inner, tensors) for inner in value)
    return value


def _stream_name(stream: Any) -> str:
    if stream is sys.stdout or stream is sys.__stdout__:
        return "stdout"
    if stream is sys.stderr or stream is sys.__stderr__:
        return "stderr"
    if isinstance(stream, str) and stream.startswith("file://"):
        return stream
    level = getattr(stream, "__name__", "")
    if callable(stream) and level in ("debug", "info", "warn", "warning", "error", "critical"):
        return f"log({'warning' if level == 'warn' else level})"
    raise ValueError(
        f"output_stream must be sys.stdout, sys.stderr, a function of tf.logging or 'file://PATH', "
        f"got {stream!r}"
    )


def timestamp(name: str | None = None) -> Tensor:
    """Seconds since 1970 when the run comes to it, float64."""
    return builder().timestamp(name=name or "Timestamp")
