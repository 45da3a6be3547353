"""Gradients and ops that a user defines."""

import numpy as np
import pytest

from graphc.autodiff.forward import jvp
from graphc.autodiff.reverse import gradients, why_none
from graphc.errors import GraphError
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32, float64
from graphc.ir.graph import Graph
from graphc.ir.op import REGISTRY
from graphc.ir.text import parse_graph, print_graph
from graphc.ops.running.custom import custom_gradient, custom_op
from graphc.passes.expand import expand
from graphc.passes.options import Options
from runtime.devices.reference.evaluate import evaluate


@pytest.fixture
def b() -> Builder:
    return Builder(Graph())


def test_a_custom_gradient_replaces_the_derived_one(b) -> None:
    @custom_gradient
    def clipped(x):
        return b.exp(x), lambda dy: b.mul(dy, 5.0)

    x = b.placeholder(dtype=float64, shape=(2,), name="x")
    y = clipped(x)
    (dx,) = gradients(y, x)
    got = evaluate(b.home, {"x:0": [0.0, 1.0]}, [y, dx])
    np.testing.assert_allclose(got[0], [1, np.e])
    np.testing.assert_array_equal(got[1], [5, 5])
    (dy,) = jvp(y, x)
    np.testing.assert_array_equal(evaluate(b.home, {"x:0": [0.0, 1.0]}, [dy])[0], [5, 5])


def test_several_operands_and_results(b) -> None:
    @custom_gradient
    def both(x, y):
        return [b.add(x, y), b.mul(x, y)], lambda ds, dp: (b.mul(ds, 2.0), b.mul(dp, 3.0))

    x, y = (b.placeholder(dtype=float64, shape=(), name=n) for n in "xy")
    s, p = both(x, y)
    dx, dy = gradients([s, p], [x, y])
    assert list(evaluate(b.home, {"x:0": 1.0, "y:0": 4.0}, [s, p, dx, dy])) == [5, 4, 2, 3]
    apart = evaluate(b.home, {"x:0": 1.0, "y:0": 4.0}, gradients(s, [x, y]))
    assert list(apart) == [2, 0]


def test_a_custom_gradient_is_gone_after_expansion(b) -> None:
    x = b.placeholder(dtype=float64, shape=(2,), name="x")
    y = custom_gradient(lambda x: (b.exp(x), lambda dy: dy))(x)
    b.home.inputs, b.home.outputs = (x,), (y,)
    after = expand(b.home, Options())
    assert [n.op.name for n in after.nodes] == ["placeholder", "identity", "exp"]


def test_variables_read_inside_must_be_asked_for(b) -> None:
    w = b.variable(dtype=float64, shape=(), key="w", name="w")
    x = b.placeholder(dtype=float64, shape=(), name="x")
    with pytest.raises(GraphError, match="reads w; its gradient function takes no variables"):
        custom_gradient(lambda x: (b.mul(x, w), lambda dy: dy))(x)

    @custom_gradient
    def scaled(x):
        def grad(dy, variables=None):
            assert variables == [w]
            return b.mul(dy, 10.0), [b.mul(dy, 20.0)]

        return b.mul(x, w), grad

    dx, dw = gradients(scaled(x), [x, w])
    assert list(evaluate(b.home, {}, [dx, dw])) == [10, 20]


def test_the_wrong_number_of_gradients_is_refused(b) -> None:
    x = b.placeholder(dtype=float64, shape=(), name="x")
    y = custom_gradient(lambda x: (b.exp(x), lambda dy: [dy, dy]))(x)
    with pytest.raises(GraphError, match="gives 2 for 1 operands"):
        gradients(y, x)


@pytest.fixture
def registry(monkeypatch):
    """Ops registered in a test are gone after it."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def test_a_custom_op_is_an_op_like_any_other(b, registry) -> None:
    cube = custom_op(
        "test_cube", reference=lambda x: x**3, scalar="{x} * {x} * {x}",
        vjp=lambda b, ct, y, x: [b.mul(ct, b.mul(b.square(x), 3))], doc="``y = x**3``.",
    )  # fmt: skip
    x = b.placeholder(dtype=float32, shape=(2,), name="x")
    y = cube(x, name="y")
    (dx,) = gradients(y, x)
    got = evaluate(b.home, {"x:0": [1.0, 2.0]}, [y, dx])
    np.testing.assert_array_equal(got, [[1, 8], [3, 12]])
    assert y.node.op.scalar("t0") == "t0 * t0 * t0"
    assert b.test_cube(x).type == y.type
    text = print_graph(b.home, sites=False)
    assert "%y = test_cube(%x) : float32[2]" in text
    assert print_graph(parse_graph(text), sites=False) == text
    with pytest.raises(Exception, match="x must be floating, got int32"):
        cube(b.const(value=np.int32([1])))


def test_a_custom_op_takes_attributes_by_keyword(b, registry) -> None:
    power = custom_op(
        "test_power", reference=lambda x, n: x**n, scalar=lambda x, n: " * ".join([str(x)] * n),
        attributes={"n": 2}, vjp="not wanted here",
    )  # fmt: skip
    x = b.placeholder(dtype=float64, shape=(), name="x")
    y = power(x, n=3)
    assert evaluate(b.home, {"x:0": 2.0}, [y])[0] == 8
    assert y.node.op.scalar("t") == "t * t * t"
    assert gradients(y, x) == [None]
    assert "not wanted here" in why_none(y, x)


def test_a_custom_op_may_not_take_the_name_of_another(registry) -> None:
    with pytest.raises(TypeError, match="two ops are called 'exp'"):
        custom_op("exp", reference=np.exp, scalar="exp({x})", vjp="no")
