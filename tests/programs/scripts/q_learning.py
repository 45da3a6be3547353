"""Deep Q-learning with a replay memory and a target network, on a small world of cells."""

import random
from collections import deque

import numpy as np
import tensorflow as tf

SIZE = 4
HOLES, GOAL = {5, 7, 11, 12}, 15


class World(object):
    """Cells in a square: holes end an episode with nothing, the goal with a reward."""

    def reset(self):
        self.at = 0
        return self.seen()

    def seen(self):
        return np.identity(SIZE * SIZE, dtype=np.float32)[self.at]

    def step(self, action):
        row, column = divmod(self.at, SIZE)
        dr, dc = ((0, -1), (1, 0), (0, 1), (-1, 0))[action]
        row, column = min(max(row + dr, 0), SIZE - 1), min(max(column + dc, 0), SIZE - 1)
        self.at = row * SIZE + column
        done = self.at in HOLES or self.at == GOAL
        reward = 1.0 if self.at == GOAL else (-0.5 if self.at in HOLES else -0.01)
        return self.seen(), reward, done


class DQN:
    def __init__(self, session, input_size, output_size, name="main"):
        self.session = session
        self.net_name = name
        self._build_network(input_size, output_size)

    def _build_network(self, n_in, n_out, h_size=24, l_rate=5e-3):
        with tf.variable_scope(self.net_name):
            self._X = tf.placeholder(tf.float32, [None, n_in], name="input_x")
            rng = np.random.RandomState(21)
            W1 = tf.get_variable(
                "W1",
                shape=[n_in, h_size],
                initializer=tf.constant_initializer(
                    rng.normal(0, 0.3, [n_in, h_size]).astype(np.float32)
                ),
            )
            layer1 = tf.nn.tanh(tf.matmul(self._X, W1))
            W2 = tf.get_variable(
                "W2",
                shape=[h_size, n_out],
                initializer=tf.constant_initializer(rng.normal(0, 0.3, [h_size, n_out])),
            )
            self._Qpred = tf.matmul(layer1, W2)
        self._A = tf.placeholder(shape=[None], dtype=tf.int32)
        self._Y = tf.placeholder(shape=[None], dtype=tf.float32)
        chosen = tf.reduce_sum(self._Qpred * tf.one_hot(self._A, n_out), axis=1)
        self._loss = tf.reduce_mean(tf.square(self._Y - chosen))
        self._train = tf.train.AdamOptimizer(learning_rate=l_rate).minimize(self._loss)

    def predict(self, state):
        return self.session.run(self._Qpred, feed_dict={self._X: np.reshape(state, [-1, 16])})

    def update(self, x_stack, actions, y_stack):
        return self.session.run(
            [self._loss, self._train],
            feed_dict={self._X: x_stack, self._A: actions, self._Y: y_stack},
        )


def get_copy_var_ops(dest_scope_name="target", src_scope_name="main"):
    op_holder = []
    src_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=src_scope_name)
    dest_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=dest_scope_name)
    for src_var, dest_var in zip(src_vars, dest_vars):
        op_holder.append(dest_var.assign(src_var.value()))
    return op_holder


def replay_train(mainDQN, targetDQN, train_batch, dis=0.95):
    states, actions, rewards, following, ends = map(np.array, zip(*train_batch))
    goals = rewards + dis * np.max(targetDQN.predict(following), axis=1) * (1 - ends)
    return mainDQN.update(states, actions, goals)


def main():
    env, replay_buffer = World(), deque(maxlen=500)
    random.seed(1)
    with tf.Session() as sess:
        mainDQN = DQN(sess, 16, 4, name="main")
        targetDQN = DQN(sess, 16, 4, name="target")
        tf.global_variables_initializer().run()
        copy_ops = get_copy_var_ops(dest_scope_name="target", src_scope_name="main")
        sess.run(copy_ops)
        updates, losses = 0, []
        for episode in range(150):
            e = 1.0 / ((episode // 10) + 1)
            done, state, steps = False, env.reset(), 0
            while not done and steps < 40:
                explore = random.random() < e
                action = random.randrange(4) if explore else int(np.argmax(mainDQN.predict(state)))
                next_state, reward, done = env.step(action)
                replay_buffer.append((state, action, reward, next_state, float(done)))
                state, steps = next_state, steps + 1
            if episode % 2 == 1 and len(replay_buffer) > 32:
                for _ in range(10):
                    loss, _ = replay_train(mainDQN, targetDQN, random.sample(replay_buffer, 32))
                    updates += 1
                    losses.append(loss)
                    if updates in (1, 10, 20, 30):
                        print("update %d: loss %.6f" % (updates, loss))
                sess.run(copy_ops)
        print("variables:", len(tf.global_variables()))
        state, path = env.reset(), [0]
        for _ in range(12):
            state, reward, done = env.step(int(np.argmax(mainDQN.predict(state))))
            path.append(env.at)
            if done:
                break
        print("reached %.1f after at most %d steps:" % (float(path[-1] == GOAL), 12))
        print("last loss below a tenth: %.1f" % float(np.mean(losses[-50:]) < 0.1))


if __name__ == "__main__":
    main()
