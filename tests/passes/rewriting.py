"""Text in, text out: what the tests of passes are written with."""

from collections.abc import Callable
from textwrap import dedent

from graphc.ir.graph import Graph, Tensor
from graphc.ir.text import _Writer, parse_graph, print_graph
from graphc.ir.verify import verify
from graphc.passes.options import Options

Pass = Callable[[Graph, Options], Graph]


def parsed(text: str) -> Graph:
    graph = parse_graph(dedent(text))
    verify(graph)
    return graph


def rewritten(function: Pass, text: str, established: tuple[str, ...] = ()) -> str:
    """The text after a pass, then what it noted; the pass run again must change nothing."""
    options = Options()
    graph = function(parsed(text), options)
    verify(graph, function.__name__, established)
    assert function(graph, Options()) is graph, "a second run changed something"
    notes = [f"# {note.node}: {note.text}" for note in options.log.notes]
    return "\n".join([print_graph(graph, sites=False), *notes])


def is_left_alone(function: Pass, text: str) -> bool:
    graph = parsed(text)
    return function(graph, Options()) is graph


def expression(tensor: Tensor) -> str:
    """A tensor as one nested expression: ``mul(x, neg(y))``."""
    node = tensor.node
    if not node.operands and node.op.name != "const":
        return node.name if node.op.name in ("placeholder", "variable") else _call(node, [])
    if node.op.name == "const":
        return str(node.op.value.array.tolist())
    text = _call(node, [expression(t) for t in node.operands])
    return f"{text}:{tensor.index}" if tensor.index else text


def _call(node, operands: list[str]) -> str:
    attributes = _Writer({}).attributes(node.op, node.outputs[0].type)
    return f"{node.op.name}({', '.join([*operands, *attributes])})"
