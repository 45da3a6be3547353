"""The layers of contrib, in a model function that takes features, labels and a mode."""

from __future__ import absolute_import, division, print_function

import numpy as np
import tensorflow as tf
import tensorflow.contrib.layers as layers
from sklearn.datasets import load_wine

tf.logging.set_verbosity(tf.logging.ERROR)
wine = load_wine()
features = ((wine.data - wine.data.mean(0)) / wine.data.std(0)).astype(np.float32)


def weights(shape, dtype=None, partition_info=None):
    values = np.random.RandomState(shape[0] + shape[-1]).normal(0, 0.3, [int(n) for n in shape])
    return tf.constant(values, dtype=dtype)


def model_fn(x, target, hidden_units, scope="dnn"):
    onehot = layers.one_hot_encoding(target, 3)
    with tf.variable_scope(scope, values=[x]):
        decay = layers.l2_regularizer(0.002)
        net = layers.flatten(x)
        for k, units in enumerate(hidden_units):
            net = layers.fully_connected(
                inputs=net, num_outputs=units, weights_initializer=weights,
                weights_regularizer=decay, scope="hiddenlayer_%d" % k,
            )  # fmt: skip
        net = layers.stack(
            net, layers.fully_connected, [8, 6], scope="tail",
            weights_initializer=weights, weights_regularizer=decay,
        )  # fmt: skip
        logits = layers.linear(
            net, 3, biases_initializer=None, scope="logits",
            weights_initializer=weights, weights_regularizer=decay,
        )  # fmt: skip
    tf.losses.softmax_cross_entropy(onehot, logits, label_smoothing=0.1)
    tf.losses.add_loss(1e-3 * tf.reduce_mean(tf.abs(logits)))
    return tf.losses.get_total_loss(), logits


with tf.Graph().as_default():
    x = tf.placeholder(tf.float32, [None, 13])
    target = tf.placeholder(tf.int32, [None])
    loss, logits = model_fn(x, target, [16, 12])
    step = tf.contrib.framework.get_or_create_global_step()
    train_op = layers.optimize_loss(
        loss, step, learning_rate=0.4, optimizer="SGD",
        clip_gradients=2.0,
        learning_rate_decay_fn=lambda rate, at: tf.train.exponential_decay(rate, at, 20, 0.7),
    )  # fmt: skip
    right = tf.reduce_mean(tf.to_float(tf.nn.in_top_k(logits, target, 1)))
    names = [v.op.name for v in tf.contrib.framework.get_model_variables()]
    print(len(names), " ".join(names[:3]), names[-1])
    print("losses", len(tf.losses.get_losses()), len(tf.losses.get_regularization_losses()))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feed = {x: features, target: wine.target}
        for k in range(61):
            value = sess.run(train_op, feed)
            if k % 15 == 0:
                print("step %d loss %.5f" % (sess.run(step), value))
        print("right %.4f" % sess.run(right, feed))
