"""``tf.contrib.layers`` and ``tf.contrib.framework``: layers, argument scopes, variables by name.

The names are those of TensorFlow 1.15; figures are computed with NumPy beside them.
"""

from functools import partial

import numpy as np
import pytest

import graphc as tf
from graphc.errors import ShapeError

layers = tf.contrib.layers
framework = tf.contrib.framework
X = np.random.RandomState(5).randn(6, 4).astype(np.float32)
IMAGE = (np.random.RandomState(6).randn(3, 2, 5, 8) * 3 + 1).astype(np.float32)


def names(values):
    return [v.name for v in values]


def ran(session, *values, feeds=None):
    sess = session()
    sess.run(tf.global_variables_initializer())
    return sess.run(list(values), feeds or {})


def normalised(x, axes, epsilon):
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


def test_variables_and_outputs_join_the_collections_asked_for():
    y = layers.fully_connected(
        X, 3, outputs_collections="outputs",
        variables_collections={"weights": ["mine"], "biases": ["others"]},
    )  # fmt: skip
    assert tf.get_collection("outputs") == [y]
    assert names(tf.get_collection("mine")) == ["fully_connected/weights:0"]
    assert names(tf.get_collection("others")) == ["fully_connected/biases:0"]
    assert names(tf.model_variables()) == names(tf.global_variables())


def test_stack_and_repeat_number_their_layers():
    with pytest.raises(ValueError, match="num_outputs is an integer"):
        layers.fully_connected(X, 2.5)
    y = layers.stack(X, layers.fully_connected, [5, 3], scope="fc")
    layers.stack(y, partial(layers.fully_connected, activation_fn=None), [(2,)])
    layers.repeat(X, 2, layers.linear, 4)
    scopes = list(dict.fromkeys(v.op.name.rpartition("/")[0] for v in tf.global_variables()))
    assert scopes == [
        "fc/fc_1", "fc/fc_2", "Stack/fully_connected_1",
        "Repeat/fully_connected_1", "Repeat/fully_connected_2",
    ]  # fmt: skip


def test_argument_scopes_give_arguments_until_a_call_says_otherwise():
    both = [layers.fully_connected, layers.dropout]
    with framework.arg_scope([layers.fully_connected], activation_fn=None):
        with framework.arg_scope(both, scope="same") as inner:
            a = layers.fully_connected(X, 3)
            b = layers.fully_connected(X, 3, activation_fn=tf.nn.tanh, reuse=True)
        c = layers.fully_connected(X, 3)
    with framework.arg_scope(inner):
        layers.fully_connected(X, 3, reuse=True)
    d = layers.fully_connected(X, 3)
    assert names([a, b, c, d]) == [
        "same/BiasAdd:0", "same_1/Tanh:0", "fully_connected/BiasAdd:0", "fully_connected_1/Relu:0",
    ]  # fmt: skip
    assert names(tf.trainable_variables()) == [
        "same/weights:0", "same/biases:0", "fully_connected/weights:0", "fully_connected/biases:0",
        "fully_connected_1/weights:0", "fully_connected_1/biases:0",
    ]  # fmt: skip


def test_own_functions_take_part_in_argument_scopes():
    @framework.add_arg_scope
    def area(width, height=1, depth=1):
        return width * height * depth

    with framework.arg_scope([area], height=3, depth=2):
        assert area(2) == 12
        assert area(2, 5) == 20  # what is given by position stays
        with framework.arg_scope([area], depth=7):
            assert area(2) == 42
    assert area(2) == 2
    assert framework.has_arg_scope(area)
    assert framework.arg_scoped_arguments(area) == ("height", "depth")
    with (
        pytest.raises(ValueError, match="is not decorated with @add_arg_scope"),
        framework.arg_scope([len], x=1),
    ):
        pass
    with pytest.raises(TypeError, match="a list of functions"), framework.arg_scope(area, height=2):
        pass


@pytest.mark.parametrize(("data", "form"), [(X, "NHWC"), (IMAGE, "NHWC"), (IMAGE, "NCHW")])
def test_batch_norm_normalises_and_moves_unbiased_averages(session, data, form):
    y = layers.batch_norm(data, decay=0.9, scale=True, data_format=form)
    axis = 1 if form == "NCHW" else data.ndim - 1
    others = tuple(k for k in range(data.ndim) if k != axis)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert names(tf.global_variables()) == [
        "BatchNorm/beta:0", "BatchNorm/gamma:0", "BatchNorm/moving_mean:0",
        "BatchNorm/moving_variance:0",
    ]  # fmt: skip
    sess = session()
    sess.run(tf.global_variables_initializer())
    got, _ = sess.run([y, updates])
    np.testing.assert_allclose(got, normalised(data, others, 1e-3), rtol=1e-3, atol=1e-4)
    mean, variance = sess.run(tf.global_variables()[2:])
    np.testing.assert_allclose(mean, 0.1 * data.mean(others), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * data.var(others, ddof=1), rtol=1e-4)


def test_batch_norm_with_no_collection_moves_its_averages_itself(session):
    training = tf.placeholder(tf.bool)
    y = layers.batch_norm(
        X, decay=0.5, is_training=training, updates_collections=None, fused=False,
        activation_fn=tf.nn.relu,
    )  # fmt: skip
    assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == []
    sess = session()
    sess.run(tf.global_variables_initializer())
    held = tf.global_variables()[1:]
    got = sess.run(y, {training: True})
    np.testing.assert_allclose(got, np.maximum(normalised(X, (0,), 1e-3), 0), rtol=1e-3, atol=1e-4)
    mean, variance = sess.run(held)
    np.testing.assert_allclose(mean, 0.5 * X.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(variance, 0.5 + 0.5 * X.var(0), rtol=1e-4)
    got = sess.run(y, {training: False})
    wanted = np.maximum((X - mean) / np.sqrt(variance + 1e-3), 0)
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(sess.run(held[0]), mean)


def test_batch_norm_counts_examples_by_their_weights(session):
    weights = np.float32([1, 1, 1, 0, 0, 0])
    y = layers.batch_norm(X, batch_weights=weights)
    (got,) = ran(session, y)
    kept = X[:3]
    wanted = (X - kept.mean(0)) / np.sqrt(kept.var(0) + 1e-3)
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)


def test_layer_instance_and_group_norm(session):
    layer = layers.layer_norm(IMAGE)
    last = layers.layer_norm(X, begin_norm_axis=-1, center=False)
    instance = layers.instance_norm(IMAGE)
    first = layers.instance_norm(IMAGE, data_format="NCHW")
    groups = layers.group_norm(IMAGE, groups=4)
    shapes = {v.op.name: v.shape.as_list() for v in tf.global_variables()}
    assert shapes["LayerNorm/beta"] == [8]
    assert "LayerNorm_1/beta" not in shapes
    assert shapes["InstanceNorm_1/gamma"] == [2]
    got = ran(session, layer, last, instance, first, groups)
    parts = IMAGE.reshape(3, 2, 5, 4, 2)
    wanted = [
        normalised(IMAGE, (1, 2, 3), 1e-12), normalised(X, (1,), 1e-12),
        normalised(IMAGE, (1, 2), 1e-6), normalised(IMAGE, (2, 3), 1e-6),
        normalised(parts, (1, 2, 4), 1e-6).reshape(IMAGE.shape),
    ]  # fmt: skip
    for mine, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=2e-4)
    with pytest.raises(ValueError, match="8 channels are no 3 groups"):
        layers.group_norm(IMAGE, groups=3)
    with pytest.raises(ShapeError, match="needs to know the rank"):
        layers.layer_norm(tf.placeholder(tf.float32))


def test_plain_layers_compute_what_they_say(session):
    training = tf.constant(True)
    dropped = layers.dropout(tf.ones([100, 10]), 0.25, is_training=training)
    kept = layers.dropout(X, 0.25, is_training=False)
    got = ran(
        session, layers.unit_norm(X, 1), layers.bias_add(X, initializer=tf.ones_initializer()),
        layers.softmax(X), layers.flatten(IMAGE), layers.one_hot_encoding([1, 0], 3), dropped, kept,
        layers.poincare_normalize(X * 9.0),
    )  # fmt: skip
    np.testing.assert_allclose(got[0], X / np.sqrt((X**2).sum(1, keepdims=True) + 1e-7), rtol=1e-5)
    np.testing.assert_array_equal(got[1], X + 1)
    np.testing.assert_allclose(got[2].sum(1), np.ones(6), rtol=1e-5)
    np.testing.assert_array_equal(got[3], IMAGE.reshape(3, -1))
    np.testing.assert_array_equal(got[4], [[0, 1, 0], [1, 0, 0]])
    assert set(np.unique(got[5])) == {0.0, 4.0}
    np.testing.assert_array_equal(got[6], X)
    assert np.linalg.norm(got[7], axis=1).max() == pytest.approx(1 - 1e-5, rel=1e-5)


def test_a_scaled_gradient_leaves_the_value(session):
    x = tf.constant([1.0, 2.0])
    y = layers.scale_gradient(x * x, 0.5)
    value, slope = ran(session, y, tf.gradients(y, x)[0])
    np.testing.assert_array_equal(value, [1.0, 4.0])
    np.testing.assert_array_equal(slope, [1.0, 2.0])


def test_sequences_are_embedded_by_one_table(session):
    ids = tf.constant([[1, 2, 1], [0, 2, 2]])
    a = layers.embed_sequence(ids, 4, 3, scope="words")
    b = layers.embed_sequence(ids, 4, 3, unique=True, scope="words", reuse=True)
    mean = layers.bow_encoder(ids, 4, 3, sparse_lookup=False)
    assert names(tf.global_variables()) == ["words/embeddings:0", "bow_encoder/embeddings:0"]
    got = ran(session, a, b, mean, *tf.global_variables())
    np.testing.assert_array_equal(got[0], got[1])
    np.testing.assert_allclose(got[2][0], got[4][[1, 2, 1]].mean(0), rtol=1e-5)
    with pytest.raises(ValueError, match="vocab_size and embed_dim"):
        layers.embed_sequence(ids)


def test_summaries_of_layers_are_collected():
    y = layers.relu(X, 3, outputs_collections=tf.GraphKeys.ACTIVATIONS)
    layers.summarize_activations()
    layers.summarize_variables("fully_connected/weights")
    layers.summarize_tensor(tf.reduce_sum(y), "total")
    made = names(tf.get_collection(tf.GraphKeys.SUMMARIES))
    assert made == [
        "fully_connected/Relu/zeros:0", "fully_connected/Relu/activation:0",
        "fully_connected/weights_1:0", "total:0",
    ]  # fmt: skip


def test_variables_are_found_by_scope_and_name():
    with tf.variable_scope("a") as scope:
        w = framework.model_variable("w", [2], regularizer=layers.l2_regularizer(1.0))
        b = framework.variable("b", [2], collections="mine")
    c = framework.local_variable(1.0, name="c")
    assert framework.get_variables(scope) == [w]
    assert framework.get_variables_by_name("w") == [w]
    assert framework.get_variables_by_suffix("/w") == [w]
    assert framework.get_variables(suffix="w") == [w]
    assert framework.get_unique_variable("a/w") is w
    assert (framework.get_model_variables(), framework.get_local_variables()) == ([w], [c])
    assert tf.get_collection("mine") == [b]
    assert framework.get_variables_to_restore(exclude=["a"]) == []
    assert framework.filter_variables([w, b], ["^a/"], ["b$"]) == [w]
    with pytest.raises(ValueError, match="0 variables are called 'x'"):
        framework.get_unique_variable("x")
    with pytest.raises(TypeError, match="include is a list"):
        framework.get_variables_to_restore("a")


def test_values_are_assigned_by_name(session):
    with tf.variable_scope("a"):
        w = tf.get_variable("w", [2])
    step, feeds = framework.assign_from_values({"a/w": [3.0, 4.0]})
    sess = session()
    sess.run(step, feeds)
    np.testing.assert_array_equal(sess.run(w), [3.0, 4.0])
    framework.assign_from_values_fn({"a/w": np.zeros(2)})(sess)
    np.testing.assert_array_equal(sess.run(w), [0.0, 0.0])


def test_small_checks_of_the_framework(session):
    assert framework.smart_constant_value(True) is True
    assert framework.smart_constant_value(0) is False
    assert framework.smart_constant_value(tf.placeholder(tf.bool)) is None
    assert framework.smart_cond(1, lambda: "yes", lambda: "no") == "yes"
    with pytest.raises(ValueError, match="a scalar is needed"):
        framework.assert_scalar(tf.zeros([2]))
    with pytest.raises(ValueError, match="an integer is needed"):
        framework.assert_scalar_int(1.0)
    x, y = framework.remove_squeezable_dimensions(tf.zeros([3, 1]), tf.zeros([3]))
    assert x.shape.as_list() == y.shape.as_list() == [3]
    (total,) = ran(session, framework.reduce_sum_n([tf.ones([2, 2]), tf.ones([3])]))
    assert total == 7.0


# --- learning distances --------------------------------------------------------------------------

metric = tf.contrib.losses.metric_learning
LABELS = np.int32([0, 1, 0, 2, 1, 0])
UNIT = X / np.linalg.norm(X, axis=1, keepdims=True)


def semihard(labels, points, margin):
    """The loss as its definition reads."""
    apart = ((points[:, None] - points[None]) ** 2).sum(-1)
    losses = []
    for a, label in enumerate(labels):
        negatives = apart[a][labels != label]
        for p in np.flatnonzero(labels == label):
            if p != a:
                farther = negatives[negatives > apart[a, p]]
                chosen = farther.min() if farther.size else negatives.max()
                losses.append(max(0.0, margin + apart[a, p] - chosen))
    return np.mean(losses)


@pytest.mark.parametrize("margin", [0.2, 1.0])
def test_semihard_triplets_are_chosen_as_defined(session, margin):
    x = tf.constant(UNIT)
    loss = metric.triplet_semihard_loss(LABELS, x, margin)
    got, slope = ran(session, loss, tf.gradients(loss, x)[0])
    assert got == pytest.approx(semihard(LABELS, UNIT, margin), rel=1e-4)
    assert np.isfinite(slope).all()


def test_pairs_are_told_from_the_others(session):
    positive = (UNIT + 0.1).astype(np.float32)
    loss = metric.npairs_loss(LABELS, UNIT, positive, reg_lambda=0.5)
    scores = UNIT @ positive.T
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    alike = (LABELS[:, None] == LABELS).astype(float)
    alike /= alike.sum(1, keepdims=True)
    sizes = (UNIT**2).sum(1).mean() + (positive**2).sum(1).mean()
    (got,) = ran(session, loss)
    assert got == pytest.approx(-(alike * logs).sum(1).mean() + 0.125 * sizes, rel=1e-4)


def test_contrast_pulls_pairs_and_pushes_others(session):
    other = UNIT[::-1].copy()
    apart = np.linalg.norm(UNIT - other, axis=1)
    alike = np.float32([1, 0, 1, 0, 0, 1])
    (got,) = ran(session, metric.contrastive_loss(alike, UNIT, other, 1.5))
    wanted = alike * apart**2 + (1 - alike) * np.maximum(1.5 - apart, 0) ** 2
    assert got == pytest.approx(wanted.mean(), rel=1e-4)
