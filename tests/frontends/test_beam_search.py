"""Beam search beside all sequences there are, and trees of beams."""

import itertools

import numpy as np
import pytest

import graphc as tf
from tests.frontends.sequences import (
    BATCH,
    CLASSES,
    DEPTH,
    MEMORY,
    MEMORY_LENGTHS,
    UNITS,
    LSTMCell,
    seq2seq,
    started,
)


def followed(ids, parents, lengths, end):
    """The sequences of beams, followed one by one."""
    time, batch, beams = ids.shape
    out = np.full_like(ids, end)
    for b, k in itertools.product(range(batch), range(beams)):
        beam = k
        for t in range(min(time, lengths[b]) - 1, -1, -1):
            out[t, b, k] = ids[t, b, beam]
            beam = parents[t, b, beam]
        ends = np.flatnonzero(out[:, b, k] == end)
        if len(ends):
            out[ends[0] :, b, k] = end
    return out


@pytest.mark.parametrize("seed", range(4))
def test_gather_tree_follows_the_parents_back(session, seed):
    random = np.random.RandomState(seed)
    time, batch, beams = random.randint(1, 7), random.randint(1, 4), random.randint(1, 5)
    ids = random.randint(0, 6, (time, batch, beams)).astype(np.int32)
    parents = random.randint(0, beams, (time, batch, beams)).astype(np.int32)
    lengths = random.randint(0, time + 2, batch).astype(np.int32)
    got = session().run(seq2seq.gather_tree(ids, parents, lengths, 2))
    np.testing.assert_array_equal(got, followed(ids, parents, lengths, 2))


class Chain:
    """A cell whose logits are a function of the class before and of the number of turns."""

    state_size, output_size = 1, 4

    def __init__(self, table):
        self.table = tf.constant(table, tf.float32)  # [turns, classes, classes]

    def __call__(self, inputs, state, scope=None):
        turn = tf.cast(state[:, 0], tf.int32)
        before = tf.argmax(inputs, axis=1, output_type=tf.int32)
        return tf.gather_nd(self.table, tf.stack([turn, before], 1)), state + 1.0

    def zero_state(self, batch_size, dtype):
        return tf.zeros([batch_size, 1], dtype)


START, END, TURNS = 0, 1, 4


def every_sequence(table, length_weight):
    """All sequences of at most TURNS classes, the best scores first."""
    log = table - np.log(np.exp(table).sum(-1, keepdims=True))
    found = []
    for body in itertools.product(range(4), repeat=TURNS):
        cut = body.index(END) + 1 if END in body else TURNS
        if END in body and any(c != END for c in body[cut:]):
            continue
        total, before = 0.0, START
        for t, c in enumerate(body[:cut]):
            total += log[t, before, c]
            before = c
        # a sequence that ends is as long as it is without its end until the turn after
        length = cut - (END in body and cut == TURNS)
        score = total / ((5 + length) / 6) ** length_weight
        found.append((score, total, body, cut))
    return sorted(found, reverse=True)


def searched(table, width, **kwargs):
    cell = Chain(table)
    decoder = seq2seq.BeamSearchDecoder(
        cell, tf.eye(4), tf.fill([2], START), END, cell.zero_state(2 * width, tf.float32), width,
        **kwargs,
    )  # fmt: skip
    return seq2seq.dynamic_decode(decoder, maximum_iterations=TURNS)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weight", [0.0, 0.8])
def test_a_beam_wide_enough_finds_the_best_of_all_sequences(session, seed, weight):
    table = np.random.RandomState(seed).randn(TURNS, 4, 4) * 1.5
    width = 4 ** (TURNS - 1)  # nothing is ever dropped that could come back
    outputs, state, lengths = searched(table, width, length_penalty_weight=weight)
    got, held, counted = session().run([outputs, state, lengths])
    expected = every_sequence(table, weight)
    for row in range(2):
        scores = got.beam_search_decoder_output.scores[row, -1]
        for k in range(12):
            score, total, body, cut = expected[k]
            np.testing.assert_array_equal(got.predicted_ids[row, :, k], body)
            np.testing.assert_allclose(scores[k], score, rtol=1e-4)
            np.testing.assert_allclose(held.log_probs[row, k], total, rtol=1e-4)
            assert counted[row, k] == cut
            assert held.finished[row, k] == (END in body)


def narrow(table, width):
    """Beam search as it is told: the best continuations of the beams, turn by turn."""
    log = table - np.log(np.exp(table).sum(-1, keepdims=True))
    beams = [(0.0, ())]
    for t in range(TURNS):
        grown = []
        for total, body in beams:
            if END in body:
                grown.append((total, (*body, END)))
                continue
            before = body[-1] if body else START
            grown += [(total + log[t, before, c], (*body, c)) for c in range(4)]
        beams = sorted(grown, reverse=True)[:width]
    return beams


@pytest.mark.parametrize("seed", range(3))
def test_a_narrow_beam_keeps_the_best_of_each_turn(session, seed):
    table = np.random.RandomState(seed).randn(TURNS, 4, 4)
    outputs, state, _ = searched(table, 3)
    got, held = session().run([outputs, state])
    for k, (total, body) in enumerate(narrow(table, 3)):
        np.testing.assert_array_equal(got.predicted_ids[0, :, k], body)
        np.testing.assert_allclose(held.log_probs[0, k], total, rtol=1e-4)


def test_a_search_ends_when_every_beam_has_ended(session):
    table = np.full((TURNS, 4, 4), -5.0)
    table[0, :, 2:] = 5.0
    table[1:, :, END] = 5.0
    outputs, state, _ = searched(table, 2)
    got, held = session().run([outputs, state])
    assert got.predicted_ids.shape == (2, 2, 2)
    assert held.finished.all()
    np.testing.assert_array_equal(held.lengths, 2)


def attending(width, weight=0.0, history=False, reorder=True):
    with tf.variable_scope("", reuse=tf.AUTO_REUSE):
        table = tf.get_variable("table", [CLASSES, DEPTH])
    with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
        memory = seq2seq.tile_batch(tf.constant(MEMORY), width)
        mechanism = seq2seq.LuongAttention(
            UNITS, memory, seq2seq.tile_batch(tf.constant(MEMORY_LENGTHS), width)
        )
        cell = seq2seq.AttentionWrapper(
            LSTMCell(UNITS), mechanism, attention_layer_size=UNITS, alignment_history=history
        )
        decoder = seq2seq.BeamSearchDecoder(
            cell, table, tf.fill([BATCH], 1), 2, cell.zero_state(BATCH * width, tf.float32),
            width, tf.layers.Dense(CLASSES), coverage_penalty_weight=weight,
            reorder_tensor_arrays=reorder,
        )  # fmt: skip
        return seq2seq.dynamic_decode(decoder, maximum_iterations=6)


def test_a_beam_of_one_is_greedy_decoding_with_attention_too(session):
    outputs, _, lengths = attending(1)
    with tf.variable_scope("net", reuse=True):
        mechanism = seq2seq.LuongAttention(UNITS, tf.constant(MEMORY), MEMORY_LENGTHS)
        cell = seq2seq.AttentionWrapper(LSTMCell(UNITS), mechanism, attention_layer_size=UNITS)
        table = tf.trainable_variables()[0]
        helper = seq2seq.GreedyEmbeddingHelper(table, tf.fill([BATCH], 1), 2)
        decoder = seq2seq.BasicDecoder(
            cell, helper, cell.zero_state(BATCH, tf.float32), tf.layers.Dense(CLASSES)
        )
        greedy, _, ends = seq2seq.dynamic_decode(decoder, maximum_iterations=6)
    got, want, one, two = started(session).run([outputs, greedy, lengths, ends])
    np.testing.assert_array_equal(one[:, 0], two)
    for row, n in enumerate(two):
        np.testing.assert_array_equal(got.predicted_ids[row, :n, 0], want.sample_id[row, :n])


def test_the_coverage_penalty_counts_the_attention_paid(session):
    _, state, _ = attending(2, weight=0.5)
    got = started(session).run(state)
    paid = got.accumulated_attention_probs
    assert paid.shape == (BATCH, 2, 4)
    np.testing.assert_allclose(paid.sum(2), got.lengths, rtol=1e-5)
    assert (paid[1, :, 1:] == 0).all()


def test_a_history_is_put_in_the_order_of_the_sequences(session):
    width = 3
    outputs, state, _ = attending(width, history=True)
    _, plain, _ = attending(width, history=True, reorder=False)
    parents = outputs.beam_search_decoder_output.parent_ids
    taken = [outputs.predicted_ids, parents, state.lengths, state.cell_state.alignment_history,
             plain.cell_state.alignment_history.stack()]  # fmt: skip
    predicted, parents, lengths, ordered, kept = started(session).run(taken)
    time = predicted.shape[1]
    assert ordered.shape == kept.shape == (time, BATCH * width, 4)
    ordered, kept = (t.reshape(time, BATCH, width, 4) for t in (ordered, kept))
    for b, k in itertools.product(range(BATCH), range(width)):
        beam = k
        for t in reversed(range(time)):
            if t < lengths[b].max():
                at, beam = beam, parents[b, t, beam]
            expected = kept[t, b, at if t < lengths[b, k] else k]
            np.testing.assert_allclose(ordered[t, b, k], expected)
