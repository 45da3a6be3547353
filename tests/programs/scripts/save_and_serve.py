"""Train, then restore in other processes: by the same code, and by the meta graph alone."""

import os
import sys

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_iris

tf.flags.DEFINE_string("out", "/tmp/iris", "where checkpoints are")
tf.flags.DEFINE_enum("mode", "train", ["train", "resume", "serve"], "what to do")
FLAGS = tf.flags.FLAGS

iris = load_iris()
order = np.random.RandomState(3).permutation(150)
X = (iris.data - iris.data.mean(0))[order].astype(np.float32)
Y = iris.target[order].astype(np.int32)


def build():
    rng = np.random.RandomState(5)
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    y = tf.placeholder(tf.int32, [None], name="y")
    w1 = tf.Variable(rng.randn(4, 8).astype("float32") * 0.3, name="w1")
    b1 = tf.Variable(tf.zeros([8]), name="b1")
    w2 = tf.Variable(rng.randn(8, 3).astype("float32") * 0.3, name="w2")
    b2 = tf.Variable(tf.zeros([3]), name="b2")
    hidden = tf.nn.tanh(tf.nn.xw_plus_b(x, w1, b1), name="hidden")
    logits = tf.nn.xw_plus_b(hidden, w2, b2, name="logits")
    probabilities = tf.nn.softmax(logits, name="probabilities")
    loss = tf.losses.sparse_softmax_cross_entropy(labels=y, logits=logits)
    step = tf.train.get_or_create_global_step()
    train_op = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, global_step=step, name="train")
    tf.add_to_collection("answers", tf.argmax(probabilities, 1, name="answer"))
    return x, y, loss, step, train_op


def train(first):
    x, y, loss, step, train_op = build()
    saver = tf.train.Saver(max_to_keep=2)
    path = os.path.join(FLAGS.out, "net")
    with tf.Session() as sess:
        if first:
            sess.run(tf.global_variables_initializer())
        else:
            latest = tf.train.latest_checkpoint(FLAGS.out)
            print("resuming from %s" % os.path.basename(latest))
            saver.restore(sess, latest)
        for _ in range(30):
            value, _, at = sess.run([loss, train_op, step], {x: X, y: Y})
            if sess.run(step) % 10 == 0:
                print("step %d loss %.6f" % (sess.run(step), value))
                saver.save(sess, path, global_step=step)
        print([os.path.basename(p) for p in saver.last_checkpoints])


def serve():
    latest = tf.train.latest_checkpoint(FLAGS.out)
    with tf.Session(graph=tf.Graph()) as sess:
        saver = tf.train.import_meta_graph(latest + ".meta")
        saver.restore(sess, latest)
        graph = tf.get_default_graph()
        x = graph.get_tensor_by_name("x:0")
        probabilities = graph.get_tensor_by_name("probabilities:0")
        (answer,) = tf.get_collection("answers")
        found, sure = sess.run([answer, probabilities], feed_dict={x: X})
        print("right %.4f" % np.mean(found == Y))
        print("sure of the first:", " ".join("%.5f" % p for p in sure[0]))
        # fine-tune a new head over the frozen hidden layer
        hidden = tf.stop_gradient(graph.get_tensor_by_name("hidden:0"))
        head = tf.Variable(np.eye(8, 3, dtype=np.float32), name="head")
        y = graph.get_operation_by_name("y").outputs[0]
        again = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=tf.matmul(hidden, head))
        )
        tune = tf.train.GradientDescentOptimizer(0.5).minimize(again, var_list=[head])
        sess.run(tf.variables_initializer([head]))
        for k in range(20):
            value, _ = sess.run([again, tune], {x: X, y: Y})
            if k % 5 == 0:
                print("new head, step %d: %.6f" % (k, value))
        # the graph's own training goes on too
        sess.run("train", {x: X, y: Y})
        print("global step", sess.run(tf.train.get_global_step()))


def main(argv):
    if len(argv) > 1:
        sys.exit("unknown: %s" % argv[1:])
    if FLAGS.mode == "serve":
        serve()
    else:
        train(first=FLAGS.mode == "train")


if __name__ == "__main__":
    tf.app.run(main)
