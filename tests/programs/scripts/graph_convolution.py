"""Learning on a graph of few labels: sparse placeholders, a base class for layers, a mask."""

from __future__ import division

import numpy as np
import scipy.sparse as sp
import tensorflow as tf
from sklearn.datasets import load_wine
from sklearn.neighbors import kneighbors_graph

flags = tf.app.flags
FLAGS = flags.FLAGS
flags.DEFINE_float("learning_rate", 0.02, "Initial learning rate.")
flags.DEFINE_integer("epochs", 41, "Number of epochs to train.")
flags.DEFINE_integer("hidden1", 16, "Number of units in hidden layer 1.")
flags.DEFINE_float("dropout", 0.0, "Dropout rate (1 - keep probability).")
flags.DEFINE_float("weight_decay", 5e-4, "Weight for L2 loss on embedding matrix.")

_LAYER_UIDS = {}


def get_layer_uid(layer_name=""):
    _LAYER_UIDS[layer_name] = _LAYER_UIDS.get(layer_name, 0) + 1
    return _LAYER_UIDS[layer_name]


def glorot(shape, name=None):
    init_range = np.sqrt(6.0 / (shape[0] + shape[1]))
    initial = np.random.RandomState(shape[0]).uniform(-init_range, init_range, shape)
    return tf.Variable(initial.astype(np.float32), name=name)


def sparse_dropout(x, keep_prob, noise_shape):
    random_tensor = keep_prob
    random_tensor += tf.random_uniform(noise_shape)
    dropout_mask = tf.cast(tf.floor(random_tensor), dtype=tf.bool)
    pre_out = tf.sparse_retain(x, dropout_mask)
    return pre_out * (1.0 / keep_prob)


def dot(x, y, sparse=False):
    return tf.sparse_tensor_dense_matmul(x, y) if sparse else tf.matmul(x, y)


def masked_softmax_cross_entropy(preds, labels, mask):
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=preds, labels=labels)
    mask = tf.cast(mask, dtype=tf.float32)
    mask /= tf.reduce_mean(mask)
    loss *= mask
    return tf.reduce_mean(loss)


class Layer(object):
    def __init__(self, **kwargs):
        name = kwargs.get("name")
        if not name:
            layer = self.__class__.__name__.lower()
            name = layer + "_" + str(get_layer_uid(layer))
        self.name = name
        self.vars = {}

    def _call(self, inputs):
        return inputs

    def __call__(self, inputs):
        with tf.name_scope(self.name):
            outputs = self._call(inputs)
            tf.summary.histogram(self.name + "/outputs", outputs)
            return outputs


class GraphConvolution(Layer):
    def __init__(
        self, input_dim, output_dim, placeholders, sparse_inputs=False, act=tf.nn.relu, **kwargs
    ):
        super(GraphConvolution, self).__init__(**kwargs)
        self.act, self.sparse_inputs = act, sparse_inputs
        self.support, self.dropout = placeholders["support"], placeholders["dropout"]
        self.nonzero = placeholders["num_features_nonzero"]
        with tf.variable_scope(self.name + "_vars"):
            self.vars["weights"] = glorot([input_dim, output_dim], name="weights_0")

    def _call(self, inputs):
        x = inputs
        if self.sparse_inputs:
            x = sparse_dropout(x, 1 - self.dropout, self.nonzero)
        else:
            x = tf.nn.dropout(x, 1 - self.dropout)
        pre_sup = dot(x, self.vars["weights"], sparse=self.sparse_inputs)
        return self.act(dot(self.support, pre_sup, sparse=True))


def sparse_to_tuple(mx):
    mx = sp.coo_matrix(mx)
    return np.vstack((mx.row, mx.col)).transpose(), mx.data.astype(np.float32), mx.shape


def normalize_adj(adj):
    adj = sp.coo_matrix(adj + sp.eye(adj.shape[0]))
    d = sp.diags(np.power(np.array(adj.sum(1)), -0.5).flatten())
    return adj.dot(d).transpose().dot(d).tocoo()


def main(_):
    wine = load_wine()
    X = (wine.data - wine.data.mean(0)) / wine.data.std(0)
    near = kneighbors_graph(X, 5)
    support = sparse_to_tuple(normalize_adj(near + near.T.multiply(near.T > near)))
    features = sparse_to_tuple(X * (np.abs(X) > 0.3))
    labels = np.eye(3)[wine.target]
    train_mask = np.arange(178) % 12 == 0

    placeholders = {
        "support": tf.sparse_placeholder(tf.float32),
        "features": tf.sparse_placeholder(tf.float32, shape=tf.constant(features[2], tf.int64)),
        "labels": tf.placeholder(tf.float32, shape=(None, 3)),
        "labels_mask": tf.placeholder(tf.int32),
        "dropout": tf.placeholder_with_default(0.0, shape=()),
        "num_features_nonzero": tf.placeholder(tf.int32, [1]),
    }
    layers = [
        GraphConvolution(13, FLAGS.hidden1, placeholders, sparse_inputs=True),
        GraphConvolution(FLAGS.hidden1, 3, placeholders, act=lambda x: x),
    ]
    outputs = placeholders["features"]
    for layer in layers:
        outputs = layer(outputs)
    loss = 0
    for var in layers[0].vars.values():
        loss += FLAGS.weight_decay * tf.nn.l2_loss(var)
    loss += masked_softmax_cross_entropy(
        outputs, placeholders["labels"], placeholders["labels_mask"]
    )
    correct = tf.equal(tf.argmax(outputs, 1), tf.argmax(placeholders["labels"], 1))
    unmasked = 1 - tf.to_float(placeholders["labels_mask"])
    accuracy = tf.reduce_sum(tf.cast(correct, tf.float32) * unmasked) / tf.reduce_sum(unmasked)
    opt_op = tf.train.AdamOptimizer(learning_rate=FLAGS.learning_rate).minimize(loss)
    print([v.name for v in tf.trainable_variables()])

    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    feed = {
        placeholders["support"]: support,
        placeholders["features"]: features,
        placeholders["labels"]: labels,
        placeholders["labels_mask"]: train_mask.astype(np.int32),
        placeholders["num_features_nonzero"]: features[1].shape,
    }
    for epoch in range(FLAGS.epochs):
        feed.update({placeholders["dropout"]: FLAGS.dropout})
        outs = sess.run([opt_op, loss, accuracy], feed_dict=feed)
        if epoch % 10 == 0:
            print("Epoch: %04d train_loss= %.5f others_acc= %.5f" % (epoch + 1, outs[1], outs[2]))
    feed[placeholders["support"]] = tf.SparseTensorValue(*support)
    print("in the end %.5f" % sess.run(accuracy, feed))


if __name__ == "__main__":
    tf.app.run()
