"""Writes ``fixtures/trained.*``: a small model that TensorFlow has trained and saved, its graph
beside it, and what it said.

Run with a Python that has TensorFlow: ``python tests/frontends/record_meta_graph.py``.
"""

import json
from pathlib import Path

import numpy as np
import tensorflow.compat.v1 as tf

FOLDER = Path(__file__).with_name("fixtures")


def main() -> None:
    tf.disable_eager_execution()
    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    y = tf.placeholder(tf.int64, [None], name="y")
    with tf.variable_scope("net", use_resource=False):
        init = tf.random_normal_initializer(seed=1)
        w = tf.get_variable("w", [4, 8], initializer=init)
        b = tf.get_variable("b", [8], initializer=tf.zeros_initializer())
        v = tf.get_variable("v", [8, 3], initializer=init)
    hidden = tf.nn.relu(tf.matmul(x, w) + b, name="hidden")
    logits = tf.matmul(hidden, v, name="logits")
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    loss = tf.reduce_mean(losses, name="loss")
    step = tf.Variable(0, trainable=False, name="global_step", use_resource=False)
    train = tf.train.AdamOptimizer(0.1).minimize(loss, global_step=step)
    tf.add_to_collection("outputs", logits)
    tf.add_to_collection("rate", 0.5)
    saver = tf.train.Saver({"w": w, "net/b": b, "net/v": v, "step": step})
    feeds = {x: np.arange(8).reshape(2, 4) / 8, y: [0, 2]}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(5):
            sess.run(train, feeds)
        saver.save(sess, str(FOLDER / "trained"), write_state=False)
        said = {"logits": sess.run(logits, feeds).tolist(), "loss": float(sess.run(loss, feeds))}
    (FOLDER / "trained.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main()
