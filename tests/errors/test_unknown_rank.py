"""A rank nobody knows is refused before anything runs, with the way out."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


def test_a_py_func_without_a_shape_asks_for_one_and_takes_it() -> None:
    with tf.Graph().as_default(), tf.Session(device="/cpu:0") as sess:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        y = tf.py_func(lambda a: a * 2, [x], tf.float32)
        ones = np.ones((2, 3), np.float32)
        with pytest.raises(tf.errors.ShapeError, match="rank of PyFunc:0 is not known") as failure:
            sess.run(y + 1.0, {x: ones})
        assert "test_unknown_rank.py" in str(failure.value)
        assert "y.set_shape([None, 3])" in str(failure.value)
        y.set_shape([None, 3])
        np.testing.assert_array_equal(sess.run(y + 1.0, {x: ones}), np.full((2, 3), 3.0))
