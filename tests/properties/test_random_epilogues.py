"""Work around products and convolutions gives the values of the reference, whether it is done in
their kernels or not, and the same bits on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from tests.properties.random_epilogues import values


def check(seed: int) -> None:
    wanted = values(seed, "/reference:0")
    one, two = (values(seed, "/cpu:0", threads) for threads in (1, 2))
    for k, (want, found, other) in enumerate(zip(wanted, one, two, strict=True)):
        about = f"seed {seed}, value {k}"
        np.testing.assert_array_equal(found, other, err_msg=f"{about}: threads")
        assert found.dtype == want.dtype, about
        largest = np.abs(want[np.isfinite(want)]).max(initial=1e-3)
        relative = 1e-9 if want.dtype == np.float64 else 1e-3
        np.testing.assert_allclose(found, want, rtol=0, atol=relative * largest, err_msg=about)


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_work_around_a_contraction_changes_no_value(first: int) -> None:
    for seed in range(first, first + 10):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(40, 4040, 100))
def test_work_around_many_contractions_changes_no_value(first: int) -> None:
    for seed in range(first, first + 100):
        check(seed)
