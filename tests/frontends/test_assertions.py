"""``tf.assert_*``: what is known fails while the graph is built, the rest when it runs."""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import DTypeError, InvalidArgumentError, ShapeError

HOLD = [
    lambda x: tf.assert_equal(x, [1.0, 2.0]),
    lambda x: tf.assert_none_equal(x, 0.0),
    lambda x: tf.assert_less(x, 3.0),
    lambda x: tf.assert_less_equal(x, 2.0),
    lambda x: tf.assert_greater(x, [0.0, 1.0]),
    lambda x: tf.assert_greater_equal(x, 1.0),
    lambda x: tf.assert_positive(x),
    lambda x: tf.assert_non_negative(x),
    lambda x: tf.assert_negative(-x),
    lambda x: tf.assert_non_positive(-x),
    lambda x: tf.assert_near(x, [1.0, 2.0000001]),
    lambda x: tf.assert_near(x, [1.0, 2.1], atol=0.2),
    lambda x: tf.assert_rank(x, 1),
    lambda x: tf.assert_rank_at_least(x, 1),
    lambda x: tf.assert_rank_in(x, [0, 1]),
]
FAIL = [
    (lambda x: tf.assert_equal(x, [1.0, 3.0]), "x == y did not hold element-wise"),
    (lambda x: tf.assert_none_equal(x, 1.0), "x != y did not hold"),
    (lambda x: tf.assert_less(x, 2.0), "x < y did not hold"),
    (lambda x: tf.assert_less_equal(x, 1.0), "x <= y did not hold"),
    (lambda x: tf.assert_greater(x, 1.0), "x > y did not hold"),
    (lambda x: tf.assert_greater_equal(x, 2.0, message="too small"), "too small"),
    (lambda x: tf.assert_positive(x - 1.0), "x > 0 did not hold"),
    (lambda x: tf.assert_non_negative(-x), "x >= 0 did not hold"),
    (lambda x: tf.assert_negative(x), "x < 0 did not hold"),
    (lambda x: tf.assert_non_positive(x), "x <= 0 did not hold"),
    (lambda x: tf.assert_near(x, [1.0, 2.1]), "not equal to tolerance"),
    (lambda x: tf.assert_rank(x, 2), "rank 2"),
    (lambda x: tf.assert_rank_at_least(x, 2), "rank at least 2"),
    (lambda x: tf.assert_rank_in(x, [0, 2]), r"rank in \(0, 2\)"),
]


@pytest.mark.parametrize("check", HOLD)
def test_what_holds_lets_the_run_go_on(session, check):
    x = tf.placeholder(tf.float32)
    with tf.control_dependencies([check(x), check(tf.constant([1.0, 2.0]))]):
        y = x * 2.0
    np.testing.assert_array_equal(session().run(y, {x: [1.0, 2.0]}), [2.0, 4.0])


@pytest.mark.parametrize(("check", "words"), FAIL)
def test_what_does_not_hold_fails_the_run(session, check, words):
    x = tf.placeholder(tf.float32)
    with tf.control_dependencies([check(x)]):
        y = x * 2.0
    with pytest.raises(InvalidArgumentError, match=words):
        session().run(y, {x: [1.0, 2.0]})


@pytest.mark.parametrize(("check", "words"), [row for row in FAIL if "0 did" not in row[1]])
def test_what_constants_decide_fails_while_the_graph_is_built(check, words):
    with pytest.raises((InvalidArgumentError, ShapeError), match=words):
        check(tf.constant([1.0, 2.0]))


def test_dtypes_are_compared_while_the_graph_is_built():
    x = tf.constant([1.0, 2.0])
    assert tf.assert_type(x, tf.float32).type == "NoOp"
    with pytest.raises(DTypeError, match="must be int32, it is float32"):
        tf.assert_type(x, tf.int32)
    with pytest.raises(TypeError, match="must be integer"):
        tf.assert_integer(x)
    with pytest.raises(ValueError, match="must be a scalar"):
        tf.assert_scalar(x)
    assert tf.assert_same_float_dtype([x, None]) is tf.float32
    with pytest.raises(DTypeError, match="must have the dtype"):
        tf.assert_same_float_dtype([x, tf.constant(1.0, tf.float64)])
    with pytest.raises(TypeError, match="a list of values is needed"):
        tf.assert_proper_iterable(x)
    assert tf.is_numeric_tensor(x)
    assert not tf.is_numeric_tensor(tf.constant("a"))


def test_shapes_are_compared_by_the_names_of_their_sizes(session):
    x, y = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None])
    check = tf.debugging.assert_shapes([(x, ("n", 3)), (y, ("n",))])
    sess = session()
    sess.run(check, {x: np.ones((2, 3)), y: [1, 2]})
    with pytest.raises(InvalidArgumentError, match="x == y did not hold"):
        sess.run(check, {x: np.ones((2, 3)), y: [1]})
    with pytest.raises(ShapeError, match="must have size 4"):
        tf.debugging.assert_shapes({x: (None, 4)})


def test_order_is_told(session):
    x = tf.placeholder(tf.int32, [None])
    made = [tf.is_non_decreasing(x), tf.is_strictly_increasing(x)]
    sess = session()
    assert sess.run(made, {x: [1, 2, 2]}) == [True, False]
    assert sess.run(made, {x: []}) == [True, True]
    assert sess.run(made, {x: [2, 1]}) == [False, False]


def test_variables_without_a_value_are_named(session):
    tf.Variable(1.0, name="weight")
    check = tf.assert_variables_initialized()
    sess = session()
    with pytest.raises(InvalidArgumentError, match="weight"):
        sess.run(check)
    sess.run(tf.global_variables_initializer())
    sess.run(check)
