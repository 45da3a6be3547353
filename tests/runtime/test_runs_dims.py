"""Sizes at run time: one compiled program serves them all, and says when it cannot."""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import FeedError, ShapeError
from tests.runtime.models import MODELS, assert_same_bits, classifier, ready, state_of


@pytest.fixture(autouse=True)
def fresh_graph() -> None:
    tf.reset_default_graph()


def compiles(sess: tf.Session) -> list[str]:
    return [line for line in sess.compile_log() if line.startswith("compile")]


@pytest.mark.parametrize("make", MODELS)
def test_random_sizes_alternating_in_one_session_equal_fresh_sessions(make):
    """Also the variables: each fresh session starts from what the one session then holds."""
    tf.set_random_seed(2)
    model = make()
    sizes = np.random.default_rng(8).integers(1, 90, 12).tolist()
    sizes += [*sizes[:4], 1, 0, 1]
    with ready(model) as sess:
        for n, size in enumerate(sizes):
            feeds = model.feeds(size, n)
            with tf.Session() as fresh:
                for key, value in state_of(sess).items():
                    fresh.variables.set(key, value)
                fresh.variables.entropy = sess.variables.entropy
                for path, state in sess.variables._states.items():
                    fresh.variables.random_state(path, sess.variables._seeds[path])[:] = state
                expected = fresh.run(model.everything, feeds)
                after = state_of(fresh)
            assert_same_bits(sess.run(model.everything, feeds), expected)
            assert_same_bits(state_of(sess), after)


@pytest.mark.parametrize("make", MODELS)
def test_a_new_batch_size_compiles_nothing(make):
    model = make()
    with ready(model) as sess:
        sess.run(model.everything, model.feeds(32, 0))
        before = compiles(sess)
        for size in (31, 64, 5, 1000, 2):
            sess.run(model.everything, model.feeds(size, 0))
        assert compiles(sess) == before


def test_a_new_batch_size_is_a_line_of_the_log_with_its_sizes():
    model = classifier()
    with ready(model) as sess:
        for size in (32, 48, 32, 48):
            sess.run(model.everything, model.feeds(size, 0))
        plans = [line for line in sess.compile_log() if line.startswith("plan") and "batch" in line]
        assert [line.split("] ")[1].split(":")[0] for line in plans] == ["batch=32", "batch=48"]


def test_plans_beyond_those_kept_are_made_again():
    x = tf.placeholder(tf.float32, [None], name="x")
    total = tf.reduce_sum(x * 2.0)
    with tf.Session() as sess:
        for size in [*range(1, 150), 3, 149, 1]:
            assert sess.run(total, {x: np.ones(size)}) == 2.0 * size
        assert len(compiles(sess)) == 1


def test_a_size_of_one_that_meets_another_compiles_the_broadcast_and_says_so():
    a = tf.placeholder(tf.float32, ["n", 3], name="a")
    b = tf.placeholder(tf.float32, ["m", 3], name="b")
    y = a * b + 1.0
    with tf.Session() as sess:
        for n, m in ((4, 4), (4, 1), (1, 4), (1, 1), (6, 1), (5, 5)):
            left = np.arange(3 * n, dtype=np.float32).reshape(n, 3)
            right = np.arange(3 * m, dtype=np.float32).reshape(m, 3) - 2
            np.testing.assert_array_equal(sess.run(y, {a: left, b: right}), left * right + 1)
        assert [line.split("] ")[1].split(":")[0] for line in compiles(sess)] == [
            "first run",
            "m = 1 broadcasts an axis of size 1 against another size",
            "n = 1 broadcasts an axis of size 1 against another size",
        ]


def test_broadcast_variants_differentiate():
    a = tf.placeholder(tf.float32, ["n"], name="a")
    b = tf.placeholder(tf.float32, ["m"], name="b")
    grads = tf.gradients(tf.reduce_sum(tf.square(a + b)), [a, b])
    with tf.Session() as sess:
        left, right = np.arange(4, dtype=np.float32), np.array([2], np.float32)
        for _ in range(2):
            one, other = sess.run(grads, {a: left, b: right})
            np.testing.assert_array_equal(one, 2 * (left + right))
            np.testing.assert_array_equal(other, [(2 * (left + right)).sum()])
            one, other = sess.run(grads, {a: left, b: left})
            np.testing.assert_array_equal(other, 4 * left)


def test_sizes_that_cannot_meet_are_refused_with_the_line_and_the_session_goes_on():
    a = tf.placeholder(tf.float32, ["n", 3], name="a")
    b = tf.placeholder(tf.float32, ["m", 3], name="b")
    y = a + b
    v = tf.Variable(1.0)
    step = v.assign_add(tf.reduce_sum(y))
    with tf.Session() as sess:
        sess.run(v.initializer)
        for _ in range(2):
            with pytest.raises(ShapeError, match=r"y = a \+ b") as caught:
                sess.run([y, step], {a: np.ones([4, 3]), b: np.ones([5, 3])})
            assert {"4", "5"} <= set(str(caught.value).split())
            assert sess.run(v) == 1.0
        assert sess.run(y, {a: np.ones([4, 3]), b: np.ones([4, 3])}).sum() == 24


def test_one_name_with_two_sizes_is_refused_on_first_and_later_runs():
    x = tf.placeholder(tf.float32, ["batch", 2], name="x")
    y = tf.placeholder(tf.float32, ["batch"], name="y")
    total = tf.reduce_sum(x, 1) * y
    with tf.Session() as sess:
        for _ in range(2):
            with pytest.raises(FeedError, match="the size 'batch' would be both 3 and 1"):
                sess.run(total, {x: np.ones([3, 2]), y: np.ones([1])})
            sess.run(total, {x: np.ones([3, 2]), y: np.ones([3])})


def test_placeholders_of_unknown_rank():
    x = tf.placeholder(tf.float32, name="x")
    y = tf.reduce_sum(tf.exp(x) + 1.0)
    z = tf.reshape(x * 2.0, [-1])
    with tf.Session() as sess:
        for shape in ((3,), (2, 3), (), (5,), (2, 2, 2), (4, 1)):
            values = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape) / 4
            total, flat = sess.run([y, z], {x: values})
            np.testing.assert_allclose(total, (np.exp(values) + 1).sum(), rtol=1e-5)
            np.testing.assert_array_equal(flat, values.ravel() * 2)
        assert len(compiles(sess)) == 4  # one per rank


def test_unknown_ranks_that_broadcast():
    a = tf.placeholder(tf.float32, name="a")
    b = tf.placeholder(tf.float32, name="b")
    with tf.Session() as sess:
        y = a - b
        for left, right in (
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((2, 3), (2, 1)),
            ((), (4,)),
            ((1,), (5,)),
        ):
            one = np.random.default_rng(0).random(left).astype(np.float32)
            other = np.random.default_rng(1).random(right).astype(np.float32)
            np.testing.assert_array_equal(sess.run(y, {a: one, b: other}), one - other)


def test_empty_batches():
    for make in MODELS:
        tf.reset_default_graph()
        model = make()
        with ready(model) as sess:
            first = sess.run(model.fetches, model.feeds(0, 0))
            again = sess.run(model.fetches, model.feeds(0, 0))
            assert_same_bits(again[:1], first[:1])
            sess.run(model.everything, model.feeds(3, 0))


def test_sizes_computed_from_sizes():
    x = tf.placeholder(tf.float32, ["n", 6], name="x")
    halves = tf.reshape(x, [-1, 3])
    both = tf.concat([halves, halves + 1.0], 0)
    n = tf.shape(both)[0]
    with tf.Session() as sess:
        for size in (1, 4, 2, 9):
            values = np.random.default_rng(size).random((size, 6)).astype(np.float32)
            got, rows = sess.run([both, n], {x: values})
            flat = values.reshape(-1, 3)
            np.testing.assert_array_equal(got, np.concatenate([flat, flat + 1]))
            assert rows == 4 * size
        assert len(compiles(sess)) == 1


def test_a_size_computed_from_others_that_turns_out_to_be_one_broadcasts() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, ["n"], name="x")
        y = tf.placeholder(tf.float32, ["m"], name="y")
        total = x[::4] + y
        ones = np.arange(5, dtype=np.float32)
        for n in (4, 3, 20, 4):
            fed = np.arange(n, dtype=np.float32)
            np.testing.assert_array_equal(sess.run(total, {x: fed, y: ones}), fed[::4] + ones)
        with pytest.raises(ValueError, match="sizes that must agree differ"):
            sess.run(total, {x: np.zeros(12, np.float32), y: ones})


def test_an_index_into_an_empty_table_of_long_rows_is_refused_and_reads_nothing():
    table = tf.placeholder(tf.float32, [None, 50_000_000])
    rows = tf.placeholder(tf.int32, [None])
    total = tf.reduce_sum(tf.gather(table, rows))
    nothing = np.zeros((0, 50_000_000), np.float32)
    with tf.Session() as sess:
        assert sess.run(total, {table: nothing, rows: []}) == 0.0
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"= 3 is not in \[0, 0\)"):
            sess.run(total, {table: nothing, rows: [3]})


def test_a_kernel_waits_for_the_counted_size_of_a_range_it_computes_itself():
    n = tf.placeholder(tf.int32, [])
    diagonal, down = tf.diag(tf.range(n)), tf.range(n, 0, -1)
    with tf.Session() as sess:
        for size in (3, 1, 0):
            square, falling = sess.run([diagonal, down], {n: size})
            np.testing.assert_array_equal(square, np.diag(np.arange(size)))
            np.testing.assert_array_equal(falling, np.arange(size, 0, -1))


@pytest.mark.parametrize("device", ["/cpu:0", "/reference:0"])
def test_squeeze_drops_the_axes_of_size_one_of_whatever_rank_is_fed(device):
    x = tf.placeholder(tf.float32)
    squeezed = tf.squeeze(x)
    with tf.Session(device=device) as sess:
        for shape in ((2, 1, 3), (1, 1, 3), (2, 1, 3), (1,), (3,), (), (0, 1)):
            kept = tuple(n for n in shape if n != 1)
            assert sess.run(squeezed, {x: np.zeros(shape, np.float32)}).shape == kept


@pytest.mark.parametrize("device", ["/cpu:0", "/reference:0"])
def test_squeeze_of_a_known_rank_drops_the_axes_known_to_have_size_one(device):
    x = tf.placeholder(tf.float32, [None, 1, 3])
    squeezed = tf.squeeze(x)
    with tf.Session(device=device) as sess:
        for n in (2, 1, 0):
            assert sess.run(squeezed, {x: np.zeros((n, 1, 3), np.float32)}).shape == (n, 3)


@pytest.mark.parametrize("device", ["/cpu:0", "/reference:0"])
def test_what_an_axis_has_too_few_of_is_refused_when_its_size_is_known(device):
    x = tf.placeholder(tf.float32, [None, None])
    fits = np.arange(9, dtype=np.float32).reshape(3, 3)
    calls = {
        (0, 2): tf.argmax(x, 0), (2, 0): tf.argmin(x, 1), (2, 2): tf.nn.top_k(x, 3)[0],
        (1, 3): x[2], (1, 2): tf.slice(x, [0, 1], [-1, 2]),
    }  # fmt: skip
    with tf.Session(device=device) as sess:
        for shape, call in calls.items():
            sess.run(call, {x: fits})
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                sess.run(call, {x: np.zeros(shape, np.float32)})
            assert "test_runs_dims.py" in str(caught.value)


def test_a_position_outside_an_axis_is_named():
    x = tf.placeholder(tf.float32, [None, 3])
    with tf.Session(device="/cpu:0") as sess:
        for call, words in ((tf.argmax(x, 0), "element 0 is not inside axis 0"),
                            (x[4], "index 4 is not inside axis 0")):  # fmt: skip
            with pytest.raises(ShapeError, match=words):
                sess.run(call, {x: np.zeros((0, 3), np.float32)})
