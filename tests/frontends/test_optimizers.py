"""Optimizers against NumPy, and what surrounds them."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as tf

W0 = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)


def trained(session: Callable, optimizer: object, steps: int = 5) -> np.ndarray:
    """W after some steps on sum((W - 1)**2 * [1, 3])."""
    w = tf.Variable(W0, name="w")
    loss = tf.reduce_sum(tf.square(w - 1.0) * [1.0, 3.0])
    step = optimizer.minimize(loss)
    sess = session()
    sess.run(tf.global_variables_initializer())
    for _ in range(steps):
        sess.run(step)
    return sess.run(w)


def gradient(w: np.ndarray) -> np.ndarray:
    return 2 * (w - 1) * np.array([1.0, 3.0])


def test_gradient_descent(session):
    w = W0.astype(np.float64)
    for _ in range(5):
        w = w - 0.1 * gradient(w)
    got = trained(session, tf.train.GradientDescentOptimizer(0.1))
    np.testing.assert_allclose(got, w, rtol=1e-5)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(session, nesterov):
    w, a = W0.astype(np.float64), np.zeros_like(W0, np.float64)
    for _ in range(5):
        g = gradient(w)
        a = 0.9 * a + g
        w = w - 0.01 * (g + 0.9 * a if nesterov else a)
    got = trained(session, tf.train.MomentumOptimizer(0.01, 0.9, use_nesterov=nesterov))
    np.testing.assert_allclose(got, w, rtol=1e-5)


def test_adam(session):
    w, m, v = W0.astype(np.float64), np.zeros_like(W0, float), np.zeros_like(W0, float)
    for t in range(1, 6):
        g = gradient(w)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        rate = 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        w = w - rate * m / (np.sqrt(v) + 1e-8)
    got = trained(session, tf.train.AdamOptimizer(0.1))
    np.testing.assert_allclose(got, w, rtol=1e-4)


def test_adagrad_and_rmsprop(session):
    w, a = W0.astype(np.float64), np.full_like(W0, 0.1, float)
    for _ in range(5):
        g = gradient(w)
        a = a + g * g
        w = w - 0.1 * g / np.sqrt(a)
    np.testing.assert_allclose(trained(session, tf.train.AdagradOptimizer(0.1)), w, rtol=1e-5)
    tf.reset_default_graph()
    w, s, mom = W0.astype(np.float64), np.ones_like(W0, float), np.zeros_like(W0, float)
    for _ in range(5):
        g = gradient(w)
        s = 0.9 * s + 0.1 * g * g
        mom = 0.5 * mom + 0.01 * g / np.sqrt(s + 1e-10)
        w = w - mom
    got = trained(session, tf.train.RMSPropOptimizer(0.01, momentum=0.5))
    np.testing.assert_allclose(got, w, rtol=1e-5)


def test_slots_are_named_and_typed_as_tf1_does():
    w = tf.Variable(W0, name="w")
    optimizer = tf.train.AdamOptimizer(0.1)
    optimizer.minimize(tf.reduce_sum(w * w))
    assert [v.name for v in tf.global_variables()] == [
        "w:0", "beta1_power:0", "beta2_power:0", "w/Adam:0", "w/Adam_1:0",
    ]  # fmt: skip
    assert tf.trainable_variables() == [w]
    assert optimizer.get_slot_names() == ["m", "v"]
    assert optimizer.get_slot(w, "m").name == "w/Adam:0"
    assert len(optimizer.variables()) == 4


def test_a_float64_variable_keeps_its_dtype(session):
    w = tf.Variable(W0.astype(np.float64), name="w")
    step = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(w * w))
    sess = session()
    sess.run(tf.global_variables_initializer())
    sess.run(step)
    assert sess.run(w).dtype == np.float64


def test_the_learning_rate_may_be_fed(session):
    rate = tf.placeholder(tf.float32, [], name="rate")
    w = tf.Variable(1.0)
    step = tf.train.GradientDescentOptimizer(rate).minimize(w * 3.0)
    sess = session()
    sess.run(tf.global_variables_initializer())
    sess.run(step, {rate: 0.5})
    assert sess.run(w) == -0.5


def test_global_step_counts(session):
    w = tf.Variable(1.0)
    counter = tf.train.get_or_create_global_step()
    assert tf.train.get_global_step() is counter
    step = tf.train.GradientDescentOptimizer(0.1).minimize(w * w, global_step=counter)
    sess = session()
    sess.run(tf.global_variables_initializer())
    for _ in range(3):
        assert sess.run(step) is None
    assert tf.train.global_step(sess, counter) == 3
    assert counter.dtype is tf.int64
    with pytest.raises(ValueError, match="has a global step already"):
        tf.train.create_global_step()


@pytest.mark.filterwarnings("ignore:.*unreached-variables")
def test_gradients_may_be_changed_between_compute_and_apply(session):
    w = tf.Variable([3.0, 4.0])
    unused = tf.Variable(1.0)
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    pairs = optimizer.compute_gradients(tf.reduce_sum(w * w) / 2.0)
    assert pairs[1] == (None, unused)
    clipped, norm = tf.clip_by_global_norm([g for g, _ in pairs], 1.0)
    step = optimizer.apply_gradients(zip(clipped, [v for _, v in pairs], strict=True))
    sess = session()
    sess.run(tf.global_variables_initializer())
    length, _ = sess.run([norm, step])
    assert length == 5.0
    np.testing.assert_allclose(sess.run(w), [3.0 - 0.6, 4.0 - 0.8], rtol=1e-6)


def test_constraints_apply_after_the_update(session):
    w = tf.get_variable(
        "w", initializer=tf.constant([0.1, 5.0]), constraint=lambda v: tf.clip_by_value(v, 0.0, 1.0)
    )
    step = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(w))
    sess = session()
    sess.run(tf.global_variables_initializer())
    sess.run(step)
    np.testing.assert_array_equal(sess.run(w), [0.0, 1.0])


def test_a_subclass_says_only_its_update(session):
    class Sign(tf.train.Optimizer):
        def __init__(self):
            super().__init__(False, "Sign")

        def _apply_dense(self, grad, var):
            return var.assign_sub(0.25 * tf.sign(grad))

    np.testing.assert_allclose(trained(session, Sign(), 2), W0 - 0.5 * np.sign(W0 - 1), rtol=1e-6)


def test_learning_rate_schedules(session):
    step = tf.placeholder(tf.int64, [], name="step")
    rates = [
        tf.train.exponential_decay(0.1, step, 10, 0.5),
        tf.train.exponential_decay(0.1, step, 10, 0.5, staircase=True),
        tf.train.inverse_time_decay(0.1, step, 10, 0.5),
        tf.train.polynomial_decay(0.1, step, 100, 0.01, power=2.0),
        tf.train.piecewise_constant(step, [10, 20], [1.0, 0.5, 0.1]),
        tf.train.cosine_decay(0.1, step, 100),
    ]
    got = session().run(rates, {step: 15})
    expected = [
        0.1 * 0.5**1.5, 0.05, 0.1 / 1.75, 0.09 * 0.85**2 + 0.01, 0.5,
        0.05 * (1 + np.cos(np.pi * 0.15)),
    ]  # fmt: skip
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_moving_averages_follow_their_variables(session):
    v = tf.Variable(2.0, name="v")
    average = tf.train.ExponentialMovingAverage(0.9)
    update = average.apply([v])
    sess = session()
    sess.run(tf.global_variables_initializer())
    sess.run(v.assign(12.0))
    sess.run(update)
    np.testing.assert_allclose(sess.run(average.average(v)), 3.0, rtol=1e-6)
    assert average.average_name(v) == "v/ExponentialMovingAverage"


def test_gradients_of_gradients_and_jvp(session):
    x = tf.placeholder(tf.float32, [3], name="x")
    y = tf.reduce_sum(x**3.0)
    (first,) = tf.gradients(y, x)
    (second,) = tf.gradients(first, x)
    (moved,) = tf.jvp(first, x, tf.constant([1.0, 0.0, 0.0]))
    (product,) = tf.hessian_vector_product(y, x, tf.constant([0.0, 1.0, 0.0]))
    (hessian,) = tf.hessians(y, x)
    value = np.array([1.0, 2.0, -3.0], np.float32)
    got = session().run([first, second, moved, product, hessian], {x: value})
    np.testing.assert_allclose(got[0], 3 * value**2, rtol=1e-5)
    np.testing.assert_allclose(got[1], 6 * value, rtol=1e-5)
    np.testing.assert_allclose(got[2], [6.0, 0.0, 0.0], rtol=1e-5)
    np.testing.assert_allclose(got[3], [0.0, 12.0, 0.0], rtol=1e-5)
    np.testing.assert_allclose(got[4], np.diag(6 * value), rtol=1e-5)


def test_unconnected_gradients_can_be_zeros(session):
    x, y = tf.constant([1.0, 2.0]), tf.constant(3.0)
    assert tf.gradients(y, x) == [None]
    assert "does not depend on" in tf.why_none(y, x)
    (zero,) = tf.gradients(y, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    np.testing.assert_array_equal(session().run(zero), [0.0, 0.0])


def test_custom_gradient_and_custom_op(session):
    @tf.custom_gradient
    def clipped(x):
        return tf.identity(x), lambda dy: tf.clip_by_value(dy, -1.0, 1.0)

    double = tf.custom_op(
        "test_double", reference=lambda x: x * 2, scalar="{x} + {x}",
        vjp=lambda b, ct, y, x: [b.add(ct, ct)],
    )  # fmt: skip
    x = tf.constant([1.0, 2.0])
    (through,) = tf.gradients(clipped(x) * 5.0, x)
    (twice,) = tf.gradients(double(x), x)
    got = session().run([double(x), through, twice])
    np.testing.assert_array_equal(got[0], [2.0, 4.0])
    np.testing.assert_array_equal(got[1], [1.0, 1.0])
    np.testing.assert_array_equal(got[2], [2.0, 2.0])


def test_an_mlp_learns_digits(session):
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = (digits.data / 16.0).astype(np.float32), digits.target.astype(np.int32)
    tf.set_random_seed(1)
    x = tf.placeholder(tf.float32, [None, 64], name="x")
    y = tf.placeholder(tf.int32, [None], name="y")
    logits = tf.layers.dense(tf.layers.dense(x, 32, activation=tf.nn.relu), 10)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    step = tf.train.AdamOptimizer(1e-2).minimize(tf.reduce_mean(losses))
    right = tf.equal(tf.argmax(logits, 1, output_type=tf.int32), y)
    accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
    sess = session()
    sess.run(tf.global_variables_initializer())
    order = np.random.default_rng(0)
    for _ in range(150):
        batch = order.integers(0, 1500, 64)
        sess.run(step, {x: images[batch], y: labels[batch]})
    assert sess.run(accuracy, {x: images[1500:], y: labels[1500:]}) > 0.85
