"""Products of matrices of any size, layout and dtype: the values of NumPy, the same bits on any
number of threads, no wider error than BLAS, and no kernel for a new size.

Whole numbers make every order of adding exact, so most values are compared as they are.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphc as tf
from graphc.ops.running.precision import bfloat16_values

DTYPES = ("float32", "float64", "float16", "bfloat16", "int32", "int64", "complex64", "complex128")
SPECIAL = (np.nan, np.inf, -np.inf, 1e30, 1e-40)
SHAPES = ((64, 300, 40), (7, 1000, 33), (128, 64, 10), (1, 2000, 17), (70, 5, 70))


@cache
def multiplier(dtype: str, ta: bool, tb: bool, ranks: tuple[int, int], threads: int) -> Any:
    """A function of two arrays; sizes are known when it is called, so many share a Program."""
    with tf.Graph().as_default() as graph:
        fed = "float32" if dtype == "bfloat16" else dtype
        given = [tf.placeholder(fed, [None] * rank) for rank in ranks]
        a, b = (tf.cast(x, dtype) for x in given)
        y = tf.matmul(a, b, transpose_a=ta, transpose_b=tb)
        y = tf.cast(y, fed)
    config = tf.ConfigProto(intra_op_parallelism_threads=threads)
    return tf.Session(graph=graph, config=config).make_callable(y, given)


@st.composite
def products(draw: st.DrawFn) -> dict[str, Any]:
    size = st.integers(0, 70)
    m, k, n = draw(size), draw(size), draw(size)
    ta, tb = draw(st.booleans()), draw(st.booleans())
    batch = draw(st.lists(st.integers(0, 3), max_size=2))
    batches = [[draw(st.sampled_from([d, d, 1])) for d in batch] for _ in range(2)]
    if draw(st.booleans()):
        batches[1] = batches[1][draw(st.integers(0, len(batch))) :]
    a, b = ([k, m] if ta else [m, k]), ([n, k] if tb else [k, n])
    return {
        "dtype": draw(st.sampled_from(DTYPES)), "ta": ta, "tb": tb,
        "shapes": ((*batches[0], *a), (*batches[1], *b)), "seed": draw(st.integers(0, 1000)),
        "special": draw(st.integers(0, 6)) == 0,
    }  # fmt: skip


def whole(rng: np.random.Generator, shape: tuple, dtype: str) -> np.ndarray:
    drawn = rng.integers(-3, 4, shape)
    if dtype.startswith("complex"):
        return (drawn + 1j * rng.integers(-3, 4, shape)).astype(dtype)
    return drawn.astype("float32" if dtype == "bfloat16" else dtype)


def rounded(y: np.ndarray, dtype: str) -> np.ndarray:
    """Exact values as a result of the dtype has them."""
    if dtype == "bfloat16":
        bits = y.astype(np.float32).view(np.uint32).astype(np.uint64)
        return bfloat16_values(((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16))
    with np.errstate(over="ignore"):
        return y.astype(dtype)


def check(drawn: dict[str, Any]) -> None:
    rng, dtype = np.random.default_rng(drawn["seed"]), drawn["dtype"]
    a, b = (whole(rng, shape, dtype) for shape in drawn["shapes"])
    special = drawn["special"] and dtype in ("float32", "float64")
    if special:
        for x in (a, b):
            if x.size:
                x.flat[rng.integers(x.size)] = rng.choice(SPECIAL)
    how = dtype, drawn["ta"], drawn["tb"], (a.ndim, b.ndim)
    one, two = (multiplier(*how, threads)(a, b) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)
    if dtype in ("float16", "bfloat16"):
        a, b = a.astype(np.float64), b.astype(np.float64)
    left = a.swapaxes(-1, -2) if drawn["ta"] else a
    right = b.swapaxes(-1, -2) if drawn["tb"] else b
    with np.errstate(all="ignore"):
        wanted = rounded(np.einsum("...ik,...kj->...ij", left, right), dtype)
    assert one.shape == wanted.shape
    if special:  # beside 1e30, or 1e-40 beside 1, the order of adding shows
        with np.errstate(all="ignore"):
            sizes = np.einsum("...ik,...kj->...ij", np.abs(left), np.abs(right))
        finite = np.isfinite(sizes)
        np.testing.assert_array_equal(one[~finite], wanted[~finite])
        assert (np.abs(one[finite] - wanted[finite]) <= 1e-6 * sizes[finite]).all()
    else:
        np.testing.assert_array_equal(one, wanted)


@given(products())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_product_is_that_of_numpy_on_any_number_of_threads(drawn: dict[str, Any]) -> None:
    check(drawn)


@pytest.mark.slow
@given(products())
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_very_many_products_are_those_of_numpy(drawn: dict[str, Any]) -> None:
    check(drawn)


@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_float32_is_at_most_twice_as_far_off_as_blas(
    shape: tuple[int, int, int], ta: bool, tb: bool
) -> None:
    m, k, n = shape
    rng = np.random.default_rng(5)
    ours, theirs = [], []
    for _ in range(4):
        a, b = rng.normal(size=(m, k)).astype("f4"), rng.normal(size=(k, n)).astype("f4")
        exact = a.astype("f8") @ b.astype("f8")
        given = np.ascontiguousarray(a.T) if ta else a, np.ascontiguousarray(b.T) if tb else b
        found = multiplier("float32", ta, tb, (2, 2), 2)(*given)
        ours.append(np.square(found - exact).mean())
        theirs.append(np.square(a @ b - exact).mean())
    assert np.mean(ours) ** 0.5 <= 2 * np.mean(theirs) ** 0.5


def test_sizes_not_met_before_need_no_kernel_and_no_program() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        x, w = tf.placeholder(tf.float32, [None, 24]), tf.placeholder(tf.float32, [24, None])
        h = tf.nn.relu(tf.matmul(x, w) + 1.0)
        fetches = [h, *tf.gradients(h, [x, w])]
        for rows, columns in ((1, 5), (3, 1), (64, 64), (65, 33), (12, 100), (0, 7), (300, 2)):
            sess.run(fetches, {x: np.ones((rows, 24)), w: np.ones((24, columns))})
        compiled = [line for line in sess.compile_log() if line.startswith("compile")]
    assert len(compiled) <= 3  # one column, one row and many: broadcasts tell them apart


def test_products_of_many_numbers_do_not_lose_the_small_ones_of_whole_panels() -> None:
    """A long inner dimension is added up in parts."""
    depth = 1 << 16
    x = np.full((3, depth), 1e-4, np.float32)
    found = multiplier("float32", False, False, (2, 2), 2)(x, np.ones((depth, 5), np.float32))
    np.testing.assert_allclose(found, depth * np.float64(np.float32(1e-4)), rtol=2e-5)
