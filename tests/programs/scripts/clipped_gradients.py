"""Regression with hand-made updates: clipping three ways, scaled layers, rates by steps."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_diabetes

data = load_diabetes()
x_data = (data.data * 20).astype(np.float32)
y_data = ((data.target - data.target.mean()) / data.target.std()).astype(np.float32)[:, None]

rng = np.random.RandomState(11)
x = tf.placeholder(tf.float32, shape=(None, 10), name="features")
y = tf.placeholder(tf.float32, shape=(None, 1), name="targets")

weights = {
    "h1": tf.Variable(rng.randn(10, 20).astype(np.float32), name="h1"),
    "h2": tf.Variable(rng.randn(20, 20).astype(np.float32), name="h2"),
    "out": tf.Variable(rng.randn(20, 1).astype(np.float32), name="out"),
}
biases = {
    "b1": tf.Variable(tf.zeros([20])),
    "b2": tf.Variable(tf.zeros([20])),
    "out": tf.Variable(tf.zeros([1])),
}


def multilayer_perceptron(x):
    layer_1 = tf.sigmoid(tf.add(tf.matmul(x, weights["h1"]), biases["b1"]))
    layer_2 = tf.nn.tanh(tf.add(tf.matmul(layer_1, weights["h2"]), biases["b2"]))
    return tf.matmul(layer_2, weights["out"]) + biases["out"]


pred = multilayer_perceptron(x)
mse = tf.losses.mean_squared_error(y, pred)
huber = tf.losses.huber_loss(y, pred, delta=0.5)
l2 = 1e-3 * sum(tf.nn.l2_loss(v) for v in tf.trainable_variables() if "Variable" not in v.name)
cost = mse + 0.5 * huber + l2

global_step = tf.Variable(0, name="global_step", trainable=False)
lr = tf.train.piecewise_constant(global_step, [30, 60], [0.2, 0.05, 0.01])
optimizer = tf.train.MomentumOptimizer(lr, momentum=0.9, use_nesterov=True)
grads_and_vars = optimizer.compute_gradients(cost)
gradients, variables = zip(*grads_and_vars)
clipped, norm = tf.clip_by_global_norm(gradients, 0.5)
capped = []
for g, v in zip(clipped, variables):
    if v.op.name.startswith("h"):
        capped.append((tf.clip_by_value(g, -0.1, 0.1), v))
    else:
        capped.append((tf.clip_by_norm(g, 0.2), v))
capped = [(g * 0.5 if v is weights["out"] else g, v) for g, v in capped]
train_op = optimizer.apply_gradients(capped, global_step=global_step)

with tf.control_dependencies([train_op]):
    # keep each column of the first layer within a ball
    squeezed = tf.assign(weights["h1"], tf.clip_by_norm(weights["h1"], 3.5, axes=[0]))

init = tf.global_variables_initializer()
with tf.Session() as sess:
    sess.run(init)
    for step in range(91):
        feed = {x: x_data[:400], y: y_data[:400]}
        c, n, rate, _, _ = sess.run([cost, norm, lr, train_op, squeezed], feed)
        if step % 15 == 0:
            print("%3d cost %.5f norm %.5f rate %.3f" % (step, c, n, rate))
    held = sess.run([mse, huber], {x: x_data[400:], y: y_data[400:]})
    print("held out: mse %.4f huber %.4f" % tuple(held))
    columns = np.linalg.norm(sess.run(weights["h1"]), axis=0)
    print("column norms at most %.4f" % columns.max())
    momentum = optimizer.get_slot(weights["out"], "momentum")
    print(optimizer.get_slot_names(), momentum.name, "%.5f" % np.abs(sess.run(momentum)).sum())
