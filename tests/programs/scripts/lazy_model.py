"""A model as a class whose parts are built once, on first use, each in a scope of its name."""

import functools

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_wine


def doublewrap(function):
    @functools.wraps(function)
    def decorator(*args, **kwargs):
        if len(args) == 1 and len(kwargs) == 0 and callable(args[0]):
            return function(args[0])
        return lambda wrapee: function(wrapee, *args, **kwargs)

    return decorator


@doublewrap
def define_scope(function, scope=None, *args, **kwargs):
    attribute = "_cache_" + function.__name__
    name = scope or function.__name__

    @property
    @functools.wraps(function)
    def decorator(self):
        if not hasattr(self, attribute):
            with tf.variable_scope(name, *args, **kwargs):
                setattr(self, attribute, function(self))
        return getattr(self, attribute)

    return decorator


def start(shape, dtype=None, partition_info=None):
    rows, columns = [int(n) for n in shape]
    return tf.constant(np.random.RandomState(rows).randn(rows, columns) * 0.3, dtype)


class Model(object):
    def __init__(self, wine, label):
        self.wine = wine
        self.label = label
        self.prediction
        self.optimize
        self.error

    @define_scope(initializer=start)
    def prediction(self):
        x = self.wine
        for k, units in enumerate((16, 8)):
            with tf.variable_scope("layer_%d" % k):
                size = x.shape[1].value
                x = tf.nn.elu(
                    tf.matmul(x, tf.get_variable("w", (size, units)))
                    + tf.get_variable("b", [units], initializer=tf.zeros_initializer)
                )
        w = tf.get_variable("out", [x.get_shape().as_list()[-1], 3])
        return tf.nn.softmax(tf.matmul(x, w))

    @define_scope
    def optimize(self):
        logprob = tf.log(self.prediction + 1e-12)
        cross_entropy = -tf.reduce_sum(self.label * logprob)
        self.cost = cross_entropy
        optimizer = tf.train.RMSPropOptimizer(0.003, decay=0.9, momentum=0.5)
        return optimizer.minimize(cross_entropy)

    @define_scope
    def error(self):
        mistakes = tf.not_equal(tf.argmax(self.label, 1), tf.argmax(self.prediction, 1))
        return tf.reduce_mean(tf.cast(mistakes, tf.float32))


def main():
    data = load_wine()
    x = ((data.data - data.data.mean(0)) / data.data.std(0)).astype(np.float32)
    y = tf.one_hot(data.target, 3, on_value=1.0, off_value=0.0, axis=-1)
    wine = tf.placeholder(tf.float32, [None, 13])
    label = tf.placeholder(tf.float32, [None, 3])
    model = Model(wine, label)
    for variable in tf.global_variables():
        print(variable.name, variable.get_shape())
    with tf.Session() as sess:
        sess.run(tf.initialize_all_variables())
        y = sess.run(y)
        order = np.random.RandomState(1).permutation(len(x))
        train, test = order[:120], order[120:]
        for epoch in range(5):
            error, cost = sess.run([model.error, model.cost], {wine: x[test], label: y[test]})
            print("Test error {:6.2f}% cost {:.4f}".format(100 * error, cost))
            for k in range(8):
                rows = train[k * 15 : (k + 1) * 15]
                sess.run(model.optimize, {wine: x[rows], label: y[rows]})


if __name__ == "__main__":
    main()
