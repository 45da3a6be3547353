"""L2-regularised logistic regression with checks, prints and a metric computed by SciPy's kin."""

from __future__ import print_function

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from tensorflow.python.framework import ops
from tensorflow.python.ops import array_ops, math_ops

cancer = load_breast_cancer()
X = (cancer.data - cancer.data.mean(axis=0)) / cancer.data.std(axis=0)
Y = cancer.target.astype(np.float64).reshape(-1, 1)
split = 400


def auc(labels, scores):
    return np.float32(roc_auc_score(labels.ravel(), scores.ravel()))


def trim(values):
    """Largest and smallest, and a count."""
    return values.max(), values.min(), np.int64(values.size)


ops.reset_default_graph()
x = tf.placeholder(tf.float64, [None, 30])
y = tf.placeholder(tf.float64, [None, 1])
beta = tf.placeholder(tf.float64, ())
w = tf.Variable(np.zeros([30, 1]), name="w")
b = tf.Variable(0.0, dtype=tf.float64, name="b")

rows = array_ops.shape(x)[0]
agrees = tf.Assert(tf.equal(rows, tf.shape(y)[0]), ["rows differ", rows, tf.shape(y)], summarize=5)
finite = tf.verify_tensor_all_finite(x, "features must be finite")
with tf.control_dependencies(
    [
        agrees,
        tf.assert_less_equal(y, tf.ones([], tf.float64)),
        tf.assert_non_negative(y, message="labels are 0 or 1"),
    ]
):
    logits = math_ops.matmul(finite, w) + b
data_loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
loss = data_loss + beta * tf.nn.l2_loss(w)
loss = tf.Print(
    loss, [loss, tf.reduce_max(tf.abs(w))], message="loss and largest weight: ", first_n=2
)
prediction = tf.round(tf.nn.sigmoid(logits))
accuracy = tf.reduce_mean(tf.to_float(tf.equal(prediction, y)))
area = tf.py_func(auc, [y, tf.nn.sigmoid(logits)], tf.float32, name="auc")
area.set_shape([])
high, low, size = tf.py_func(trim, [logits], [tf.float64, tf.float64, tf.int64], stateful=False)
train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
confusion = tf.confusion_matrix(tf.squeeze(y), tf.squeeze(prediction), num_classes=2)

config = tf.ConfigProto(intra_op_parallelism_threads=1)
for strength in (0.0, 0.1):
    with tf.Session(config=config) as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(61):
            feed = {x: X[:split], y: Y[:split], beta: strength}
            value, _ = sess.run([loss, train], feed)
            if step % 20 == 0:
                print("beta %.1f step %d loss %.8f" % (strength, step, value))
        test = {x: X[split:], y: Y[split:]}
        print("accuracy %.4f auc %.6f" % tuple(sess.run([accuracy, area], test)))
        print("logits from %.5f to %.5f of %d" % tuple(sess.run([low, high, size], test)))
        print("confusion", sess.run(confusion, test).tolist())
        for what, bad in (
            ("rows", {x: X[:3], y: Y[:2], beta: 0}),
            ("labels", {x: X[:3], y: Y[:3] - 1.5, beta: 0}),
            ("features", {x: X[:3] * np.nan, y: Y[:3], beta: 0}),
        ):
            try:
                sess.run(train, bad)
                print(what, "went unnoticed")
            except tf.errors.InvalidArgumentError as e:
                print(what, "refused;", "labels are" in str(e), "must be finite" in str(e))
        print("weights moved by nothing: %.6f" % np.abs(sess.run(w)).sum())
