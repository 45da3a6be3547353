"""Why self-normalizing nets work: mean and variance of every layer, 32 layers deep.

SELU with LeCun's initialisation keeps activations at mean 0 and variance 1 (Klambauer, 2017);
ReLU and tanh with the same weights fade out.  Draws the moments of each layer on the diabetes data
and should print a variance of the last SELU layer between 0.5 and 1.5, of the others below 0.1.
"""

import numpy as np
from pictures import COLOURS, panels, save
from sklearn.datasets import load_diabetes

import graphc as tf

LAYERS, WIDTH, SEED = 32, 256, 0
ACTIVATIONS = {"SELU": tf.nn.selu, "tanh": tf.tanh, "ReLU": tf.nn.relu}


def moments_of_layers(x: tf.Tensor, activation: object, name: str) -> list[tuple]:
    """The mean and variance of every layer of a deep net."""
    lecun = tf.variance_scaling_initializer(1.0, "fan_in", "untruncated_normal", seed=SEED)
    found = []
    with tf.variable_scope(name):
        for k in range(LAYERS):
            x = tf.layers.dense(x, WIDTH, activation, kernel_initializer=lecun, name=f"layer_{k}")
            found.append(tf.nn.moments(x, axes=[0, 1]))
    return found


def main() -> None:
    data = load_diabetes().data
    data = ((data - data.mean(0)) / data.std(0)).astype(np.float32)

    tf.set_random_seed(SEED)
    x = tf.placeholder(tf.float32, [None, data.shape[1]], name="x")
    nets = {name: moments_of_layers(x, f, name) for name, f in ACTIVATIONS.items()}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        measured = sess.run(nets, {x: data})

    figure, (left, right) = panels(2)
    for colour, (name, layers) in zip(COLOURS, measured.items(), strict=False):
        means, variances = zip(*layers, strict=True)
        left.plot(means, color=colour, label=name)
        right.semilogy(variances, color=colour, label=name)
        print(f"{name}: mean of the last layer {means[-1]:.3f}, variance {variances[-1]:.4f}")
    left.set(title="mean", xlabel="layer")
    right.set(title="variance", xlabel="layer")
    right.legend(frameon=False)
    save(figure, "self_normalizing.png")


if __name__ == "__main__":
    main()
