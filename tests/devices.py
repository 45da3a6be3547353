"""Ways to run a graph that must agree: the reference, plain Python kernels, the CPU."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

import numpy as np

from graphc.compiler import compile_graph
from graphc.ir.graph import Graph, Node, Tensor
from graphc.passes.options import Options
from runtime.devices.reference.evaluate import evaluate
from runtime.session import Session
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
    options: Options | None = None,
) -> Arrays:
    types = {t: t.type.with_shape(np.shape(a)) for t, a in feeds.items() if t.type.shape is None}
    program = compile_graph(graph, list(feeds), fetches, targets, options, types)
    return run_program(program, [np.asarray(a) for a in feeds.values()], variables)


def on_cpu(
    graph: Graph,
    feeds: dict[Tensor, np.ndarray],
    fetches: list[Tensor],
    targets: list[Node],
    variables: MutableMapping[str, np.ndarray],
) -> Arrays:
    with Session(graph=graph, device="/cpu:0") as session:
        store = session._state.variables
        for key, value in variables.items():
            store.set(key, value)
        values = session.run([list(fetches), list(targets)], feeds)[0]
        for key in list(store.keys()):
            variables[key] = store.get(key)
    return tuple(map(_array, values))


def _array(value: object) -> np.ndarray:
    """A fetched value as an array; text stays an object, with the zeros it may end in."""
    return np.array(value, object) if isinstance(value, bytes | str) else np.asarray(value)


Device = Callable[..., Arrays]
DEVICES: dict[str, Device] = {"reference": on_reference, "plain": on_plain, "cpu": on_cpu}
