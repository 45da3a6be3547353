"""Pooling as layers: names, shapes, formats, and the defaults of contrib."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

PICTURES = np.random.default_rng(0).normal(size=(2, 6, 7, 3)).astype("f4")


def test_layers_are_named_and_counted_as_in_tf1():
    with tf.Graph().as_default():
        names = [tf.layers.max_pooling2d(PICTURES, 2, 2).op.name for _ in range(2)]
        names.append(tf.layers.average_pooling3d(PICTURES[None], 2, 2, name="mine").op.name)
        names.append(tf.contrib.layers.max_pool2d(PICTURES, [2, 2]).op.name)
    assert names == [
        "max_pooling2d/MaxPool", "max_pooling2d_1/MaxPool", "mine/AvgPool3D", "MaxPool2D/MaxPool",
    ]  # fmt: skip


@pytest.mark.parametrize(("padding", "shape"), [("valid", (2, 2, 3, 3)), ("SAME", (2, 3, 4, 3))])
def test_a_layer_says_the_shape_it_gives(padding, shape):
    layer = tf.layers.MaxPooling2D((3, 2), 2, padding)
    y = layer(PICTURES)
    assert tuple(y.shape.as_list()) == shape == tuple(layer.compute_output_shape((2, 6, 7, 3)))
    assert (
        tf.layers.AveragePooling2D(2, 2)(tf.placeholder(tf.float32, [None, 8, 8, 1])).shape[0].value
        is None
    )


def test_channels_first_is_channels_last_turned():
    last = tf.layers.average_pooling2d(PICTURES, 2, 2)
    first = tf.layers.average_pooling2d(
        PICTURES.transpose(0, 3, 1, 2), 2, 2, data_format="channels_first"
    )
    with tf.Session() as session:
        a, b = session.run([last, first])
    np.testing.assert_allclose(a, b.transpose(0, 2, 3, 1), rtol=1e-6)


def test_windows_of_contrib_lie_side_by_side_by_two():
    a = tf.contrib.layers.avg_pool2d(PICTURES, 3)
    b = tf.nn.avg_pool(PICTURES, 3, 2, "VALID")
    with tf.Session() as session:
        np.testing.assert_array_equal(*session.run([a, b]))


@pytest.mark.parametrize("wrong", [{"padding": "full"}, {"data_format": "NHWC"}, {"strides": 0}])
def test_a_layer_refuses_what_tf1_has_not(wrong):
    with pytest.raises(ValueError, match="|".join(wrong)):
        tf.layers.MaxPooling2D(**{"pool_size": 2, "strides": 2, **wrong})


def test_a_pooled_picture_must_have_four_axes():
    with pytest.raises(ValueError, match="4 axes are needed"):
        tf.layers.max_pooling2d(PICTURES[0], 2, 2)
