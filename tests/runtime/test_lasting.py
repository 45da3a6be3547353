"""What a run makes of variables alone is kept until somebody writes."""

import threading

import numpy as np
import pytest

import graphc as tf


@pytest.fixture(autouse=True)
def fresh_graph():
    tf.reset_default_graph()


@pytest.fixture
def scaled():
    """``x`` over the norm of a variable, the variable, and a session."""
    v = tf.get_variable("v", initializer=np.array([3.0, 4.0], np.float32))
    x = tf.placeholder(tf.float32, [None], name="x")
    y = x / tf.sqrt(tf.reduce_sum(v * v))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        yield x, y, v, sess


def bound_of(sess):
    """The plans that keep something."""
    found = [prepared.last for prepared in sess._executor.prepared]
    return [bound for bound in found if bound is not None and bound.kept is not None]


def test_the_part_made_of_variables_has_no_rows_in_a_run(scaled):
    x, y, _, sess = scaled
    call = sess.make_callable(y, [x])
    assert call(np.array([10.0], np.float32)) == [2.0]
    (bound,) = bound_of(sess)
    steps = len(bound.plan.program.steps)
    tags = [tag for tag in bound.plan.table.tags if tag is not None]
    assert len(tags) == steps - len(bound.plan.lasting.steps) < steps
    assert "made of variables and kept" in sess.compile_log()[-1]


def test_every_way_to_write_makes_it_anew(scaled):
    x, y, v, sess = scaled
    call = sess.make_callable(y, [x])
    given = np.array([10.0], np.float32)
    assert call(given) == [2.0]
    sess.run(v.assign([6.0, 8.0]))
    assert call(given) == [1.0]
    v.load([0.0, 5.0], sess)
    assert call(given) == [2.0]
    with sess._executor.state.variables.put_back():
        v.load([0.0, 1.0], sess)
        assert call(given) == [10.0]
    assert call(given) == [2.0]


def test_it_is_made_once_for_many_runs(scaled, monkeypatch):
    x, y, _, sess = scaled
    call = sess.make_callable(y, [x])
    call(np.array([1.0], np.float32))
    (bound,) = bound_of(sess)
    monkeypatch.setattr(bound.kept, "table", None)
    monkeypatch.setattr(bound.kept, "_state", None)
    assert call(np.array([20.0], np.float32)) == [4.0]


def test_each_size_keeps_its_own(scaled):
    x, y, v, sess = scaled
    call = sess.make_callable(y, [x])
    for size in (1, 2, 1, 3):
        np.testing.assert_array_equal(call(np.full(size, 5.0, np.float32)), np.ones(size))
    sess.run(v.assign([0.0, 5.0]))
    for size in (1, 2, 3):
        np.testing.assert_array_equal(call(np.full(size, 5.0, np.float32)), np.ones(size))


def test_a_run_that_writes_keeps_nothing(scaled):
    x, y, v, sess = scaled
    call = sess.make_callable([y, v.assign_add([1.0, 1.0]).op], [x])
    call(np.array([10.0], np.float32))
    assert bound_of(sess) == []


def test_what_is_much_larger_than_the_variables_is_not_kept():
    v = tf.get_variable("v", initializer=np.ones(1, np.float32))
    x = tf.placeholder(tf.float32, [64, 64])
    y = tf.cumsum(x + tf.cumsum(tf.tile(tf.reshape(v, [1, 1]), [64, 64])))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        result = sess.run(y, {x: np.ones((64, 64), np.float32)})
        assert bound_of(sess) == []
    np.testing.assert_array_equal(result[0], np.full(64, 2.0))


def test_a_run_inside_one_that_writes_sees_what_is_written_so_far(scaled):
    x, y, _, sess = scaled
    call, given = sess.make_callable(y, [x]), np.array([10.0], np.float32)
    store = sess._executor.state.variables
    with store.gate.writing():
        for value in (1.0, 2.0, 4.0):
            store.array("v")[...] = [value, 0.0]
            assert call(given) == [10.0 / value]
        store.array("v")[...] = [0.0, 5.0]
    assert call(given) == [2.0]


def test_readers_and_a_writer_at_once_see_whole_values(scaled):
    x, y, v, sess = scaled
    call = sess.make_callable(y, [x])
    write = sess.make_callable(v.assign(v * 2.0).op)
    given, seen, over = np.array([40.0], np.float32), [], threading.Event()

    def read():
        while not over.is_set():
            seen.append(float(call(given)[0]))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(3):
        write()
    over.set()
    for reader in readers:
        reader.join()
    assert set(seen) <= {8.0, 4.0, 2.0, 1.0}
    assert call(given) == [1.0]


def test_what_a_lasting_step_reads_after_one_of_every_run_stays_until_then():
    start = np.arange(12, dtype=np.float32).reshape(4, 3) / 7
    w = tf.get_variable("w", initializer=start)
    shifted = tf.matmul(w, w, transpose_a=True) - np.eye(3, dtype=np.float32)
    fetches = [tf.reduce_sum(shifted), *tf.gradients(tf.reduce_min(shifted, 1), [w])]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        total, _ = sess.run(fetches)
        assert bound_of(sess)
    np.testing.assert_allclose(total, (start.T @ start).sum() - 3, rtol=1e-5)
