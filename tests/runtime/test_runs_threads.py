"""Many threads, sessions and processes at once: right results, whole variables, nobody stuck."""

import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from threading import Thread, get_ident

import numpy as np
import pytest

import graphc as tf
from runtime.devices.cpu.boot import native
from runtime.gate import Gate
from tests.runtime.models import MODELS, assert_same_bits, classifier, dropped, ready, state_of

PATIENCE = 60.0  # seconds after which somebody is taken to be stuck


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    tf.reset_default_graph()
    yield
    native().pool.resize(None)


def together(*jobs: Callable[[], object]) -> list:
    """What the jobs return, each run in a thread of its own, all begun at once."""
    results: list = [None] * len(jobs)
    errors: list[str] = []
    start = threading.Barrier(len(jobs))

    def work(k: int, job: Callable[[], object]) -> None:
        try:
            start.wait(PATIENCE)
            results[k] = job()
        except BaseException:
            errors.append(traceback.format_exc())

    threads = [Thread(target=work, args=pair, daemon=True) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "stuck"
    assert not errors, "\n".join(errors)
    return results


# --- sessions and threads ------------------------------------------------------------------------


def steps(sess: tf.Session, model: object, count: int = 12) -> list:
    return [
        *(sess.run(model.everything, model.feeds(9 + 40 * (k % 3), k)) for k in range(count)),
        state_of(sess),
    ]


@pytest.mark.parametrize("make", MODELS)
def test_two_sessions_in_two_threads_equal_each_alone(make):
    tf.set_random_seed(1)
    model = make()
    with ready(model) as alone, ready(model) as one, ready(model) as other:
        expected = steps(alone, model)
        got = together(lambda: steps(one, model), lambda: steps(other, model))
    assert_same_bits(got, [expected, expected])


def test_first_runs_of_different_fetches_at_once():
    model = classifier()
    feeds = model.feeds(16, 0)
    others = [
        tf.reduce_sum(model.fetches[1] * float(k)) + tf.norm(model.fetches[1]) for k in range(6)
    ]
    with ready(model) as sess, ready(model) as alone:
        sess.variables.set("hidden/bias", np.ones(24, np.float32))
        alone.variables.set("hidden/bias", np.ones(24, np.float32))
        got = together(*(lambda y=y: sess.run(y, feeds) for y in others))
        assert_same_bits(got, [alone.run(y, feeds) for y in others])


def test_no_update_is_lost():
    v = tf.Variable(np.zeros(5000, np.float32), name="v")
    add = v.assign_add(tf.ones([5000]))
    with tf.Session() as sess:
        sess.run(v.initializer)
        call = sess.make_callable(add)
        together(*(lambda: [call() for _ in range(50)] for _ in range(6)))
        assert (sess.run(v) == 300).all()


def test_readers_never_see_half_of_a_write():
    """Two variables that every step makes equal, too large for one slice of the interpreter."""
    size = 300_000
    v = tf.Variable(np.zeros(size, np.float32), name="v")
    w = tf.Variable(np.zeros(size, np.float32), name="w")
    first = v.assign_add(tf.ones([size]))
    with tf.control_dependencies([first]):
        step = tf.group(first, w.assign(first))
    ends = tf.reduce_min(v), tf.reduce_max(v), tf.reduce_min(w), tf.reduce_max(w)
    seen: list = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        write, read = sess.make_callable(step), sess.make_callable(list(ends))
        done = threading.Event()
        write()
        read()

        def writer() -> None:
            for _ in range(300):
                write()
            done.set()

        def reader() -> None:
            while not done.is_set():
                seen.append(read())

        together(writer, reader, reader)
    assert len(seen) > 10
    assert all(len({float(value) for value in four}) == 1 for four in seen)
    assert len({float(four[0]) for four in seen}) > 2


def test_readers_run_beside_each_other():
    """Each of two runs waits in a Python function for the other to be there."""
    meeting = threading.Barrier(2)
    x = tf.placeholder(tf.float32, [2], name="x")
    v = tf.Variable([1.0, 2.0], name="v")

    def meet(values: np.ndarray) -> np.ndarray:
        meeting.wait(PATIENCE)
        return values

    y = tf.py_func(meet, [x * v], tf.float32)
    y.set_shape([2])
    with tf.Session() as sess:
        sess.run(v.initializer)
        got = together(*(lambda k=k: sess.run(y + 1.0, {x: [k, k]}) for k in (1.0, 2.0)))
    np.testing.assert_array_equal(got, [[2, 3], [3, 5]])


@pytest.mark.parametrize("outer_writes", [False, True])
@pytest.mark.parametrize("inner_writes", [False, True])
def test_a_python_function_may_run_its_session(outer_writes, inner_writes):
    x = tf.placeholder(tf.float32, [], name="x")
    v = tf.Variable(1.0, name="v")
    count = tf.Variable(0.0, name="count")
    inner = v.assign_add(10.0) if inner_writes else v * 10.0

    def nested(value: np.ndarray) -> np.ndarray:
        return np.float32(value + sess.run(inner))

    y = tf.py_func(nested, [x], tf.float32)
    y.set_shape([])
    fetches = [y, count.assign_add(1.0)] if outer_writes else [y]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(fetches, {x: 1.0})[0] == (12.0 if inner_writes else 11.0)
        results = together(
            *(lambda: [sess.run(fetches, {x: 1.0}) for _ in range(5)] for _ in range(4))
        )
        if inner_writes:
            assert sorted(r[0] for rs in results for r in rs) == [
                12.0 + 10 * k for k in range(1, 21)
            ]
        if outer_writes:
            assert sess.run(count) == 21.0


def test_closing_a_session_while_it_runs():
    model = classifier()
    feeds = model.feeds(64, 0)
    sess = ready(model)
    call = sess.make_callable(model.everything, list(feeds))
    finished = []

    def run_until_closed() -> None:
        with pytest.raises(RuntimeError, match="closed Session"):  # noqa: PT012  (some call)
            while True:
                assert np.isfinite(call(*feeds.values())[0])
                finished.append(1)

    def close() -> None:
        while len(finished) < 20:
            time.sleep(0.001)
        sess.close()

    together(run_until_closed, run_until_closed, close)
    assert sess._executor.arenas == [] or len(sess._executor.arenas) <= 2
    with pytest.raises(RuntimeError, match="closed Session"):
        call(*feeds.values())


def test_variables_are_read_and_set_beside_runs():
    v = tf.Variable(np.zeros(100_000, np.float32), name="v")
    step = v.assign_add(tf.ones([100_000])).op
    with tf.Session() as sess:
        sess.run(v.initializer)
        call = sess.make_callable(step)

        def look() -> bool:
            values = [sess.variables.get("v") for _ in range(60)]
            return all(value.min() == value.max() for value in values)

        def put() -> None:
            for k in range(30):
                sess.variables.set("v", np.full(100_000, 1000.0 * k, np.float32))

        assert together(look, lambda: [call() for _ in range(80)], put, look)[0]


def test_more_fetches_than_are_remembered_from_several_threads():
    x = tf.placeholder(tf.float32, [], name="x")
    ys = [x + float(k) for k in range(150)]
    with tf.Session(device="/reference:0") as sess:

        def fetch(first: int) -> list:
            return [float(sess.run([ys[k], ys[first + k % 3]], {x: 1.0})[0]) for k in range(150)]

        got = together(*(lambda k=k: fetch(k) for k in (0, 50, 100)))
        assert got == [[k + 1.0 for k in range(150)]] * 3
        assert len(sess._calls) <= 256 + 3


# --- the gate ------------------------------------------------------------------------------------


def test_a_writer_waits_for_readers_and_they_for_it():
    gate, order = Gate(), []
    reading, writing = threading.Event(), threading.Event()

    def reader() -> None:
        with gate.reading():
            reading.set()
            time.sleep(0.05)
            order.append("read")

    def writer() -> None:
        reading.wait(PATIENCE)
        with gate.writing():
            writing.set()
            time.sleep(0.05)
            order.append("written")

    def late() -> None:
        writing.wait(PATIENCE)
        with gate.reading():
            order.append("read late")

    together(reader, writer, late)
    assert order == ["read", "written", "read late"]


def test_readers_that_turn_writers_do_not_wait_for_each_other():
    gate, both, total = Gate(), threading.Barrier(3), []

    def upgrade() -> None:
        with gate.reading():
            both.wait(PATIENCE)
            with gate.writing():
                before = len(total)
                time.sleep(0.01)
                total.append(before)

    together(upgrade, upgrade, upgrade)
    assert total == [0, 1, 2]


def test_an_exception_inside_leaves_the_gate_open():
    gate = Gate()
    for enter in (gate.reading, gate.writing):
        with pytest.raises(ZeroDivisionError), enter():
            raise ZeroDivisionError
    assert (gate.readers, gate.writer, gate.blocked) == ([], 0, 0)
    together(lambda: gate.writing().__enter__())


def test_a_reader_inside_a_writer_and_a_reader_inside_a_reader():
    gate = Gate()
    with gate.writing(), gate.reading(), gate.writing():
        assert gate.writer == get_ident()
    with gate.reading(), gate.reading():
        assert gate.readers == [get_ident()] * 2


# --- forks ---------------------------------------------------------------------------------------


def in_child(job: Callable[[], object]) -> None:
    """Run the job in a forked child; fail with its traceback, or if it hangs."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        text = b""
        try:
            job()
        except BaseException:
            text = traceback.format_exc().encode()
        os.write(writing, text)
        os._exit(0)
    os.close(writing)
    deadline = time.monotonic() + PATIENCE
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the child hangs")
        time.sleep(0.01)
    text = os.read(reading, 1 << 20).decode()
    os.close(reading)
    assert not text, text


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@needs_fork
@pytest.mark.parametrize("make", [classifier, dropped])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_session_of_the_parent_works_in_a_child_and_in_the_parent(make):
    native().pool.resize(2)
    tf.set_random_seed(1)
    model = make()
    fresh = tf.reduce_sum(tf.tanh(model.fetches[0]) ** 2.0)
    with ready(model) as sess, ready(model) as alone:
        for one in (sess, alone):
            one.run(model.everything, model.feeds(2000, 0))
        expected = steps(alone, model, 5), alone.run(fresh, model.feeds(3000, 1))

        def job() -> None:
            assert_same_bits(
                (steps(sess, model, 5), sess.run(fresh, model.feeds(3000, 1))), expected
            )

        in_child(job)
        job()


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_while_another_thread_runs_is_not_stuck():
    v = tf.Variable(np.zeros(200_000, np.float32), name="v")
    step = v.assign_add(tf.ones([200_000])).op
    with tf.Session() as sess:
        sess.run(v.initializer)
        call, stop = sess.make_callable(step), threading.Event()

        def busy() -> None:
            while not stop.is_set():
                call()

        thread = Thread(target=busy, daemon=True)
        thread.start()
        try:
            for _ in range(5):
                in_child(lambda: (call(), sess.run(v)))
        finally:
            stop.set()
            thread.join(PATIENCE)


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_python_function_may_fork():
    x = tf.placeholder(tf.float32, [], name="x")
    v = tf.Variable(1.0, name="v")

    def forks(value: np.ndarray) -> np.ndarray:
        in_child(lambda: sess.run(v + 1.0))
        return value

    y = tf.py_func(forks, [x], tf.float32)
    y.set_shape([])
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run([y, v.assign_add(1.0)], {x: 3.0}) == [3.0, 2.0]
        assert sess.run(v) == 2.0


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_large_results_of_a_child_are_not_its_parents():
    x = tf.placeholder(tf.float32, [None], name="x")
    y = x * 2.0
    with tf.Session() as sess:
        one = sess.run(y, {x: np.ones(1 << 19)})
        del one
        kept = sess.run(y, {x: np.full(1 << 19, 3.0)})

        def job() -> None:
            kept[:] = 0
            assert (sess.run(y, {x: np.full(1 << 19, 4.0)}) == 8).all()

        in_child(job)
        assert (kept == 6).all()
