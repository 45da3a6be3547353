"""A deep autoencoder of sigmoids, trained by its curvature.

Eight layers of sigmoids squeeze a thousand of scikit-learn's digits through six numbers.  Gradients
fade on the way down, so the error stays for long on a plateau where every digit is drawn as the
mean of all; the Gauss-Newton matrix knows how flat each direction is.  All begin with the same
weights and see the digits as one batch.  Should print that gradient descent, momentum and L-BFGS
stay on the plateau, that Adam leaves it, and that Hessian-free gets further in as many passes.
Draws the loss against the passes over the data.
"""

from collections.abc import Callable

import numpy as np
from pictures import COLOURS, panels, save
from sklearn.datasets import load_digits

import graphc as tf

SIZES = [64, 80, 40, 20, 6]  # of the encoder's layers; the decoder's are the same, backwards
PASSES, SEED = 3000, 5  # a gradient is a pass, and a product with the curvature is one
PROBES = 2

Trainer = Callable[[tf.Tensor, tf.Tensor, tf.Session, dict], list[tuple[int, float]]]


def autoencoder(x: tf.Tensor) -> tf.Tensor:
    """The logits of the drawing."""
    tf.set_random_seed(SEED)
    for size in SIZES[1:]:
        x = tf.layers.dense(x, size, tf.sigmoid)
    for size in SIZES[-2:0:-1]:
        x = tf.layers.dense(x, size, tf.sigmoid)
    return tf.layers.dense(x, SIZES[0])


def first_order(optimizer: tf.train.Optimizer) -> Trainer:
    def train(loss: tf.Tensor, logits: tf.Tensor, sess: tf.Session, feed: dict) -> list:
        step = optimizer.minimize(loss)
        sess.run(tf.global_variables_initializer())
        return [(k + 1, sess.run([loss, step], feed)[0]) for k in range(PASSES)]

    return train


def lbfgs(loss: tf.Tensor, logits: tf.Tensor, sess: tf.Session, feed: dict) -> list:
    seen: list[tuple[int, float]] = []
    optimizer = tf.contrib.opt.ScipyOptimizerInterface(
        loss, options={"maxiter": PASSES, "maxfun": PASSES, "maxcor": 20}
    )
    sess.run(tf.global_variables_initializer())
    optimizer.minimize(
        sess, feed, fetches=[loss], loss_callback=lambda at: seen.append((len(seen) + 1, at))
    )
    return seen


def hessian_free(loss: tf.Tensor, logits: tf.Tensor, sess: tf.Session, feed: dict) -> list:
    optimizer = tf.contrib.opt.HessianFreeOptimizer(
        loss, logits, damping=0.03, cg_iterations=80, preconditioner=0.75, probes=PROBES
    )
    sess.run(tf.global_variables_initializer())
    seen, passes = [], 0
    while passes < PASSES:
        step = optimizer.minimize(sess, feed)
        passes += 1 + PROBES + step.cg_iterations
        seen.append((passes, step.after))
    return seen


TRAINERS: dict[str, Trainer] = {
    "gradient descent": first_order(tf.train.GradientDescentOptimizer(0.05)),
    "momentum": first_order(tf.train.MomentumOptimizer(0.02, 0.9)),
    "Adam": first_order(tf.train.AdamOptimizer(0.003)),
    "L-BFGS": lbfgs,
    "Hessian-free": hessian_free,
}


def main() -> None:
    images = (load_digits().data[:1000] / 16).astype(np.float32)
    figure, (axis,) = panels(1)
    for colour, (name, train) in zip(COLOURS, TRAINERS.items(), strict=False):
        with tf.Graph().as_default(), tf.Session() as sess:
            x = tf.placeholder(tf.float32, [None, 64])
            logits = autoencoder(x)
            cross = tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits)
            loss = tf.reduce_mean(tf.reduce_sum(cross, axis=1))
            passes, losses = zip(*train(loss, logits, sess, {x: images}), strict=True)
            drawn = sess.run(tf.sigmoid(logits), {x: images})
        error = np.mean(np.sum((drawn - images) ** 2, axis=1))
        axis.semilogx(passes, losses, color=colour, label=name)
        print(f"{name:16} squared error of a drawing {error:.2f}")
    axis.set(title="a deep autoencoder of sigmoids", xlabel="passes over the digits", ylabel="loss")
    axis.legend(frameon=False, fontsize="small")
    save(figure, "hessian_free.png")


if __name__ == "__main__":
    main()
