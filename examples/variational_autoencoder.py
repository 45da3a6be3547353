"""A variational autoencoder of handwritten digits (Kingma and Welling, 2013).

The code of a digit is a Gaussian; what is maximised is the evidence lower bound: how well a sample
of the code redraws the digit, less the divergence of the code from a standard normal.  Draws digits
from codes sampled at random, and the map of the two-dimensional code.  Should print a held-out
bound above -25.5 nats a digit, where one rate per pixel and no code gets -27.1.
"""

import numpy as np
from pictures import COLOURS, panels, save, show
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import graphc as tf

CODE, HIDDEN, EPOCHS, BATCH, SEED = 2, 128, 150, 64, 5


def encoder(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean and the log variance of the code of ``x``."""
    h = tf.layers.dense(x, HIDDEN, tf.nn.relu, name="e1")
    h = tf.layers.dense(h, HIDDEN // 2, tf.nn.relu, name="e2")
    return tf.layers.dense(h, CODE, name="mean"), tf.layers.dense(h, CODE, name="log_variance")


def decoder(code: tf.Tensor) -> tf.Tensor:
    """The logits of the pixels."""
    h = tf.layers.dense(code, HIDDEN // 2, tf.nn.relu, name="d1")
    h = tf.layers.dense(h, HIDDEN, tf.nn.relu, name="d2")
    return tf.layers.dense(h, 64, name="pixels")


def main() -> None:
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    train_x, test_x, _, test_y = train_test_split(images, digits, random_state=SEED)

    tf.set_random_seed(SEED)
    x = tf.placeholder(tf.float32, [None, 64], name="x")
    mean, log_variance = encoder(x)
    noise = tf.random_normal(tf.shape(mean))
    code = mean + tf.exp(0.5 * log_variance) * noise
    logits = decoder(code)
    likelihood = -tf.reduce_sum(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits), axis=1
    )
    divergence = 0.5 * tf.reduce_sum(
        tf.exp(log_variance) + tf.square(mean) - 1.0 - log_variance, axis=1
    )
    bound = tf.reduce_mean(likelihood - divergence, name="bound")
    train = tf.train.AdamOptimizer(2e-3).minimize(-bound)
    drawn = tf.sigmoid(logits)

    random = np.random.default_rng(SEED)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for epoch in range(EPOCHS):
            order = random.permutation(len(train_x))
            for start in range(0, len(order), BATCH):
                sess.run(train, {x: train_x[order[start : start + BATCH]]})
            if (epoch + 1) % 25 == 0:
                print(f"epoch {epoch + 1:3}: bound {sess.run(bound, {x: train_x}):.2f}")
        held_out = np.mean([sess.run(bound, {x: test_x}) for _ in range(20)])
        samples = sess.run(drawn, {code: random.standard_normal((60, CODE))})
        places = sess.run(mean, {x: test_x})

    figure, (left, right) = panels(2)
    for digit in range(10):
        of = places[test_y == digit]
        left.scatter(*of.T, s=12, label=str(digit), color=COLOURS[digit], alpha=0.7)
    left.set(title="where held-out digits lie in the code")
    left.legend(frameon=False, ncols=2, fontsize="small", markerscale=1.5)
    show(right, samples, 10, "digits drawn from random codes")
    save(figure, "variational_autoencoder.png")
    print(f"held-out bound: {held_out:.2f} nats a digit")


if __name__ == "__main__":
    main()
