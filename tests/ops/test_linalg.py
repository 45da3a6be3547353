"""Factorizations, inverses and systems: what the generated tests do not reach."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
import pytest

import graphc as tf
from graphc.errors import InvalidArgumentError
from graphc.ops.products.linalg import MatrixTriangularSolve

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


# --- complex matrices ----------------------------------------------------------------------------

MIXED = RNG.normal(size=(2, 4, 4)) + 1j * RNG.normal(size=(2, 4, 4))


def inner(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """``adjoint(left) @ weights @ right`` of columns: turned alike, they give the same number."""
    weights = tf.constant(np.random.default_rng(5).normal(size=(4, 4)) * (1 + 0.5j))
    return tf.linalg.adjoint(left) @ tf.broadcast_to(weights, [2, 4, 4]) @ right


def of_eigenvectors(x: tf.Tensor) -> tf.Tensor:
    values, vectors = tf.self_adjoint_eig(x)
    turns = tf.matrix_diag_part(inner(vectors, vectors))
    return tf.reduce_sum(tf.real(turns) * tf.real(values) ** 2 + tf.imag(turns))


def of_singular_vectors(x: tf.Tensor) -> tf.Tensor:
    s, u, v = tf.svd(x)
    turns = tf.matrix_diag_part(inner(u, v))
    turned = tf.reduce_sum(tf.real(turns) * s**2 + tf.imag(turns))
    return turned + tf.reduce_sum(tf.abs(inner(u, u)[..., 0, 1]))


def of_factors(x: tf.Tensor) -> tf.Tensor:
    q, r = tf.qr(x)
    return tf.reduce_sum(tf.real(q * q) + tf.imag(r) * tf.real(r))


@pytest.mark.parametrize("loss", [of_eigenvectors, of_singular_vectors, of_factors])
def test_factors_of_complex_matrices_have_gradients(loss: Callable) -> None:
    """Of losses that do not change when a column is turned, and with it its partner."""
    hermitian = loss is of_eigenvectors
    x = MIXED + MIXED.conj().swapaxes(-1, -2) if hermitian else MIXED
    direction = RNG.normal(size=x.shape) + 1j * RNG.normal(size=x.shape)
    if hermitian:
        direction = direction + direction.conj().swapaxes(-1, -2)
    gradient = value(lambda t: tf.gradients(loss(t), [t])[0], x)
    ahead, behind = (value(loss, x + step * direction) for step in (1e-6, -1e-6))
    read = np.tril(direction) if hermitian else direction  # the lower triangle gets all of it
    slope = np.sum(np.real(np.conj(gradient) * read))
    np.testing.assert_allclose(slope, (ahead - behind) / 2e-6, rtol=1e-6)


def test_a_wide_matrix_has_a_gradient_through_its_factors() -> None:
    x, direction = RNG.normal(size=(2, 3, 5)), RNG.normal(size=(2, 3, 5))

    def loss(t: tf.Tensor) -> tf.Tensor:
        q, r = tf.qr(t)
        return tf.reduce_sum(tf.sin(3.0 * q)) + tf.reduce_sum(r**3)

    gradient = value(lambda t: tf.gradients(loss(t), [t])[0], x)
    ahead, behind = (value(loss, x + step * direction) for step in (1e-6, -1e-6))
    np.testing.assert_allclose((gradient * direction).sum(), (ahead - behind) / 2e-6, rtol=1e-6)


# --- triangular systems by LAPACK ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize("installed", [False, True])
def test_large_triangular_systems_are_solved_with_scipy_and_without(
    dtype: type, lower: bool, adjoint: bool, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not installed:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    elif importlib.util.find_spec("scipy") is None:
        pytest.skip("SciPy is not installed")
    rng = np.random.default_rng(7)
    matrix = rng.normal(size=(2, 90, 90)) / 20 + 2 * np.eye(90)
    rhs = rng.normal(size=(90, 3))
    if np.issubdtype(dtype, np.complexfloating):
        matrix, rhs = matrix + 0.1j * rng.normal(size=matrix.shape), rhs * (1 + 2j)
    op = MatrixTriangularSolve(lower=lower, adjoint=adjoint)
    (y,) = op.host(matrix.astype(dtype), rhs.astype(dtype))
    triangle = np.tril(matrix) if lower else np.triu(matrix)
    triangle = triangle.swapaxes(-1, -2) if adjoint else triangle
    assert y.dtype == dtype
    assert y.flags.c_contiguous
    np.testing.assert_allclose(triangle @ y, np.broadcast_to(rhs, y.shape), rtol=0, atol=1e-4)


def test_a_large_singular_triangle_is_named() -> None:
    matrices = np.stack([np.eye(80), np.eye(80), np.eye(80)])
    matrices[2, 70, 70] = 0.0
    with pytest.raises(InvalidArgumentError, match=r"not invertible \(matrix \[2\]\)"):
        value(lambda x: tf.matrix_triangular_solve(x, x), matrices)
