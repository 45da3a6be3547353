"""Graphs survive pickle and copy whole, and refuse what cannot."""

import copy
import pickle

import numpy as np
import pytest

from graphc.autodiff.reverse import gradients
from graphc.errors import GraphError
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32
from graphc.ir.graph import Graph
from graphc.ir.text import print_graph


def model() -> Graph:
    graph = Graph("model")
    b = Builder(graph)
    graph.seed = 3
    x = b.placeholder(dtype=float32, shape=(graph.new_dim("x"), 3), name="x")
    w = b.variable(dtype=float32, shape=(3,), key="w", name="w")
    y = b.tanh(b.mul(x, b.add(w, np.float32([1, 2, 3]))))
    (dw,) = gradients(y, [w])
    graph.inputs, graph.outputs, graph.targets = (x,), (y, dw), (y.node,)
    graph.add_to_collection("losses", y)
    graph.add_to_collection("losses", dw.node)
    graph.add_to_collection("plain", ("note", 1))
    graph.add_to_collection("stuck", lambda: None)
    return graph


@pytest.mark.parametrize("way", [lambda g: pickle.loads(pickle.dumps(g)), copy.deepcopy, copy.copy])
def test_a_copy_prints_the_same_and_shares_nothing(way) -> None:
    graph = model()
    other = way(graph)
    assert print_graph(other) == print_graph(graph)
    assert other.seed == 3
    assert not {*graph.nodes} & {*other.nodes}
    assert all(node.graph is other for node in other.nodes)


def test_collections_point_into_the_copy_and_drop_what_does_not_pickle() -> None:
    other = copy.deepcopy(model())
    y, grad = other.get_collection("losses")
    assert y is other.outputs[0]
    assert grad is other.outputs[1].node
    assert other.get_collection("plain") == [("note", 1)]
    assert other.get_collection("stuck") == []


def test_gradient_nodes_still_know_their_forward_node() -> None:
    graph = model()
    other = pickle.loads(pickle.dumps(graph))
    forwards = [node.forward and node.forward.name for node in graph.nodes]
    assert [node.forward and node.forward.name for node in other.nodes] == forwards
    assert any(forwards)


def test_names_go_on_from_where_they_were() -> None:
    other = copy.deepcopy(model())
    assert Builder(other).neg(other.inputs[0], name="x").name == "x_1:0"
    assert str(other.new_dim("x")) == "x_1"


def test_a_deep_graph_pickles() -> None:
    graph = Graph()
    b = Builder(graph)
    y = b.placeholder(dtype=float32, shape=(), name="x")
    for _ in range(5000):
        y = b.neg(y)
    assert len(pickle.loads(pickle.dumps(graph)).nodes) == 5001


def test_a_python_function_in_the_graph_refuses_in_words() -> None:
    graph = model()
    b = Builder(graph)
    b.custom_gradient(graph.inputs[0], graph.inputs[0], count=1, gradient=abs, name="mine")
    with pytest.raises(GraphError, match=r"custom_gradient 'mine': it holds a Python function"):
        pickle.dumps(graph)


class Holder:
    """What a front end keeps in collections: an object around a tensor and a node."""

    def __init__(self, tensor, graph) -> None:
        self.tensor, self.parts, self.graph = tensor, {"node": tensor.node}, graph


def test_objects_in_collections_come_back_around_the_copys_tensors() -> None:
    graph = model()
    held = Holder(graph.outputs[0], graph)
    graph.add_to_collection("all", held)
    graph.add_to_collection("some", held)
    other = pickle.loads(pickle.dumps(graph))
    (copied,) = other.get_collection("all")
    assert copied.tensor is other.outputs[0]
    assert copied.parts["node"] is other.outputs[0].node
    assert copied.graph is other
    assert other.get_collection("some") == [copied]
