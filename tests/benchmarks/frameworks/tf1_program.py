"""The TF1 program: the same lines run by graphc and by TensorFlow's graph mode."""

from collections.abc import Callable
from types import ModuleType

import numpy as np

from tests.benchmarks import alignments, contractions, networks, recurrence, subjects
from tests.benchmarks.frameworks import tf1_recurrence

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
            sess = self.started()
            call = sess.make_callable([loss, train], [x, labels])
        return lambda a, b: float(call(a, b)[0])

    def mlp_run(self, spec: subjects.Mlp) -> Step:
        """Plain ``sess.run`` with a feed dict."""
        with self.tf.Graph().as_default():
            x, labels, loss, train = self.mlp_graph(spec)
            sess = self.started()
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
            sess = self.started()
        return lambda: float(sess.run(fetches)[0]), len(graph.get_operations())

    def result(self, sess: object, y: object) -> tuple[Callable[[], object], Callable]:
        """Compute ``y`` and leave it where it is; and what fetches it."""
        return sess.make_callable(y.op), lambda _: sess.run(y)

    def started(self) -> object:
        """A session with the variables at their start."""
        sess = self.session()
        sess.run(self.tf.global_variables_initializer())
        return sess

    def held(self, *values: np.ndarray) -> list[object]:
        return [
            self.tf.get_variable(f"held{k}", initializer=value) for k, value in enumerate(values)
        ]

    def product(self, spec: contractions.Product) -> tuple[Callable[[], object], Callable]:
        tf = self.tf
        with tf.Graph().as_default():
            a, b, bias = self.held(*spec.operands())
            y = tf.matmul(a, b, transpose_a=spec.transpose_a, transpose_b=spec.transpose_b)
            if spec.fused:
                y = tf.nn.relu(tf.nn.bias_add(y, bias))
            return self.result(self.started(), y)

    def convolution(self, spec: contractions.Convolution) -> tuple[Callable[[], object], Callable]:
        tf = self.tf
        with tf.Graph().as_default():
            x, w, ct = self.held(*spec.operands())
            if spec.depthwise:
                y = tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME")
            else:
                y = Layers(tf, {"only_w": w}).convolved(x, "only", spec.window, 0, 0, spec.stride)
            wanted = {"input": x, "filter": w}.get(spec.of)
            if wanted is not None:
                (y,) = tf.gradients(y, [wanted], grad_ys=[ct])
            return self.result(self.started(), y)

    def training(self, spec: networks.Network) -> Step:
        tf = self.tf
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [None, *spec.images[1:]], name="x")
            labels = tf.placeholder(tf.int32, [None], name="labels")
            net = Layers(tf, self.trained(spec))
            logits = spec.program(net, x)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            )
            optimizer = {
                "adam": lambda: tf.train.AdamOptimizer(
                    networks.ADAM_RATE, networks.BETA1, networks.BETA2, networks.EPSILON
                ),
                "momentum": lambda: tf.train.MomentumOptimizer(
                    networks.MOMENTUM_RATE, networks.MOMENTUM
                ),
            }[spec.optimizer]()
            train = tf.group(optimizer.minimize(loss), *net.updates)
            sess = self.started()
            call = sess.make_callable([loss, train], [x, labels])
        return lambda a, b: float(call(a, b)[0])

    def inference(self, spec: networks.Network) -> Callable[[np.ndarray], np.ndarray]:
        tf = self.tf
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [None, *spec.images[1:]], name="x")
            logits = spec.program(Layers(tf, self.trained(spec), training=False), x)
            sess = self.started()
            return sess.make_callable(logits, [x])

    def recurrent(self, spec: recurrence.Recurrent) -> Step:
        with self.tf.Graph().as_default():
            symbols, following, loss, train = tf1_recurrence.training(self.tf, spec)
            sess = self.started()
            tf1_recurrence.start(self.tf, spec, sess)
            call = sess.make_callable([loss, train], [symbols, following])
        return lambda a, b: float(call(a, b)[0])

    def sequence(self, spec: recurrence.Recurrent) -> Callable[[np.ndarray], np.ndarray]:
        tf = self.tf
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [None, None, spec.units], name="x")
            h = tf1_recurrence.outputs(tf, spec, x)
            sess = self.started()
            tf1_recurrence.start(tf, spec, sess)
            return sess.make_callable(h, [x])

    def loop(self, spec: recurrence.Loop) -> tuple[Callable[[], object], Callable]:
        tf = self.tf
        with tf.Graph().as_default():
            begin = tf.placeholder(tf.float64, [], name="begin")
            call = self.session().make_callable(tf1_recurrence.loop(tf, spec, begin), [begin])
        return lambda: call(np.float64(0)), np.asarray

    def ctc(self, spec: alignments.Alignments) -> tuple[Callable[[], object], Callable]:
        with self.tf.Graph().as_default():
            (logits,) = self.held(spec.logits())
            y = tf1_recurrence.ctc(self.tf, spec, logits)
            return self.result(self.started(), y)

    def trained(self, spec: networks.Network) -> dict[str, object]:
        return {
            name: self.tf.get_variable(
                name, initializer=value, trainable=not name.endswith(("mean", "variance"))
            )
            for name, value in spec.parameters().items()
        }


class Layers:
    """What networks are made of, in TF1's names."""

    def __init__(self, tf: ModuleType, theta: dict[str, object], training: bool = True) -> None:
        self.tf, self.theta, self.training = tf, theta, training
        self.updates: list[object] = []

    def convolved(
        self, x: object, name: str, window: int, inputs: int, outputs: int, stride: int = 1
    ) -> object:
        around = [window // 2, window // 2]
        return self.tf.nn.conv2d(
            x, self.theta[f"{name}_w"], strides=[1, stride, stride, 1],
            padding=[[0, 0], around, around, [0, 0]],
        )  # fmt: skip

    def biased(self, x: object, name: str, outputs: int) -> object:
        return self.tf.nn.bias_add(x, self.theta[f"{name}_b"])

    def normalised(self, x: object, name: str, outputs: int) -> object:
        tf = self.tf
        parts = ("gamma", "beta", "mean", "variance")
        gamma, beta, mean, variance = (self.theta[f"{name}_{part}"] for part in parts)
        given = {} if self.training else {"mean": mean, "variance": variance}
        y, *now = tf.nn.fused_batch_norm(
            x, gamma, beta, epsilon=networks.NORM_EPSILON, is_training=self.training, **given
        )
        if self.training:
            self.updates += [
                tf.assign_sub(old, networks.MOVED * (old - new))
                for old, new in zip((mean, variance), now, strict=True)
            ]
        return y

    def relu(self, x: object) -> object:
        return self.tf.nn.relu(x)

    def pooled(self, x: object, window: int) -> object:
        return self.tf.nn.max_pool(x, [1, window, window, 1], [1, 2, 2, 1], "SAME")

    def flat(self, x: object) -> object:
        return self.tf.reshape(x, [-1, int(np.prod(x.shape.as_list()[1:]))])

    def averaged(self, x: object) -> object:
        return self.tf.reduce_mean(x, axis=[1, 2])

    def dense(self, x: object, name: str, inputs: int, outputs: int) -> object:
        return self.biased(self.tf.matmul(x, self.theta[f"{name}_w"]), name, outputs)

    def added(self, x: object, y: object) -> object:
        return x + y
