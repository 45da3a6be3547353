"""Calls that cannot be: the error is ours, says what was given, and names the caller's line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.errors import GraphcError


def rows() -> tf.Tensor:
    return tf.placeholder(tf.float32, [None, 3], name="rows")


def ids() -> tf.Tensor:
    return tf.placeholder(tf.int32, [None], name="ids")


def ranked() -> tf.Tensor:
    """Of no known rank."""
    return tf.placeholder(tf.float32, name="ranked")


CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "ragged lists": (lambda: tf.constant([[1, 2], [3]]), "have different lengths"),
    "ragged operand": (lambda: tf.add(rows(), [[1, 2], [3]]), "have different lengths"),
    "a word as axis": (lambda: tf.argmax(rows(), "abc"), "an axis is an int, got 'abc'"),
    "two axes for one": (lambda: tf.argmax(rows(), [0, 1]), r"an axis is one int, got \[0, 1\]"),
    "an object as axis": (lambda: tf.reduce_sum(rows(), object()), "an axis is an int, got"),
    "a fed axis": (
        lambda: tf.reduce_sum(rows(), tf.placeholder(tf.int32, [])),
        "axis must be known while the graph is built",
    ),
    "no axis to expand": (lambda: tf.expand_dims(rows(), []), "expand_dims needs axis"),
    "an axis outside": (lambda: tf.reverse(rows(), [2]), "axis 2 is outside a tensor of rank 2"),
    "a tensor as seed": (lambda: tf.random_normal([2], seed=ranked()), "seed must be an integer"),
    "a fraction of partitions": (
        lambda: tf.dynamic_partition(rows(), ids(), 2.5),
        "num_partitions must be an integer",
    ),
    "fed partitions": (
        lambda: tf.dynamic_partition(rows(), ids(), tf.placeholder(tf.int32, [])),
        "num_partitions must be an integer known while the graph is built",
    ),
    "a word as block size": (
        lambda: tf.space_to_depth(tf.zeros([1, 2, 2, 1]), "two"),
        "block_size must be an integer",
    ),
    "a word as batch_dims": (
        lambda: tf.gather_nd(rows(), ids(), batch_dims="one"),
        "batch_dims must be an integer",
    ),
    "a tensor for a list": (
        lambda: tf.py_func(np.sort, rows(), tf.float32),
        r"inp must be a list of tensors[^$]*hint: put it in a list: inp=\[...\]",
    ),
    "a number for a list": (lambda: tf.stack(3.5), "values must be a list of tensors, got 3.5"),
    "words for a list": (lambda: tf.string_join("ab"), "inputs must be a list of tensors"),
    "printing no list": (lambda: tf.Print(rows(), 3), "data must be a list of tensors, got 3"),
    "nothing to stack": (lambda: tf.stack([]), "at least one tensor is needed"),
    "bounds that differ": (
        lambda: tf.strided_slice(rows(), [0, 0], [1], [1, 1]),
        "begin, end and strides differ in length: 2, 1, 2",
    ),
    "a size of several": (lambda: tf.eye(np.zeros((2, 2))), "is not a size"),
    "counted words": (lambda: tf.bincount(["a"]), "bincount counts integers"),
    "no variables": (lambda: tf.variables_initializer(3), "must be a list of variables, got 3"),
    "tensors for variables": (
        lambda: tf.variables_initializer([rows()]),
        r"must be a list of variables[^$]*hint: for all of them: tf.global_variables\(\)",
    ),
    "a number as a summary's name": (
        lambda: tf.summary.scalar(3, 1.0),
        "a summary's name must be a string, got 3",
    ),
    "a tensor as scope": (lambda: tf.get_collection("x", scope=rows()), "scope is what names"),
    "segments of no rank": (
        lambda: tf.unsorted_segment_mean(ranked(), ids(), 3),
        r"the rank of [^$]* must be known[^$]*set_shape",
    ),
    "scattering into no rank": (
        lambda: tf.tensor_scatter_nd_add(ranked(), [[0]], [1.0]),
        "needs to know the rank of ranked:0",
    ),
    "positions of no rank": (
        lambda: tf.sparse_to_dense(tf.placeholder(tf.int32, name="at"), [3], 1.0),
        "sparse_to_dense needs to know the rank of at:0",
    ),
    "batches of no rank": (
        lambda: tf.gather_nd(rows(), tf.placeholder(tf.int32, name="at"), batch_dims=1),
        "needs to know the rank of at:0",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_is_told_at_its_line(name):
    call, words = CALLS[name]
    with tf.Graph().as_default(), pytest.raises(GraphcError, match=words) as caught:
        call()
    assert "test_wrong_calls.py" in str(caught.value)


def test_a_tensor_is_no_dtype():
    with tf.Graph().as_default(), pytest.raises(TypeError, match="is not a dtype"):
        tf.cast(rows(), rows())


@pytest.mark.parametrize("device", ["/cpu:0", "/reference:0"])
def test_what_is_counted_may_have_any_rank(device):
    with tf.Graph().as_default(), tf.Session(device=device) as sess:
        classes, values = tf.placeholder(tf.int32), tf.placeholder(tf.float32)
        counts = tf.bincount(classes)
        confusion = tf.confusion_matrix(classes, classes, 3)
        histogram = tf.histogram_fixed_width(values, [0.0, 4.0], 4)
        assert sess.run(counts, {classes: [[2, 0], [2, 2]]}).tolist() == [1, 0, 3]
        assert sess.run(confusion, {classes: [2, 0, 2]}).tolist() == [
            [1, 0, 0],
            [0, 0, 0],
            [0, 0, 2],
        ]
        assert sess.run(histogram, {values: [[0.5, 1.5, 1.7]]}).tolist() == [1, 2, 0, 0]
        assert sess.run(counts, {classes: []}).tolist() == []


def test_pseudo_inverses_take_matrices_of_any_size():
    with tf.Graph().as_default(), tf.Session() as sess:
        matrix = tf.placeholder(tf.float64, [None, None])
        inverse, rank = tf.linalg.pinv(matrix), tf.linalg.matrix_rank(matrix)
        for shape in ((3, 2), (2, 4), (1, 1)):
            values = np.random.default_rng(3).normal(size=shape)
            found, several = sess.run([inverse, rank], {matrix: values})
            np.testing.assert_allclose(found, np.linalg.pinv(values), rtol=1e-9, atol=1e-12)
            assert several == min(shape)
