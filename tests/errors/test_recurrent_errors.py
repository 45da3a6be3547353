"""What is refused of recurrent networks, at the user's line: lengths, batches, states."""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import GraphError, InvalidArgumentError, ShapeError

cells = tf.nn.rnn_cell


@pytest.fixture(autouse=True)
def fresh_graph() -> None:
    tf.reset_default_graph()


def run_dynamic(cell, **kwargs):
    return tf.nn.dynamic_rnn(cell, tf.zeros([3, 5, 4]), dtype=tf.float32, **kwargs)


def run_static(cell, **kwargs):
    return tf.nn.static_rnn(cell, [tf.zeros([3, 4])] * 5, dtype=tf.float32, **kwargs)


BOTH = pytest.mark.parametrize("run", [run_dynamic, run_static])


@BOTH
def test_a_length_beyond_the_time_is_refused_while_building_where_it_is_known(run):
    with pytest.raises(InvalidArgumentError, match="beyond the time there is") as caught:
        run(cells.GRUCell(4), sequence_length=[1, 6, 2])
    assert "test_recurrent_errors.py" in str(caught.value)


@BOTH
def test_a_length_beyond_the_time_fails_the_run(run):
    lengths = tf.placeholder(tf.int64, [None])
    outputs, _ = run(cells.GRUCell(4), sequence_length=lengths)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(outputs, {lengths: [0, 5, 2]})
        with pytest.raises(InvalidArgumentError, match="beyond the time there is"):
            sess.run(outputs, {lengths: [1, 6, 2]})


@BOTH
def test_there_is_a_length_for_each_row(run):
    with pytest.raises(ShapeError, match="sequence_length has 2 entries, the batch has 3 rows"):
        run(cells.GRUCell(4), sequence_length=[1, 2])


@BOTH
@pytest.mark.parametrize(
    ("cell", "state", "said"),
    [
        (cells.LSTMCell(4), np.zeros([3, 4], np.float32), "not nested as the cell's state is"),
        (cells.GRUCell(4), (np.zeros([3, 4]),) * 2, "not nested as the cell's state is"),
        (cells.GRUCell(4), np.zeros([3, 7], np.float32), r"must be \(3, 4\)"),
        (cells.GRUCell(4), np.zeros([2, 4], np.float32), r"must be \(3, 4\)"),
        (
            cells.MultiRNNCell([cells.GRUCell(4), cells.LSTMCell(4)]),
            (np.zeros([3, 4], np.float32),), "not nested as the cell's state is",
        ),
    ],
)  # fmt: skip
def test_a_state_to_start_from_must_fit_the_cell(run, cell, state, said):
    given = tf.nest.map_structure(tf.constant, state)
    with pytest.raises((GraphError, ShapeError), match=said) as caught:
        run(cell, initial_state=given)
    assert "cell.zero_state(batch, dtype)" in str(caught.value)
    assert "test_recurrent_errors.py" in str(caught.value)


@BOTH
def test_a_cell_must_give_its_state_back_as_it_was_nested(run):
    class Doubled(cells.GRUCell):
        def call(self, inputs, state):
            return state, (state, state)

    with pytest.raises(GraphError, match="a state that is not nested as the one it was given"):
        run(Doubled(4))
