"""What comes next in a series: an LSTM over windows, batches of any size, its last output read."""

import numpy as np
import tensorflow as tf

WINDOW, UNITS, BATCH = 12, 10, 16


def series():
    t = np.arange(240)
    return (np.sin(t * 0.3) + 0.5 * np.sin(t * 0.11 + 1) + 0.001 * t).astype(np.float32)


def windows(values):
    xs = np.stack([values[k : k + WINDOW] for k in range(len(values) - WINDOW)])
    return xs[:, :, None], values[WINDOW:, None]


def numbers(shape, scale=0.3):
    return np.random.RandomState(sum(shape)).uniform(-scale, scale, shape).astype(np.float32)


xs, ys = windows(series())
split = 180
train_x, train_y, test_x, test_y = xs[:split], ys[:split], xs[split:], ys[split:]

X = tf.placeholder(tf.float32, [None, WINDOW, 1], name="X")
y = tf.placeholder(tf.float32, [None, 1], name="y")
cell = tf.nn.rnn_cell.LSTMCell(UNITS, use_peepholes=True)
outputs, last = tf.nn.dynamic_rnn(cell, X, dtype=tf.float32)
weights = tf.Variable(numbers([UNITS, 1]), name="weights")
bias = tf.Variable(tf.zeros([1]), name="bias")
rows = tf.transpose(outputs, [1, 0, 2])
final = tf.gather(rows, int(rows.get_shape()[0]) - 1)
prediction = tf.matmul(final, weights) + bias
loss = tf.reduce_mean(tf.square(prediction - y))
train = tf.train.AdamOptimizer(0.02).minimize(loss)
starts = [tf.assign(v, numbers(v.get_shape().as_list())) for v in cell.trainable_variables]

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run(starts)
    print([v.name for v in tf.trainable_variables()])
    for epoch in range(6):
        total = 0.0
        for at in range(0, split, BATCH):
            feed = {X: train_x[at : at + BATCH], y: train_y[at : at + BATCH]}
            _, found = session.run([train, loss], feed)
            total += found * len(feed[X])
        print("epoch %d loss %.5f" % (epoch, total / split))
    print("held out %.5f" % session.run(loss, {X: test_x, y: test_y}))
    # The series goes on from its own predictions.
    window = test_x[:1]
    told = []
    for _ in range(5):
        following = session.run(prediction, {X: window})
        told.append(float(following[0, 0]))
        window = np.concatenate([window[:, 1:], following[:, :, None]], 1)
    print("told", " ".join("%.4f" % v for v in told))
