"""A hidden Markov model of letters: forward-backward unrolled, EM by assign, and gradients too."""

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

TEXT = (
    "a compiler turns a graph of operations into a few loops and runs them in the order that "
    "the graph allows while a person reads what it did and why"
) * 2
letters = sorted(set(TEXT))
ids = np.array([letters.index(c) for c in TEXT])[:160].reshape(8, 20)
STATES, SYMBOLS, T = 2, len(letters), ids.shape[1]
rng = np.random.RandomState(17)


def rows(*shape):
    values = rng.uniform(0.5, 1.0, shape)
    return values / values.sum(-1, keepdims=True)


class HMM:
    def __init__(self, observed):
        with tf.variable_scope("hmm", dtype=tf.float64, use_resource=False):
            self.start = tf.get_variable("start", initializer=rows(STATES))
            self.move = tf.get_variable("move", initializer=rows(STATES, STATES))
            self.emit = tf.get_variable("emit", initializer=rows(STATES, SYMBOLS))
        self.seen = tf.one_hot(observed, SYMBOLS, dtype=tf.float64)
        likely = tf.einsum("nts,ks->tnk", self.seen, self.emit)
        likely = tf.unstack(likely, num=T)
        alphas, scales = [], []
        alpha = self.start * likely[0]
        for t in range(T):
            if t:
                alpha = tf.matmul(alphas[-1], self.move) * likely[t]
            scale = tf.reduce_sum(alpha, axis=1, keepdims=True)
            alphas.append(alpha / scale)
            scales.append(scale)
        betas = [tf.ones_like(alphas[-1])]
        for t in range(T - 1, 0, -1):
            back = tf.matmul(betas[0] * likely[t], self.move, transpose_b=True)
            betas.insert(0, back / scales[t])
        alphas, betas = tf.stack(alphas), tf.stack(betas)
        self.log_likelihood = tf.reduce_sum(tf.log(tf.stack(scales)))
        self.gamma = alphas * betas
        pairs = (
            alphas[:-1, :, :, None]
            * self.move
            * (betas[1:] * tf.stack(likely[1:]) / tf.stack(scales[1:]))[:, :, None, :]
        )
        self.pairs = tf.reduce_sum(pairs, [0, 1])

    def em_step(self):
        start = tf.reduce_mean(self.gamma[0], 0)
        move = self.pairs / tf.reduce_sum(self.pairs, 1, keepdims=True)
        emit = tf.einsum("tnk,nts->ks", self.gamma, self.seen)
        emit /= tf.reduce_sum(emit, 1)[:, tf.newaxis]
        with tf.control_dependencies([start, move, emit]):
            return tf.group(
                tf.assign(self.start, start), tf.assign(self.move, move),
                tf.assign(self.emit, emit, validate_shape=True), name="em",
            )  # fmt: skip


observed = tf.placeholder(tf.int64, [None, T])
model = HMM(observed)
em = model.em_step()
(slope,) = tf.gradients(model.log_likelihood, [model.start])
with tf.Session() as sess:
    tf.global_variables_initializer().run(session=sess)
    feed = {observed: ids}
    expected = sess.run(tf.reduce_sum(model.gamma[0], 0) / model.start, feed)
    print(
        "gradient is what it should be: %.1e"
        % (np.abs(sess.run(slope, feed) - expected).max() > 1e-8)
    )
    for k in range(31):
        value = sess.run(model.log_likelihood, feed)
        if k % 6 == 0:
            print("round %2d: log likelihood %.6f" % (k, value))
        sess.run(em, feed)
    for name, row in zip("AB", sess.run(model.emit)):
        print(
            name, "emits", " ".join("%s %.4f" % (letters[i], row[i]) for i in range(0, SYMBOLS, 5))
        )
    print("moves", np.round(sess.run(model.move), 4).tolist())
    print("posterior %.6f" % sess.run(model.gamma, feed)[3, 2, 0])
    print(sess.run(tf.argmax(model.gamma, -1), feed)[:, 0].tolist())
