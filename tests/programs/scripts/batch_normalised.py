"""tf.layers with batch normalisation: UPDATE_OPS, a training flag, dropout, an L2 regularizer."""

import argparse
import os

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

parser = argparse.ArgumentParser()
parser.add_argument("--out", default="/tmp/normalised")
args = parser.parse_args()

digits = load_digits()
data, target = digits.data.astype(np.float32), digits.target
init = lambda seed, *shape: tf.constant_initializer(  # noqa: E731
    np.random.RandomState(seed).normal(0, 0.15, shape)
)
regularizer = tf.contrib.layers.l2_regularizer(scale=1e-3)

X = tf.placeholder(tf.float32, shape=(None, 64), name="X")
y = tf.placeholder(tf.int64, shape=(None), name="y")
training = tf.placeholder_with_default(False, shape=(), name="training")

with tf.name_scope("dnn"):
    image = tf.reshape(X, [-1, 8, 8])
    flat = tf.layers.flatten(image)
    hidden1 = tf.layers.dense(
        flat, 48, name="hidden1", use_bias=False, kernel_initializer=init(1, 64, 48),
        kernel_regularizer=regularizer,
    )  # fmt: skip
    bn1 = tf.layers.batch_normalization(hidden1, training=training, momentum=0.9)
    bn1_act = tf.nn.elu(bn1)
    drop = tf.layers.dropout(bn1_act, 0.0, training=training)
    hidden2 = tf.layers.dense(
        drop, 24, name="hidden2", use_bias=False, kernel_initializer=init(2, 48, 24),
        kernel_regularizer=regularizer,
    )  # fmt: skip
    bn2 = tf.layers.batch_normalization(
        hidden2, training=training, momentum=0.9, epsilon=1e-4, name="bn2",
        gamma_initializer=tf.constant_initializer(0.5),
    )  # fmt: skip
    bn2_act = tf.nn.elu(bn2)
    logits_before_bn = tf.layers.dense(
        inputs=bn2_act,
        units=10,
        use_bias=False,
        name="outputs",
        kernel_initializer=init(3, 24, 10),
    )
    logits = tf.layers.batch_normalization(logits_before_bn, training=training, scale=False)

with tf.name_scope("loss"):
    xentropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    base_loss = tf.reduce_mean(xentropy, name="avg_xentropy")
    reg_losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    loss = tf.add_n([base_loss] + reg_losses, name="loss")

with tf.name_scope("train"):
    extra_update_ops = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    with tf.control_dependencies(extra_update_ops):
        training_op = tf.train.AdamOptimizer(0.01).minimize(loss)
with tf.name_scope("eval"):
    accuracy = tf.reduce_mean(tf.cast(tf.nn.in_top_k(logits, y, 1), tf.float32))

print(len(reg_losses), len(extra_update_ops), len(tf.trainable_variables()))
for v in tf.global_variables():
    if "Adam" not in v.op.name and "power" not in v.op.name:
        print(v.op.name, v.shape.as_list())
saver = tf.train.Saver()
path = os.path.join(args.out, "bn.ckpt")
with tf.Session() as sess:
    tf.global_variables_initializer().run()
    for step in range(45):
        rows = slice(step * 100 % 1400, step * 100 % 1400 + 100)
        feed = {training: True, X: data[rows], y: target[rows]}
        value, _ = sess.run([loss, training_op], feed_dict=feed)
        if step % 11 == 0:
            acc, plain = sess.run([accuracy, base_loss], {X: data[1400:], y: target[1400:]})
            print("step %d: loss %.5f; moving statistics: %.4f %.5f" % (step, value, acc, plain))
    saver.save(sess, path)
with tf.Session() as sess:
    saver.restore(sess, path)
    print("restored: %.5f" % base_loss.eval({X: data[1400:], y: target[1400:]}))
    mean = sess.run(tf.global_variables("batch_normalization/moving_mean")[0])
    print("moving mean", " ".join("%.4f" % v for v in mean[:6]))
