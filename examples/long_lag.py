"""What a recurrent network remembers over 200 steps: the adding problem.

After experiment 4 of "Long short-term memory" (Hochreiter and Schmidhuber, 1997). Each step shows a
number from [-1, 1] and a mark, 1 at two of the steps; after the last the network is to say 0.5 and
a quarter of the sum of the two marked numbers. An answer within 0.04 is right.

The loss's gradient at the state of a step, the "delta", shrinks at each step that it goes back
through a tanh network; in the cells of an LSTM it stays. Draws the errors of both while they learn,
and their deltas before and after. Always to say 0.5 costs 1/24: the tanh network should end about
there, and the LSTM below 0.001 with more than 98 % right.
"""

from typing import Any

import numpy as np
from pictures import COLOURS, panels, save

import graphc as tf

TIME, UNITS, BATCH, STEPS, RATE, SEED = 200, 32, 64, 2000, 5e-3, 5


class LSTMCell1997(tf.nn.rnn_cell.RNNCell):
    """The cell as it was first: what it holds stays, and its input gates begin all but shut.

    The forget gates of ``tf.nn.rnn_cell.LSTMCell`` are of 2000.  They begin at 0.73, and of a delta
    that passes 200 of these nothing is left.
    """

    state_size = tf.nn.rnn_cell.LSTMStateTuple(UNITS, UNITS)
    output_size = UNITS

    def call(self, x: Any, state: Any) -> Any:
        seen = tf.concat([x, state.h], 1)
        shut = tf.constant_initializer(-5.0)
        entering = tf.layers.dense(seen, UNITS, tf.sigmoid, bias_initializer=shut, name="entering")
        leaving = tf.layers.dense(seen, UNITS, tf.sigmoid, name="leaving")
        c = state.c + entering * tf.layers.dense(seen, UNITS, tf.tanh, name="new")
        h = leaving * tf.tanh(c)
        return h, tf.nn.rnn_cell.LSTMStateTuple(c, h)


class Net:
    """A cell along time. Zeros are added to its states: their gradient is that of the states."""

    def __init__(self, name: str, cell: Any, x: Any, y: Any, rate: Any) -> None:
        self.name = name
        zeros = tf.zeros([TIME, BATCH, UNITS])
        with tf.variable_scope(None, "net") as scope:

            def turn(state: Any, given: Any) -> Any:
                now, zero = given
                _, state = cell(now, state)
                if cell.state_size == UNITS:
                    return state + zero
                return state._replace(c=state.c + zero)

            states = tf.scan(turn, (x, zeros), cell.zero_state(BATCH, tf.float32))
            last = states[-1] if cell.state_size == UNITS else states.h[-1]
            said = tf.layers.dense(last, 1)[:, 0]
            weights = tf.trainable_variables(scope.name)
        self.error = tf.reduce_mean(tf.square(said - y))
        self.right = 100 * tf.reduce_mean(tf.cast(tf.abs(said - y) < 0.04, tf.float32))
        *slopes, delta = tf.gradients(self.error, [*weights, zeros])
        self.deltas = tf.norm(tf.cast(delta[:-1], tf.float64), axis=[1, 2])
        clipped, _ = tf.clip_by_global_norm(slopes, 1.0)
        adam = tf.train.AdamOptimizer(rate)
        self.train = adam.apply_gradients(zip(clipped, weights, strict=True))


def sequences(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and marks [TIME, BATCH, 2], and what is to be said after the last [BATCH]."""
    numbers = random.uniform(-1, 1, [TIME, BATCH])
    marks = np.zeros([TIME, BATCH])
    each = np.arange(BATCH)
    first, second = random.integers([[1], [10]], [[10], [TIME // 2]], size=[2, BATCH])
    marks[first, each] = marks[second, each] = 1
    marks[[0, -1]] = -1  # so does the paper mark the ends
    said = 0.5 + (numbers[first, each] + numbers[second, each]) / 4
    return np.stack([numbers, marks], 2).astype(np.float32), said.astype(np.float32)


def main() -> None:
    tf.set_random_seed(SEED)
    x = tf.placeholder(tf.float32, [TIME, BATCH, 2], name="x")
    y = tf.placeholder(tf.float32, [BATCH], name="y")
    rate = tf.placeholder(tf.float32, [], name="rate")
    nets = [
        Net("tanh network", tf.nn.rnn_cell.BasicRNNCell(UNITS), x, y, rate),
        Net("LSTM", LSTMCell1997(), x, y, rate),
    ]
    figure, (left, right) = panels(2)
    unseen = np.random.default_rng(SEED)
    held_out = [sequences(unseen) for _ in range(16)]
    shown = dict(zip([x, y], held_out[0], strict=True))

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for net, colour in zip(nets, COLOURS, strict=False):
            step = sess.make_callable([net.error, net.train], [x, y, rate])
            random = np.random.default_rng(SEED + 1)
            before = sess.run(net.deltas, shown)
            errors = []
            for k in range(STEPS):
                errors.append(step(*sequences(random), RATE * (1 - k / STEPS))[0])
                if (k + 1) % 500 == 0:
                    print(f"{net.name}, step {k + 1}: error {np.mean(errors[-100:]):.4f}")
            after = sess.run(net.deltas, shown)
            found = [sess.run([net.error, net.right], {x: a, y: b}) for a, b in held_out]
            error, correct = np.mean(found, axis=0)
            share = before[0] / before[-1]
            print(f"{net.name}: share of the delta that reaches the first step {share:.1e}")
            print(f"{net.name}: {correct:.1f} % right, held-out error {error:.4f}")
            left.semilogy(
                range(20, STEPS + 1, 20), np.reshape(errors, [-1, 20]).mean(1), color=colour
            )
            left.text(STEPS, np.mean(errors[-100:]) * 1.3, net.name, color=colour, ha="right")
            right.semilogy(range(1, TIME), before, ":", color=colour)
            right.semilogy(range(1, TIME), after, color=colour)
    left.axhline(1 / 24, color="grey", linewidth=0.8, linestyle=":")
    left.text(STEPS, 1 / 26, "always 0.5", color="grey", ha="right", va="top", fontsize="small")
    left.set(xlabel="step of training", title="mean squared error")
    right.set(
        xlabel="step of the sequence",
        title="norm of the loss's gradient at the state,\nbefore training (dotted) and after",
        ylim=(1e-9, 1),
    )
    save(figure, "long_lag.png")


if __name__ == "__main__":
    main()
