"""Two nets against each other, each with its own optimizer and list of variables; noise is fed."""

import os

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

flags = tf.app.flags
flags.DEFINE_string("out", "samples", "where samples go [samples]")
flags.DEFINE_integer("z_dim", 10, "")
flags.DEFINE_integer("steps", 61, "")
flags.DEFINE_bool("improved", False, "a penalty on the critic's gradient instead of the log loss")
FLAGS = flags.FLAGS

images = (load_digits().data / 8 - 1).astype(np.float32)
noise = np.random.RandomState(2)


def linear(input_, output_size, scope=None, bias_start=0.0, with_w=False):
    shape = input_.get_shape().as_list()
    with tf.variable_scope(scope or "Linear"):
        start = np.random.RandomState(shape[1] * 100 + output_size).normal(
            0, 1.4 / np.sqrt(shape[1]), (shape[1], output_size)
        )
        matrix = tf.get_variable("Matrix", initializer=tf.constant(start, tf.float32))
        bias = tf.get_variable(
            "bias", [output_size], initializer=tf.constant_initializer(bias_start)
        )
        if with_w:
            return tf.matmul(input_, matrix) + bias, matrix, bias
        return tf.matmul(input_, matrix) + bias


def lrelu(x, leak=0.2, name="lrelu"):
    with tf.variable_scope(name):
        f1 = 0.5 * (1 + leak)
        f2 = 0.5 * (1 - leak)
        return f1 * x + f2 * abs(x)


def generator(z):
    with tf.variable_scope("generator"):
        h0 = tf.nn.relu(linear(z, 40, "g_h0_lin"))
        return tf.tanh(linear(h0, 64, "g_h1_lin"))


def discriminator(x, reuse=False):
    with tf.variable_scope("discriminator") as scope:
        if reuse:
            scope.reuse_variables()
        h0 = lrelu(linear(x, 40, "d_h0_lin"))
        return linear(h0, 1, "d_h1_lin")


def main(_):
    if not os.path.exists(FLAGS.out):
        os.makedirs(FLAGS.out)
    z = tf.placeholder(tf.float32, [None, FLAGS.z_dim], name="z")
    x = tf.placeholder(tf.float32, [None, 64], name="real")
    G = generator(z)
    real, fake = discriminator(x), discriminator(G, reuse=True)

    if FLAGS.improved:
        g_loss = -tf.reduce_mean(fake)
        d_loss = tf.reduce_mean(fake) - tf.reduce_mean(real)
        alpha = tf.placeholder(tf.float32, [None, 1], name="alpha")
        between = x + alpha * (G - x)
        slopes = tf.gradients(discriminator(between, reuse=True), [between])[0]
        slopes = tf.sqrt(tf.reduce_sum(tf.square(slopes), reduction_indices=[1]))
        d_loss += 10.0 * tf.reduce_mean((slopes - 1.0) ** 2)
    else:
        alpha = tf.placeholder_with_default(np.zeros([1, 1], np.float32), [None, 1])
        cross = tf.nn.sigmoid_cross_entropy_with_logits
        d_loss_real = tf.reduce_mean(cross(logits=real, labels=tf.ones_like(real) * 0.9))
        d_loss_fake = tf.reduce_mean(cross(logits=fake, labels=tf.zeros_like(fake)))
        d_loss = d_loss_real + d_loss_fake
        g_loss = tf.reduce_mean(cross(logits=fake, labels=tf.ones_like(fake)))

    t_vars = tf.trainable_variables()
    d_vars = [var for var in t_vars if "d_" in var.name]
    g_vars = [var for var in t_vars if "g_" in var.name]
    d_optim = tf.train.AdamOptimizer(0.002, beta1=0.5).minimize(d_loss, var_list=d_vars)
    g_optim = tf.train.AdamOptimizer(0.002, beta1=0.5).minimize(g_loss, var_list=g_vars)
    print(len(d_vars), len(g_vars), len(tf.global_variables()))

    with tf.Session() as sess:
        tf.global_variables_initializer().run()
        for step in range(FLAGS.steps):
            at = step * 64 % 1700
            batch_z = noise.uniform(-1, 1, [64, FLAGS.z_dim]).astype(np.float32)
            feed = {x: images[at : at + 64], z: batch_z, alpha: noise.uniform(0, 1, [64, 1])}
            sess.run(d_optim, feed_dict=feed)
            sess.run(g_optim, feed_dict={z: batch_z})
            if step % 10 == 0:
                errD, errG = d_loss.eval(feed), g_loss.eval({z: batch_z})
                print("step %3d d_loss: %.6f, g_loss: %.6f" % (step, errD, errG))
        sample = sess.run(G, {z: np.linspace(-1, 1, 160).reshape(16, 10)})
        np.save(os.path.join(FLAGS.out, "last.npy"), sample)
        print("ink %.4f spread %.4f" % (sample.mean(), sample.std(0).mean()))


if __name__ == "__main__":
    tf.app.run()
