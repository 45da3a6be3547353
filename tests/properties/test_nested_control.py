"""Branches and loops in one another give what Python's own give, and so do their gradients.

Values are compared with :class:`~tests.properties.random_control.Meaning` on every device; the
gradient with central differences of that meaning, and the gradient of the gradient with central
differences of the gradient, along one direction each, in float64.
"""

import numpy as np
import pytest
from hypothesis import given, reject, settings

import graphc as tf
from tests.properties.control_graphs import build
from tests.properties.found_control import FOUND
from tests.properties.random_control import Meaning, Program, programs

STEP = 1e-5
NEAR = 1e-3  # a test so near to its other answer has no derivative worth comparing


@pytest.fixture(autouse=True)
def checked(monkeypatch):
    monkeypatch.setenv("GRAPHC_CHECK", "1")


def drawn(program: Program, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.uniform(-1, 1, shape) for shape in program.inputs]


def loss_of(results: list[np.ndarray]) -> float:
    return sum(float(np.sum(np.sin(r)) * (k + 1)) for k, r in enumerate(results))


def moved(values: list, directions: list, by: float) -> list:
    return [v + by * d for v, d in zip(values, directions, strict=True)]


def product(a: list, b: list) -> float:
    return sum(float(np.sum(x * y)) for x, y in zip(a, b, strict=True))


def check(program: Program, order: int, devices=("/cpu:0", "/reference:0")) -> None:
    values, along, across = (drawn(program, seed) for seed in range(3))
    meaning = Meaning()
    expected = meaning.run(program, values)
    if meaning.margin < NEAR:
        reject()
    for device in devices:
        with tf.Graph().as_default(), tf.Session(device=device) as session:
            built = build(program, values, along)
            session.run(tf.global_variables_initializer())
            feeds = built.fed(values)
            wanted = [built.results, built.slopes, built.curves][: 1 + order]
            results, *derivatives = session.run(wanted, feeds)
            assert session.run(built.counter) == meaning.ticked
            for got, value in zip(results, expected, strict=True):
                assert got.shape == value.shape
                np.testing.assert_allclose(got, value, rtol=1e-9, atol=1e-11)
            if order:
                first, last = (
                    loss_of(Meaning().run(program, moved(values, across, by)))
                    for by in (-STEP, STEP)
                )
                slope = product(derivatives[0], across)
                np.testing.assert_allclose(slope, (last - first) / (2 * STEP), 1e-6, 1e-7)
            if order > 1:
                first, last = (
                    product(session.run(built.slopes, built.fed(moved(values, across, by))), along)
                    for by in (-STEP, STEP)
                )
                curve = product(derivatives[1], across)
                np.testing.assert_allclose(curve, (last - first) / (2 * STEP), 1e-6, 1e-7)


@settings(max_examples=8)
@given(programs(ticks=True))
def test_nested_control_gives_what_python_gives(program):
    check(program, 0)


@settings(max_examples=6)
@given(programs())
def test_gradients_are_those_of_finite_differences(program):
    check(program, 2)


@pytest.mark.parametrize("name", FOUND)
def test_what_once_went_wrong_is_right(name):
    check(FOUND[name], 2, ("/cpu:0",))


@pytest.mark.slow
@settings(max_examples=250)
@given(programs(ticks=True, statements=14))
def test_many_programs_give_what_python_gives(program):
    check(program, 0)


@pytest.mark.slow
@settings(max_examples=250)
@given(programs(statements=12))
def test_many_gradients_are_those_of_finite_differences(program):
    check(program, 2)
