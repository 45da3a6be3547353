"""Initializers and regularizers: spreads, shapes, configurations, refusals."""

import math

import numpy as np
import pytest

import graphc as tf

SHAPE = [200, 300]


def drawn(initializer, shape=SHAPE, dtype=tf.float32):
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(7)
        return sess.run(initializer(shape, dtype))


@pytest.mark.parametrize(
    ("initializer", "stddev"),
    [
        (tf.initializers.glorot_uniform(), math.sqrt(2 / 500)),
        (tf.initializers.glorot_normal(), math.sqrt(2 / 500)),
        (tf.initializers.he_normal(), math.sqrt(2 / 200)),
        (tf.initializers.he_uniform(), math.sqrt(2 / 200)),
        (tf.initializers.lecun_normal(), math.sqrt(1 / 200)),
        (tf.initializers.lecun_uniform(), math.sqrt(1 / 200)),
        (tf.initializers.variance_scaling(3.0, "fan_out", "untruncated_normal"), 0.1),
        (tf.initializers.uniform_unit_scaling(2.0), 2.0 / math.sqrt(200)),
        (tf.initializers.random_normal(1.0, 0.5), 0.5),
        (tf.initializers.random_uniform(-1.0, 1.0), 1 / math.sqrt(3)),
        (tf.initializers.truncated_normal(0.0, 1.0), 0.8796),
        (tf.keras.initializers.RandomNormal(), 0.05),
        (tf.contrib.layers.xavier_initializer(), math.sqrt(2 / 500)),
        (tf.contrib.layers.xavier_initializer(uniform=False), math.sqrt(2.6 / 500) * 0.8796),
        (tf.contrib.layers.variance_scaling_initializer(), math.sqrt(2.6 / 200) * 0.8796),
        (tf.contrib.layers.variance_scaling_initializer(1.0, "FAN_OUT", True), math.sqrt(1 / 300)),
    ],
)
def test_numbers_are_spread_as_said(initializer, stddev):
    values = drawn(initializer)
    assert values.std() == pytest.approx(stddev, rel=0.02)
    wanted = initializer.mean if hasattr(initializer, "mean") else 0.0
    assert values.mean() == pytest.approx(wanted, abs=4 * stddev / math.sqrt(values.size))


@pytest.mark.parametrize("shape", [[4, 4], [7, 3], [3, 7], [2, 3, 4]])
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_orthogonal_rows_or_columns_have_length_gain_at_right_angles(shape, dtype):
    values = drawn(tf.orthogonal_initializer(gain=2.0), shape, dtype)
    assert (list(values.shape), values.dtype) == (shape, dtype.as_numpy_dtype)
    flat = values.reshape(-1, shape[-1])
    small = flat @ flat.T if flat.shape[0] < flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(small, 4.0 * np.eye(len(small)), atol=1e-5)


def test_identity_of_parts_is_part_of_the_identity(session):
    cut = tf.fixed_size_partitioner(2)
    v = tf.get_variable("v", [5, 5], initializer=tf.initializers.identity(3.0), partitioner=cut)
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(sess.run(v.as_tensor()), 3.0 * np.eye(5))


def test_scaling_of_parts_counts_the_inputs_of_the_whole():
    seen = []

    def initializer(shape, dtype, partition_info):
        seen.append((list(shape), partition_info.full_shape, partition_info.var_offset))
        return tf.zeros(shape, dtype)

    cut = tf.fixed_size_partitioner(2, axis=1)
    tf.get_variable("v", [4, 5], initializer=initializer, partitioner=cut)
    assert seen == [([4, 3], [4, 5], [0, 0]), ([4, 2], [4, 5], [0, 3])]


def test_seeds_repeat_and_names_find_initializers():
    a, b = (drawn(tf.initializers.he_normal(seed=3)) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert isinstance(tf.keras.initializers.get("GlorotUniform"), tf.glorot_uniform_initializer)
    with pytest.raises(ValueError, match="there is no initializer 'glorot'"):
        tf.keras.initializers.get("glorot")


def test_integers_are_no_dtype_of_random_initializers():
    with pytest.raises(ValueError, match="floating numbers, dtype is int32"):
        tf.truncated_normal_initializer(dtype=tf.int32)
    with pytest.raises(TypeError, match="floating numbers, dtype is int32"):
        tf.contrib.layers.xavier_initializer(dtype=tf.int32)
    with pytest.raises(TypeError, match="FAN_IN, FAN_OUT or FAN_AVG"):
        tf.contrib.layers.variance_scaling_initializer(mode="fan_in")


WEIGHTS = np.array([[1.0, -2.0], [3.0, 0.0]], np.float32)


@pytest.mark.parametrize(
    ("regularizer", "loss"),
    [
        (tf.contrib.layers.l1_regularizer(0.5), 3.0),
        (tf.contrib.layers.l2_regularizer(0.5), 3.5),
        (tf.contrib.layers.l1_l2_regularizer(0.5, 0.5), 6.5),
        (tf.contrib.layers.l1_l2_regularizer(0.0, 0.5), 3.5),
        (
            tf.contrib.layers.sum_regularizer(
                [tf.contrib.layers.l1_regularizer(1.0), None, tf.contrib.layers.l2_regularizer(1.0)]
            ),
            13.0,
        ),
        (tf.keras.regularizers.l2(0.5), 7.0),
        (tf.keras.regularizers.l1_l2(l1=0.5, l2=0.5), 10.0),
    ],
)
def test_regularizers_weigh_sizes_and_squares(session, regularizer, loss):
    assert session().run(regularizer(tf.constant(WEIGHTS))) == pytest.approx(loss)


def test_regularizers_without_weight_give_nothing_and_wrong_scales_are_refused():
    layers = tf.contrib.layers
    assert layers.l2_regularizer(0.0)(tf.constant(WEIGHTS)) is None
    assert layers.sum_regularizer([layers.l1_regularizer(0.0)])(tf.constant(WEIGHTS)) is None
    with pytest.raises(ValueError, match="scale is a float, got the integer 1"):
        layers.l1_regularizer(1)
    with pytest.raises(ValueError, match="cannot be below zero"):
        layers.l2_regularizer(-0.1)


def test_regularization_of_a_list_is_summed_and_collected(session):
    tf.Variable(WEIGHTS, collections=[tf.GraphKeys.WEIGHTS, tf.GraphKeys.GLOBAL_VARIABLES])
    regularizer = tf.contrib.layers.l2_regularizer(1.0)
    total = tf.contrib.layers.apply_regularization(regularizer)
    twice = tf.contrib.layers.apply_regularization(regularizer, [tf.constant(WEIGHTS)] * 2)
    sess = session()
    sess.run(tf.global_variables_initializer())
    assert sess.run([total, twice]) == [7.0, 14.0]
    assert sess.run(tf.losses.get_regularization_loss()) == 21.0
    with pytest.raises(ValueError, match="no weights"):
        tf.contrib.layers.apply_regularization(regularizer, [])
