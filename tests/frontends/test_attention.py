"""Attention mechanisms and the cell that uses them, beside their equations in NumPy."""

import itertools

import numpy as np
import pytest

import graphc as tf
from graphc.errors import ShapeError
from tests.frontends.sequences import (
    BATCH,
    CLASSES,
    DEPTH,
    LENGTHS,
    MEMORY,
    MEMORY_LENGTHS,
    STATE,
    TIME,
    UNITS,
    GRUCell,
    X,
    gru,
    masked,
    names,
    seq2seq,
    started,
    values,
    wrapped,
)


@pytest.mark.parametrize("flag", [False, True])
@pytest.mark.parametrize("kind", ["luong", "bahdanau"])
def test_attention_is_what_its_equations_say(session, kind, flag):
    query = tf.constant(STATE)
    if kind == "luong":
        mechanism = seq2seq.LuongAttention(UNITS, MEMORY, MEMORY_LENGTHS, scale=flag)
    else:
        mechanism = seq2seq.BahdanauAttention(3, MEMORY, MEMORY_LENGTHS, normalize=flag)
    weights, state = mechanism(query, mechanism.initial_state(BATCH, tf.float32))
    expected = {
        ("luong", False): ["memory_layer/kernel"],
        ("luong", True): ["memory_layer/kernel", "luong_attention/attention_g"],
        ("bahdanau", False): ["memory_layer/kernel", "bahdanau_attention/query_layer/kernel",
                              "bahdanau_attention/attention_v"],
        ("bahdanau", True): ["memory_layer/kernel", "bahdanau_attention/query_layer/kernel",
                             "bahdanau_attention/attention_v", "bahdanau_attention/attention_g",
                             "bahdanau_attention/attention_b"],
    }  # fmt: skip
    assert names() == expected[kind, flag]
    sess = started(session)
    got, seen, keys, memory = sess.run([weights, state, mechanism.keys, mechanism.values])
    v = values(sess)
    held = MEMORY * (np.arange(4)[:, None] < MEMORY_LENGTHS[:, None, None])
    np.testing.assert_allclose(memory, held)
    np.testing.assert_allclose(keys, held @ v["memory_layer/kernel"], rtol=1e-5, atol=1e-6)
    if kind == "luong":
        score = np.einsum("bu,btu->bt", STATE, keys)
        score = score * v["luong_attention/attention_g"] if flag else score
    else:
        scope = "bahdanau_attention"
        wanted = (STATE @ v[f"{scope}/query_layer/kernel"])[:, None]
        a = v[f"{scope}/attention_v"]
        if flag:
            a = v[f"{scope}/attention_g"] * a / np.sqrt((a * a).sum())
            wanted = wanted + v[f"{scope}/attention_b"]
        score = (a * np.tanh(keys + wanted)).sum(2)
    np.testing.assert_allclose(got, masked(score, MEMORY_LENGTHS), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(seen, got)


def test_normalized_attention_starts_at_the_root_of_the_units(session):
    mechanism = seq2seq.BahdanauAttention(4, MEMORY, normalize=True)
    mechanism(tf.constant(STATE), mechanism.initial_state(BATCH, tf.float32))
    held = {v.op.name: v for v in tf.trainable_variables()}
    sess = session()
    sess.run(tf.global_variables_initializer())
    assert sess.run(held["bahdanau_attention/attention_g"]) == 0.5
    np.testing.assert_array_equal(sess.run(held["bahdanau_attention/attention_b"]), np.zeros(4))


@pytest.mark.parametrize("mode", ["recursive", "parallel", "hard"])
def test_monotonic_attention_is_the_chance_to_stop_at_each_step(session, mode):
    random = np.random.RandomState(3)
    p = random.uniform(0.1, 0.9, (2, 5))
    before = random.dirichlet(np.ones(5), 2)
    if mode == "hard":
        p, before = (p > 0.5).astype(float), np.eye(5)[[1, 3]]
    expected = np.zeros((2, 5))
    for b, end in itertools.product(range(2), range(5)):
        for start in range(end + 1):
            skipped = np.prod(1 - p[b, start:end])
            expected[b, end] += before[b, start] * skipped * p[b, end]
    made = seq2seq.monotonic_attention(tf.constant(p), tf.constant(before), mode)
    np.testing.assert_allclose(session().run(made), expected, rtol=1e-6, atol=1e-9)
    with pytest.raises(ValueError, match="mode must be"):
        seq2seq.monotonic_attention(p, before, "soft")


@pytest.mark.parametrize("kind", ["luong", "bahdanau"])
def test_monotonic_mechanisms_start_at_the_first_step(session, kind):
    make = {"luong": seq2seq.LuongMonotonicAttention,
            "bahdanau": seq2seq.BahdanauMonotonicAttention}[kind]  # fmt: skip
    mechanism = make(UNITS, MEMORY, MEMORY_LENGTHS, score_bias_init=0.25)
    start = mechanism.initial_state(BATCH, tf.float32)
    weights, _ = mechanism(tf.constant(STATE), start)
    assert f"{kind}_monotonic_attention/attention_score_bias" in names()
    sess = started(session)
    first, got, keys = sess.run([start, weights, mechanism.keys])
    v = values(sess)
    np.testing.assert_array_equal(first, np.eye(4)[[0, 0, 0]])
    scope = f"{kind}_monotonic_attention"
    if kind == "luong":
        score = np.einsum("bu,btu->bt", STATE, keys)
    else:
        wanted = (STATE @ v[f"{scope}/query_layer/kernel"])[:, None]
        score = (v[f"{scope}/attention_v"] * np.tanh(keys + wanted)).sum(2)
    score = score + v[f"{scope}/attention_score_bias"]
    p = np.where(np.arange(4) < MEMORY_LENGTHS[:, None], 1 / (1 + np.exp(-score)), 0)
    expected = p * np.cumprod(np.concatenate([np.ones((BATCH, 1)), 1 - p[:, :-1]], 1), 1)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("layer", [None, 3])
def test_a_wrapped_cell_sees_the_memory_in_every_turn(session, layer):
    cell = wrapped(layer=layer)
    outputs, state = tf.nn.dynamic_rnn(cell, tf.constant(X), dtype=tf.float32)
    assert cell.output_size == (layer or 5)
    scope = "rnn/attention_wrapper"
    expected = ["memory_layer/kernel", f"{scope}/gru_cell/gates/kernel",
                f"{scope}/gru_cell/gates/bias", f"{scope}/gru_cell/candidate/kernel",
                f"{scope}/gru_cell/candidate/bias"]  # fmt: skip
    assert names() == expected + ([f"{scope}/attention_layer/kernel"] if layer else [])
    sess = started(session)
    got, last = sess.run([outputs, state])
    v = values(sess)
    held = MEMORY * (np.arange(4)[:, None] < MEMORY_LENGTHS[:, None, None])
    keys = held @ v["memory_layer/kernel"]
    h, seen = np.zeros((BATCH, UNITS)), np.zeros((BATCH, layer or 5))
    for t in range(TIME):
        h = gru(np.concatenate([X[:, t], seen], 1), h, v, f"{scope}/gru_cell")
        weights = masked(np.einsum("bu,btu->bt", h, keys), MEMORY_LENGTHS)
        seen = np.einsum("bt,btd->bd", weights, held)
        if layer:
            seen = np.concatenate([h, seen], 1) @ v[f"{scope}/attention_layer/kernel"]
        np.testing.assert_allclose(got[:, t], seen, rtol=1e-4, atol=1e-5)
    assert last.time == TIME
    np.testing.assert_allclose(last.cell_state, h, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last.alignments, weights, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(last.alignments[1], [1, 0, 0, 0])


def test_gradients_of_attention_are_those_of_finite_differences():
    memory = tf.placeholder(tf.float64, MEMORY.shape)
    mechanisms = [
        seq2seq.BahdanauAttention(3, memory, MEMORY_LENGTHS, normalize=True, dtype=tf.float64),
        seq2seq.LuongMonotonicAttention(UNITS, memory, MEMORY_LENGTHS, dtype=tf.float64),
    ]
    cell = seq2seq.AttentionWrapper(GRUCell(UNITS), mechanisms, attention_layer_size=[3, 2])
    outputs, _ = tf.nn.dynamic_rnn(cell, tf.constant(X, tf.float64), LENGTHS, dtype=tf.float64)
    loss = tf.reduce_sum(tf.sin(outputs))
    (slope,) = tf.gradients(loss, [memory])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        at, direction = MEMORY.astype(float), np.cos(np.arange(MEMORY.size)).reshape(MEMORY.shape)
        found = (sess.run(slope, {memory: at}) * direction).sum()
        h = 1e-5
        up, down = (sess.run(loss, {memory: at + s * h * direction}) for s in (1, -1))
        np.testing.assert_allclose(found, (up - down) / (2 * h), rtol=1e-6)


def spied(cell):
    """Outputs are the weights of the attention, by the cell's own account."""

    class Spy:
        state_size, output_size = cell.state_size, 4

        def __call__(self, inputs, state, scope=None):
            _, new = cell(inputs, state)
            return new.alignments, new

    return Spy()


@pytest.mark.parametrize("taught", [True, False])
def test_the_history_of_alignments_has_the_weights_of_every_turn(session, taught):
    cell = wrapped(alignment_history=True)
    start = cell.zero_state(BATCH, tf.float32)
    if taught:
        helper = seq2seq.TrainingHelper(tf.constant(X), LENGTHS)
    else:
        table = tf.constant(np.eye(CLASSES, DEPTH, dtype=np.float32))
        helper = seq2seq.GreedyEmbeddingHelper(table, tf.fill([BATCH], 1), 2)
    decoder = seq2seq.BasicDecoder(spied(cell), helper, start)
    outputs, state, _ = seq2seq.dynamic_decode(
        decoder, maximum_iterations=4, output_time_major=True
    )
    history = state.alignment_history.stack()
    slope = tf.gradients(tf.reduce_sum(history[:, :, 0]), tf.trainable_variables())
    got, weights, back = started(session).run([outputs.rnn_output, history, slope[:2]])
    assert weights.shape[1:] == (BATCH, 4)
    np.testing.assert_allclose(weights, got)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    assert all(np.abs(part).max() > 0 for part in back)


def test_options_of_the_wrapper(session):
    cell = wrapped(
        cell_input_fn=lambda x, attention: x, output_attention=False,
        initial_cell_state=tf.constant(STATE),
    )  # fmt: skip
    assert cell.output_size == UNITS
    output, state = cell(tf.constant(X[:, 0]), cell.zero_state(BATCH, tf.float32))
    sess = started(session)
    v = values(sess)
    expected = gru(X[:, 0], STATE, v, "attention_wrapper/gru_cell")
    np.testing.assert_allclose(sess.run(output), expected, rtol=1e-4, atol=1e-5)
    other = cell.zero_state(BATCH, tf.float32).clone(cell_state=tf.constant(STATE * 2))
    np.testing.assert_array_equal(sess.run(other.cell_state), STATE * 2)
    with pytest.raises(ShapeError, match="cell_state of the clone has another shape"):
        state.clone(cell_state=tf.zeros([BATCH, UNITS + 1]))
