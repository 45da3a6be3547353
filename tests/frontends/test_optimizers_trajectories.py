"""Each optimizer takes the path that TensorFlow's takes, as ``tests/optimizers/record.py`` wrote
it down."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from tests.optimizers.problem import CASES, PARAMETERS, SCHEDULE_STEPS, Problem, schedules

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


def test_schedules_agree_with_tensorflow(session: Callable) -> None:
    step = tf.placeholder(tf.int64, [])
    rates = schedules(tf, step)
    sess = session()
    found = [sess.run(rates, {step: k}) for k in SCHEDULE_STEPS]
    np.testing.assert_allclose(found, RECORDED["schedules"], rtol=1e-5, atol=1e-8)


def test_schedules_refuse_what_tensorflow_refuses() -> None:
    step = tf.train.get_or_create_global_step()
    with pytest.raises(ValueError, match="global_step must be given"):
        tf.train.exponential_decay(0.1, None, 10, 0.5)
    with pytest.raises(ValueError, match="need 2 values"):
        tf.train.piecewise_constant(step, [1], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"boundary 1\.5 is float32, x is int64"):
        tf.train.piecewise_constant(step, [1.5], [1.0, 2.0])
    with pytest.raises(ValueError, match="value 2 is int32, the first float32"):
        tf.train.piecewise_constant(step, [1], [1.0, 2])
