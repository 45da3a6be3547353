"""A rank nobody knows: a run finds it out; compiling alone refuses and says how to give it."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.compiler import compile_graph


def test_a_py_func_without_a_shape_runs_and_compiling_it_alone_asks_for_one() -> None:
    with tf.Graph().as_default() as graph, tf.Session(device="/cpu:0") as sess:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        y = tf.py_func(lambda a: a * 2, [x], tf.float32)
        doubled = y + 1.0
        ones = np.ones((2, 3), np.float32)
        with pytest.raises(tf.errors.ShapeError, match="rank of PyFunc:0 is not known") as failure:
            compile_graph(graph, [x], [doubled])
        assert "test_unknown_rank.py" in str(failure.value)
        assert "y.set_shape([None, 3])" in str(failure.value)
        np.testing.assert_array_equal(sess.run(doubled, {x: ones}), np.full((2, 3), 3.0))
        y.set_shape([None, 3])
        np.testing.assert_array_equal(sess.run(y + 1.0, {x: ones}), np.full((2, 3), 3.0))


@pytest.mark.parametrize("device", ["/cpu:0", "/reference:0"])
def test_a_rank_that_an_op_cannot_take_is_told_at_its_line(device: str) -> None:
    with tf.Graph().as_default(), tf.Session(device=device) as sess:
        x = tf.placeholder(tf.float32, name="x")
        y = tf.matmul(x, x)
        with pytest.raises(tf.errors.ShapeError, match="a must be a matrix, its rank is 1") as told:
            sess.run(y, {x: np.ones(3)})
        assert "matmul 'MatMul'" in str(told.value)
        assert "y = tf.matmul(x, x)" in str(told.value)
        assert sess.run(y, {x: np.ones((2, 2))}).tolist() == [[2, 2], [2, 2]]


@pytest.mark.parametrize("device", ["/cpu:0", "/reference:0"])
def test_a_reshape_of_any_rank_has_the_rank_it_says(device: str) -> None:
    with tf.Graph().as_default(), tf.Session(device=device) as sess:
        x = tf.placeholder(tf.float32, name="x")
        rows = tf.reshape(x, [-1, 4])
        assert rows.shape.as_list() == [None, 4]
        logits = tf.matmul(rows, tf.ones([4, 2])) + tf.zeros([tf.shape(rows)[0], 1])
        slopes = tf.gradients(logits, x)[0]
        for shape in ((2, 4), (2, 2, 2), (8,), (1, 4), (0, 4)):
            ones = np.ones(shape, np.float32)
            assert sess.run(logits, {x: ones}).tolist() == [[4.0, 4.0]] * (ones.size // 4)
            assert sess.run(slopes, {x: ones}).tolist() == (2 * ones).tolist()
        with pytest.raises(ValueError, match="Reshape"):
            sess.run(logits, {x: np.ones(7, np.float32)})


@pytest.mark.parametrize("device", ["/cpu:0", "/reference:0"])
def test_a_shape_said_of_a_computed_tensor_of_unknown_rank_is_worked_out(device: str) -> None:
    with tf.Graph().as_default(), tf.Session(device=device) as sess:
        x = tf.placeholder(tf.float32, name="x")
        doubled = x * 2.0
        doubled.set_shape([None, 3])
        total = doubled + tf.ones([tf.shape(doubled)[0], 1])
        for count in (2, 1, 0, 5):
            np.testing.assert_array_equal(
                sess.run(total, {x: np.ones((count, 3), np.float32)}), np.full((count, 3), 3.0)
            )


@pytest.mark.parametrize("device", ["/cpu:0", "/reference:0"])
def test_what_a_python_function_returns_is_reshaped_without_saying_its_rank(device: str) -> None:
    with tf.Graph().as_default(), tf.Session(device=device) as sess:
        x = tf.placeholder(tf.float32, [None, 2, 2])
        rows = tf.reshape(tf.py_func(lambda a: a + 1, [x], tf.float32), [-1, 4])
        total = tf.reduce_sum(rows, axis=1)
        for count in (3, 1):
            assert sess.run(total, {x: np.zeros((count, 2, 2))}).tolist() == [4.0] * count
