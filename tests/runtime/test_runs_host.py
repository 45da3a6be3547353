"""Python functions and printing in the middle of runs."""

import gc
import sys

import numpy as np
import pytest

import graphc as tf
from tests.runtime.models import assert_same_bits, state_of


@pytest.fixture(autouse=True)
def fresh_graph() -> None:
    tf.reset_default_graph()


def test_a_function_gets_copies_it_may_change_and_keep():
    kept = []

    def spoil(*arrays: np.ndarray) -> np.ndarray:
        kept.append([a.copy() for a in arrays])
        for array in arrays:
            array[...] = -1
        return arrays[0]

    x = tf.placeholder(tf.float32, [3], name="x")
    v = tf.Variable([1.0, 2.0, 3.0], name="v")
    c = tf.constant([7.0, 8.0, 9.0])
    middle = x * 2.0
    y = tf.py_func(spoil, [x, v, c, middle], tf.float32)
    y.set_shape([3])
    fed = np.array([4, 5, 6], np.float32)
    with tf.Session() as sess:
        sess.run(v.initializer)
        for _ in range(3):
            got = sess.run([y + middle + c + v, v, c, middle], {x: fed})
            assert_same_bits(got[1:], [np.float32([1, 2, 3]), np.float32([7, 8, 9]), fed * 2])
            np.testing.assert_array_equal(got[0], fed * 2 + [7, 9, 11])
        np.testing.assert_array_equal(fed, [4, 5, 6])
    assert_same_bits(kept[2], kept[0])


def test_what_a_function_returned_may_change_afterwards():
    memory = np.ones(4, np.float32)
    y = tf.py_func(lambda: memory, [], tf.float32)
    y.set_shape([4])
    with tf.Session() as sess:
        one = sess.run(y)
        memory[:] = 5.0
        assert (one == 1).all()
        assert (sess.run(y) == 5).all()


@pytest.mark.parametrize("update_first", [False, True])
def test_results_of_unknown_rank_are_taken_as_they_come_and_called_for_once(update_first):
    calls = []

    def take(values: np.ndarray, rank: np.ndarray) -> np.ndarray:
        calls.append(int(rank))
        return values.reshape((1,) * int(rank - 1) + (-1,)) if rank else values.sum()

    x = tf.placeholder(tf.float32, [None], name="x")
    rank = tf.placeholder(tf.int32, [], name="rank")
    v = tf.Variable(0.0, name="v")
    given = x + v.assign_add(1.0) if update_first else x + 0.0
    y = tf.py_func(take, [given, rank], tf.float32)
    last = v.assign_add(tf.reduce_sum(y * 2.0 + tf.ones_like(y)))
    with tf.Session() as sess:
        sess.run(v.initializer)
        wanted = np.float32(0)
        for turn, r in enumerate((3, 1, 0, 2, 3, 3)):
            fed = np.arange(turn + 1, dtype=np.float32)
            got, _ = sess.run([y, last], {x: fed, rank: r})
            wanted += update_first
            returned = fed + wanted * update_first
            assert got.ndim == r
            assert got.sum() == returned.sum()
            wanted += (2 * returned).sum() + (turn + 1 if r else 1)
            assert sess.run(v) == wanted
            assert len(calls) == turn + 1
        assert sum("other ranks than before" in line for line in sess.compile_log()) == 3


def test_a_declared_shape_is_held_against_the_result():
    y = tf.py_func(lambda: np.zeros((2, 2), np.float32), [], tf.float32)
    y.set_shape([None])
    refused = pytest.raises(tf.errors.InvalidArgumentError, match=r"float32\[2, 2\], the graph has")
    with tf.Session() as sess, refused:
        sess.run(y)


def test_several_results_with_and_without_a_rank():
    def several(values: np.ndarray) -> tuple:
        return values.reshape(2, -1), np.int64(len(values)), values[:2]

    x = tf.placeholder(tf.float32, [None], name="x")
    square, count, two = tf.py_func(several, [x], [tf.float32, tf.int64, tf.float32])
    two.set_shape([2])
    total = tf.reduce_sum(square, 1) + two * tf.cast(count, tf.float32)
    with tf.Session() as sess:
        for size in (4, 8, 4):
            values = np.arange(size, dtype=np.float32)
            wanted = values.reshape(2, -1).sum(1) + values[:2] * size
            np.testing.assert_array_equal(sess.run(total, {x: values}), wanted)


def test_text_goes_in_and_out_and_is_counted_right():
    words = np.array([b"one" * 30, b"three" * 30], object)
    before = sys.getrefcount(words[0])
    x = tf.placeholder(tf.string, [None], name="x")
    lengths = tf.py_func(lambda w: np.array([len(s) for s in w]), [x], tf.int64)
    lengths.set_shape([None])
    shouted = tf.py_func(lambda w: np.array([s.upper() for s in w], object), [x], tf.string)
    shouted.set_shape([None])
    fetches = [lengths + 1, shouted, tf.identity(x)]
    with tf.Session() as sess:
        for _ in range(20):
            got = sess.run(fetches, {x: words})
            assert got[0].tolist() == [91, 151]
            assert got[1].tolist() == [b"ONE" * 30, b"THREE" * 30]
            assert got[2].tolist() == words.tolist()
    del got
    tf.reset_default_graph()
    gc.collect()
    assert sys.getrefcount(words[0]) <= before + 1


def test_constant_text_survives_being_fetched():
    text = tf.constant(["a" * 50, "b" * 50])
    with tf.Session() as sess:
        for _ in range(50):
            first = sess.run(text)
        gc.collect()
        assert sess.run(text).tolist() == first.tolist()


def test_printing_between_kernels(capsys):
    x = tf.placeholder(tf.float32, [None], name="x")
    v = tf.Variable(1.0, name="v")
    y = tf.Print(x * 2.0, [tf.reduce_sum(x), tf.shape(x)], "sum and shape: ", first_n=2)
    step = v.assign_add(tf.reduce_sum(y))
    with tf.Session() as sess:
        sess.run(v.initializer)
        for k in range(3):
            sess.run(step, {x: np.ones(k + 1)})
        assert sess.run(v) == 13.0
    assert capsys.readouterr().err == "sum and shape: [1][1]\nsum and shape: [2][2]\n"


def test_functions_run_once_per_run_and_in_the_order_that_control_gives():
    order = []

    def noted(name: str) -> object:
        def note(value: np.ndarray) -> np.ndarray:
            order.append(name)
            return value

        return note

    x = tf.placeholder(tf.float32, [2], name="x")
    second = None
    first = tf.py_func(noted("first"), [x], tf.float32)
    with tf.control_dependencies([first]):
        second = tf.py_func(noted("second"), [x], tf.float32)
    with tf.control_dependencies([second]):
        third = tf.py_func(noted("third"), [x * 3.0], tf.float32)
    with tf.Session() as sess:
        for _ in range(3):
            order.clear()
            np.testing.assert_array_equal(sess.run(third, {x: [1, 2]}), [3, 6])
            assert order == ["first", "second", "third"]


def test_a_function_sees_variables_as_the_run_has_them():
    v = tf.Variable([1.0, 1.0], name="v")
    seen = []

    def look(value: np.ndarray) -> np.ndarray:
        seen.append(value.copy())
        return value

    updated = v.assign_add([1.0, 2.0])
    y = tf.py_func(look, [updated], tf.float32)
    y.set_shape([2])
    after = v.assign(y * 10.0)
    with tf.Session() as sess:
        sess.run(v.initializer)
        sess.run(after)
        np.testing.assert_array_equal(seen[0], [2, 3])
        assert_same_bits(state_of(sess), {"v": np.float32([20, 30])})
