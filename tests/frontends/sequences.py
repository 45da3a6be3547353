"""What tests of sequences share: inputs, a memory, decoders, and the GRU in NumPy."""

import numpy as np

import graphc as tf

seq2seq = tf.contrib.seq2seq
GRUCell, LSTMCell = tf.nn.rnn_cell.GRUCell, tf.nn.rnn_cell.LSTMCell
BATCH, TIME, DEPTH, UNITS, CLASSES = 3, 5, 4, 6, 7
RANDOM = np.random.RandomState(5)
X = RANDOM.uniform(-1, 1, (BATCH, TIME, DEPTH)).astype(np.float32)
LENGTHS = np.array([3, 5, 1])
MEMORY = RANDOM.uniform(-1, 1, (BATCH, 4, 5)).astype(np.float32)
MEMORY_LENGTHS = np.array([4, 1, 3])
STATE = RANDOM.uniform(-1, 1, (BATCH, UNITS)).astype(np.float32)


def names():
    return [v.op.name for v in tf.trainable_variables()]


def started(session, scale=1.0):
    """A session whose variables have numbers that do not depend on how they are drawn."""
    sess = session()
    sess.run(tf.global_variables_initializer())
    for k, v in enumerate(sorted(tf.trainable_variables(), key=lambda v: v.op.name)):
        shape = v.shape.as_list()
        value = np.sin(np.arange(int(np.prod(shape))) * 1.3 + k).reshape(shape) * scale
        v.load(value.astype(v.dtype.base_dtype.as_numpy_dtype), sess)
    return sess


def teacher(inputs=X, lengths=LENGTHS, layer=None, **kwargs):
    cell = GRUCell(UNITS)
    helper = seq2seq.TrainingHelper(tf.constant(inputs), lengths, **kwargs)
    state = cell.zero_state(BATCH, tf.float32)
    return seq2seq.BasicDecoder(cell, helper, state, layer)


def gru(x, h, v, scope):
    sigmoid = lambda t: 1 / (1 + np.exp(-t))  # noqa: E731
    both = np.concatenate([x, h], 1)
    gates = sigmoid(both @ v[f"{scope}/gates/kernel"] + v[f"{scope}/gates/bias"])
    r, u = np.split(gates, 2, 1)
    inside = np.concatenate([x, r * h], 1) @ v[f"{scope}/candidate/kernel"]
    return u * h + (1 - u) * np.tanh(inside + v[f"{scope}/candidate/bias"])


def values(sess):
    return {v.op.name: sess.run(v) for v in tf.trainable_variables()}


def generator(helper, layer=None, state=None):
    cell = GRUCell(UNITS)
    state = cell.zero_state(BATCH, tf.float32) if state is None else state
    return seq2seq.BasicDecoder(cell, helper, state, layer or tf.layers.Dense(CLASSES))


def masked(score, lengths):
    steps = np.arange(score.shape[1])
    score = np.where(steps < lengths[:, None], score, -np.inf)
    e = np.exp(score - score.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def wrapped(units=UNITS, layer=None, mechanism=None, **kwargs):
    made = mechanism or seq2seq.LuongAttention(units, MEMORY, MEMORY_LENGTHS)
    return seq2seq.AttentionWrapper(GRUCell(units), made, attention_layer_size=layer, **kwargs)
