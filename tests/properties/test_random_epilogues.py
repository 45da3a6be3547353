"""Whatever stands around a product or a convolution, its kernel gives what the reference gives."""

from __future__ import annotations

import numpy as np
import pytest

from tests.properties.random_epilogues import results


def check(seed: int) -> None:
    for value, wanted in zip(results(seed, "/cpu:0"), results(seed, "/reference:0"), strict=True):
        single = np.asarray(wanted).dtype == np.float32
        rtol, atol = (2e-3, 2e-3) if single else (1e-7, 1e-9)
        scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
        np.testing.assert_allclose(
            value, wanted, rtol=rtol, atol=atol * scale, err_msg=f"seed {seed}"
        )


@pytest.mark.parametrize("seed", range(24))
def test_a_random_neighbourhood_of_a_contraction_computes_the_same(seed: int) -> None:
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 400))
def test_more_random_neighbourhoods_compute_the_same(seed: int) -> None:
    check(seed)
