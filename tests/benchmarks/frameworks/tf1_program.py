"""The TF1 program: the same lines run by graphc and by TensorFlow's graph mode."""

from collections.abc import Callable
from types import ModuleType

import numpy as np

from tests.benchmarks import subjects

Step = Callable[[np.ndarray, np.ndarray], float]


class Tf1:
    """A framework as the worker sees it, over any module that speaks TF1's names."""

    def __init__(self, tf: ModuleType, version: str, config: object = None) -> None:
        self.tf = tf
        self.VERSION = version
        self.config = config

    def session(self) -> object:
        return self.tf.Session(config=self.config)

    def mlp_graph(self, spec: subjects.Mlp) -> tuple[object, ...]:
        """``(x, labels, loss, train)`` in the default graph."""
        tf = self.tf
        x = tf.placeholder(tf.float32, [None, spec.widths[0]], name="x")
        labels = tf.placeholder(tf.int32, [None], name="labels")
        start = spec.parameters()
        h = x
        layers = len(spec.widths) - 1
        for i in range(layers):
            w = tf.get_variable(f"w{i}", initializer=start[f"w{i}"])
            b = tf.get_variable(f"b{i}", initializer=start[f"b{i}"])
            h = tf.matmul(h, w) + b
            if i < layers - 1:
                h = tf.nn.relu(h)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=h)
        )
        optimizer = tf.train.AdamOptimizer(
            subjects.LEARNING_RATE, subjects.BETA1, subjects.BETA2, subjects.EPSILON
        )
        return x, labels, loss, optimizer.minimize(loss)

    def mlp(self, spec: subjects.Mlp) -> Step:
        """The prepared call."""
        with self.tf.Graph().as_default():
            x, labels, loss, train = self.mlp_graph(spec)
            sess = self.session()
            sess.run(self.tf.global_variables_initializer())
            call = sess.make_callable([loss, train], [x, labels])
        return lambda a, b: float(call(a, b)[0])

    def mlp_run(self, spec: subjects.Mlp) -> Step:
        """Plain ``sess.run`` with a feed dict."""
        with self.tf.Graph().as_default():
            x, labels, loss, train = self.mlp_graph(spec)
            sess = self.session()
            sess.run(self.tf.global_variables_initializer())
        return lambda a, b: float(sess.run([loss, train], {x: a, labels: b})[0])

    def row_meaning(self, spec: subjects.Rows, operands: dict[str, object]) -> object:
        tf = self.tf
        x = operands["x"]
        if spec.name == "chain":
            return tf.tanh(2 * x + 1) * tf.exp(-x * x) + tf.log1p(tf.abs(x))
        if spec.name == "softmax":
            return tf.nn.softmax(x)
        mean, variance = tf.nn.moments(x, [1], keep_dims=True)
        scale = tf.rsqrt(variance + subjects.LAYER_NORM_EPSILON)
        z = (x - mean) * scale * operands["gamma"] + operands["beta"]
        return x + 0.5 * z * (1 + tf.erf(z * 2**-0.5))

    def rows(
        self, spec: subjects.Rows
    ) -> tuple[Callable[[], object], Callable[[object], np.ndarray]]:
        """Every operand is fed and the result fetched."""
        tf = self.tf
        inputs = spec.inputs()
        with tf.Graph().as_default():
            fed = {
                name: tf.placeholder(tf.float32, [None] * value.ndim, name=name)
                for name, value in inputs.items()
            }
            sess = self.session()
            call = sess.make_callable(self.row_meaning(spec, fed), list(fed.values()))
        operands = tuple(inputs.values())
        return lambda: call(*operands), np.asarray

    def unrolled_graph(self, spec: subjects.UnrolledCell) -> list[object]:
        """The loss and the gradients of both matrices, in the default graph."""
        tf = self.tf
        xs, start, w, u = spec.inputs()
        xs, state = tf.constant(xs), tf.constant(start)
        w = tf.get_variable("w", initializer=w)
        u = tf.get_variable("u", initializer=u)
        for t in range(spec.cells):
            state = tf.tanh(tf.matmul(xs[t], w) + tf.matmul(state, u))
        loss = tf.reduce_sum(state * state)
        return [loss, *tf.gradients(loss, [w, u])]

    def unrolled(self, spec: subjects.UnrolledCell) -> tuple[Callable[[], float], int | None]:
        """The graph is built here and its nodes counted; the first call compiles it."""
        with self.tf.Graph().as_default() as graph:
            fetches = self.unrolled_graph(spec)
            sess = self.session()
            sess.run(self.tf.global_variables_initializer())
        return lambda: float(sess.run(fetches)[0]), len(graph.get_operations())
