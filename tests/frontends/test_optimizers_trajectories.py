"""Each optimizer takes the path that TensorFlow's takes, as ``tests/optimizers/record.py`` wrote
it down."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from tests.optimizers.problem import CASES, PARAMETERS, Problem

RECORDED = np.load(Path(__file__).parents[1] / "optimizers" / "trajectories.npz")
PATHS = sorted({key.rpartition("|")[0] for key in RECORDED if key.endswith("|names")})


@pytest.mark.parametrize("path", PATHS)
def test_fifty_steps_agree_with_tensorflow(session: Callable, path: str) -> None:
    dtype, case = path.split("|")
    columns, ends = Problem(tf, CASES[case], dtype).trajectory(tf, session())
    for name, column in zip(PARAMETERS, columns, strict=True):
        assert column.dtype == dtype
        np.testing.assert_allclose(column, RECORDED[f"{path}|{name}"], rtol=1e-5, atol=1e-5)
    assert list(ends) == RECORDED[f"{path}|names"].tolist()
    for name, value in ends.items():
        if f"{path}|end|{name}" in RECORDED:
            wanted = RECORDED[f"{path}|end|{name}"]
            np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-6, err_msg=name)


def test_every_case_is_recorded() -> None:
    assert {path.split("|")[1] for path in PATHS} == set(CASES)
