"""Convolutions of any geometry: the values, gradients and second gradients of the reference, NaN
and infinity where it has them, and the same bits on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from tests.properties.random_windows import values

RELATIVE = {"float32": 2e-5, "float64": 1e-12, "float16": 4e-3, "bfloat16": 3e-2}


def check(seed: int) -> None:
    given, wanted = values(seed, "/reference:0")
    _, one = values(seed, "/cpu:0")
    _, two = values(seed, "/cpu:0", threads=2)
    for k, (want, found, other) in enumerate(zip(wanted, one, two, strict=True)):
        about = f"seed {seed}, result {k} of {given}"
        np.testing.assert_array_equal(found, other, err_msg=f"{about}: threads")
        assert found.shape == want.shape, about
        finite = np.isfinite(want)
        largest = np.abs(want[finite]).max(initial=1e-3)
        # whole numbers: every order of adding is exact until they are squared
        slack = 0.0 if k < 3 and given.dtype in ("float32", "float64") else RELATIVE[given.dtype]
        np.testing.assert_allclose(found, want, rtol=0, atol=slack * largest, err_msg=about)


@pytest.mark.parametrize("first", range(0, 24, 8))
def test_a_random_convolution_is_that_of_the_reference(first: int) -> None:
    for seed in range(first, first + 8):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(24, 3024, 100))
def test_many_random_convolutions_are_those_of_the_reference(first: int) -> None:
    for seed in range(first, first + 100):
        check(seed)
