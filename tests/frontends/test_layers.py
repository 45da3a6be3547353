"""Layers, ``tf.nn`` and ``tf.losses`` against NumPy."""

import numpy as np
import pytest

import graphc as tf

RNG = np.random.default_rng(0)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_dense_makes_kernel_and_bias_and_computes(session):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    y = tf.layers.dense(x, 4, activation=tf.nn.tanh, bias_initializer=tf.ones_initializer())
    kernel, bias = tf.trainable_variables()
    sess = session()
    sess.run(tf.global_variables_initializer())
    values = RNG.normal(size=(5, 3)).astype(np.float32)
    k, b, got = sess.run([kernel, bias, y], {x: values})
    assert [v.name for v in (kernel, bias)] == ["dense/kernel:0", "dense/bias:0"]
    np.testing.assert_allclose(got, np.tanh(values @ k + b), rtol=1e-5)


def test_dense_works_on_the_last_of_many_axes(session):
    x = tf.placeholder(tf.float32, [None, 2, 3], name="x")
    y = tf.layers.dense(x, 4, use_bias=False)
    (kernel,) = tf.trainable_variables()
    sess = session()
    sess.run(tf.global_variables_initializer())
    values = RNG.normal(size=(5, 2, 3)).astype(np.float32)
    k, got = sess.run([kernel, y], {x: values})
    assert y.get_shape().as_list() == [None, 2, 4]
    np.testing.assert_allclose(got, values @ k, rtol=1e-5)


def test_layers_are_numbered_and_share_by_name():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    tf.layers.dense(x, 2)
    tf.layers.dense(x, 2)
    tf.layers.dense(x, 2, name="mine")
    tf.layers.dense(x, 2, name="mine", reuse=True)
    names = [v.name for v in tf.trainable_variables()]
    assert names == [
        "dense/kernel:0", "dense/bias:0", "dense_1/kernel:0", "dense_1/bias:0", "mine/kernel:0",
        "mine/bias:0",
    ]  # fmt: skip


def test_a_layer_object_shares_its_variables_between_calls():
    layer = tf.layers.Dense(2)
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    layer(x)
    layer(x)
    assert len(tf.trainable_variables()) == 2
    assert layer.trainable_weights == tf.trainable_variables()
    assert layer.name == "dense"


def test_kernel_regularizers_are_collected(session):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    tf.layers.dense(x, 2, kernel_regularizer=tf.contrib.layers.l2_regularizer(0.1))
    (loss,) = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    sess = session()
    sess.run(tf.global_variables_initializer())
    kernel, value = sess.run([tf.trainable_variables()[0], loss])
    np.testing.assert_allclose(value, 0.05 * (kernel**2).sum(), rtol=1e-5)


def test_flatten_joins_all_axes_but_the_first(session):
    x = tf.placeholder(tf.float32, [None, 2, 3], name="x")
    y = tf.layers.flatten(x)
    assert y.get_shape().as_list() == [None, 6]
    assert session().run(y, {x: np.zeros([4, 2, 3])}).shape == (4, 6)


def test_dropout_keeps_scales_and_can_be_switched(session):
    x = tf.ones([200, 50])
    training = tf.placeholder(tf.bool, name="training")  # of unknown rank, as TF1 code has it
    y = tf.layers.dropout(x, rate=0.25, training=training)
    sess = session()
    dropped = sess.run(y, {training: True})
    np.testing.assert_allclose(np.unique(dropped), [0.0, 1 / 0.75], rtol=1e-6)
    assert abs((dropped == 0).mean() - 0.25) < 0.02
    np.testing.assert_array_equal(sess.run(y, {training: False}), np.ones([200, 50]))
    np.testing.assert_array_equal(sess.run(tf.layers.dropout(x)), np.ones([200, 50]))


def test_dropout_gradient_uses_the_mask_of_the_forward_pass(session):
    x = tf.constant(RNG.normal(size=(20, 10)).astype(np.float32))
    keep = tf.placeholder(tf.float32, [], name="keep")
    y = tf.nn.dropout(x, keep_prob=keep)
    (dx,) = tf.gradients(y, x)
    value, slope = session().run([y, dx], {keep: 0.5})
    np.testing.assert_array_equal(slope, np.where(value == 0, 0.0, 2.0))


def test_noise_shape_makes_elements_share_their_fate(session):
    y = session().run(tf.nn.dropout(tf.ones([50, 8]), 0.5, noise_shape=[50, 1]))
    assert ((y == 0).all(1) | (y == 2).all(1)).all()


def test_cross_entropies(session):
    logits = RNG.normal(size=(6, 4)).astype(np.float32)
    labels = np.array([0, 3, 1, 2, 2, 0], np.int32)
    hot = np.eye(4, dtype=np.float32)[labels]
    expected = -np.log(softmax(logits)[np.arange(6), labels])
    x = tf.constant(logits)
    sess = session()
    sparse = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    dense = tf.nn.softmax_cross_entropy_with_logits(labels=hot, logits=x)
    sigmoid = tf.nn.sigmoid_cross_entropy_with_logits(labels=hot, logits=x)
    got = sess.run([sparse, dense, sigmoid, tf.nn.softmax(x), tf.nn.log_softmax(x)])
    p = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(got[0], expected, rtol=1e-5)
    np.testing.assert_allclose(got[1], expected, rtol=1e-5)
    np.testing.assert_allclose(
        got[2], -hot * np.log(p) - (1 - hot) * np.log(1 - p), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(got[3], softmax(logits), rtol=1e-5)
    np.testing.assert_allclose(got[4], np.log(softmax(logits)), rtol=1e-5)


def test_cross_entropies_called_by_position_take_logits_first_as_before_1_0(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr("frontends.tf.networks.nn.warning", said.append)
    x = tf.constant([[2.0, -1.0, 0.5]])
    hot = tf.constant([[0.0, 1.0, 0.0]])
    with tf.Session() as sess:
        for function, labels in (
            (tf.nn.softmax_cross_entropy_with_logits, hot),
            (tf.nn.sigmoid_cross_entropy_with_logits, hot),
            (tf.nn.sparse_softmax_cross_entropy_with_logits, tf.constant([1])),
        ):
            older = function(x, labels, "older")
            assert older.op.name.startswith("older")
            np.testing.assert_array_equal(
                *sess.run([older, function(labels=labels, logits=x)]), strict=True
            )
            assert "logits, then the labels" in said.pop()
    for arguments in ((x,), (x, hot, x)):
        with pytest.raises(ValueError, match="named arguments"):
            tf.nn.softmax_cross_entropy_with_logits(*arguments)


def test_no_gradient_flows_to_the_labels_of_the_older_cross_entropy():
    labels = tf.placeholder(tf.float32, [2, 3], name="labels")
    logits = tf.placeholder(tf.float32, [2, 3], name="logits")
    old = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    new = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    assert tf.gradients(old, labels) == [None]
    assert tf.gradients(new, labels) != [None]


def test_activations(session):
    x = np.array([-3.0, -0.5, 0.0, 0.5, 7.0], np.float32)
    t = tf.constant(x)
    got = session().run([
        tf.nn.relu(t), tf.nn.relu6(t), tf.nn.leaky_relu(t, 0.1), tf.nn.elu(t), tf.nn.softplus(t),
        tf.nn.softsign(t), tf.nn.sigmoid(t), tf.nn.tanh(t),
    ])  # fmt: skip
    expected = [
        np.maximum(x, 0), np.clip(x, 0, 6), np.where(x > 0, x, 0.1 * x),
        np.where(x > 0, x, np.expm1(x)), np.log1p(np.exp(x)), x / (1 + np.abs(x)),
        1 / (1 + np.exp(-x)), np.tanh(x),
    ]  # fmt: skip
    for value, wanted in zip(got, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-6)


def test_moments_and_normalisations(session):
    x = RNG.normal(size=(8, 5)).astype(np.float32)
    t = tf.constant(x)
    mean, variance = tf.nn.moments(t, [0])
    normal = tf.nn.batch_normalization(t, mean, variance, 1.0, 2.0, 1e-3)
    unit = tf.nn.l2_normalize(t, 1)
    got = session().run([mean, variance, normal, unit, tf.nn.l2_loss(t)])
    np.testing.assert_allclose(got[0], x.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(got[1], x.var(0), rtol=1e-4)
    expected = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3) * 2 + 1
    np.testing.assert_allclose(got[2], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got[3], x / np.linalg.norm(x, axis=1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(got[4], (x**2).sum() / 2, rtol=1e-5)


def test_batch_normalization_moves_its_averages_with_the_update_ops(session):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    training = tf.placeholder(tf.bool, [], name="training")
    y = tf.layers.batch_normalization(x, momentum=0.5, training=training)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    values = RNG.normal(3.0, 2.0, size=(64, 3)).astype(np.float32)
    sess = session()
    sess.run(tf.global_variables_initializer())
    normal, _ = sess.run([y, updates], {x: values, training: True})
    np.testing.assert_allclose(normal.mean(0), 0.0, atol=1e-5)
    moving = {v.op.name.rpartition("/")[2]: sess.run(v) for v in tf.global_variables()}
    np.testing.assert_allclose(moving["moving_mean"], values.mean(0) / 2, rtol=1e-5)
    np.testing.assert_allclose(moving["moving_variance"], (1 + values.var(0)) / 2, rtol=1e-5)
    inferred = sess.run(y, {x: values, training: False})
    expected = (values - moving["moving_mean"]) / np.sqrt(moving["moving_variance"] + 1e-3)
    np.testing.assert_allclose(inferred, expected, rtol=1e-4, atol=1e-5)


def test_embedding_lookup_and_its_gradient(session):
    table = tf.Variable(np.arange(12, dtype=np.float32).reshape(4, 3))
    ids = tf.placeholder(tf.int32, [None, 2], name="ids")
    rows = tf.nn.embedding_lookup(table, ids)
    slope = tf.convert_to_tensor(tf.gradients(rows, table)[0])
    sess = session()
    sess.run(tf.global_variables_initializer())
    got, grad = sess.run([rows, slope], {ids: [[0, 2], [2, 3]]})
    np.testing.assert_array_equal(got[1, 0], [6.0, 7.0, 8.0])
    np.testing.assert_array_equal(grad[:, 0], [1.0, 0.0, 2.0, 1.0])


def test_bias_add_and_xw_plus_b(session):
    x = tf.constant([[1.0, 2.0]])
    w = tf.constant([[1.0, 0.0], [0.0, 1.0]])
    b = tf.constant([10.0, 20.0])
    sess = session()
    np.testing.assert_array_equal(sess.run(tf.nn.xw_plus_b(x, w, b)), [[11.0, 22.0]])
    planes = tf.nn.bias_add(tf.zeros([1, 2, 3]), b, data_format="NCHW")
    np.testing.assert_array_equal(sess.run(planes)[0], [[10.0] * 3, [20.0] * 3])


def test_in_top_k(session):
    scores = tf.constant([[0.1, 0.5, 0.4], [0.3, 0.3, 0.4]])
    hits = tf.nn.in_top_k(scores, [2, 2], 1)
    assert session().run(hits).tolist() == [False, True]


def test_losses_weigh_and_collect(session):
    labels, predictions = np.array([1.0, 2.0, 4.0]), tf.constant([1.0, 3.0, 2.0])
    mean = tf.losses.mean_squared_error(labels, predictions)
    weighted = tf.losses.mean_squared_error(labels, predictions, weights=[1.0, 0.0, 2.0])
    total = tf.losses.get_total_loss()
    kept = tf.losses.absolute_difference(
        labels, predictions, reduction=tf.losses.Reduction.NONE, loss_collection=None
    )
    huber = tf.losses.huber_loss(labels, predictions, loss_collection=None)
    assert tf.losses.get_losses() == [mean, weighted]
    got = session().run([mean, weighted, total, kept, huber])
    np.testing.assert_allclose(got[:3], [5 / 3, 4.0, 5 / 3 + 4.0], rtol=1e-6)
    np.testing.assert_allclose(got[3], [0.0, 1.0, 2.0])
    np.testing.assert_allclose(got[4], (0 + 0.5 + 1.5) / 3, rtol=1e-6)


def test_softmax_losses(session):
    logits = RNG.normal(size=(3, 4)).astype(np.float32)
    hot = np.eye(4, dtype=np.float32)[[1, 0, 3]]
    sparse = tf.losses.sparse_softmax_cross_entropy([1, 0, 3], tf.constant(logits))
    smooth = tf.losses.softmax_cross_entropy(hot, tf.constant(logits), label_smoothing=0.1)
    got = session().run([sparse, smooth])
    p = softmax(logits)
    np.testing.assert_allclose(got[0], -np.log(p[hot > 0].reshape(3)).mean(), rtol=1e-5)
    target = hot * 0.9 + 0.1 / 4
    np.testing.assert_allclose(got[1], -(target * np.log(p)).sum(-1).mean(), rtol=1e-5)


def test_fully_connected_is_a_rectified_layer_named_as_tf1_does(session):
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.contrib.layers.fully_connected(x, 2, weights_initializer=tf.ones_initializer())
    z = tf.contrib.layers.fully_connected(y, 4, activation_fn=None, scope="out")
    again = tf.contrib.layers.fully_connected(y, 4, activation_fn=None, scope="out", reuse=True)
    names = [v.name for v in tf.trainable_variables()]
    assert names == ["fully_connected/weights:0", "fully_connected/biases:0",
                     "out/weights:0", "out/biases:0"]  # fmt: skip
    sess = session()
    sess.run(tf.global_variables_initializer())
    first, second, third = sess.run([y, z, again], {x: [[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]]})
    assert first.tolist() == [[6.0, 6.0], [0.0, 0.0]]
    np.testing.assert_array_equal(second, third)


def test_fully_connected_takes_a_normalizer_in_place_of_biases_and_any_rank():
    x = tf.zeros([2, 5, 3])
    y = tf.contrib.layers.fully_connected(
        x, 4, normalizer_fn=tf.layers.batch_normalization, normalizer_params={"training": True},
        weights_regularizer=tf.contrib.layers.l2_regularizer(0.1),
    )  # fmt: skip
    assert y.shape.as_list() == [2, 5, 4]
    assert not any("biases" in v.name for v in tf.global_variables())
    assert len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)) == 1


def test_fully_connected_asks_for_the_size_of_the_last_axis():
    with pytest.raises(tf.errors.ShapeError, match="needs to know the last axis"):
        tf.contrib.layers.fully_connected(tf.placeholder(tf.float32, [None, None]), 4)


@pytest.mark.parametrize("labels", ["labels", "targets"])
def test_weighted_cross_entropy_takes_either_name_of_the_labels(session, labels):
    given = {labels: [0.0, 1.0, 0.5]}
    loss = tf.nn.weighted_cross_entropy_with_logits(logits=[0.3, -2.0, 1.0], pos_weight=2, **given)
    x, z = np.array([0.3, -2.0, 1.0]), np.array([0.0, 1.0, 0.5])
    wanted = (1 - z) * np.log1p(np.exp(x)) + 2 * z * np.log1p(np.exp(-x))
    np.testing.assert_allclose(session().run(loss), wanted, rtol=1e-6)
