"""Ways to run a graph that must agree: the reference, plain Python kernels, the CPU."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

import numpy as np
import pytest

from graphc.ir.graph import Graph, Node, Tensor
from runtime.devices.reference.evaluate import evaluate
from tests.plain_program import run_program

Arrays = tuple[np.ndarray, ...]


def on_reference(
    graph: Graph,
    feeds: dict[Tensor, np.ndarray],
    fetches: list[Tensor],
    targets: list[Node],
    variables: MutableMapping[str, np.ndarray],
) -> Arrays:
    return evaluate(graph, feeds, fetches, targets=targets, variables=variables)


def on_plain(
    graph: Graph,
    feeds: dict[Tensor, np.ndarray],
    fetches: list[Tensor],
    targets: list[Node],
    variables: MutableMapping[str, np.ndarray],
) -> Arrays:
    compiler = pytest.importorskip("graphc.compiler")
    types = {t: t.type.with_shape(np.shape(a)) for t, a in feeds.items() if t.type.shape is None}
    program = compiler.compile_graph(graph, list(feeds), fetches, targets, types=types)
    return run_program(program, [np.asarray(a) for a in feeds.values()], variables)


Device = Callable[..., Arrays]
DEVICES: dict[str, Device] = {"reference": on_reference, "plain": on_plain}
