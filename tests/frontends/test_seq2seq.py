"""``tf.contrib.seq2seq``: decoding beside loops in NumPy, helpers, losses, what is refused."""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import DTypeError, GraphError, ShapeError
from tests.frontends.sequences import (
    BATCH,
    CLASSES,
    DEPTH,
    LENGTHS,
    MEMORY,
    RANDOM,
    STATE,
    TIME,
    UNITS,
    GRUCell,
    LSTMCell,
    X,
    generator,
    gru,
    names,
    seq2seq,
    started,
    teacher,
    values,
    wrapped,
)

# --- a decoder that is taught ---------------------------------------------------------------------


def test_teaching_is_a_network_along_time(session):
    decoder = teacher(layer=tf.layers.Dense(CLASSES))
    outputs, state, lengths = seq2seq.dynamic_decode(decoder, impute_finished=True)
    scope = "decoder/gru_cell"
    assert names() == [
        f"{scope}/gates/kernel", f"{scope}/gates/bias", f"{scope}/candidate/kernel",
        f"{scope}/candidate/bias", "decoder/dense/kernel", "decoder/dense/bias",
    ]  # fmt: skip
    kernel, bias = tf.trainable_variables()[4:]
    with tf.variable_scope("decoder", reuse=True) as opened:
        cell = GRUCell(UNITS)
        rows, last = tf.nn.dynamic_rnn(cell, tf.constant(X), LENGTHS, dtype=tf.float32,
                                       scope=opened)  # fmt: skip
        logits = tf.tensordot(rows, kernel, 1) + bias
    got, held, counted, want, kept = started(session).run([outputs, state, lengths, logits, last])
    np.testing.assert_array_equal(counted, LENGTHS)
    for k, n in enumerate(LENGTHS):
        np.testing.assert_allclose(got.rnn_output[k, :n], want[k, :n], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(got.rnn_output[k, n:], 0)
        np.testing.assert_array_equal(got.sample_id[k, :n], want[k, :n].argmax(-1))
        np.testing.assert_array_equal(got.sample_id[k, n:], 0)
    np.testing.assert_allclose(held, kept, rtol=1e-5, atol=1e-6)


def test_without_imputing_rows_go_on_after_their_end(session):
    outputs, state, lengths = seq2seq.dynamic_decode(teacher(), output_time_major=True)
    got, held, counted = started(session).run([outputs, state, lengths])
    assert got.rnn_output.shape == (TIME, BATCH, UNITS)
    np.testing.assert_array_equal(counted, LENGTHS)
    np.testing.assert_allclose(held, got.rnn_output[-1])
    assert np.abs(got.rnn_output[-1]).min() > 0


def test_the_longest_sequence_and_the_limit_say_how_many_turns_there_are(session):
    lengths = tf.placeholder(tf.int32, [BATCH])
    limit = tf.placeholder(tf.int32, [])
    free, _, _ = seq2seq.dynamic_decode(teacher(lengths=lengths), scope="one")
    bound, _, ends = seq2seq.dynamic_decode(
        teacher(lengths=lengths), maximum_iterations=limit, scope="two"
    )
    sess = started(session)
    for given, most in (([3, 5, 1], 9), ([2, 1, 0], 1), ([0, 0, 0], 4), ([4, 4, 4], 0)):
        one, two, counted = sess.run([free, bound, ends], {lengths: given, limit: most})
        assert one.rnn_output.shape == (BATCH, max(given), UNITS)
        assert two.sample_id.shape == (BATCH, min(max(given), most))
        np.testing.assert_array_equal(counted, np.minimum(given, most))


class Plain(seq2seq.BasicDecoder):
    """A decoder of which nothing is known before it runs: it goes through the while loop."""

    def step(self, time, inputs, state, name=None):
        return super().step(time, inputs, state, name)


def test_a_scan_and_a_while_loop_decode_alike_with_their_gradients(session):
    results = []
    x = tf.constant(X)
    for kind in (seq2seq.BasicDecoder, Plain):
        with tf.variable_scope("shared", reuse=tf.AUTO_REUSE):
            cell = LSTMCell(UNITS)
            helper = seq2seq.TrainingHelper(x, LENGTHS)
            decoder = kind(cell, helper, cell.zero_state(BATCH, tf.float32))
            outputs, state, ends = seq2seq.dynamic_decode(decoder, impute_finished=True)
        assert (decoder.lesson is None) == (kind is Plain)
        loss = tf.reduce_sum(tf.square(outputs.rnn_output)) + tf.reduce_sum(state.c)
        results.append((outputs, state, ends, tf.gradients(loss, [x, *tf.trainable_variables()])))
    assert len(names()) == 2
    one, two = started(session).run(results)
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert np.abs(one[3][0]).max() > 0.01


def test_gradients_of_teaching_are_those_of_finite_differences():
    x = tf.placeholder(tf.float64, [BATCH, None, DEPTH])
    cell = LSTMCell(UNITS, dtype=tf.float64)
    decoder = seq2seq.BasicDecoder(
        cell, seq2seq.TrainingHelper(x, LENGTHS), cell.zero_state(BATCH, tf.float64),
        tf.layers.Dense(CLASSES),
    )  # fmt: skip
    outputs, _, ends = seq2seq.dynamic_decode(decoder)
    targets = tf.constant(np.arange(BATCH * TIME).reshape(BATCH, TIME) % CLASSES)
    weights = tf.sequence_mask(ends, TIME, tf.float64)
    loss = seq2seq.sequence_loss(outputs.rnn_output, targets, weights)
    (slope,) = tf.gradients(loss, [x])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        at, direction = X.astype(np.float64), np.cos(np.arange(X.size)).reshape(X.shape)
        found = (sess.run(slope, {x: at}) * direction).sum()
        h = 1e-5
        up, down = (sess.run(loss, {x: at + s * h * direction}) for s in (1, -1))
        np.testing.assert_allclose(found, (up - down) / (2 * h), rtol=1e-6)


def test_inputs_may_be_nests_and_have_time_first(session):
    class Pair(GRUCell):
        def call(self, inputs, state):
            return super().call(tf.concat([inputs["a"], inputs["b"]], 1), state)

        def build(self, shape):
            super().build(tf.TensorShape([None, DEPTH]))

    parts = {"a": tf.constant(X[..., :1]), "b": tf.constant(X[..., 1:])}
    with tf.variable_scope("x"):
        cell = Pair(UNITS, name="gru_cell")
        helper = seq2seq.TrainingHelper(parts, LENGTHS)
        one, *_ = seq2seq.dynamic_decode(
            seq2seq.BasicDecoder(cell, helper, cell.zero_state(BATCH, tf.float32))
        )
    with tf.variable_scope("x", reuse=True):
        two, *_ = seq2seq.dynamic_decode(
            teacher(np.swapaxes(X, 0, 1), time_major=True), output_time_major=False
        )
    got, want = started(session).run([one, two])
    np.testing.assert_allclose(got.rnn_output, want.rnn_output, rtol=1e-5, atol=1e-6)


# --- helpers --------------------------------------------------------------------------------------


def test_greedy_decoding_takes_the_likeliest_class_until_the_end(session):
    table = tf.get_variable("table", [CLASSES, DEPTH])
    helper = seq2seq.GreedyEmbeddingHelper(table, tf.fill([BATCH], 1), end_token=2)
    outputs, state, lengths = seq2seq.dynamic_decode(
        generator(helper, state=tf.constant(STATE)), maximum_iterations=20, impute_finished=True
    )
    sess = started(session)
    got, held, counted = sess.run([outputs, state, lengths])
    v = values(sess)
    h, ids = STATE.copy(), np.full(BATCH, 1)
    finished, ends = np.zeros(BATCH, bool), np.zeros(BATCH, int)
    for t in range(20):
        if finished.all():
            break
        new = gru(v["table"][ids], h, v, "decoder/gru_cell")
        logits = new @ v["decoder/dense/kernel"] + v["decoder/dense/bias"]
        ids = logits.argmax(1)
        expected = np.where(finished[:, None], 0, logits)
        np.testing.assert_allclose(got.rnn_output[:, t], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(got.sample_id[:, t], np.where(finished, 0, ids))
        h = np.where(finished[:, None], h, new)
        ends = np.where(finished, ends, t + 1)
        finished = finished | (ids == 2)
    assert got.sample_id.shape[1] == t + (not finished.all())
    np.testing.assert_array_equal(counted, ends)
    np.testing.assert_allclose(held, h, rtol=1e-4, atol=1e-5)


def test_an_embedding_may_be_a_function(session):
    table = np.eye(CLASSES, DEPTH, dtype=np.float32)
    helper = seq2seq.GreedyEmbeddingHelper(
        lambda ids: tf.gather(tf.constant(table), ids), tf.fill([BATCH], 1), 2
    )
    outputs, _, _ = seq2seq.dynamic_decode(generator(helper), maximum_iterations=3)
    assert started(session).run(outputs).sample_id.shape == (BATCH, 3)


def test_samples_are_drawn_with_the_probabilities_of_the_logits(session):
    rows = 4000
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    cell = GRUCell(2)
    wide = np.tile(logits, (rows, 1))

    def sampled(temperature):
        helper = seq2seq.SampleEmbeddingHelper(
            tf.zeros([3, 1]), tf.zeros([rows], tf.int32), 99, temperature, seed=4
        )

        class Fixed(tf.layers.Layer):
            def call(self, inputs):
                return tf.constant(wide)

            def compute_output_shape(self, shape):
                return tf.TensorShape([None, 3])

        decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(rows, tf.float32), Fixed())
        outputs, _, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=2)
        return outputs.sample_id

    one, hot = sampled(None), sampled(1000.0)
    got, flat = started(session).run([one, hot])
    for t in range(2):
        np.testing.assert_allclose(np.bincount(got[:, t]) / rows, [0.5, 0.3, 0.2], atol=0.03)
        np.testing.assert_allclose(np.bincount(flat[:, t]) / rows, [1 / 3] * 3, atol=0.03)
    assert (got[:, 0] != got[:, 1]).mean() > 0.3


@pytest.mark.parametrize("probability", [0.0, 0.4, 1.0])
def test_scheduled_sampling_embeds_what_was_drawn(session, probability):
    table = tf.get_variable("table", [CLASSES, DEPTH])
    helper = seq2seq.ScheduledEmbeddingTrainingHelper(
        tf.constant(X), LENGTHS, table, probability, seed=1, scheduling_seed=5
    )
    outputs, _, _ = seq2seq.dynamic_decode(generator(helper, state=tf.constant(STATE)))
    sess = started(session)
    got = sess.run(outputs)
    drawn = got.sample_id
    if probability == 0:
        assert (drawn == -1).all()
    elif probability == 1:
        assert ((drawn >= 0) & (drawn < CLASSES)).all()
    else:
        assert 0 < (drawn == -1).mean() < 1
    v, h, x = values(sess), STATE, X[:, 0]
    for t in range(TIME):
        h = gru(x, h, v, "decoder/gru_cell")
        logits = h @ v["decoder/dense/kernel"] + v["decoder/dense/bias"]
        np.testing.assert_allclose(got.rnn_output[:, t], logits, rtol=1e-4, atol=1e-5)
        read = X[:, t + 1] if t + 1 < TIME else np.zeros_like(x)
        x = np.where(drawn[:, t : t + 1] >= 0, v["table"][np.maximum(drawn[:, t], 0)], read)


def test_scheduled_outputs_are_fed_back_with_auxiliary_inputs(session):
    more = RANDOM.uniform(-1, 1, (BATCH, TIME, 2)).astype(np.float32)
    helper = seq2seq.ScheduledOutputTrainingHelper(
        tf.constant(X), LENGTHS, [0.0, 1.0, 0.5], next_inputs_fn=lambda y: 2.0 * y[:, :DEPTH],
        auxiliary_inputs=tf.constant(more), seed=3,
    )  # fmt: skip
    outputs, _, _ = seq2seq.dynamic_decode(generator(helper))
    sess = started(session)
    got = sess.run(outputs)
    assert not got.sample_id[0].any()
    assert got.sample_id[1].all()
    v, h, x = values(sess), np.zeros((BATCH, UNITS)), X[:, 0]
    for t in range(TIME):
        h = gru(np.concatenate([x, more[:, t]], 1), h, v, "decoder/gru_cell")
        logits = h @ v["decoder/dense/kernel"] + v["decoder/dense/bias"]
        np.testing.assert_allclose(got.rnn_output[:, t], logits, rtol=1e-4, atol=1e-5)
        read = X[:, t + 1] if t + 1 < TIME else np.zeros_like(x)
        x = np.where(got.sample_id[:, t : t + 1] > 0, 2 * logits[:, :DEPTH], read)


def test_custom_and_inference_helpers(session):
    start = tf.constant(X[:, 0])

    def next_inputs(time, outputs, state, sample_ids):
        return tf.greater_equal(time + tf.range(BATCH), 3), outputs[:, :DEPTH], state

    custom = seq2seq.CustomHelper(
        lambda: (tf.fill([BATCH], False), start),
        lambda time, outputs, state: tf.cast(tf.argmin(outputs, 1), tf.int32), next_inputs,
    )  # fmt: skip
    inference = seq2seq.InferenceHelper(
        lambda outputs: outputs[:, :DEPTH], [DEPTH], tf.float32, start,
        lambda samples: tf.less(samples[:, 0], -100.0),
    )  # fmt: skip
    one, _, lengths = seq2seq.dynamic_decode(generator(custom), scope="d")
    with tf.variable_scope("d", reuse=True) as scope:
        pass
    two, _, _ = seq2seq.dynamic_decode(generator(inference), maximum_iterations=4, scope=scope)
    got, counted, want = started(session).run([one, lengths, two])
    np.testing.assert_array_equal(counted, [4, 3, 2])
    np.testing.assert_allclose(got.rnn_output, want.rnn_output, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(got.sample_id, want.rnn_output.argmin(-1))
    np.testing.assert_allclose(want.sample_id, want.rnn_output[..., :DEPTH])


# --- losses and small parts -----------------------------------------------------------------------


def test_sequence_loss_averages_over_what_is_asked(session):
    logits = RANDOM.randn(2, 3, 4).astype(np.float32)
    targets = np.array([[0, 1, 2], [3, 2, 1]])
    weights = np.array([[1, 0.5, 0], [1, 0, 0]], np.float32)
    log = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    each = -np.take_along_axis(log, targets[..., None], -1)[..., 0] * weights
    loss = seq2seq.sequence_loss

    def of(*flags):
        return loss(logits, targets, weights, *flags)

    built = [
        of(True, True), of(True, False), of(False, True), of(False, False),
        of(False, False, True, True), of(False, False, True, False), of(False, False, False, True),
    ]  # fmt: skip
    nothing = loss(logits, targets, np.zeros_like(weights))
    own = lambda labels, logits: tf.cast(labels, tf.float32)  # noqa: E731
    sampled = loss(logits, targets, weights, softmax_loss_function=own)
    got = session().run([*built, nothing, sampled])
    total = weights.sum()
    expected = [
        each.sum() / total, each.sum(1) / weights.sum(1),
        np.divide(each.sum(0), weights.sum(0), out=np.zeros(3, np.float32),
                  where=weights.sum(0) > 0),
        each, each.sum() / 3, each.sum(1) / [2, 1], [each[:, 0].sum() / 2, each[0, 1], 0], 0.0,
        (targets * weights).sum() / total,
    ]  # fmt: skip
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    with pytest.raises(ValueError, match="cannot be set to True at same time"):
        of(True, True, True, False)
    with pytest.raises(ValueError, match="Logits must be a"):
        loss(logits[0], targets, weights)


def test_small_parts(session):
    tiled = seq2seq.tile_batch((tf.constant([[1], [2]]), tf.constant([3, 4])), 2)
    hard = seq2seq.hardmax(tf.constant([[1.0, 3.0, 2.0], [0.0, -1.0, -2.0]]))
    fed = tf.placeholder(tf.int32, [None, None])
    many = seq2seq.tile_batch(fed, 3)
    product = seq2seq.safe_cumprod(tf.constant([[0.5, 0.0, 2.0]]), axis=1)
    got = session().run([tiled, hard, many, product], {fed: [[1, 2]]})
    np.testing.assert_array_equal(got[0][0], [[1], [1], [2], [2]])
    np.testing.assert_array_equal(got[0][1], [3, 3, 4, 4])
    np.testing.assert_array_equal(got[1], [[0, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(got[2], [[1, 2]] * 3)
    np.testing.assert_allclose(got[3], [[0.5, 0, 0]], atol=1e-30)
    with pytest.raises(ShapeError, match="batch axis"):
        seq2seq.tile_batch(1.0, 2)


# --- what is refused ------------------------------------------------------------------------------


def test_sequence_lengths_are_checked():
    with pytest.raises(ShapeError, match="sequence_length has 2 entries, the batch has 3 rows"):
        seq2seq.TrainingHelper(tf.constant(X), [1, 2])
    lengths = tf.placeholder(tf.int32, [None])
    outputs, _, _ = seq2seq.dynamic_decode(teacher(lengths=lengths))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="beyond the time there is"):
            sess.run(outputs, {lengths: [1, TIME + 1, 2]})
    with pytest.raises(ValueError, match="vector of length batch_size"):
        seq2seq.TrainingHelper(tf.constant(X), 3)


def test_memory_lengths_are_checked():
    with pytest.raises(ShapeError, match="one length for each row of the memory"):
        seq2seq.LuongAttention(4, MEMORY, [1, 2])
    with pytest.raises(tf.errors.InvalidArgumentError, match="must greater than zero"):
        seq2seq.LuongAttention(4, MEMORY, [1, 0, 2])
    with pytest.raises(ShapeError, match="queries have 6 units, keys have 4"):
        wrapped(mechanism=seq2seq.LuongAttention(4, MEMORY))(
            tf.constant(X[:, 0]), wrapped().zero_state(BATCH, tf.float32)
        )


def test_a_memory_that_was_not_tiled_is_named():
    cell = wrapped()
    rows = tf.placeholder(tf.int32, [])
    x = tf.zeros(tf.stack([rows, DEPTH]))
    x.set_shape([None, DEPTH])
    state = cell.zero_state(rows, tf.float32)
    output, _ = cell(x, state)
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    sess.run(output, {rows: BATCH})
    with pytest.raises(tf.errors.InvalidArgumentError, match="tile_batch"):
        sess.run(output, {rows: 2 * BATCH})


def test_wrong_arguments_of_decoders():
    cell = GRUCell(UNITS)
    state = cell.zero_state(BATCH, tf.float32)
    helper = seq2seq.TrainingHelper(tf.constant(X), LENGTHS)
    with pytest.raises(TypeError, match="helper must be a Helper"):
        seq2seq.BasicDecoder(cell, X, state)
    with pytest.raises(TypeError, match="output_layer must be a Layer"):
        seq2seq.BasicDecoder(cell, helper, state, tf.tanh)
    with pytest.raises(TypeError, match="Expected decoder to be type Decoder"):
        seq2seq.dynamic_decode(cell)
    with pytest.raises(ValueError, match="start_tokens must be a vector"):
        seq2seq.GreedyEmbeddingHelper(tf.eye(3), 1, 2)
    with pytest.raises(ValueError, match="either a scalar or a vector"):
        seq2seq.ScheduledOutputTrainingHelper(tf.constant(X), LENGTHS, [[0.5]])
    with pytest.raises(ShapeError, match=r"tile_batch\(state, multiplier=beam_width\)"):
        seq2seq.BeamSearchDecoder(cell, tf.eye(6), tf.fill([BATCH], 1), 2, state, 4)
    with pytest.raises(ValueError, match="needs the attention of an AttentionWrapper"):
        seq2seq.dynamic_decode(
            seq2seq.BeamSearchDecoder(
                cell, tf.eye(6), tf.fill([BATCH], 1), 2, seq2seq.tile_batch(state, 4), 4,
                coverage_penalty_weight=0.2,
            )
        )  # fmt: skip
    with pytest.raises(TypeError, match="instance of AttentionWrapperState"):
        wrapped()(tf.constant(X[:, 0]), state)


def test_a_state_that_changes_is_named():
    def custom(next_state, next_inputs=lambda: tf.zeros([BATCH, DEPTH])):
        return seq2seq.CustomHelper(
            lambda: (tf.fill([BATCH], False), tf.zeros([BATCH, DEPTH])),
            lambda time, outputs, state: tf.zeros([BATCH], tf.int32),
            lambda time, outputs, state, sample_ids: (
                tf.fill([BATCH], True), next_inputs(), next_state(state)
            ),
        )  # fmt: skip

    with pytest.raises(GraphError, match="the state after a decoder's step are not nested"):
        seq2seq.dynamic_decode(generator(custom(lambda s: (s, s))))
    with pytest.raises(DTypeError, match="change their dtype in a turn"):
        seq2seq.dynamic_decode(generator(custom(lambda s: tf.cast(s, tf.float64))))
    with pytest.raises(ShapeError, match="the next inputs change their shape"):
        seq2seq.dynamic_decode(generator(custom(lambda s: s, lambda: tf.zeros([BATCH, DEPTH + 1]))))
