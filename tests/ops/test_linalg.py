"""Factorizations, inverses and systems: what the generated tests do not reach."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import graphc as tf
from graphc.errors import InvalidArgumentError

RNG = np.random.default_rng(3)
SQUARE = RNG.normal(size=(4, 4)) + 4 * np.eye(4)


def value(build: Callable, *arrays: np.ndarray) -> np.ndarray:
    with tf.Graph().as_default(), tf.Session() as sess:
        places = [tf.placeholder(a.dtype, a.shape) for a in arrays]
        return sess.run(build(*places), dict(zip(places, arrays, strict=True)))


def test_gradient_of_cholesky_is_the_slope_along_symmetric_matrices() -> None:
    """Through ``s @ s.T``, whose changes are symmetric."""
    weights = RNG.normal(size=(2, 4, 4))

    def loss(s: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.cholesky(tf.matmul(s, s, transpose_b=True)) * weights)

    s, direction = SQUARE + RNG.normal(size=(2, 4, 4)), RNG.normal(size=(2, 4, 4))
    gradient = value(lambda x: tf.gradients(loss(x), [x])[0], s)
    ahead, behind = (value(loss, s + step * direction) for step in (1e-6, -1e-6))
    np.testing.assert_allclose((gradient * direction).sum(), (ahead - behind) / 2e-6, rtol=1e-6)
    np.testing.assert_array_equal(*(  # the upper triangle is not read, yet its gradient is half
        value(lambda x: tf.gradients(tf.reduce_sum(tf.cholesky(x) ** 3), [x])[0], x)
        for x in (s @ s.swapaxes(-1, -2), np.tril(s @ s.swapaxes(-1, -2)))
    ))  # fmt: skip


SINGULAR = {
    "inverse": lambda x: tf.matrix_inverse(x),
    "cholesky": lambda x: tf.cholesky(x),
    "solve": lambda x: tf.matrix_solve(x, x),
    "triangular solve": lambda x: tf.matrix_triangular_solve(x, x),
    "least squares": lambda x: tf.matrix_solve_ls(x, x),
    "gradient of the determinant": lambda x: tf.gradients(tf.matrix_determinant(x), [x])[0],
}


@pytest.mark.parametrize("build", SINGULAR.values(), ids=SINGULAR.keys())
def test_a_singular_matrix_is_named(build: Callable) -> None:
    with pytest.raises(InvalidArgumentError, match=r"\(matrix \[1\]\)"):
        value(build, np.stack([SQUARE @ SQUARE.T, np.zeros((4, 4))]))


def test_triangular_systems_larger_than_a_block_are_solved() -> None:
    matrix = np.tril(RNG.normal(size=(150, 150))) / 10 + 3 * np.eye(150)
    rhs = RNG.normal(size=(150, 2))
    for given, lower in ((matrix, True), (matrix.T.copy(), False)):
        for adjoint in (False, True):
            y = value(
                lambda m, r, low=lower, adj=adjoint: tf.matrix_triangular_solve(m, r, low, adj),
                given, rhs,
            )  # fmt: skip
            np.testing.assert_allclose((given.T if adjoint else given) @ y, rhs, atol=1e-10)


def test_only_the_triangle_that_is_asked_for_is_read() -> None:
    other = np.triu(np.full((4, 4), np.nan), 1)
    rhs = RNG.normal(size=(4, 1))
    for build in (
        lambda x: tf.matrix_triangular_solve(x, rhs),
        lambda x: tf.cholesky(x),
        lambda x: tf.self_adjoint_eigvals(x),
    ):
        whole = SQUARE @ SQUARE.T
        expected = value(build, np.tril(whole))
        np.testing.assert_array_equal(value(build, np.tril(whole) + other), expected)


def test_least_squares_agrees_with_numpy() -> None:
    tall, rhs = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
    expected = np.linalg.lstsq(tall, rhs)[0]
    for fast in (True, False):
        found = value(lambda a, b, f=fast: tf.matrix_solve_ls(a, b, fast=f), tall, rhs)
        np.testing.assert_allclose(found, expected, rtol=1e-8)
    wide = tall.T.copy()
    found = value(lambda a: tf.matrix_solve_ls(a, tf.ones([3, 1], tf.float64)), wide)
    np.testing.assert_allclose(found, np.linalg.lstsq(wide, np.ones((3, 1)))[0], rtol=1e-8)


def test_exponential_of_a_rotation_is_the_rotation() -> None:
    angle = np.array([0.0, 1e-9, 1.0, 40.0])
    turn = np.zeros((4, 2, 2))
    turn[:, 0, 1], turn[:, 1, 0] = -angle, angle
    expected = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = value(tf.linalg.expm, turn)
    np.testing.assert_allclose(found, np.moveaxis(expected, -1, 0), atol=1e-11)
    assert np.isnan(value(tf.linalg.expm, np.full((2, 2), np.inf))).all()


def test_pseudo_inverse_and_rank_ignore_vanishing_singular_values() -> None:
    x = RNG.normal(size=(2, 5, 2)) @ RNG.normal(size=(2, 2, 4))
    np.testing.assert_allclose(value(tf.linalg.pinv, x), np.linalg.pinv(x), atol=1e-10)
    assert value(tf.linalg.matrix_rank, x).tolist() == [2, 2]


def test_factors_of_any_rank_are_factors() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float64)
        q, r = tf.qr(x)
        s, u, v = tf.svd(x)
        array = RNG.normal(size=(2, 3, 5, 4))
        found = sess.run([q, r, s, u, v], {x: array})
    np.testing.assert_allclose(found[0] @ found[1], array, atol=1e-12)
    np.testing.assert_allclose(
        found[3] * found[2][..., None, :] @ found[4].swapaxes(-1, -2), array, atol=1e-12
    )
