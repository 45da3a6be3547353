"""An op's lowering read one element at a time, in plain Python: no loops, fusion or compiler.

Stands in for the nest of :mod:`graphc.lowering.nest`: indices are numbers, and each piece of kernel
text is evaluated at once with the meaning of its words.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.codegen import vocabulary
from graphc.ir.dtype import as_dtype, bfloat16, float16
from graphc.ir.graph import Node, Tensor
from graphc.ir.op import Kind
from graphc.ir.types import broadcast_index
from graphc.lowering.element import Elements, OperandAt, Scalar, block_lines
from graphc.lowering.loops import initial_value
from tests.ops.sampling import OneNode

WORDS = {name: word.meaning for name, word in vocabulary.WORDS.items()}


class Interpreter:
    """Evaluates text as it is bound; ``failed`` once a check did."""

    def __init__(self, values: dict[Tensor, np.ndarray]) -> None:
        self.values = values
        self.names: dict[str, Any] = {}
        self.failed = False

    def bind(self, text: str, dtype: str, uses: Any = (), level: int | None = None) -> Scalar:
        with np.errstate(all="ignore"):
            value = vocabulary.scalar(eval(text, {**WORDS, **self.names}))
        wanted = as_dtype(dtype).computed.numpy
        assert value.dtype == wanted, f"{text} is {value.dtype}, the op says {wanted}"
        return self.named(value, dtype)

    def named(self, value: Any, dtype: str) -> Scalar:
        name = f"t{len(self.names)}"
        self.names[name] = value
        return Scalar(name, dtype, 0, self)  # type: ignore[arg-type]

    def block(self, text: str, dtype: str, uses: Any) -> Scalar:
        own = f"b{len(self.names)}"
        lines = block_lines(text, own, self.literal, uses)
        counted = {"range": lambda *bounds: map(np.int64, range(*bounds))}
        scope = {**WORDS, **self.names, **counted}
        with np.errstate(all="ignore"):
            exec("\n".join(lines), scope)
        value = vocabulary.scalar(scope[f"result_{own}"])
        assert value.dtype == as_dtype(dtype).computed.numpy
        return self.named(value, dtype)

    def literal(self, value: float, dtype: str) -> str:
        return self.named(as_dtype(dtype).computed.numpy.type(value), dtype).name

    def value(self, tensor: Tensor, at: tuple[int, ...]) -> Scalar:
        array = self.values[tensor]
        assert all(0 <= i < n for i, n in zip(at, array.shape, strict=True)), f"{tensor.name}{at}"
        stored = array[at]
        if tensor.dtype is bfloat16:
            stored = vocabulary.bfloat16_value(stored)
        return self.named(tensor.dtype.computed.numpy.type(stored), str(tensor.dtype.computed))

    def value_or(
        self, tensor: Tensor, at: tuple[int, ...], outside: Scalar, other: Scalar
    ) -> Scalar:
        return other if self.names[outside.name] else self.value(tensor, at)

    def position(self, index: int) -> Scalar:
        return self.named(np.int64(index), "int64")

    def checked_index(self, node: Node, value: Scalar, bound: int) -> int:
        self.failed |= not 0 <= int(self.names[value.name]) < bound
        return self.clamped_index(value, bound)

    def clamped_index(self, value: Scalar, bound: int) -> int:
        return max(0, min(int(self.names[value.name]), bound - 1))

    def flag(self, node: Node, condition: str) -> None:
        self.failed |= bool(eval(condition, {**WORDS, **self.names}))


def stored(value: Any, dtype: Any) -> Any:
    """A computed value as memory of ``dtype`` holds it."""
    if dtype is bfloat16:
        return vocabulary.bfloat16_bits(value)
    return np.float16(value) if dtype is float16 else value


def lowered_value(built: OneNode, arrays: list[np.ndarray]) -> np.ndarray:
    """The op's output by its ``scalar``, ``element`` or ``reduction``."""
    node = built.node
    (tensor,) = node.outputs
    run = Interpreter(dict(zip(built.operands, arrays, strict=True)))
    result = np.empty(tensor.type.shape, tensor.dtype.numpy)
    for at in np.ndindex(result.shape):
        run.names.clear()
        value = _element(run, node, at)
        result[at] = stored(run.names[value.name], tensor.dtype)
    assert not run.failed, "a check of its operands' values failed"
    return result


def _element(run: Interpreter, node: Node, at: tuple[int, ...]) -> Scalar:
    op, (out,) = node.op, node.outputs
    if op.kind is Kind.ELEMENTWISE:
        shape = out.type.shape
        loads = [run.value(t, broadcast_index(at, t.type.shape, shape)) for t in node.operands]
        return run.bind(op.scalar(*loads), str(out.dtype.computed))
    if op.reduction is not None:
        return _folded(run, node, at)
    elements = Elements(run, node)  # type: ignore[arg-type]
    operands = [OperandAt(elements, t) for t in node.operands]
    return op.element(elements, at, *operands)


def _folded(run: Interpreter, node: Node, at: tuple[int, ...]) -> Scalar:
    op, (x,) = node.op, node.operands
    shape, axes = x.type.shape, op.axes(x.type)
    kept = iter(at if not op.keepdims else [i for k, i in enumerate(at) if k not in axes])
    outer = [0 if k in axes else next(kept) for k in range(len(shape))]
    dtype = str(x.dtype.computed)
    held = run.named(np.dtype(dtype).type(initial_value(op.reduction, x)), dtype)
    for inner in np.ndindex(*(shape[k] for k in axes)):
        index = list(outer)
        for k, i in zip(axes, inner, strict=True):
            index[k] = i
        value = run.value(x, tuple(index))
        held = run.bind(f"{op.reduction.word}({held}, {value})", dtype)
    return held
