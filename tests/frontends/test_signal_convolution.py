"""``tf.signal.convolve`` and its kin give what ``scipy.signal`` gives."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import graphc as tf
from graphc.errors import DTypeError, ShapeError

sp = pytest.importorskip("scipy.signal")
RNG = np.random.default_rng(0)
MODES = ("full", "same", "valid")
SHAPES = [
    ((7,), (3,)), ((7,), (4,)), ((4,), (7,)), ((6, 5), (3, 2)), ((2, 3), (6, 5)), ((6, 5), (4, 4)),
    ((5, 4, 3), (3, 2, 1)), ((4, 5, 3), (1, 1, 1)), ((2, 3, 4, 3), (2, 2, 3, 2)), ((), ()),
]  # fmt: skip
TOLERANCE = {"float32": 1e-4, "float64": 1e-9, "complex64": 1e-4, "int32": 0}


def drawn(shape, dtype):
    values = RNG.normal(size=shape) * 4
    if dtype.startswith("complex"):
        values = values + 1j * RNG.normal(size=shape)
    return np.asarray(values).astype(dtype)


def agree(session, made, wanted, dtypes):
    for found, want, dtype in zip(session().run(made), wanted, dtypes, strict=True):
        assert (found.dtype, found.shape) == (want.dtype, want.shape)
        tolerance = TOLERANCE[dtype]
        np.testing.assert_allclose(found, want, rtol=tolerance, atol=tolerance * 10)


@pytest.mark.parametrize("name", ["convolve", "correlate"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_every_mode_of_every_rank(name, shapes, session):
    made, wanted, dtypes = [], [], []
    for mode, dtype in product(MODES, TOLERANCE):
        pair = [drawn(shape, dtype) for shape in shapes]
        made.append(getattr(tf.signal, name)(*pair, mode))
        wanted.append(getattr(sp, name)(*pair, mode, method="direct"))
        dtypes.append(dtype)
    agree(session, made, wanted, dtypes)


@pytest.mark.parametrize("name", ["convolve2d", "correlate2d"])
@pytest.mark.parametrize("shapes", [((6, 5), (3, 2)), ((6, 5), (4, 5)), ((3, 2), (6, 5))], ids=str)
def test_every_boundary_of_matrices(name, shapes, session):
    made, wanted, dtypes = [], [], []
    for mode, boundary, dtype in product(MODES, ("fill", "wrap", "symm"), ("float32", "int32")):
        pair = [drawn(shape, dtype) for shape in shapes]
        made.append(getattr(tf.signal, name)(*pair, mode, boundary, 3))
        wanted.append(getattr(sp, name)(*pair, mode, boundary, 3))
        dtypes.append(dtype)
    agree(session, made, wanted, dtypes)


@pytest.mark.parametrize(
    "shapes", [((9,), (4,)), ((6, 5), (3, 2)), ((4, 5, 3), (2, 3, 3))], ids=str
)
def test_transforms_give_what_sums_give(shapes, session):
    made, wanted, dtypes = [], [], []
    for mode, dtype in product(MODES, ("float32", "float64", "int32")):
        pair = [drawn(shape, dtype) for shape in shapes]
        made.append(tf.signal.convolve(*pair, mode, method="fft"))
        wanted.append(sp.convolve(*pair, mode, method="direct"))
        dtypes.append(dtype)
    agree(session, made, wanted, dtypes)


def test_sizes_that_are_fed(session):
    x, k = (tf.placeholder(tf.float32, [None, None]) for _ in range(2))
    feeds = {x: drawn((7, 6), "float32"), k: drawn((3, 2), "float32")}
    both = list(feeds.values())
    made = [tf.signal.convolve(x, k, mode) for mode in MODES]
    made.append(tf.signal.correlate2d(x, k, "same", "symm"))
    wanted = [sp.convolve(*both, mode) for mode in MODES]
    wanted.append(sp.correlate2d(*both, "same", "symm"))
    for found, want in zip(session().run(made, feeds), wanted, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-4)


def test_as_many_signals_as_are_fed(session):
    x = tf.placeholder(tf.float32, [None, None])
    k, value = drawn((3, 1), "float32"), drawn((7, 6), "float32")
    made = [tf.signal.convolve(x, k, mode) for mode in MODES]
    for found, mode in zip(session().run(made, {x: value}), MODES, strict=True):
        np.testing.assert_allclose(found, sp.convolve(value, k, mode), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_gradients_are_those_of_finite_differences(mode):
    x, k = tf.constant(drawn((5, 4), "float64")), tf.constant(drawn((3, 2), "float64"))
    for y in (
        tf.signal.convolve(x, k, mode), tf.signal.correlate2d(x, k, mode, "symm"),
        tf.signal.convolve(x, k, mode, "fft"),
    ):  # fmt: skip
        shape = y.shape.as_list()
        with tf.Session():
            for given, size in ((x, [5, 4]), (k, [3, 2])):
                assert tf.test.compute_gradient_error(given, size, y, shape) < 1e-6


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda s: s.convolve(np.ones(3), np.ones((2, 2))), ShapeError, "of one rank"),
        (lambda s: s.convolve([1.0], [1.0], "half"), ValueError, "full, same, valid, got 'half'"),
        (lambda s: s.convolve([True], [True]), DTypeError, "floating, complex or int32, got bool"),
        (lambda s: s.convolve(np.ones((2, 5)), np.ones((3, 3)), "valid"), ShapeError,
         "at least as large as the other along every axis"),
        (lambda s: s.convolve2d(np.ones(3), np.ones(2)), ShapeError, "must be matrices"),
        (lambda s: s.convolve2d(np.ones((3, 3)), np.ones((2, 2)), boundary="mirror"), ValueError,
         "fill, wrap, symm, got 'mirror'"),
    ],
)  # fmt: skip
def test_what_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call(tf.signal)


@pytest.mark.parametrize("norm", [None, "ortho"])
def test_lapped_transforms_give_their_signal_back(norm, session):
    x = drawn((2, 40), "float64")
    back = tf.signal.inverse_mdct(tf.signal.mdct(x, 8, norm=norm), norm=norm)
    np.testing.assert_allclose(session().run(back)[:, 4:-4], x[:, 4:-4], atol=1e-9)
