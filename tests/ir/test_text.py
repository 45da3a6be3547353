"""The text form: what is printed parses back to the same graph, and what is wrong is said."""

import numpy as np
import pytest

from graphc.errors import GraphError
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32, int32
from graphc.ir.graph import Graph
from graphc.ir.text import is_portable, parse_graph, print_graph

MLP = """\
graph mlp(x: float32[batch, 4]) -> loss, h, ^train where data(count) seed 7
  %w = variable(key='w') : float32[4, 3] # mlp.py:1
  %h = matmul(%x, %w) : float32[batch, 3] @/gpu:0 # mlp.py:2, mlp.py:3
  %loss = reduce_sum(%h, axis=(0, -1)) : float32[]
  %c = const(value=float32([[1.0, -0.5, nan], [inf, -inf, 1e-07]])) : float32[2, 3]
  %picked = placeholder() : float32[count, 2*batch + 3]
  %"odd name" = placeholder() : bool[?]
  %train = neg(%c, ^%loss, ^%"odd name") : float32[2, 3]
"""


def test_a_graph_prints_as_it_was_written() -> None:
    assert print_graph(parse_graph(MLP)) == MLP


def test_a_data_dependent_dim_stays_one() -> None:
    graph = parse_graph(MLP)
    (count, rest) = graph.get_tensor_by_name("picked:0").type.shape
    (atom,) = count.terms[0][0]
    assert atom.data
    assert str(rest) == "2*batch + 3"


@pytest.mark.parametrize(
    "value",
    [
        np.float32(0.1), np.float16([0.1, 65504]), np.float64([1 / 3, -0.0]), np.int64([2**62, -1]),
        np.zeros((0, 3), np.float32), np.array([True, False]), np.complex64([1 + 2j, -0.5j]),
        np.array(["a, b)", 'q"uote'], object), np.arange(100, dtype=np.int32).reshape(4, 25),
    ],
    ids=lambda v: f"{np.asarray(v).dtype}{list(np.shape(v))}",
)  # fmt: skip
def test_a_constant_reads_back_bit_for_bit(value: np.ndarray) -> None:
    graph = Graph()
    Builder(graph).const(value=np.asarray(value), name="c")
    literals: dict = {}
    back = parse_graph(print_graph(graph, literals=literals), literals)
    assert back.by_name["c"].op == graph.by_name["c"].op


def test_a_big_array_is_kept_beside_the_text() -> None:
    graph = Graph()
    Builder(graph).const(value=np.zeros(1000, np.float32))
    literals: dict = {}
    assert len(print_graph(graph, literals=literals)) < 200
    assert [value.array.size for value in literals.values()] == [1000]


def test_a_python_function_is_kept_beside_the_text() -> None:
    graph = Graph()
    b = Builder(graph)
    x = b.placeholder(dtype=float32, shape=(2,), name="x")
    y = b.custom_gradient(x, x, count=1, gradient=abs, name="y")
    graph.outputs = (y,)
    literals: dict = {}
    text = print_graph(graph, literals=literals)
    assert 'gradient=object("abs#0")' in text
    assert parse_graph(text, literals).by_name["y"].op.gradient is abs
    assert not is_portable(graph)


def test_a_dim_called_like_a_dtype_stays_a_dim() -> None:
    graph = Graph()
    b = Builder(graph)
    x = b.placeholder(dtype=float32, shape=(), name="x")
    b.broadcast_to(x, shape=(graph.named_dim("string"), 2), name="y")
    text = print_graph(graph)
    assert print_graph(parse_graph(text)) == text


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "the text holds no graph"),
        ("graph g(", "a bracket is not closed"),
        ("graph g(x) -> x", "input 'x' needs a type"),
        ("graph g() -> y", "%y is not defined above"),
        ("graph g() -> a\n %a = frobnicate()", "no op is called 'frobnicate'"),
        ("graph g(x: float32[2]) -> a\n %a = neg(%x)\n %a = neg(%x)", "%a is defined twice"),
        ("graph g(x: float32[2]) -> a\n %a = neg(%x:1)", "%x has 1 outputs, asked for :1"),
        ("graph g(x: float32[2]) -> a\n %a = neg(%x) : float33[2]", "'float33[2]' is not a type"),
        ("graph g(x: float32[2]) -> a\n %a = cast(%x, dtype=import os)", "is not an attribute's"),
        ("graph g(x: float32[2]) -> a\n %a = cast(%x, dtype=f(1))", "is not an attribute's value"),
        ("graph g(x: float32[2], y: float32[3]) -> a\n %a = add(%x, %y)", "do not broadcast"),
    ],
)
def test_a_mistake_is_said_with_its_line(text: str, fact: str) -> None:
    with pytest.raises(GraphError) as caught:
        parse_graph(text)
    assert fact in caught.value.fact
    if text:
        assert caught.value.fact.startswith(
            f"line {len(text.splitlines()) if text[-1] != 'y' else 1}"
        )


def test_text_tells_constants_apart() -> None:
    texts = set()
    for value in (np.float32(0.0), np.float32(-0.0), np.float32(1), np.int32(0), np.zeros(99)):
        graph = Graph()
        graph.outputs = (Builder(graph).const(value=np.asarray(value)),)
        texts.add(print_graph(graph, sites=False))
    assert len(texts) == 5


def test_text_tells_fetches_targets_and_feeds_apart() -> None:
    graph = parse_graph("graph g(x: float32[n]) -> y\n %y = tanh(%x)")
    texts = {print_graph(graph, sites=False)}
    graph.targets = (graph.outputs[0].node,)
    texts.add(print_graph(graph, sites=False))
    graph.targets, graph.inputs = (), ()
    texts.add(print_graph(graph, sites=False))
    assert len(texts) == 3


def test_a_parsed_graph_can_be_added_to() -> None:
    graph = parse_graph("graph g(x: int32[n]) -> a/b\n %a/b = neg(%x)")
    b = Builder(graph)
    assert b.neg(graph.inputs[0], name="x").name == "x_1:0"
    with graph.name_scope("a") as scope:
        assert scope == "a_1/"
    assert str(graph.new_dim("n")) == "n_1"
    assert b.cast(graph.outputs[0], dtype=int32).graph is graph
