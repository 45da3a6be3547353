"""Policy gradients the slow way: gradients are fetched, summed in NumPy, fed back and applied."""

import numpy as np
import tensorflow as tf

tf.reset_default_graph()
rng = np.random.RandomState(8)
GAMMA, H, D = 0.97, 10, 4


class Pole(object):
    """A pole on a cart, by Euler's method."""

    def reset(self):
        self.state = rng.uniform(-0.05, 0.05, 4)
        return self.state.copy()

    def step(self, action):
        x, v, angle, spin = self.state
        force = 10.0 if action else -10.0
        lean = (force + 0.05 * spin**2 * np.sin(angle)) / 1.1
        bend = (9.8 * np.sin(angle) - np.cos(angle) * lean) / (
            0.5 * (4.0 / 3.0 - 0.1 * np.cos(angle) ** 2 / 1.1)
        )
        push = lean - 0.05 * bend * np.cos(angle) / 1.1
        self.state = np.array(
            [x + 0.02 * v, v + 0.02 * push, angle + 0.02 * spin, spin + 0.02 * bend]
        )
        done = abs(self.state[0]) > 2.4 or abs(self.state[2]) > 0.21
        return self.state.copy(), 1.0, bool(done)


observations = tf.placeholder(tf.float32, [None, D], name="input_x")
W1 = tf.get_variable("W1", initializer=(rng.randn(D, H) / np.sqrt(D)).astype("float32"))
layer1 = tf.nn.relu(tf.matmul(observations, W1))
W2 = tf.get_variable("W2", initializer=(rng.randn(H, 1) / np.sqrt(H)).astype("float32"))
score = tf.matmul(layer1, W2)
probability = tf.nn.sigmoid(score)

tvars = tf.trainable_variables()
input_y = tf.placeholder(tf.float32, [None, 1], name="input_y")
advantages = tf.placeholder(tf.float32, name="reward_signal")
loglik = tf.log(input_y * (input_y - probability) + (1 - input_y) * (input_y + probability))
loss = -tf.reduce_mean(loglik * advantages)
newGrads = tf.gradients(loss, tvars)

adam = tf.train.AdamOptimizer(learning_rate=0.03)
W1Grad = tf.placeholder(tf.float32, name="batch_grad1")
W2Grad = tf.placeholder(tf.float32, name="batch_grad2")
batchGrad = [W1Grad, W2Grad]
updateGrads = adam.apply_gradients(zip(batchGrad, tvars))


def discount_rewards(r):
    discounted_r = np.zeros_like(r)
    running_add = 0
    for t in reversed(range(0, r.size)):
        running_add = running_add * GAMMA + r[t]
        discounted_r[t] = running_add
    return discounted_r


env = Pole()
xs, drs, ys, lengths = [], [], [], []
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    gradBuffer = [g * 0 for g in sess.run(tvars)]
    observation, episode = env.reset(), 0
    while episode < 100:
        x = np.reshape(observation, [1, D])
        tfprob = sess.run(probability, feed_dict={observations: x})
        action = 1 if rng.uniform() < tfprob[0, 0] else 0
        xs.append(x)
        ys.append(1 - action)
        observation, reward, done = env.step(action)
        drs.append(reward)
        if done or len(drs) >= 200:
            epx, epy = np.vstack(xs), np.vstack(ys)
            epr = discount_rewards(np.vstack(drs)).ravel()[:, None]
            lengths.append(len(drs))
            xs, drs, ys = [], [], []
            epr = (epr - np.mean(epr)) / (np.std(epr) + 1e-8)
            feed = {observations: epx, input_y: epy, advantages: epr}
            value, tGrad = sess.run([loss, newGrads], feed_dict=feed)
            if episode < 4:
                print(
                    "episode %d: loss %.6f |g| %s"
                    % (episode, value, " ".join("%.6f" % np.abs(g).sum() for g in tGrad))
                )
            for ix, grad in enumerate(tGrad):
                gradBuffer[ix] += grad
            if episode % 5 == 4:
                sess.run(updateGrads, feed_dict=dict(zip(batchGrad, gradBuffer)))
                gradBuffer = [g * 0 for g in gradBuffer]
            if episode in (4, 9):
                w = sess.run(W2).ravel()
                print("weights after %d:" % episode, " ".join("%.5f" % v for v in w))
            episode += 1
            observation = env.reset()
    print("longer in the end: %.1f" % float(np.mean(lengths[-20:]) > 1.5 * np.mean(lengths[:20])))
