"""``tf.placeholder_with_default``: its own value, or what is fed, of another size where allowed."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


def test_what_is_fed_may_be_larger_than_the_default(session):
    start = tf.Variable([[1.0, 2.0]])
    x = tf.placeholder_with_default(start, [None, 2])
    assert x.shape.as_list() == [None, 2]
    assert x.op.type == "PlaceholderWithDefault"
    total, flat = tf.reduce_sum(x * x), tf.reshape(x, [-1])
    (slope,) = tf.gradients(total, x)
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(sess.run(flat), [1, 2])
    np.testing.assert_array_equal(sess.run(slope), [[2, 4]])
    np.testing.assert_array_equal(sess.run(flat, {x: [[1, 2], [3, 4]]}), [1, 2, 3, 4])
    np.testing.assert_array_equal(sess.run(slope, {x: [[1, 2], [3, 4]]}), [[2, 4], [6, 8]])
    assert sess.run(total) == 5.0


def test_the_default_stretches_where_what_is_fed_does_not_need_to(session):
    x = tf.placeholder_with_default(np.ones([1, 2], np.float32), [None, 2])
    y = x + np.full([3, 2], 2, np.float32)
    np.testing.assert_array_equal(session().run(y), np.full([3, 2], 3))
    np.testing.assert_array_equal(session().run(y, {x: np.zeros([3, 2])}), np.full([3, 2], 2))


def test_a_default_of_any_rank_gives_its_own(session):
    x = tf.placeholder_with_default(tf.ones([2, 3]), None)
    assert x.shape.ndims is None
    assert session().run(tf.reduce_sum(x)) == 6.0
    assert session().run(tf.reduce_sum(x), {x: 3.0}) == 3.0


def test_a_declared_size_holds_for_an_open_default(session):
    rows = tf.placeholder(tf.float32, [None, 2])
    x = tf.placeholder_with_default(rows, [2, 2])
    np.testing.assert_array_equal(session().run(x, {rows: np.ones([2, 2])}), np.ones([2, 2]))
    with pytest.raises(ValueError, match=r"size|does not fit"):
        session().run(x, {rows: np.ones([3, 2])})


def test_a_gradient_flows_into_the_default(session):
    start = tf.Variable([3.0])
    x = tf.placeholder_with_default(start, [None])
    (slope,) = tf.gradients(tf.reduce_sum(x * x), start)
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(sess.run(slope), [6.0])


def test_it_is_what_it_was_in_a_graph_read_back(session):
    tf.placeholder_with_default(tf.constant([1.0]), [None], name="x")
    given = tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default():
        (x,) = tf.import_graph_def(given, return_elements=["x:0"], name="")
        assert x.op.type == "PlaceholderWithDefault"
        assert x.shape.as_list() == [None]
        np.testing.assert_array_equal(session().run(x * 2.0), [2.0])
        np.testing.assert_array_equal(session().run(x * 2.0, {x: [1.0, 2.0]}), [2.0, 4.0])


def test_sizes_that_do_not_meet_in_a_run_are_an_invalid_argument(session):
    x, y = (tf.placeholder(tf.float32, [None]) for _ in range(2))
    with pytest.raises(tf.errors.InvalidArgumentError):
        session().run(x + y, {x: [1.0, 2.0], y: [1.0, 2.0, 3.0]})
