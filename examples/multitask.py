"""One trunk, three tasks on handwritten digits: which digit, is it odd, how much ink.

Each task has its own head and loss; the trunk is trained by their sum, weighted by uncertainties
that are learnt too (Kendall, Gal and Cipolla, 2018).  Should print at least 93 % for the digit,
97 % for odd or even, and an error of the ink (its share of the picture) below 0.03.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import graphc as tf

EPOCHS, BATCH, SEED = 60, 64, 9


def main() -> None:
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits.astype(np.int32), test_size=0.25, random_state=SEED
    )

    tf.set_random_seed(SEED)
    x = tf.placeholder(tf.float32, [None, 64], name="x")
    digit = tf.placeholder(tf.int32, [None], name="digit")
    odd = tf.cast(tf.floormod(digit, 2), tf.float32)
    ink = tf.reduce_mean(x, axis=1)

    with tf.variable_scope("trunk"):
        trunk = tf.layers.dense(x, 96, tf.nn.relu)
        trunk = tf.layers.dense(trunk, 48, tf.nn.relu)
    digit_logits = tf.layers.dense(trunk, 10, name="digit_head")
    odd_logits = tf.squeeze(tf.layers.dense(trunk, 1, name="odd_head"), axis=1)
    ink_guess = tf.squeeze(tf.layers.dense(trunk, 1, name="ink_head"), axis=1)

    losses = tf.stack([
        tf.losses.sparse_softmax_cross_entropy(digit, digit_logits),
        tf.losses.sigmoid_cross_entropy(odd, odd_logits),
        100.0 * tf.losses.mean_squared_error(ink, ink_guess),
    ])  # fmt: skip
    doubt = tf.get_variable("doubt", [3], initializer=tf.zeros_initializer())
    total = tf.reduce_sum(tf.exp(-doubt) * losses + 0.5 * doubt)
    rate = tf.train.exponential_decay(2e-3, tf.train.get_or_create_global_step(), 200, 0.9)
    train = tf.train.AdamOptimizer(rate).minimize(total, tf.train.get_global_step())

    right = tf.equal(tf.argmax(digit_logits, 1, output_type=tf.int32), digit)
    even_right = tf.equal(tf.greater(odd_logits, 0.0), tf.greater(odd, 0.5))
    accuracies = [tf.reduce_mean(tf.cast(hit, tf.float32)) for hit in (right, even_right)]
    ink_error = tf.reduce_mean(tf.abs(ink_guess - ink))

    random = np.random.default_rng(SEED)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for epoch in range(EPOCHS):
            order = random.permutation(len(train_x))
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                sess.run(train, {x: train_x[batch], digit: train_y[batch]})
            if (epoch + 1) % 15 == 0:
                shown = sess.run(losses, {x: train_x, digit: train_y})
                print(f"epoch {epoch + 1:2}: losses {' '.join(f'{v:.4f}' for v in shown)}")
        of_digit, of_odd = sess.run(accuracies, {x: test_x, digit: test_y})
        error = sess.run(ink_error, {x: test_x})
    print(f"held-out digits right: {100 * of_digit:.1f} %")
    print(f"held-out odd or even right: {100 * of_odd:.1f} %")
    print(f"held-out error of the ink: {error:.4f}")


if __name__ == "__main__":
    main()
