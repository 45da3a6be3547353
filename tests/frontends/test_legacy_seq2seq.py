"""``tf.contrib.legacy_seq2seq`` and the spellings of 0.x: names, what feeds on what, losses."""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import ShapeError

legacy = tf.contrib.legacy_seq2seq
GRUCell, LSTMCell = tf.nn.rnn_cell.GRUCell, tf.nn.rnn_cell.LSTMCell
BATCH, READ, SAID, DEPTH, UNITS, CLASSES, WIDTH = 2, 3, 4, 5, 6, 7, 3
RANDOM = np.random.RandomState(9)
X = RANDOM.uniform(-1, 1, (READ, BATCH, DEPTH)).astype(np.float32)
Y = RANDOM.uniform(-1, 1, (SAID, BATCH, DEPTH)).astype(np.float32)
IDS = RANDOM.randint(0, CLASSES, (READ, BATCH)).astype(np.int32)
SPOKEN = RANDOM.randint(0, CLASSES, (SAID, BATCH)).astype(np.int32)


def listed(rows):
    return [tf.constant(row) for row in rows]


def names():
    return [v.op.name for v in tf.trainable_variables()]


def started(session):
    sess = session()
    sess.run(tf.global_variables_initializer())
    values = {}
    for k, v in enumerate(sorted(tf.trainable_variables(), key=lambda v: v.op.name)):
        shape = v.shape.as_list()
        value = np.sin(np.arange(int(np.prod(shape))) * 1.3 + k).reshape(shape)
        values[v.op.name] = value.astype(np.float32)
        v.load(values[v.op.name], sess)
    return sess, values


def gru(x, h, v, scope):
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    gates = sigmoid(np.concatenate([x, h], 1) @ v[f"{scope}/gates/kernel"]
                    + v[f"{scope}/gates/bias"])  # fmt: skip
    r, u = np.split(gates, 2, 1)
    inside = np.concatenate([x, r * h], 1) @ v[f"{scope}/candidate/kernel"]
    return u * h + (1 - u) * np.tanh(inside + v[f"{scope}/candidate/bias"])


def kernels(scope):
    return [f"{scope}/{part}" for part in
            ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")]  # fmt: skip


def test_a_decoder_goes_on_from_the_encoders_state(session):
    outputs, state = legacy.basic_rnn_seq2seq(listed(X), listed(Y), GRUCell(UNITS))
    reader = "basic_rnn_seq2seq/rnn/gru_cell"
    writer = "basic_rnn_seq2seq/rnn_decoder/gru_cell"
    assert names() == kernels(reader) + kernels(writer)
    sess, v = started(session)
    got, last = sess.run([outputs, state])
    h = np.zeros((BATCH, UNITS))
    for x in X:
        h = gru(x, h, v, reader)
    for y, output in zip(Y, got, strict=True):
        h = gru(y, h, v, writer)
        np.testing.assert_allclose(output, h, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last, h, rtol=1e-4, atol=1e-5)


def test_a_tied_cell_reads_and_writes(session):
    outputs, _ = legacy.tied_rnn_seq2seq(listed(X), listed(Y), GRUCell(UNITS))
    scope = "combined_tied_rnn_seq2seq/tied_rnn_seq2seq/gru_cell"
    assert names() == kernels(scope)
    sess, v = started(session)
    h = np.zeros((BATCH, UNITS))
    for x in (*X, Y[0]):
        h = gru(x, h, v, scope)
    np.testing.assert_allclose(sess.run(outputs[0]), h, rtol=1e-4, atol=1e-5)


def test_a_loop_function_makes_every_input_but_the_first(session):
    turns = []

    def again(previous, turn):
        turns.append(turn)
        return previous[:, :DEPTH]

    outputs, _ = legacy.rnn_decoder(listed(Y), tf.zeros([BATCH, UNITS]), GRUCell(UNITS), again)
    assert turns == [1, 2, 3]
    sess, v = started(session)
    x, h = Y[0], np.zeros((BATCH, UNITS))
    for output in sess.run(outputs):
        h = gru(x, h, v, "rnn_decoder/gru_cell")
        np.testing.assert_allclose(output, h, rtol=1e-4, atol=1e-5)
        x = h[:, :DEPTH]


@pytest.mark.parametrize("fed", [False, True, "chosen"])
def test_classes_are_embedded_and_fed_back(session, fed):
    choice = tf.placeholder(tf.bool, []) if fed == "chosen" else fed
    outputs, state = legacy.embedding_rnn_seq2seq(
        listed(IDS), listed(SPOKEN), GRUCell(UNITS), CLASSES, CLASSES, WIDTH, feed_previous=choice
    )
    outer = "embedding_rnn_seq2seq"
    reader = f"{outer}/rnn/embedding_wrapper"
    writer = f"{outer}/embedding_rnn_decoder"
    inner = f"{writer}/rnn_decoder/output_projection_wrapper"
    assert sorted(names()) == sorted([
        f"{reader}/embedding", *kernels(f"{reader}/gru_cell"), f"{writer}/embedding",
        *kernels(f"{inner}/gru_cell"), f"{inner}/kernel", f"{inner}/bias",
    ])  # fmt: skip
    sess, v = started(session)
    for told in (False, True) if fed == "chosen" else (fed,):
        feeds = {choice: told} if fed == "chosen" else {}
        got, last = sess.run([outputs, state], feeds)
        h = np.zeros((BATCH, UNITS))
        for ids in IDS:
            h = gru(v[f"{reader}/embedding"][ids], h, v, f"{reader}/gru_cell")
        ids = SPOKEN[0]
        for k, output in enumerate(got):
            h = gru(v[f"{writer}/embedding"][ids], h, v, f"{inner}/gru_cell")
            logits = h @ v[f"{inner}/kernel"] + v[f"{inner}/bias"]
            np.testing.assert_allclose(output, logits, rtol=1e-4, atol=1e-4)
            if k + 1 < SAID:
                ids = logits.argmax(1) if told else SPOKEN[k + 1]
        np.testing.assert_allclose(last, h, rtol=1e-4, atol=1e-4)


def test_a_tied_table_serves_both_sides(session):
    outputs, _ = legacy.embedding_tied_rnn_seq2seq(
        listed(IDS), listed(SPOKEN), GRUCell(UNITS), CLASSES, WIDTH, feed_previous=True
    )
    outer = "embedding_tied_rnn_seq2seq"
    inner = f"{outer}/combined_tied_rnn_seq2seq/tied_rnn_seq2seq/output_projection_wrapper"
    assert names() == [f"{outer}/embedding", *kernels(f"{inner}/gru_cell"), f"{inner}/kernel",
                       f"{inner}/bias"]  # fmt: skip
    sess, _ = started(session)
    assert sess.run(outputs[-1]).shape == (BATCH, CLASSES)


def test_a_projection_outside_scores_what_is_fed_back(session):
    weights = tf.constant(RANDOM.randn(UNITS, CLASSES).astype(np.float32))
    biases = tf.constant(RANDOM.randn(CLASSES).astype(np.float32))
    outputs, _ = legacy.embedding_rnn_seq2seq(
        listed(IDS), listed(SPOKEN), GRUCell(UNITS), CLASSES, CLASSES, WIDTH, (weights, biases),
        feed_previous=True,
    )  # fmt: skip
    sess, v = started(session)
    got, w, b = sess.run([outputs, weights, biases])
    assert got[0].shape == (BATCH, UNITS)
    scope = "embedding_rnn_seq2seq/embedding_rnn_decoder"
    x = v[f"{scope}/embedding"][(got[0] @ w + b).argmax(1)]
    h = gru(x, got[0], v, f"{scope}/rnn_decoder/gru_cell")
    np.testing.assert_allclose(got[1], h, rtol=1e-4, atol=1e-4)
    with pytest.raises(ShapeError, match="the weights of output_projection must be"):
        legacy.embedding_rnn_decoder(
            listed(SPOKEN), tf.zeros([BATCH, UNITS]), GRUCell(UNITS), CLASSES + 1, WIDTH,
            (weights, biases),
        )  # fmt: skip


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("looks_first", [False, True])
def test_a_decoder_attends_to_the_memory(session, heads, looks_first):
    memory = RANDOM.uniform(-1, 1, (BATCH, 3, 4)).astype(np.float32)
    start = RANDOM.uniform(-1, 1, (BATCH, UNITS)).astype(np.float32)
    outputs, state = legacy.attention_decoder(
        listed(Y), tf.constant(start), tf.constant(memory), GRUCell(UNITS), output_size=2,
        num_heads=heads, initial_state_attention=looks_first,
    )  # fmt: skip
    scope = "attention_decoder"
    each = [n for k in range(heads) for n in (
        f"AttnW_{k}", f"AttnV_{k}", f"Attention_{k}/kernel", f"Attention_{k}/bias")]  # fmt: skip
    rest = ["kernel", "bias", "AttnOutputProjection/kernel", "AttnOutputProjection/bias"]
    assert sorted(names()) == sorted([*(f"{scope}/{n}" for n in each + rest),
                                      *kernels(f"{scope}/gru_cell")])  # fmt: skip
    sess, v = started(session)
    got, last = sess.run([outputs, state])

    def look(query):
        seen = []
        for k in range(heads):
            wanted = query @ v[f"{scope}/Attention_{k}/kernel"] + v[f"{scope}/Attention_{k}/bias"]
            features = memory @ v[f"{scope}/AttnW_{k}"][0, 0]
            scores = (v[f"{scope}/AttnV_{k}"] * np.tanh(features + wanted[:, None])).sum(2)
            weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
            seen.append((weights[:, :, None] * memory).sum(1))
        return seen

    h = start
    seen = look(h) if looks_first else [np.zeros((BATCH, 4))] * heads
    for y, output in zip(Y, got, strict=True):
        x = np.concatenate([y, *seen], 1) @ v[f"{scope}/kernel"] + v[f"{scope}/bias"]
        h = gru(x, h, v, f"{scope}/gru_cell")
        seen = look(h)
        name = f"{scope}/AttnOutputProjection"
        expected = np.concatenate([h, *seen], 1) @ v[f"{name}/kernel"] + v[f"{name}/bias"]
        np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(last, h, rtol=1e-4, atol=1e-4)


def test_embedded_attention_has_the_names_of_its_checkpoints(session):
    cell = tf.nn.rnn_cell.MultiRNNCell([LSTMCell(UNITS), LSTMCell(UNITS)])
    outputs, state = legacy.embedding_attention_seq2seq(
        listed(IDS), listed(SPOKEN), cell, CLASSES, CLASSES, WIDTH, feed_previous=True
    )
    outer = "embedding_attention_seq2seq"
    reader = f"{outer}/rnn/embedding_wrapper"
    writer = f"{outer}/embedding_attention_decoder"
    inner = f"{writer}/attention_decoder"
    found = names()
    for name in (
        f"{reader}/embedding", f"{reader}/multi_rnn_cell/cell_1/lstm_cell/kernel",
        f"{writer}/embedding", f"{inner}/AttnW_0", f"{inner}/AttnV_0", f"{inner}/kernel",
        f"{inner}/output_projection_wrapper/multi_rnn_cell/cell_0/lstm_cell/bias",
        f"{inner}/output_projection_wrapper/kernel", f"{inner}/Attention_0/bias",
        f"{inner}/AttnOutputProjection/kernel",
    ):  # fmt: skip
        assert name in found
    sess, _ = started(session)
    got, last = sess.run([outputs, state])
    assert got[-1].shape == (BATCH, CLASSES)
    assert np.shape(last) == (2, 2, BATCH, UNITS)


def test_one_encoder_serves_several_decoders(session):
    outputs, states = legacy.one2many_rnn_seq2seq(
        listed(IDS), {"a": listed(SPOKEN), "b": listed(SPOKEN[:2] % 3)}, GRUCell(UNITS),
        {"a": GRUCell(UNITS), "b": GRUCell(UNITS)}, CLASSES, {"a": CLASSES, "b": 3}, WIDTH,
    )  # fmt: skip
    assert "one2many_rnn_seq2seq/one2many_decoder_b/embedding_rnn_decoder/embedding" in names()
    sess, _ = started(session)
    got = sess.run(outputs)
    assert [len(got["a"]), len(got["b"])] == [SAID, 2]
    assert got["b"][0].shape == (BATCH, 3)
    assert set(states) == {"a", "b"}


def test_losses_are_weighted_over_turns_and_rows(session):
    logits = RANDOM.randn(3, 2, 4).astype(np.float32)
    targets = np.array([[0, 1], [2, 3], [1, 1]])
    weights = np.array([[1, 0.5], [1, 0], [0, 0.5]], np.float32)
    args = listed(logits), listed(targets), listed(weights)
    log = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    each = -np.take_along_axis(log, targets[..., None], -1)[..., 0] * weights
    built = [
        legacy.sequence_loss_by_example(*args), legacy.sequence_loss(*args),
        legacy.sequence_loss_by_example(*args, average_across_timesteps=False),
        legacy.sequence_loss(*args, average_across_batch=False),
        legacy.sequence_loss_by_example(
            *args, softmax_loss_function=lambda labels, logits: tf.cast(labels, tf.float32)
        ),
    ]  # fmt: skip
    got = session().run(built)
    rows = each.sum(0) / weights.sum(0)
    own = (targets * weights).sum(0) / weights.sum(0)
    expected = [rows, rows.mean(), each.sum(0), rows.sum(), own]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    with pytest.raises(ValueError, match="must be the same 3, 2, 3"):
        legacy.sequence_loss(args[0], args[1], args[2][:2])


def test_buckets_share_their_variables(session):
    def seq2seq(x, y):
        return legacy.basic_rnn_seq2seq(x, y, GRUCell(DEPTH))

    targets = listed(SPOKEN % DEPTH)
    weights = [tf.ones([BATCH])] * SAID
    outputs, losses = legacy.model_with_buckets(
        listed(X), listed(Y), targets, weights, [(2, 2), (3, 4)], seq2seq
    )
    assert len(names()) == 8
    assert [len(part) for part in outputs] == [2, 4]
    sess, _ = started(session)
    got, loss = sess.run([outputs, losses])
    log = got[0] - np.log(np.exp(got[0]).sum(-1, keepdims=True))
    taken = np.take_along_axis(log, (SPOKEN[:2] % DEPTH)[..., None], -1)
    np.testing.assert_allclose(loss[0], -taken.mean(), rtol=1e-5)
    with pytest.raises(ValueError, match=r"Length of encoder_inputs \(3\)"):
        legacy.model_with_buckets(listed(X), listed(Y), targets, weights, [(4, 4)], seq2seq)


def test_the_spellings_of_0_x(session):
    """As in scripts of 2016: a joined state, wrappers in tf.nn.rnn_cell, tf.nn.seq2seq."""
    cell = tf.nn.rnn_cell.BasicLSTMCell(UNITS, forget_bias=0.0, state_is_tuple=False,
                                        input_size=DEPTH)  # fmt: skip
    cell = tf.nn.rnn_cell.DropoutWrapper(cell, output_keep_prob=1.0)
    stacked = tf.nn.rnn_cell.MultiRNNCell([cell], state_is_tuple=False)
    wrapped = tf.nn.rnn_cell.OutputProjectionWrapper(
        tf.nn.rnn_cell.InputProjectionWrapper(stacked, DEPTH), CLASSES
    )
    outputs, state = tf.nn.rnn(wrapped, listed(X), dtype=tf.float32)
    logits = [tf.nn.rnn_cell._linear([o, y], CLASSES, True, scope=f"s{k}")
              for k, (o, y) in enumerate(zip(outputs, listed(Y), strict=False))]  # fmt: skip
    loss = tf.nn.seq2seq.sequence_loss(logits, listed(SPOKEN[:READ]), [tf.ones([BATCH])] * READ)
    sess, _ = started(session)
    got, total = sess.run([state, loss])
    assert got.shape == (BATCH, 2 * UNITS)
    assert np.isfinite(total)
    from frontends.tf.names.missing import resolve

    for path in ("python.ops.rnn_cell.GRUCell", "python.ops.rnn.dynamic_rnn",
                 "python.ops.seq2seq.sequence_loss", "contrib.rnn.GRUBlockCell",
                 "contrib.rnn.python.ops.core_rnn_cell._linear",
                 "contrib.seq2seq.python.ops.attention_wrapper.LuongAttention"):  # fmt: skip
        assert callable(resolve(path))
    outputs, _, _ = tf.nn.bidirectional_rnn(GRUCell(2), GRUCell(2), listed(X), dtype=tf.float32)
    assert outputs[0].shape.as_list() == [BATCH, 4]
