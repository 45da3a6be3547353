"""Sizes that only the run knows: masks and positions, trained through, failing, fetched whole."""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import InvalidArgumentError, ShapeError
from runtime import memory, segments, staged
from tests.runtime.models import assert_same_bits, masked, ready, state_of


@pytest.fixture(autouse=True)
def fresh_graph() -> None:
    tf.reset_default_graph()


def masks(count: int) -> list[np.ndarray]:
    r = np.random.default_rng(0)
    drawn = [r.random(count) < p for p in (0.5, 0.1, 0.9)]
    return [*drawn, np.zeros(count, bool), np.ones(count, bool)]


def test_rows_chosen_by_a_mask():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    keep = tf.placeholder(tf.bool, [None], name="keep")
    y = tf.boolean_mask(x, keep) * 2.0
    with tf.Session() as sess:
        for count in (6, 100, 1):
            values = np.random.default_rng(count).random((count, 3)).astype(np.float32)
            for mask in masks(count):
                np.testing.assert_array_equal(
                    sess.run(y, {x: values, keep: mask}), values[mask] * 2
                )
        assert sum(line.startswith("compile") for line in sess.compile_log()) == 1


def test_positions_where_a_condition_holds():
    x = tf.placeholder(tf.float32, [None, None], name="x")
    where = tf.where(x > 0.5)
    rows = tf.shape(where)[0]
    with tf.Session() as sess:
        for shape in ((4, 5), (1, 1), (30, 2)):
            values = np.random.default_rng(1).random(shape).astype(np.float32)
            found, count = sess.run([where, rows], {x: values})
            np.testing.assert_array_equal(found, np.argwhere(values > 0.5))
            assert count == (values > 0.5).sum()


def test_one_mask_after_another():
    x = tf.placeholder(tf.float32, [None], name="x")
    positive = tf.boolean_mask(x, x > 0.0)
    small = tf.boolean_mask(positive, positive < 1.0)
    total = tf.reduce_sum(small)
    with tf.Session() as sess:
        for seed in range(4):
            values = np.random.default_rng(seed).standard_normal(40).astype(np.float32)
            wanted = values[(values > 0) & (values < 1)]
            got, one, whole = sess.run([small, total, positive], {x: values})
            np.testing.assert_array_equal(got, wanted)
            np.testing.assert_allclose(one, wanted.sum(), rtol=1e-5)
            np.testing.assert_array_equal(whole, values[values > 0])


def test_gradients_reach_through_a_mask():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    keep = tf.placeholder(tf.bool, [None], name="keep")
    (grad,) = tf.gradients(tf.reduce_sum(tf.square(tf.boolean_mask(x, keep))), x)
    with tf.Session() as sess:
        for mask in masks(9):
            values = np.random.default_rng(2).random((9, 2)).astype(np.float32)
            wanted = np.where(mask[:, None], 2 * values, 0)
            np.testing.assert_array_equal(sess.run(grad, {x: values, keep: mask}), wanted)


def test_training_through_a_mask_equals_training_on_the_chosen_rows():
    model = masked()
    x, keep = (t for t in model.feeds(1, 0))
    with ready(model) as sess, ready(model) as plain:
        for seed in range(5):
            feeds = model.feeds(20, seed)
            chosen = feeds[x][feeds[keep]]
            got = sess.run(model.everything, feeds)
            whole = plain.run(model.everything, {x: chosen, keep: np.ones(len(chosen), bool)})
            np.testing.assert_allclose(got[0], whole[0], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(got[1], whole[1], rtol=1e-5)
            np.testing.assert_allclose(state_of(sess)["w"], state_of(plain)["w"], rtol=1e-5)


def test_a_failing_check_among_the_chosen_leaves_variables_as_they_were():
    ids = tf.placeholder(tf.int32, [None], name="ids")
    keep = tf.placeholder(tf.bool, [None], name="keep")
    table = tf.Variable(np.ones((4, 2), np.float32), name="table")
    count = tf.Variable(0.0, name="count")
    rows = tf.gather(table, tf.boolean_mask(ids, keep))
    loss = tf.reduce_sum(tf.square(rows))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    counted = count.assign_add(1.0)
    everything = [loss, train, counted]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(2):
            before = state_of(sess)
            with pytest.raises(InvalidArgumentError, match=r"indices\[1\] = 9 is not in \[0, 4\)"):
                sess.run(everything, {ids: [7, 1, 9], keep: [False, True, True]})
            assert_same_bits(state_of(sess), before)
            sess.run(everything, {ids: [7, 1, 9], keep: [False, True, False]})
        assert sess.run(count) == 2.0


def test_an_update_before_a_failing_check_is_undone():
    x = tf.placeholder(tf.float32, [None], name="x")
    v = tf.Variable(np.zeros(3, np.float32), name="v")
    table = tf.Variable(np.arange(3, dtype=np.float32), name="table")
    updated = v.assign_add(tf.ones([3]) * tf.reduce_sum(tf.boolean_mask(x, x > 0.0)))
    looked_up = tf.gather(table, tf.cast(updated, tf.int32))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(sess.run(looked_up, {x: [1.0, -5.0]}), [1, 1, 1])
        before = state_of(sess)
        with pytest.raises(InvalidArgumentError, match="= 4 is not in"):
            sess.run(looked_up, {x: [3.0, -1.0]})
        assert_same_bits(state_of(sess), before)
        np.testing.assert_array_equal(sess.run(looked_up, {x: [1.0]}), [2, 2, 2])


class Injected(Exception):
    """What a test puts into a run."""


@pytest.mark.parametrize("act", ["take_block", "layout", "new_array", "host"])
def test_a_failure_anywhere_in_a_run_leaves_all_variables_or_none_changed(act, monkeypatch):
    """Wherever memory runs out, or Ctrl-C arrives, before the last step that can fail."""
    model = masked()
    feeds = model.feeds(30, 0)
    with ready(model) as sess, ready(model) as alone:
        sess.run(model.everything, feeds)
        alone.run(model.everything, feeds)
        before = state_of(sess)
        method = getattr(staged._Run, act)
        left = [0]

        def failing(self: object, *arguments: object) -> object:
            left[0] -= 1
            if not left[0]:
                raise Injected
            return method(self, *arguments)

        monkeypatch.setattr(staged._Run, act, failing)
        failed = 0
        for turn in range(1, 12):
            left[0] = turn
            try:
                sess.run(model.fetches, feeds)
            except Injected:
                failed += 1
            assert_same_bits(state_of(sess), before)
        assert failed >= 1
        monkeypatch.undo()
        assert_same_bits(sess.run(model.everything, feeds), alone.run(model.everything, feeds))


def test_memory_is_asked_for_before_the_first_variable_changes(monkeypatch):
    model = masked()
    feeds = model.feeds(30, 0)
    with ready(model) as sess:
        sess.run(model.everything, feeds)
        new_array, turn, done = staged._Run.new_array, 0, False
        while not done:
            turn += 1
            before, calls = state_of(sess), []

            def failing(
                self: object, *arguments: object, calls: list = calls, turn: int = turn
            ) -> object:
                calls.append(1)
                if len(calls) == turn:
                    raise tf.errors.ResourceExhaustedError("none left")
                return new_array(self, *arguments)

            monkeypatch.setattr(staged._Run, "new_array", failing)
            try:
                sess.run(model.everything, feeds)
                done = True
            except tf.errors.ResourceExhaustedError:
                assert_same_bits(state_of(sess), before)
        assert turn > 3
        assert not np.array_equal(state_of(sess)["w"], before["w"])


def test_memory_that_cannot_be_had_is_told_of(monkeypatch):
    monkeypatch.setattr(memory, "machine_bytes", lambda: 2 << 30)
    x = tf.placeholder(tf.float32, [None], name="x")
    chosen = tf.boolean_mask(x, x > 0.0)
    pairs = tf.matmul(tf.expand_dims(chosen, 1), tf.expand_dims(chosen, 0), name="pairs")
    total = tf.reduce_sum(tf.matmul(pairs, pairs))
    with tf.Session() as sess:
        with pytest.raises(tf.errors.ResourceExhaustedError) as caught:
            sess.run(total, {x: np.ones(40_000)})
        message = str(caught.value)
        assert "11.9 GiB for temporaries cannot be had; no variable has changed" in message
        assert "pairs" in message
        assert "float32[40000, 40000]" in message
        assert sess.run(total, {x: [1.0, -1.0, 1.0]}) == 8.0


def test_a_python_function_decides_a_size():
    x = tf.placeholder(tf.float32, [None], name="x")
    unique = tf.py_func(np.unique, [x], tf.float32)
    unique.set_shape([None])
    doubled = unique * 2.0 + tf.cast(tf.shape(unique)[0], tf.float32)
    with tf.Session() as sess:
        for values in ([3.0, 1.0, 3.0], [2.0], [5.0, 4.0, 5.0, 4.0, 1.0]):
            wanted = np.unique(np.float32(values))
            np.testing.assert_array_equal(sess.run(doubled, {x: values}), wanted * 2 + len(wanted))


def test_random_numbers_of_a_counted_shape():
    x = tf.placeholder(tf.float32, [None], name="x")
    tf.set_random_seed(3)
    chosen = tf.boolean_mask(x, x > 0.0)
    noisy = chosen + tf.random_uniform(tf.shape(chosen))
    with tf.Session() as one, tf.Session() as other:
        values = np.array([1, -1, 2, 3], np.float32)
        first = [one.run(noisy, {x: values}) for _ in range(2)]
        assert_same_bits([other.run(noisy, {x: values}) for _ in range(2)], first)
        assert not np.array_equal(*first)
        assert ((first[0] - [1, 2, 3] >= 0) & (first[0] - [1, 2, 3] < 1)).all()


def test_an_uninitialised_variable_is_named():
    model = masked()
    with tf.Session() as sess, pytest.raises(tf.errors.FailedPreconditionError, match="'w'"):
        sess.run(model.fetches, model.feeds(4, 0))


def test_a_counted_size_of_one_broadcasts():
    tf.reset_default_graph()
    x, keep = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.bool, [None])
    calls = []

    def note(rows):
        calls.append(len(rows))
        return rows

    noted = tf.py_func(note, [x], tf.float32)
    noted.set_shape([None, 2])
    chosen = tf.boolean_mask(noted, keep)
    total = tf.Variable(0.0)
    made = chosen + tf.ones([3, 2])
    step = tf.assign_add(total, tf.reduce_sum(made))
    rows = np.arange(6.0).reshape(3, 2)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for mask in ([True, True, True], [False, True, False], [True, True, True]):
            found = sess.run([made, step], {x: rows, keep: mask})[0]
            np.testing.assert_array_equal(found, rows[mask] + np.ones((3, 2)))
        assert sess.run(total) == 63
        with pytest.raises(ShapeError, match="sizes that must agree differ"):
            sess.run(step, {x: rows, keep: [True, False, True]})
        assert sess.run(total) == 63
    assert calls == [3] * 4


def test_sizes_that_come_again_lay_nothing_again(monkeypatch):
    laid = []
    layout = segments.Layout.__init__

    def noted(self: object, *arguments: object) -> None:
        laid.append(arguments[1])
        layout(self, *arguments)

    monkeypatch.setattr(segments.Layout, "__init__", noted)
    x = tf.placeholder(tf.float32, [None], name="x")
    chosen = tf.sort(tf.boolean_mask(x, x > 0.0)) * 2.0
    with tf.Session() as sess:
        for values in ([3.0, -1.0, 1.0], [2.0, -2.0, 5.0]):  # two of three, twice
            wanted = np.sort([v for v in values if v > 0]) * 2
            np.testing.assert_array_equal(sess.run(chosen, {x: values}), wanted)
            assert len(laid) == len(set(laid))
        count = len(laid)
        np.testing.assert_array_equal(sess.run(chosen, {x: [4.0, 3.0, 1.0]}), [2, 6, 8])
        assert len(laid) > count
