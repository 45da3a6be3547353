"""Running a body by the NumPy meaning of its ops, turn by turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc.errors import OpError
from graphc.ir import dims
from graphc.ir.body import Body
from graphc.ir.dtype import as_dtype, bfloat16
from graphc.ir.graph import Node, Tensor
from graphc.ir.types import TensorType
from graphc.ops.running.precision import reference_values


def run_body(body: Body, arrays: Sequence[Any]) -> list[np.ndarray]:
    """What the body gives for its inputs' values."""
    given = [np.asarray(a) for a in arrays]
    fitted = body.retyped(
        [TensorType(t.dtype, a.shape) for t, a in zip(body.graph.inputs, given, strict=True)]
    )
    run = _Turn(dict(zip(fitted.graph.inputs, given, strict=True)))
    for node in fitted.graph.nodes:
        run.step(node)
    return [run.values[t] for t in fitted.graph.outputs]


@contextmanager
def turn_told(turn: int) -> Iterator[None]:
    """Let an error say in which turn of a loop it happened."""
    try:
        yield
    except OpError as error:
        error.turn = turn
        raise


class _Turn:
    """The values of one turn, and the sizes that only running it tells."""

    def __init__(self, values: dict[Tensor, np.ndarray]) -> None:
        self.values = values
        self.sizes: dict[str, int] = {}

    def step(self, node: Node) -> None:
        if node.outputs and node.outputs[0] in self.values:
            return
        arrays = [self.values[t] for t in node.operands]
        operands = [
            TensorType(t.dtype, a.shape) for t, a in zip(node.operands, arrays, strict=True)
        ]
        op = node.op.substitute(dict(self.sizes)) if self.sizes else node.op
        try:
            results = reference_values(op, arrays, operands, [t.type for t in node.outputs])
        except OpError as error:
            error.place(op.name, node.name, node.site)
            raise
        for tensor, array in zip(node.outputs, results, strict=True):
            self.values[tensor] = array
            for dim, size in zip(tensor.type.shape or (), array.shape, strict=False):
                atom = dims.single_atom(dim)
                if isinstance(atom, dims.Symbol):
                    self.sizes.setdefault(atom.name, size)
        if hasattr(op, "binds"):
            self.sizes |= op.binds(results[0])


def stacked(rows: Sequence[np.ndarray], type: TensorType) -> np.ndarray:
    """One array of what the turns gave; of no turns, an empty one."""
    if rows:
        return np.stack(rows)
    sizes = tuple(d if isinstance(d, int) else 0 for d in type.shape or ())
    dtype = np.uint16 if type.dtype is bfloat16 else as_dtype(type.dtype).numpy
    return np.zeros((0, *sizes), dtype)
