"""Sorting, choosing the largest, distinct elements, partitions: TF1's names over graphc's ops."""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import AttributeValueError, InvalidArgumentError, ShapeError

SCORES = np.array([[1.0, 5.0, 3.0], [2.0, 2.0, 2.0]], np.float32)


def test_top_k_gives_values_and_positions_and_a_gradient(session):
    x = tf.placeholder(tf.float32, [None, None])
    result = tf.nn.top_k(x, k=2)
    (slope,) = tf.gradients(tf.reduce_sum(result.values**2), x)
    values, indices, gradient = session().run([result.values, result.indices, slope], {x: SCORES})
    np.testing.assert_array_equal(values, [[5, 3], [2, 2]])
    np.testing.assert_array_equal(indices, [[1, 2], [0, 1]])
    np.testing.assert_array_equal(gradient, [[0, 10, 6], [4, 4, 0]])
    assert indices.dtype == np.int32


def test_top_k_of_too_few_says_so(session):
    with pytest.raises(ShapeError, match="there are 3 to choose from along the last axis, k is 4"):
        tf.nn.top_k(tf.constant([1.0, 2.0, 3.0]), 4)
    x = tf.placeholder(tf.float32, [None])
    with pytest.raises((InvalidArgumentError, ShapeError), match="there are 1 to choose from"):
        session().run(tf.nn.top_k(x, 2), {x: [1.0]})


def test_in_top_k_counts_ties_for_the_target_and_refuses_what_is_not_finite(session):
    scores = np.array([[1, 2, 3], [3, np.nan, 1], [5, 5, 5], [np.inf, 1, 2]], np.float32)
    hit = tf.nn.in_top_k(scores, [1, 0, 2, 1], 2)
    outside = tf.nn.in_top_k(scores, [1, 7, -2, 1], 2)
    found = session().run([hit, outside])
    np.testing.assert_array_equal(found[0], [True, False, True, False])
    np.testing.assert_array_equal(found[1], [True, False, False, False])


def test_sort_and_argsort_along_any_axis(session):
    x = tf.placeholder(tf.float32, [None, None])
    made = [
        tf.sort(x),
        tf.sort(x, axis=0, direction="DESCENDING"),
        tf.argsort(x, axis=0),
        tf.argsort(x, direction="DESCENDING"),
    ]
    found = session().run(made, {x: SCORES})
    np.testing.assert_array_equal(found[0], np.sort(SCORES))
    np.testing.assert_array_equal(found[1], np.sort(SCORES, 0)[::-1])
    np.testing.assert_array_equal(found[2], [[0, 1, 1], [1, 0, 0]])
    np.testing.assert_array_equal(found[3], [[1, 2, 0], [0, 1, 2]])
    with pytest.raises(AttributeValueError, match="direction must be"):
        tf.sort(x, direction="UP")


def test_a_long_row_is_sorted_stably_on_every_thread(session):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 50, (64, 3000)).astype(np.int32)
    x = tf.placeholder(tf.int32, [None, None])
    order, largest = session().run([tf.argsort(x), tf.nn.top_k(x, 100)[1]], {x: rows})
    np.testing.assert_array_equal(order, np.argsort(rows, kind="stable"))
    np.testing.assert_array_equal(largest, np.argsort(-rows, kind="stable")[:, :100])


def test_nth_element_and_searchsorted(session):
    x = tf.constant([4.0, 1.0, 3.0, 1.0])
    smallest = tf.contrib.framework.sort(x)[1]
    found = session().run([
        smallest, tf.nth_element(x, 1), tf.nth_element(x, 1, reverse=True),
        tf.searchsorted([[1.0, 2.0, 2.0, 3.0]], [[2.0, 0.0, 5.0]]),
        tf.searchsorted([[1.0, 2.0, 2.0, 3.0]], [[2.0, 0.0, 5.0]], side="right"),
    ])  # fmt: skip
    assert found[:3] == [1.0, 1.0, 3.0]
    np.testing.assert_array_equal(found[3], [[1, 0, 4]])
    np.testing.assert_array_equal(found[4], [[3, 0, 4]])


def test_distinct_elements_stand_as_they_first_appear(session):
    x = tf.placeholder(tf.int32, [None])
    sess = session()
    y, idx, count = sess.run(tf.unique_with_counts(x), {x: [7, 2, 7, 7]})
    assert (y.tolist(), idx.tolist(), count.tolist()) == ([7, 2], [0, 1, 0, 0], [3, 1])
    assert sess.run(tf.unique(["b", "a", "b"]).y).tolist() == [b"b", b"a"]
    left = sess.run(tf.setdiff1d([1, 2, 3, 4], [2, 9]))
    assert (left.out.tolist(), left.idx.tolist()) == ([1, 3, 4], [0, 2, 3])


def test_what_was_partitioned_is_stitched_together_with_its_gradient(session):
    x, m = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.int32, [None])
    parts = tf.dynamic_partition(x, m, 2)
    places = tf.dynamic_partition(tf.range(tf.shape(m)[0]), m, 2)
    whole = tf.dynamic_stitch(places, [parts[0] * 10.0, parts[1]])
    (slope,) = tf.gradients(tf.reduce_sum(whole), x)
    rows = np.arange(6.0).reshape(3, 2)
    found = session().run([*parts, whole, slope], {x: rows, m: [1, 0, 1]})
    np.testing.assert_array_equal(found[0], rows[1:2])
    np.testing.assert_array_equal(found[1], rows[::2])
    np.testing.assert_array_equal(found[2], rows * [[1], [10], [1]])
    np.testing.assert_array_equal(found[3], np.ones((3, 2)) * [[1], [10], [1]])
    with pytest.raises(InvalidArgumentError, match=r"partitions\[1\] = 5 is not in \[0, 2\)"):
        session().run(parts, {x: rows, m: [1, 5, 1]})


def test_a_stitch_of_constant_places_has_a_known_size():
    assert tf.dynamic_stitch([[0, 2], [1]], [[1.0, 2.0], [3.0]]).shape.as_list() == [3]
