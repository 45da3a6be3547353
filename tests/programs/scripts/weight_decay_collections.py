"""Inference, loss and training as functions; weight decay through the 'losses' collection.

Training keeps moving averages of losses and variables; evaluation runs with the averages restored.
"""

import argparse
import math
import os
import re

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

TOWER_NAME = "tower"
NUM_CLASSES = 10
NUM_EPOCHS_PER_DECAY = 3.0
INITIAL_LEARNING_RATE = 0.3
LEARNING_RATE_DECAY_FACTOR = 0.5
MOVING_AVERAGE_DECAY = 0.99
BATCH_SIZE = 128


def _variable_on_cpu(name, shape, initializer):
    with tf.device("/cpu:0"):
        return tf.get_variable(name, shape, initializer=initializer, dtype=tf.float32)


def _variable_with_weight_decay(name, shape, stddev, wd):
    start = np.random.RandomState(len(name) + shape[0]).normal(0, stddev, shape)
    var = _variable_on_cpu(name, shape, tf.constant_initializer(start))
    if wd is not None:
        weight_decay = tf.multiply(tf.nn.l2_loss(var), wd, name="weight_loss")
        tf.add_to_collection("losses", weight_decay)
    return var


def _activation_summary(x):
    tensor_name = re.sub("%s_[0-9]*/" % TOWER_NAME, "", x.op.name)
    tf.summary.histogram(tensor_name + "/activations", x)
    tf.summary.scalar(tensor_name + "/sparsity", tf.nn.zero_fraction(x))


def inference(images):
    with tf.variable_scope("local3") as scope:
        weights = _variable_with_weight_decay("weights", shape=[64, 40], stddev=0.1, wd=0.004)
        biases = _variable_on_cpu("biases", [40], tf.constant_initializer(0.1))
        local3 = tf.nn.relu(tf.matmul(images, weights) + biases, name=scope.name)
        _activation_summary(local3)
    with tf.variable_scope("softmax_linear") as scope:
        weights = _variable_with_weight_decay(
            "weights", [40, NUM_CLASSES], stddev=1 / math.sqrt(40), wd=0.001
        )
        biases = _variable_on_cpu("biases", [NUM_CLASSES], tf.constant_initializer(0.0))
        softmax_linear = tf.add(tf.matmul(local3, weights), biases, name=scope.name)
        _activation_summary(softmax_linear)
    return softmax_linear


def loss(logits, labels):
    labels = tf.cast(labels, tf.int64)
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=labels, logits=logits, name="cross_entropy_per_example"
    )
    cross_entropy_mean = tf.reduce_mean(cross_entropy, name="cross_entropy")
    tf.add_to_collection("losses", cross_entropy_mean)
    return tf.add_n(tf.get_collection("losses"), name="total_loss")


def _add_loss_summaries(total_loss):
    loss_averages = tf.train.ExponentialMovingAverage(0.9, name="avg")
    losses = tf.get_collection("losses")
    loss_averages_op = loss_averages.apply([*losses, total_loss])
    for one in [*losses, total_loss]:
        tf.summary.scalar(one.op.name + " (raw)", one)
        tf.summary.scalar(one.op.name, loss_averages.average(one))
    return loss_averages_op, loss_averages.average(total_loss)


def train_op_for(total_loss, global_step):
    decay_steps = int(1400 / BATCH_SIZE * NUM_EPOCHS_PER_DECAY)
    lr = tf.train.exponential_decay(
        INITIAL_LEARNING_RATE, global_step, decay_steps, LEARNING_RATE_DECAY_FACTOR, staircase=True
    )
    tf.summary.scalar("learning_rate", lr)
    loss_averages_op, average = _add_loss_summaries(total_loss)
    with tf.control_dependencies([loss_averages_op]):
        opt = tf.train.GradientDescentOptimizer(lr)
        grads = opt.compute_gradients(total_loss)
    apply_gradient_op = opt.apply_gradients(grads, global_step=global_step)
    for var in tf.trainable_variables():
        tf.summary.histogram(var.op.name, var)
    for grad, var in grads:
        if grad is not None:
            tf.summary.histogram(var.op.name + "/gradients", grad)
    variable_averages = tf.train.ExponentialMovingAverage(MOVING_AVERAGE_DECAY, global_step)
    variables_averages_op = variable_averages.apply(tf.trainable_variables())
    with tf.control_dependencies([apply_gradient_op, variables_averages_op]):
        train_op = tf.no_op(name="train")
    return train_op, lr, average


def train(data, target, out):
    with tf.Graph().as_default():
        global_step = tf.Variable(0, trainable=False)
        images = tf.placeholder(tf.float32, [BATCH_SIZE, 64])
        labels = tf.placeholder(tf.int32, [BATCH_SIZE])
        total = loss(inference(images), labels)
        train_op, lr, average = train_op_for(total, global_step)
        saver = tf.train.Saver(tf.global_variables())
        summary_op = tf.summary.merge_all()
        init = tf.global_variables_initializer()
        sess = tf.Session(config=tf.ConfigProto(log_device_placement=False))
        sess.run(init)
        summary_writer = tf.summary.FileWriter(out, sess.graph)
        for step in range(81):
            at = step * BATCH_SIZE % (1400 - BATCH_SIZE)
            feed = {images: data[at : at + BATCH_SIZE], labels: target[at : at + BATCH_SIZE]}
            _, loss_value = sess.run([train_op, total], feed_dict=feed)
            assert not np.isnan(loss_value), "Model diverged with loss = NaN"
            if step % 20 == 0:
                rate, smooth = sess.run([lr, average])
                print("step %d, loss = %.6f (%.6f), lr %.5f" % (step, loss_value, smooth, rate))
                summary_writer.add_summary(sess.run(summary_op, feed), step)
                saver.save(sess, os.path.join(out, "model.ckpt"), global_step=step)
        print("variables", " ".join(v.op.name for v in tf.global_variables()))


def evaluate(data, target, out):
    with tf.Graph().as_default() as g:
        images = tf.placeholder(tf.float32, [None, 64])
        logits = inference(images)
        top_k_op = tf.nn.in_top_k(logits, target, 1)
        variable_averages = tf.train.ExponentialMovingAverage(MOVING_AVERAGE_DECAY)
        variables_to_restore = variable_averages.variables_to_restore()
        print("restores", " ".join(sorted(variables_to_restore)))
        saver = tf.train.Saver(variables_to_restore)
        with tf.Session(graph=g) as sess:
            ckpt = tf.train.get_checkpoint_state(out)
            saver.restore(sess, ckpt.model_checkpoint_path)
            global_step = ckpt.model_checkpoint_path.split("/")[-1].split("-")[-1]
            predictions = sess.run(top_k_op, {images: data})
            print("step %s: precision @ 1 = %.4f" % (global_step, np.mean(predictions)))
            print("kept %d checkpoints" % len(ckpt.all_model_checkpoint_paths))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default="/tmp/decay")
    out = parser.parse_args().out
    digits = load_digits()
    data, target = (digits.data / 16.0).astype(np.float32), digits.target
    train(data[:1400], target[:1400], out)
    evaluate(data[1400:], target[1400:], out)


if __name__ == "__main__":
    main()
