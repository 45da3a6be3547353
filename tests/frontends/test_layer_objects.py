"""``tf.layers``: layers as objects, batch normalisation, losses and updates they keep.

The names are those of TensorFlow 1.15; figures are computed with NumPy beside them.
"""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import ShapeError

X = np.random.RandomState(3).randn(6, 4).astype(np.float32)


def names(values):
    return [v.name for v in values]


class Scale(tf.layers.Layer):
    """Multiplies by a variable; adds a loss and an update."""

    def __init__(self, start, **more):
        super().__init__(**more)
        self.start = start

    def build(self, input_shape):
        self.seen_shape = input_shape
        size = input_shape[-1].value
        start = tf.constant_initializer(self.start)
        self.by = self.add_weight("by", [size], initializer=start, regularizer=tf.nn.l2_loss)
        self.calls = self.add_variable("calls", [], initializer="zeros", trainable=False)
        super().build(input_shape)

    def call(self, inputs, twice=False):
        self.add_loss(tf.reduce_sum(inputs))
        self.add_update(self.calls.assign_add(1.0))
        return inputs * self.by * (2.0 if twice else 1.0)

    def compute_output_shape(self, input_shape):
        return tf.TensorShape(input_shape)


def test_a_layer_of_ones_own_builds_once_and_keeps_losses_and_updates(session):
    layer = Scale(3.0, name="mine")
    x = tf.placeholder(tf.float32, [None, 4])
    y, z = layer(x), layer.apply(x, twice=True)
    assert names(layer.weights) == ["mine/by:0", "mine/calls:0"]
    assert names(layer.trainable_weights) == ["mine/by:0"]
    assert names(layer.non_trainable_variables) == ["mine/calls:0"]
    assert (layer.count_params(), layer.dtype, layer.scope_name) == (5, "float32", "mine")
    assert layer.seen_shape.as_list() == [None, 4]
    assert (y.op.name, z.op.name) == ("mine/mul_1", "mine/mul_3")
    assert len(layer.losses) == 3
    assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == layer.updates
    assert tf.losses.get_regularization_losses() == layer.losses
    sess = session()
    sess.run(tf.global_variables_initializer())
    got = sess.run([y, z, layer.updates], {x: X})
    np.testing.assert_allclose(got[0], 3 * X, rtol=1e-6)
    np.testing.assert_allclose(got[1], 6 * X, rtol=1e-6)
    assert sess.run(layer.calls) == 2.0


def test_layers_say_what_they_were_called_with():
    layer = Scale(1.0)
    with pytest.raises(ValueError, match="no scope before its first call"):
        layer.scope_name  # noqa: B018
    with pytest.raises(ValueError, match="no variables before its first call"):
        layer.count_params()
    x = tf.zeros([2, 3])
    y = layer(x)
    assert (layer.input, layer.output, layer.name) == (x, y, "scale")
    assert (layer.input_shape, layer.output_shape) == ((2, 3), (2, 3))
    layer(tf.zeros([5, 3]))
    with pytest.raises(AttributeError, match="called 2 times"):
        layer.input  # noqa: B018
    assert layer.get_output_at(1).shape.as_list() == [5, 3]


def test_layers_are_named_as_tf1_names_them():
    x = tf.zeros([2, 3])
    first = tf.layers.dense(x, 2, activation=tf.nn.relu)
    second = tf.layers.dense(x, 2)
    given = tf.layers.dense(x, 2, name="given")
    again = tf.layers.dense(x, 2, name="given", reuse=True)
    layer = tf.layers.Dense(2)
    calls = [layer(x), layer(x)]
    with tf.variable_scope("scope"):
        inner = tf.layers.dense(x, 2)
    assert names([first, second, given, again, *calls, inner]) == [
        "dense/Relu:0", "dense_1/BiasAdd:0", "given/BiasAdd:0", "given_1/BiasAdd:0",
        "dense_2/BiasAdd:0", "dense_2/BiasAdd_1:0", "scope/dense/BiasAdd:0",
    ]  # fmt: skip
    made = [f"{scope}/{part}:0" for scope in ("dense", "dense_1", "given", "dense_2", "scope/dense")
            for part in ("kernel", "bias")]  # fmt: skip
    assert names(tf.global_variables()) == made


def test_dense_takes_names_of_functions_and_the_scopes_defaults(session):
    with tf.variable_scope("s", initializer=tf.ones_initializer()):
        y = tf.layers.dense(X, 2, "relu", bias_initializer="ones", kernel_regularizer="l2")
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_allclose(
        sess.run(y), np.maximum(X.sum(1, keepdims=True) + 1, 0) * [1, 1], rtol=1e-5
    )
    assert sess.run(tf.losses.get_regularization_loss()) == pytest.approx(0.08)


def test_dense_of_many_axes_and_its_shapes(session):
    layer = tf.layers.Dense(5, use_bias=False)
    y = layer(tf.ones([2, 3, 4]))
    assert y.shape.as_list() == [2, 3, 5]
    assert layer.compute_output_shape([7, None, 4]).as_list() == [7, None, 5]
    assert names(layer.weights) == ["dense/kernel:0"]
    sess = session()
    sess.run(tf.global_variables_initializer())
    got, kernel = sess.run([y, layer.kernel])
    np.testing.assert_allclose(got[1, 2], kernel.sum(0), rtol=1e-5)


def test_inputs_that_do_not_fit_are_told():
    layer = tf.layers.Dense(2)
    with pytest.raises(ShapeError, match="2 axes or more are needed"):
        layer(tf.zeros([3]))
    layer(tf.zeros([2, 3]))
    with pytest.raises(ShapeError, match="axis -1 must have size 3"):
        layer(tf.zeros([2, 4]))
    with pytest.raises(TypeError, match="must be floating, got int32"):
        tf.layers.dense(tf.zeros([2, 3], tf.int32), 2)
    with pytest.raises(TypeError, match="no argument 'colour'"):
        tf.layers.Dense(2, colour="red")
    spec = tf.layers.InputSpec(ndim=2, dtype=tf.float64)
    assert "float64 is needed" in spec.refusal(tf.zeros([2, 2]))


def test_activity_regularizers_weigh_by_the_batch(session):
    tf.layers.dense(tf.ones([4, 2]), 3, kernel_initializer="ones",
                    activity_regularizer=tf.nn.l2_loss)  # fmt: skip
    sess = session()
    sess.run(tf.global_variables_initializer())
    assert sess.run(tf.losses.get_regularization_loss()) == pytest.approx(12 * 4 / 2 / 4)


def test_flatten_of_channels_first_moves_the_channels_last(session):
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 2, 2)
    flat = tf.layers.Flatten("channels_first")(image)
    np.testing.assert_array_equal(session().run(flat), image.transpose(0, 2, 3, 1).reshape(1, 12))
    assert tf.layers.Flatten().compute_output_shape([None, 3, 2]).as_list() == [None, 6]


# --- batch normalisation -------------------------------------------------------------------------


def normalised(x, axes, epsilon=1e-3):
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


def test_batch_normalization_has_the_names_of_tf1(session):
    x = tf.placeholder(tf.float32, [None, 4])
    y = tf.layers.batch_normalization(x, training=True, momentum=0.9)
    assert names(tf.global_variables()) == [
        f"batch_normalization/{part}:0" for part in ("gamma", "beta", "moving_mean",
                                                     "moving_variance")]  # fmt: skip
    assert names(tf.trainable_variables()) == [
        "batch_normalization/gamma:0", "batch_normalization/beta:0"]  # fmt: skip
    assert y.name == "batch_normalization/batchnorm/add_1:0"
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert [u.op.name for u in updates] == [
        "batch_normalization/AssignMovingAvg", "batch_normalization/AssignMovingAvg_1"]  # fmt: skip
    sess = session()
    sess.run(tf.global_variables_initializer())
    got, _ = sess.run([y, updates], {x: X})
    np.testing.assert_allclose(got, normalised(X, (0,)), rtol=1e-4, atol=1e-5)
    moved = sess.run(tf.global_variables()[2:])
    np.testing.assert_allclose(moved[0], 0.1 * X.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(moved[1], 0.9 + 0.1 * X.var(0), rtol=1e-4)


@pytest.mark.parametrize(("shape", "axis", "unbiased"), [
    ([3, 2, 2, 4], -1, True), ([3, 4, 2, 2], 1, True), ([3, 2, 4], -1, False),
    ([3, 4, 2], 1, False), ([3, 2, 2, 4], [1, 3], False),
])  # fmt: skip
def test_batch_normalization_keeps_the_axes_it_is_told(session, shape, axis, unbiased):
    data = np.random.RandomState(1).randn(*shape).astype(np.float32) * 2 + 1
    layer = tf.layers.BatchNormalization(axis, momentum=0.0)
    y = layer(tf.constant(data), training=True)
    kept = [a % len(shape) for a in (axis if isinstance(axis, list) else [axis])]
    others = tuple(k for k in range(len(shape)) if k not in kept)
    sess = session()
    sess.run(tf.global_variables_initializer())
    got, _ = sess.run([y, layer.updates])
    np.testing.assert_allclose(got, normalised(data, others), rtol=1e-3, atol=1e-4)
    count = np.prod([shape[k] for k in others])
    variance = data.var(others, keepdims=len(kept) > 1) * (count / (count - 1) if unbiased else 1)
    np.testing.assert_allclose(sess.run(layer.moving_variance), variance, rtol=1e-4)


def test_batch_normalization_is_switched_by_a_tensor(session):
    training = tf.placeholder(tf.bool)
    x = tf.placeholder(tf.float32, [None, 4])
    layer = tf.layers.BatchNormalization(center=False, scale=False)
    y = layer(x, training=training)
    sess = session()
    sess.run(tf.global_variables_initializer())
    on, _ = sess.run([y, layer.updates], {x: X, training: True})
    np.testing.assert_allclose(on, normalised(X, (0,)), rtol=1e-4, atol=1e-5)
    before = sess.run(layer.moving_mean)
    off, _ = sess.run([y, layer.updates], {x: X[:1], training: False})
    np.testing.assert_array_equal(sess.run(layer.moving_mean), before)
    variance = sess.run(layer.moving_variance)
    np.testing.assert_allclose(off, (X[:1] - before) / np.sqrt(variance + 1e-3), rtol=1e-4)


def test_batch_normalization_of_half_floats_keeps_float32(session):
    layer = tf.layers.BatchNormalization()
    y = layer(tf.constant(X.astype(np.float16)), training=True)
    assert (y.dtype, layer.gamma.dtype) == (tf.float16, tf.float32)
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_allclose(sess.run(y), normalised(X, (0,)), rtol=2e-2, atol=5e-3)


def test_batch_normalization_refuses_in_words():
    for option in ({"renorm": True}, {"virtual_batch_size": 2}):
        with pytest.raises(NotImplementedError, match="is not provided"):
            tf.layers.batch_normalization(X, **option)
    with pytest.raises(ShapeError, match="sizes along axis must be known"):
        tf.layers.batch_normalization(tf.placeholder(tf.float32, [2, None]))
    with pytest.raises(ValueError, match="axis 5 is not"):
        tf.layers.batch_normalization(X, axis=5)


def test_batch_normalization_without_training_only_reads(session):
    y = tf.layers.batch_normalization(tf.constant(X), name="bn")
    again = tf.layers.batch_normalization(tf.constant(X), name="bn", reuse=True)
    assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == []
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_allclose(sess.run(y), X / np.sqrt(1.001), rtol=1e-5)
    np.testing.assert_array_equal(sess.run(again), sess.run(y))


def test_losses_ask_weights_of_the_losses_own_shape():
    losses = tf.placeholder(tf.float32, [4])
    with pytest.raises(ShapeError, match="weights must be a scalar"):
        tf.losses.compute_weighted_loss(losses, tf.ones([4, 1]))
    assert tf.losses.mean_squared_error(losses, losses).name == "mean_squared_error/value:0"
