"""``tf.contrib.opt`` against the formulas of the papers, in NumPy."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as tf
from tests.optimizers.contributed import CASES, trained
from tests.optimizers.problem import PARAMETERS, Problem


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fifty_steps_agree_with_the_formula(session: Callable, case: str, dtype: str) -> None:
    make, update = CASES[case]
    columns, _ = Problem(tf, make, dtype).trajectory(tf, session())
    wanted = trained(update)
    for name, column in zip(PARAMETERS, columns, strict=True):
        error = 1e-5 if dtype == "float32" else 1e-7  # sign decays are float32
        np.testing.assert_allclose(column[-1], wanted[name], rtol=error, atol=error, err_msg=name)
