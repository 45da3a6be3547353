"""Forward mode is the transpose of reverse mode; Hessian products agree with second derivatives."""

import numpy as np
import pytest

from graphc.autodiff.forward import hessian_vector_product, jvp
from graphc.autodiff.reverse import gradients
from graphc.errors import GraphError
from graphc.ir.builder import Builder
from graphc.ir.dtype import float64
from graphc.ir.graph import Graph
from runtime.devices.reference.evaluate import evaluate

rng = np.random.default_rng(0)
AT = {"x:0": rng.normal(size=(4, 3)), "w:0": rng.normal(size=(3, 2)), "s:0": rng.normal(size=2)}


@pytest.fixture
def model():
    """A small network: the builder, its inputs, its output."""
    b = Builder(Graph())
    x, w, s = (
        b.placeholder(dtype=float64, shape=AT[f"{n}:0"].shape, name=n) for n in ("x", "w", "s")
    )
    h = b.tanh(b.add(b.matmul(x, w), s))
    y = b.softmax(b.mul(h, b.exp(s)))
    return b, [x, w, s], y


def test_jvp_agrees_with_finite_differences(model) -> None:
    b, xs, y = model
    ts = {k: rng.normal(size=v.shape) for k, v in AT.items()}
    tangents = [b.tensor(ts[x.name], dtype=float64) for x in xs]
    (dy,) = jvp(y, xs, tangents)
    (got,) = evaluate(b.home, AT, [dy])
    step = 1e-6
    ahead, behind = (
        evaluate(b.home, {k: AT[k] + sign * step * ts[k] for k in AT}, [y])[0] for sign in (1, -1)
    )
    np.testing.assert_allclose(got, (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-8)


def test_jvp_is_the_transpose_of_gradients(model) -> None:
    b, xs, y = model
    h = b.square(xs[2])  # an x behind another
    y = b.mul(y, h)
    xs = [*xs, h]
    ts = [b.tensor(rng.normal(size=x.type.shape), dtype=float64) for x in xs]
    u = b.tensor(rng.normal(size=y.type.shape), dtype=float64)
    (dy,) = jvp(y, xs, ts)
    pulled = gradients(y, xs, u)
    found = evaluate(b.home, AT, [dy, u, *pulled, *ts])
    forward, weights, rest = found[0], found[1], found[2:]
    backward = sum((g * t).sum() for g, t in zip(rest[: len(xs)], rest[len(xs) :], strict=True))
    np.testing.assert_allclose((forward * weights).sum(), backward)


def test_an_own_jvp_is_used(model, monkeypatch) -> None:
    b, (x, *_), _ = model
    y = b.exp(x)
    monkeypatch.setattr(
        type(y.node.op), "jvp", lambda self, b, ts, y, x: b.mul(ts[0], 7.0), raising=False
    )
    (dy,) = jvp(y, [x])
    (got,) = evaluate(b.home, AT, [dy])
    np.testing.assert_array_equal(got, np.full((4, 3), 7.0))


def test_a_y_that_does_not_move_has_no_tangent(model) -> None:
    b, (x, w, _), _ = model
    assert jvp([b.exp(x), b.floor(w), b.exp(w)], [w])[:2] == [None, None]


def test_hessian_vector_product_agrees_with_differences_of_gradients(model) -> None:
    b, xs, y = model
    loss = b.reduce_sum(b.square(y))
    vs = {k: rng.normal(size=v.shape) for k, v in AT.items()}
    products = hessian_vector_product(loss, xs, [b.tensor(vs[x.name], dtype=float64) for x in xs])
    grads = gradients(loss, xs)
    got = evaluate(b.home, AT, products)
    step = 1e-6
    ahead, behind = (
        evaluate(b.home, {k: AT[k] + sign * step * vs[k] for k in AT}, grads) for sign in (1, -1)
    )
    for g, p, q in zip(got, ahead, behind, strict=True):
        np.testing.assert_allclose(g, (p - q) / (2 * step), rtol=1e-5, atol=1e-7)


def test_as_many_vectors_as_xs(model) -> None:
    _, xs, y = model
    with pytest.raises(GraphError, match="3 xs and 1 vs"):
        hessian_vector_product(y, xs, [xs[0]])
