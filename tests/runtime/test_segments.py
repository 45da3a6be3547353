"""Loops whose turns are run again in segments: same results, less memory, and the report of it."""

import re

import numpy as np
import pytest

import graphc as tf

WAYS = (4, 5, (8, 4, 2), (7, 3))  # even, with turns left, in levels of either
TURNS, BATCH, WIDTH = 12, 3, 4


@pytest.fixture(autouse=True)
def own_graph():
    with tf.Graph().as_default():
        yield


def values(fetches, feed=None, **options):
    with tf.Session(config=tf.Options(**options)) as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feed), session.compile_log()[-1]


def peak(line):
    return int(re.search(r"arena (\d+) bytes", line)[1])


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def assert_same(fetches, feed=None, ways=WAYS, rtol=1e-6):
    """Results are those of the same turns all kept, for every way to cut them."""
    expected, _ = values(fetches, feed)
    for way in ways:
        got, _ = values(fetches, feed, segments={"*": way})
        for a, b in zip(got, expected, strict=True):
            scale = np.abs(b).max(initial=1e-3)
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale, err_msg=str(way))


def network(cell, time=TURNS, lengths=None, seed=1, **how):
    """A network over ``[time, batch, width]``, a loss of its outputs and state, what it reads."""
    tf.set_random_seed(seed)
    x = tf.placeholder(tf.float32, [time, None, WIDTH])
    out, state = tf.nn.dynamic_rnn(
        cell, x, dtype=tf.float32, time_major=True, sequence_length=lengths, **how
    )
    loss = tf.reduce_sum(tf.sin(out)) + sum(tf.reduce_sum(tf.square(s)) for s in leaves(state))
    return x, loss


def leaves(state):
    return list(tf.contrib.framework.nest.flatten(state))


@pytest.mark.parametrize("kind", ["BasicRNNCell", "GRUCell", "LSTMCell"])
def test_gradients_of_cells_are_those_with_everything_kept(kind):
    x, loss = network(getattr(tf.nn.rnn_cell, kind)(WIDTH))
    fetches = [loss, *tf.gradients(loss, [x, *tf.trainable_variables()])]
    assert_same(fetches, {x: drawn(TURNS, BATCH, WIDTH)}, ways=WAYS if "LSTM" in kind else (5,))


def test_masked_turns_and_two_layers_and_directions():
    tf.set_random_seed(1)
    x = tf.placeholder(tf.float32, [BATCH, TURNS, WIDTH])
    lengths = tf.placeholder(tf.int32, [BATCH])
    cells = [tf.nn.rnn_cell.GRUCell(WIDTH) for _ in range(2)]
    first, _ = tf.nn.bidirectional_dynamic_rnn(*cells, x, lengths, dtype=tf.float32)
    second, _ = tf.nn.dynamic_rnn(
        tf.nn.rnn_cell.LSTMCell(WIDTH), tf.concat(first, 2), lengths, dtype=tf.float32
    )
    loss = tf.reduce_sum(tf.square(second))
    feed = {x: drawn(BATCH, TURNS, WIDTH), lengths: [12, 5, 0]}
    assert_same([loss, *tf.gradients(loss, [x, *tf.trainable_variables()])], feed, ways=(4, 5))


def test_drop_out_draws_the_same_masks_when_turns_are_run_again():
    cell = tf.nn.rnn_cell.DropoutWrapper(
        tf.nn.rnn_cell.GRUCell(WIDTH), input_keep_prob=0.6, state_keep_prob=0.7, seed=5
    )
    x, loss = network(cell)
    fetches = [loss, *tf.gradients(loss, [x, *tf.trainable_variables()])]
    assert_same(fetches, {x: drawn(TURNS, BATCH, WIDTH)}, ways=(4, (7, 3)))


@pytest.mark.parametrize("reverse", [False, True])
def test_second_derivatives_and_the_number_of_the_turn(reverse):
    x = tf.placeholder(tf.float64, [TURNS, WIDTH])
    w = tf.constant(drawn(WIDTH, WIDTH).astype(np.float64)) * 0.5
    numbers = tf.cast(tf.range(TURNS), tf.float64)
    h = tf.scan(
        lambda h, given: tf.tanh(tf.tensordot(h, w, 1) + given[0] * tf.cos(given[1])),
        (x, numbers), tf.zeros([WIDTH], tf.float64), reverse=reverse,
    )  # fmt: skip
    slope = tf.gradients(tf.reduce_sum(tf.square(h)), [x, w])
    product = tf.gradients(sum(tf.reduce_sum(tf.sin(s)) for s in slope), [x, w])
    assert_same([h, *slope, *product], {x: drawn(TURNS, WIDTH)}, ways=(4, 5, (6, 2)), rtol=1e-12)


def test_loops_in_loops():
    x = tf.placeholder(tf.float32, [TURNS, 6])

    def inner(h, row):
        return tf.foldl(lambda a, v: tf.sin(a) + v * 0.3, row, h)

    h = tf.scan(inner, x, tf.constant(0.5))
    fetches = [h, *tf.gradients(tf.reduce_sum(h * h), [x])]
    assert_same(fetches, {x: drawn(TURNS, 6)})


def test_while_loops_that_count():
    x = tf.placeholder(tf.float32, [WIDTH])
    n = tf.placeholder(tf.int32, [])

    def turn(k, h):
        return k + 1, tf.sin(h) * tf.cast(k + 1, tf.float32)

    h = tf.while_loop(lambda k, h: k < TURNS, turn, [0, x])[1]
    assert_same([h, *tf.gradients(h, x)], {x: drawn(WIDTH)}, ways=(5,))
    unknown = tf.while_loop(lambda k, h: k < n, turn, [0, x])[1]
    assert_same([unknown, *tf.gradients(unknown, x)], {x: drawn(WIDTH), n: 9}, ways=(3,))


@pytest.mark.parametrize("turns", [0, 1, 3, 12, 13])
def test_unknown_times(turns):
    x, loss = network(tf.nn.rnn_cell.LSTMCell(WIDTH), time=None)
    fetches = [loss, *tf.gradients(loss, [x, *tf.trainable_variables()])]
    assert_same(fetches, {x: drawn(turns, BATCH, WIDTH)}, ways=(4,) if turns < 12 else ((6, 2),))


def test_one_program_for_all_times():
    x, loss = network(tf.nn.rnn_cell.GRUCell(WIDTH), time=None)
    fetches = [loss, *tf.gradients(loss, [x, *tf.trainable_variables()])]
    feeds = [{x: drawn(turns, BATCH, WIDTH)} for turns in (9, 4, 0, 17, 8)]
    with tf.Session(config=tf.Options(segments={"*": 4})) as session:
        session.run(tf.global_variables_initializer())
        got = [session.run(fetches, feed) for feed in feeds]
        log = session.compile_log()
    assert sum("compile [Add" in line or "compile [add" in line for line in log) == 1
    for feed, found in zip(feeds, got, strict=True):
        expected, _ = values(fetches, feed)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-6)


def test_python_is_not_called_twice():
    seen = []

    def note(row):
        seen.append(1)
        return row

    x = tf.placeholder(tf.float32, [TURNS, WIDTH])
    h = tf.scan(
        lambda h, r: tf.sin(h + r) + tf.py_func(note, [tf.stop_gradient(h)], tf.float32) * 0.1,
        x, tf.zeros([WIDTH]),
    )  # fmt: skip
    slope = tf.gradients(h, x)[0]
    feed = {x: drawn(TURNS, WIDTH)}
    expected, _ = values(slope, feed)
    calls = len(seen)
    with tf.Session(config=tf.Options(segments={"*": 3})) as session:
        np.testing.assert_allclose(session.run(slope, feed), expected, rtol=1e-6)
        assert len(seen) == 2 * calls
        assert "would be called twice" in str(session.inspect(slope, feed))


# --- limits ---------------------------------------------------------------------------------------


def lstm(turns=100):
    x, loss = network(tf.nn.rnn_cell.LSTMCell(WIDTH), time=turns)
    return x, [loss, *tf.gradients(loss, tf.trainable_variables())]


def test_a_limit_is_kept_and_results_are_the_same():
    x, fetches = lstm(turns=300)
    feed = {x: drawn(300, 8, WIDTH)}
    expected, line = values(fetches, feed)
    whole = peak(line)
    for part in (2, 5):
        got, line = values(fetches, feed, memory_limit=whole // part)
        assert peak(line) <= whole // part
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6 * np.abs(b).max())


def test_a_limit_that_is_not_reached_changes_nothing():
    x, fetches = lstm()
    feed = {x: drawn(100, 8, WIDTH)}
    whole = peak(values(fetches, feed)[1])
    _, line = values(fetches, feed, memory_limit=whole)
    assert peak(line) == whole
    with tf.Session(config=tf.Options(memory_limit=whole)) as session:
        session.run(tf.global_variables_initializer())
        (loop,) = session.inspect(fetches, feed).loops
        assert (loop.strategy, loop.because) == ("store all", "it fits")


def test_a_limit_that_cannot_be_kept_names_the_least_that_can():
    x, fetches = lstm()
    feed = {x: drawn(100, 8, WIDTH)}
    with tf.Session(config=tf.Options(memory_limit=1000)) as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.ResourceExhaustedError) as caught:
            session.run(fetches, feed)
    told = str(caught.value)
    assert "memory_limit is 1000 bytes" in told
    assert "rnn/scan: 100 turns" in told
    least = int(re.search(r"allow memory_limit=(\d+)", told)[1])
    _, line = values(fetches, feed, memory_limit=least)
    assert peak(line) <= least


def test_longer_runs_are_compiled_again_where_the_limit_asks_for_it():
    x, fetches = lstm(turns=None)
    short, long = ({x: drawn(turns, 8, WIDTH)} for turns in (10, 300))
    whole = peak(values(fetches, long)[1])
    expected = [values(fetches, feed)[0] for feed in (short, long)]
    with tf.Session(config=tf.Options(memory_limit=whole // 4)) as session:
        session.run(tf.global_variables_initializer())
        got = [session.run(fetches, short), session.run(fetches, long)]
        planned = [peak(line) for line in session.compile_log() if "time" in line or "x_" in line]
        assert session.compile_log()[-1].startswith("plan ")
        assert peak(session.compile_log()[-1]) <= whole // 4
        assert any("memory_limit is" in line for line in session.compile_log()), planned
    for a, b in zip(got, expected, strict=True):
        for one, other in zip(a, b, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6 * np.abs(other).max())


def test_inference_is_cut_too():
    x, loss = network(tf.nn.rnn_cell.LSTMCell(WIDTH), time=400)
    feed = {x: drawn(400, 8, WIDTH)}
    expected, line = values(loss, feed)
    got, less = values(loss, feed, memory_limit=peak(line) * 2 // 3)
    assert peak(less) <= peak(line) * 2 // 3
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_the_report_says_what_is_kept(golden):
    x, fetches = lstm()
    feed = {x: drawn(100, 8, WIDTH)}
    parts = []
    for options in ({}, {"memory_limit": 40_000}, {"segments": {"rnn/*": (20, 5)}}):
        with tf.Session(config=tf.Options(**options)) as session:
            session.run(tf.global_variables_initializer())
            text = str(session.inspect(fetches, feed))
        notes = [line.split("  ")[-1] for line in text.splitlines() if " segments  " in line[:13]]
        section = re.search(r"^loops \(.*?\n\n", text, re.M | re.S)[0]
        parts += [str(options), *notes, re.sub(r"test_segments.py:\d+", "LINE", section)]
    assert "\n".join(parts) == golden


def test_options_refuse_what_is_no_limit():
    for wrong in (-1, 2.5, True):
        with pytest.raises(ValueError, match="memory_limit is a number of bytes"):
            tf.Options(memory_limit=wrong)
    for wrong in ((3, 5), -1, (4, 0)):
        with pytest.raises(ValueError, match="segments of 'rnn' are numbers of turns"):
            tf.Options(segments={"rnn": wrong})


# --- what stands between a loop and its gradient --------------------------------------------------


def language_model(time_major, turns=40, words=7):
    """The loss of a small language model, its gradients, and what it reads."""
    tf.set_random_seed(3)
    first, second = (turns, 5) if time_major else (5, turns)
    x = tf.placeholder(tf.float32, [first, second, WIDTH])
    labels = tf.placeholder(tf.int32, [first, second])
    cell = tf.nn.rnn_cell.LSTMCell(WIDTH)
    out, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, time_major=time_major)
    logits = tf.layers.dense(tf.reshape(out, [-1, WIDTH]), words)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.reshape(labels, [-1]), logits=logits
    )
    loss = tf.reduce_mean(each) + 1e-3 * tf.reduce_mean(tf.square(out))
    shape = (turns, 5) if time_major else (5, turns)
    drawn_labels = np.random.default_rng(1).integers(0, words, shape)
    feed = {x: drawn(*shape, WIDTH), labels: drawn_labels}
    return [loss, *tf.gradients(loss, tf.trainable_variables())], logits, feed


@pytest.mark.parametrize("time_major", [True, False])
def test_losses_of_outputs_are_made_with_the_segments(time_major):
    fetches, _, feed = language_model(time_major)
    assert_same(fetches, feed, ways=(5, (20, 4), 6))
    whole = 40 * 5 * WIDTH * 4  # bytes of the outputs
    largest = []
    for options in ({}, {"segments": {"*": 5}}):
        with tf.Session(config=tf.Options(**options)) as session:
            session.run(tf.global_variables_initializer())
            owners = session.inspect(fetches, feed).memory.owners
            largest.append(max(size for label, size, _ in owners if "abel" not in label))
    assert largest[1] < whole <= largest[0]


def test_what_somebody_fetches_is_there_as_well():
    fetches, logits, feed = language_model(True)
    assert_same([*fetches, logits], feed, ways=(5,))


def test_a_loss_that_the_gradient_waits_for():
    tf.set_random_seed(2)
    x = tf.placeholder(tf.float32, [TURNS, BATCH, WIDTH])
    out, _ = tf.nn.dynamic_rnn(
        tf.nn.rnn_cell.GRUCell(WIDTH), x, dtype=tf.float32, time_major=True
    )  # fmt: skip
    total = tf.reduce_sum(tf.square(out))
    loss = tf.reduce_sum(tf.sin(out) * tf.reduce_max(out, axis=2, keepdims=True)) / total
    loss += tf.reduce_sum(tf.exp(loss) * tf.transpose(out, [2, 0, 1]))
    fetches = [loss, total, *tf.gradients(loss, [x, *tf.trainable_variables()])]
    assert_same(fetches, {x: drawn(TURNS, BATCH, WIDTH)}, ways=(4, 5), rtol=3e-6)


def test_the_gradient_of_a_language_model_takes_a_tenth():
    fetches, _, feed = language_model(False, turns=400)
    expected, line = values(fetches, feed)
    got, less = values(fetches, feed, memory_limit=peak(line) // 10)
    assert peak(less) <= peak(line) // 10
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6 * np.abs(b).max())


# --- asked for where a loop is made ---------------------------------------------------------------


def test_segments_are_asked_for_where_a_loop_is_made():
    x = tf.placeholder(tf.float32, [TURNS, WIDTH])

    def summed(h, row):
        return tf.foldl(lambda a, v: tf.sin(a * v), row, h)

    plain = tf.scan(summed, x, tf.constant(0.5))
    with tf.segments(4):
        cut = tf.scan(summed, x, tf.constant(0.5))

    @tf.segments((6, 2))
    def counted():
        turn = lambda k, h: (k + 1, tf.sin(h + 1))  # noqa: E731
        return tf.while_loop(lambda k, h: k < TURNS, turn, [0, x[0]])[1]

    last = counted()
    slopes = [tf.gradients(tf.reduce_sum(y * y), x)[0] for y in (plain, cut, last)]
    feed = {x: drawn(TURNS, WIDTH)}
    with tf.Session() as session:
        a, b, _ = session.run(slopes, feed)
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
        loops = {entry.segments == [4] for entry in session.inspect(slopes[1], feed).loops}
        assert True in loops
        (entry,) = (e for e in session.inspect(slopes[2], feed).loops if e.segments)
        assert (entry.segments, entry.because) == ([6, 2], "asked for")


def test_segments_refuse_what_is_no_length():
    with pytest.raises(ValueError, match="numbers of turns, each smaller"), tf.segments((2, 3)):
        pass
