"""XOR: a linear unit cannot say it, and settles at 0.5 everywhere; a few ReLUs solve it.

The linear unit's best answer to all four questions is 0.5 (squared error 0.25).  Should end with
a squared error of the ReLU net below 0.0001.
"""

import numpy as np

import graphc as tf

QUESTIONS = np.float32([[0, 0], [0, 1], [1, 0], [1, 1]])
ANSWERS = np.float32([[0], [1], [1], [0]])
STEPS, HIDDEN, SEED = 1500, 8, 4


def linear(x: tf.Tensor) -> tf.Tensor:
    return tf.layers.dense(x, 1, name="linear")


def relu_net(x: tf.Tensor) -> tf.Tensor:
    hidden = tf.layers.dense(x, HIDDEN, activation=tf.nn.relu, name="hidden")
    return tf.layers.dense(hidden, 1, name="out")


def main() -> None:
    tf.set_random_seed(SEED)
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    y = tf.placeholder(tf.float32, [None, 1], name="y")
    for model in (linear, relu_net):
        with tf.variable_scope(model.__name__):
            answer = model(x)
            loss = tf.losses.mean_squared_error(y, answer)
        train = tf.train.AdamOptimizer(0.02).minimize(loss)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            for _ in range(STEPS):
                sess.run(train, {x: QUESTIONS, y: ANSWERS})
            given, error = sess.run([answer, loss], {x: QUESTIONS, y: ANSWERS})
        shown = "  ".join(
            f"{a:g} xor {b:g} = {v:.2f}" for (a, b), v in zip(QUESTIONS, given[:, 0], strict=True)
        )
        print(f"{model.__name__:8}  {shown}   squared error {error:.5f}")


if __name__ == "__main__":
    main()
