"""``tf.nn.raw_rnn`` against ``tf.nn.dynamic_rnn``, and with a state of the loop's own."""

import numpy as np
import pytest

import graphc as tf

TIME, BATCH, DEPTH, UNITS = 6, 4, 3, 5
X = np.random.default_rng(0).standard_normal((TIME, BATCH, DEPTH))


def reading(cell, rows, lengths):
    """TensorFlow's own example: what dynamic_rnn does."""

    def loop_fn(time, output, state, loop_state):
        finished = time >= lengths
        new = cell.zero_state(BATCH, tf.float64) if output is None else state
        following = tf.cond(
            tf.reduce_all(finished),
            lambda: tf.zeros([BATCH, DEPTH], tf.float64),
            lambda: rows.read(time),
        )
        return finished, following, new, output, None

    return loop_fn


@pytest.mark.parametrize("lengths", [[3, 6, 2, 4], [1, 1, 0, 1], [0, 0, 0, 0]])
def test_it_gives_what_dynamic_rnn_gives_and_its_slopes(lengths):
    x = tf.placeholder(tf.float64, [TIME, BATCH, DEPTH])
    counts = tf.placeholder(tf.int32, [BATCH])
    cell = tf.nn.rnn_cell.LSTMCell(UNITS, dtype=tf.float64)
    rows = tf.TensorArray(tf.float64, size=TIME).unstack(x)
    arrays, last, nothing = tf.nn.raw_rnn(cell, reading(cell, rows, counts))
    assert nothing is None
    one = arrays.stack()
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        two, ended = tf.nn.dynamic_rnn(
            cell, x, sequence_length=counts, dtype=tf.float64, time_major=True
        )
    wanted = [x, *tf.trainable_variables()]
    assert len(wanted) == 3
    found = [
        [y, *state, *tf.gradients(tf.reduce_sum(tf.sin(y)), wanted)]
        for y, state in ((one, last), (two, ended))
    ]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        fed = {x: X, counts: lengths}
        (out, *rest), (whole, *others) = (session.run(f, fed) for f in found)
        assert out.shape == (max(lengths), BATCH, UNITS)
        np.testing.assert_allclose(out, whole[: len(out)], atol=1e-14)
        assert not whole[len(out) :].any()
        for a, b in zip(rest, others, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)


def test_it_is_fed_what_it_gave_and_carries_a_state_of_the_loop():
    cell = tf.nn.rnn_cell.GRUCell(UNITS)

    def loop_fn(time, output, state, loop_state):
        new = cell.zero_state(BATCH, tf.float32) if output is None else state
        given = tf.ones([BATCH, UNITS]) if output is None else output
        said = tf.TensorArray(tf.int32, size=3) if loop_state is None else loop_state
        if output is not None:
            said = said.write(time - 1, time * time)
        emitted = tf.zeros([]) if output is None else tf.reduce_sum(output, 1)
        return tf.fill([BATCH], time >= 3), given, new, emitted, said

    arrays, state, said = tf.nn.raw_rnn(cell, loop_fn, scope="talk")
    assert all(v.name.startswith("talk/gru_cell/") for v in tf.trainable_variables())
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        sums, last, squares = session.run([arrays.stack(), state, said.stack()])
        kernels = session.run(tf.trainable_variables())
    assert squares.tolist() == [1, 4, 9]
    given, h = np.ones((BATCH, UNITS)), np.zeros((BATCH, UNITS))
    for row in sums:
        sigmoid = 1 / (1 + np.exp(-(np.hstack([given, h]) @ kernels[0] + kernels[1])))
        reset, update = np.split(sigmoid, 2, 1)
        candidate = np.tanh(np.hstack([given, reset * h]) @ kernels[2] + kernels[3])
        given = h = update * h + (1 - update) * candidate
        np.testing.assert_allclose(row, h.sum(1), rtol=1e-5)
    np.testing.assert_allclose(last, h, rtol=1e-5)


def test_what_is_given_is_looked_at():
    cell = tf.nn.rnn_cell.GRUCell(UNITS)
    with pytest.raises(TypeError, match="loop_fn must be a callable"):
        tf.nn.raw_rnn(cell, None)
    with pytest.raises(TypeError, match="RNNCell"):
        tf.nn.raw_rnn("cell", lambda *_: None)
