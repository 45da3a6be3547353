"""Recurrent networks and loops in TF1's names, for graphc and for TensorFlow's graph mode."""

from types import ModuleType

import numpy as np

from tests.benchmarks import alignments, networks, recurrence

_VARIABLES = {  # what a cell calls its weights, and whose columns they are
    "lstm": {"basic_lstm_cell": "cell"},
    "gru": {"gru_cell/gates": "cell", "gru_cell/candidate": "new"},
    "tanh": {"basic_rnn_cell": "cell"},
}


def cell(tf: ModuleType, spec: recurrence.Recurrent) -> object:
    cells = tf.nn.rnn_cell
    classes = {
        "lstm": cells.BasicLSTMCell, "gru": cells.GRUCell, "tanh": cells.BasicRNNCell,
    }  # fmt: skip
    return classes[spec.cell](spec.units)


def outputs(tf: ModuleType, spec: recurrence.Recurrent, x: object) -> object:
    """``x`` is [batch, turns, units], and so is what comes out."""
    if not spec.unrolled:
        return tf.nn.dynamic_rnn(cell(tf, spec), x, dtype=tf.float32, scope="rnn")[0]
    made, _ = tf.nn.static_rnn(
        cell(tf, spec), tf.unstack(x, spec.turns, axis=1), dtype=tf.float32, scope="rnn"
    )
    return tf.stack(made, axis=1)


def start(tf: ModuleType, spec: recurrence.Recurrent, sess: object) -> None:
    """The same weights everywhere, once the graph has made the cell's variables."""
    start = spec.parameters()
    by_name = {variable.op.name: variable for variable in tf.trainable_variables()}
    for path, part in _VARIABLES[spec.cell].items():
        kernel = np.concatenate([start[f"{part}_x"], start[f"{part}_h"]])
        sess.run(by_name[f"rnn/{path}/kernel"].assign(kernel))
        sess.run(by_name[f"rnn/{path}/bias"].assign(start[f"{part}_b"]))


def training(tf: ModuleType, spec: recurrence.Recurrent) -> tuple[object, ...]:
    """``(symbols, following, loss, train)`` in the default graph."""
    values = spec.parameters()
    symbols = tf.placeholder(tf.int32, [None, spec.turns], name="symbols")
    following = tf.placeholder(tf.int32, [None, spec.turns], name="following")
    table, w, b = (
        tf.get_variable(name, initializer=values[name])
        for name in ("embedding", "logits_w", "logits_b")
    )
    h = outputs(tf, spec, tf.nn.embedding_lookup(table, symbols))
    logits = tf.matmul(tf.reshape(h, [-1, spec.units]), w) + b
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.reshape(following, [-1]), logits=logits
        )
    )
    optimizer = tf.train.AdamOptimizer(
        networks.ADAM_RATE, networks.BETA1, networks.BETA2, networks.EPSILON
    )
    return symbols, following, loss, optimizer.minimize(loss)


def loop(tf: ModuleType, spec: recurrence.Loop, begin: object) -> object:
    """The last value, or its gradient with respect to ``begin``, a scalar."""
    _, x = tf.while_loop(
        lambda i, x: i < spec.turns,
        lambda i, x: (i + 1, x * spec.FACTOR + 1.0),
        [tf.constant(0), begin],
    )
    return tf.gradients(x, begin)[0] if spec.gradient else x


def ctc(tf: ModuleType, spec: alignments.Alignments, logits: object) -> object:
    """The gradient of the summed losses with respect to the logits, ``[turns, batch, classes]``."""
    labels, lengths = spec.labels()
    rows = np.repeat(np.arange(spec.batch), [len(label) for label in labels])
    places = np.concatenate([np.arange(len(label)) for label in labels])
    sparse = tf.SparseTensor(
        np.stack([rows, places], 1).astype(np.int64),
        np.concatenate(labels).astype(np.int32),
        np.array([spec.batch, max(map(len, labels))], np.int64),
    )
    loss = tf.nn.ctc_loss(sparse, logits, lengths)
    return tf.gradients(tf.reduce_sum(loss), logits)[0]
