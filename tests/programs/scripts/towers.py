"""One model on several devices: a tower on each, gradients averaged, variables shared."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

NUM_TOWERS, BATCH = 3, 90
digits = load_digits()
data, target = (digits.data / 16).astype(np.float32), digits.target.astype(np.int32)


def start(shape, stddev):
    return tf.constant_initializer(np.random.RandomState(shape[0]).normal(0, stddev, shape))


def _variable(name, shape, initializer):
    with tf.device("/cpu:0"):
        return tf.get_variable(name, shape, initializer=initializer)


def tower_loss(scope, images, labels):
    with tf.variable_scope("hidden"):
        w = _variable("w", [64, 32], start([64, 32], 0.2))
        b = _variable("b", [32], tf.constant_initializer(0.0))
        tf.add_to_collection("decays", 1e-3 * tf.nn.l2_loss(w))
        hidden = tf.nn.relu(tf.nn.bias_add(tf.matmul(images, w), b))
    with tf.variable_scope("out"):
        w = _variable("w", [32, 10], start([32, 10], 0.2))
        logits = tf.matmul(hidden, w)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    tf.add_to_collection("decays", tf.reduce_mean(losses, name="cross_entropy"))
    mine = tf.get_collection("decays", scope)
    assert len(mine) == 2, mine
    return tf.add_n(mine, name="total_loss"), logits


def average_gradients(tower_grads):
    average_grads = []
    for grad_and_vars in zip(*tower_grads):
        grads = []
        for g, _ in grad_and_vars:
            grads.append(tf.expand_dims(g, 0))
        grad = tf.concat(axis=0, values=grads)
        grad = tf.reduce_mean(grad, 0)
        average_grads.append((grad, grad_and_vars[0][1]))
    return average_grads


def train():
    with tf.Graph().as_default() as graph, tf.device("/cpu:0"):
        global_step = tf.get_variable(
            "global_step", [], initializer=tf.constant_initializer(0), trainable=False
        )
        rate = tf.train.inverse_time_decay(0.2, global_step, 20, 0.5)
        opt = tf.train.MomentumOptimizer(rate, 0.5)
        images = tf.placeholder(tf.float32, [BATCH, 64])
        labels = tf.placeholder(tf.int32, [BATCH])
        image_parts = tf.split(images, NUM_TOWERS)
        label_parts = tf.split(labels, NUM_TOWERS, 0)
        tower_grads, tower_losses, tower_logits = [], [], []
        with tf.variable_scope(tf.get_variable_scope()):
            for i in range(NUM_TOWERS):
                with tf.device("/gpu:%d" % i):
                    with tf.name_scope("%s_%d" % ("tower", i)) as scope:
                        loss, logits = tower_loss(scope, image_parts[i], label_parts[i])
                        tf.get_variable_scope().reuse_variables()
                        tower_grads.append(opt.compute_gradients(loss))
                        tower_losses.append(loss)
                        tower_logits.append(logits)
        grads = average_gradients(tower_grads)
        apply_gradient_op = opt.apply_gradients(grads, global_step=global_step)
        averages = tf.train.ExponentialMovingAverage(0.9, global_step)
        train_op = tf.group(apply_gradient_op, averages.apply(tf.trainable_variables()))
        loss = tf.reduce_mean(tf.stack(tower_losses))
        right = tf.nn.in_top_k(tf.concat(tower_logits, 0), labels, 1)
        accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
        print([op.name for op in graph.get_operations() if op.name.endswith("total_loss")])
        config = tf.ConfigProto(allow_soft_placement=True, log_device_placement=False)
        config.gpu_options.allow_growth = True
        sess = tf.Session(config=config)
        sess.run(tf.global_variables_initializer())
        for step in range(61):
            at = step * BATCH % 1700
            feed = {images: data[at : at + BATCH], labels: target[at : at + BATCH]}
            if step % 15 == 0:
                values = sess.run(tower_losses + [accuracy, rate], feed)
                print("step %d: %s" % (step, " ".join("%.6f" % v for v in values)))
            sess.run([train_op], feed_dict=feed)
        print("global step %d" % sess.run(global_step))
        shadow = averages.average(tf.trainable_variables()[0])
        print(shadow.op.name, "%.5f" % np.abs(sess.run(shadow)).sum())


if __name__ == "__main__":
    train()
