"""Optimizers outside the graph: SciPy's, and Hessian-free."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as tf
from frontends.tf.contrib.opt.hessian_free import conjugate_gradients

pytest.importorskip("scipy")


def started(sess: tf.Session) -> tf.Session:
    sess.run(tf.global_variables_initializer())
    return sess


def valley() -> tuple:
    """Rosenbrock's function of two variables of different shapes."""
    x, y = tf.Variable([-1.5], dtype=tf.float64), tf.Variable(2.0, dtype=tf.float64)
    height = tf.square(1.0 - x[0]) + 100.0 * tf.square(y - x[0] * x[0])
    return x, y, height


@pytest.mark.parametrize("method", [None, "CG", "BFGS", "SLSQP"])
def test_scipy_descends_the_valley(session: Callable, method: str | None) -> None:
    x, y, height = valley()
    given = {} if method is None else {"method": method}
    optimizer = tf.contrib.opt.ScipyOptimizerInterface(height, tol=1e-12, **given)
    sess = started(session())
    optimizer.minimize(sess)
    np.testing.assert_allclose([sess.run(x)[0], sess.run(y)], [1.0, 1.0], atol=1e-4)


def test_scipy_keeps_bounds_and_constraints(session: Callable) -> None:
    v, b = tf.Variable([7.0, 7.0]), tf.Variable(1.0)
    optimizer = tf.contrib.opt.ScipyOptimizerInterface(
        tf.reduce_sum(v * v) + b * b, equalities=[v[0] - 1.0], inequalities=[v[1] - 2.0],
        var_to_bounds={b: (0.5, np.inf)}, method="SLSQP",
    )  # fmt: skip
    sess = started(session())
    optimizer.minimize(sess)
    np.testing.assert_allclose(sess.run(v), [1.0, 2.0], rtol=1e-5)
    assert sess.run(b) == 0.5


def test_callbacks_see_every_loss_and_every_step(session: Callable) -> None:
    w, goal = tf.Variable([3.0, 5.0]), tf.placeholder(tf.float32, [2])
    loss = tf.reduce_sum(tf.square(w - goal))
    losses: list[float] = []
    steps: list[np.ndarray] = []
    optimizer = tf.contrib.opt.ScipyOptimizerInterface(loss, options={"maxiter": 20})
    with started(session()):
        optimizer.minimize(
            feed_dict={goal: [1.0, 1.0]}, fetches=[loss, w], step_callback=steps.append,
            loss_callback=lambda value, at: losses.append(float(value)),
        )  # fmt: skip
        np.testing.assert_allclose(w.eval(), [1.0, 1.0], atol=1e-5)
    assert losses[0] == 20.0
    assert losses[-1] < 1e-6
    assert steps[-1].shape == (2,)


def test_what_the_interface_sets_cannot_be_given() -> None:
    x, _, height = valley()
    for name in ("jac", "bounds"):
        optimizer = tf.contrib.opt.ScipyOptimizerInterface(height, [x], **{name: True})
        with tf.Session() as sess:
            started(sess)
            with pytest.raises(ValueError, match=name):
                optimizer.minimize(sess)


def test_a_method_of_ones_own_sees_one_vector(session: Callable) -> None:
    class Halving(tf.contrib.opt.ExternalOptimizerInterface):
        def _minimize(self, initial_val, loss_grad_func, optimizer_kwargs, **others):
            value, slope = loss_grad_func(initial_val)
            assert (value, others["packed_bounds"]) == (30.0, None)
            np.testing.assert_array_equal(slope, 2 * initial_val)
            return initial_val - optimizer_kwargs["rate"] * slope

    a, b = tf.Variable([[1.0, 2.0], [3.0, 0.0]]), tf.Variable(4.0)
    optimizer = Halving(tf.reduce_sum(a * a) + b * b, var_list=[b, a], rate=0.25)
    sess = started(session())
    optimizer.minimize(sess)
    np.testing.assert_array_equal(sess.run(a), [[0.5, 1.0], [1.5, 0.0]])
    assert sess.run(b) == 2.0


def network() -> tuple:
    tf.set_random_seed(3)
    x, y = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.int32, [None])
    logits = tf.layers.dense(tf.layers.dense(x, 6, tf.nn.tanh), 3)
    return x, y, logits, tf.losses.sparse_softmax_cross_entropy(y, logits)


def flowers() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_iris

    data, kinds = load_iris(return_X_y=True)
    return ((data - data.mean(0)) / data.std(0)).astype(np.float32), kinds.astype(np.int32)


@pytest.mark.parametrize("exponent", [None, 0.75])
def test_hessian_free_steps_lower_the_loss(session: Callable, exponent: float | None) -> None:
    data, kinds = flowers()
    x, y, logits, loss = network()
    optimizer = tf.contrib.opt.HessianFreeOptimizer(loss, logits, preconditioner=exponent)
    sess = started(session())
    steps = [optimizer.minimize(sess, {x: data, y: kinds}) for _ in range(15)]
    assert all(step.after <= step.before for step in steps)
    assert steps[-1].after < 0.05
    assert steps[-1].after == pytest.approx(float(sess.run(loss, {x: data, y: kinds})), rel=1e-5)
    assert optimizer.damping < 1.0


def test_the_gauss_newton_product_is_that_of_the_matrix(session: Callable) -> None:
    data, kinds = flowers()
    x, y, logits, loss = network()
    optimizer = tf.contrib.opt.HessianFreeOptimizer(loss, logits)
    sess = started(session())
    feeds = {x: data[:7], y: kinds[:7]}
    size = optimizer._packed.size
    along = optimizer._direction

    def product(v: np.ndarray) -> np.ndarray:
        directions = dict(zip(along, optimizer._packed.split(v), strict=True))
        return optimizer._packed.joined(sess.run(optimizer._product, {**feeds, **directions}))

    matrix = np.stack([product(row) for row in np.eye(size)])
    variables = tf.trainable_variables()
    rows = [tf.gradients(tf.reshape(logits, [-1])[place], variables) for place in range(21)]
    jacobian = [optimizer._packed.joined(parts) for parts in sess.run(rows, feeds)]
    chances = sess.run(tf.nn.softmax(logits), feeds).astype(np.float64)
    bent = np.zeros((21, 21))
    for k, p in enumerate(chances):
        bent[3 * k : 3 * k + 3, 3 * k : 3 * k + 3] = (np.diag(p) - np.outer(p, p)) / 7
    wanted = np.array(jacobian).T @ bent @ np.array(jacobian)
    np.testing.assert_allclose(matrix, wanted, atol=1e-5)


def test_a_quadratic_is_solved_in_one_step(session: Callable) -> None:
    random = np.random.default_rng(0)
    a, target = random.normal(size=(20, 5)), random.normal(size=20)
    w = tf.Variable(np.zeros(5))
    out = tf.reduce_sum(tf.constant(a) * w, 1)
    loss = 0.5 * tf.reduce_sum(tf.square(out - target))
    optimizer = tf.contrib.opt.HessianFreeOptimizer(loss, out, damping=0.0)
    sess = started(session())
    step = optimizer.minimize(sess)
    best, *_ = np.linalg.lstsq(a, target, rcond=None)
    np.testing.assert_allclose(sess.run(w), best, rtol=1e-6)
    assert step.cg_iterations <= 6


@pytest.mark.parametrize("scaled", [False, True])
def test_conjugate_gradients_solve_a_system(scaled: bool) -> None:
    random = np.random.default_rng(1)
    root = random.normal(size=(30, 30))
    matrix, target = root @ root.T + 30 * np.eye(30), random.normal(size=30)
    scale = np.diag(matrix) if scaled else None
    iterates, count = conjugate_gradients(
        lambda v: matrix @ v, target, np.zeros(30), scale, most=60, tolerance=0.0
    )
    np.testing.assert_allclose(matrix @ iterates[-1], target, atol=1e-8)
    assert count <= 60


def test_outputs_without_curvature_are_refused() -> None:
    w = tf.Variable([1.0])
    out, other = w * 2.0, tf.constant([1.0])
    with pytest.raises(ValueError, match="depend on none of the variables"):
        tf.contrib.opt.HessianFreeOptimizer(tf.reduce_sum(w), other)
    with pytest.raises(ValueError, match="no curvature"):
        tf.contrib.opt.HessianFreeOptimizer(tf.reduce_sum(out), out)
