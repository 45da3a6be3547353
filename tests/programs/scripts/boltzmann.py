"""A restricted Boltzmann machine by contrastive divergence: states drawn at random, assigned."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

trX = (load_digits().data > 6).astype(np.float32)
rng = np.random.RandomState(0)
n_visible, n_hidden, batchsize, alpha = 64, 50, 100, 0.08


def sample_prob(probs):
    return tf.nn.relu(tf.sign(probs - tf.random_uniform(tf.shape(probs))))


X = tf.placeholder("float", [None, n_visible])
rbm_w = tf.Variable(rng.normal(0, 0.01, [n_visible, n_hidden]).astype("float32"), name="w")
rbm_vb = tf.Variable(tf.zeros([n_visible]), name="vb")
rbm_hb = tf.get_variable("hb", [n_hidden], initializer=tf.zeros_initializer())
tf.set_random_seed(5)

h0 = sample_prob(tf.nn.sigmoid(tf.matmul(X, rbm_w) + rbm_hb))
v1 = sample_prob(tf.nn.sigmoid(tf.matmul(h0, tf.transpose(rbm_w)) + rbm_vb))
h1 = tf.nn.sigmoid(tf.matmul(v1, rbm_w) + rbm_hb)
w_positive_grad = tf.matmul(tf.transpose(X), h0)
w_negative_grad = tf.matmul(tf.transpose(v1), h1)
number = tf.to_float(tf.shape(X)[0])
update_w = rbm_w.assign_add(alpha * (w_positive_grad - w_negative_grad) / number)
update_vb = rbm_vb.assign_add(alpha * tf.reduce_mean(X - v1, 0))
update_hb = rbm_hb.assign(rbm_hb + alpha * tf.reduce_mean(h0 - h1, 0))

h_sample = tf.nn.sigmoid(tf.matmul(X, rbm_w) + rbm_hb)
v_sample = tf.nn.sigmoid(tf.matmul(h_sample, tf.transpose(rbm_w)) + rbm_vb)
err_sum = tf.reduce_mean((X - v_sample) * (X - v_sample))
free_energy = -tf.tensordot(X, rbm_vb, 1) - tf.reduce_sum(
    tf.log1p(tf.exp(tf.matmul(X, rbm_w) + rbm_hb)), 1
)
noise = tf.cast(tf.random_uniform(tf.shape(X)) < tf.reduce_mean(X), tf.float32)

sess = tf.Session()
sess.run(tf.global_variables_initializer())
print("start: error %.4f" % sess.run(err_sum, {X: trX}))
for epoch in range(1, 31):
    order = rng.permutation(len(trX))
    for k in range(0, len(trX), batchsize):
        sess.run([update_w, update_vb, update_hb], feed_dict={X: trX[order[k : k + batchsize]]})
    if epoch % 10 == 0:
        print("epoch %d: error %.4f" % (epoch, sess.run(err_sum, feed_dict={X: trX})))
real, fake = sess.run(free_energy, {X: trX}), sess.run(free_energy, {X: sess.run(noise, {X: trX})})
print("told from noise: %.4f" % np.mean(real < np.percentile(fake, 10)))
a, b = sess.run([h0, h0], {X: trX[:5]})
c = sess.run(h0, {X: trX[:5]})
print(
    "one run, one draw: %.1f; another run, another draw: %.1f"
    % (float((a == b).all()), float((a != c).any()))
)
print("binary: %.1f" % float(np.isin(a, (0, 1)).all()))
