"""Values that a later pass over the same elements needs are kept, each in its own place."""

import numpy as np
import pytest

from graphc.compiler import compile_graph
from graphc.ir.text import parse_graph
from tests.plain_program import run_program


@pytest.mark.parametrize("axis", [None, (0, 1), 1, 0])
def test_a_dear_value_is_kept_per_element_also_over_merged_axes(axis) -> None:
    graph = parse_graph(f"""
        graph g(x: float64[4, 3]) -> y
          %e = tanh(%x)
          %y = reduce_variance(%e, axis={axis})
    """)
    x = np.random.default_rng(0).normal(size=(4, 3))
    (y,) = run_program(compile_graph(graph, graph.inputs, graph.outputs), [x])
    np.testing.assert_allclose(y, np.tanh(x).var(axis=axis))
