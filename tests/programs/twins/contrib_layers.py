"""What ``scripts/contrib_layers.py`` says without contrib."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_wine

wine = load_wine()
features = ((wine.data - wine.data.mean(0)) / wine.data.std(0)).astype(np.float32)


def connected(x, units, scope, act=tf.nn.relu, bias=True):
    with tf.variable_scope(scope):
        size = int(x.shape[1])
        start = np.random.RandomState(size + units).normal(0, 0.3, [size, units])
        w = tf.get_variable("weights", initializer=tf.constant(start, tf.float32))
        tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, 0.002 * tf.nn.l2_loss(w))
        x = tf.matmul(x, w)
        if bias:
            x += tf.get_variable("biases", [units], initializer=tf.zeros_initializer())
        return act(x)


x = tf.placeholder(tf.float32, [None, 13])
target = tf.placeholder(tf.int32, [None])
with tf.variable_scope("dnn"):
    net = x
    for k, units in enumerate([16, 12]):
        net = connected(net, units, "hiddenlayer_%d" % k)
    for k, units in enumerate([8, 6]):
        net = connected(net, units, "tail/tail_%d" % (k + 1))
    logits = connected(net, 3, "logits", act=tf.identity, bias=False)
tf.losses.softmax_cross_entropy(tf.one_hot(target, 3), logits, label_smoothing=0.1)
tf.losses.add_loss(1e-3 * tf.reduce_mean(tf.abs(logits)))
loss = tf.losses.get_total_loss()
step = tf.train.get_or_create_global_step()
opt = tf.train.GradientDescentOptimizer(tf.train.exponential_decay(0.4, step, 20, 0.7))
gradients, variables = zip(*opt.compute_gradients(loss), strict=True)
clipped, _ = tf.clip_by_global_norm(gradients, 2.0)
train_op = opt.apply_gradients(zip(clipped, variables, strict=True), global_step=step)
right = tf.reduce_mean(
    tf.cast(tf.equal(tf.argmax(logits, 1), tf.cast(target, tf.int64)), tf.float32)
)
names = [v.op.name for v in tf.trainable_variables()]
print(len(names), " ".join(names[:3]), names[-1])
print("losses", len(tf.losses.get_losses()), len(tf.losses.get_regularization_losses()))
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    feed = {x: features, target: wine.target}
    for k in range(61):
        value = sess.run([loss, train_op], feed)[0]
        if k % 15 == 0:
            print("step %d loss %.5f" % (sess.run(step), value))
    print("right %.4f" % sess.run(right, feed))
