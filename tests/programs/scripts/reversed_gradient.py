"""Domain-adversarial training: a layer whose gradient is reversed, by RegisterGradient."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow.python.framework import ops


class FlipGradientBuilder(object):
    def __init__(self):
        self.num_calls = 0

    def __call__(self, x, l=1.0):  # noqa: E741
        grad_name = "FlipGradient%d" % self.num_calls

        @ops.RegisterGradient(grad_name)
        def _flip_gradients(op, grad):
            return [tf.negative(grad) * l]

        g = tf.get_default_graph()
        with g.gradient_override_map({"Identity": grad_name}):
            y = tf.identity(x)
        self.num_calls += 1
        return y


flip_gradient = FlipGradientBuilder()
digits = load_digits()
source, labels = digits.data.astype(np.float32) / 16, digits.target.astype(np.int32)
target = np.clip(1.3 * source[:, ::-1] + 0.2, 0, 1)
rng = np.random.RandomState(12)


def weights(name, *shape):
    return tf.get_variable(name, initializer=rng.normal(0, 0.2, shape).astype(np.float32))


class Model(object):
    def __init__(self):
        self.X = tf.placeholder(tf.float32, [None, 64])
        self.y = tf.placeholder(tf.int32, [None])
        self.domain = tf.placeholder(tf.float32, [None, 2])
        self.l = tf.placeholder(tf.float32, [])
        self.train = tf.placeholder(tf.bool, [])
        with tf.variable_scope("feature_extractor"):
            self.feature = tf.nn.relu(tf.matmul(self.X, weights("w", 64, 30)))
        with tf.variable_scope("label_predictor"):
            half = tf.shape(self.feature)[0] // 2
            firsts = tf.slice(self.feature, [0, 0], [half, -1])
            first_labels = tf.slice(self.y, [0], [half])
            logits = tf.matmul(firsts, weights("w", 30, 10))
            self.pred_loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
                logits=logits, labels=first_labels
            )
            self.right = tf.equal(tf.to_int32(tf.argmax(logits, 1)), first_labels)
        with tf.variable_scope("domain_predictor"):
            feat = flip_gradient(self.feature, self.l)
            hidden = tf.nn.relu(tf.matmul(feat, weights("w0", 30, 12)))
            logits = tf.matmul(hidden, weights("w1", 12, 2))
            self.domain_loss = tf.nn.softmax_cross_entropy_with_logits_v2(
                logits=logits, labels=self.domain
            )


graph = tf.get_default_graph()
with graph.as_default():
    model = Model()
    learning_rate = tf.placeholder(tf.float32, [])
    pred_loss = tf.reduce_mean(model.pred_loss)
    domain_loss = tf.reduce_mean(model.domain_loss)
    total_loss = pred_loss + domain_loss
    dann_train_op = tf.train.MomentumOptimizer(learning_rate, 0.9).minimize(total_loss)
    accuracy = tf.reduce_mean(tf.cast(model.right, tf.float32))
    slope = tf.gradients(domain_loss, tf.trainable_variables("feature_extractor"))[0]

with tf.Session(graph=graph) as sess:
    tf.global_variables_initializer().run()
    domain_labels = np.vstack([np.tile([1.0, 0.0], [64, 1]), np.tile([0.0, 1.0], [64, 1])])
    for i in range(61):
        p = float(i) / 60
        l = 2.0 / (1.0 + np.exp(-10.0 * p)) - 1  # noqa: E741
        lr = 0.05 / (1.0 + 10 * p) ** 0.75
        rows, others = rng.randint(0, 1797, 64), rng.randint(0, 1797, 64)
        feed = {
            model.X: np.vstack([source[rows], target[others]]),
            model.y: np.hstack([labels[rows], labels[others]]),
            model.domain: domain_labels,
            learning_rate: lr,
            model.l: l,
            model.train: True,
        }
        _, ploss, dloss, acc = sess.run([dann_train_op, pred_loss, domain_loss, accuracy], feed)
        if i % 15 == 0:
            print("step %d: label %.5f domain %.5f right %.4f" % (i, ploss, dloss, acc))
    there = sess.run(slope, {**feed, model.l: 1.0})
    back = sess.run(slope, {**feed, model.l: -1.0})
    print("reversed: %.6f %.6f" % (np.abs(there).sum(), np.abs(there + back).max()))
