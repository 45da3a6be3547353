"""Branches while they run: sizes that differ, types that only the other branch could have."""

import numpy as np
import pytest

import graphc as tf

DEVICES = ("/cpu:0", "/reference:0")
THREE = np.array([1.0, 2.0, 3.0])


@pytest.fixture(params=DEVICES)
def session(request):
    with tf.Graph().as_default(), tf.Session(device=request.param) as session:
        yield session


def test_branches_of_different_sizes(session):
    x, pred = tf.placeholder(tf.float64, [3]), tf.placeholder(tf.bool, [])
    y = tf.cond(pred, lambda: x * x, lambda: x[:2])
    assert y.shape.as_list() == [None]
    loss = tf.reduce_sum(tf.square(y)) + tf.cast(tf.size(y), tf.float64)
    slope = tf.gradients(loss, x)[0]
    curve = tf.gradients(tf.reduce_sum(slope * x), x)[0]
    for value, expected in (
        (True, [THREE**2, 98 + 3, 4 * THREE**3, 16 * THREE**3]),
        (False, [THREE[:2], 5 + 2, [2, 4, 0], [4, 8, 0]]),
    ):
        got = session.run([y, loss, slope, curve], {x: THREE, pred: value})
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b)


def test_branches_of_different_sizes_in_loops(session):
    x = tf.placeholder(tf.float64, [3])

    def row(t):
        return tf.reduce_sum(tf.cond(t > 1.5, lambda: x * t, lambda: x[:2] * t))

    sums = tf.map_fn(row, x)
    slope = tf.gradients(sums, x)[0]
    got, found = session.run([sums, slope], {x: THREE})
    np.testing.assert_allclose(got, [3, 12, 18])
    np.testing.assert_allclose(found, [1 + 2 + 3 + 3, 1 + 2 + 3 + 6, 2 + 3 + 6])


def test_a_branch_that_could_not_be_for_these_sizes_does_not_matter(session):
    x, pred = tf.placeholder(tf.float64, [None]), tf.placeholder(tf.bool, [])
    y = tf.cond(
        pred, lambda: tf.reduce_sum(x * [1.0, 2.0, 3.0]), lambda: tf.reduce_sum(x * [5.0, 7.0])
    )
    slope = tf.gradients(y, x)[0]
    for value, weights in ((True, [1, 2, 3]), (False, [5, 7])):
        fed = {x: np.ones(len(weights)), pred: value}
        got, found = session.run([y, slope], fed)
        assert got == sum(weights)
        np.testing.assert_allclose(found, weights)
