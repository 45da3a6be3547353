"""Models of random layers, written as TF1 programs write them, each a function of one number.

Where ``random_graphs`` draws ops, this draws what people stack: normalisations with moving
averages, gates, attention, residuals, dropout, an optimizer with or without clipping.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import graphc as tf

ACTIVATIONS = [tf.nn.relu, tf.tanh, tf.sigmoid, tf.nn.elu, tf.nn.softplus, tf.nn.leaky_relu]
OPTIMIZERS = [
    lambda: tf.train.GradientDescentOptimizer(0.05),
    lambda: tf.train.MomentumOptimizer(0.02, 0.9),
    lambda: tf.train.AdamOptimizer(0.01),
    lambda: tf.train.RMSPropOptimizer(0.01, epsilon=1e-3),
    lambda: tf.train.AdagradOptimizer(0.05),
]


@dataclass
class Model:
    x: tf.Tensor
    y: tf.Tensor
    fetches: list[tf.Tensor]
    train: tf.Operation


class Drawing:
    """Layers in float64, whose differences are not rounding; ``updates`` are their moving
    averages."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.updates: list[tf.Tensor] = []

    def one(self, choices: list) -> Callable:
        return choices[self.random.integers(len(choices))]

    def often(self, chance: float) -> bool:
        return bool(self.random.random() < chance)

    def weight(self, *shape: int) -> tf.Variable:
        scale = 1 / np.sqrt(shape[0]) if len(shape) > 1 else 0.5
        return tf.Variable(self.random.normal(size=shape) * scale, dtype=tf.float64)

    def state(self, *shape: int) -> tf.Variable:
        return tf.Variable(np.ones(shape), trainable=False, dtype=tf.float64)

    def dense(self, h: tf.Tensor, size: int = 0) -> tf.Tensor:
        size = size or int(self.random.choice([1, 2, 5, 8]))
        y = tf.matmul(h, self.weight(width(h), size))
        return y + self.weight(size) if self.often(0.7) else y

    def batch_norm(self, h: tf.Tensor) -> tf.Tensor:
        kept, size = self.often(0.5), width(h)
        mean, variance = tf.nn.moments(h, [0], keep_dims=kept)
        means, variances = (self.state(*([1, size] if kept else [size])) for _ in range(2))
        updates = [
            tf.assign(means, means * 0.9 + mean * 0.1),
            tf.assign_sub(variances, 0.1 * (variances - variance)),
        ]
        if self.often(0.5):
            with tf.control_dependencies(updates):
                return tf.nn.batch_normalization(
                    h, mean, variance, self.weight(size), self.weight(size), 1e-2
                )
        self.updates += updates
        return (h - mean) * tf.rsqrt(variance + 1e-2) * self.weight(size)

    def layer_norm(self, h: tf.Tensor) -> tf.Tensor:
        mean = tf.reduce_mean(h, axis=-1, keep_dims=True)
        variance = tf.reduce_mean(tf.square(h - mean), axis=-1, keep_dims=True)
        return (h - mean) * tf.rsqrt(variance + 1e-2) * self.weight(width(h)) + 0.1

    def gate(self, h: tf.Tensor) -> tf.Tensor:
        size = width(h)
        open_ = tf.sigmoid(tf.matmul(h, self.weight(size, size)) - 1.0)
        return open_ * tf.tanh(tf.matmul(h, self.weight(size, size))) + (1 - open_) * h

    def attention(self, h: tf.Tensor) -> tf.Tensor:
        return tf.matmul(tf.nn.softmax(tf.matmul(h, h, transpose_b=True) / 3.0), h)

    def residual(self, h: tf.Tensor) -> tf.Tensor:
        inner = self.one(ACTIVATIONS)(tf.matmul(h, self.weight(width(h), 7)))
        return h + tf.matmul(inner, self.weight(7, width(h)))

    def dropout(self, h: tf.Tensor) -> tf.Tensor:
        return tf.nn.dropout(h, 0.7, seed=int(self.random.integers(100)))

    def joined(self, h: tf.Tensor) -> tf.Tensor:
        return tf.concat([h, tf.tanh(self.dense(h, 3)), tf.reduce_max(h, 1, keep_dims=True)], 1)

    def swapped(self, h: tf.Tensor) -> tf.Tensor:
        half = width(h) // 2
        return tf.concat([h[:, half:], h[:, :half] * tf.reduce_mean(h[:, half:], 1)[:, None]], 1)

    def centred(self, h: tf.Tensor) -> tf.Tensor:
        return h - tf.reduce_mean(h, 0) * 0.5 + tf.reduce_max(h, axis=0) * 0.1

    def weighed(self, h: tf.Tensor) -> tf.Tensor:
        return h / (tf.reduce_sum(tf.abs(h), int(self.random.integers(2)), keep_dims=True) + 1.0)

    def softened(self, h: tf.Tensor) -> tf.Tensor:
        axis = int(self.random.integers(2))
        return h - tf.reduce_logsumexp(h, axis=axis, keep_dims=True) * tf.nn.softmax(h)

    def chosen(self, h: tf.Tensor) -> tf.Tensor:
        return tf.where(h > tf.reduce_mean(h), h, h * tf.stop_gradient(tf.reduce_max(h)))

    def gathered(self, h: tf.Tensor) -> tf.Tensor:
        return tf.gather(h, self.random.integers(0, width(h), width(h) + 1), axis=1)

    def layer(self, h: tf.Tensor) -> tf.Tensor:
        kinds = [
            self.batch_norm, self.layer_norm, self.gate, self.attention, self.residual,
            self.dropout, self.joined, self.swapped, self.centred, self.weighed, self.softened,
            self.chosen, self.gathered,
        ]  # fmt: skip
        h = self.one(kinds)(h)
        if self.often(0.6):
            h = self.one(ACTIVATIONS)(h)
        return self.dense(h) if self.often(0.4) else h


def width(h: tf.Tensor) -> int:
    return h.shape.as_list()[1]


def draw_model(seed: int, features: int) -> Model:
    """A model in the default graph: the same for the same seed."""
    tf.set_random_seed(seed)
    drawing = Drawing(seed)
    x = tf.placeholder(tf.float64, [None, features], name="x")
    y = tf.placeholder(tf.float64, [None, 1], name="y")
    h, shown = drawing.dense(x), []
    for _ in range(drawing.random.integers(2, 8)):
        h = drawing.layer(h)
        if drawing.often(0.2):
            shown.append(h)
    loss = tf.reduce_mean(tf.square(drawing.dense(tf.tanh(h), 1) - y))
    if drawing.often(0.5):
        loss = loss + 0.01 * tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()])
    optimizer = drawing.one(OPTIMIZERS)()
    pairs = [(g, v) for g, v in optimizer.compute_gradients(loss) if g is not None]
    if drawing.often(0.5):
        clipped, norm = tf.clip_by_global_norm([g for g, _ in pairs], 1.0)
        pairs, shown = list(zip(clipped, [v for _, v in pairs], strict=True)), [*shown, norm]
    with tf.control_dependencies(drawing.updates):
        train = optimizer.apply_gradients(pairs)
    return Model(x, y, [loss, *shown], train)


def trained(seed: int, device: str) -> list[np.ndarray]:
    """What three steps on batches of several sizes show, and the variables they leave."""
    features = int(np.random.default_rng(seed).choice([1, 3, 8]))
    batches = np.random.default_rng(seed + 1)
    with tf.Graph().as_default(), tf.Session(device=device) as sess:
        model = draw_model(seed, features)
        sess.run(tf.global_variables_initializer())
        values = []
        for size in (6, 1, 9):
            feed = {
                model.x: batches.normal(size=(size, features)),
                model.y: batches.normal(size=(size, 1)),
            }
            values += sess.run([model.fetches, model.train], feed)[0]
        return [*values, *sess.run(tf.global_variables())]
