"""A script with a mistake: the layers' sizes do not fit."""

import tensorflow as tf


def layer(x, size, name):
    with tf.variable_scope(name):
        w = tf.get_variable("w", [x.get_shape()[-1], size], initializer=tf.zeros_initializer())
        return tf.nn.relu(tf.matmul(x, w, transpose_a=True))


def model(x):
    hidden = layer(x, 5, "hidden")
    return layer(hidden, 3, "out")


def main(_):
    x = tf.placeholder(tf.float32, [2, 4], name="x")
    print("building")
    print(model(x))


if __name__ == "__main__":
    tf.app.run()
