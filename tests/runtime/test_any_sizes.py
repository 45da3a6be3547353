"""One session serves any sizes: in turn, of nothing, and of 1 that stretches in a broadcast."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from graphc.autodiff.reverse import gradients
from graphc.errors import ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32
from graphc.ir.graph import Graph
from runtime.devices.reference.evaluate import evaluate
from runtime.session import Session
from tests.tolerances import assert_close


def rows_and_weights(b: Builder) -> tuple[Any, Any]:
    """``x`` of n by m and ``y`` of k; m and k must agree, unless one is 1."""
    n, m, k = (b.home.new_dim(name) for name in "nmk")
    x = b.placeholder(dtype=float32, shape=(n, m), name="x")
    return x, b.placeholder(dtype=float32, shape=(k,), name="y")


def test_sizes_alternate_in_one_session() -> None:
    b = Builder(Graph())
    x, y = rows_and_weights(b)
    z = b.tanh(b.add(x, y))
    variance = b.reduce_variance(z, axis=0)
    loss = b.add(
        b.reduce_sum(b.reduce_logsumexp(b.mul(z, y), axis=1)), b.reduce_mean(b.square(variance))
    )
    fetches = [z, b.softmax(z), b.argmax(z, axis=1), variance, loss, *gradients(loss, [x, y])]
    rng = np.random.default_rng(0)
    meet = [(m, k) for m, k in itertools.product((4, 1, 6), (4, 1)) if m == k or 1 in (m, k)]
    sizes = [(n, m, k) for n in (3, 1, 0) for m, k in meet]
    with Session(graph=b.home, device="/cpu:0") as session:
        for n, m, k in rng.permutation(sizes):
            feeds = {
                x: rng.normal(size=(n, m)).astype(np.float32),
                y: rng.normal(size=k).astype(np.float32),
            }
            expected = evaluate(b.home, feeds, fetches)
            for value, wanted in zip(session.run(fetches, feeds), expected, strict=True):
                assert_close(value, wanted, 20)


def test_the_gradient_of_a_stretched_operand_is_the_sum_over_its_copies() -> None:
    b = Builder(Graph())
    x, y = rows_and_weights(b)
    slopes = gradients(b.add(x, y), [x, y])
    feeds = {x: np.zeros((2, 1), np.float32), y: np.zeros(4, np.float32)}
    with Session(graph=b.home, device="/cpu:0") as session:
        of_x, of_y = session.run(slopes, feeds)
    np.testing.assert_array_equal(of_x, [[4], [4]])
    np.testing.assert_array_equal(of_y, [2, 2, 2, 2])


def test_a_shape_that_names_a_stretched_size_is_refused() -> None:
    b = Builder(Graph())
    x, y = rows_and_weights(b)
    n, m = x.type.shape
    flat = b.reshape(b.add(x, y), shape=(m * n,))  # m is 1 in the run, the sum has k columns
    feeds = {x: np.zeros((2, 1), np.float32), y: np.zeros(4, np.float32)}
    with (
        Session(graph=b.home, device="/cpu:0") as session,
        pytest.raises(ShapeError, match="the number of elements"),
    ):
        session.run(flat, feeds)
