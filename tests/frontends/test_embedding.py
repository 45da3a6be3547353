"""Embedding look-ups, candidate samplers and sampled losses."""

import numpy as np
import pytest

import graphc as tf

TABLE = np.arange(33, dtype=np.float32).reshape(11, 3) / 10
PARTS = {"mod": [TABLE[k::3] for k in range(3)], "div": [TABLE[:4], TABLE[4:8], TABLE[8:]]}


@pytest.mark.parametrize("strategy", PARTS)
def test_parts_of_a_table_are_one_table(session, strategy):
    ids = np.array([[0, 10, 3], [7, 7, 2]])
    parts = [tf.Variable(part) for part in PARTS[strategy]]
    rows = tf.nn.embedding_lookup(parts, ids, partition_strategy=strategy)
    grads = tf.gradients(tf.reduce_sum(rows * rows), parts)
    train = tf.train.MomentumOptimizer(0.1, 0.9).apply_gradients(zip(grads, parts, strict=True))
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(sess.run(rows), TABLE[ids])
    sess.run(train)
    whole = TABLE - 0.2 * TABLE * np.bincount(ids.ravel(), minlength=11)[:, None]
    expected = [whole[k::3] for k in range(3)] if strategy == "mod" else np.split(whole, [4, 8])
    for part, wanted in zip(parts, expected, strict=True):
        np.testing.assert_allclose(sess.run(part), wanted, rtol=1e-5)


@pytest.mark.parametrize("parts", [1, 3])
def test_an_id_outside_the_table_is_named(session, parts):
    tables = [tf.constant(TABLE[k::parts]) for k in range(parts)]
    rows = tf.nn.embedding_lookup(tables, [1, 11])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[1\] = 11 is not in \[0, 11\)"):
        session().run(rows)


def test_max_norm_scales_long_rows_down(session):
    rows = tf.nn.embedding_lookup(TABLE, [1, 10], max_norm=1.0)
    norms = np.linalg.norm(TABLE[[1, 10]], axis=1, keepdims=True)
    expected = TABLE[[1, 10]] / np.maximum(norms, 1)
    np.testing.assert_allclose(session().run(rows), expected, rtol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn"])
def test_several_ids_per_row_are_combined(session, combiner, weighted):
    ids = tf.SparseTensor([[0, 0], [0, 1], [1, 0], [2, 2]], tf.constant([3, 0, 4, 4]), [3, 3])
    numbers = np.array([1, 2, 0.5, 3], np.float32) if weighted else np.ones(4, np.float32)
    weights = ids.with_values(tf.constant(numbers)) if weighted else None
    found = tf.nn.embedding_lookup_sparse(TABLE, ids, weights, combiner=combiner)
    rows = [np.array([0, 1]), np.array([2]), np.array([3])]
    chosen = TABLE[[3, 0, 4, 4]] * numbers[:, None]
    divide = {"sum": lambda w: 1, "mean": np.sum, "sqrtn": lambda w: np.sqrt(np.sum(w * w))}
    expected = [chosen[k].sum(0) / divide[combiner](numbers[k]) for k in rows]
    np.testing.assert_allclose(session().run(found), expected, rtol=1e-5)


def test_the_safe_look_up_fills_rows_without_valid_ids(session):
    ids = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], tf.constant([3, -1, -7], tf.int64), [3, 2])
    zeros = tf.contrib.layers.safe_embedding_lookup_sparse([TABLE], ids)
    filled = tf.contrib.layers.safe_embedding_lookup_sparse([TABLE], ids, default_id=2)
    sess = session()
    np.testing.assert_array_equal(sess.run(zeros), [TABLE[3], 0 * TABLE[0], 0 * TABLE[0]])
    np.testing.assert_array_equal(sess.run(filled), TABLE[[3, 2, 2]])


# --- samplers ------------------------------------------------------------------------------------

TRUE = np.array([[0, 1], [5, 9]])
SAMPLERS = {
    "uniform": (tf.nn.uniform_candidate_sampler, np.full(10, 0.1)),
    "log_uniform": (
        tf.nn.log_uniform_candidate_sampler, np.log1p(1 / np.arange(1, 11)) / np.log(11)
    ),
    "fixed": (
        lambda *args, **kwargs: tf.nn.fixed_unigram_candidate_sampler(
            *args, unigrams=range(1, 11), **kwargs
        ),
        np.arange(1, 11) / 55,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLERS)
def test_classes_are_drawn_as_often_as_their_probability_says(session, name):
    sampler, probability = SAMPLERS[name]
    drawn, true_count, count = session().run(sampler(TRUE, 2, 20_000, False, 10, seed=3))
    share = np.bincount(drawn, minlength=10) / 20_000
    np.testing.assert_allclose(share, probability, atol=0.012)
    np.testing.assert_allclose(true_count, probability[TRUE] * 20_000, rtol=1e-4)
    np.testing.assert_allclose(count, probability[drawn] * 20_000, rtol=1e-4)


@pytest.mark.parametrize("name", SAMPLERS)
def test_distinct_classes_are_distinct_and_other_ones_in_the_next_run(session, name):
    sampler, _ = SAMPLERS[name]
    drawn = sampler(TRUE, 2, 6, True, 10, seed=3).sampled_candidates
    sess, again = session(), session()
    first, second = sess.run(drawn), sess.run(drawn)
    assert len(set(first)) == 6
    assert list(first) != list(second)
    assert list(again.run(drawn)) == list(first)


def test_a_true_class_outside_the_range_is_refused(session):
    drawn = tf.nn.uniform_candidate_sampler([[3], [10]], 1, 2, True, 10)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"true_classes\[1, 0\] = 10"):
        session().run(drawn)


def test_more_distinct_classes_than_there_are_is_refused():
    with pytest.raises(ValueError, match="no 11 distinct ones among 10 classes"):
        tf.nn.uniform_candidate_sampler(TRUE, 2, 11, True, 10)


def test_accidental_hits_are_rows_and_places(session):
    rows, places, weights = session().run(
        tf.nn.compute_accidental_hits(TRUE, np.array([9, 4, 0, 5]), 2)
    )
    assert list(zip(rows, places, strict=True)) == [(0, 2), (1, 3), (1, 0)]
    assert (weights == np.finfo(np.float32).min).all()


# --- losses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("hits", [False, True])
@pytest.mark.parametrize("loss", [tf.nn.nce_loss, tf.nn.sampled_softmax_loss])
def test_sampled_losses(session, loss, hits):
    rng = np.random.default_rng(0)
    w, bias, x = (rng.normal(size=s).astype(np.float32) for s in ((10, 4), (10,), (3, 4)))
    labels, sampled = np.array([[2], [0], [5]]), np.array([1, 5, 7])
    counts = rng.uniform(0.1, 1, (3, 1)).astype(np.float32), np.float32([0.5, 0.25, 0.125])
    value = session().run(
        loss(w, bias, labels, x, 3, 10, sampled_values=(sampled, *counts),
             remove_accidental_hits=hits)
    )  # fmt: skip
    true = np.sum(x * w[labels[:, 0]], 1, keepdims=True) + bias[labels] - np.log(counts[0])
    others = x @ w[sampled].T + bias[sampled] - np.log(counts[1])
    if hits:
        others = np.where(labels == sampled, -np.inf, others)
    logits = np.concatenate([true, others], 1).astype(np.float64)
    if loss is tf.nn.nce_loss:
        expected = np.logaddexp(0, logits).sum(1) - logits[:, 0]
    else:
        expected = np.logaddexp.reduce(logits, 1) - logits[:, 0]
    np.testing.assert_allclose(value, expected, rtol=1e-4)


def test_a_sampled_loss_changes_sampled_and_true_rows_only(session):
    w, bias = tf.Variable(np.ones((50, 4), np.float32)), tf.Variable(np.zeros(50, np.float32))
    loss = tf.nn.nce_loss(w, bias, [[3]], np.ones((1, 4), np.float32), 5, 50)
    grads = tf.gradients(loss, [w, bias])
    assert all(isinstance(g, tf.IndexedSlices) for g in grads)
    train = tf.train.GradientDescentOptimizer(0.1).apply_gradients(
        zip(grads, [w, bias], strict=True)
    )
    sess = session()
    sess.run(tf.global_variables_initializer())
    sess.run(train)
    changed = (sess.run(w) != 1).any(1)
    assert changed[3]
    assert 2 <= changed.sum() <= 6
