"""Recurrent networks: any length and batch in one session, and gradients of both orders.

A session that has seen one size compiles nothing for another, and gives what a fresh one gives.
"""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphc as tf

INPUT, UNITS = 3, 4
CELLS = {
    "tanh": lambda n: tf.nn.rnn_cell.BasicRNNCell(n),
    "gru": lambda n: tf.nn.rnn_cell.GRUCell(n),
    "lstm": lambda n: tf.nn.rnn_cell.BasicLSTMCell(n),
    "peepholes": lambda n: tf.nn.rnn_cell.LSTMCell(n, use_peepholes=True, num_proj=n),
    "layers": lambda n: tf.nn.rnn_cell.MultiRNNCell(
        [tf.nn.rnn_cell.GRUCell(n), tf.nn.rnn_cell.BasicLSTMCell(n)]
    ),
}


def compiled(session):
    """Kernels compiled so far, as the session's log says."""
    return sum(int(n) for n in re.findall(r"(\d+) compiled\)", "\n".join(session.compile_log())))


class Network:
    """A network of any batch and time, with a loss and its gradients, in a session of its own."""

    def __init__(self, kind, both_ways, dtype=tf.float32, device="/cpu:0"):
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.set_random_seed(3)
            self.x = tf.placeholder(dtype, [None, None, INPUT])
            self.lengths = tf.placeholder(tf.int32, [None])
            initializer = tf.random_normal_initializer(stddev=0.5, seed=5)
            with tf.variable_scope("network", initializer=initializer):
                outputs = self.run(kind, both_ways, dtype)
            self.outputs = outputs
            self.loss = tf.reduce_sum(tf.square(outputs)) + tf.reduce_sum(tf.sin(outputs))
            self.parameters = [self.x, *tf.trainable_variables()]
            self.slopes = tf.gradients(self.loss, self.parameters)
            self.session = tf.Session(device=device)
            self.session.run(tf.global_variables_initializer())

    def run(self, kind, both_ways, dtype):
        cell = CELLS[kind]
        if not both_ways:
            return tf.nn.dynamic_rnn(cell(UNITS), self.x, self.lengths, dtype=dtype)[0]
        outputs, _ = tf.nn.bidirectional_dynamic_rnn(
            cell(UNITS), cell(UNITS), self.x, self.lengths, dtype=dtype
        )
        return tf.concat(outputs, 2)

    def results(self, lengths, time):
        x = np.random.default_rng(time).standard_normal((len(lengths), time, INPUT))
        feeds = {self.x: x, self.lengths: lengths}
        return self.session.run([self.outputs, *self.slopes], feeds)

    def close(self):
        self.session.close()


sizes = st.lists(
    st.integers(1, 7).flatmap(
        lambda time: st.tuples(
            st.lists(st.integers(0, time), min_size=1, max_size=5), st.just(time)
        )
    ),
    min_size=2,
    max_size=5,
)


@pytest.mark.parametrize(
    ("kind", "both_ways"), [*((kind, False) for kind in CELLS), ("gru", True), ("lstm", True)]
)
def test_lengths_and_batches_take_turns_and_compile_nothing(kind, both_ways, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHC_CACHE_DIR", str(tmp_path))  # so that the first run does compile
    kept = Network(kind, both_ways)
    kept.results([2, 3, 1], 3)
    before = compiled(kept.session)
    assert before > 0

    @settings(max_examples=4)
    @given(sizes)
    def alternate(found):
        fresh = Network(kind, both_ways)
        for lengths, time in found:
            got = kept.results(lengths, time)
            for a, b in zip(got, fresh.results(lengths, time), strict=True):
                np.testing.assert_array_equal(a, b)
            for row, length in zip(got[0], lengths, strict=True):
                assert not row[length:].any()
        fresh.close()

    alternate()
    assert compiled(kept.session) == before
    kept.close()


@pytest.mark.parametrize("device", ["/cpu:0", "/reference:0"])
@pytest.mark.parametrize("kind", CELLS)
def test_slopes_and_curves_of_networks_are_those_of_finite_differences(kind, device):
    """The gradient, and the product of the Hessian with a vector, along random directions."""
    network = Network(kind, kind == "gru", tf.float64, device)
    random = np.random.default_rng(1)
    lengths, step = [4, 2, 0], 1e-5
    with network.graph.as_default(), network.session.as_default():
        x = random.standard_normal((3, 4, INPUT))
        values = [x, *network.session.run(network.parameters[1:])]
        along, across = ([random.standard_normal(v.shape) for v in values] for _ in range(2))
        dotted = tf.add_n(
            [tf.reduce_sum(s * d) for s, d in zip(network.slopes, along, strict=True)]
        )
        curves = tf.gradients(dotted, network.parameters)

        def at(by, wanted):
            moved = [v + by * d for v, d in zip(values, across, strict=True)]
            for variable, value in zip(network.parameters[1:], moved[1:], strict=True):
                variable.load(value)
            return network.session.run(wanted, {network.x: moved[0], network.lengths: lengths})

        for of, found in ((network.loss, network.slopes), (dotted, curves)):
            exact = sum(np.sum(s * d) for s, d in zip(at(0, found), across, strict=True))
            slope = (at(step, of) - at(-step, of)) / (2 * step)
            np.testing.assert_allclose(exact, slope, rtol=1e-6, atol=1e-7)
    network.close()


def test_a_cell_written_for_the_first_tensorflow_runs_verbatim():
    """``tf.concat(axis, values)``, weights shared by a scope that is opened again for each turn."""
    num_classes, state_size, turns = 2, 4, 5
    x = tf.placeholder(tf.int32, [3, turns])
    rnn_inputs = tf.unpack(tf.one_hot(x, num_classes), axis=1)
    with tf.variable_scope("rnn_cell"):
        W = tf.get_variable("W", [num_classes + state_size, state_size])
        b = tf.get_variable("b", [state_size], initializer=tf.constant_initializer(0.0))

    # fmt: off
    def rnn_cell(rnn_input, state):
        with tf.variable_scope('rnn_cell', reuse=True):
            W = tf.get_variable('W', [num_classes + state_size, state_size])
            b = tf.get_variable('b', [state_size], initializer=tf.constant_initializer(0.0))
        return tf.tanh(tf.matmul(tf.concat(1, [rnn_input, state]), W) + b)
    # fmt: on

    state = tf.zeros([3, state_size])
    for rnn_input in rnn_inputs:
        state = rnn_cell(rnn_input, state)
    slope = tf.gradients(state, W)[0]
    value = np.random.default_rng(0).integers(0, 2, (3, turns))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        w, offset, got, found = session.run([W, b, state, slope], {x: value})
    h = np.zeros((3, state_size))
    for t in range(turns):
        h = np.tanh(np.concatenate([np.eye(num_classes)[value[:, t]], h], 1) @ w + offset)
    np.testing.assert_allclose(got, h, rtol=1e-5, atol=1e-6)
    assert found.shape == w.shape
    assert np.abs(found).max() > 0
