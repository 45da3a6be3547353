"""Layout: transposes meet and cancel, and what a graph computes stays what it was."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphc.ir.builder import Builder
from graphc.ir.dtype import float32
from graphc.ir.graph import Graph
from graphc.passes.layout import composed, inverse, layout
from graphc.passes.options import Options
from runtime.devices.reference.evaluate import evaluate
from tests.passes.rewriting import is_left_alone, rewritten

BETWEEN = """
    graph g(x: float32[8, 5, 6, 3], bias: float32[3]) -> y
      %first = transpose(%x, perm=(0, 3, 1, 2))
      %column = reshape(%bias, shape=(3, 1, 1))
      %moved = add(%first, %column)
      %kept = relu(%moved)
      %y = transpose(%kept, perm=(0, 2, 3, 1))
"""


def test_transposes_around_element_wise_work_are_gone(golden) -> None:
    assert rewritten(layout, BETWEEN) == golden


def test_a_reduction_finds_its_axes_where_they_went(golden) -> None:
    text = """
        graph g(x: float32[8, 5, 6, 3]) -> mean, top
          %first = transpose(%x, perm=(0, 3, 1, 2))
          %squares = mul(%first, %first)
          %mean = reduce_sum(%squares, axis=(0, 2, 3))
          %top = reduce_max(%squares, axis=(2,), keepdims=True)
    """
    assert rewritten(layout, text) == golden


def test_pads_slices_and_joins_go_along(golden) -> None:
    text = """
        graph g(x: float32[8, 5, 6, 3]) -> y
          %first = transpose(%x, perm=(0, 3, 1, 2))
          %wide = pad(%first, paddings=((0, 0), (0, 1), (2, 2), (0, 0)))
          %part = slice(%wide, begin=(0, 1, 0, 2), size=(8, 2, 9, 3))
          %both = concat(%part, %part, axis=1)
          %back = reverse(%both, axis=(-1,))
          %y = transpose(%back, perm=(0, 2, 3, 1))
    """
    assert rewritten(layout, text) == golden


def test_a_fetch_keeps_its_own_order(golden) -> None:
    text = """
        graph g(x: float32[8, 5, 6, 3]) -> kept, y
          %first = transpose(%x, perm=(0, 3, 1, 2))
          %kept = relu(%first)
          %other = neg(%kept)
          %y = transpose(%other, perm=(0, 2, 3, 1))
    """
    assert rewritten(layout, text) == golden


@pytest.mark.parametrize(
    "text",
    [
        """
        graph g(x: float32[8, 5, 6, 3]) -> y
          %first = transpose(%x, perm=(0, 3, 1, 2))
          %y = relu(%first)
        """,  # one transpose either way
        """
        graph g(x: float32[8, 5, 6, 3], z: float32[8, 3, 5, 6]) -> y
          %first = transpose(%x, perm=(0, 3, 1, 2))
          %y = add(%first, %z)
        """,
        """
        graph g(x: float32[5, 3]) -> y
          %first = transpose(%x)
          %moved = relu(%first)
          %y = transpose(%moved)
        """,  # matrices
        """
        graph g(x: float32[8, 5, 6, 3]) -> y
          %first = transpose(%x, perm=(0, 3, 1, 2))
          %means = reduce_sum(%first, axis=(1,), keepdims=True)
          %scan = cumsum(%first, axis=1)
          %y = add(%means, %scan)
        """,
    ],
)
def test_what_would_not_get_cheaper_is_left_alone(text: str) -> None:
    assert is_left_alone(layout, text)


SIZES = (2, 3, 4, 5)


@st.composite
def networks(draw: st.DrawFn) -> Graph:
    """Element-wise work, reductions, pads, joins and transposes of tensors of rank 4."""
    graph = Graph()
    b: Any = Builder(graph)
    x = b.placeholder(dtype=float32, shape=SIZES, name="x")
    pool = [x]
    for _ in range(draw(st.integers(2, 12))):
        t = draw(st.sampled_from(pool[-4:]))
        kind = draw(st.integers(0, 8))
        order = draw(st.permutations(range(4)))
        if kind <= 2:
            pool.append(b.transpose(t, perm=tuple(order)))
        elif kind == 3:
            pool.append(b.relu(t))
        elif kind == 4:
            same = [o for o in pool if o.type.shape == t.type.shape]
            pool.append(b.add(t, draw(st.sampled_from(same))))
        elif kind == 5:
            narrow = b.reduce_sum(t, axis=tuple(sorted(order[:2])), keepdims=draw(st.booleans()))
            wide = t.type.shape
            if len(narrow.type.shape) < 4:
                kept = set(order[:2])
                shape = tuple(1 if k in kept else n for k, n in enumerate(wide))
                narrow = b.reshape(narrow, shape=shape)
            pool.append(b.mul(t, narrow))
        elif kind == 6:
            pads = tuple((draw(st.integers(0, 1)), 0) for _ in range(4))
            pool.append(b.pad(t, paddings=pads))
        elif kind == 7:
            pool.append(b.concat(t, b.neg(t), axis=order[0]))
        else:
            last = t.type.shape[-1]
            pool.append(b.add(t, np.arange(last, dtype=np.float32)))
    graph.inputs = (x,)
    graph.outputs = tuple(dict.fromkeys([pool[-1], draw(st.sampled_from(pool))]))
    return graph


@settings(max_examples=150, deadline=None)
@given(graph=networks(), seed=st.integers(0, 99))
def test_results_stay_what_they_were(graph: Graph, seed: int) -> None:
    x = np.random.default_rng(seed).integers(-2, 3, SIZES).astype(np.float32)
    after = layout(graph, Options())
    expected, found = (evaluate(g, {g.inputs[0]: x}) for g in (graph, after))
    for a, b in zip(expected, found, strict=True):
        assert np.array_equal(a, b)


@given(p=st.permutations(range(4)), q=st.permutations(range(4)))
def test_orders_compose_as_transposes_do(p: list[int], q: list[int]) -> None:
    x = np.zeros(SIZES)
    assert x.transpose(p).transpose(q).shape == x.transpose(composed(tuple(p), tuple(q))).shape
    assert x.transpose(p).transpose(inverse(tuple(p))).shape == x.shape
