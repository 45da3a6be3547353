"""The losses and decoders of connectionist temporal classification.

Against the definition: a sum over all alignments, spelt out for few times.
"""

from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphc as tf
from graphc.errors import AttributeValueError, InvalidArgumentError, ShapeError
from tests.tolerances import assert_close

# a session of its own for every test, not for every example
EACH = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def read(alignment, blank, merge):
    """What an alignment reads as."""
    labels = [k for i, k in enumerate(alignment) if not merge or not i or k != alignment[i - 1]]
    return [k for k in labels if k != blank]


def loss_of(x, labels, merge=True):
    """``-log p(labels)`` of one row's scores [time, classes], by going through all alignments."""
    logs, classes = log_softmax(x.astype(np.float64)), x.shape[1]
    terms = [
        sum(logs[t, k] for t, k in enumerate(path))
        for path in product(range(classes), repeat=len(x))
        if read(path, classes - 1, merge) == labels
    ]
    return -np.logaddexp.reduce(terms) if terms else np.inf


def sparse(rows):
    places = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    values = np.array([v for row in rows for v in row], np.int32)
    shape = (len(rows), max([1, *map(len, rows)]))
    return tf.SparseTensorValue(np.array(places, np.int64).reshape(-1, 2), values, shape)


@st.composite
def batches(draw):
    time, batch, classes = (draw(st.integers(*span)) for span in ((1, 5), (1, 3), (2, 4)))
    lengths = [draw(st.integers(0, time)) for _ in range(batch)]
    rows = [draw(st.lists(st.integers(0, classes - 2), min_size=0, max_size=n)) for n in lengths]
    scale = draw(st.sampled_from([0.1, 2.0, 40.0]))
    x = np.random.default_rng(draw(st.integers(0, 99))).normal(0, scale, (time, batch, classes))
    return x, lengths, rows


@EACH
@given(batch=batches(), merge=st.booleans(), time_major=st.booleans(), half=st.booleans())
def test_the_loss_is_the_sum_over_alignments(session, batch, merge, time_major, half):
    x, lengths, rows = batch
    x = x.astype(np.float32 if half else np.float64)
    scores = tf.placeholder(tf.as_dtype(x.dtype), [None, None, None])
    labels, n = tf.sparse_placeholder(tf.int32), tf.placeholder(tf.int32, [None])
    loss = tf.nn.ctc_loss(labels, scores, n, ctc_merge_repeated=merge, time_major=time_major)
    given_x = x if time_major else x.transpose(1, 0, 2)
    found = session().run(loss, {scores: given_x, labels: sparse(rows), n: lengths})
    by_row = [loss_of(x[:k, b], rows[b], merge) for b, k in enumerate(lengths)]
    assert_close(found, np.array(by_row).astype(x.dtype), 10.0)


@EACH
@given(batch=batches(), merge=st.booleans())
def test_its_slope_is_that_of_the_sum(session, batch, merge):
    x, lengths, rows = batch
    scores = tf.placeholder(tf.float64, x.shape)
    labels = tf.SparseTensor.from_value(sparse(rows))
    loss = tf.nn.ctc_loss(labels, scores, np.int32(lengths), ctc_merge_repeated=merge)
    (slope,) = tf.gradients(loss, scores)
    values, found = session().run([loss, slope], {scores: x})
    step = 1e-5 * max(1.0, abs(x).max())
    for b in np.flatnonzero(np.isfinite(values)):
        for t, k in product(range(len(x)), range(x.shape[2])):
            ends = []
            for sign in (1, -1):
                moved = x[:, b].copy()
                moved[t, k] += sign * step
                ends.append(loss_of(moved[: lengths[b]], rows[b], merge))
            assert found[t, b, k] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-5)


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("collapse", [True, False])
def test_second_derivatives_are_those_of_differences(session, merge, collapse):
    rng = np.random.default_rng(2)
    x, u = rng.normal(size=(2, 6, 3, 4))
    scores = tf.placeholder(tf.float64, x.shape)
    labels = tf.SparseTensor.from_value(sparse([[1, 1, 0], [], [2, 2]]))
    loss = tf.nn.ctc_loss(
        labels, scores, np.int32([6, 4, 5]), preprocess_collapse_repeated=collapse,
        ctc_merge_repeated=merge,
    )  # fmt: skip
    weighted = loss * np.array([1.0, -2.0, 0.5])
    (slope,) = tf.gradients(weighted, scores)
    (curve,) = tf.gradients(tf.reduce_sum(slope * u), scores)
    (third,) = tf.gradients(tf.reduce_sum(curve * u), scores)
    sess = session()
    found, next_one = sess.run([curve, third], {scores: x})
    step = 1e-5
    ends = [sess.run([slope, curve], {scores: x + sign * step * u}) for sign in (1, -1)]
    np.testing.assert_allclose(found, (ends[0][0] - ends[1][0]) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(next_one, (ends[0][1] - ends[1][1]) / (2 * step), atol=1e-7)


def test_losses_of_thousands_keep_their_digits(session):
    rng = np.random.default_rng(0)
    x = rng.normal(0, 30, (400, 4, 20))
    rows = [rng.integers(0, 19, k).tolist() for k in (150, 40, 1, 0)]
    scores = [tf.constant(x.astype(dtype)) for dtype in (np.float32, np.float64)]
    lengths = np.int32([400, 400, 311, 400])
    losses = [tf.nn.ctc_loss(tf.SparseTensor.from_value(sparse(rows)), s, lengths) for s in scores]
    slopes = [tf.gradients(loss, s)[0] for loss, s in zip(losses, scores, strict=True)]
    (narrow, wide), (coarse, fine) = session().run([losses, slopes])
    assert wide.max() > 10_000
    np.testing.assert_allclose(narrow, wide, rtol=1e-6)
    np.testing.assert_allclose(coarse, fine, atol=1e-4)  # x itself has been rounded


def test_lengths_and_labels_of_any_size_compile_once(session):
    scores = tf.placeholder(tf.float32, [None, None, 6])
    labels, n = tf.sparse_placeholder(tf.int32), tf.placeholder(tf.int32, [None])
    loss = tf.nn.ctc_loss(labels, scores, n)
    fetches = [loss, tf.gradients(loss, scores)[0]]
    sess = session()
    rng = np.random.default_rng(1)
    for batch, time in ((2, 5), (3, 9), (1, 30)):
        x = rng.normal(size=(time, batch, 6)).astype(np.float32)
        rows = [rng.integers(0, 5, rng.integers(0, time // 2 + 1)).tolist() for _ in range(batch)]
        feeds = {scores: x, labels: sparse(rows), n: [time] * batch}
        value, slope = sess.run(fetches, feeds)
        assert value.shape == (batch,)
        assert np.isfinite(slope).all()
    assert sum(line.startswith("compile") for line in sess.compile_log()) <= 1


def ask(session, rows, lengths, time=4, **how):
    x = np.zeros((time, len(lengths), 4), np.float32)
    labels, n = tf.sparse_placeholder(tf.int32), tf.placeholder(tf.int32, [None])
    loss = tf.nn.ctc_loss(labels, tf.constant(x), n, **how)
    return session().run(loss, {labels: sparse(rows), n: lengths})


@pytest.mark.parametrize(
    ("rows", "lengths", "message"),
    [
        ([[1], [2, 2, 2, 1]], [4, 3],
         r"row 1 has 4 labels \(2 of them repeat the one before\) and sequence_length 3: a label "
         "needs a time of its own, a repeated one two"),
        ([[1], [2]], [5, 4], r"sequence_length\[0\] is 5, and x has 4 times"),
        ([[1], [2]], [4, -1], r"sequence_length\[1\] is -1, and x has 4 times"),
        ([[1, 4], [2]], [4, 4],
         "label 1 of row 0 is 4, and there are 4 classes, of which 3 is the blank"),
        ([[1, -1], [2]], [4, 4], "label 1 of row 0 is -1"),
        ([[1, 3, 1], [2]], [4, 4], "label 2 of row 0 is 1, after the blank 3"),
        ([[1], [2], [0]], [4, 4], r"indices\[2\] = \[2, 0\] does not index into \[2, "),
    ],
)  # fmt: skip
def test_labels_that_do_not_fit_are_named(session, rows, lengths, message):
    with pytest.raises(InvalidArgumentError, match=message):
        ask(session, rows, lengths)


def test_rows_that_are_longer_are_left_out_if_asked(session):
    scores = tf.Variable(np.random.default_rng(0).normal(size=(4, 2, 4)))
    labels = tf.SparseTensor.from_value(sparse([[1, 2, 0], [2]]))
    loss = tf.nn.ctc_loss(labels, scores, np.int32([2, 4]), ignore_longer_outputs_than_inputs=True)
    (slope,) = tf.gradients(loss, scores)
    (curve,) = tf.gradients(tf.reduce_sum(tf.square(slope)), scores)
    sess = session()
    sess.run(tf.global_variables_initializer())
    value, first, second = sess.run([loss, slope, curve])
    assert value[0] == 0
    assert value[1] > 0
    for found in (first, second):
        assert not found[:, 0].any()
        assert np.isfinite(found).all()
        assert found[:, 1].any()


def test_labels_must_be_sparse_and_scores_of_three_axes():
    x = tf.zeros([4, 2, 3])
    with pytest.raises(TypeError, match="labels must be a SparseTensor"):
        tf.nn.ctc_loss([[1]], x, [4, 4])
    labels = tf.sparse_placeholder(tf.int32)
    with pytest.raises(AttributeValueError, match="ctc_loss needs the scores"):
        tf.nn.ctc_loss(labels)
    with pytest.raises(ShapeError, match="takes scores of every time, row and class"):
        tf.nn.ctc_loss(labels, x[0], [4, 4])
    with pytest.raises(AttributeValueError, match="blank_index must be said"):
        tf.nn.ctc_loss_v2(labels, x, None, [4, 4])


def likely(x, top):
    """All labellings of one row by probability, from the definition."""
    logs, classes = log_softmax(x), x.shape[1]
    found = {}
    for path in product(range(classes), repeat=len(x)):
        key = tuple(read(path, classes - 1, True))
        score = sum(logs[t, k] for t, k in enumerate(path))
        found[key] = np.logaddexp(found.get(key, -np.inf), score)
    return sorted(found.items(), key=lambda item: -item[1])[:top]


@EACH
@given(seed=st.integers(0, 99), time=st.integers(2, 6), scale=st.sampled_from([0.5, 3.0]))
def test_a_wide_search_finds_the_most_probable_labels(session, seed, time, scale):
    x = np.random.default_rng(seed).normal(0, scale, (time, 2, 3))
    n = [time, time - 1]
    scores = tf.placeholder(tf.float64, [None, None, 3])
    paths, probability = tf.nn.ctc_beam_search_decoder(
        scores, n, beam_width=300, top_paths=2, merge_repeated=False
    )
    dense = [tf.sparse_tensor_to_dense(path, default_value=-1) for path in paths]
    rows, told = session().run([dense, probability], {scores: x})
    for b in range(2):
        for k, (labels, score) in enumerate(likely(x[: n[b], b], 2)):
            assert [v for v in rows[k][b].tolist() if v >= 0] == list(labels)
            assert told[b, k] == pytest.approx(score, abs=1e-9)


def test_a_narrow_search_follows_its_definition(session):
    from graphc.ops.sequences.ctc_decoding import CtcPrefixSearch

    rng = np.random.default_rng(3)
    x = tf.placeholder(tf.float64, [None, None, None])
    n = tf.placeholder(tf.int32, [None])
    sess = session()
    for width, classes in ((1, 4), (2, 3), (5, 6), (9, 4)):
        paths, probability = tf.nn.ctc_beam_search_decoder_v2(x, n, beam_width=width)
        scores = rng.normal(0, 1.5, (25, 4, classes))
        lengths = np.int32([25, 20, 7, 0])
        found, told = sess.run([paths[0], probability], {x: scores, n: lengths})
        wanted, counts, log = CtcPrefixSearch(width=width).reference(scores, lengths)
        assert found.values.tolist() == [
            v for b in range(4) for v in wanted[b, 0, : counts[b, 0]].tolist()
        ]
        np.testing.assert_allclose(told, log, atol=1e-9)


def test_more_paths_than_there_are_is_an_error(session):
    x = np.zeros((3, 2, 3), np.float32)
    paths, _ = tf.nn.ctc_beam_search_decoder(x, np.int32([3, 0]), beam_width=10, top_paths=2)
    with pytest.raises(InvalidArgumentError, match="row 1 has 1 labellings, and top_paths=2"):
        session().run(paths[0])
    with pytest.raises(ShapeError, match="3 of the 2 prefixes kept cannot be given"):
        tf.nn.ctc_beam_search_decoder(x, np.int32([3, 3]), beam_width=2, top_paths=3)


def test_the_best_path_drops_what_repeats(session):
    classes = [[0, 0, 2, 0, 1, 1], [2, 2, 1, 2, 1, 0]]
    x = np.eye(3, dtype=np.float32)[np.array(classes).T] * 5
    (merged,), score = tf.nn.ctc_greedy_decoder(x, np.int32([6, 5]))
    (whole,), _ = tf.nn.ctc_greedy_decoder(x, np.int32([6, 5]), merge_repeated=False)
    a, b, s = session().run([merged, whole, score])
    assert a.values.tolist() == [0, 0, 1, 1, 1]
    assert b.values.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert a.dense_shape.tolist() == [2, 3]
    assert s.tolist() == [[-30.0], [-25.0]]
