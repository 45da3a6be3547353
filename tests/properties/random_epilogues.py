"""Random element-wise neighbourhoods of products and convolutions, each a function of one number.

What joins a contraction's kernel is drawn: operands that vary along rows, columns, matrices, all of
them or nothing; several results, some of them fetched; writes of variables; the gradient of it all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import graphc as tf

BATCHES = (5, 1, 14)
UNARY: list[Callable] = [
    tf.nn.relu, tf.tanh, tf.sigmoid, tf.nn.elu, tf.nn.leaky_relu, tf.square, tf.negative, tf.abs,
    lambda x: tf.nn.dropout(x, 0.6, seed=3),
    lambda x: tf.where(x > 0.25, x, tf.zeros_like(x)),
    lambda x: tf.cast(tf.cast(x, tf.float16), x.dtype),
    lambda x: x * tf.cast(x > 0.0, x.dtype),
    lambda x: tf.clip_by_value(x, -1.5, 0.5),
]  # fmt: skip
BINARY: list[Callable] = [tf.add, tf.subtract, tf.multiply, tf.maximum]


@dataclass
class Neighbourhood:
    x: tf.Tensor
    fetches: list[tf.Tensor]
    targets: list[tf.Operation]


class Drawing:
    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.dtype = tf.float32 if self.often(0.5) else tf.float64
        self.seen: list[tf.Tensor] = []
        self.written: list[tf.Operation] = []

    def often(self, chance: float) -> bool:
        return bool(self.random.random() < chance)

    def one(self, choices: list) -> object:
        return choices[self.random.integers(len(choices))]

    def weight(self, *shape: int) -> tf.Variable:
        return tf.Variable(self.random.normal(size=shape) * 0.5, dtype=self.dtype)

    # --- contractions --------------------------------------------------------------------------

    def product(self) -> tuple[tf.Tensor, tf.Tensor]:
        depth, columns = (int(self.random.choice([1, 3, 8, 40])) for _ in range(2))
        x = tf.placeholder(self.dtype, [None, depth])
        if self.often(0.5):
            return x, tf.matmul(x, self.weight(columns, depth), transpose_b=True)
        return x, tf.matmul(x, self.weight(depth, columns))

    def seen_otherwise(self) -> tuple[tf.Tensor, tf.Tensor]:
        depth, columns, steps = 6, int(self.random.choice([1, 4, 35])), 3
        x = tf.placeholder(self.dtype, [None, steps, depth])
        rows = tf.reshape(x, [-1, depth])
        return x, tf.reshape(tf.matmul(rows, self.weight(depth, columns)), [-1, steps, columns])

    def many_products(self) -> tuple[tf.Tensor, tf.Tensor]:
        heads, rows, depth = 3, int(self.random.choice([1, 7])), 4
        x = tf.placeholder(self.dtype, [None, heads, rows, depth])
        kinds = [
            lambda: tf.matmul(x, x, transpose_b=True),
            lambda: tf.matmul(x, x, transpose_a=True),
            lambda: tf.matmul(x, self.weight(heads, depth, 5)),
            lambda: tf.matmul(x, self.weight(depth, 5)),
        ]
        return x, self.one(kinds)()

    def convolution(self) -> tuple[tf.Tensor, tf.Tensor]:
        inputs, outputs = (int(self.random.choice([1, 3, 17])) for _ in range(2))
        x = tf.placeholder(self.dtype, [None, 6, 5, inputs])
        f = self.weight(int(self.random.choice([1, 3])), 3, inputs, outputs)
        stride = int(self.random.choice([1, 2]))
        return x, tf.nn.conv2d(x, f, [1, stride, stride, 1], self.one(["SAME", "VALID"]))

    def convolution_back(self) -> tuple[tf.Tensor, tf.Tensor]:
        x, y = self.convolution()
        (back,) = tf.gradients(y, x, grad_ys=tf.tanh(y))
        return x, back

    def depthwise(self) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.placeholder(self.dtype, [None, 6, 5, 4])
        return x, tf.nn.depthwise_conv2d(x, self.weight(3, 3, 4, 1), [1, 1, 1, 1], "SAME")

    # --- what follows --------------------------------------------------------------------------

    def beside(self, h: tf.Tensor) -> tf.Tensor:
        """An operand that varies along some axes of ``h``, or a result made before."""
        fixed = h.shape.as_list()[1:]
        shape = [size if self.often(0.6) else 1 for size in fixed]
        while shape and shape[0] == 1 and self.often(0.5):
            shape = shape[1:]
        alike = [t for t in self.seen if t.shape.as_list() == h.shape.as_list()]
        if alike and self.often(0.5):
            return self.one(alike)
        if self.often(0.3):  # that also varies along the batch
            axes = [k for k in range(1, len(fixed) + 1) if self.often(0.6)]
            base = self.one(self.seen)
            base = tf.sin(base) if base.shape.ndims == h.shape.ndims else tf.sin(h)
            return tf.reduce_mean(base, axes, keep_dims=True) if axes else base
        return self.weight(*shape)

    def follow(self, h: tf.Tensor) -> tf.Tensor:
        if self.often(0.5):
            h = self.one(UNARY)(h)
        else:
            pair = [h, self.beside(h)]
            if self.often(0.3):
                pair.reverse()
            joined = self.one(BINARY)(*pair)
            h = joined if joined.shape.as_list() == h.shape.as_list() else h
        self.seen.append(h)
        return h


def draw(seed: int) -> Neighbourhood:
    tf.set_random_seed(seed)
    drawing = Drawing(seed)
    contractions = [
        drawing.product, drawing.seen_otherwise, drawing.many_products, drawing.convolution,
        drawing.convolution_back, drawing.depthwise,
    ]  # fmt: skip
    x, h = drawing.one(contractions)()
    drawing.seen.append(h)
    for _ in range(drawing.random.integers(1, 9)):
        h = drawing.follow(h)
    fetches = [t for t in drawing.seen if drawing.often(0.25)] + [h]
    if drawing.often(0.3):
        fetches.append(tf.nn.softmax(h))
    if drawing.often(0.5):
        targets = [x, *tf.trainable_variables()]
        fetches += [g for g in tf.gradients(tf.reduce_sum(h * h), targets) if g is not None]
    if drawing.often(0.3):
        v = tf.Variable(np.zeros(()), dtype=drawing.dtype, trainable=False)
        drawing.written.append(tf.assign_add(v, tf.reduce_max(h)).op)
        fetches.append(tf.identity(v))
    if drawing.often(0.4) and tf.trainable_variables():
        rate = tf.Variable(0.1, dtype=drawing.dtype, trainable=False)
        optimizer = drawing.one([tf.train.GradientDescentOptimizer, tf.train.AdamOptimizer])(rate)
        drawing.written.append(optimizer.minimize(tf.reduce_mean(tf.tanh(h))))
    return Neighbourhood(x, fetches, drawing.written)


def results(seed: int, device: str) -> list[np.ndarray]:
    """What runs at several batch sizes give, and the variables they leave."""
    inputs = np.random.default_rng(seed + 1)
    with tf.Graph().as_default(), tf.Session(device=device) as sess:
        drawn = draw(seed)
        sess.run(tf.global_variables_initializer())
        values: list[np.ndarray] = []
        for size in BATCHES:
            feed = inputs.normal(size=(size, *drawn.x.shape.as_list()[1:]))
            values += sess.run([drawn.fetches, drawn.targets], {drawn.x: feed})[0]
        return [*values, *sess.run(tf.global_variables())]
