"""Convolutions as layers: formats, groups, losses, sharing, and layers connected locally.

Names, shapes and figures against TensorFlow are in ``tests/against_tensorflow``.
"""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

RNG = np.random.default_rng(0)
INPUTS = {
    rank: RNG.normal(size=shape).astype("f4")
    for rank, shape in ((1, (2, 9, 4)), (2, (2, 7, 6, 4)), (3, (1, 4, 5, 3, 4)))
}


@pytest.mark.parametrize(
    ("name", "rank"),
    [
        ("conv1d", 1), ("conv2d", 2), ("conv3d", 3), ("conv2d_transpose", 2),
        ("conv3d_transpose", 3), ("separable_conv1d", 1), ("separable_conv2d", 2),
        ("max_pooling1d", 1), ("average_pooling2d", 2), ("max_pooling3d", 3),
    ],
)  # fmt: skip
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_channels_first_is_channels_last_turned(name, rank, padding, session):
    function, x = getattr(tf.layers, name), INPUTS[rank]
    first = np.moveaxis(x, -1, 1)
    if "pooling" in name:
        a, b = (function(v, 2, 2, padding, f) for v, f in ((x, None), (first, "channels_first")))
    else:
        how = {"strides": 2, "padding": padding, "name": "a", "activation": tf.nn.tanh}
        how["bias_initializer"] = tf.ones_initializer()
        a = function(x, 5, 3, **how)
        b = function(first, 5, 3, data_format="channels_first", reuse=True, **how)
    sess = session()
    sess.run(tf.global_variables_initializer())
    last, turned = sess.run([a, b])
    np.testing.assert_allclose(last, np.moveaxis(turned, 1, -1), rtol=1e-4, atol=1e-5)


def test_groups_are_convolutions_side_by_side(session):
    x = INPUTS[2]
    y = tf.layers.Conv2D(6, 3, groups=2, use_bias=False)(x)
    (kernel,) = tf.trainable_variables()
    halves = [
        tf.nn.conv2d(x[..., 2 * k : 2 * k + 2], kernel[..., 3 * k : 3 * k + 3], 1, "VALID")
        for k in (0, 1)
    ]
    sess = session()
    sess.run(tf.global_variables_initializer())
    assert kernel.shape.as_list() == [3, 3, 2, 6]
    whole, parts = sess.run([y, tf.concat(halves, 3)])
    np.testing.assert_allclose(whole, parts, rtol=1e-4, atol=1e-5)


def test_regularizers_constraints_and_training(session):
    x, target = INPUTS[2], RNG.normal(size=(2, 5, 4, 3)).astype("f4")
    layer = tf.layers.Conv2D(
        3, 3, kernel_regularizer=tf.nn.l2_loss, activity_regularizer=tf.nn.l2_loss,
        kernel_constraint=lambda w: tf.clip_by_norm(w, 1.0), bias_initializer="ones",
    )  # fmt: skip
    y = layer(x)
    losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    assert [t.shape.as_list() for t in losses] == [[], []]
    assert layer.losses == losses
    loss = tf.reduce_mean(tf.square(y - target))
    train = tf.train.GradientDescentOptimizer(0.2).minimize(loss + 0.001 * tf.add_n(losses))
    sess = session()
    sess.run(tf.global_variables_initializer())
    kernel, regular, before = sess.run([layer.kernel, losses, loss])
    np.testing.assert_allclose(regular[0], (kernel**2).sum() / 2, rtol=1e-5)
    np.testing.assert_allclose(regular[1], (sess.run(y) ** 2).sum() / 2 / 2, rtol=1e-4)
    for _ in range(20):
        sess.run(train)
    assert sess.run(loss) < before
    assert np.linalg.norm(sess.run(layer.kernel)) <= 1.0001
    assert sess.run(layer.bias).shape == (3,)


def by_hand(x, kernel, bias, window, strides):
    rows, columns, filters = bias.shape
    y = np.empty((len(x), rows, columns, filters))
    for i in range(rows):
        for j in range(columns):
            top, left = i * strides[0], j * strides[1]
            seen = x[:, top : top + window[0], left : left + window[1]].reshape(len(x), -1)
            y[:, i, j] = seen @ kernel[i * columns + j] + bias[i, j]
    return y


@pytest.mark.parametrize(("window", "strides"), [((3, 2), (2, 1)), ((1, 4), (1, 2))])
def test_a_locally_connected_layer_has_weights_of_its_own_at_every_place(window, strides, session):
    x = INPUTS[2]
    layer = tf.keras.layers.LocallyConnected2D(3, window, strides, bias_initializer="ones")
    y = layer(tf.placeholder_with_default(x, [None, 7, 6, 4]))
    slope = tf.gradients(tf.reduce_sum(tf.square(y)), layer.kernel)[0]
    sess = session()
    sess.run(tf.global_variables_initializer())
    kernel, bias, found, down = sess.run([layer.kernel, layer.bias, y, slope])
    wanted = by_hand(x, kernel, bias, window, strides)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    step = 1e-2 * RNG.normal(size=kernel.shape)
    risen = (by_hand(x, kernel + step, bias, window, strides) ** 2).sum()
    fallen = (by_hand(x, kernel - step, bias, window, strides) ** 2).sum()
    np.testing.assert_allclose((down * step).sum(), (risen - fallen) / 2, rtol=1e-2)


def test_equal_weights_everywhere_make_a_convolution(session):
    x, kernel = INPUTS[2], RNG.normal(size=(3, 3, 4, 2)).astype("f4")
    each = np.tile(kernel.reshape(1, -1, 2), (4 * 3, 1, 1))
    local = tf.layers.locally_connected2d(
        x, 2, 3, 2, "same", kernel_initializer=tf.constant_initializer(each)
    )
    line = tf.layers.locally_connected1d(INPUTS[1], 2, 3, use_bias=False, name="line")
    sess = session()
    sess.run(tf.global_variables_initializer())
    a, b = sess.run([local, tf.nn.conv2d(x, kernel, 2, "SAME")])
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert line.shape.as_list() == [2, 7, 2]
    assert [v.op.name for v in tf.global_variables()] == [
        "locally_connected2d/kernel", "locally_connected2d/bias", "line/kernel",
    ]  # fmt: skip


def test_names_of_a_room_load_on_first_use():
    assert set(tf.layers.__all__) >= {"conv2d", "Conv2D", "dense", "SeparableConv2D"}
    assert tf.layers.conv2d.__module__ == "frontends.tf.layers.convolution"
    with pytest.raises(AttributeError, match=r"near: tf\.layers\.conv2d"):
        tf.layers.conv2D_  # noqa: B018
    with pytest.raises(TypeError, match="missing a required argument: 'kernel_size'"):
        tf.layers.conv2d(INPUTS[2], 3)
