"""Two towers that share their variables learn to put images of a digit close together."""

import numpy as np
import tensorflow.compat.v1 as tf
from sklearn.datasets import load_digits

tf.disable_v2_behavior()


class Siamese:
    def __init__(self):
        self.x1 = tf.placeholder(tf.float32, [None, 64])
        self.x2 = tf.placeholder(tf.float32, [None, 64])
        with tf.variable_scope("siamese") as scope:
            self.o1 = self.network(self.x1)
            scope.reuse_variables()
            self.o2 = self.network(self.x2)
        self.y_ = tf.placeholder(tf.float32, [None])
        self.loss = self.loss_with_spring()

    def network(self, x):
        fc1 = self.fc_layer(x, 32, "fc1")
        ac1 = tf.nn.relu(fc1)
        fc2 = self.fc_layer(ac1, 16, "fc2")
        ac2 = tf.nn.relu(fc2)
        return self.fc_layer(ac2, 2, "fc3")

    def fc_layer(self, bottom, n_weight, name):
        assert len(bottom.get_shape()) == 2
        n_prev_weight = bottom.get_shape()[1]
        start = np.random.RandomState(n_weight).normal(0, 0.2, (int(n_prev_weight), n_weight))
        W = tf.get_variable(
            name + "W",
            dtype=tf.float32,
            shape=[n_prev_weight, n_weight],
            initializer=tf.constant_initializer(start),
        )
        b = tf.get_variable(
            name + "b",
            dtype=tf.float32,
            initializer=tf.constant(0.01, shape=[n_weight], dtype=tf.float32),
        )
        return tf.nn.bias_add(tf.matmul(bottom, W), b)

    def loss_with_spring(self):
        margin = 5.0
        labels_t = self.y_
        labels_f = tf.subtract(1.0, self.y_, name="1-yi")
        eucd2 = tf.pow(tf.subtract(self.o1, self.o2), 2)
        eucd2 = tf.reduce_sum(eucd2, 1)
        eucd = tf.sqrt(eucd2 + 1e-6, name="eucd")
        C = tf.constant(margin, name="C")
        pos = tf.multiply(labels_t, eucd2, name="yi_x_eucd2")
        neg = tf.multiply(labels_f, tf.pow(tf.maximum(tf.subtract(C, eucd), 0), 2))
        losses = tf.add(pos, neg, name="losses")
        return tf.reduce_mean(losses, name="loss")


def shared_by_auto_reuse(x):
    with tf.variable_scope("probe", reuse=tf.AUTO_REUSE):
        w = tf.get_variable("w", [2, 10], initializer=tf.zeros_initializer())
        return tf.matmul(x, w)


digits = load_digits()
data, target = (digits.data / 16.0).astype(np.float32), digits.target
net = Siamese()
step = tf.train.GradientDescentOptimizer(0.01).minimize(net.loss)

labels = tf.placeholder(tf.int32, [None])
probes = [shared_by_auto_reuse(tf.stop_gradient(o)) for o in (net.o1, net.o2)]
probe_loss = tf.add_n(
    [
        tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=p))
        for p in probes
    ]
)
probe_step = tf.train.AdamOptimizer(0.05).minimize(
    probe_loss, var_list=tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="probe")
)
print(" ".join(v.name for v in tf.trainable_variables()))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    rng = np.random.RandomState(0)
    for i in range(101):
        a, b = rng.randint(0, 1797, 128), rng.randint(0, 1797, 128)
        same = (target[a] == target[b]).astype("float")
        _, loss_v = sess.run(
            [step, net.loss], feed_dict={net.x1: data[a], net.x2: data[b], net.y_: same}
        )
        if i % 20 == 0:
            print("step %d: loss %.5f" % (i, loss_v))
    embed = net.o1.eval({net.x1: data})
    print("spread of the embedding %.4f %.4f" % tuple(embed.std(0)))
    for k in range(41):
        value, _ = sess.run([probe_loss, probe_step], {net.x1: data, net.x2: data, labels: target})
        if k % 20 == 0:
            print("probe %d: loss %.5f" % (k, value))
