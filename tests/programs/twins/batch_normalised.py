"""What ``scripts/batch_normalised.py`` says, by hand where the layers would be Keras's."""

import argparse
import os

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

parser = argparse.ArgumentParser()
parser.add_argument("--out", default="/tmp/normalised")
args = parser.parse_args()

digits = load_digits()
data, target = digits.data.astype(np.float32), digits.target
UPDATES, DECAYS = [], []


def init(seed, *shape):
    return tf.constant_initializer(np.random.RandomState(seed).normal(0, 0.15, shape))


def dense(x, units, name, kernel, decay=True):
    with tf.variable_scope(name):
        w = tf.get_variable("kernel", [int(x.shape[1]), units], initializer=kernel)
        if decay:
            DECAYS.append(1e-3 * tf.nn.l2_loss(w))
        return tf.matmul(x, w)


def normalised(x, training, name, epsilon=1e-3, gamma=1.0, scale=True, momentum=0.9):
    size = [int(x.shape[1])]
    with tf.variable_scope(name):
        if scale:
            gamma = tf.get_variable("gamma", size, initializer=tf.constant_initializer(gamma))
        beta = tf.get_variable("beta", size, initializer=tf.zeros_initializer())
        mean = tf.get_variable(
            "moving_mean", size, initializer=tf.zeros_initializer(), trainable=False
        )
        variance = tf.get_variable(
            "moving_variance", size, initializer=tf.ones_initializer(), trainable=False
        )
    m, v = tf.nn.moments(x, [0])
    share = tf.where(training, 1 - momentum, 0.0)
    UPDATES.append(tf.assign_sub(mean, (mean - m) * share))
    UPDATES.append(tf.assign_sub(variance, (variance - v) * share))
    m, v = tf.cond(training, lambda: (m, v), lambda: (mean.read_value(), variance.read_value()))
    return tf.nn.batch_normalization(x, m, v, beta, gamma if scale else None, epsilon)


X = tf.placeholder(tf.float32, shape=(None, 64), name="X")
y = tf.placeholder(tf.int64, shape=(None), name="y")
training = tf.placeholder_with_default(False, shape=(), name="training")
x = dense(X, 48, "hidden1", init(1, 64, 48))
x = tf.nn.elu(normalised(x, training, "batch_normalization"))
x = dense(x, 24, "hidden2", init(2, 48, 24))
x = tf.nn.elu(normalised(x, training, "bn2", 1e-4, 0.5))
x = dense(x, 10, "outputs", init(3, 24, 10), decay=False)
logits = normalised(x, training, "batch_normalization_1", scale=False, momentum=0.99)

base_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
loss = tf.add_n([base_loss, *DECAYS])
with tf.control_dependencies(UPDATES):
    training_op = tf.train.AdamOptimizer(0.01).minimize(loss)
accuracy = tf.reduce_mean(tf.cast(tf.nn.in_top_k(logits, y, 1), tf.float32))

print(len(DECAYS), len(UPDATES), len(tf.trainable_variables()))
for v in tf.global_variables():
    if "Adam" not in v.op.name and "power" not in v.op.name:
        print(v.op.name, v.shape.as_list())
saver = tf.train.Saver()
path = os.path.join(args.out, "bn.ckpt")
with tf.Session() as sess:
    tf.global_variables_initializer().run()
    for step in range(45):
        rows = slice(step * 100 % 1400, step * 100 % 1400 + 100)
        feed = {training: True, X: data[rows], y: target[rows]}
        value, _ = sess.run([loss, training_op], feed_dict=feed)
        if step % 11 == 0:
            acc, plain = sess.run([accuracy, base_loss], {X: data[1400:], y: target[1400:]})
            print("step %d: loss %.5f; moving statistics: %.4f %.5f" % (step, value, acc, plain))
    saver.save(sess, path)
with tf.Session() as sess:
    saver.restore(sess, path)
    print("restored: %.5f" % base_loss.eval({X: data[1400:], y: target[1400:]}))
    mean = sess.run(tf.global_variables("batch_normalization/moving_mean")[0])
    print("moving mean", " ".join("%.4f" % v for v in mean[:6]))
