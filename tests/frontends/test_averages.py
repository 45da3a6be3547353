"""``tf.train.ExponentialMovingAverage``; the figures are TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

import frontends.tf as tf


@pytest.fixture
def parts() -> tuple:
    v = tf.Variable(2.0, name="v")
    with tf.variable_scope("sc"):
        w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
    return v, w, tf.multiply(v, w, name="t")


def averages(session, update, average, parts) -> list:
    sess = session()
    sess.run(tf.global_variables_initializer())
    sess.run(parts[0].assign(12.0))
    sess.run(update)
    sess.run(update)
    return sess.run([average.average(part) for part in parts])


def test_variables_start_at_their_value_and_tensors_at_zero(session, parts):
    average = tf.train.ExponentialMovingAverage(0.9)
    with tf.name_scope("updates"):
        update = average.apply(parts)
    assert update.name == "updates/ExponentialMovingAverage"
    assert [average.average(part).name for part in parts] == [
        "v/ExponentialMovingAverage:0", "sc/w/ExponentialMovingAverage:0",
        "t/ExponentialMovingAverage:0",
    ]  # fmt: skip
    v, w, t = averages(session, update, average, parts)
    np.testing.assert_allclose(v, 3.9, rtol=1e-6)
    np.testing.assert_allclose(w, 1.0)
    np.testing.assert_allclose(t, [2.28, 2.28], rtol=1e-6)


def test_few_updates_lower_the_decay(session, parts):
    average = tf.train.ExponentialMovingAverage(0.9, num_updates=tf.Variable(3))
    v, _, t = averages(session, average.apply(parts), average, parts)
    np.testing.assert_allclose(v, 11.053254, rtol=1e-6)
    np.testing.assert_allclose(t, [10.863905] * 2, rtol=1e-6)


def test_averages_of_tensors_can_be_freed_of_their_start_at_zero(session, parts):
    average = tf.train.ExponentialMovingAverage(0.9, zero_debias=True)
    v, _, t = averages(session, average.apply(parts), average, parts)
    np.testing.assert_allclose(v, 3.9, rtol=1e-6)
    np.testing.assert_allclose(t, [12.0] * 2, rtol=1e-6)


def test_only_variables_count_as_averaged(parts):
    tf.train.ExponentialMovingAverage(0.9).apply(parts)
    assert tf.moving_average_variables() == list(parts[:2])


def test_what_another_average_keeps_is_not_restored_into_a_variable(parts):
    v, w, _ = parts
    tf.train.ExponentialMovingAverage(0.9).apply([v, w])
    restored = tf.train.ExponentialMovingAverage(0.9).variables_to_restore()
    assert restored["v/ExponentialMovingAverage"] is v
    assert restored["sc/w/ExponentialMovingAverage"] is w
    assert "v" not in restored


def test_given_variables_alone_are_restored_from_averages(parts):
    v, w, _ = parts
    restored = tf.train.ExponentialMovingAverage(0.9).variables_to_restore([v])
    assert restored == {"v/ExponentialMovingAverage": v, "sc/w": w}


def test_whole_numbers_have_no_moving_average():
    with pytest.raises(TypeError, match="must be half, float, or double"):
        tf.train.ExponentialMovingAverage(0.9).apply([tf.constant(1)])
