"""Balance a pole by policy gradients (REINFORCE, Williams 1992), with a learnt baseline.

The environment is the cart and pole of Barto, Sutton and Anderson (1983), built in below: push a
cart left or right so that the pole on it stays up.  An episode ends when the pole leans, the cart
leaves its track, or after 200 steps.  Should print an average of at least 120 steps at the end.
"""

import numpy as np
from pictures import COLOURS, panels, save

import graphc as tf

LIMIT, ROUNDS, EPISODES, DISCOUNT, SEED = 200, 80, 10, 0.98, 8


class CartPole:
    """Position, velocity, angle, angular velocity of several carts; Euler steps of 20 ms."""

    GRAVITY, CART, POLE, HALF, FORCE, TICK = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02

    def __init__(self, count: int, random: np.random.Generator) -> None:
        self.state = random.uniform(-0.05, 0.05, (count, 4))

    def push(self, right: np.ndarray) -> np.ndarray:
        """One tick under a push to the right (1) or left (0); which carts have failed."""
        _, v, angle, spin = self.state.T
        force = np.where(right == 1, self.FORCE, -self.FORCE)
        sin, cos = np.sin(angle), np.cos(angle)
        total, moment = self.CART + self.POLE, self.POLE * self.HALF
        push = (force + moment * spin**2 * sin) / total
        turn = (self.GRAVITY * sin - cos * push) / (
            self.HALF * (4 / 3 - self.POLE * cos**2 / total)
        )
        speed = push - moment * turn * cos / total
        change = np.stack([v, speed, spin, turn], axis=1)
        self.state = self.state + self.TICK * change
        return (np.abs(self.state[:, 0]) > 2.4) | (np.abs(self.state[:, 2]) > 0.21)


def play(choose: object, random: np.random.Generator) -> list[tuple]:
    """Episodes as (states, actions, returns)."""
    carts = CartPole(EPISODES, random)
    running = np.ones(EPISODES, bool)
    states, actions, alive = [], [], []
    for _ in range(LIMIT):
        action = choose(carts.state.astype(np.float32))
        states.append(carts.state.astype(np.float32))
        actions.append(action)
        alive.append(running.copy())
        running &= ~carts.push(action)
        if not running.any():
            break
    episodes = []
    for k, length in enumerate(np.sum(alive, axis=0)):
        returns = np.empty(length, np.float32)
        ahead = 0.0
        for t in reversed(range(length)):
            returns[t] = ahead = 1.0 + DISCOUNT * ahead
        episodes.append((np.array(states)[:length, k], np.array(actions)[:length, k], returns))
    return episodes


def main() -> None:
    tf.set_random_seed(SEED)
    state = tf.placeholder(tf.float32, [None, 4], name="state")
    taken = tf.placeholder(tf.int32, [None], name="taken")
    returns = tf.placeholder(tf.float32, [None], name="returns")

    hidden = tf.layers.dense(state, 32, tf.nn.relu)
    logits = tf.layers.dense(hidden, 2)
    action = tf.squeeze(tf.multinomial(logits, 1), axis=1)
    value = tf.squeeze(tf.layers.dense(tf.layers.dense(state, 32, tf.nn.relu), 1), axis=1)

    advantage = tf.stop_gradient(returns - value)
    surprise = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=taken, logits=logits)
    loss = tf.reduce_mean(surprise * advantage) + 0.01 * tf.reduce_mean(tf.square(returns - value))
    train = tf.train.AdamOptimizer(1e-2).minimize(loss)

    random = np.random.default_rng(SEED)
    lengths = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        choose = sess.make_callable(action, [state])
        for played in range(ROUNDS):
            episodes = play(choose, random)
            states, actions, gains = (np.concatenate(part) for part in zip(*episodes, strict=True))
            sess.run(train, {state: states, taken: actions, returns: gains})
            lengths.append([len(gain) for _, _, gain in episodes])
            if (played + 1) % 10 == 0:
                print(f"round {played + 1:3}: {np.mean(lengths[-10:]):.1f} steps an episode")

    figure, (axis,) = panels(1, width=6)
    axis.plot(np.repeat(np.arange(ROUNDS), EPISODES), np.ravel(lengths), ".", color="#cccccc")
    axis.plot(np.mean(lengths, axis=1), color=COLOURS[0])
    axis.set(title="steps the pole stays up", xlabel=f"round of {EPISODES} episodes")
    save(figure, "policy_gradient.png")
    print(f"average of the last ten rounds: {np.mean(lengths[-10:]):.1f} steps")


if __name__ == "__main__":
    main()
