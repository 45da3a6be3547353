"""Pooling over shapes that samples do not have: every geometry, ties, second gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphc as tf


@st.composite
def geometries(draw):
    count = draw(st.integers(1, 3))

    def numbers(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(count))

    window = numbers(1, 4)
    shape = (draw(st.integers(0, 3)), *numbers(4, 7 if count < 3 else 5), draw(st.integers(0, 9)))
    return shape, window, numbers(1, 3), draw(st.sampled_from(["SAME", "VALID"]))


def first_steps(size, window, stride, padding):
    """Where each window begins along an axis."""
    if padding == "VALID":
        return [k * stride for k in range((size - window) // stride + 1)]
    count = -(-size // stride)
    before = max((count - 1) * stride + window - size, 0) // 2
    return [k * stride - before for k in range(count)]


def windows(shape, window, strides, padding):
    """(index of a window, its pixels in order)"""
    axes = [first_steps(*row, padding) for row in zip(shape[1:-1], window, strides, strict=True)]
    for at in np.ndindex(*map(len, axes)):
        starts = [axis[k] for axis, k in zip(axes, at, strict=True)]
        pixels = [tuple(a + b for a, b in zip(starts, p, strict=True)) for p in np.ndindex(*window)]
        inside = [p for p in pixels if all(0 <= v < n for v, n in zip(p, shape[1:-1], strict=True))]
        yield at, inside


def expected(x, window, strides, padding, weight):
    """Both pools, and their gradients with respect to x for a sum weighted by ``weight``."""
    largest, mean = np.zeros_like(weight), np.zeros_like(weight)
    to_largest, to_mean = np.zeros_like(x), np.zeros_like(x)
    for at, pixels in windows(x.shape, window, strides, padding):
        for n, c in np.ndindex(x.shape[0], x.shape[-1]):
            values = [x[(n, *p, c)] for p in pixels]
            place = (n, *at, c)
            largest[place], mean[place] = max(values), np.mean(values)
            to_largest[(n, *pixels[int(np.argmax(values))], c)] += weight[place]
            for p in pixels:
                to_mean[(n, *p, c)] += weight[place] / len(pixels)
    return largest, mean, to_largest, to_mean


@settings(max_examples=25, deadline=None)
@given(geometries(), st.booleans())
def test_pools_and_their_gradients_are_those_of_a_plain_loop(geometry, ties):
    shape, window, strides, padding = geometry
    random = np.random.default_rng(0)
    x = (
        random.integers(0, 3, shape).astype("f4")
        if ties
        else random.normal(size=shape).astype("f4")
    )
    graph = tf.Graph()
    with graph.as_default(), tf.Session() as session:
        fed = tf.placeholder(tf.float32, [None] * len(shape))
        made = [
            pool(fed, window, strides, padding) for pool in (tf.nn.max_pool_v2, tf.nn.avg_pool_v2)
        ]
        like = session.run(made[0], {fed: x})
        weight = random.normal(size=like.shape).astype("f4")
        fetched = [*made, *(tf.gradients(y * weight, fed)[0] for y in made)]
        found = session.run(fetched, {fed: x})
    for value, wanted in zip(found, expected(x, window, strides, padding, weight), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("channels", [1, 5])
def test_channels_first_pools_as_channels_last_turned(channels):
    x = np.random.default_rng(1).normal(size=(2, 5, 6, channels)).astype("f4")
    with tf.Graph().as_default(), tf.Session() as session:
        for pool in (tf.nn.max_pool, tf.nn.avg_pool):
            last = pool(x, [1, 3, 2, 1], [1, 2, 1, 1], "SAME")
            turned = pool(
                x.transpose(0, 3, 1, 2), [1, 1, 3, 2], [1, 1, 2, 1], "SAME", data_format="NCHW"
            )
            a, b = session.run([last, turned])
            np.testing.assert_array_equal(a, b.transpose(0, 2, 3, 1))


def test_a_nan_is_the_largest_and_takes_the_gradient():
    x = np.array([[1.0, np.nan, 3.0, 2.0, 5.0, 4.0]], "f4").reshape(1, 6, 1)
    with tf.Graph().as_default(), tf.Session() as session:
        fed = tf.placeholder(tf.float32, [1, 6, 1])
        y = tf.nn.max_pool1d(fed, 3, 3, "VALID")
        value, slope = session.run([y, tf.gradients(y, fed)[0]], {fed: x})
    np.testing.assert_array_equal(value.ravel(), [np.nan, 5])
    np.testing.assert_array_equal(slope.ravel(), [0, 1, 0, 0, 1, 0])


def test_max_pooling_has_second_gradients():
    x = np.random.default_rng(2).normal(size=(1, 4, 4, 2))
    with tf.Graph().as_default(), tf.Session() as session:
        fed = tf.placeholder(tf.float64, x.shape)
        y = tf.nn.max_pool(fed, 2, 2, "SAME")
        (first,) = tf.gradients(tf.reduce_sum(y**3), fed)
        (second,) = tf.gradients(tf.reduce_sum(first**2), fed)
        one, found = session.run([first, second], {fed: x})
    chosen = one != 0
    np.testing.assert_allclose(one[chosen], 3 * x[chosen] ** 2)
    np.testing.assert_allclose(found, np.where(chosen, 36 * x**3, 0))


def test_one_kernel_serves_every_size():
    with tf.Graph().as_default(), tf.Session() as session:
        fed = tf.placeholder(tf.float32, [None, None, None, None])
        y = tf.nn.max_pool(fed, 2, 2, "SAME")
        session.run(y, {fed: np.zeros((1, 4, 4, 1), "f4")})
        known = len(session.compile_log())
        session.run(y, {fed: np.zeros((2, 7, 9, 3), "f4")})
        (line,) = session.compile_log()[known:]
        assert line.startswith("plan ")


def test_results_do_not_depend_on_how_rows_are_cut():
    x = np.random.default_rng(3).normal(size=(3, 33, 35, 7)).astype("f4")
    results = []
    for threads in (1, 2):
        config = tf.ConfigProto(intra_op_parallelism_threads=threads)
        with tf.Graph().as_default(), tf.Session(config=config) as session:
            fed = tf.placeholder(tf.float32, [None, 33, 35, 7])
            y = tf.nn.avg_pool(tf.nn.max_pool(fed, 3, 2, "SAME"), 3, 1, "SAME")
            results.append(session.run([y, tf.gradients(y * y, fed)[0]], {fed: x}))
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
