"""The reference device binds sizes, orders effects, and refuses what a run must refuse."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.errors import FailedPreconditionError, FeedError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dtype import bfloat16, float32, float64, int32, int64
from graphc.ir.graph import Graph
from runtime.devices.reference.evaluate import evaluate, schedule


@pytest.fixture
def b() -> Builder:
    return Builder(Graph())


def variable(b: Builder, key: str, shape: tuple = ()) -> object:
    return b.variable(dtype=float64, shape=shape, key=key, name=key)


def test_sizes_come_from_the_fed_arrays(b: Builder) -> None:
    n = b.home.new_dim("n")
    x = b.placeholder(dtype=float32, shape=(n, 3), name="x")
    rows = b.dim_value(dim=2 * n + 1, dtype=int64)
    (value,) = evaluate(b.home, {x: np.zeros((5, 3))}, [rows])
    assert value == 11
    assert value.dtype == np.int64


def test_a_size_inside_an_expression_is_solved_for(b: Builder) -> None:
    n, m = b.home.new_dim("n"), b.home.new_dim("m")
    x = b.placeholder(dtype=float32, shape=(n * m, 2 * n + 1, n), name="x")
    size = b.dim_value(dim=m, dtype=int64)
    assert evaluate(b.home, {x: np.zeros((12, 7, 3))}, [size]) == (4,)


def test_feeds_that_disagree_on_a_size_name_both(b: Builder) -> None:
    n = b.home.new_dim("batch")
    x = b.placeholder(dtype=float32, shape=(n,), name="x")
    y = b.placeholder(dtype=float32, shape=(n, 2), name="y")
    with pytest.raises(FeedError) as caught:
        evaluate(b.home, {x: np.zeros(3), y: np.zeros((4, 2))}, [b.identity(x)])
    lines = str(caught.value).splitlines()
    assert lines[0] == "y:0: takes [batch, 2], was fed [4, 2]"
    assert lines[1].split() == ["batch:", "3", "from", "x:0"]


def test_a_feed_of_another_rank_is_refused(b: Builder) -> None:
    x = b.placeholder(dtype=float32, shape=(2, 3), name="x")
    with pytest.raises(FeedError, match=r"x:0: takes \[2, 3\], was fed \[2\]"):
        evaluate(b.home, {x: np.zeros(2)}, [x])


def test_a_floating_feed_does_not_become_an_integer(b: Builder) -> None:
    x = b.placeholder(dtype=int32, shape=(1,), name="x")
    with pytest.raises(FeedError, match="int32"):
        evaluate(b.home, {x: [1.5]}, [x])


def test_a_placeholder_nobody_fed_is_named(b: Builder) -> None:
    x = b.placeholder(dtype=float32, shape=(), name="x")
    with pytest.raises(FeedError, match="x:0: the placeholder was not fed"):
        evaluate(b.home, {}, [b.neg(x)])


def test_any_tensor_can_be_fed_and_what_is_above_it_does_not_run(b: Builder) -> None:
    x = b.placeholder(dtype=float32, shape=(2,), name="x")
    middle = b.exp(x)
    (y,) = evaluate(b.home, {middle: [1.0, 2.0]}, [b.neg(middle)])
    np.testing.assert_array_equal(y, np.float32([-1, -2]))


def test_rank_can_be_found_out_at_run_time(b: Builder) -> None:
    x = b.placeholder(dtype=float64, shape=None, name="x")
    total = b.reduce_sum(x, axis=-1)
    assert total.type.shape is None
    (value,) = evaluate(b.home, {x: np.ones((2, 3))}, [total])
    np.testing.assert_array_equal(value, [3, 3])


def test_shapes_that_do_not_meet_at_run_time_say_so_like_at_build_time(b: Builder) -> None:
    x = b.placeholder(dtype=float32, shape=(b.home.new_dim("n"),), name="x")
    y = b.placeholder(dtype=float32, shape=(b.home.new_dim("m"),), name="y")
    with pytest.raises(ShapeError, match="shapes do not broadcast"):
        evaluate(b.home, {x: np.zeros(2), y: np.zeros(3)}, [b.add(x, y)])


def test_data_dependent_sizes_are_bound_by_the_node_that_makes_them(b: Builder) -> None:
    sizes = b.placeholder(dtype=int32, shape=(2,), name="sizes")
    wanted = b.shape_argument(sizes)
    filled = b.broadcast_to(b.tensor(7.0), shape=wanted)  # no edge leads from sizes to here
    (value,) = evaluate(b.home, {sizes: [2, 3]}, [filled])
    np.testing.assert_array_equal(value, np.full((2, 3), 7, np.float32))


def test_bfloat16_is_computed_in_float32_and_rounded_once(b: Builder) -> None:
    x = b.placeholder(dtype=bfloat16, shape=(2,), name="x")
    wide = b.cast(b.mul(x, x), dtype=float32)
    (value,) = evaluate(b.home, {x: [1.0078125, 3.0]}, [wide])
    np.testing.assert_array_equal(value, np.float32([1.015625, 9.0]))


def test_a_failing_reference_keeps_its_error_and_names_the_node(b: Builder) -> None:
    x = b.placeholder(dtype=int32, shape=(1,), name="sizes")
    bound = b.bind_dims(x, dims=(b.home.new_dim("n", data=True),), name="wanted")
    with pytest.raises(ValueError, match="negative") as caught:
        evaluate(b.home, {x: [-3]}, [bound])
    assert "bind_dims 'wanted'" in str(caught.value)


# --- state --------------------------------------------------------------------------------------


def test_a_pure_read_sees_the_start_of_the_run(b: Builder) -> None:
    v = variable(b, "v")
    b.assign(v, 5.0)
    later = b.neg(v)
    held = {"v": np.float64(2)}
    assert evaluate(b.home, {}, [later], variables=held, targets=b.home.nodes) == (-2,)
    assert held["v"] == 5


def test_a_read_that_depends_on_a_write_sees_it(b: Builder) -> None:
    v = variable(b, "v")
    write = b.assign(v, 5.0)
    later = b.identity(v, control=(write.node,))
    assert evaluate(b.home, {}, [later, v], variables={"v": np.float64(2)}) == (5, 2)


def test_read_modify_writes_happen_in_creation_order(b: Builder) -> None:
    v = variable(b, "v")
    first = b.assign_add(v, 1.0)
    second = b.assign_sub(v, 2.0)
    held = {"v": np.float64(3)}
    assert evaluate(b.home, {}, [second, first], variables=held) == (2, 4)
    assert held["v"] == 2


def test_two_variables_swap(b: Builder) -> None:
    p, q = variable(b, "p", (2,)), variable(b, "q", (2,))
    targets = [b.assign(p, q).node, b.assign(q, p).node]
    held = {"p": np.array([1.0, 2.0]), "q": np.array([3.0, 4.0])}
    evaluate(b.home, {}, [], variables=held, targets=targets)
    np.testing.assert_array_equal(held["p"], [3, 4])
    np.testing.assert_array_equal(held["q"], [1, 2])


def test_a_failed_run_writes_nothing(b: Builder) -> None:
    v = variable(b, "v")
    write = b.assign(v, 5.0)
    x = b.placeholder(dtype=float64, shape=(), name="x")
    held = {"v": np.float64(2)}
    with pytest.raises(FeedError):
        evaluate(b.home, {}, [write, b.neg(x)], variables=held)
    assert held["v"] == 2


def test_an_assignment_initialises(b: Builder) -> None:
    v = variable(b, "v")
    held: dict = {}
    assert evaluate(b.home, {}, [b.assign(v, 5.0)], variables=held) == (5,)
    assert held == {"v": 5}


def test_an_uninitialised_variable_is_named(b: Builder) -> None:
    v = variable(b, "weights")
    with pytest.raises(FailedPreconditionError, match="'weights' is not initialised"):
        evaluate(b.home, {}, [b.neg(v)])


def test_nodes_run_in_creation_order_where_nothing_forces_another(b: Builder) -> None:
    x = b.placeholder(dtype=float32, shape=(), name="x")
    made = [b.neg(x), b.exp(x), b.abs(x)]
    order = schedule(b.home, [t.node for t in reversed(made)], {x: None})
    assert order == [t.node for t in made]
