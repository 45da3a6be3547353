"""A failing check names the value and its position, even where the value was never in memory."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.errors import InvalidArgumentError
from graphc.ir.builder import Builder
from graphc.ir.dims import symbol
from graphc.ir.dtype import float32, int32
from graphc.ir.graph import Graph
from runtime.session import Session


def failure(device: str, graph: Graph, fetch: object, feeds: dict) -> str:
    with (
        Session(graph=graph, device=device) as session,
        pytest.raises(InvalidArgumentError) as caught,
    ):
        session.run(fetch, feeds)
    return caught.value.fact


@pytest.mark.parametrize("device", ["/reference:0", "/cpu:0"])
def test_an_index_computed_inside_the_kernel_is_named(device: str) -> None:
    b = Builder(Graph())
    x = b.placeholder(dtype=float32, shape=(symbol("n"), 2))
    ids = b.placeholder(dtype=int32, shape=(symbol("m"),))
    y = b.gather(b.mul(x, 2.0), b.sub(ids, 1))
    feeds = {x: np.ones((6, 2), np.float32), ids: np.array([1, 4, 0], np.int32)}
    assert failure(device, b.home, y, feeds) == "indices[2] = -1 is not in [0, 6)"


@pytest.mark.parametrize("device", ["/reference:0", "/cpu:0"])
def test_a_nan_inside_the_kernel_is_found(device: str) -> None:
    b = Builder(Graph())
    x = b.placeholder(dtype=float32, shape=(3,))
    y = b.mul(b.check_numerics(b.log(x), message="loss"), 2.0)
    feeds = {x: np.array([1, -1, 2], np.float32)}
    assert failure(device, b.home, y, feeds) == "loss: x[1] is nan"
