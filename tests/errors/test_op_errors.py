"""Failures inside a run: the op, the value, where it was made."""

import traceback

import pytest

import graphc as tf
from tests.errors.conftest import PRESENT, complaint_on, run_program


def test_index_out_of_range(complaint, golden):
    text = complaint("""
        table = tf.constant([[1.0], [2.0], [3.0]])
        ids = tf.placeholder(tf.int32, [None], name="ids")
        rows = tf.gather(table, ids)
        session().run(rows, {ids: [0, 1, 7, 2]})
    """)
    assert text == golden


@pytest.mark.parametrize("device", PRESENT)
def test_label_outside_the_classes(device):
    source = """
        logits = tf.placeholder(tf.float32, [None, 4], name="logits")
        labels = tf.placeholder(tf.int32, [None], name="labels")
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        loss = tf.reduce_mean(losses)
        session().run(loss, {logits: np.zeros([3, 4]), labels: [0, 4, 1]})
    """
    text = complaint_on(device, source)
    assert "labels[1] = 4 is not in [0, 4)" in text
    assert "SparseSoftmaxCrossEntropyWithLogits" in text
    assert "at train.py:3   losses = tf.nn.sparse_softmax" in text


def test_check_numerics(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [None], name="x")
        y = tf.check_numerics(tf.log(x), "after log")
        session().run(y * 2.0, {x: [1.0, 0.0]})
    """)
    assert text == golden


def test_assert(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [None], name="x")
        with tf.control_dependencies([tf.Assert(tf.reduce_all(x > 0.0), [x])]):
            y = tf.identity(x)
        session().run(y, {x: [1.0, -2.0]})
    """)
    assert text == golden


@pytest.mark.parametrize("device", PRESENT)
def test_sizes_that_must_agree(device):
    source = """
        a = tf.placeholder(tf.float32, [None, 3], name="a")
        b = tf.placeholder(tf.float32, [None, 3], name="b")
        c = a + b
        session().run(c, {a: np.zeros([4, 3]), b: np.zeros([5, 3])})
    """
    text = complaint_on(device, source)
    assert text.startswith("FedShapeError")
    assert "axis -2" in text
    assert "4" in text
    assert "5" in text
    assert "at train.py:3   c = a + b" in text


@pytest.mark.parametrize("device", PRESENT)
def test_a_python_function_that_raises_keeps_its_traceback_and_names_the_node(device):
    with pytest.raises(ZeroDivisionError) as caught:
        run_program(
            """
            def invert(x):
                return 1 // int(x)

            y = tf.py_func(invert, [tf.constant(0)], tf.int64, name="inverse")
            y.set_shape([])
            session().run(y)
            """,
            device,
        )
    text = "".join(traceback.format_exception(caught.value))
    assert "return 1 // int(x)" in text
    assert "py_func 'inverse'" in text
    assert "train.py:4" in text


@pytest.mark.parametrize("device", PRESENT)
def test_a_python_function_of_the_wrong_dtype_is_told(device):
    with pytest.raises(tf.errors.InvalidArgumentError, match="returned float64") as caught:
        run_program(
            """
            y = tf.py_func(lambda: np.float64(0.5), [], tf.int32, name="half")
            y.set_shape([])
            session().run(y)
            """,
            device,
        )
    assert "py_func 'half'" in str(caught.value)
