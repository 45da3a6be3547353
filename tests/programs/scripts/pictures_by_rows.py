"""Pictures read row by row: a recurrent network whose turns are the rows of a digit."""

import numpy as np
import tensorflow as tf

SIDE, UNITS, CLASSES, BATCH = 8, 16, 4, 20


def pictures(count, seed):
    """Bars: across, down, and two diagonals, with some noise."""
    rng = np.random.RandomState(seed)
    made, kinds = [], []
    for _ in range(count):
        kind, at = rng.randint(CLASSES), rng.randint(1, SIDE - 1)
        picture = np.zeros([SIDE, SIDE])
        for k in range(SIDE):
            row, column = [(at, k), (k, at), (k, k), (k, SIDE - 1 - k)][kind]
            picture[row, column] = 1.0
        made.append(picture + rng.uniform(-0.15, 0.15, [SIDE, SIDE]))
        kinds.append(kind)
    return np.array(made, np.float32).reshape([count, -1]), np.eye(CLASSES)[kinds]


def numbers(shape):
    return np.random.RandomState(sum(shape)).uniform(-0.4, 0.4, shape).astype(np.float32)


x = tf.placeholder("float", [None, SIDE * SIDE])
y = tf.placeholder("float", [None, CLASSES])
weights = {
    "hidden": tf.Variable(numbers([SIDE, UNITS])),
    "out": tf.Variable(numbers([UNITS, CLASSES])),
}
biases = {"hidden": tf.Variable(tf.zeros([UNITS])), "out": tf.Variable(tf.zeros([CLASSES]))}


def network(x):
    x = tf.reshape(x, [-1, SIDE, SIDE])
    x = tf.transpose(x, [1, 0, 2])
    x = tf.reshape(x, [-1, SIDE])
    x = tf.nn.relu(tf.matmul(x, weights["hidden"]) + biases["hidden"])
    steps = tf.split(x, SIDE, 0)
    cell = tf.nn.rnn_cell.BasicLSTMCell(UNITS, forget_bias=1.0, state_is_tuple=True)
    outputs, states = tf.nn.static_rnn(cell, steps, dtype=tf.float32)
    return tf.matmul(outputs[-1], weights["out"]) + biases["out"], states


logits, states = network(x)
cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=y))
optimizer = tf.train.AdamOptimizer(learning_rate=0.01).minimize(cost)
correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
kernels = [v for v in tf.trainable_variables() if "rnn" in v.name]
starts = [tf.assign(v, numbers(v.get_shape().as_list())) for v in kernels]

train_x, train_y = pictures(200, 0)
test_x, test_y = pictures(60, 1)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run(starts)
    print([v.name for v in kernels])
    step = 1
    while step * BATCH <= 1200:
        at = (step - 1) * BATCH % 200
        batch = {x: train_x[at : at + BATCH], y: train_y[at : at + BATCH]}
        session.run(optimizer, feed_dict=batch)
        if step % 15 == 0:
            loss, acc = session.run([cost, accuracy], feed_dict=batch)
            print("Iter %d, loss= %.5f, accuracy= %.3f" % (step * BATCH, loss, acc))
        step += 1
    print("Testing accuracy: %.3f" % session.run(accuracy, {x: test_x, y: test_y}))
    c, h = session.run(states, {x: test_x[:2]})
    print("c %.4f h %.4f" % (np.abs(c).sum(), np.abs(h).sum()))
