"""Convolutions of ``tf.contrib.layers`` and ``tf.contrib.slim``: names and defaults of TF 1.15,
figures of the functions of ``tf.nn``, which are compared with TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.errors import ShapeError

layers, slim = tf.contrib.layers, tf.contrib.slim
PICTURES = np.random.default_rng(0).normal(size=(2, 7, 6, 4)).astype("f4")


def variables() -> list[str]:
    return [f"{v.op.name} {v.shape.as_list()}" for v in tf.global_variables()]


def test_convolutions_are_named_as_in_tf1():
    names = [
        layers.conv2d(PICTURES, 3, 3).op.name,
        layers.conv2d(PICTURES, 3, 3, activation_fn=None).op.name,
        layers.conv2d(PICTURES, 3, 3, normalizer_fn=layers.batch_norm, scope="own").op.name,
        layers.conv2d_transpose(PICTURES, 3, [3, 2], 2).op.name,
        layers.separable_conv2d(PICTURES, 3, 3, 2).op.name,
        layers.conv2d_in_plane(PICTURES, [1, 2]).op.name,
        layers.conv3d(PICTURES[None], 3, 2).op.name,
        layers.conv3d_transpose(PICTURES[None], 3, 2).op.name,
        layers.repeat(PICTURES, 2, layers.conv2d, 3, 3).op.name,
    ]
    assert names == [
        "Conv/Relu", "Conv_1/BiasAdd", "own/Relu", "Conv2d_transpose/Relu", "SeparableConv2d/Relu",
        "ConvInPlane/Relu", "Conv_2/Relu", "Conv3d_transpose/Relu", "Repeat/convolution2d_2/Relu",
    ]  # fmt: skip
    assert variables() == [
        "Conv/weights [3, 3, 4, 3]", "Conv/biases [3]",
        "Conv_1/weights [3, 3, 4, 3]", "Conv_1/biases [3]",
        "own/weights [3, 3, 4, 3]", "own/BatchNorm/beta [3]", "own/BatchNorm/moving_mean [3]",
        "own/BatchNorm/moving_variance [3]",
        "Conv2d_transpose/weights [3, 2, 3, 4]", "Conv2d_transpose/biases [3]",
        "SeparableConv2d/depthwise_weights [3, 3, 4, 2]",
        "SeparableConv2d/pointwise_weights [1, 1, 8, 3]", "SeparableConv2d/biases [3]",
        "ConvInPlane/weights [1, 2, 1, 1]", "ConvInPlane/biases [4]",
        "Conv_2/weights [2, 2, 2, 4, 3]", "Conv_2/biases [3]",
        "Conv3d_transpose/weights [2, 2, 2, 3, 4]", "Conv3d_transpose/biases [3]",
        "Repeat/convolution2d_1/weights [3, 3, 4, 3]", "Repeat/convolution2d_1/biases [3]",
        "Repeat/convolution2d_2/weights [3, 3, 3, 3]", "Repeat/convolution2d_2/biases [3]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "args", "how", "shape"),
    [
        (layers.conv2d, (5, 3), {}, [2, 7, 6, 5]),
        (layers.conv2d, (5, [3, 2], 2), {"padding": "VALID"}, [2, 3, 3, 5]),
        (layers.conv2d, (5, 3), {"rate": 2, "padding": "VALID"}, [2, 3, 2, 5]),
        (layers.conv2d_transpose, (5, 3, 2), {}, [2, 14, 12, 5]),
        (layers.conv2d_transpose, (5, [3, 5], 2), {"padding": "VALID"}, [2, 15, 15, 5]),
        (layers.separable_conv2d, (None, 3, 2), {}, [2, 7, 6, 8]),
        (layers.separable_conv2d, (5, 3, 2, 2), {}, [2, 4, 3, 5]),
        (layers.conv2d_in_plane, ([1, 2], 1), {"padding": "VALID"}, [2, 7, 5, 4]),
    ],
)
def test_shapes_are_those_of_tf1_in_both_formats(function, args, how, shape, session):
    y = function(PICTURES, *args, **how, scope="a")
    assert y.shape.as_list() == shape
    if function is layers.conv2d_in_plane:  # has no data_format in TF1
        return
    first = PICTURES.transpose(0, 3, 1, 2)
    z = function(first, *args, **how, scope="a", reuse=True, data_format="NCHW")
    sess = session()
    sess.run(tf.global_variables_initializer())
    a, b = sess.run([y, z])
    np.testing.assert_allclose(a, b.transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-5)


def test_a_layer_is_its_product_with_biases_and_relu(session):
    y = layers.conv2d(
        PICTURES, 3, 3, 2, biases_initializer=tf.constant_initializer(0.5),
        outputs_collections="out", weights_regularizer=layers.l2_regularizer(0.5),
    )  # fmt: skip
    weights = tf.trainable_variables()[0]
    plain = tf.nn.relu(tf.nn.conv2d(PICTURES, weights, 2, "SAME") + 0.5)
    mixed = layers.separable_conv2d(PICTURES, 3, 3, activation_fn=tf.nn.tanh, scope="apart")
    own, mixing, _ = slim.get_variables("apart/")
    apart = tf.nn.tanh(tf.nn.separable_conv2d(PICTURES, own, mixing, [1, 1, 1, 1], "SAME"))
    (loss,) = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    sess = session()
    sess.run(tf.global_variables_initializer())
    found = sess.run([y, plain, mixed, apart, loss, tf.nn.l2_loss(weights) * 0.5])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[2], found[3], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[4], found[5], rtol=1e-5)
    assert tf.get_collection("out") == [y]
    assert slim.utils.convert_collection_to_dict("out") == {"Conv": y}


def test_spatial_softmax_finds_the_place_of_a_peak(session):
    peak = np.zeros((1, 5, 3, 2), "f4")
    peak[0, 4, 0, 0] = peak[0, 2, 2, 1] = 100.0
    y = layers.spatial_softmax(peak)
    z = layers.spatial_softmax(peak.transpose(0, 3, 1, 2), 0.5, data_format="NCHW")
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_allclose(sess.run(y), [[1, -1, 0, 1]], atol=1e-5)
    np.testing.assert_allclose(sess.run(z), [[1, -1, 0, 1]], atol=1e-5)
    assert variables() == ["spatial_softmax/temperature []"]


def test_pictures_become_sequences_and_come_back(session):
    lines = layers.images_to_sequence(PICTURES)
    back = layers.sequence_to_images(lines, 7)
    assert lines.shape.as_list() == [6, 14, 4]
    np.testing.assert_array_equal(session().run(back), PICTURES)
    with pytest.raises(ShapeError, match="14 lines are no pictures of 4 rows"):
        layers.sequence_to_images(lines, 4)


def test_slim_is_the_layers_and_framework_of_contrib():
    assert slim.conv2d is layers.conv2d
    assert slim.arg_scope is tf.contrib.framework.arg_scope
    assert slim.losses.softmax_cross_entropy is tf.contrib.losses.softmax_cross_entropy
    with slim.arg_scope([slim.conv2d], padding="VALID", activation_fn=None) as held:
        a = slim.conv2d(PICTURES, 3, 3)
    with slim.arg_scope(held):
        b = slim.conv2d(PICTURES, 3, 3, padding="SAME")
    assert (a.op.name, a.shape.as_list()) == ("Conv/BiasAdd", [2, 5, 4, 3])
    assert b.shape.as_list() == [2, 7, 6, 3]
    with pytest.raises(AttributeError, match=r"near: tf\.contrib\.slim\.conv2d_transpose"):
        slim.conv2d_transposed  # noqa: B018


def test_a_model_of_slim_trains(session):
    with tf.variable_scope("net") as scope:
        points = scope.original_name_scope + "end_points"
        with slim.arg_scope(
            [slim.conv2d, slim.fully_connected, slim.max_pool2d], outputs_collections=points
        ):
            net = slim.repeat(PICTURES, 2, slim.conv2d, 4, [3, 3], scope="conv1")
            net = slim.max_pool2d(net, [2, 2], scope="pool1")
            logits = slim.fully_connected(slim.flatten(net), 3, activation_fn=None, scope="fc")
    slim.losses.softmax_cross_entropy(logits, tf.one_hot([0, 2], 3))
    train = slim.learning.create_train_op(
        slim.losses.get_total_loss(), tf.train.AdamOptimizer(0.01), clip_gradient_norm=1.0,
        gradient_multipliers={"net/fc/biases": 0.0},
    )  # fmt: skip
    sess = session()
    sess.run(tf.global_variables_initializer())
    losses = [sess.run(train) for _ in range(12)]
    assert losses[-1] < 0.7 * losses[0]
    assert list(slim.utils.convert_collection_to_dict(points)) == [
        "net/conv1/conv1_1", "net/conv1/conv1_2", "net/pool1", "net/fc",
    ]  # fmt: skip
    assert not sess.run(slim.get_variables_by_name("biases", "net/fc")[0]).any()
    assert slim.model_analyzer.analyze_vars(slim.get_model_variables()) == (
        2 * (9 * 16 + 4) + 36 * 3 + 3, 4 * (2 * (9 * 16 + 4) + 36 * 3 + 3),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: layers.conv2d(PICTURES[0], 3, 3), "inputs of 4 axes"),
        (lambda: layers.conv2d(PICTURES, 3, [3, 3, 3]), "kernel_size needs 2"),
        (lambda: layers.conv2d(PICTURES, 3, 3, 2, rate=2), "cannot both be more than 1"),
        (lambda: layers.conv2d(PICTURES, 3, 3, 0), "stride needs 2 positive integers"),
        (lambda: layers.conv2d(PICTURES, 3, 3, data_format="NCWH"), "NHWC or NCHW, got 'NCWH'"),
        (lambda: layers.conv2d(PICTURES, 3, 9, padding="VALID"), "a window of 9 does not fit"),
        (lambda: layers.conv2d(tf.placeholder(tf.float32, [1, 5, 5, None]), 3, 3), "the channels"),
        (lambda: layers.max_pool2d(PICTURES, 2, data_format="NDHWC"), "NHWC, NCHW, got 'NDHWC'"),
        (lambda: layers.spatial_softmax(PICTURES, data_format="NWC"), "NHWC or NCHW, got 'NWC'"),
    ],
)
def test_what_does_not_fit_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
