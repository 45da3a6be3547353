"""A variational autoencoder; its noise differs between machines, so its figures are bands."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

X_train = (load_digits().data > 7).astype(np.float32)
n_z, batch = 8, 100
rng = np.random.RandomState(0)


def xavier_init(fan_in, fan_out, constant=1):
    high = constant * np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-high, high, (fan_in, fan_out)).astype(np.float32)


class VariationalAutoencoder(object):
    def __init__(self, architecture, transfer_fct=tf.nn.softplus, learning_rate=0.003):
        self.net = architecture
        self.transfer_fct = transfer_fct
        self.x = tf.placeholder(tf.float32, [None, architecture["n_input"]])
        self._create_network()
        self._create_loss_optimizer(learning_rate)
        self.sess = tf.InteractiveSession()
        self.sess.run(tf.global_variables_initializer())

    def _weights(self, n_input, n_hidden, n_out):
        return {
            "h": tf.Variable(xavier_init(n_input, n_hidden)),
            "hb": tf.Variable(tf.zeros([n_hidden], dtype=tf.float32)),
            "mean": tf.Variable(xavier_init(n_hidden, n_out)),
            "mean_b": tf.Variable(tf.zeros([n_out])),
            "log_sigma": tf.Variable(xavier_init(n_hidden, n_out)),
            "log_sigma_b": tf.Variable(tf.zeros([n_out])),
        }

    def _create_network(self):
        net = self.net
        w = self._weights(net["n_input"], net["n_hidden"], net["n_z"])
        hidden = self.transfer_fct(tf.add(tf.matmul(self.x, w["h"]), w["hb"]))
        self.z_mean = tf.add(tf.matmul(hidden, w["mean"]), w["mean_b"])
        self.z_log_sigma_sq = tf.add(tf.matmul(hidden, w["log_sigma"]), w["log_sigma_b"])
        eps = tf.random_normal(tf.shape(self.z_mean), 0, 1, dtype=tf.float32, seed=2)
        self.z = tf.add(
            self.z_mean, tf.multiply(tf.sqrt(tf.exp(self.z_log_sigma_sq)), eps), name="z"
        )
        g = self._weights(net["n_z"], net["n_hidden"], net["n_input"])
        up = self.transfer_fct(tf.add(tf.matmul(self.z, g["h"]), g["hb"]))
        self.x_reconstr_mean = tf.nn.sigmoid(tf.add(tf.matmul(up, g["mean"]), g["mean_b"]))

    def _create_loss_optimizer(self, learning_rate):
        reconstr_loss = -tf.reduce_sum(
            self.x * tf.log(1e-10 + self.x_reconstr_mean)
            + (1 - self.x) * tf.log(1e-10 + 1 - self.x_reconstr_mean),
            1,
        )
        latent_loss = -0.5 * tf.reduce_sum(
            1 + self.z_log_sigma_sq - tf.square(self.z_mean) - tf.exp(self.z_log_sigma_sq), 1
        )
        self.latent = tf.reduce_mean(latent_loss)
        self.cost = tf.reduce_mean(reconstr_loss + latent_loss)
        self.optimizer = tf.train.AdamOptimizer(learning_rate).minimize(self.cost)

    def partial_fit(self, X):
        return self.sess.run((self.optimizer, self.cost), feed_dict={self.x: X})[1]

    def generate(self, z_mu=None):
        if z_mu is None:
            z_mu = np.random.normal(size=(1, self.net["n_z"]))
        return self.sess.run(self.x_reconstr_mean, feed_dict={self.z: z_mu})


vae = VariationalAutoencoder(dict(n_input=64, n_hidden=60, n_z=n_z))
for epoch in range(31):
    order = rng.permutation(len(X_train))
    costs = [vae.partial_fit(X_train[order[k : k + batch]]) for k in range(0, 1700, batch)]
    if epoch % 10 == 0:
        print("Epoch: %04d cost= %.4f" % (epoch + 1, np.mean(costs)))
print("latent %.4f" % vae.latent.eval({vae.x: X_train}))
one = vae.generate(np.zeros((3, n_z)))
print("the mean code thrice: %.4f" % np.abs(one - one[0]).max())
print("ink of the mean digit %.4f, of the data %.4f" % (one.mean(), X_train.mean()))
a, b = (vae.x_reconstr_mean.eval({vae.x: X_train[:50]}) for _ in range(2))
print("two draws differ:", bool(np.abs(a - b).max() > 0.01))
print("reconstructs %.4f" % np.mean((a > 0.5) == X_train[:50]))
