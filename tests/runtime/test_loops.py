"""Loops while they run: what fails in a turn is told with its number, Python may be called."""

import re

import numpy as np
import pytest

import graphc as tf

ROWS = np.arange(15, dtype=np.float32).reshape(5, 3)


def compiled(session):
    """Kernels compiled so far, as the session's log says."""
    return sum(int(n) for n in re.findall(r"(\d+) compiled\)", "\n".join(session.compile_log())))


def test_a_failing_turn_is_told_and_the_next_run_is_well():
    x = tf.placeholder(tf.float32, [5, 3])
    places = tf.placeholder(tf.int32, [4])
    total = tf.while_loop(
        lambda k, t: k < 4, lambda k, t: (k + 1, t + tf.gather(x, places[k])), [0, tf.zeros([3])]
    )[1]
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"turn 2 of .*indices = 7"):
            session.run(total, {x: ROWS, places: [0, 1, 7, 3]})
        assert session.run(total, {x: ROWS, places: [0, 1, 2, 3]}).tolist() == [18, 22, 26]


def test_python_is_called_in_every_turn():
    seen = []

    def note(row):
        seen.append(row.copy())
        return row * 2

    x = tf.placeholder(tf.float32, [5, 3])
    sums = tf.scan(lambda a, r: a + tf.py_func(note, [r], tf.float32), x, tf.zeros([3]))
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(sums, {x: ROWS}), 2 * ROWS.cumsum(0))
    np.testing.assert_array_equal(seen, ROWS)


def test_what_is_printed_in_a_loop_comes_turn_by_turn(capfd):
    x = tf.placeholder(tf.float32, [5, 3])
    sums = tf.scan(lambda a, r: tf.Print(a + r, [a], "at "), x, tf.zeros([3]))
    with tf.Session() as session:
        session.run(sums, {x: ROWS})
    assert capfd.readouterr().err.splitlines()[:3] == ["at [0 0 0]", "at [0 1 2]", "at [3 5 7]"]


def test_new_lengths_compile_nothing():
    x = tf.placeholder(tf.float32, [None, None, 3])
    w = tf.Variable(np.eye(3, dtype=np.float32))
    y = tf.scan(lambda h, r: tf.tanh(tf.matmul(h, w) + r), x, tf.zeros([tf.shape(x)[1], 3]))
    slope = tf.gradients(y, w)[0]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run([y, slope], {x: np.ones((4, 2, 3))})
        before = compiled(session)
        for turns, batch in ((7, 5), (3, 2), (0, 4), (11, 3)):
            value = np.random.default_rng(turns).standard_normal((turns, batch, 3))
            got, _ = session.run([y, slope], {x: value})
            assert got.shape == (turns, batch, 3)
            h = np.zeros((batch, 3))
            for row, found in zip(value, got, strict=True):
                h = np.tanh(h + row)
                np.testing.assert_allclose(found, h, rtol=1e-4, atol=1e-5)
        assert compiled(session) == before


def test_a_model_trains_inside_a_loop():
    weight = tf.Variable(5.0)
    optimizer = tf.train.MomentumOptimizer(0.05, 0.5)

    def turn(k):
        with tf.control_dependencies([optimizer.minimize(tf.square(weight - 3.0))]):
            return k + 1

    trained = tf.while_loop(lambda k: k < 60, turn, [0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(trained) == 60
        inside = session.run(weight)
    with tf.Graph().as_default(), tf.Session() as session:
        weight = tf.Variable(5.0)
        step = tf.train.MomentumOptimizer(0.05, 0.5).minimize(tf.square(weight - 3.0))
        session.run(tf.global_variables_initializer())
        for _ in range(60):
            session.run(step)
        np.testing.assert_allclose(inside, session.run(weight), rtol=1e-5)
    assert abs(inside - 3) < 1e-3


def test_gradients_are_taken_inside_a_loop_of_what_is_outside():
    scale = tf.placeholder(tf.float32, [3])

    def turn(k, x):
        slope = tf.gradients(tf.reduce_sum(tf.square(x * scale)), [x])[0]
        return k + 1, x - 0.05 * slope

    last = tf.while_loop(lambda k, x: k < 4, turn, [0, tf.ones([3])])[1]
    through = tf.gradients(last, scale)[0]
    value = np.array([1.0, 2.0, 3.0], np.float32)
    with tf.Session() as session:
        got, slopes = session.run([last, through], {scale: value})
    np.testing.assert_allclose(got, (1 - 0.1 * value**2) ** 4, rtol=1e-5)
    expected = 4 * (1 - 0.1 * value**2) ** 3 * -0.2 * value
    np.testing.assert_allclose(slopes, expected, rtol=1e-5, atol=1e-6)


def test_what_is_first_read_behind_a_write_waits_for_nothing():
    kept, x = tf.Variable(1.0), tf.placeholder(tf.float32, [3])

    def turn(k, h):
        with tf.control_dependencies([kept.assign_add(1.0)]):
            return k + 1, h + tf.identity(x)

    last = tf.while_loop(lambda k, h: k < 3, turn, [0, tf.zeros([3])])[1]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(last, {x: [1, 2, 3]}).tolist() == [3, 6, 9]
        assert session.run(kept) == 4


def test_python_gives_a_number_to_every_row_of_a_stack():
    def doubled(value):
        made = tf.py_func(lambda k: k * np.float32(2), [value], tf.float32)
        made.set_shape([])
        return made

    x = tf.placeholder(tf.float32, [5])
    fetches = [tf.map_fn(doubled, x), tf.map_fn(doubled, tf.boolean_mask(x, x > 1))]
    with tf.Session() as session:
        one, two = (session.run(fetch, {x: range(5)}) for fetch in fetches)
    assert one.tolist() == [0, 2, 4, 6, 8]
    assert two.tolist() == [4, 6, 8]
