"""Outputs that nobody reads are left out where an op knows a way."""

from graphc.ir.builder import Builder
from graphc.ir.dtype import float32, int32
from graphc.ir.graph import Graph
from graphc.passes.narrow import narrow
from graphc.passes.options import Options


def losses():
    graph = Graph()
    b = Builder(graph)
    x = b.placeholder(dtype=float32, shape=(5, 2, 4), name="x")
    rows = [b.placeholder(dtype=int32, shape=(n,), name=f"n{n}") for n in (4, 3, 2)]
    loss, slope = b.ctc_loss(x, *rows, name="loss")
    return graph, b, loss, slope


def test_a_loss_without_readers_of_its_slope_gives_none():
    graph, b, loss, _ = losses()
    graph.outputs = (b.reduce_sum(loss),)
    narrowed = narrow(graph, Options())
    (node,) = (n for n in narrowed.nodes if n.op.name == "ctc_loss")
    assert node.name == "loss"
    assert [t.type for t in node.outputs] == [loss.type]
    assert narrow(narrowed, Options()) is narrowed


def test_what_is_read_stays():
    for fetched in (["slope"], ["loss", "slope"]):
        graph, _, loss, slope = losses()
        graph.outputs = tuple({"loss": loss, "slope": slope}[name] for name in fetched)
        assert narrow(graph, Options()) is graph
