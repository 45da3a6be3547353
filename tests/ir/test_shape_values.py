"""Shape arithmetic in the graph, read back as symbolic sizes."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.errors import ShapeError
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dims import lower_bound, maximum, symbol
from graphc.ir.dtype import float32, int32
from graphc.ir.graph import Graph
from graphc.ir.shape_values import dims_of
from runtime.devices.reference.evaluate import evaluate

N = symbol("n")


@pytest.fixture
def b() -> Builder:
    return Builder(Graph())


def test_arithmetic_on_a_shape_is_arithmetic_on_sizes(b):
    x = b.placeholder(dtype=float32, shape=(N, 4, 6))
    shape = b.shape(x)
    batch, rows, _ = b.unstack(shape)
    assert dims_of(shape) == (N, 4, 6)
    assert dims_of(b.subscript(shape, 0)) == N
    assert dims_of(b.subscript(shape, slice(1, None))) == (4, 6)
    assert dims_of(b.mul(b.subscript(shape, 0), 4)) == 4 * N
    assert dims_of(b.pack(b.subscript(shape, 0), 24)) == (N, 24)
    assert dims_of(b.concat(shape, [2], axis=0)) == (N, 4, 6, 2)
    assert dims_of(b.size(x)) == 24 * N
    assert dims_of(b.rank(x)) == 3
    assert (dims_of(batch), dims_of(rows)) == (N, 4)


def test_a_shape_argument_takes_numbers_tensors_and_both(b):
    x = b.placeholder(dtype=float32, shape=(N, 4))
    shape = b.shape(x)
    assert b.shape_argument([b.subscript(shape, 0), -1]) == (N, -1)
    assert b.shape_argument(shape) == (N, 4)
    assert b.shape_argument(np.array([2, 3])) == (2, 3)
    assert b.shape_argument(7) == (7,)
    assert b.shape_argument(["batch", 2]) == (symbol("batch"), 2)


def test_sizes_that_a_run_computes_become_symbols_bound_by_it(b):
    x = b.placeholder(dtype=float32, shape=(N, 4))
    shape = b.placeholder(dtype=int32, shape=(2,))
    y = b.dynamic_reshape(x, shape)
    assert all(s.data for d in y.type.shape for s in dims.symbols(d))
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    (found,) = evaluate(b.home, {x: array, shape: np.array([-1, 6], np.int32)}, [y])
    np.testing.assert_array_equal(found, array.reshape(2, 6))


def test_a_shape_of_unknown_length_is_refused(b):
    shape = b.placeholder(dtype=int32, shape=(N,))
    with pytest.raises(ShapeError, match="the rank is not known"):
        b.shape_argument(shape)


def test_none_is_refused_as_a_size(b):
    with pytest.raises(ShapeError, match="use -1 for a size to be worked out"):
        b.shape_argument([None, 3])


def test_lower_bounds_of_maxima_and_quotients_hold():
    smaller = -maximum(-N, -3)  # min(n, 3)
    assert lower_bound(smaller) == 0
    assert lower_bound(maximum(-N, -5)) == -5
    assert lower_bound((N - 7) // 2) == -4
    assert lower_bound(N * symbol("m")) == 0
    assert lower_bound(maximum(N, 2) * symbol("m")) == 0
    assert lower_bound(-N) == float("-inf")
