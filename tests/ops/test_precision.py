"""References compute in the precision they say, and bfloat16 arrays travel as bits."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.codegen.vocabulary import bfloat16_bits as one_value
from graphc.ir.builder import Builder
from graphc.ir.dtype import bfloat16, float16, float32, float64
from graphc.ir.graph import Graph
from graphc.ir.op import REGISTRY
from graphc.ir.types import TensorType
from graphc.ops.running.precision import (
    bfloat16_bits,
    bfloat16_values,
    in_float32,
    in_float64,
    reference_values,
)
from tests.devices import DEVICES


@pytest.mark.parametrize(
    ("wrap", "given", "inside"),
    [
        (in_float32, np.float16, np.float32),
        (in_float32, np.float32, np.float32),
        (in_float64, np.float16, np.float64),
        (in_float64, np.float32, np.float64),
        (in_float64, np.int32, np.int32),
    ],
)
def test_a_reference_computes_wide_and_answers_narrow(wrap, given, inside) -> None:
    seen = []

    def twice(op, x):
        seen.append(x.dtype)
        return x * 2

    result = wrap(twice)(None, np.ones(2, given))
    assert (seen, result.dtype) == ([inside], given)


def test_bfloat16_bits_round_to_even_and_keep_nan() -> None:
    numbers = np.float32([1, 1.00390625, 1.01171875, -3.4e38, np.inf, np.nan, 1e-40])
    np.testing.assert_array_equal(bfloat16_bits(numbers), [one_value(x) for x in numbers])
    back = bfloat16_values(bfloat16_bits(numbers))
    np.testing.assert_array_equal(back[:3], np.float32([1, 1, 1.015625]))
    assert np.isnan(back[5])


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_bfloat16_arrays_keep_their_shape(shape: tuple) -> None:
    bits = bfloat16_bits(np.ones(shape, np.float32))
    assert (bits.shape, bits.dtype) == (shape, np.uint16)
    assert bfloat16_values(bits).shape == shape


def test_ops_see_bfloat16_as_float32_and_their_results_are_bits() -> None:
    kind = TensorType(bfloat16, (2,))
    bits = bfloat16_bits(np.float32([1.5, -2]))
    (total,) = reference_values(REGISTRY["add"](), [bits, bits], [kind, kind], [kind])
    np.testing.assert_array_equal(bfloat16_values(total), [3, -4])
    wide = TensorType(float32, (2,))
    (single,) = reference_values(REGISTRY["cast"](dtype=float32), [bits], [kind], [wide])
    np.testing.assert_array_equal(single, np.float32([1.5, -2]))


def test_double_to_half_rounds_through_single() -> None:
    x = np.float64([1 + 2**-11 + 2**-30])  # a tie in float16 once it has been a float32
    assert REGISTRY["cast"](dtype=float16).reference(x) == np.float16(1)


def test_a_reference_with_the_wrong_number_of_outputs_is_our_fault() -> None:
    kind = TensorType(float32, ())
    with pytest.raises(AssertionError, match="bug in graphc: neg has 2 outputs"):
        reference_values(REGISTRY["neg"](), [np.float32(1)], [kind], [kind, kind])


def test_a_kernel_rounds_doubles_with_a_copied_sign_to_half() -> None:
    """What LLVM would make one rounding of, there being no instruction for it."""
    x = np.linspace(-3, 3, 77).reshape(7, 11)
    b = Builder(Graph())
    given = b.placeholder(dtype=float64, shape=x.shape)
    shifted = b.add(b.mul(given, 0.5), 1.0)
    half = b.cast(b.cast(b.tanh(shifted), dtype=float16), dtype=float64)
    _, found = DEVICES["cpu"](b.home, {given: x}, [shifted, half], [], {})
    np.testing.assert_allclose(found, np.tanh(x / 2 + 1), rtol=1e-3)
    assert set(found.ravel()) == set(found.astype(np.float16).astype(float).ravel())
