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
