"""A whole TF1 script for translation, as such scripts are written.

It learns to turn sequences round; another session restores what it learnt and decodes, greedily and
with beams.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TESTS

SCRIPT = """
import numpy as np
import tensorflow as tf
from tensorflow.contrib.rnn import DropoutWrapper, LSTMCell, LSTMStateTuple, MultiRNNCell
from tensorflow.contrib.rnn import ResidualWrapper
from tensorflow.contrib.seq2seq import BasicDecoder, TrainingHelper, dynamic_decode
from tensorflow.contrib.seq2seq.python.ops.attention_wrapper import AttentionWrapper
from tensorflow.python.layers.core import Dense

WORDS, WIDTH, UNITS, BEAMS, GO, EOS = 20, 16, 24, 4, 1, 2
keep = tf.placeholder_with_default(1.0, [])
source, source_length = tf.placeholder(tf.int32, [None, None]), tf.placeholder(tf.int32, [None])
target, target_length = tf.placeholder(tf.int32, [None, None]), tf.placeholder(tf.int32, [None])
batch_size = tf.shape(source)[0]


def layer(units, residual=False):
    cell = LSTMCell(units, initializer=tf.random_uniform_initializer(-0.1, 0.1, seed=2))
    cell = DropoutWrapper(cell, output_keep_prob=keep)
    return ResidualWrapper(cell) if residual else cell


with tf.variable_scope("encoder"):
    x = tf.nn.embedding_lookup(tf.get_variable("embedding", [WORDS, WIDTH]), source)
    both, (ahead, back) = tf.nn.bidirectional_dynamic_rnn(
        layer(UNITS // 2), layer(UNITS // 2), x, source_length, dtype=tf.float32)
    first = LSTMStateTuple(tf.concat((ahead.c, back.c), 1), tf.concat((ahead.h, back.h), 1))
    memory, second = tf.nn.dynamic_rnn(
        layer(UNITS, True), tf.concat(both, -1), source_length, dtype=tf.float32)
    states = (first, second)


def decoder_cell(memory, lengths, states, rows):
    cells = MultiRNNCell([layer(UNITS), layer(UNITS, True)])
    attention = tf.contrib.seq2seq.LuongAttention(
        UNITS, memory, memory_sequence_length=lengths, scale=True)
    cell = AttentionWrapper(cells, attention, attention_layer_size=UNITS, name="attention")
    return cell, cell.zero_state(batch_size=rows, dtype=tf.float32).clone(cell_state=states)


with tf.variable_scope("decoder") as scope:
    table = tf.get_variable("embedding", [WORDS, WIDTH])
    scores = Dense(WORDS, name="out")
    cell, start = decoder_cell(memory, source_length, states, batch_size)
    begun = tf.concat([tf.fill([batch_size, 1], GO), target[:, :-1]], 1)
    helper = TrainingHelper(tf.nn.embedding_lookup(table, begun), target_length)
    outputs, _, _ = dynamic_decode(
        BasicDecoder(cell, helper, start, scores), impute_finished=True,
        maximum_iterations=tf.reduce_max(target_length), scope=scope)
    mask = tf.sequence_mask(target_length, tf.reduce_max(target_length), dtype=tf.float32)
    loss = tf.contrib.seq2seq.sequence_loss(outputs.rnn_output, target, mask)
longest = tf.reduce_max(source_length) + 3
with tf.variable_scope("decoder", reuse=True) as scope:
    tiled = tf.contrib.seq2seq.tile_batch((memory, source_length, states), BEAMS)
    cell, start = decoder_cell(*tiled, rows=batch_size * BEAMS)
    beams = tf.contrib.seq2seq.BeamSearchDecoder(
        cell=cell, embedding=table, start_tokens=tf.tile([GO], [batch_size]), end_token=EOS,
        initial_state=start, beam_width=BEAMS, output_layer=scores, length_penalty_weight=0.6)
    found, _, _ = dynamic_decode(beams, maximum_iterations=longest, scope=scope)
with tf.variable_scope("decoder", reuse=True) as scope:
    cell, start = decoder_cell(memory, source_length, states, batch_size)
    helper = tf.contrib.seq2seq.GreedyEmbeddingHelper(table, tf.fill([batch_size], GO), EOS)
    greedy, _, _ = dynamic_decode(
        BasicDecoder(cell, helper, start, scores), maximum_iterations=longest, scope=scope)

variables = tf.trainable_variables()
slopes, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 5.0)
train = tf.train.AdamOptimizer(5e-3).apply_gradients(zip(slopes, variables))
saver = tf.train.Saver()
for variable in variables:
    print(variable.op.name)
random = np.random.RandomState(0)


def data(n):
    lengths = random.randint(2, 7, n)
    a, b = np.zeros([n, 6], np.int32), np.zeros([n, 7], np.int32)
    for k, length in enumerate(lengths):
        words = random.randint(3, WORDS, length)
        a[k, :length], b[k, :length], b[k, length] = words, words[::-1], EOS
    return {source: a, source_length: lengths, target: b[:, : lengths.max() + 1],
            target_length: lengths + 1}


with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(400):
        feeds = data(32)
        feeds[keep] = 0.95
        sess.run(train, feeds)
    path = saver.save(sess, "./model.ckpt")
with tf.Session() as sess:
    saver.restore(sess, path)
    feeds = data(100)
    right = [0, 0]
    for k, said in enumerate(sess.run([greedy.sample_id, found.predicted_ids[:, :, 0]], feeds)):
        for words, length, row in zip(feeds[source], feeds[source_length], said):
            right[k] += list(row[: length + 1]) == [*words[:length][::-1], EOS]
    print("exact", *right)
"""


@pytest.mark.slow
def test_a_translation_script_runs_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "translate.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-m", "frontends.cli", "run", "translate.py"], cwd=tmp_path, text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS.parent)}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *names, last = done.stdout.splitlines()
    for name in (
        "encoder/bidirectional_rnn/fw/lstm_cell/kernel", "decoder/memory_layer/kernel",
        "decoder/attention/multi_rnn_cell/cell_1/lstm_cell/bias", "decoder/out/kernel",
        "decoder/attention/luong_attention/attention_g",
        "decoder/attention/attention_layer/kernel",
    ):  # fmt: skip
        assert name in names
    greedy, beams = map(int, last.split()[1:])
    assert greedy >= 85
    assert beams >= 85
