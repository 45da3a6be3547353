"""Squeeze scikit-learn's handwritten digits through eight numbers and draw them again.

Trains on 1,347 digits, measures on the other 450.  Should print that at least 80 % of the held-out
variance survives, where the eight best linear components (PCA) keep about 67 %.  Draws digits, what
the autoencoder makes of them, and what the linear components make of them.
"""

import numpy as np
from pictures import panels, save, show
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

import graphc as tf

SIZES = [64, 48, 24, 8]  # of the encoder's layers; the decoder's are the same, backwards
EPOCHS, BATCH, SEED = 120, 50, 3


def layer(x: tf.Tensor, size: int, name: str, activation: object) -> tf.Tensor:
    with tf.variable_scope(name):
        w = tf.get_variable("w", [x.shape[1], size])  # glorot_uniform, TF1's default
        b = tf.get_variable("b", [size], initializer=tf.zeros_initializer())
    y = tf.matmul(x, w) + b
    return y if activation is None else activation(y)


def encode(x: tf.Tensor) -> tf.Tensor:
    for k, size in enumerate(SIZES[1:-1]):
        x = layer(x, size, f"encoder_{k}", tf.nn.elu)
    return layer(x, SIZES[-1], "code", None)


def decode(code: tf.Tensor) -> tf.Tensor:
    x = code
    for k, size in enumerate(reversed(SIZES[1:-1])):
        x = layer(x, size, f"decoder_{k}", tf.nn.elu)
    return layer(x, SIZES[0], "drawing", tf.sigmoid)


def variance_kept(images: np.ndarray, drawn: np.ndarray) -> float:
    return 1 - ((images - drawn) ** 2).sum() / ((images - images.mean(0)) ** 2).sum()


def main() -> None:
    images = (load_digits().data / 16).astype(np.float32)
    train_x, test_x = train_test_split(images, test_size=0.25, random_state=SEED)

    tf.set_random_seed(SEED)
    x = tf.placeholder(tf.float32, [None, 64], name="x")
    rate = tf.placeholder(tf.float32, [], name="rate")
    drawing = decode(encode(x))
    loss = tf.reduce_mean(tf.reduce_sum(tf.square(drawing - x), axis=1), name="loss")
    decay = tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables() if v.shape.ndims == 2])
    train = tf.train.AdamOptimizer(rate).minimize(loss + 1e-4 * decay)

    random = np.random.default_rng(SEED)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for epoch in range(EPOCHS):
            order = random.permutation(len(train_x))
            losses = []
            for start in range(0, len(order), BATCH):
                batch = {x: train_x[order[start : start + BATCH]], rate: 4e-3 * 0.98**epoch}
                losses.append(sess.run([loss, train], batch)[0])
            if (epoch + 1) % 20 == 0:
                print(f"epoch {epoch + 1:3}: squared error of a drawing {np.mean(losses):.2f}")
        redrawn = sess.run(drawing, {x: test_x})
        kept = variance_kept(test_x, redrawn)

    pca = PCA(SIZES[-1]).fit(train_x)
    projected = pca.inverse_transform(pca.transform(test_x))
    linear = variance_kept(test_x, projected)
    figure, axes = panels(3, width=3.2)
    for axis, images, title in zip(
        axes, (test_x, redrawn, projected), ("held out", "autoencoder", "PCA"), strict=True
    ):
        show(axis, np.clip(images[:36], 0, 1), 6, title)
    save(figure, "autoencoder.png")
    print(f"eight linear components keep {100 * linear:.1f} % of the held-out variance")
    print(f"the autoencoder keeps {100 * kept:.1f} %")


if __name__ == "__main__":
    main()
