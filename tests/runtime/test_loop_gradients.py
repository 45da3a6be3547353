"""Gradients of loops: of what only running them tells, of nothing, of what they leave alone."""

import numpy as np
import pytest

import graphc as tf

DEVICES = ("/cpu:0", "/reference:0")


@pytest.fixture(params=DEVICES)
def session(request):
    with tf.Graph().as_default(), tf.Session(device=request.param) as session:
        yield session


def test_a_gradient_that_reads_no_turn_knows_how_many_there_were(session):
    turns, start = tf.placeholder(tf.int32, []), tf.placeholder(tf.float64, [3])
    _, last = tf.while_loop(lambda k, h: k < turns, lambda k, h: (k + 1, h * 0.5), [0, start])
    slope = tf.gradients(last, start)[0]
    for count in (3, 0, 5):
        got = session.run(slope, {turns: count, start: np.ones(3)})
        np.testing.assert_allclose(got, np.full(3, 0.5**count))


def test_a_loop_inside_keeps_what_its_number_of_turns_depends_on(session):
    """The gradient's inner scan reads nothing of the inner loop but how often it turned."""
    rows = tf.placeholder(tf.float64, [3, 2])

    def row(total, x):
        _, h, _ = tf.while_loop(
            lambda k, h, y: tf.reduce_sum(y) < 4.0,
            lambda k, h, y: (k + 1, h * 0.5, y * 2.0),
            [0, total, tf.square(x)],
        )
        return h + tf.sin(x)

    last = tf.foldl(row, rows, tf.ones([2], tf.float64))
    slope = tf.gradients(last, rows)[0]
    value = np.array([[1.0, 1.0], [0.25, 0.5], [3.0, 0.1]])
    halved = [0.5 ** [1, 4, 0][k] for k in range(3)]  # 2, 0.3125 and 9.01 doubled up to 4
    scale = np.array([halved[1] * halved[2], halved[2], 1.0])[:, None]
    np.testing.assert_allclose(session.run(slope, {rows: value}), np.cos(value) * scale)
