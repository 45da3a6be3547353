"""Fit scikit-learn's diabetes data twice: by the normal equations, and by gradient descent.

The closed form is one solve; gradient descent walks there.  Should print that the two agree to
better than 0.001 in every weight (the data are standardised), and the share of variance explained.
"""

import numpy as np
from sklearn.datasets import load_diabetes

import graphc as tf

STEPS = 20_000


def main() -> None:
    x_data, y_data = load_diabetes(return_X_y=True)
    x_data = (x_data - x_data.mean(0)) / x_data.std(0)
    y_data = ((y_data - y_data.mean()) / y_data.std())[:, np.newaxis]

    x = tf.constant(np.hstack([x_data, np.ones((len(x_data), 1))]), name="x")
    y = tf.constant(y_data, name="y")
    closed = tf.matrix_solve(
        tf.matmul(x, x, transpose_a=True), tf.matmul(x, y, transpose_a=True), name="closed"
    )

    w = tf.get_variable("w", [x.shape[1], 1], tf.float64, tf.zeros_initializer())
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - y), name="loss")
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        exact = sess.run(closed)
        for step in range(STEPS + 1):
            if step in (0, 10, 100, 1000, 10_000, STEPS):
                gap = np.abs(sess.run(w) - exact).max()
                print(f"step {step:6}: mean squared error {sess.run(loss):.6f}, gap {gap:.6f}")
            sess.run(train)
        gap = np.abs(sess.run(w) - exact).max()
        print(f"variance explained: {100 * (1 - sess.run(loss)):.1f} %")
        print(f"largest gap between the two: {gap:.6f}")


if __name__ == "__main__":
    main()
