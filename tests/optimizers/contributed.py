"""The optimizers of ``contrib.opt``, which TensorFlow 2 has no more, and their NumPy formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.optimizers.problem import BATCH, OUT, PARAMETERS, STEPS, batches, initial

Array = np.ndarray
State = dict[str, Any]


def gradients(w: dict[str, Array], rows: Array, wanted: Array) -> dict[str, Array]:
    """Of the problem's loss."""
    found = np.tanh(w["table"][rows] @ w["net/w"] + w["net/b"])
    back = 2 * (found - wanted) / (BATCH * OUT) * (1 - found**2)
    table = np.zeros_like(w["table"])
    np.add.at(table, rows, back @ w["net/w"].T)
    return {"table": table, "net/w": w["table"][rows].T @ back, "net/b": back.sum(0)}


def trained(update: Callable[..., None]) -> dict[str, Array]:
    """The parameters after all steps of ``update(w, g, at, state, t)``, which changes ``w`` in
    place; ``at`` are the rows the gradient is of."""
    weights = initial()
    states: dict[str, State] = {name: {} for name in PARAMETERS}
    for t, (rows, wanted) in enumerate(batches(), 1):
        slopes = gradients(weights, rows, wanted)
        for name in PARAMETERS:
            at = np.unique(rows) if name == "table" else slice(None)
            update(weights[name], slopes[name], at, states[name], t)
    assert t == STEPS
    return weights


def _slot(state: State, name: str, w: Array) -> Array:
    return state.setdefault(name, np.zeros_like(w))


def _moments(w: Array, g: Array, state: State) -> tuple[Array, Array]:
    m, v = _slot(state, "m", w), _slot(state, "v", w)
    m[:] = 0.9 * m + 0.1 * g
    v[:] = 0.99 * v + 0.01 * g * g
    return m, v


def _rate(t: int) -> float:
    return 0.05 * math.sqrt(1 - 0.99**t) / (1 - 0.9**t)


def adam(w: Array, g: Array, at: Any, state: State, t: int) -> None:
    m, v = _moments(w, g, state)
    w -= _rate(t) * m / (np.sqrt(v) + 1e-8)


def nadam(w: Array, g: Array, at: Any, state: State, t: int) -> None:
    m, v = _moments(w, g, state)
    w[at] -= _rate(t) * ((0.9 * m + 0.1 * g) / (np.sqrt(v) + 1e-8))[at]


def lazy_adam(w: Array, g: Array, at: Any, state: State, t: int) -> None:
    m, v = _slot(state, "m", w), _slot(state, "v", w)
    m[at] = 0.9 * m[at] + 0.1 * g[at]
    v[at] = 0.99 * v[at] + 0.01 * g[at] ** 2
    w[at] -= _rate(t) * m[at] / (np.sqrt(v[at]) + 1e-8)


def adamax(w: Array, g: Array, at: Any, state: State, t: int) -> None:
    m, u = _slot(state, "m", w), _slot(state, "u", w)
    m[at] = 0.9 * m[at] + 0.1 * g[at]
    u[at] = np.maximum(0.99 * u[at], np.abs(g[at]))
    w[at] -= 0.05 / (1 - 0.9**t) * m[at] / (u[at] + 1e-8)


def add_sign(w: Array, g: Array, at: Any, state: State, t: int) -> None:
    m = _slot(state, "m", w)
    m[at] = 0.8 * m[at] + 0.2 * g[at]
    decay = 1 - (t - 1) / 100
    w[at] -= 0.1 * (1.5 + decay * np.sign(g[at]) * np.sign(m[at])) * g[at]


def power_sign(w: Array, g: Array, at: Any, state: State, t: int) -> None:
    m = _slot(state, "m", w)
    m[at] = 0.9 * m[at] + 0.1 * g[at]
    decay = 0.5 * (1 + math.cos(math.pi * (t - 1) / 100))
    w[at] -= 0.1 * 2.0 ** (decay * np.sign(g[at]) * np.sign(m[at])) * g[at]


def momentum_w(w: Array, g: Array, at: Any, state: State, t: int) -> None:
    a = _slot(state, "a", w)
    w[at] -= 0.01 * w[at]
    a[at] = 0.9 * a[at] + g[at]
    w[at] -= 0.05 * a[at]


def adam_w(w: Array, g: Array, at: Any, state: State, t: int) -> None:
    w[at] -= 0.01 * w[at]
    adam(w, g, at, state, t)


def adagrad_w(w: Array, g: Array, at: Any, state: State, t: int) -> None:
    if w.shape != (OUT,):  # the bias is left out
        w[at] -= 0.02 * w[at]
    a = state.setdefault("a", np.full_like(w, 0.1))
    a[at] += g[at] ** 2
    w[at] -= 0.1 * g[at] / np.sqrt(a[at])


def clipped(w: Array, g: Array, at: Any, state: State, t: int) -> None:
    w[at] -= 0.3 * g[at]
    if w.ndim == 2:
        axis = 0 if isinstance(at, slice) else 1  # columns of the layer, rows of the table
        norm = np.linalg.norm(w[at], axis=axis, keepdims=True)
        w[at] *= np.minimum(1, 0.8 / norm)


def _adagrad_w(tf: Any) -> Any:
    kind = tf.contrib.opt.extend_with_decoupled_weight_decay(tf.train.AdagradOptimizer)
    made = kind(weight_decay=0.02, learning_rate=0.1)
    minimize = made.minimize
    made.minimize = lambda *args, **kwargs: minimize(
        *args,
        decay_var_list=[v for v in tf.trainable_variables() if v.op.name != "net/b"],
        **kwargs,
    )
    return made


def _clipping(tf: Any) -> Any:
    table, w, _ = tf.trainable_variables()
    return tf.contrib.opt.VariableClippingOptimizer(
        tf.train.GradientDescentOptimizer(0.3), {table: [1], w: [0]}, 0.8
    )


# name: the optimizer, of the module and the global step; its formula
CASES: dict[str, tuple[Callable[[Any, Any], Any], Callable[..., None]]] = {
    "nadam": (lambda tf, _: tf.contrib.opt.NadamOptimizer(0.05, 0.9, 0.99), nadam),
    "lazy adam": (lambda tf, _: tf.contrib.opt.LazyAdamOptimizer(0.05, 0.9, 0.99), lazy_adam),
    "adamax": (lambda tf, _: tf.contrib.opt.AdaMaxOptimizer(0.05, 0.9, 0.99), adamax),
    "add sign": (
        lambda tf, _: tf.contrib.opt.AddSignOptimizer(
            0.1, 1.5, 0.8, tf.contrib.opt.get_linear_decay_fn(100)
        ),
        add_sign,
    ),
    "power sign": (
        lambda tf, _: tf.contrib.opt.PowerSignOptimizer(
            0.1, 2.0, sign_decay_fn=tf.contrib.opt.get_cosine_decay_fn(100)
        ),
        power_sign,
    ),
    "momentum w": (lambda tf, _: tf.contrib.opt.MomentumWOptimizer(0.01, 0.05, 0.9), momentum_w),
    "adam w": (lambda tf, _: tf.contrib.opt.AdamWOptimizer(0.01, 0.05, 0.9, 0.99), adam_w),
    "adagrad w": (lambda tf, _: _adagrad_w(tf), adagrad_w),
    "clipping": (lambda tf, _: _clipping(tf), clipped),
}
