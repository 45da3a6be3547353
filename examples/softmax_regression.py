"""Softmax regression on handwritten digits, and a picture of the templates it learns.

Should print a held-out accuracy of at least 94 %.
"""

import numpy as np
from pictures import panels, save, show
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import graphc as tf

STEPS, BATCH, SEED = 2000, 100, 1


def main() -> None:
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    train_x, test_x, train_y, test_y = train_test_split(
        images, np.eye(10, dtype=np.float32)[digits], test_size=0.25, random_state=SEED
    )

    x = tf.placeholder(tf.float32, [None, 64], name="x")
    y_ = tf.placeholder(tf.float32, [None, 10], name="labels")
    w = tf.Variable(tf.zeros([64, 10]), name="w")
    b = tf.Variable(tf.zeros([10]), name="b")
    logits = tf.matmul(x, w) + b
    cross_entropy = tf.reduce_mean(
        tf.nn.softmax_cross_entropy_with_logits(labels=y_, logits=logits)
    )
    train = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
    correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y_, 1))
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))

    random = np.random.default_rng(SEED)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(STEPS):
            batch = random.integers(0, len(train_x), BATCH)
            _, loss = sess.run([train, cross_entropy], {x: train_x[batch], y_: train_y[batch]})
            if (step + 1) % 500 == 0:
                print(f"step {step + 1:4}: cross entropy {loss:.3f}")
        reached = sess.run(accuracy, {x: test_x, y_: test_y})
        templates = sess.run(w).T

    figure, (axis,) = panels(1, width=6, height=2.8)
    low, high = templates.min(), templates.max()
    show(axis, (templates - low) / (high - low), 5, "what each digit looks for (dark: for)")
    save(figure, "softmax_regression.png")
    print(f"held-out accuracy: {100 * reached:.1f} %")


if __name__ == "__main__":
    main()
