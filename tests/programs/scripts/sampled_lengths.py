"""Sequences sampled until they end, in arrays that grow; and what makes long ones rarer."""

import numpy as np
import tensorflow as tf

np.random.seed(21)
WORDS, UNITS, STOP, MOST = 7, 5, 0, 60
numbers = tf.placeholder(tf.float32, [MOST], name="numbers")


def weights(name, shape):
    return tf.get_variable(name, initializer=np.random.normal(0, 0.6, shape).astype(np.float32))


table, inner = weights("table", [WORDS, UNITS]), weights("inner", [UNITS, UNITS])
rows = tf.tanh(table)
outer, bias = weights("outer", [UNITS, WORDS]), weights("bias", [WORDS])


def turn(i, word, state, words, chances):
    state = tf.tanh(tf.gather(rows, [word]) + tf.matmul(state, inner))
    logs = tf.nn.log_softmax(tf.matmul(state, outer) + bias)[0]
    sums = tf.cumsum(tf.exp(logs))
    drawn = tf.reduce_sum(tf.cast(sums < numbers[i] * sums[WORDS - 1], tf.int32))
    return i + 1, drawn, state, words.write(i, drawn), chances.write(i, logs[drawn])


def goes_on(i, word, *_):
    return tf.logical_and(i < MOST, tf.logical_or(tf.equal(i, 0), tf.not_equal(word, STOP)))


length, _, state, words, chances = tf.while_loop(
    goes_on,
    turn,
    [
        tf.constant(0),
        tf.constant(1),
        tf.zeros([1, UNITS]),
        tf.TensorArray(tf.int32, size=0, dynamic_size=True),
        tf.TensorArray(tf.float32, size=0, dynamic_size=True, clear_after_read=False),
    ],
)
said, logs = words.stack(), chances.stack()
likelihood = tf.reduce_sum(logs)
reward = tf.placeholder(tf.float32, [])
train = tf.train.GradientDescentOptimizer(0.003).minimize(-reward * likelihood)
norm = tf.global_norm(tf.gradients(likelihood, tf.trainable_variables()))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    lengths = []
    for episode in range(120):
        feed = {numbers: np.random.uniform(size=MOST)}
        count, text, likely, size = sess.run([length, said, likelihood, norm], feed)
        assert count == len(text)
        lengths.append(count)
        if episode % 20 == 0:
            print("episode %d:" % episode, text.tolist(), "log %.4f norm %.4f" % (likely, size))
        sess.run(train, {reward: 3.0 - min(count, 12), **feed})
    print("mean length %.3f, then %.3f" % (np.mean(lengths[:40]), np.mean(lengths[-40:])))
