"""A net of two layers with dropout that writes summaries of all it does, by flags and app.run."""

from __future__ import absolute_import, division, print_function

import os

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

flags = tf.app.flags
FLAGS = flags.FLAGS
flags.DEFINE_integer("max_steps", 60, "Number of steps to run trainer.")
flags.DEFINE_float("learning_rate", 0.005, "Initial learning rate.")
flags.DEFINE_float("dropout", 1.0, "Keep probability while training.")
flags.DEFINE_boolean("trace", True, "Whether to trace a step.")
flags.DEFINE_string("out", "/tmp/mlp", "Summaries directory.")

rng = np.random.RandomState(7)


def weight_variable(shape):
    initial = rng.normal(0.0, 0.1, shape).astype(np.float32)
    return tf.Variable(initial)


def bias_variable(shape):
    return tf.Variable(tf.constant(0.1, shape=shape))


def variable_summaries(var, name):
    with tf.name_scope("summaries"):
        mean = tf.reduce_mean(var)
        tf.summary.scalar("mean/" + name, mean)
        with tf.name_scope("stddev"):
            stddev = tf.sqrt(tf.reduce_mean(tf.square(var - mean)))
        tf.summary.scalar("stddev/" + name, stddev)
        tf.summary.scalar("max/" + name, tf.reduce_max(var))
        tf.summary.scalar("min/" + name, tf.reduce_min(var))
        tf.summary.histogram(name, var)


def nn_layer(input_tensor, input_dim, output_dim, layer_name, act=tf.nn.relu):
    with tf.name_scope(layer_name):
        with tf.name_scope("weights"):
            weights = weight_variable([input_dim, output_dim])
            variable_summaries(weights, layer_name + "/weights")
        with tf.name_scope("biases"):
            biases = bias_variable([output_dim])
            variable_summaries(biases, layer_name + "/biases")
        with tf.name_scope("Wx_plus_b"):
            preactivate = tf.matmul(input_tensor, weights) + biases
            tf.summary.histogram(layer_name + "/pre_activations", preactivate)
        activations = act(preactivate, name="activation")
        tf.summary.histogram(layer_name + "/activations", activations)
        return activations


def train():
    digits = load_digits()
    data, target = (digits.data / 16.0).astype(np.float32), digits.target
    sess = tf.InteractiveSession()

    with tf.name_scope("input"):
        x = tf.placeholder(tf.float32, [None, 64], name="x-input")
        y_ = tf.placeholder(tf.int64, [None], name="y-input")
    with tf.name_scope("input_reshape"):
        tf.summary.image("input", tf.reshape(x, [-1, 8, 8, 1]), 10)

    hidden1 = nn_layer(x, 64, 48, "layer1")
    with tf.name_scope("dropout"):
        keep_prob = tf.placeholder(tf.float32)
        tf.summary.scalar("dropout_keep_probability", keep_prob)
        dropped = tf.nn.dropout(hidden1, keep_prob)
    y = nn_layer(dropped, 48, 10, "layer2", act=tf.identity)

    with tf.name_scope("cross_entropy"):
        diff = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y_, logits=y)
        with tf.name_scope("total"):
            cross_entropy = tf.reduce_mean(diff)
    tf.summary.scalar("cross_entropy", cross_entropy)
    with tf.name_scope("train"):
        train_step = tf.train.AdamOptimizer(FLAGS.learning_rate).minimize(cross_entropy)
    with tf.name_scope("accuracy"):
        with tf.name_scope("correct_prediction"):
            correct_prediction = tf.equal(tf.argmax(y, 1), y_)
        accuracy = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))
    tf.summary.scalar("accuracy", accuracy)

    merged = tf.summary.merge_all()
    train_writer = tf.summary.FileWriter(os.path.join(FLAGS.out, "train"), sess.graph)
    test_writer = tf.summary.FileWriter(os.path.join(FLAGS.out, "test"))
    tf.global_variables_initializer().run()

    def feed_dict(training, step):
        if training:
            at = step * 100 % 1400
            return {x: data[at : at + 100], y_: target[at : at + 100], keep_prob: FLAGS.dropout}
        return {x: data[1400:], y_: target[1400:], keep_prob: 1.0}

    for i in range(FLAGS.max_steps):
        if i % 10 == 0:
            summary, acc, loss = sess.run([merged, accuracy, cross_entropy], feed_dict(False, i))
            test_writer.add_summary(summary, i)
            print("Accuracy at step %s: %.4f, loss %.5f" % (i, acc, loss))
        elif i % 30 == 29 and FLAGS.trace:
            run_options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
            run_metadata = tf.RunMetadata()
            summary, _ = sess.run(
                [merged, train_step],
                feed_dict=feed_dict(True, i),
                options=run_options,
                run_metadata=run_metadata,
            )
            train_writer.add_run_metadata(run_metadata, "step%03d" % i)
            train_writer.add_summary(summary, i)
            print("Adding run metadata for", i)
        else:
            summary, _ = sess.run([merged, train_step], feed_dict=feed_dict(True, i))
            train_writer.add_summary(summary, i)
    train_writer.close()
    test_writer.close()
    print("summary ops:", len(tf.get_collection(tf.GraphKeys.SUMMARIES)))


def main(_):
    if tf.gfile.Exists(FLAGS.out):
        tf.gfile.DeleteRecursively(FLAGS.out)
    tf.gfile.MakeDirs(FLAGS.out)
    train()
    events = tf.train.summary_iterator(
        os.path.join(FLAGS.out, "test", sorted(tf.gfile.ListDirectory(FLAGS.out + "/test"))[0])
    )
    for event in events:
        for value in event.summary.value:
            if value.tag == "cross_entropy_1" and event.step % 20 == 0:
                print("read at step %d: %.5f" % (event.step, value.simple_value))


if __name__ == "__main__":
    tf.app.run()
