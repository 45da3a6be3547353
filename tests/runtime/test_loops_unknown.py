"""Loops that end when they have to: run natively with what their gradients need, stopped by Ctrl-C,
told by turn where they fail."""

import os
import signal
import threading

import numpy as np
import pytest

import graphc as tf
from graphc.lowering.program import Again, Copy, Host, Turns


def program_of(session, fetches, feeds):
    """The Program of the first run of a session."""
    session.run(fetches, feeds)
    (prepared,) = session._executor.prepared
    (loaded,) = prepared.variants.values()
    return loaded.program


def collatz(start):
    steps = 0
    while start != 1:
        start = start // 2 if start % 2 == 0 else 3 * start + 1
        steps += 1
    return steps


def test_collatz():
    start = tf.placeholder(tf.int64, [])
    steps, _ = tf.while_loop(
        lambda k, c: tf.not_equal(c, 1),
        lambda k, c: (k + 1, tf.where(tf.equal(c % 2, 0), c // 2, 3 * c + 1)),
        [0, start],
    )
    with tf.Session() as session:
        for value in (1, 2, 27, 97, 837799):
            assert session.run(steps, {start: value}) == collatz(value)


def newton(x):
    return tf.while_loop(
        lambda k, y: tf.abs(y * y - x) > 1e-12 * x,
        lambda k, y: (k + 1, 0.5 * (y + x / y)),
        [0, x + 1.0],
        maximum_iterations=50,
    )


def test_newton_and_its_slopes():
    x = tf.placeholder(tf.float64, [])
    _, root = newton(x)
    slope = tf.gradients(root, x)[0]
    bend = tf.gradients(slope, x)[0]
    with tf.Session() as session:
        for value in (0.5, 2.0, 7.0, 1e6):
            got = session.run([root, slope, bend], {x: value})
            expected = [value**0.5, 0.5 * value**-0.5, -0.25 * value**-1.5]
            np.testing.assert_allclose(got, expected, rtol=1e-6)


def halving(n, x):
    """A loop whose turns no size tells: n is fed."""
    return tf.while_loop(
        lambda i, h: i < n, lambda i, h: (i + 1, h * 0.999 + 0.01 * tf.sin(h)), [0, x]
    )[1]


@pytest.mark.parametrize("turns", [0, 1, 63, 64, 65, 1000])
def test_room_for_traces_grows_and_the_slope_is_that_of_a_loop_that_counts(turns):
    x, n = tf.placeholder(tf.float64, [3]), tf.placeholder(tf.int32, [])
    ends = halving(n, x), halving(turns, x)
    slopes = [tf.gradients(tf.reduce_sum(end), x)[0] for end in ends]
    value = np.array([0.5, -1.0, 2.0])
    with tf.Session() as session:
        one, two = session.run(slopes, {x: value, n: turns})
    np.testing.assert_allclose(one, two, rtol=1e-12)
    if turns == 0:
        assert one.tolist() == [1, 1, 1]


def test_no_turn_returns_to_python():
    x, n = tf.placeholder(tf.float64, [3]), tf.placeholder(tf.int32, [])
    slope = tf.gradients(halving(n, x), x)[0]
    with tf.Session() as session:
        steps = program_of(session, [slope], {x: np.ones(3), n: 5}).steps
    assert not any(isinstance(step, Host) for step in steps)
    assert [bool(s.counts) for s in steps if isinstance(s, Turns)] == [True, False]


def test_another_number_of_turns_compiles_nothing():
    x, n = tf.placeholder(tf.float64, [3]), tf.placeholder(tf.int32, [])
    slope = tf.gradients(halving(n, x), x)[0]
    with tf.Session() as session:
        session.run(slope, {x: np.ones(3), n: 5})
        before = len(session.compile_log())
        session.run(slope, {x: np.ones(3), n: 700})
        assert len(session.compile_log()) == before


def test_a_turn_writes_its_row_in_place():
    n = tf.placeholder(tf.int32, [])
    held = tf.while_loop(
        lambda i, _: i < n,
        lambda i, a: (i + 1, a.write(i, tf.fill([7], 1.0))),
        [0, tf.TensorArray(tf.float32, size=1000)],
    )[1]
    rows = held.stack()
    with tf.Session() as session:
        program = program_of(session, [rows], {n: 5})
        steps = program.steps
        begin = next(k for k, s in enumerate(steps) if isinstance(s, Turns))
        end = next(k for k, s in enumerate(steps) if isinstance(s, Again))
        copied = [program.buffers[s.target].shape for s in steps[begin:end] if isinstance(s, Copy)]
        assert (1000, 7) not in copied
        assert (1000,) not in copied
        assert session.run(rows, {n: 3}).sum() == 21


def test_what_a_failing_turn_has_written_is_gone():
    kept = tf.Variable(1.0)
    n = tf.placeholder(tf.int32, [])
    held = tf.TensorArray(tf.float32, size=4)

    def turn(i, a):
        with tf.control_dependencies([kept.assign_add(1.0)]):
            return i + 1, a.write(i, tf.identity(1.0))

    rows = tf.while_loop(lambda i, _: i < n, turn, [0, held])[1].stack()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"turn 4 of .*index 4 but array"):
            session.run(rows, {n: 6})
        assert session.run(kept) == 1
        assert session.run(rows, {n: 3}).tolist() == [1, 1, 1, 0]
        assert session.run(kept) == 4


@pytest.mark.parametrize("with_slopes", [False, True])
def test_a_nan_in_a_turn_is_told_with_its_number(with_slopes):
    x, n = tf.placeholder(tf.float64, []), tf.placeholder(tf.int32, [])
    last = tf.while_loop(
        lambda i, h: i < n,
        lambda i, h: (i + 1, tf.check_numerics(tf.log(h) * 2.0, "it went wrong")),
        [0, x],
    )[1]
    fetch = tf.gradients(last, x)[0] if with_slopes else last
    with (
        tf.Session() as session,
        pytest.raises(tf.errors.InvalidArgumentError, match=r"turn 3 of .*it went wrong"),
    ):
        session.run(fetch, {x: 2.0, n: 5})


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="signals come to processes here")
@pytest.mark.parametrize("kind", ["plain", "slopes", "writes"])
def test_ctrl_c_stops_an_endless_loop_and_nothing_is_written(kind):
    kept = tf.Variable(1.0)
    x = tf.placeholder(tf.float64, [])

    def turn(i, h):
        if kind != "writes":
            return i + 1, tf.sin(h)
        with tf.control_dependencies([kept.assign_add(1.0)]):
            return i + 1, tf.sin(h)

    last = tf.while_loop(lambda i, h: True, turn, [0, x])[1]
    fetch = tf.gradients(last, x)[0] if kind == "slopes" else last
    bounded = tf.while_loop(lambda i, h: True, turn, [0, x], maximum_iterations=3)[0]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(bounded, {x: 1.0}) == 3
        timer = threading.Timer(0.6, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            session.run(fetch, {x: 1.0})
        timer.cancel()
        assert session.run(kept) == (4 if kind == "writes" else 1)
        assert session.run(bounded, {x: 1.0}) == 3


def test_a_loop_after_a_count_runs_natively():
    x = tf.placeholder(tf.float32, [None])
    chosen = tf.boolean_mask(x, x > 0)
    sums = tf.scan(lambda total, value: total + value, chosen, 0.0)
    slope = tf.gradients(sums[-1], x)[0]
    with tf.Session() as session:
        got, slopes = session.run([sums, slope], {x: [1, -2, 3, -4, 5]})
    assert got.tolist() == [1, 4, 9]
    assert slopes.tolist() == [1, 0, 1, 0, 1]


def test_a_branch_writes_its_row_in_place():
    n = tf.placeholder(tf.int32, [])

    def turn(i, a):
        keep = tf.equal(i % 2, 0)
        return i + 1, tf.cond(keep, lambda: a.write(i, tf.fill([7], 1.0)), lambda: a)

    held = tf.TensorArray(tf.float32, size=1000)
    rows = tf.while_loop(lambda i, _: i < n, turn, [0, held])[1].stack()
    with tf.Session() as session:
        program = program_of(session, [rows], {n: 5})
        steps = program.steps
        begin = next(k for k, s in enumerate(steps) if isinstance(s, Turns))
        end = next(k for k, s in enumerate(steps) if isinstance(s, Again))
        copied = [program.buffers[s.target].shape for s in steps[begin:end] if isinstance(s, Copy)]
        assert (1000, 7) not in copied
        assert (1000,) not in copied
        assert session.run(rows, {n: 6}).sum(1)[:6].tolist() == [7, 0, 7, 0, 7, 0]


def test_a_branch_that_reads_what_it_writes_over_reads_it_as_it_was():
    chosen, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [3])
    rows = x * 1.5 + 1.0

    def written():
        held = tf.TensorArray(tf.float32, size=3, clear_after_read=False).unstack(rows)
        moved = held.grad("a").scatter([0, 1, 2], rows)
        return tf.stack([moved.write(1, 10.0).stack(), rows])

    both = tf.cond(chosen, written, lambda: tf.stack([rows, rows]))
    with tf.Session() as session:
        one, two = (session.run(both, {x: [2, 4, 6], chosen: c}) for c in (True, False))
    assert one.tolist() == [[4, 17, 10], [4, 7, 10]]
    assert two.tolist() == [[4, 7, 10], [4, 7, 10]]
