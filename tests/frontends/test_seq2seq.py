"""``tf.contrib.seq2seq``: decoding turn by turn beside loops in NumPy, attention beside its
equations, beams beside all sequences there are."""

import itertools

import numpy as np
import pytest

import graphc as tf
from graphc.errors import DTypeError, GraphError, ShapeError

seq2seq = tf.contrib.seq2seq
GRUCell, LSTMCell = tf.nn.rnn_cell.GRUCell, tf.nn.rnn_cell.LSTMCell
BATCH, TIME, DEPTH, UNITS, CLASSES = 3, 5, 4, 6, 7
RANDOM = np.random.RandomState(5)
X = RANDOM.uniform(-1, 1, (BATCH, TIME, DEPTH)).astype(np.float32)
LENGTHS = np.array([3, 5, 1])
MEMORY = RANDOM.uniform(-1, 1, (BATCH, 4, 5)).astype(np.float32)
MEMORY_LENGTHS = np.array([4, 1, 3])


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


STATE = RANDOM.uniform(-1, 1, (BATCH, UNITS)).astype(np.float32)


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


# --- attention ------------------------------------------------------------------------------------


def masked(score, lengths):
    steps = np.arange(score.shape[1])
    score = np.where(steps < lengths[:, None], score, -np.inf)
    e = np.exp(score - score.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


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


def wrapped(units=UNITS, layer=None, mechanism=None, **kwargs):
    made = mechanism or seq2seq.LuongAttention(units, MEMORY, MEMORY_LENGTHS)
    return seq2seq.AttentionWrapper(GRUCell(units), made, attention_layer_size=layer, **kwargs)


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


# --- beams ----------------------------------------------------------------------------------------


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
