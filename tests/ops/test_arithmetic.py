"""Arithmetic, functions and selections mean what TF1 code expects at the corners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.autodiff.reverse import gradients
from graphc.errors import InvalidArgumentError
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32, float64, int8, int32, uint16
from graphc.ir.graph import Graph
from graphc.ir.shape_values import dims_of
from runtime.devices.reference.evaluate import evaluate
from tests.devices import on_cpu, on_reference


@pytest.fixture
def b() -> Builder:
    return Builder(Graph())


def value(tensor: Any) -> np.ndarray:
    return evaluate(tensor.graph, {}, [tensor])[0]


def slopes(y: Any, *xs: Any) -> list[np.ndarray]:
    return [np.asarray(g) for g in evaluate(y.graph, {}, gradients(y, list(xs)))]


def doubles(b: Builder, *numbers: float) -> Any:
    return b.tensor(np.array(numbers, np.float64))


@pytest.mark.parametrize(
    ("dtype", "quotient"), [(int32, "float64"), (int8, "float32"), (uint16, "float32")]
)
def test_true_division_of_integers_is_floating(b: Builder, dtype: Any, quotient: str) -> None:
    y = b.truediv(b.tensor([7], dtype=dtype), 2)
    assert (y.dtype.name, value(y)[0]) == (quotient, 3.5)


def test_python_operators_are_the_ops_of_those_names(b: Builder) -> None:
    x = b.tensor(np.array([-7, 7], np.int32))
    assert (x // 2).node.type == "FloorDiv"
    assert (x % 2).node.type == "FloorMod"
    np.testing.assert_array_equal(value(x // 2), [-4, 3])
    np.testing.assert_array_equal(value(x % 3), [2, 1])
    np.testing.assert_array_equal(value(1 - x), [8, -6])


def test_div_floors_integers_and_truncatediv_does_not(b: Builder) -> None:
    x = b.tensor(np.array([-7, 7], np.int32))
    np.testing.assert_array_equal(value(b.div(x, 2)), [-4, 3])
    np.testing.assert_array_equal(value(b.truncatediv(x, 2)), [-3, 3])
    assert value(b.div(doubles(b, 7), 2)) == 3.5


def test_the_least_integer_divided_by_minus_one_wraps(b: Builder) -> None:
    x = b.tensor(np.array([-128], np.int8))
    for quotient in (b.floordiv(x, -1), b.truncatediv(x, -1)):
        assert value(quotient) == -128


def test_div_no_nan_is_zero_and_flat_where_the_divisor_is(b: Builder) -> None:
    x, y = doubles(b, 3, 3), doubles(b, 0, 2)
    z = b.div_no_nan(x, y)
    np.testing.assert_array_equal(value(z), [0, 1.5])
    of_x, of_y = slopes(z, x, y)
    np.testing.assert_array_equal(of_x, [0, 0.5])
    np.testing.assert_array_equal(of_y, [0, -0.75])


def test_of_equal_operands_the_first_gets_the_gradient(b: Builder) -> None:
    for op in (b.maximum, b.minimum):
        x, y = doubles(b, 2), doubles(b, 2)
        assert [float(s[0]) for s in slopes(op(x, y), x, y)] == [1, 0]


def test_clipping_passes_the_gradient_inside_and_at_the_bounds(b: Builder) -> None:
    x = doubles(b, -3, -1, 0, 1, 3)
    np.testing.assert_array_equal(*slopes(b.clip_by_value(x, -1.0, 1.0), x), [0, 1, 1, 1, 0])


def test_pow_has_finite_slopes_at_zero(b: Builder) -> None:
    x, y = doubles(b, 0, 0, 0), doubles(b, 0, 1, 2)
    of_x, of_y = slopes(b.pow(x, y), x, y)
    np.testing.assert_array_equal(of_x, [0, 1, 0])
    np.testing.assert_array_equal(of_y, [0, 0, 0])


@pytest.mark.parametrize("device", [on_reference, on_cpu])
def test_an_integer_to_a_negative_power_fails_the_run(b: Builder, device: Any) -> None:
    x = b.placeholder(dtype=int32, shape=(2,), name="x")
    y = b.pow(x, b.tensor(np.array([2, 3], np.int32)))
    feeds = {x: np.array([-3, 5], np.int32)}
    np.testing.assert_array_equal(device(b.home, feeds, [y], [], {})[0], [9, 125])
    with pytest.raises(InvalidArgumentError, match="an integer to a negative power is no integer"):
        device(b.home, feeds, [b.pow(2, x)], [], {})


def test_every_derivative_of_a_cube_is_right_at_zero(b: Builder) -> None:
    x = doubles(b, 0)
    y, found = b.pow(x, 3.0), []
    for _ in range(4):
        (y,) = gradients(y, [x])
        found.append(float(value(y)[0]))
    assert found == [0, 0, 6, 0]


@pytest.mark.parametrize("name", ["relu", "relu6"])
def test_rectifiers_are_flat_at_zero(b: Builder, name: str) -> None:
    x = doubles(b, -1, 0, 2, 7)
    expected = [0, 0, 1, 1] if name == "relu" else [0, 0, 1, 0]
    np.testing.assert_array_equal(*slopes(getattr(b, name)(x), x), expected)


def test_abs_and_sign_are_flat_at_zero(b: Builder) -> None:
    x = doubles(b, -2, 0, 2)
    np.testing.assert_array_equal(*slopes(b.abs(x), x), [-1, 0, 1])
    np.testing.assert_array_equal(*slopes(b.sign(x), x), [0, 0, 0])


def test_softplus_and_log_sigmoid_do_not_overflow(b: Builder) -> None:
    x = doubles(b, -1000, 1000)
    np.testing.assert_array_equal(value(b.softplus(x)), [0, 1000])
    np.testing.assert_array_equal(value(b.log_sigmoid(x)), [-1000, 0])
    np.testing.assert_array_equal(*slopes(b.softplus(x), x), [0, 1])


def test_gelu_forms_agree_to_three_digits(b: Builder) -> None:
    x = b.tensor(np.linspace(-4, 4, 41))
    exact, close = value(b.gelu(x)), value(b.gelu(x, approximate=True))
    np.testing.assert_allclose(exact, close, atol=1e-3)
    assert exact[0] == pytest.approx(-4 * 3.167124e-5, rel=1e-5)


def test_where_sends_each_gradient_only_where_it_was_chosen(b: Builder) -> None:
    x, y = doubles(b, 1, 2), b.tensor(5.0, dtype=float64)
    z = b.where(b.tensor(np.array([True, False])), x, y)
    of_x, of_y = slopes(z, x, y)
    np.testing.assert_array_equal(of_x, [1, 0])
    assert of_y == 1


def test_a_gradient_passes_casts_between_floating_dtypes_only(b: Builder) -> None:
    x = doubles(b, 1.5)
    np.testing.assert_array_equal(*slopes(b.cast(x, dtype=float32), x), [1])
    through_integer = b.cast(b.cast(x, dtype=int32), dtype=float64)
    assert gradients(through_integer, [x]) == [None]


def test_shape_arithmetic_follows_the_ops(b: Builder) -> None:
    n = b.home.new_dim("n")
    shape = b.shape(b.placeholder(dtype=float32, shape=(n, 6), name="x"))
    rows = shape[0]
    assert dims_of(rows * 4 + 1) == 4 * n + 1
    assert dims_of(b.floordiv(b.mul(rows, 6), 3)) == 2 * n
    assert dims_of(b.reduce_prod(shape)) == 6 * n
    assert dims_of(b.cast(b.sub(shape, 1), dtype=float32)) is None
    assert dims_of(b.maximum(b.add(rows, 1), 1)) == n + 1
    assert dims_of(b.floordiv(rows, 0)) is None


def test_literals_beside_a_tensor_take_its_dtype(b: Builder) -> None:
    x = b.tensor(np.float16([1]))
    for y in (x + 1, 2 * x, x / 3, x**2, b.maximum(x, 0)):
        assert y.dtype is x.dtype
