"""A script of 2016: names and argument orders of the releases before 1.0."""

from __future__ import print_function

import os

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

flags = tf.app.flags
FLAGS = flags.FLAGS
flags.DEFINE_string("out", "/tmp/older", "Directory for logs")
digits = load_digits()
images = (digits.data / 16.0).astype(np.float32)
labels = np.eye(10, dtype=np.float32)[digits.target]
rng = np.random.RandomState(0)


def init_weights(shape, name):
    return tf.Variable(tf.constant((rng.randn(*shape) * 0.1).astype(np.float32)), name=name)


def model(X, X2, w_h, w_h2, w_o, p_keep):
    with tf.name_scope("layer1"):
        h = tf.nn.relu(tf.matmul(X, w_h))
    with tf.name_scope("layer2"):
        h2 = tf.nn.tanh(tf.matmul(X2, w_h2))
    with tf.name_scope("layer3"):
        both = tf.nn.dropout(tf.concat(1, [h, h2]), p_keep)
        return tf.matmul(both, w_o)


with tf.op_scope([], "inputs"):
    X = tf.placeholder("float", [None, 64], name="X")
    Y = tf.placeholder("float", [None, 10], name="Y")
    p_keep = tf.placeholder("float", name="p_keep")
left, right = tf.split(1, 2, X)
w_h = init_weights([32, 20], "w_h")
w_h2 = init_weights([32, 20], "w_h2")
w_o = init_weights([40, 10], "w_o")
tf.histogram_summary("w_h_summ", w_h)
tf.histogram_summary("w_o_summ", w_o)
py_x = model(left, right, w_h, w_h2, w_o, p_keep)

with tf.name_scope("cost"):
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(py_x, Y))
    penalty = tf.mul(1e-4, tf.add_n([tf.nn.l2_loss(w) for w in tf.trainable_variables()]))
    train_op = tf.train.RMSPropOptimizer(0.002, 0.9).minimize(tf.add(cost, penalty))
    tf.scalar_summary("cost", cost)
with tf.name_scope("accuracy"):
    correct_pred = tf.equal(tf.argmax(Y, 1), tf.argmax(py_x, 1))
    acc_op = tf.reduce_mean(tf.cast(correct_pred, "float"))
    tf.scalar_summary("accuracy", acc_op)

# parts that were named otherwise, or took their arguments in another order
packed = tf.pack([tf.reduce_max(py_x), tf.reduce_min(py_x), tf.neg(tf.reduce_sum(py_x))])
first, second = tf.unpack(tf.slice(tf.transpose(py_x), [0, 0], [2, -1]))
difference = tf.reduce_mean(tf.abs(tf.sub(first, second)))
pairs = tf.batch_matmul(tf.reshape(X[:4], [2, 2, 64]), tf.reshape(X[:4], [2, 2, 64]), adj_y=True)
sparse = tf.nn.sparse_softmax_cross_entropy_with_logits(py_x, tf.argmax(Y, 1))
chosen = tf.select(correct_pred, sparse, tf.zeros_like(sparse))
spread = tf.reduce_logsumexp(py_x, reduction_indices=1, keep_dims=True)
flipped = tf.reverse(py_x, [False, True])
odd = tf.listdiff(tf.range(0, 10), [1, 3, 5])[0]

with tf.Session() as sess:
    writer = tf.train.SummaryWriter(FLAGS.out, sess.graph)
    merged = tf.merge_all_summaries()
    saver = tf.train.Saver(tf.all_variables())
    tf.initialize_all_variables().run()
    for i in range(5):
        for start, end in zip(range(0, 1400, 128), range(128, 1400, 128)):
            sess.run(
                train_op,
                feed_dict={X: images[start:end], Y: labels[start:end], p_keep: 1.0},
            )
        feed = {X: images[1400:], Y: labels[1400:], p_keep: 1.0}
        summary, acc, c = sess.run([merged, acc_op, cost], feed_dict=feed)
        writer.add_summary(summary, i)
        print(i, "accuracy %.4f cost %.6f" % (acc, c))
    values = sess.run([packed, difference, tf.reduce_sum(pairs), tf.reduce_sum(chosen)], feed)
    print(" ".join("%.4f" % v for v in values[0]), "| %.5f %.4f %.4f" % tuple(values[1:]))
    a, b, c = sess.run([spread, flipped, odd], feed)
    print("%s %.4f %.4f" % (a.shape, a.mean(), b[0, 0]), c.tolist())
    print(os.path.basename(saver.save(sess, os.path.join(FLAGS.out, "model"), global_step=5)))
