"""Writes of some rows of a variable: in place, all or nothing, in order."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


@pytest.fixture(params=["/cpu:0", "/reference:0"])
def session(request):
    with tf.Graph().as_default(), tf.Session(device=request.param) as sess:
        yield sess


def table(sess, value):
    v = tf.Variable(np.asarray(value), name="v")
    sess.run(v.initializer)
    return v


def test_an_index_outside_changes_nothing_and_is_named(session):
    v = table(session, np.zeros((4, 2), np.float32))
    write = tf.scatter_add(v, [1, 9, 2], np.ones((3, 2), np.float32))
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(write)
    assert r"indices[1] = 9 is not in [0, 4)" in str(caught.value)
    assert "test_rows_of_variables.py" in str(caught.value)
    np.testing.assert_array_equal(session.run(v), 0)


def test_a_position_outside_is_named(session):
    v = table(session, np.zeros((4, 2), np.float32))
    write = tf.scatter_nd_update(v, [[1, 1], [0, 2]], [1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(write)
    assert "indices[1] = [0, 2] does not index into [4, 2]" in str(caught.value)
    np.testing.assert_array_equal(session.run(v), 0)


def test_the_last_of_equal_indices_counts(session):
    v = table(session, np.zeros((3,), np.float32))
    np.testing.assert_array_equal(
        session.run(tf.scatter_update(v, [1, 1, 0], [5.0, 6.0, 7.0])), [7, 6, 0]
    )


def test_a_variable_may_be_scattered_into_itself(session):
    v = table(session, np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], np.float32))
    out = session.run(tf.scatter_update(v, [2, 0, 1], v))
    np.testing.assert_array_equal(out, [[2, 3], [4, 5], [0, 1]])
    flat = table(session, np.array([2, 0, 1, 1], np.int32))
    np.testing.assert_array_equal(session.run(tf.scatter_add(flat, flat, flat)), [2, 2, 3, 1])


def test_a_read_without_a_dependency_sees_the_value_before(session):
    v = table(session, np.zeros((3, 2), np.float32))
    before = tf.identity(v)
    after = tf.scatter_add(v, [1], [[1.0, 2.0]])
    again = tf.scatter_mul(v, [1], 3.0)
    values = session.run([before, after, again])
    np.testing.assert_array_equal(values[0], 0)
    np.testing.assert_array_equal(values[2], [[0, 0], [3, 6], [0, 0]])
    np.testing.assert_array_equal(session.run(v), [[0, 0], [3, 6], [0, 0]])


def test_many_rows_are_the_same_from_any_number_of_threads():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 500, 20_000).astype(np.int32)
    rows = rng.normal(size=(20_000, 33)).astype(np.float32)
    wanted = np.zeros((500, 33), np.float32)
    np.add.at(wanted, ids, rows)
    for threads in (1, 2):
        with tf.Graph().as_default():
            v = tf.Variable(np.zeros((500, 33), np.float32))
            write = tf.scatter_add(v, ids, rows)
            config = tf.ConfigProto(intra_op_parallelism_threads=threads)
            with tf.Session(config=config) as sess:
                sess.run(v.initializer)
                sess.run(write.op if hasattr(write, "op") else write)
                np.testing.assert_array_equal(sess.run(v), wanted)


ALL = slice(None)


@pytest.mark.parametrize(
    "key", [0, -1, slice(1, 3), (ALL, 1), (Ellipsis, 0), (slice(3, None, -2), ALL, 1)]
)
def test_a_part_of_a_variable_is_assigned(session, key):
    base = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    v = table(session, base)
    expected = base.copy()
    expected[key] = np.arange(base[key].size).reshape(base[key].shape) + 100
    np.testing.assert_array_equal(session.run(v[key].assign(expected[key])), expected)
    np.testing.assert_array_equal(session.run(v), expected)


def test_only_variables_and_their_parts_are_assigned(session):
    v = table(session, np.zeros(3, np.float32))
    with pytest.raises(AttributeError, match="only a variable and a part of one"):
        (v * 2.0).assign([1.0, 2.0, 3.0])
