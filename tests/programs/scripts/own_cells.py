"""Cells that people write: classes with scopes of their own, stacked, looped, scanned."""

import numpy as np
import tensorflow as tf

BATCH, TIME, DEPTH, UNITS = 3, 6, 4, 5


def numbers(shape, dtype=tf.float32, partition_info=None):
    values = np.random.RandomState(sum(shape)).uniform(-0.6, 0.6, shape)
    return tf.constant(values.astype(np.float32))


class GRUCell(tf.nn.rnn_cell.RNNCell):
    def __init__(self, num_units):
        self._num_units = num_units

    @property
    def state_size(self):
        return self._num_units

    @property
    def output_size(self):
        return self._num_units

    def __call__(self, inputs, state, scope=None):
        with tf.variable_scope(scope or "gru_cell"):
            size = inputs.get_shape()[1].value + self._num_units
            with tf.variable_scope("gates"):
                w = tf.get_variable("w", [size, 2 * self._num_units])
                b = tf.get_variable(
                    "b", [2 * self._num_units], initializer=tf.constant_initializer(1.0)
                )
                both = tf.sigmoid(tf.matmul(tf.concat([inputs, state], 1), w) + b)
                r, u = tf.split(both, 2, 1)
            with tf.variable_scope("candidate"):
                w = tf.get_variable("w", [size, self._num_units])
                b = tf.get_variable("b", [self._num_units], initializer=tf.zeros_initializer())
                c = tf.tanh(tf.matmul(tf.concat([inputs, r * state], 1), w) + b)
            new_h = u * state + (1 - u) * c
        return new_h, new_h


class Projected(tf.nn.rnn_cell.RNNCell):
    """Wraps another cell: a linear map of what it gives, a pair as its state."""

    def __init__(self, cell, size):
        self._cell, self._size = cell, size

    @property
    def state_size(self):
        return (self._cell.state_size, 1)

    @property
    def output_size(self):
        return self._size

    def __call__(self, inputs, state, scope=None):
        with tf.variable_scope(scope or type(self).__name__):
            output, inner = self._cell(inputs, state[0])
            w = tf.get_variable("projection", [self._cell.output_size, self._size])
            return tf.matmul(output, w), (inner, state[1] + 1.0)


x = tf.placeholder(tf.float32, [None, TIME, DEPTH])
lengths = tf.placeholder(tf.int32, [None])
results = []
with tf.variable_scope("network", initializer=numbers):
    with tf.variable_scope("one"):
        results.append(("one", tf.nn.dynamic_rnn(GRUCell(UNITS), x, lengths, dtype=tf.float32)))
    with tf.variable_scope("stack"):
        stack = tf.nn.rnn_cell.MultiRNNCell([GRUCell(UNITS), Projected(GRUCell(3), 2)])
        results.append(("stack", tf.nn.dynamic_rnn(stack, x, lengths, dtype=tf.float32)))
    with tf.variable_scope("by_hand"):
        cell = GRUCell(UNITS)
        state = cell.zero_state(BATCH, tf.float32)
        for t in range(TIME):
            if t:
                tf.get_variable_scope().reuse_variables()
            output, state = cell(x[:, t], state)
        results.append(("by hand", (output, state)))
    with tf.variable_scope("scanned"):
        # A network without a cell: tf.scan along time, its outputs by tf.map_fn.
        U = tf.get_variable("U", [DEPTH, UNITS])
        W = tf.get_variable("W", [UNITS, UNITS])
        V = tf.get_variable("V", [UNITS, 2])

        def recurrence(previous, current):
            h, count = previous
            return tf.tanh(tf.matmul(current, U) + tf.matmul(h, W)), count + tf.reduce_sum(h)

        states, counts = tf.scan(
            recurrence,
            tf.transpose(x, [1, 0, 2]),
            initializer=(tf.zeros([BATCH, UNITS]), tf.constant(0.0)),
        )
        outputs = tf.map_fn(lambda h: tf.matmul(h, V), states, dtype=tf.float32)
        results.append(("scanned", (outputs, (states[-1], counts))))
    with tf.variable_scope("looped"):
        # The same network again, a while loop that writes what it gives into an array.
        given = tf.TensorArray(tf.float32, TIME).unstack(tf.transpose(x, [1, 0, 2]))
        taken = tf.TensorArray(tf.float32, TIME)

        def turn(t, h, taken):
            h = tf.tanh(tf.matmul(given.read(t), U) + tf.matmul(h, W))
            return t + 1, h, taken.write(t, tf.matmul(h, V))

        _, h, taken = tf.while_loop(
            lambda t, *_: t < TIME, turn, (0, tf.zeros([BATCH, UNITS]), taken)
        )
        results.append(("looped", (taken.stack(), h)))


def leaves(found):
    if isinstance(found, (list, tuple)):
        return [leaf for part in found for leaf in leaves(part)]
    return [found]


np.random.seed(2)
feed = {x: np.random.uniform(-1, 1, [BATCH, TIME, DEPTH]), lengths: [6, 2, 4]}
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for v in tf.trainable_variables():
        print(v.name, v.get_shape().as_list())
    for name, (outputs, state) in results:
        loss = tf.reduce_sum(tf.square(outputs))
        slopes = [g for g in tf.gradients(loss, [x, *tf.trainable_variables()]) if g is not None]
        for found in leaves(session.run([outputs, state, slopes], feed)):
            numbers_of = " ".join("%.4f" % v for v in np.ravel(found)[:4])
            print(name, list(np.shape(found)), "%.4f" % np.sum(np.abs(found)), numbers_of)
