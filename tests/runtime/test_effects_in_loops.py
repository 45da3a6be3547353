"""What branches and loops do to variables: in order, as often as they run, and nothing is lost."""

import numpy as np
import pytest

import graphc as tf

DEVICES = ("/cpu:0", "/reference:0")


@pytest.fixture(params=DEVICES)
def session(request):
    with tf.Graph().as_default(), tf.Session(device=request.param) as session:
        yield session


def counting(variable, turns, by=1):
    """A loop that adds to a variable in every turn."""

    def turn(k):
        with tf.control_dependencies([tf.assign_add(variable, by)]):
            return k + 1

    return tf.while_loop(lambda k: k < turns, turn, [0])


def test_two_loops_that_write_one_variable_both_count(session):
    count = tf.Variable(0)
    loops = [counting(count, 3), counting(count, 4, by=10)]
    session.run(tf.global_variables_initializer())
    assert session.run(loops) == [3, 4]
    assert session.run(count) == 43


def test_two_loops_in_a_loop_both_count(session):
    count = tf.Variable(0)

    def turn(k):
        inner = [counting(count, 3), counting(count, k + 1, by=10)]
        return k + tf.cast(tf.reduce_sum(inner) > 0, tf.int32)

    last = tf.while_loop(lambda k: k < 3, turn, [0])
    session.run(tf.global_variables_initializer())
    assert session.run(last) == 3
    assert session.run(count) == 3 * 3 + 10 * (1 + 2 + 3)


def test_two_branches_that_write_one_variable_both_count(session):
    count, pred = tf.Variable(0), tf.placeholder(tf.bool, [])
    add = lambda n: lambda: tf.assign_add(count, n)  # noqa: E731
    first, second = (tf.cond(pred, add(n), add(10 * n)) for n in (1, 2))
    session.run(tf.global_variables_initializer())
    session.run([first, second], {pred: True})
    assert session.run(count) == 3
    session.run([first, second], {pred: False})
    assert session.run(count) == 33
    session.run(second, {pred: True})  # what is not asked for does not run
    assert session.run(count) == 35


def test_an_inner_loop_that_reads_its_turn_for_nothing_is_a_loop_still(session):
    """A body whose pass has forgotten an unread input keeps the input's place."""
    outer = tf.while_loop(
        lambda k: k < 2, lambda k: k + tf.while_loop(lambda j: j < 3, lambda j: j + 1, [0]) - 2, [0]
    )
    assert session.run(outer) == 2


@pytest.mark.parametrize("order", ["before", "after"])
def test_control_dependencies_order_a_read_and_a_loop_that_writes(session, order):
    level = tf.Variable(1.0)
    if order == "before":
        seen = tf.identity(level.read_value())
        with tf.control_dependencies([seen]):
            loop = counting(level, 5, by=1.0)
    else:
        loop = counting(level, 5, by=1.0)
        with tf.control_dependencies([loop]):
            seen = level.read_value()
    session.run(tf.global_variables_initializer())
    found, _ = session.run([seen, loop])
    assert found == (1.0 if order == "before" else 6.0)
    np.testing.assert_equal(session.run(level), 6.0)
