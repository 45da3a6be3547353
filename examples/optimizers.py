"""Optimizers side by side: one valley to descend, one network to train.

Left, how far down Rosenbrock's valley each is; right, the loss of a small network on digits.
Should print that plain gradient descent is left behind by all others on the network.
"""

import numpy as np
from pictures import COLOURS, panels, save
from sklearn.datasets import load_digits

import graphc as tf

EPOCHS, BATCH, STEPS, SEED = 20, 64, 1500, 6
# name: the optimizer at a rate, its rate in the valley, its rate for the network
OPTIMIZERS = {
    "gradient descent": (tf.train.GradientDescentOptimizer, 1e-3, 0.1),
    "momentum": (lambda rate: tf.train.MomentumOptimizer(rate, 0.9), 3e-4, 0.05),
    "Nesterov": (lambda rate: tf.train.MomentumOptimizer(rate, 0.9, use_nesterov=True), 3e-4, 0.05),
    "Adagrad": (tf.train.AdagradOptimizer, 0.5, 0.1),
    "RMSProp": (tf.train.RMSPropOptimizer, 0.02, 0.003),
    "Adadelta": (lambda rate: tf.train.AdadeltaOptimizer(rate, epsilon=1e-6), 0.7, 2.0),
    "Adam": (tf.train.AdamOptimizer, 0.05, 0.003),
    "Nadam": (tf.contrib.opt.NadamOptimizer, 0.03, 0.003),
    "PowerSign": (tf.contrib.opt.PowerSignOptimizer, 6e-4, 0.05),
}


def descend(make: object, rate: float) -> list[float]:
    """Rosenbrock's function (1960) at each step from (-1.5, 2)."""
    with tf.Graph().as_default(), tf.Session() as sess:
        place = tf.Variable([-1.5, 2.0])
        x, y = tf.unstack(place)
        height = tf.square(1.0 - x) + 100.0 * tf.square(y - x * x)
        step = make(rate).minimize(height)
        sess.run(tf.global_variables_initializer())
        return [sess.run([height, step])[0] for _ in range(STEPS)]


def train(make: object, rate: float, images: np.ndarray, digits: np.ndarray) -> list[float]:
    """The mean loss of each epoch."""
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(SEED)
        x = tf.placeholder(tf.float32, [None, 64])
        y = tf.placeholder(tf.int32, [None])
        hidden = tf.layers.dense(x, 64, tf.nn.relu)
        loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(hidden, 10))
        step = make(rate).minimize(loss)
        sess.run(tf.global_variables_initializer())
        random = np.random.default_rng(SEED)
        epochs = []
        for _ in range(EPOCHS):
            order = random.permutation(len(images))
            losses = []
            for start in range(0, len(order), BATCH):
                at = order[start : start + BATCH]
                losses.append(sess.run([loss, step], {x: images[at], y: digits[at]})[0])
            epochs.append(float(np.mean(losses)))
    return epochs


def main() -> None:
    images, digits = load_digits(return_X_y=True)
    images, digits = (images / 16).astype(np.float32), digits.astype(np.int32)
    figure, (left, right) = panels(2)
    for colour, (name, (make, valley, network)) in zip(COLOURS, OPTIMIZERS.items(), strict=False):
        left.semilogy(range(1, STEPS + 1), descend(make, valley), color=colour)
        losses = train(make, network, images, digits)
        right.semilogy(range(1, EPOCHS + 1), losses, color=colour, label=name)
        print(f"{name:16} training loss after {EPOCHS} epochs {losses[-1]:.4f}")
    left.set(title="height in Rosenbrock's valley", xlabel="step", ylim=(1e-6, 1e4))
    right.set(title="training loss on digits", xlabel="epoch")
    right.legend(frameon=False, fontsize="small")
    save(figure, "optimizers.png")


if __name__ == "__main__":
    main()
