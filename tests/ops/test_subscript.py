"""Python indexing: equal to NumPy's for sizes known and unknown, and refused with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.errors import ShapeError
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dtype import bool_, float32, int32
from graphc.ir.graph import Graph
from runtime.devices.reference.evaluate import evaluate

BOUND = st.none() | st.integers(-6, 6)
SLICE = st.builds(slice, BOUND, BOUND, st.sampled_from([None, 1, 2, 3, -1, -2]))


@st.composite
def shapes_and_keys(draw: Any) -> tuple[tuple[int, ...], tuple]:
    shape = draw(st.lists(st.integers(1, 5), max_size=3).map(tuple))
    taken = draw(st.integers(0, len(shape)))
    leading = draw(st.integers(0, taken))
    ellipsis = taken < len(shape) and draw(st.booleans())
    axes = [
        *range(leading),
        *(range(len(shape) - taken + leading, len(shape)) if ellipsis else range(leading, taken)),
    ]
    items: list = [draw(SLICE | st.integers(-shape[axis], shape[axis] - 1)) for axis in axes]
    if ellipsis:
        items.insert(leading, Ellipsis)
    for _ in range(draw(st.integers(0, 2))):
        items.insert(draw(st.integers(0, len(items))), None)
    return shape, tuple(items)


@given(shapes_and_keys(), st.booleans())
def test_indexing_is_numpys(case: tuple, known: bool) -> None:
    shape, key = case
    graph = Graph()
    b = Builder(graph)
    declared = shape if known else tuple(dims.symbol(f"n{k}") for k in range(len(shape)))
    x = b.placeholder(dtype=float32, shape=declared)
    y = b.subscript(x, key)
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    (found,) = evaluate(graph, {x: array}, [y])
    np.testing.assert_array_equal(found, array[key])
    sizes = {f"n{k}": n for k, n in enumerate(shape)}
    assert tuple(dims.evaluate(d, sizes) for d in y.type.shape) == array[key].shape


@pytest.fixture
def b() -> Builder:
    return Builder(Graph())


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        (slice(1, None), "[max(n - 1, 0), 4]"),
        (slice(None, -1), "[max(n - 1, 0), 4]"),
        (slice(None, None, 2), "[(n + 1) // 2, 4]"),
        (slice(None, None, -1), "[n, 4]"),
        ((Ellipsis, 0), "[n]"),
        ((slice(None), None), "[n, 1, 4]"),
    ],
)
def test_a_slice_of_an_unknown_size_is_an_expression(b, key, shape):
    x = b.placeholder(dtype=float32, shape=(dims.symbol("n"), 4))
    assert dims.format_shape(b.subscript(x, key).type.shape) == shape


def test_scalar_tensors_index_and_bound_slices(b):
    x = b.placeholder(dtype=float32, shape=(5, 3))
    k = b.placeholder(dtype=int32, shape=())
    array = np.arange(15, dtype=np.float32).reshape(5, 3)
    fetches = [b.subscript(x, k), b.subscript(x, (slice(k, None), -1)), b.subscript(x, (..., k))]
    row, tail, column = evaluate(b.home, {x: array, k: np.int32(2)}, fetches)
    np.testing.assert_array_equal(row, array[2])
    np.testing.assert_array_equal(tail, array[2:, -1])
    np.testing.assert_array_equal(column, array[:, 2])
    (last,) = evaluate(b.home, {x: array, k: np.int32(-1)}, [fetches[0]])
    np.testing.assert_array_equal(last, array[-1])


def test_a_mask_picks_rows(b):
    x = b.placeholder(dtype=float32, shape=(4, 2))
    mask = b.placeholder(dtype=bool_, shape=(4,))
    array = np.arange(8, dtype=np.float32).reshape(4, 2)
    chosen = np.array([True, False, True, False])
    (found,) = evaluate(b.home, {x: array, mask: chosen}, [b.subscript(x, mask)])
    np.testing.assert_array_equal(found, array[chosen])


def test_an_index_of_unknown_rank_is_taken_as_a_scalar(b):
    x = b.placeholder(dtype=float32, shape=(4, 2))
    index = b.placeholder(dtype=int32, shape=None)
    array = np.arange(8, dtype=np.float32).reshape(4, 2)
    (found,) = evaluate(b.home, {x: array, index: np.int32(2)}, [b.subscript(x, index)])
    np.testing.assert_array_equal(found, array[2])


@pytest.mark.parametrize(
    ("key", "fact"),
    [
        (5, "index 5 is outside axis 0 of size 3"),
        ((0, 0, 0), "3 indices for a tensor of rank 2"),
        ((Ellipsis, Ellipsis), "an index can only have one '...'"),
        (slice(None, None, 0), "a slice's step cannot be 0"),
        (1.5, "cannot index a tensor with 1.5"),
    ],
)
def test_a_wrong_index_says_why(b, key, fact):
    x = b.placeholder(dtype=float32, shape=(3, 4))
    with pytest.raises(ShapeError) as caught:
        b.subscript(x, key)
    assert caught.value.fact == fact
