"""Networks of ``slim.nets``: as many parameters as published, slim's names, and training."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphc as tf

slim = tf.contrib.slim
nets = slim.nets


def parameters() -> int:
    return sum(math.prod(v.shape.as_list()) for v in tf.trainable_variables())


@pytest.mark.parametrize(
    ("module", "name", "published"),
    [
        ("resnet_v1", "resnet_v1_50", 25_557_032), ("resnet_v1", "resnet_v1_101", 44_549_160),
        ("resnet_v1", "resnet_v1_152", 60_192_808), ("vgg", "vgg_16", 138_357_544),
        ("vgg", "vgg_19", 143_667_240), ("vgg", "vgg_a", 132_863_336),
    ],
)  # fmt: skip
def test_a_network_has_as_many_parameters_as_published(module, name, published):
    part = getattr(nets, module)
    scope = part.vgg_arg_scope() if module == "vgg" else part.resnet_arg_scope()
    with slim.arg_scope(scope):
        network = getattr(part, name)
        size = network.default_image_size
        logits, points = network(tf.placeholder(tf.float32, [None, size, size, 3]), 1000)
    assert parameters() == published
    assert logits.shape.as_list()[-1] == 1000
    assert next(iter(points)).startswith(f"{name}/conv1")


def test_variables_and_end_points_have_the_names_of_slim():
    with slim.arg_scope(nets.resnet_v2.resnet_arg_scope()):
        x = tf.placeholder(tf.float32, [2, 32, 32, 3])
        features, points = nets.resnet_v2.resnet_v2_50(x, global_pool=False, output_stride=16)
    names = [v.op.name for v in slim.get_model_variables()]
    assert names[:4] == [
        "resnet_v2_50/conv1/weights", "resnet_v2_50/conv1/biases",
        "resnet_v2_50/block1/unit_1/bottleneck_v2/preact/beta",
        "resnet_v2_50/block1/unit_1/bottleneck_v2/preact/gamma",
    ]  # fmt: skip
    assert names[-1] == "resnet_v2_50/postnorm/moving_variance"
    assert features.shape.as_list() == [2, 2, 2, 2048]
    assert points["resnet_v2_50/block1"].shape.as_list() == [2, 4, 4, 256]
    assert points["resnet_v2_50/block4"].shape.as_list() == [2, 2, 2, 2048]
    assert "resnet_v2_50/block3/unit_6/bottleneck_v2/conv2" in points


@pytest.mark.parametrize("version", ["resnet_v1", "resnet_v2"])
def test_a_small_residual_network_trains(version, session):
    part = getattr(nets, version)
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(4, 16, 16, 3)).astype("f4"), [0, 1, 2, 1]
    with slim.arg_scope(part.resnet_arg_scope(batch_norm_decay=0.9)):
        block = getattr(part, f"{version}_block")
        blocks = [block("a", 2, 2, 2), block("b", 4, 1, 1)]
        logits, points = getattr(part, version)(x, blocks, 3, scope="small")
    flat = tf.squeeze(logits, [1, 2])
    loss = tf.losses.sparse_softmax_cross_entropy(labels, flat)
    train = slim.learning.create_train_op(loss, tf.train.AdamOptimizer(0.02))
    sess = session()
    sess.run(tf.global_variables_initializer())
    losses = [sess.run(train) for _ in range(15)]
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_allclose(sess.run(points["predictions"]).sum(-1), 1, rtol=1e-4)


def test_inception_has_as_many_parameters_as_published_beside_its_second_head():
    with slim.arg_scope(nets.inception_v3.inception_v3_arg_scope()):
        x = tf.placeholder(tf.float32, [None, 299, 299, 3])
        logits, points = nets.inception_v3.inception_v3(x, 1000)
    aux = sum(math.prod(v.shape.as_list()) for v in slim.get_trainable_variables(
        "InceptionV3/AuxLogits"))  # fmt: skip
    assert parameters() - aux == 23_817_352
    assert logits.shape.as_list() == [None, 1000]
    assert points["Mixed_5d"].shape.as_list() == [None, 35, 35, 288]
    assert points["Mixed_6e"].shape.as_list() == [None, 17, 17, 768]
    assert points["Mixed_7c"].shape.as_list() == [None, 8, 8, 2048]
    assert points["AuxLogits"].shape.as_list() == [None, 1000]
    names = {v.op.name for v in tf.global_variables()}
    assert "InceptionV3/Mixed_5c/Branch_1/Conv_1_0c_5x5/weights" in names
    assert "InceptionV3/Mixed_7b/Branch_1/Conv2d_0b_3x1/BatchNorm/beta" in names
    assert len(tf.get_collection("moving_vars")) == 2 * len(
        tf.get_collection("moving_vars", ".*mean")
    )


def test_features_of_inception_end_where_they_are_asked_to():
    x = tf.placeholder(tf.float32, [2, 96, 96, 3])
    base = nets.inception.inception_v3_base
    net, points = base(x, "Mixed_5b", depth_multiplier=0.25)
    assert list(points)[-1] == "Mixed_5b"
    assert net.shape.as_list() == [2, 9, 9, 16 + 16 + 24 + 16]
    with pytest.raises(ValueError, match="there is no end point 'Mixed_9a'; there are Conv2d_1a"):
        base(x, "Mixed_9a", scope="again")


def test_an_output_stride_that_the_blocks_do_not_make_is_refused():
    x = tf.placeholder(tf.float32, [2, 64, 64, 3])
    with slim.arg_scope(nets.resnet_utils.resnet_arg_scope()):
        with pytest.raises(ValueError, match="output_stride divides by 4, got 6"):
            nets.resnet_v1.resnet_v1_50(x, output_stride=6, scope="six")
        with pytest.raises(ValueError, match="do not make an output_stride of 5"):
            nets.resnet_v1.resnet_v1_50(x, output_stride=20, scope="twenty")


def test_the_name_stays_slim_after_its_parts_are_used():
    assert slim.nets.vgg.vgg_16 is tf.contrib.slim.nets.vgg.vgg_16
    assert slim.learning.create_train_op is tf.contrib.slim.learning.create_train_op
    assert tf.contrib.slim is slim
    assert tf.contrib.slim.separable_conv2d is tf.contrib.layers.separable_conv2d
    assert slim.learning.clip_gradient_norms is tf.contrib.training.clip_gradient_norms
    with pytest.raises(AttributeError, match="HParams is part of TF1 but not provided"):
        tf.contrib.training.HParams  # noqa: B018
