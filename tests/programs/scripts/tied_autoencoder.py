"""A denoising autoencoder with tied weights, trained layer by layer, then as a whole."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

data = (load_digits().data / 16).astype(np.float32)


class TiedAutoencoder:
    """scikit-learn-like: its own graph, fit, transform, reconstruct."""

    def __init__(self, sizes, seed=0, l1=1e-4):
        self.graph = tf.Graph()
        rng = np.random.RandomState(seed)
        with self.graph.as_default():
            self.x = tf.placeholder(tf.float32, [None, sizes[0]], name="clean")
            self.noisy = tf.placeholder(tf.float32, [None, sizes[0]], name="noisy")
            self.layers = []
            code, clean = self.noisy, self.x
            self.stages = []
            for k, (n, m) in enumerate(zip(sizes, sizes[1:])):
                with tf.variable_scope("layer%d" % k):
                    bound = 4 * np.sqrt(6.0 / (n + m))
                    w = tf.get_variable(
                        "w", initializer=rng.uniform(-bound, bound, (n, m)).astype(np.float32)
                    )
                    b = tf.get_variable("b", [m], initializer=tf.zeros_initializer())
                    c = tf.get_variable("c", [n], initializer=tf.zeros_initializer())
                    self.layers.append((w, b, c))
                    target = tf.stop_gradient(clean)
                    hidden = tf.sigmoid(tf.nn.xw_plus_b(tf.stop_gradient(code), w, b))
                    back = tf.sigmoid(tf.matmul(hidden, tf.transpose(w)) + c)
                    stage = tf.reduce_mean(tf.reduce_sum(tf.square(target - back), 1))
                    self.stages.append(
                        tf.train.GradientDescentOptimizer(0.1).minimize(stage, var_list=[w, b, c])
                    )
                    code = tf.sigmoid(tf.nn.xw_plus_b(code, w, b), name="code")
                    clean = tf.sigmoid(tf.nn.xw_plus_b(clean, w, b))
            self.code = clean
            self.output = self.decode(clean)
            denoised = self.decode(code)
            self.cost = tf.sqrt(tf.reduce_mean(tf.square(self.x - denoised)))
            sparsity = tf.add_n([tf.reduce_sum(tf.abs(w)) for w, _, _ in self.layers])
            total = self.cost + l1 * sparsity
            self.train = tf.train.RMSPropOptimizer(0.002, momentum=0.3).minimize(total)
            init = tf.global_variables_initializer()
        self.session = tf.Session(graph=self.graph)
        self.session.run(init)

    def decode(self, code):
        for w, _, c in reversed(self.layers):
            code = tf.nn.sigmoid(tf.matmul(code, w, transpose_b=True) + c)
        return code

    def partial_fit(self, op, x, noise):
        feed = {self.x: x, self.noisy: x * noise}
        return self.session.run([self.cost, op], feed_dict=feed)[0]

    def transform(self, x):
        return self.session.run(self.code, {self.x: x})

    def reconstruct(self, x):
        return self.session.run(self.output, {self.x: x})


def main():
    model = TiedAutoencoder([64, 32, 12])
    rng = np.random.RandomState(1)
    for name, op, rounds in (
        ("layer 0", model.stages[0], 20),
        ("layer 1", model.stages[1], 20),
        ("all", model.train, 60),
    ):
        for k in range(rounds):
            rows = rng.randint(0, 1500, 100)
            noise = (rng.uniform(size=(100, 64)) > 0.2).astype(np.float32)
            cost = model.partial_fit(op, data[rows], noise)
            if k % 20 == 0:
                print("%s, round %d: cost %.6f" % (name, k, cost))
    error = np.sqrt(np.mean((model.reconstruct(data[1500:]) - data[1500:]) ** 2))
    print("held out error %.6f" % error)
    print("code", " ".join("%.4f" % v for v in model.transform(data[:1]).ravel()))


if __name__ == "__main__":
    main()
