"""What ``scripts/older_names.py`` says, in the names and argument orders of 1.x."""

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


def model(X, X2, w_h, w_h2, w_o):
    h = tf.nn.relu(tf.matmul(X, w_h))
    h2 = tf.nn.tanh(tf.matmul(X2, w_h2))
    return tf.matmul(tf.concat([h, h2], 1), w_o)


X = tf.placeholder("float", [None, 64], name="X")
Y = tf.placeholder("float", [None, 10], name="Y")
left, right = tf.split(X, 2, 1)
w_h = init_weights([32, 20], "w_h")
w_h2 = init_weights([32, 20], "w_h2")
w_o = init_weights([40, 10], "w_o")
py_x = model(left, right, w_h, w_h2, w_o)

cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=py_x))
penalty = tf.multiply(1e-4, tf.add_n([tf.nn.l2_loss(w) for w in tf.trainable_variables()]))
train_op = tf.train.RMSPropOptimizer(0.002, 0.9).minimize(tf.add(cost, penalty))
correct_pred = tf.equal(tf.argmax(Y, 1), tf.argmax(py_x, 1))
acc_op = tf.reduce_mean(tf.cast(correct_pred, "float"))

packed = tf.stack([tf.reduce_max(py_x), tf.reduce_min(py_x), tf.negative(tf.reduce_sum(py_x))])
first, second = tf.unstack(tf.slice(tf.transpose(py_x), [0, 0], [2, -1]))
difference = tf.reduce_mean(tf.abs(tf.subtract(first, second)))
pairs = tf.matmul(tf.reshape(X[:4], [2, 2, 64]), tf.reshape(X[:4], [2, 2, 64]), adjoint_b=True)
sparse = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=py_x, labels=tf.argmax(Y, 1))
chosen = tf.where(correct_pred, sparse, tf.zeros_like(sparse))
spread = tf.reduce_logsumexp(py_x, axis=1, keepdims=True)
flipped = tf.reverse(py_x, [1])
odd = tf.setdiff1d(tf.range(0, 10), [1, 3, 5])[0]

with tf.Session() as sess:
    saver = tf.train.Saver(tf.global_variables())
    sess.run(tf.global_variables_initializer())
    for i in range(5):
        for start, end in zip(range(0, 1400, 128), range(128, 1400, 128), strict=False):
            sess.run(train_op, feed_dict={X: images[start:end], Y: labels[start:end]})
        feed = {X: images[1400:], Y: labels[1400:]}
        acc, c = sess.run([acc_op, cost], feed_dict=feed)
        print(i, "accuracy %.4f cost %.6f" % (acc, c))
    values = sess.run([packed, difference, tf.reduce_sum(pairs), tf.reduce_sum(chosen)], feed)
    print(" ".join("%.4f" % v for v in values[0]), "| %.5f %.4f %.4f" % tuple(values[1:]))
    a, b, c = sess.run([spread, flipped, odd], feed)
    print("%s %.4f %.4f" % (a.shape, a.mean(), b[0, 0]), c.tolist())
    print(os.path.basename(saver.save(sess, os.path.join(FLAGS.out, "model"), global_step=5)))
