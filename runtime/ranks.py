"""Results of Python functions whose rank nobody said: found out by calling the function.

A program is compiled for known ranks.  So before the first run the functions concerned are called
on what the run would give them (state it changes on the way is put back), and the ranks of what
they return are compiled for.  A function that returns another rank later ends that run; it starts
again, compiled for the new rank.  In both cases what functions have returned already is used: no
function is called twice in a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.graph import Node, Tensor
from graphc.ir.types import TensorType
from graphc.ops.running.host import ReturnedShapeError
from runtime.blame import name_failure

Results = dict[str, list[np.ndarray]]  # of Python functions, by node


class Ranks:
    """The ranks that the results of unknown rank among ``nodes`` last had; None before a call."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.known: dict[Tensor, int | None] = {
            tensor: None
            for node in nodes
            if node.op.binding == "shapes"
            for tensor in node.outputs
            if tensor.type.shape is None
        }

    def __bool__(self) -> bool:
        return bool(self.known)

    def unfound(self) -> list[Node]:
        """The functions still to be called for their ranks, each after those it may depend on."""
        found = {t.node for t, rank in self.known.items() if rank is None}
        return [node for node in next(iter(found)).graph.nodes if node in found] if found else []

    def types(self) -> dict[Tensor, TensorType]:
        """The results' types, with a size of its own for every axis."""
        return {
            tensor: TensorType(
                tensor.dtype,
                tuple(dims.symbol(f"returned_{k}_{axis}", data=True) for axis in range(rank)),
            )
            for k, (tensor, rank) in enumerate(self.known.items())
            if rank is not None
        }

    def note(self, node: Node, results: Sequence[np.ndarray]) -> bool:
        """Take over the ranks of what a function returned; False if there was nothing to learn."""
        found = {
            tensor: np.ndim(array)
            for tensor, array in zip(node.outputs, results, strict=True)
            if tensor in self.known and self.known[tensor] != np.ndim(array)
        }
        self.known |= found
        return bool(found)

    def learn(self, error: ReturnedShapeError) -> None:
        """Take over what made a run fail; raise it if a declared shape was not kept."""
        node = next((t.node for t in self.known if t.node.name == error.node_name), None)
        if node is None or not self.note(node, error.results):
            raise error


def call(node: Node, operands: Sequence[Any]) -> list[np.ndarray]:
    """What the function of a node returns for copies of these values."""
    op: Any = node.op
    try:
        results = op.host(*(np.array(value) for value in operands))
    except Exception as error:
        name_failure(error, op, node.name, node.site)
        raise
    return list(results)
