"""``tf.contrib.rnn``: whole sequences in one call, turned round, in stacks of both ways."""

import numpy as np
import pytest

import graphc as tf

rnn = tf.contrib.rnn
BATCH, DEPTH, UNITS = 3, 4, 6


def spread(sess, variables):
    """Give variables numbers that do not depend on how they are drawn."""
    values = {}
    for k, v in enumerate(sorted(variables, key=lambda v: v.op.name)):
        shape = v.shape.as_list()
        value = np.sin(np.arange(int(np.prod(shape))) * 0.7 + k).reshape(shape) * 0.6
        v.load(value, sess)
        values[v.op.name] = value
    return values


TIME = 5
ROWS = np.random.RandomState(8).uniform(-1, 1, (TIME, BATCH, DEPTH)).astype(np.float32)
LENGTHS = np.array([5, 0, 3])


def test_a_fused_lstm_is_the_block_cell_along_time(session):
    fused = rnn.LSTMBlockFusedCell(UNITS, use_peephole=True, cell_clip=0.4)
    outputs, state = fused(tf.constant(ROWS), dtype=tf.float32, sequence_length=LENGTHS)
    listed, _ = fused(tf.unstack(tf.constant(ROWS)), dtype=tf.float32, sequence_length=LENGTHS)
    with tf.variable_scope("beside"):
        cell = rnn.LSTMBlockCell(UNITS, use_peephole=True, cell_clip=0.4)
        expected, held = tf.nn.dynamic_rnn(
            cell, tf.constant(ROWS), LENGTHS, dtype=tf.float32, time_major=True
        )
    names = [v.op.name for v in tf.trainable_variables()]
    short = ("kernel", "bias", "w_i_diag", "w_f_diag", "w_o_diag")
    assert names[:5] == [f"lstm_fused_cell/{n}" for n in short]
    assert names[5:] == [f"beside/rnn/lstm_cell/{n}" for n in short]
    sess = session()
    sess.run(tf.global_variables_initializer())
    variables = tf.trainable_variables()
    values = spread(sess, variables[:5])
    for one, other in zip(variables[:5], variables[5:], strict=True):
        other.load(values[one.op.name].astype(np.float32), sess)
    got, last, as_list, want, kept = sess.run([outputs, state, listed, expected, held])
    np.testing.assert_allclose(got, want, rtol=1e-6)
    np.testing.assert_allclose(np.stack(as_list), want, rtol=1e-6)
    np.testing.assert_allclose(last.c, kept.c, rtol=1e-6)
    np.testing.assert_allclose(last.h, kept.h, rtol=1e-6)


def test_an_own_fused_cell_ends_with_the_last_row_of_each_sequence(session):
    class Sums(rnn.LSTMBlockWrapper):
        """Cells are running sums, outputs their squares."""

        num_units = DEPTH

        def _call_cell(self, inputs, initial_cell_state, initial_output, dtype, sequence_length):
            cells = tf.cumsum(inputs, axis=0) + initial_cell_state
            return cells, tf.square(cells)

    starts = np.ones((BATCH, DEPTH), np.float32)
    outputs, state = Sums()(
        tf.constant(ROWS), initial_state=(starts, 2 * starts), sequence_length=LENGTHS
    )
    _, whole = Sums()(tf.constant(ROWS), dtype=tf.float32)
    got, last, end = session().run([outputs, state, whole])
    sums = np.cumsum(ROWS, 0) + 1
    np.testing.assert_allclose(got, sums**2, rtol=1e-5)
    np.testing.assert_allclose(last.c, [sums[4, 0], starts[1], sums[2, 2]], rtol=1e-5)
    np.testing.assert_allclose(last.h[1], 2 * starts[1])
    np.testing.assert_allclose(end.c, np.sum(ROWS, 0), rtol=1e-5)


@pytest.mark.parametrize("dynamic", [True, False])
def test_an_adaptor_and_a_turned_network(session, dynamic):
    adaptor = rnn.FusedRNNCellAdaptor(tf.nn.rnn_cell.GRUCell(UNITS), use_dynamic_rnn=dynamic)
    turned = rnn.TimeReversedFusedRNN(adaptor)
    with tf.variable_scope("ahead"):
        outputs, state = turned(tf.constant(ROWS), dtype=tf.float32, sequence_length=LENGTHS)
    back = tf.reverse_sequence(ROWS, LENGTHS, seq_axis=0, batch_axis=1)
    with tf.variable_scope("ahead", reuse=True), tf.variable_scope("rev_rnn"):
        expected, held = tf.nn.dynamic_rnn(
            tf.nn.rnn_cell.GRUCell(UNITS), back, LENGTHS, dtype=tf.float32, time_major=True
        )
    expected = tf.reverse_sequence(expected, LENGTHS, seq_axis=0, batch_axis=1)
    sess = session()
    sess.run(tf.global_variables_initializer())
    got, last, want, kept = sess.run([outputs, state, expected, held])
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(last, kept, rtol=1e-5, atol=1e-6)
    assert tf.trainable_variables()[0].op.name == "ahead/rev_rnn/rnn/gru_cell/gates/kernel"


def test_stacks_of_both_directions_agree_written_out_and_as_loops(session):
    def cells():
        return [tf.nn.rnn_cell.GRUCell(UNITS), tf.nn.rnn_cell.BasicLSTMCell(2)]

    rows = np.swapaxes(ROWS, 0, 1)
    outputs, fw, bw = rnn.stack_bidirectional_dynamic_rnn(
        cells(), cells(), tf.constant(rows), dtype=tf.float32, sequence_length=LENGTHS
    )
    names = [v.op.name for v in tf.trainable_variables()]
    assert names[0] == "stack_bidirectional_rnn/cell_0/bidirectional_rnn/fw/gru_cell/gates/kernel"
    assert names[-1] == "stack_bidirectional_rnn/cell_1/bidirectional_rnn/bw/basic_lstm_cell/bias"
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        listed, fw_2, bw_2 = rnn.stack_bidirectional_rnn(
            cells(), cells(), tf.unstack(tf.constant(rows), axis=1), dtype=tf.float32,
            sequence_length=LENGTHS,
        )  # fmt: skip
    assert len(tf.trainable_variables()) == len(names)
    sess = session()
    sess.run(tf.global_variables_initializer())
    got, want = sess.run([(outputs, fw, bw), (tf.stack(listed, 1), fw_2, bw_2)])
    for a, b in zip(tf.nest.flatten(got), tf.nest.flatten(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert got[0].shape == (BATCH, TIME, 4)
    with pytest.raises(ValueError, match="same depth: 2, 1"):
        rnn.stack_bidirectional_dynamic_rnn(cells(), cells()[:1], rows, dtype=tf.float32)
    with pytest.raises(ValueError, match="initial_states_fw must be a list of 2"):
        rnn.stack_bidirectional_rnn(cells(), cells(), tf.unstack(rows), [None], dtype=tf.float32)


def test_batch_and_time_change_places():
    assert rnn.transpose_batch_time(tf.zeros([2, 5, 3])).shape.as_list() == [5, 2, 3]
    assert rnn.transpose_batch_time(tf.zeros([2])).shape.as_list() == [2]
    unknown = tf.placeholder(tf.float32, [5, None, 3])
    assert rnn.best_effort_input_batch_size([unknown, tf.zeros([5, 7])]) == 7


@pytest.mark.parametrize("ways", [1, 2])
@pytest.mark.parametrize("kind", ["CudnnLSTM", "CudnnGRU", "CudnnRNNTanh"])
def test_cudnn_layers_are_networks_of_compatible_cells(session, kind, ways):
    cudnn = tf.contrib.cudnn_rnn
    layer = getattr(cudnn, kind)(
        2, UNITS, direction="unidirectional" if ways == 1 else "bidirectional"
    )
    outputs, states = layer(tf.constant(ROWS))
    again, _ = layer(tf.constant(ROWS))
    short, ends = layer(tf.constant(ROWS), sequence_lengths=LENGTHS)
    make = {"CudnnLSTM": cudnn.CudnnCompatibleLSTMCell, "CudnnGRU": cudnn.CudnnCompatibleGRUCell,
            "CudnnRNNTanh": tf.nn.rnn_cell.BasicRNNCell}[kind]  # fmt: skip
    prefix = {"CudnnLSTM": "cudnn_lstm", "CudnnGRU": "cudnn_gru",
              "CudnnRNNTanh": "cudnn_rnn_tanh"}[kind]  # fmt: skip
    count = len(tf.trainable_variables())
    assert len(layer.weights) == count
    with tf.variable_scope(prefix, reuse=True):
        if ways == 1:
            stacked = tf.nn.rnn_cell.MultiRNNCell([make(UNITS), make(UNITS)])
            expected, held = tf.nn.dynamic_rnn(
                stacked, tf.constant(ROWS), LENGTHS, dtype=tf.float32, time_major=True
            )
        else:
            expected, fw, bw = rnn.stack_bidirectional_dynamic_rnn(
                [make(UNITS), make(UNITS)], [make(UNITS), make(UNITS)], tf.constant(ROWS),
                dtype=tf.float32, sequence_length=LENGTHS, time_major=True,
            )  # fmt: skip
            held = [fw[0], bw[0], fw[1], bw[1]]
    assert len(tf.trainable_variables()) == count  # the names are those of the cells' networks
    sess = session()
    sess.run(tf.global_variables_initializer())
    whole, same, got, last, want, kept = sess.run([outputs, again, short, ends, expected, held])
    np.testing.assert_array_equal(whole, same)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(whole[:, 0], got[:, 0], rtol=1e-5, atol=1e-6)  # as long as it gets
    if kind == "CudnnLSTM":
        kept = [np.stack([s.h for s in kept]), np.stack([s.c for s in kept])]
    else:
        kept = [np.stack(kept)]
    for a, b in zip(last, kept, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        assert a.shape == (2 * ways, BATCH, UNITS)
    assert [t.shape.as_list() for t in states] == [[2 * ways, BATCH, UNITS]] * len(kept)


def test_cudnn_layers_go_on_from_a_state(session):
    layer = tf.contrib.cudnn_rnn.CudnnLSTM(2, UNITS, dropout=0.5)
    whole, _ = layer(tf.constant(ROWS), training=False)
    _, state = layer(tf.constant(ROWS[:2]), training=False)
    rest, _ = layer(tf.constant(ROWS[2:]), initial_state=state, training=False)
    dropped, _ = layer(tf.constant(ROWS), training=True)
    sess = session()
    sess.run(tf.global_variables_initializer())
    a, b, c = sess.run([whole, rest, dropped])
    np.testing.assert_allclose(a[2:], b, rtol=1e-5, atol=1e-6)
    assert np.abs(a - c).max() > 0.01
    with pytest.raises(ValueError, match="direction must be"):
        tf.contrib.cudnn_rnn.CudnnLSTM(1, 2, direction="both")


class Saver:
    """Keeps states in variables, as a queue of pieces of sequences would."""

    def __init__(self, names, width):
        self.held = {n: tf.Variable(tf.zeros([BATCH, width]), name=n) for n in names}

    def state(self, name):
        return self.held[name].value()

    def save_state(self, name, value):
        return tf.assign(self.held[name], value).op


def test_a_saved_state_goes_on_in_the_next_run(session):
    saver = Saver(["c", "h"], UNITS)
    fed = tf.placeholder(tf.float32, [2, BATCH, DEPTH])
    cell = tf.nn.rnn_cell.BasicLSTMCell(UNITS)
    outputs, state = tf.nn.static_state_saving_rnn(cell, tf.unstack(fed), saver, ("c", "h"))
    with tf.variable_scope("", reuse=True):
        rows = tf.unstack(tf.constant(ROWS[:4]))
        whole, last = tf.nn.static_rnn(tf.nn.rnn_cell.BasicLSTMCell(UNITS), rows, dtype=tf.float32)
    sess = session()
    sess.run(tf.global_variables_initializer())
    want, end = sess.run([whole, last])
    sess.run(outputs[-1], {fed: ROWS[:2]})
    got, held = sess.run([outputs, state], {fed: ROWS[2:4]})
    np.testing.assert_allclose(got[-1], want[-1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(held.c, end.c, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="state_name must have a name for each part"):
        tf.nn.static_state_saving_rnn(cell, rows, saver, "c")
