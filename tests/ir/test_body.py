"""Bodies: traced inside a graph, equal by what they compute, printed and parsed with their node."""

import pickle

import numpy as np
import pytest

from graphc.errors import GraphError
from graphc.ir.body import bodies, trace
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32, float64
from graphc.ir.graph import Graph
from graphc.ir.text import parse_graph, print_graph
from graphc.ir.types import TensorType
from graphc.ir.verify import verify
from graphc.ops.control.interpret import run_body
from runtime.devices.reference.evaluate import evaluate

SCALAR = TensorType(float32, ())


def doubled(outer):
    """A body that adds to twice its input what ``outer`` has under the name of y."""
    y = outer.by_name["y"].outputs[0]
    return trace(outer, "twice", [("x", SCALAR)], lambda _, x: [x + x + y])


@pytest.fixture
def graph():
    made = Graph()
    Builder(made).placeholder(dtype=float32, shape=(), name="y")
    return made


def test_what_is_read_from_outside_is_an_input(graph):
    (body,), captures = bodies(doubled(graph))
    assert [t.name for t in captures] == ["y:0"]
    assert [t.node.name for t in body.graph.inputs] == ["step", "x", "y"]
    assert run_body(body, [np.int32(0), np.float32(3), np.float32(1)]) == [7]


def test_constants_are_copied_not_captured(graph):
    two = Builder(graph).tensor(2.0)
    (body,), captures = bodies(trace(graph, "f", [("x", SCALAR)], lambda _, x: [x * two]))
    assert not captures
    assert run_body(body, [np.int32(0), np.float32(3)]) == [6]


def test_bodies_are_equal_when_they_compute_the_same(graph):
    one, two = (bodies(doubled(graph))[0][0] for _ in range(2))
    other = bodies(trace(graph, "f", [("x", SCALAR)], lambda _, x: [x * x]))[0][0]
    assert one == two
    assert hash(one) == hash(two)
    assert one != other


def test_bodies_share_the_captures_of_both():
    graph = Graph()
    b = Builder(graph)
    y, z = (b.placeholder(dtype=float32, shape=(), name=n) for n in "yz")
    first = trace(graph, "f", [], lambda _: [y + y])
    second = trace(graph, "g", [], lambda _: [z + z])
    (one, two), captures = bodies(first, second)
    assert captures == [y, z]
    assert one.input_types == two.input_types
    assert run_body(one, [np.int32(0), np.float32(1), np.float32(5)]) == [2]
    assert run_body(two, [np.int32(0), np.float32(1), np.float32(5)]) == [10]


def test_a_tensor_of_another_body_is_refused(graph):
    kept = []
    trace(graph, "f", [("x", SCALAR)], lambda _, x: kept.append(x + x) or [x])
    with pytest.raises(GraphError, match="made inside a branch or a loop"):
        trace(graph, "g", [("x", SCALAR)], lambda _, x: [x + kept[0]])


def test_sizes_are_filled_in_inside_when_they_are_known_outside():
    graph = Graph()
    batch = graph.new_dim("batch")
    row = TensorType(float64, (batch, 3))

    def function(_, x):
        return [Builder(graph).broadcast_to(x * 2.0, shape=(2, batch, 3))]

    (body,), _ = bodies(trace(graph, "f", [("x", row)], function))
    known = body.substitute({"batch": 5})
    assert str(known.output_types[0]) == "float64[2, 5, 3]"
    assert body.retyped(known.input_types) == known


def test_a_loop_prints_parses_and_pickles_with_its_bodies():
    graph = Graph()
    b = Builder(graph)
    x, w = (b.placeholder(dtype=float64, shape=(3,), name=n) for n in "xw")

    def less(step, i, a):
        return [Builder(graph).less(i, b.tensor(4))]

    def step(step, i, a):
        return [i + 1, a * Builder(graph).sin(w)]

    _, y = b.loop_while(less, step, [b.tensor(0), x])
    graph.inputs, graph.outputs = (x, w), (y,)
    text = print_graph(graph, sites=False)
    read = parse_graph(text)
    verify(read)
    assert print_graph(read, sites=False) == text
    values = np.array([1.0, 2.0, 3.0]), np.array([0.3, 0.4, 0.5])
    expected = values[0] * np.sin(values[1]) ** 4
    for same in (graph, read, pickle.loads(pickle.dumps(graph))):
        fed = dict(zip(same.inputs, values, strict=True))
        np.testing.assert_allclose(evaluate(same, fed)[0], expected)


def test_nested_bodies_print_and_parse():
    graph = Graph()
    b = Builder(graph)
    x = b.placeholder(dtype=float32, shape=(4, 3), name="x")

    def row(step, total, values):
        def inner(_, s, v):
            return [s + v * total]

        (best,), _ = Builder(graph).scan_over(inner, [b.tensor(0.0)], [values], 3)
        return [total + best, best]

    (total,), rows = b.scan_over(row, [b.tensor(1.0)], [x], 4)
    graph.inputs, graph.outputs = (x,), (total, *rows)
    text = print_graph(graph, sites=False)
    read = parse_graph(text)
    assert print_graph(read, sites=False) == text
    assert text.count("\nbody ") == 2
    value = np.arange(12, dtype=np.float32).reshape(4, 3)
    held, sums = 1.0, []
    for line in value:
        sums.append(held * line.sum())
        held += sums[-1]
    total, rows = evaluate(read, {read.inputs[0]: value})
    np.testing.assert_allclose(total, held)
    np.testing.assert_allclose(rows, sums)


def test_a_graph_made_default_again_inside_a_body_gives_way_to_the_body():
    outer = Graph()
    with outer.as_default():

        def turn(step):
            with outer.as_default():
                pass
            return [Builder(outer).add(step, 1)]

        traced, (made,) = trace(outer, "turn", [], turn)
        assert made.graph is traced
