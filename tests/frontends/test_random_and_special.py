"""tf.random, tf.bitwise, tf.quantization and the special functions, by their public names."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.errors import ShapeError


@pytest.fixture(autouse=True)
def graph():
    tf.reset_default_graph()


def run(fetches, feeds=None):
    with tf.Session() as sess:
        return sess.run(fetches, feeds)


def test_integer_division_by_zero_fails_at_its_line():
    x, y = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int32, [None])
    for quotient in (x // y, x % y, tf.truncatediv(x, y), tf.truncatemod(x, y), tf.div(x, y)):
        np.testing.assert_array_equal(run(quotient, {x: [6], y: [4]}).shape, [1])
        with pytest.raises(tf.errors.InvalidArgumentError, match="Integer division by zero") as e:
            run(quotient, {x: [6, 1], y: [4, 0]})
        assert "test_random_and_special.py" in str(e.value)


def test_a_constant_divisor_needs_no_check():
    x = tf.placeholder(tf.int32, [None])
    assert (x // 2).node.op.name == "floordiv"
    assert (x // tf.constant([1, 0])).node.op.name == "checked_floordiv"
    assert (x // tf.constant([1, 0])).op.type == "FloorDiv"


def test_float_remainders_are_exact_for_huge_quotients():
    x = np.array([1e30, -1e30, 3e38, 5.0, 1e-45], np.float32)
    y = np.array([3.1, 3.1, 1e-38, np.inf, 3e-45], np.float32)
    found = run([tf.floormod(x, y), tf.truncatemod(x, y)])
    np.testing.assert_array_equal(found[0], np.remainder(x, y))
    np.testing.assert_array_equal(found[1], np.fmod(x, y))


def test_second_derivatives_of_a_product_with_two_zeros():
    x = tf.constant([0.0, 2.0, 0.0, 3.0], tf.float64)
    hessian = run(tf.hessians(tf.reduce_prod(x), x)[0])
    expected = np.zeros((4, 4))
    expected[0, 2] = expected[2, 0] = 6
    np.testing.assert_array_equal(hessian, expected)


def test_stateless_draws_depend_on_their_seed_alone():
    seed = tf.placeholder(tf.int32, [2])
    draws = [
        tf.random.stateless_uniform([4], seed),
        tf.random.stateless_uniform([4], seed, 0, 100, tf.int32),
        tf.random.stateless_normal([4], seed, 1.0, 2.0),
        tf.random.stateless_truncated_normal([4], seed),
        tf.random.stateless_multinomial([[0.0, 0.0]], 9, seed),
    ]
    first, again = run(draws, {seed: [1, 2]}), run(draws, {seed: [1, 2]})
    other = run(draws, {seed: [1, -3]})
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_random_gamma_takes_shape_alpha_and_beta():
    y = tf.random_gamma([2, 3], tf.constant([1.0, 2.0]), tf.constant([[1.0], [2.0], [3.0]]), seed=1)
    assert y.shape.as_list() == [2, 3, 3, 2]
    assert run(y).min() > 0
    assert tf.random.gamma([], [0.5]).shape.as_list() == [1]
    tiny, nan = run(tf.random_gamma([], [0.0, -1.0]))
    assert tiny == np.finfo(np.float32).tiny
    assert np.isnan(nan)


def test_the_mean_of_gamma_numbers_moves_as_alpha_does():
    alpha = tf.constant([0.5, 3.0])
    mean = tf.reduce_mean(tf.random_gamma([20_000], alpha, seed=1), 0)
    np.testing.assert_allclose(run(tf.gradients(mean, alpha)[0]), [1, 1], atol=0.05)


def test_random_poisson_takes_means_and_shape():
    y = tf.random_poisson(tf.constant([1.0, 50.0]), [2, 3], tf.int32, seed=4)
    assert (y.dtype, y.shape.as_list()) == (tf.int32, [2, 3, 2])
    assert np.isnan(run(tf.random_poisson([-1.0, np.nan], []))).all()


def test_random_crop_is_a_slice_that_fits():
    value = np.arange(20).reshape(4, 5)
    crop = tf.random_crop(value, [2, 3], seed=1)
    with tf.Session() as sess:
        corners = {int(sess.run(crop)[0, 0]) for _ in range(60)}
        found = sess.run(crop)
    assert corners == {5 * i + j for i in range(3) for j in range(3)}
    row, column = divmod(int(found[0, 0]), 5)
    np.testing.assert_array_equal(found, value[row : row + 2, column : column + 3])


def test_bounds_and_dtypes_of_random_uniform():
    with pytest.raises(ValueError, match="Must specify maxval for integer dtype"):
        tf.random_uniform([2], dtype=tf.int32)
    with pytest.raises(ValueError, match="got int8"):
        tf.random_uniform([2], 0, 5, tf.int8)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Need minval < maxval"):
        run(tf.random_uniform([2], 5, 5, tf.int32))
    wide = run(tf.random_uniform([99], 0, 2**50, tf.int64, seed=1))
    assert 2**48 < wide.max() < 2**50


def test_shuffling_a_scalar_leaves_it():
    assert run(tf.random_shuffle(3.0)) == 3.0


def test_logits_of_multinomial_are_a_matrix():
    with pytest.raises(ShapeError, match=r"\[batch, classes\]"):
        tf.multinomial([1.0, 2.0], 3)
    assert tf.random.categorical([[1.0, 2.0]], 3, tf.int32).dtype == tf.int32


def test_bitwise_names():
    np.testing.assert_array_equal(run(tf.bitwise.bitwise_xor([5, 3], [1, 2])), [4, 1])
    np.testing.assert_array_equal(run(tf.bitwise.left_shift([1, 1, 1], [31, 32, -1])),
                                  [-(2**31), -(2**31), 1])  # fmt: skip
    np.testing.assert_array_equal(run(tf.bitwise.right_shift([-8, 8], [40, 32])), [-1, 0])
    assert run(tf.bitcast(1.0, tf.int32)) == 0x3F800000
    assert run(tf.bitcast([[1, 0], [0, 1]], tf.int64)).tolist() == [1, 1 << 32]


def test_fake_quantised_numbers_are_those_of_tensorflow():
    x = tf.constant([-7.0, -1.0, 0.1, 3.0, 9.0])
    y = tf.fake_quant_with_min_max_args(x)
    found, slope = run([y, tf.gradients(y, x)[0]])
    np.testing.assert_allclose(found, [-6.0235295, -0.9882353, 0.09411765, 3.0117648, 5.9764705],
                               atol=1e-6)  # fmt: skip
    np.testing.assert_array_equal(slope, [0, 1, 1, 1, 0])
    low, high = tf.constant(-2.0), tf.constant(3.0)
    z = tf.fake_quant_with_min_max_vars(x, low, high, num_bits=4)
    np.testing.assert_allclose(run(z), [-2, -1, 0, 3, 3], atol=1e-6)
    np.testing.assert_array_equal(run(tf.gradients(z, [low, high])), [1, 1])
    w = tf.quantization.quantize_and_dequantize(x, 0, 0, num_bits=4)
    np.testing.assert_allclose(run(w), [-6.428571, -1.2857143, 0, 2.5714285, 9], rtol=1e-6)


def test_small_functions_of_tf_math():
    assert run(tf.math.polyval([1.0, 2.0, 3.0], 2.0)) == 11
    assert run(tf.approximate_equal([1.0], [1.000001])).tolist() == [True]
    assert run(tf.math.xlogy(0.0, 0.0)) == 0
    np.testing.assert_allclose(run(tf.lbeta([[1.0, 2.0], [3.0, 4.0]])), [-0.6931472, -4.0943446],
                               rtol=1e-6)  # fmt: skip
    np.testing.assert_allclose(run(tf.math.bessel_i0([1.0, 10.0])), [1.266066, 2815.7166], 1e-6)


def test_the_winner_of_each_group_stays():
    x = tf.constant([[1.0, 2.0, 4.0, 3.0]])
    y = tf.nn.lwta(x, 2)
    found, slope = run([y, tf.gradients(y, x)[0]])
    np.testing.assert_array_equal(found, [[0, 2, 4, 0]])
    np.testing.assert_array_equal(slope, [[0, 1, 1, 0]])
    np.testing.assert_array_equal(run(tf.contrib.layers.maxout(x, 2)), [[2, 4]])


def test_log_poisson_loss():
    targets, log_input = tf.constant([0.0, 2.0]), tf.constant([1.0, 2.0])
    found = run(tf.nn.log_poisson_loss(targets, log_input, compute_full_loss=True))
    np.testing.assert_allclose(found, [2.7182817, 4.0408626], rtol=1e-6)
