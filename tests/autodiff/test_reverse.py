"""tf.gradients: sums, broadcasts, stops, several ys, depth; and why there is none."""

import numpy as np
import pytest

from graphc.autodiff.reverse import gradients, why_none
from graphc.errors import DTypeError, GraphError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32, float64, int32
from graphc.ir.graph import Graph, Tensor
from runtime.devices.reference.evaluate import evaluate
from tests.passes.rewriting import expression


@pytest.fixture
def b() -> Builder:
    return Builder(Graph())


def vector(b: Builder, name: str, *shape: int, dtype=float64) -> Tensor:
    return b.placeholder(dtype=dtype, shape=shape, name=name)


def values(tensors: list[Tensor], **feeds) -> list[np.ndarray]:
    graph = tensors[0].graph
    named = {f"{k}:0": v for k, v in feeds.items()}
    return list(evaluate(graph, named, tensors))


def test_gradients_of_several_readers_add_up(b) -> None:
    x = vector(b, "x", 3)
    y = b.add(b.add(b.mul(x, x), b.mul(x, 3)), b.exp(x))
    (dx,) = gradients(y, x)
    at = np.array([0.5, -1, 2])
    np.testing.assert_allclose(values([dx], x=at)[0], 2 * at + 3 + np.exp(at))


def test_a_broadcast_operand_gets_a_sum(b) -> None:
    x, w, s = vector(b, "x", 4, 3), vector(b, "w", 3), vector(b, "s")
    y = b.mul(b.mul(x, w), s)
    dw, ds = gradients([y], [w, s])
    at = np.arange(12.0).reshape(4, 3)
    got = values([dw, ds], x=at, w=np.ones(3), s=2.0)
    np.testing.assert_allclose(got[0], 2 * at.sum(0))
    np.testing.assert_allclose(got[1], at.sum())
    assert got[0].shape == (3,)
    assert got[1].shape == ()


def test_a_thousand_readers_are_summed_in_a_tree_of_logarithmic_depth(b) -> None:
    x = vector(b, "x")
    y = b.add_n(*(b.mul(x, float(k)) for k in range(1000)))
    (dx,) = gradients(y, x)
    depth = {}
    for node in b.home.nodes:
        inner = [depth[t.node] for t in node.operands]
        depth[node] = max(inner, default=0) + (node.op.name == "add")
    assert depth[dx.node] == 10
    assert values([dx], x=0.0)[0] == sum(range(1000))


def test_several_ys_are_summed_with_their_weights(b) -> None:
    x = vector(b, "x", 2)
    (dx,) = gradients([b.square(x), b.exp(x)], [x], [b.tensor([1.0, 2.0], like=x), None])
    at = np.array([1.0, -1.0])
    np.testing.assert_allclose(values([dx], x=at)[0], [2 + np.e, -4 + np.exp(-1)])


def test_a_y_that_is_an_x_has_gradient_one(b) -> None:
    x = vector(b, "x", 2)
    (dx,) = gradients(x, x)
    np.testing.assert_array_equal(values([dx])[0], [1, 1])


def test_an_x_behind_another_x_gives_total_derivatives(b) -> None:
    x = vector(b, "x")
    h = b.square(x)
    y = b.mul(h, x)
    dh, dx = gradients(y, [h, x])
    assert values([dh, dx], x=3.0) == [3, 27]


def test_stop_gradients_are_constants(b) -> None:
    x = vector(b, "x")
    h = b.square(x)
    y = b.mul(h, x)
    dh, dx = gradients(y, [h, x], stop_gradients=[h])
    assert values([dh, dx], x=3.0) == [3, 9]


def test_one_output_of_several_can_be_the_only_one_used(b) -> None:
    x = vector(b, "x", 4)
    first, _ = b.split(x, sizes=(1, 3))
    (dx,) = gradients(first, x)
    np.testing.assert_array_equal(values([dx], x=np.zeros(4))[0], [1, 0, 0, 0])


def test_second_and_third_derivatives(b) -> None:
    x = vector(b, "x")
    y = b.tanh(x)
    (d1,) = gradients(y, x)
    (d2,) = gradients(d1, x)
    (d3,) = gradients(d2, x)
    t = np.tanh(0.3)
    want = [1 - t**2, -2 * t * (1 - t**2), (1 - t**2) * (6 * t**2 - 2)]
    np.testing.assert_allclose(values([d1, d2, d3], x=0.3), want)


def test_a_variable_has_a_gradient(b) -> None:
    w = b.variable(dtype=float64, shape=(2,), key="w")
    (dw,) = gradients(b.square(w), w)
    (got,) = evaluate(b.home, {}, [dw], variables={"w": np.array([3.0, 4.0])})
    np.testing.assert_array_equal(got, [6, 8])


def test_gradient_nodes_know_their_forward_node_and_scope(b) -> None:
    x = vector(b, "x", 2)
    y = b.exp(x, name="y")
    (dx,) = gradients(y, x)
    assert dx.node.forward is y.node
    assert dx.name.startswith("gradients/")
    (again,) = gradients(y, x)
    assert again.name.startswith("gradients_1/")


def test_only_nodes_between_are_visited(b) -> None:
    x, z = vector(b, "x", 2), vector(b, "z", 2)
    side = b.exp(z)
    for _ in range(50):
        side = b.tanh(side)
    y = b.mul(x, side)
    before = len(b.home.nodes)
    (dx,) = gradients(y, x)
    made = b.home.nodes[before:]
    assert expression(dx) == "mul(broadcast_to(1.0, shape=(2,)), " + expression(side) + ")"
    assert len(made) <= 6


def test_colocated_gradients_are_on_the_device_of_their_forward_node(b) -> None:
    x = vector(b, "x", 2)
    with b.home.device_scope("/cpu:1"):
        y = b.tanh(x)
    (apart,) = gradients(y, x)
    (with_it,) = gradients(y, x, colocate=True)
    assert (apart.device, with_it.device) == ("", "/cpu:1")


def test_a_deep_graph_is_differentiated_without_recursion(b) -> None:
    x = vector(b, "x")
    y = x
    for _ in range(5000):
        y = b.neg(y)
    (dx,) = gradients(y, x)
    assert values([dx])[0] == 1


def test_unknown_rank_has_gradients(b) -> None:
    x = b.placeholder(dtype=float64, shape=None, name="x")
    (dx,) = gradients(b.square(x), x)
    np.testing.assert_array_equal(values([dx], x=[[1.0, 2.0]])[0], [[2, 4]])


# --- none, and why ------------------------------------------------------------------------------


def test_none_without_a_path(b) -> None:
    x, z = vector(b, "x", 2), vector(b, "z", 2)
    y = b.exp(x, name="y")
    assert gradients(y, [z]) == [None]
    assert why_none(y, z) == "y:0 does not depend on z:0: no operand leads from one to the other"


def test_none_through_a_step_names_the_op(b) -> None:
    x = vector(b, "x", 2, dtype=float32)
    y = b.mul(b.floor(x, name="steps"), 2.0, name="y")
    assert gradients(y, [x]) == [None]
    why = why_none(y, x)
    assert why.startswith("no gradient flows from y:0 to x:0; it stops at\n    floor 'steps' (")


def test_none_through_integers_says_so(b) -> None:
    x = vector(b, "x", 2, dtype=float32)
    y = b.cast(b.cast(x, dtype=int32, name="whole"), dtype=float32, name="y")
    assert gradients(y, [x]) == [None]
    assert "cast 'y'" in why_none(y, x)
    assert "int32" in why_none(y, x)


def test_an_integer_x_says_so(b) -> None:
    x = b.placeholder(dtype=int32, shape=(2,), name="x")
    y = b.cast(x, dtype=float32)
    assert gradients(y, [x]) == [None]
    assert why_none(y, x) == "x:0 is int32: only floating and complex tensors have gradients"


def test_an_integer_y_says_so(b) -> None:
    x = vector(b, "x", 2)
    y = b.cast(x, dtype=int32, name="y")
    assert gradients(y, [x]) == [None]
    assert "int32 values have no gradient" in why_none(y, x)


def test_asking_why_adds_nothing_to_the_graph(b) -> None:
    x = vector(b, "x", 2)
    y = b.exp(b.floor(x))
    before = len(b.home.nodes)
    why_none(y, x)
    assert len(b.home.nodes) == before
    assert why_none(y, y) == "Exp:0 has a gradient"


# --- bad input ----------------------------------------------------------------------------------


def test_bad_arguments_are_refused_in_words(b) -> None:
    x = vector(b, "x", 2)
    y = b.exp(x)
    with pytest.raises(GraphError, match=r"xs\[1\] must be a tensor or variable, got 'w'"):
        gradients(y, [x, "w"])
    with pytest.raises(GraphError, match="1 ys and 2 grad_ys; give one for each"):
        gradients(y, x, [y, y])
    with pytest.raises(ShapeError, match="grad_ys must have the shape of ys"):
        gradients(y, x, vector(b, "g", 3))
    with pytest.raises(DTypeError, match="grad_ys must have the dtype of ys"):
        gradients(y, x, vector(b, "g", 2, dtype=float32))
    with pytest.raises(GraphError, match="x:0 belongs to another graph"):
        gradients(y, vector(Builder(Graph()), "x", 2))
