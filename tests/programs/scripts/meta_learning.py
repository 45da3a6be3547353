"""Learning to learn sines: gradient steps inside the graph, and gradients through them."""

import numpy as np
import tensorflow as tf

flags = tf.flags
flags.DEFINE_integer("num_updates", 2, "inner steps")
flags.DEFINE_float("update_lr", 0.02, "step size of the inner steps")
flags.DEFINE_bool("stop_grad", False, "do not use second derivatives")
FLAGS = flags.FLAGS
rng = np.random.RandomState(6)


def tasks(number, shots=8):
    amplitude, phase = rng.uniform(0.5, 3, [number, 1, 1]), rng.uniform(0, np.pi, [number, 1, 1])
    x = rng.uniform(-3, 3, [number, 2 * shots, 1])
    return x.astype(np.float32), (amplitude * np.sin(x - phase)).astype(np.float32)


def construct_weights():
    weights, sizes = {}, [1, 20, 20, 1]
    for k, (n, m) in enumerate(zip(sizes, sizes[1:])):
        start = rng.normal(0, 1.0 / np.sqrt(n), [n, m]).astype(np.float32)
        weights["w%d" % k] = tf.Variable(start, name="w%d" % k)
        weights["b%d" % k] = tf.Variable(tf.zeros([m]), name="b%d" % k)
    return weights


def forward(x, weights):
    for k in range(2):
        x = tf.nn.tanh(tf.matmul(x, weights["w%d" % k]) + weights["b%d" % k])
    return tf.matmul(x, weights["w2"]) + weights["b2"]


def mse(pred, label):
    return tf.reduce_mean(tf.square(tf.reshape(pred, [-1]) - tf.reshape(label, [-1])))


def main(argv):
    meta_batch = 4
    xs = tf.placeholder(tf.float32, [meta_batch, 16, 1])
    ys = tf.placeholder(tf.float32, [meta_batch, 16, 1])
    weights = construct_weights()
    before, after = [], [[] for _ in range(FLAGS.num_updates)]
    for xa, ya in zip(tf.unstack(xs), tf.unstack(ys)):
        inputa, inputb = tf.split(xa, 2)
        labela, labelb = tf.split(ya, 2)
        fast = dict(weights)
        before.append(mse(forward(inputb, fast), labelb))
        for j in range(FLAGS.num_updates):
            loss = mse(forward(inputa, fast), labela)
            grads = tf.gradients(loss, list(fast.values()))
            if FLAGS.stop_grad:
                grads = [tf.stop_gradient(grad) for grad in grads]
            gradients = dict(zip(fast.keys(), grads))
            fast = {key: fast[key] - FLAGS.update_lr * gradients[key] for key in fast}
            after[j].append(mse(forward(inputb, fast), labelb))
    total_before = tf.add_n(before) / meta_batch
    total_after = [tf.add_n(losses) / tf.to_float(meta_batch) for losses in after]
    optimizer = tf.train.AdamOptimizer(0.005)
    gvs = optimizer.compute_gradients(total_after[-1])
    gvs = [(tf.clip_by_value(grad, -10, 10), var) for grad, var in gvs]
    metatrain_op = optimizer.apply_gradients(gvs)

    sess = tf.InteractiveSession()
    tf.global_variables_initializer().run()
    for itr in range(31):
        batch_x, batch_y = tasks(meta_batch)
        feed = {xs: batch_x, ys: batch_y}
        if itr % 6 == 0:
            pre, post = sess.run([total_before, total_after], feed)
            print("iteration %d: %.5f -> %s" % (itr, pre, " ".join("%.5f" % p for p in post)))
        sess.run(metatrain_op, feed)
    steep = [float(np.abs(g).sum()) for g in sess.run([g for g, _ in gvs], feed)]
    print("gradients", " ".join("%.4f" % s for s in steep))


if __name__ == "__main__":
    tf.app.run()
