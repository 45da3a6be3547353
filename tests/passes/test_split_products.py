"""Products whose sums are long and whose results are small: which are made in parts, and how."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32
from graphc.ir.graph import Graph, Tensor
from graphc.passes import split_reductions as split_reductions_module
from graphc.passes.split_reductions import parts_of_sum, split_reductions
from tests.devices import DEVICES
from tests.passes.rewriting import rewritten


def product(m: object, n: object, k: object, ta: bool = False, tb: bool = False) -> Tensor:
    b = Builder(Graph())
    x = b.placeholder(dtype=float32, shape=(k, m) if ta else (m, k))
    w = b.placeholder(dtype=float32, shape=(n, k) if tb else (k, n))
    return b.matmul(x, w, transpose_a=ta, transpose_b=tb)


@pytest.mark.parametrize(
    ("sizes", "turned", "parts"),
    [
        ((10, 10, 50_000), {"ta": True}, 5),  # 8 divide it, too, but are too many for its work
        ((12, 32, 1 << 16), {"ta": True}, 8),
        ((1, 1, 1 << 20), {}, 8),
        ((1, 1, 1 << 20), {"tb": True}, 8),
        ((1, 20, 300_000), {}, 8),
        ((12, 32, 65_537), {"ta": True}, 1),  # a prime
        ((12, 32, 4096), {"ta": True}, 1),  # little work
        ((48, 32, 1 << 16), {"ta": True}, 1),  # rows enough
        ((12, 32, 1 << 16), {}, 1),  # parts would be no matrices as they lie
        ((12, 32, 1 << 16), {"ta": True, "tb": True}, 1),
        ((12, 32, dims.symbol("k")), {"ta": True}, 1),
        ((0, 32, 1 << 16), {"ta": True}, 1),
    ],
)
def test_a_sum_is_made_in_parts_where_few_tiles_have_much_to_add(
    sizes: tuple, turned: dict, parts: int
) -> None:
    assert parts_of_sum(product(*sizes, **turned).node) == parts


SPLIT = [((3, 5, 60_000), {"ta": True}), ((1, 1, 70_000), {}), ((1, 1, 70_000), {"tb": True})]


def test_parts_are_views_and_are_added_in_their_order(golden) -> None:
    text = """
        graph g(x: float32[60000, 3], w: float32[60000, 5], u: float32[1, 70000]) -> y, z
          %y = matmul(%x, %w, transpose_a=True)
          %z = matmul(%u, %u, transpose_b=True)
    """
    assert rewritten(split_reductions, text) == golden


@pytest.mark.parametrize("device", ["plain", "cpu"])
@pytest.mark.parametrize(("sizes", "turned"), SPLIT)
def test_every_device_adds_the_same(
    sizes: tuple, turned: dict, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split_reductions_module, "PART", 1 << 12)
    m, n, k = sizes
    y = product(m, n, k // 100, **turned)
    assert parts_of_sum(y.node) > 1
    rng = np.random.default_rng(0)
    feeds = {t: rng.integers(-3, 4, t.type.dims).astype(np.float32) for t in y.node.operands}
    (wanted,) = DEVICES["reference"](y.graph, feeds, [y], [], {})
    (made,) = DEVICES[device](y.graph, feeds, [y], [], {})
    np.testing.assert_array_equal(made, wanted)


def test_parts_lose_no_more_than_one_sum() -> None:
    rng = np.random.default_rng(1)
    x, w = (rng.standard_normal((1 << 18, n)).astype(np.float32) for n in (8, 16))
    with tf.Graph().as_default(), tf.Session() as sess:
        a = tf.placeholder(tf.float32, x.shape)
        b = tf.placeholder(tf.float32, w.shape)
        y = tf.matmul(a, b, transpose_a=True)
        assert parts_of_sum(y.node) == 8
        made = sess.run(y, {a: x, b: w})
    exact = x.astype(np.float64).T @ w.astype(np.float64)
    error, blas = (np.sqrt(np.mean((v - exact) ** 2)) for v in (made, x.T @ w))
    assert error <= 2 * blas
