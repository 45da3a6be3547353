"""Random models train on the CPU as they do on the reference."""

import numpy as np
import pytest

from tests.properties.random_models import trained


def check(seed: int) -> None:
    for value, wanted in zip(trained(seed, "/cpu:0"), trained(seed, "/reference:0"), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-6, atol=1e-8, err_msg=f"seed {seed}")


@pytest.mark.parametrize("seed", range(8))
def test_a_random_model_trains_the_same_on_the_cpu(seed: int) -> None:
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8, 200))
def test_many_random_models_train_the_same_on_the_cpu(seed: int) -> None:
    check(seed)
