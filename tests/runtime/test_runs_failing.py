"""A run that fails, wherever it fails, leaves every variable as it was and the session usable."""

import signal
import threading
import time

import numpy as np
import pytest

import graphc as tf
from graphc.errors import FeedError, InvalidArgumentError
from runtime import transaction
from runtime.devices.cpu import table as codes
from tests.runtime.models import MODELS, assert_same_bits, classifier, embedded, ready, state_of


@pytest.fixture(autouse=True)
def fresh_graph() -> None:
    tf.reset_default_graph()


def assert_undone(sess: tf.Session, fetches: object, wrong: dict, right: dict, match: str) -> None:
    """The run fails with ``wrong`` and changes nothing; it then works with ``right``."""
    for _ in range(2):  # afresh, and by the prepared call
        before = state_of(sess)
        with pytest.raises(InvalidArgumentError, match=match):
            sess.run(fetches, wrong)
        assert_same_bits(state_of(sess), before)
        sess.run(fetches, right)


INDICES = ([1, 7], [1, 0])
OUTSIDE = r"indices\[1\] = 7 is not in \[0, 4\)"


def parameters() -> tuple:
    p = tf.Variable(np.arange(12, dtype=np.float32).reshape(4, 3), name="p")
    return p, tf.placeholder(tf.int32, [None], name="i")


def checked(update_first: bool) -> tuple:
    p, i = parameters()
    v = tf.Variable(np.zeros(3, np.float32), name="v")
    if update_first:
        with tf.control_dependencies([v.assign_add(tf.ones([3]))]):
            return [tf.gather(p, i)], i
    rows = tf.gather(p, i)
    with tf.control_dependencies([rows]):
        return [v.assign_add(tf.reduce_sum(rows, 0))], i


@pytest.mark.parametrize("update_first", [False, True])
def test_an_index_out_of_range_before_or_after_an_update(update_first):
    fetches, i = checked(update_first)
    wrong, right = ({i: values} for values in INDICES)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert_undone(sess, fetches, wrong, right, OUTSIDE)


def test_an_index_out_of_range_in_the_very_assignment():
    p, i = parameters()
    v = tf.Variable(np.full((2, 3), 5.0, np.float32), name="v")
    wrong, right = ({i: values} for values in INDICES)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert_undone(sess, v.assign(tf.gather(p, i) + v), wrong, right, OUTSIDE)
        assert_undone(sess, p.assign(tf.tile(tf.gather(p, i), [2, 1])), wrong, right, OUTSIDE)


def between() -> tuple:
    """A variable updated, a look-up where it then points, two more updates with what it finds."""
    p, i = parameters()
    v = tf.Variable(np.zeros(2, np.int32), name="v")
    large = tf.Variable(np.ones((50, 50), np.float32), name="large")
    rows = tf.gather(p, v.assign_add(i))
    with tf.control_dependencies([rows]):
        last = [large.assign(large * 2.0), p.assign_add(tf.ones([4, 3]))]
    return [rows, *last], i


def test_updates_on_both_sides_of_a_check():
    fetches, i = between()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert_undone(sess, fetches, {i: [1, 7]}, {i: [0, 1]}, r"indices\[1\] = [78] is not")
        assert sess.run("v:0").tolist() == [0, 2]


def test_only_what_is_written_before_a_check_is_copied():
    fetches, i = between()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        call = sess._executor.prepare((i,), tuple(fetches), ())
        call.run([np.array([1, 0], np.int32)])
        assert [key for key, _ in call.last.plan.program.backups] == ["v"]
        report = str(sess.inspect(fetches))
    assert "variable 'v' is copied before each run: " in report
    assert "is written before GatherV2 can fail" in report


def test_a_wrong_label_while_training_moves_no_weight_and_no_moment():
    model = classifier()
    right = model.feeds(8, 0)
    wrong = {k: (v.copy() if v.dtype != np.int32 else np.full_like(v, 5)) for k, v in right.items()}
    with ready(model) as sess:
        assert_undone(sess, model.everything, wrong, right, "5 is not in")


def test_a_wrong_index_while_training_an_embedding():
    model = embedded()
    right = model.feeds(4, 0)
    wrong = {k: np.where(np.arange(12).reshape(4, 3) == 7, -1, v) for k, v in right.items()}
    with ready(model) as sess:
        assert_undone(sess, model.everything, wrong, right, r"\[2, 1\] = -1 is not in \[0, 15\)")


def test_check_numerics_before_a_step():
    x = tf.placeholder(tf.float32, [None], name="x")
    v = tf.Variable(1.0, name="v")
    step = v.assign_add(tf.reduce_sum(tf.check_numerics(tf.log(x), "log")))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert_undone(sess, step, {x: [1.0, -1.0]}, {x: [1.0]}, r"log: x\[1\] is nan")


def test_an_assertion_after_a_step():
    x = tf.placeholder(tf.float32, [None], name="x")
    v = tf.Variable(1.0, name="v")
    step = v.assign_add(tf.reduce_sum(x))
    with tf.control_dependencies([step]):
        check = tf.Assert(v.read_value() < 10.0, [x])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert_undone(sess, [step, check], {x: [100.0]}, {x: [0.5]}, "assertion failed")


@pytest.mark.parametrize("update_first", [False, True])
def test_a_python_function_that_raises(update_first):
    x = tf.placeholder(tf.float32, [3], name="x")
    v = tf.Variable(np.ones(3, np.float32), name="v")

    def picky(values: np.ndarray) -> np.ndarray:
        if values[0] < 0:
            raise KeyError("mine")
        return values

    def called() -> tf.Tensor:
        y = tf.py_func(picky, [x], tf.float32)
        y.set_shape([3])
        return y

    if update_first:
        step = v.assign_add(x)
        with tf.control_dependencies([step]):
            y = called()
    else:
        y = called()
        step = v.assign_add(y)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(2):
            before = state_of(sess)
            with pytest.raises(KeyError, match="mine") as caught:
                sess.run([step, y], {x: [-1.0, 0.0, 0.0]})
            assert_same_bits(state_of(sess), before)
            sess.run([step, y], {x: [1.0, 0.0, 0.0]})
    assert caught.traceback[-1].name == "picky"
    (note,) = caught.value.__notes__
    assert "while running py_func 'PyFunc'" in note
    assert "y = tf.py_func(picky, [x], tf.float32)" in note


def test_a_failed_first_run_initialises_nothing():
    p, i = parameters()
    v = tf.Variable(np.zeros((2, 3), np.float32), name="v")
    with tf.Session() as sess:
        sess.run(p.initializer)
        with pytest.raises(InvalidArgumentError, match="is not in"):
            sess.run(v.assign(tf.gather(p, i)), {i: [1, 7]})
        with pytest.raises(tf.errors.FailedPreconditionError, match="'v'"):
            sess.run(v)


def test_a_failed_run_counts_no_random_number():
    x = tf.placeholder(tf.float32, [], name="x")
    tf.set_random_seed(0)
    noise = tf.random_uniform([4])
    checked = tf.check_numerics(noise * x, "x")
    with tf.Session() as one, tf.Session() as other:
        expected = [one.run(checked, {x: 1.0}) for _ in range(2)]
        first = other.run(checked, {x: 1.0})
        with pytest.raises(InvalidArgumentError, match="x"):
            other.run(checked, {x: np.nan})
        assert_same_bits([first, other.run(checked, {x: 1.0})], expected)


# --- failures put in ------------------------------------------------------------------------------


class Injected(Exception):
    """What a test puts into a run."""


@pytest.mark.parametrize("make", MODELS[:4])
def test_memory_that_runs_out_in_any_allocation_of_a_run(make, monkeypatch):
    model = make()
    feeds = model.feeds(6, 0)
    with ready(model) as sess:
        sess.run(model.everything, feeds)
        before = state_of(sess)
        empty, allocations = np.empty, []

        def failing(*arguments: object, **more: object) -> np.ndarray:
            allocations.append(arguments)
            if len(allocations) == turn:
                raise MemoryError
            return empty(*arguments, **more)

        for turn in (1, 2, 3):
            allocations.clear()
            monkeypatch.setattr(np, "empty", failing)
            with pytest.raises(MemoryError):  # noqa: PT012  (some run must)
                while True:
                    sess.run(model.everything[:1], model.feeds(6 + turn, 0))
            monkeypatch.undo()
            assert_same_bits(state_of(sess), before)
        sess.run(model.everything, feeds)


def chained(count: int, size: int) -> tf.Operation:
    """An operation that updates variables one after the other, each from the one before."""
    value = tf.ones([size])
    for k in range(count):
        variable = tf.Variable(np.full(size, k, np.float32), name=f"v{k}")
        value = variable.assign(variable * 0.5 + value)
    return value.op


def after_a_run(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What :func:`chained` makes of the variables' values."""
    value, after = np.float32(1.0), {}
    for k in range(len(variables)):
        value = after[f"v{k}"] = variables[f"v{k}"] * np.float32(0.5) + value
    return after


class Interrupting:
    """The native functions, of which ``go_on`` raises the first time a time slice is over."""

    def __init__(self) -> None:
        self.native = transaction.native()
        self.times = 0

    def __call__(self) -> "Interrupting":
        return self

    def walk(self, address: int) -> int:
        return self.native.walk(address)

    def go_on(self, state: codes.RunState, reason: int) -> int:
        if reason == codes.SLICED and not self.times:
            self.times += 1
            raise Injected
        return self.native.go_on(state, reason)


def test_an_exception_behind_the_last_check_lets_the_run_finish(monkeypatch):
    group = chained(20, 60_000)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        call = sess._executor.prepare((), (), (group,))
        call.run([])
        assert call.last.plan.danger == -1
        call.last.idle[-1].state.words[codes.SLICE] = 0
        expected = after_a_run(state_of(sess))
        interrupting = Interrupting()
        monkeypatch.setattr(transaction, "native", interrupting)
        with pytest.raises(Injected):
            call.run([])
        assert interrupting.times == 1
        assert_same_bits(state_of(sess), expected)


def test_an_exception_before_the_commit_leaves_all_as_it_was(monkeypatch):
    x = tf.placeholder(tf.float32, [60_000], name="x")
    v = tf.Variable(np.ones(60_000, np.float32), name="v")
    total = x
    for _ in range(6):
        total = tf.tanh(total) - tf.reduce_max(total)
    step = v.assign_add(total)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        call = sess._executor.prepare((x,), (), (step.op,))
        fed = [np.ones(60_000, np.float32)]
        call.run(fed)
        call.last.idle[-1].state.words[codes.SLICE] = 0
        before = state_of(sess)
        interrupting = Interrupting()
        monkeypatch.setattr(transaction, "native", interrupting)
        with pytest.raises(Injected):
            call.run(fed)
        assert interrupting.times == 1
        assert_same_bits(state_of(sess), before)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no way to signal a thread here")
def test_a_signal_during_a_long_run_raises_and_leaves_variables_whole():
    v = tf.Variable(np.zeros(400_000, np.float32), name="v")
    w = tf.Variable(np.zeros(400_000, np.float32), name="w")
    x = tf.placeholder(tf.float32, [None, None], name="x")
    product = x
    for _ in range(40):
        product = tf.matmul(product, x) * 0.01
    change = tf.reduce_sum(product) * 0.0 + 1.0
    step = tf.group(v.assign_add(tf.ones([400_000]) * change), w.assign_add(v * 0.0 + change))
    feeds = {x: np.ones((500, 500), np.float32) / 50}
    main = threading.main_thread().ident
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        started = time.perf_counter()
        sess.run(step, feeds)
        sess.run(step, feeds)
        seconds = (time.perf_counter() - started) / 2
        outcomes = set()
        for k in range(8):
            before = sess.run(v)[0]
            delay = seconds * (0.1 + 0.12 * k)
            timer = threading.Timer(delay, signal.pthread_kill, (main, signal.SIGINT))
            timer.start()
            try:
                sess.run(step, feeds)
                timer.join()
                time.sleep(0.01)
            except KeyboardInterrupt:
                outcomes.add("interrupted")
            timer.join()
            after, beside = sess.run([v, w])
            assert after.min() == after.max() == beside.min() == beside.max()
            assert after[0] in (before, before + 1)
        assert outcomes == {"interrupted"}
        sess.run(step, feeds)


def test_a_placeholder_nobody_feeds_is_an_invalid_argument_as_in_tensorflow():
    x = tf.placeholder(tf.float32, [None], name="x")
    with tf.Session() as sess:
        for kind in (tf.errors.InvalidArgumentError, FeedError):
            with pytest.raises(kind, match="no value was fed for the placeholder 'x'"):
                sess.run(x + 1.0)
