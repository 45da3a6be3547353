"""Two graphs, each with sessions of its own; defaults for placeholders; feeding what is between."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_iris

iris = load_iris()


class Net(object):
    """Builds itself into a graph of its own and keeps a session there."""

    def __init__(self, inputs, hidden, seed):
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.set_random_seed(seed)
            rng = np.random.RandomState(seed)
            self.x = tf.placeholder(tf.float32, [None, inputs], "x")
            self.y = tf.placeholder(tf.int64, [None], "y")
            self.rate = tf.placeholder_with_default(0.1, shape=[], name="rate")
            with tf.name_scope("hidden"):
                w = tf.Variable(rng.randn(inputs, hidden), dtype=tf.float32, name="w")
                self.code = tf.nn.relu(self.x @ w, name="code")
            with tf.name_scope("out"):
                v = tf.Variable(0.3 * rng.randn(hidden, 3), dtype=tf.float32, name="v")
                self.logits = tf.matmul(self.code, v)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                logits=self.logits, labels=self.y
            )
            self.loss = tf.reduce_mean(losses, name="loss")
            opt = tf.train.GradientDescentOptimizer(self.rate)
            self.train = opt.minimize(self.loss)
            correct = tf.nn.in_top_k(self.logits, self.y, 1)
            self.accuracy = tf.reduce_mean(tf.to_float(correct))
            init = tf.global_variables_initializer()
        self.session = tf.Session(graph=self.graph)
        self.session.run(init)
        self.graph.finalize()

    def fit(self, x, y, steps, **more):
        feed = {self.x: x, self.y: y}
        if more:
            feed[self.rate] = more["rate"]
        for _ in range(steps):
            self.session.run(self.train, feed)
        return self.session.run([self.loss, self.accuracy], feed)


first, second = Net(4, 12, 1), Net(4, 6, 2)
x = (iris.data - iris.data.mean(0)) / iris.data.std(0)
for k in range(4):
    a = first.fit(x, iris.target, 10)
    b = second.fit(x, iris.target, 10, rate=0.3)
    print("round %d: %.5f %.4f | %.5f %.4f" % ((k,) + tuple(a) + tuple(b)))

# a session of the same graph has variables of its own
with tf.Session(graph=first.graph) as other:
    for v in first.graph.get_collection("variables"):
        v.load(first.session.run(v) * 0.5, other)
    print("halved: %.5f" % other.run(first.loss, {first.x: x, first.y: iris.target}))
    try:
        other.run(second.loss, {second.x: x, second.y: iris.target})
    except (ValueError, RuntimeError, TypeError):
        print("a tensor of another graph is refused")

# feeding the code instead of computing it; names work as fetches and feeds
code = first.session.run("hidden/code:0", {"x:0": x})
code[:, 0] = 0.0
out = first.session.run(
    {"loss": first.loss, "rest": (first.accuracy, [first.graph.get_tensor_by_name("loss:0")])},
    {first.code: code, "y:0": iris.target},
)
print("without the first unit: %.5f %.4f" % (out["loss"], out["rest"][0]), len(out["rest"][1]))
try:
    with first.graph.as_default():
        tf.constant(1.0)
except RuntimeError:
    print("a finalized graph takes no more nodes")
print("ops in a training graph:", len(second.graph.get_operations()) > 30)
