"""Small models for tests of whole runs: what to fetch, and random feeds for any batch size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc as tf


@dataclass
class Model:
    """``feeds(batch, seed)`` feeds ``fetches``; ``train`` is an operation, if there is one."""

    fetches: list
    feeds: Callable[[int, int], dict]
    train: Any = None

    @property
    def everything(self) -> list:
        return [*self.fetches, *([self.train] if self.train is not None else [])]


def classifier(width: int = 24) -> Model:
    """Two dense layers, cross entropy, Adam."""
    x = tf.placeholder(tf.float32, ["batch", 20], name="x")
    y = tf.placeholder(tf.int32, ["batch"], name="y")
    seeded = tf.glorot_uniform_initializer(seed=3)
    hidden = tf.layers.dense(x, width, tf.nn.relu, kernel_initializer=seeded, name="hidden")
    logits = tf.layers.dense(hidden, 5, kernel_initializer=seeded, name="logits")
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    loss = tf.reduce_mean(losses)
    train = tf.train.AdamOptimizer(0.01).minimize(loss)

    def feeds(batch: int, seed: int) -> dict:
        r = np.random.default_rng(seed)
        values = r.standard_normal((batch, 20)).astype(np.float32)
        return {x: values, y: r.integers(0, 5, batch).astype(np.int32)}

    return Model([loss, logits], feeds, train)


def normalised(width: int = 40) -> Model:
    """Layer norm, GELU, a residual and a softmax over rows, with the gradient of the scale."""
    x = tf.placeholder(tf.float32, ["rows", width], name="x")
    scale = tf.Variable(np.linspace(0.5, 1.5, width, dtype=np.float32), name="scale")
    mean, variance = tf.nn.moments(x, [1], keep_dims=True)
    normal = (x - mean) * tf.rsqrt(variance + 1e-5) * scale
    active = 0.5 * normal * (1.0 + tf.erf(normal * 0.7071)) + x
    weights = tf.nn.softmax(active)
    loss = tf.reduce_sum(weights * weights)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

    def feeds(batch: int, seed: int) -> dict:
        values = np.random.default_rng(seed).standard_normal((batch, width))
        return {x: values.astype(np.float32)}

    return Model([weights, loss, tf.reduce_sum(active, 0)], feeds, train)


def embedded() -> Model:
    """An embedding looked up, summed and trained."""
    ids = tf.placeholder(tf.int32, ["batch", 3], name="ids")
    table = tf.Variable(np.arange(60, dtype=np.float32).reshape(15, 4) / 60, name="table")
    rows = tf.reduce_sum(tf.gather(table, ids), 1)
    loss = tf.reduce_mean(tf.square(rows - 1.0))
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)

    def feeds(batch: int, seed: int) -> dict:
        values = np.random.default_rng(seed).integers(0, 15, (batch, 3))
        return {ids: values.astype(np.int32)}

    return Model([rows, loss], feeds, train)


def dropped(width: int = 33) -> Model:
    """Dropout and noise, seeded per op, with a variable they train."""
    x = tf.placeholder(tf.float32, ["batch", width], name="x")
    w = tf.Variable(np.full((width,), 0.5, np.float32), name="w")
    noise = tf.random_normal(tf.shape(x), seed=5)
    kept = tf.nn.dropout(x * w, keep_prob=0.75, seed=11)
    loss = tf.reduce_mean(tf.square(kept - 0.1 * noise))
    train = tf.train.GradientDescentOptimizer(0.2).minimize(loss)

    def feeds(batch: int, seed: int) -> dict:
        values = np.random.default_rng(seed).standard_normal((batch, width))
        return {x: values.astype(np.float32)}

    return Model([kept, noise, loss], feeds, train)


def masked() -> Model:
    """Rows chosen by a mask, whose number only the run knows, through a trained layer."""
    x = tf.placeholder(tf.float32, ["batch", 6], name="x")
    keep = tf.placeholder(tf.bool, ["batch"], name="keep")
    w = tf.Variable(np.linspace(-1, 1, 12, dtype=np.float32).reshape(6, 2), name="w")
    chosen = tf.boolean_mask(x, keep)
    out = tf.matmul(chosen, w)
    loss = tf.reduce_sum(tf.square(out)) / 100.0
    train = tf.train.GradientDescentOptimizer(0.05).minimize(loss)

    def feeds(batch: int, seed: int) -> dict:
        r = np.random.default_rng(seed)
        return {x: r.standard_normal((batch, 6)).astype(np.float32), keep: r.random(batch) < 0.6}

    return Model([out, loss], feeds, train)


MODELS = [classifier, normalised, embedded, dropped, masked]


def ready(model: Model, **options: Any) -> tf.Session:
    """A session with the model's variables initialised."""
    sess = tf.Session(**options)
    sess.run(tf.global_variables_initializer())
    return sess


def state_of(sess: tf.Session) -> dict[str, np.ndarray]:
    """Every variable's value."""
    store = sess.variables
    return {key: store.get(key) for key in store.keys()}  # noqa: SIM118  (no dict)


def assert_same_bits(left: Any, right: Any) -> None:
    """Equal to the last bit, through any nest of arrays; NaN equals NaN."""
    if isinstance(left, dict):
        assert left.keys() == right.keys()
        left, right = list(left.values()), [right[key] for key in left]
    if isinstance(left, list | tuple):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_same_bits(one, other)
    elif left is None or right is None:
        assert left is right
    else:
        one, other = np.asarray(left), np.asarray(right)
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        assert one.tobytes() == other.tobytes(), f"{one} differs from {other}"
