"""Reductions at their corners: ties, zeros, nothing at all, half precision, any axes."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from graphc.autodiff.reverse import gradients
from graphc.ir.builder import Builder
from graphc.ir.dtype import float16, float64, int64
from graphc.ir.graph import Graph
from graphc.ir.types import TensorType
from graphc.ops.reducing.reduction import resolve_axes
from runtime.devices.reference.evaluate import evaluate
from tests.tolerances import assert_close


@pytest.fixture
def b() -> Builder:
    return Builder(Graph())


def value(tensor: Any) -> np.ndarray:
    return evaluate(tensor.graph, {}, [tensor])[0]


def slope(y: Any, x: Any) -> np.ndarray:
    return value(gradients(y, [x])[0])


def test_equal_extremes_share_the_gradient(b: Builder) -> None:
    x = b.tensor(np.array([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]]))
    np.testing.assert_array_equal(slope(b.reduce_max(x, axis=1), x), [[0, 0.5, 0.5], [1, 0, 0]])
    np.testing.assert_array_equal(slope(b.reduce_min(x), x), [[0, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_gradient_of_a_product_is_the_product_of_the_others(b: Builder, zeros: int) -> None:
    numbers = np.array([2.0, 3.0, 5.0, 7.0])
    numbers[:zeros] = 0
    x = b.tensor(numbers)
    others = [np.prod(np.delete(numbers, k)) for k in range(4)]
    np.testing.assert_allclose(slope(b.reduce_prod(x), x), others)


def test_second_derivative_of_a_product_is_right_beside_one_zero(b: Builder) -> None:
    x = b.tensor(np.array([0.0, 3.0, 5.0]))
    (first,) = gradients(b.reduce_prod(x), [x])
    picked = b.reduce_sum(b.mul(first, b.tensor(np.array([1.0, 10.0, 100.0]))))
    # d2/dx_i dx_j is the product of the rest: 5 for (0, 1), 3 for (0, 2), 0 for (1, 2)
    np.testing.assert_allclose(slope(picked, x), [10 * 5 + 100 * 3, 5, 3])


def test_nothing_reduces_to_the_initial_value(b: Builder) -> None:
    x = b.tensor(np.zeros((2, 0), np.float32))
    found = {
        name: value(getattr(b, name)(x, axis=1))[0]
        for name in ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min", "reduce_logsumexp")
    }
    assert found == {
        "reduce_sum": 0, "reduce_prod": 1, "reduce_max": -np.inf, "reduce_min": np.inf,
        "reduce_logsumexp": -np.inf,
    }  # fmt: skip
    assert np.isnan(value(b.reduce_mean(x)))


def test_half_precision_accumulates_in_single(b: Builder) -> None:
    x = b.broadcast_to(b.tensor(np.float16(1)), shape=(4096,))
    assert value(b.reduce_sum(x)) == 4096
    many = b.broadcast_to(b.tensor(np.float16(3)), shape=(100_000,))  # the sum is beyond float16
    mean = b.reduce_mean(many)
    assert (mean.dtype, value(mean)) == (float16, 3)
    expanded = mean.node.op.expand(b, many)
    assert value(expanded) == 3


def test_mean_of_integers_goes_toward_zero(b: Builder) -> None:
    x = b.tensor(np.array([[-3, -4], [3, 4]], np.int32))
    np.testing.assert_array_equal(value(b.reduce_mean(x, axis=1)), [-3, 3])
    np.testing.assert_array_equal(value(b.reduce_mean(x, axis=1).node.op.expand(b, x)), [-3, 3])


def test_logsumexp_of_minus_infinities_is_minus_infinity(b: Builder) -> None:
    x = b.tensor(np.array([-np.inf, -np.inf]))
    assert value(b.reduce_logsumexp(x).node.op.expand(b, x)) == -np.inf


def test_argmax_takes_the_first_of_equals_and_passes_over_nan(b: Builder) -> None:
    x = b.tensor(np.array([[1, 5, 5], [np.nan, 9, np.nan]]))
    position = b.argmax(x, axis=1)
    assert position.dtype is int64
    np.testing.assert_array_equal(value(position), [1, 1])


def test_moments_are_the_mean_and_the_variance(b: Builder) -> None:
    numbers = np.random.default_rng(0).normal(size=(5, 4))
    mean, variance = b.moments(b.tensor(numbers), axis=(0,), keepdims=True)
    assert_close(value(mean), numbers.mean(0, keepdims=True))
    assert_close(value(variance), numbers.var(0, keepdims=True))


def test_gradients_flow_through_reductions_of_unknown_rank(b: Builder) -> None:
    x = b.placeholder(dtype=float64, shape=None, name="x")
    for y in (b.reduce_sum(x, axis=-1), b.reduce_mean(x), b.reduce_max(x, axis=0, keepdims=True)):
        (g,) = gradients(b.reduce_sum(b.square(y)), [x])
        assert g.type.shape is None
        array = np.arange(6.0).reshape(2, 3)
        assert evaluate(b.home, {x: array}, [g])[0].shape == (2, 3)


# --- any shape, any axes ------------------------------------------------------------------------

SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def reductions(draw: Any) -> tuple[tuple[int, ...], Any, bool]:
    """A shape, axes of it (some counted from the end), and whether to keep them."""
    shape = draw(SHAPES)
    rank = len(shape)
    chosen = draw(st.lists(st.integers(0, rank - 1), unique=True)) if rank else []
    axes = tuple(k - rank if draw(st.booleans()) else k for k in chosen)
    return shape, draw(st.sampled_from([axes, None])), draw(st.booleans())


@given(reductions())
def test_types_and_gradients_of_reductions_fit_their_operands(case: tuple) -> None:
    shape, axis, keepdims = case
    b = Builder(Graph())
    x = b.placeholder(dtype=float64, shape=shape, name="x")
    array = np.random.default_rng(0).normal(size=shape)
    for name, numpy in (("reduce_sum", np.sum), ("reduce_prod", np.prod)):
        y = getattr(b, name)(x, axis=axis, keepdims=keepdims)
        expected = numpy(array, axis=axis, keepdims=keepdims)
        assert y.type.shape == expected.shape
        gradient = gradients(y, [x])[0]
        assert gradient.type == x.type
        found, slopes = evaluate(b.home, {x: array}, [y, gradient])
        assert_close(found, np.asarray(expected))
        assert slopes.shape == shape


@given(reductions())
def test_a_mean_pulls_back_to_equal_parts(case: tuple) -> None:
    shape, axis, keepdims = case
    b = Builder(Graph())
    x = b.placeholder(dtype=float64, shape=shape, name="x")
    gradient = gradients(b.reduce_mean(x, axis=axis, keepdims=keepdims), [x])[0]
    axes = resolve_axes(axis, TensorType(float64, shape))
    parts = float(np.prod([shape[k] for k in axes]))
    (found,) = evaluate(b.home, {x: np.zeros(shape)}, [gradient])
    np.testing.assert_allclose(found, np.full(shape, 1 / max(parts, 1)))


@given(SHAPES, st.data())
def test_sum_to_undoes_a_broadcast(shape: tuple, data: Any) -> None:
    kept = shape[data.draw(st.integers(0, len(shape))) :]
    small = tuple(1 if data.draw(st.booleans()) else d for d in kept)
    b = Builder(Graph())
    x = b.placeholder(dtype=float64, shape=shape, name="x")
    like = b.placeholder(dtype=float64, shape=small, name="like")
    y = b.sum_to(x, like)
    ones = np.ones(shape)
    count = ones.size / max(np.zeros(small).size, 1)
    found, expanded = evaluate(
        b.home, {x: ones, like: np.zeros(small)}, [y, y.node.op.expand(b, x, like)]
    )
    assert found.shape == expanded.shape == small
    np.testing.assert_array_equal(found, np.full(small, count))
    np.testing.assert_array_equal(found, expanded)
