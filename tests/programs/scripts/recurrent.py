"""Recurrent networks of every standard cell: outputs, states, variables, gradients."""

import numpy as np
import tensorflow as tf

rnn_cell = tf.nn.rnn_cell
np.random.seed(1)
BATCH, TIME, DEPTH, UNITS = 3, 5, 4, 6
x = tf.placeholder(tf.float32, [None, TIME, DEPTH])
lengths = tf.placeholder(tf.int32, [None])
value = np.random.uniform(-1, 1, [BATCH, TIME, DEPTH]).astype(np.float32)
given = np.array([5, 0, 3])


def spread(variable, k):
    size = int(np.prod(variable.get_shape().as_list()))
    numbers = np.sin(np.arange(size) * 0.7 + k) * 0.5
    return tf.assign(variable, numbers.reshape(variable.get_shape().as_list()).astype(np.float32))


cells = [
    ("basic", lambda: rnn_cell.BasicRNNCell(UNITS)),
    ("gru", lambda: rnn_cell.GRUCell(UNITS)),
    ("basic lstm", lambda: rnn_cell.BasicLSTMCell(UNITS, forget_bias=0.5)),
    ("one tensor", lambda: rnn_cell.BasicLSTMCell(UNITS, state_is_tuple=False)),
    ("lstm", lambda: rnn_cell.LSTMCell(UNITS, use_peepholes=True, num_proj=3, cell_clip=0.4)),
    ("stack", lambda: rnn_cell.MultiRNNCell([rnn_cell.GRUCell(4), rnn_cell.LSTMCell(UNITS)])),
    ("residual", lambda: rnn_cell.ResidualWrapper(rnn_cell.GRUCell(DEPTH))),
    ("dropout", lambda: rnn_cell.DropoutWrapper(rnn_cell.BasicRNNCell(UNITS, activation=tf.abs))),
]


class Leaky(rnn_cell.RNNCell):
    """A cell as users write them."""

    def __init__(self, size):
        super(Leaky, self).__init__()
        self._size = size

    @property
    def state_size(self):
        return self._size

    @property
    def output_size(self):
        return self._size

    def __call__(self, inputs, state, scope=None):
        with tf.variable_scope(scope or "leaky_cell"):
            with tf.variable_scope("inner"):
                w = tf.get_variable("w", [DEPTH + self._size, self._size])
            b = tf.get_variable("b", [self._size], initializer=tf.constant_initializer(0.1))
            new = tf.tanh(tf.matmul(tf.concat([inputs, state], 1), w) + b)
            new = 0.5 * state + 0.5 * new
        return new, new


cells.append(("own", lambda: Leaky(UNITS)))
shown = []
for name, make in cells:
    with tf.variable_scope("dynamic_" + name.replace(" ", "_")):
        outputs, state = tf.nn.dynamic_rnn(make(), x, sequence_length=lengths, dtype=tf.float32)
    with tf.variable_scope("static_" + name.replace(" ", "_")):
        listed, last = tf.nn.static_rnn(make(), tf.unstack(x, axis=1), dtype=tf.float32)
    loss = tf.reduce_sum(tf.square(outputs))
    shown.append((name, outputs, state, listed[-1], last, tf.gradients(loss, x)[0]))
with tf.variable_scope("both"):
    (ahead, back), states = tf.nn.bidirectional_dynamic_rnn(
        rnn_cell.GRUCell(2), rnn_cell.BasicLSTMCell(3), x, lengths, dtype=tf.float32
    )
with tf.variable_scope("both_static"):
    joined, one, two = tf.nn.static_bidirectional_rnn(
        rnn_cell.GRUCell(2), rnn_cell.GRUCell(2), tf.unstack(x, axis=1), dtype=tf.float32
    )
shown.append(("both", ahead, back, states, joined[0], tf.gradients(tf.reduce_sum(back), x)[0]))
time_major = tf.nn.dynamic_rnn(
    rnn_cell.GRUCell(2),
    tf.transpose(x, [1, 0, 2]),
    time_major=True,
    initial_state=tf.ones([BATCH, 2]) * 0.5,
)
shown.append(("time major", time_major))
starts = [spread(v, k) for k, v in enumerate(tf.global_variables())]

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run(starts)
    for v in tf.trainable_variables():
        print(v.name, v.get_shape().as_list())

    def leaves(found):
        if isinstance(found, (list, tuple)):
            return [leaf for part in found for leaf in leaves(part)]
        return [found]

    for name, *tensors in shown:
        for found in leaves(session.run(tensors, {x: value, lengths: given})):
            print(name, found.shape, "%.5f %.5f" % (found.sum(), np.abs(found).sum()))
            print(" ".join("%.4f" % v for v in found.ravel()[:6]))
