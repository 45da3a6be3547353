"""Early stopping: averages swapped in and out, the best kept, restores under other names."""

import os

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_breast_cancer

tf.app.flags.DEFINE_string("out", "/tmp/best", "folder")
tf.app.flags.DEFINE_integer("patience", 4, "checks without gain")
tf.app.flags.DEFINE_multi_integer("layers", [16, 8], "sizes")
tf.app.flags.DEFINE_list("tags", "a,b", "words")
F = tf.app.flags.FLAGS

cancer = load_breast_cancer()
x_all = ((cancer.data - cancer.data.mean(0)) / cancer.data.std(0)).astype(np.float32)
y_all = cancer.target.astype(np.float32)[:, None]


def build(scope="net"):
    rng = np.random.RandomState(30)
    x = tf.placeholder(tf.float32, [None, 30], "x")
    y = tf.placeholder(tf.float32, [None, 1], "y")
    net = x
    with tf.variable_scope(scope) as vs:
        for k, size in enumerate(F.layers + [1]):
            w = rng.normal(0, 0.3, [net.shape[1].value, size])
            with tf.variable_scope("fc%d" % k):
                w = tf.get_variable("w", initializer=tf.constant(w, tf.float32))
                b = tf.get_variable("b", shape=size, initializer=tf.constant_initializer(0.0))
            net = tf.nn.xw_plus_b(net, w, b)
            if k < len(F.layers):
                net = tf.nn.leaky_relu(net, alpha=0.1)
        variables = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=vs.name)
    loss = tf.losses.sigmoid_cross_entropy(y, net)
    return x, y, loss, variables


def main(unused_argv):
    x, y, loss, variables = build()
    step = tf.train.get_or_create_global_step()
    opt = tf.train.AdagradOptimizer(tf.train.polynomial_decay(0.15, step, 80, 0.01, power=2.0))
    minimize = opt.minimize(loss, global_step=step)
    ema = tf.train.ExponentialMovingAverage(decay=0.8)
    with tf.control_dependencies([minimize]):
        train_op = ema.apply(variables)

    backups = [tf.Variable(v.initialized_value(), trainable=False) for v in variables]
    back_up = tf.group(*[tf.assign(b, v) for b, v in zip(backups, variables)])
    with tf.control_dependencies([back_up]):
        averaged = tf.group(*[tf.assign(v, ema.average(v).read_value()) for v in variables])
    restore = tf.group(*(v.assign(b) for b, v in zip(backups, variables)))
    saver = tf.train.Saver(variables, max_to_keep=1)
    everything = tf.train.Saver(tf.global_variables(), keep_checkpoint_every_n_hours=1)
    print(len(variables), len(tf.global_variables()), F.tags)

    train, valid = {x: x_all[:300], y: y_all[:300]}, {x: x_all[300:], y: y_all[300:]}
    best, bad = np.inf, 0
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for k in range(100):
            sess.run(train_op, train)
            if k % 4 == 3:
                plain = sess.run(loss, valid)
                sess.run(averaged)
                smooth = sess.run(loss, valid)
                if smooth < best - 1e-4:
                    best, bad = smooth, 0
                    saver.save(sess, os.path.join(F.out, "best"), write_meta_graph=False)
                else:
                    bad += 1
                sess.run(restore)
                if k % 12 == 3:
                    print("%d: %.6f %.6f" % (tf.train.global_step(sess, step), plain, smooth))
                if bad >= F.patience:
                    print("stopped at %d" % k)
                    break
        everything.save(
            sess, os.path.join(F.out, "all.ckpt"), global_step=step, latest_filename="all_state"
        )
        saver.restore(sess, os.path.join(F.out, "best"))
        print("best %.6f is %.6f" % (best, sess.run(loss, valid)))

    with tf.Graph().as_default(), tf.Session() as sess:
        x, y, loss, variables = build("other")
        sess.run(tf.global_variables_initializer())
        names = {v.op.name.replace("other", "net"): v for v in variables}
        tf.train.Saver(names).restore(sess, os.path.join(F.out, "best"))
        print("renamed %.6f" % sess.run(loss, {x: x_all[300:], y: y_all[300:]}))
        reader = tf.train.NewCheckpointReader(
            tf.train.latest_checkpoint(F.out, latest_filename="all_state")
        )
        shapes = reader.get_variable_to_shape_map()
        shadow = reader.get_tensor("net/fc0/w/ExponentialMovingAverage")
        print(len(shapes), shapes["net/fc1/w"], "%.5f" % np.abs(shadow).sum())
        w = tf.trainable_variables()[0]
        w.load(np.zeros(w.shape.as_list()), sess)
        print("without the first layer %.6f" % loss.eval({x: x_all[300:], y: y_all[300:]}))
        tf.train.init_from_checkpoint(os.path.join(F.out, "best"), {"net/fc0/": "other/fc0/"})
        sess.run(tf.variables_initializer([w]))
        print("and with it %.6f" % loss.eval({x: x_all[300:], y: y_all[300:]}))


if __name__ == "__main__":
    tf.app.run(main=main)
