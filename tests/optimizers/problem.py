"""One small problem and many optimizers: what TensorFlow and graphc train alike.

Imports NumPy alone; each function takes the module that stands for ``tf``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

STEPS = 50
KEPT = (1, 2, 5, 10, 25, 50)  # the steps whose parameters are written down
ROWS, WIDTH, OUT, BATCH = 7, 3, 2, 5
PARAMETERS = ("table", "net/w", "net/b")


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """The rows that each step looks up (some twice, one never) and what they should give."""
    random = np.random.RandomState(5)
    return [
        (random.randint(0, ROWS - 1, BATCH).astype(np.int32), random.uniform(-1, 1, (BATCH, OUT)))
        for _ in range(STEPS)
    ]


def initial() -> dict[str, np.ndarray]:
    random = np.random.RandomState(7)
    shapes = ((ROWS, WIDTH), (WIDTH, OUT), (OUT,))
    return {name: random.normal(0, 0.7, shape) for name, shape in zip(PARAMETERS, shapes)}  # noqa: B905


class Problem:
    """The graph: a table whose rows are looked up, a layer, a squared error."""

    def __init__(self, tf: Any, make: Callable, dtype: str = "float32") -> None:
        start = {name: value.astype(dtype) for name, value in initial().items()}
        self.rows = tf.placeholder(tf.int32, [BATCH])
        self.wanted = tf.placeholder(getattr(tf, dtype), [BATCH, OUT])
        table = tf.Variable(start["table"], name="table")
        with tf.variable_scope("net"):
            w = tf.get_variable("w", initializer=start["net/w"])
            b = tf.get_variable("b", initializer=start["net/b"])
        self.parameters = [table, w, b]
        found = tf.tanh(tf.matmul(tf.gather(table, self.rows), w) + b)
        self.loss = tf.reduce_mean(tf.square(found - self.wanted))
        self.counter = tf.train.get_or_create_global_step()
        self.optimizer = make(tf, self.counter)
        self.step = self.optimizer.minimize(self.loss, global_step=self.counter)

    def trajectory(self, tf: Any, session: Any) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
        """The parameters at the steps that are kept, and every variable at the end by name."""
        session.run(tf.global_variables_initializer())
        kept: list[list[np.ndarray]] = []
        for k, (rows, wanted) in enumerate(batches(), 1):
            session.run(self.step, {self.rows: rows, self.wanted: wanted})
            if k in KEPT:
                kept.append(session.run(self.parameters))
        made = tf.global_variables()
        values = session.run(made)
        ends = {v.op.name: np.asarray(value) for v, value in zip(made, values)}  # noqa: B905
        return [np.stack(column) for column in zip(*kept)], ends  # noqa: B905


SCHEDULE_STEPS = (0, 1, 3, 4, 5, 10, 14, 20, 33, 50)


def schedules(tf: Any, step: Any) -> list[Any]:
    """Every learning-rate schedule and option, at one step."""
    train = tf.train
    return [
        train.exponential_decay(0.1, step, 10, 0.5),
        train.exponential_decay(0.1, step, 10, 0.5, staircase=True),
        train.natural_exp_decay(0.1, step, 10, 0.5),
        train.natural_exp_decay(0.1, step, 10, 0.5, staircase=True),
        train.inverse_time_decay(0.1, step, 10, 0.5),
        train.inverse_time_decay(0.1, step, 10, 0.5, staircase=True),
        train.polynomial_decay(0.1, step, 10, 0.01),
        train.polynomial_decay(0.1, step, 10, 0.01, 2.0, cycle=True),
        train.piecewise_constant(step, [3, 10], [1.0, 0.5, 0.25]),
        train.cosine_decay(0.1, step, 20, 0.1),
        train.cosine_decay_restarts(0.1, step, 5),
        train.cosine_decay_restarts(0.1, step, 5, 1.0, 0.9, 0.1),
        train.cosine_decay_restarts(0.1, step, 7, 1.5, 0.8, 0.1),
        train.cosine_decay_restarts(0.1, step, 7, tf.constant(1.0), 0.8, 0.1),
        train.cosine_decay_restarts(0.1, step, 7, tf.constant(1.5), 0.8, 0.1),
        train.linear_cosine_decay(0.1, step, 20),
        train.linear_cosine_decay(0.1, step, 20, 2.0, 0.1, 0.01),
        train.noisy_linear_cosine_decay(0.1, step, 20, initial_variance=1e-14),
    ]


def _rate(tf: Any, counter: Any) -> Any:
    return tf.train.exponential_decay(0.2, counter, 10, 0.8)


# name: the optimizer, of the module and the global step
CASES: dict[str, Callable[[Any, Any], Any]] = {
    "sgd": lambda tf, _: tf.train.GradientDescentOptimizer(0.3),
    "sgd decayed": lambda tf, step: tf.train.GradientDescentOptimizer(_rate(tf, step)),
    "sgd called": lambda tf, _: tf.train.GradientDescentOptimizer(lambda: 0.25),
    "momentum": lambda tf, _: tf.train.MomentumOptimizer(0.05, 0.9),
    "momentum nesterov": lambda tf, _: tf.train.MomentumOptimizer(0.05, 0.9, use_nesterov=True),
    "adagrad": lambda tf, _: tf.train.AdagradOptimizer(0.2, initial_accumulator_value=0.05),
    "adagrad da": lambda tf, step: tf.train.AdagradDAOptimizer(0.3, step),
    "adagrad da l1 l2": lambda tf, step: tf.train.AdagradDAOptimizer(
        0.3, step, 0.2, l1_regularization_strength=0.003, l2_regularization_strength=0.002
    ),
    "adadelta": lambda tf, _: tf.train.AdadeltaOptimizer(1.0, 0.9, 1e-6),
    "adadelta default": lambda tf, _: tf.train.AdadeltaOptimizer(),
    "rmsprop": lambda tf, _: tf.train.RMSPropOptimizer(0.02),
    "rmsprop momentum": lambda tf, _: tf.train.RMSPropOptimizer(0.01, 0.8, 0.7, 1e-6),
    "rmsprop centered": lambda tf, _: tf.train.RMSPropOptimizer(
        0.01, momentum=0.5, epsilon=1e-3, centered=True
    ),
    "adam": lambda tf, _: tf.train.AdamOptimizer(0.03),
    "adam options": lambda tf, step: tf.train.AdamOptimizer(_rate(tf, step), 0.8, 0.99, 1e-4),
    "ftrl": lambda tf, _: tf.train.FtrlOptimizer(0.3),
    "ftrl l1 l2": lambda tf, _: tf.train.FtrlOptimizer(
        0.3, l1_regularization_strength=0.02, l2_regularization_strength=0.01
    ),
    "ftrl shrinkage": lambda tf, _: tf.train.FtrlOptimizer(
        0.3, initial_accumulator_value=0.2, l1_regularization_strength=0.01,
        l2_shrinkage_regularization_strength=0.05, accum_name="sum", linear_name="line",
    ),
    "ftrl power": lambda tf, _: tf.train.FtrlOptimizer(0.2, -0.3, l1_regularization_strength=0.01),
    "ftrl beta": lambda tf, _: tf.train.FtrlOptimizer(0.3, beta=0.4),
    "proximal sgd": lambda tf, _: tf.train.ProximalGradientDescentOptimizer(0.3),
    "proximal sgd l1 l2": lambda tf, _: tf.train.ProximalGradientDescentOptimizer(
        0.3, l1_regularization_strength=0.01, l2_regularization_strength=0.05
    ),
    "proximal adagrad": lambda tf, _: tf.train.ProximalAdagradOptimizer(0.2),
    "proximal adagrad l1 l2": lambda tf, _: tf.train.ProximalAdagradOptimizer(
        0.2, 0.2, l1_regularization_strength=0.02, l2_regularization_strength=0.05
    ),
}  # fmt: skip
