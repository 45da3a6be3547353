"""Branches and loops of every kind, with their gradients."""

import numpy as np
import tensorflow as tf

np.random.seed(0)
x = tf.placeholder(tf.float32, [None, 3], name="x")
w = tf.Variable(np.random.uniform(0.5, 1.0, [3]).astype(np.float32), name="w")
calls = tf.Variable(0, name="calls", trainable=False)
values = np.random.uniform(-1, 1, [4, 3]).astype(np.float32)

shown = {}

# cond, with captured tensors, several values and a nest
total = tf.reduce_sum(x)
shown["cond"] = tf.cond(total > 0, lambda: tf.exp(w), lambda: w * 2.0)
shown["cond of nests"] = tf.cond(
    total < 0, lambda: {"a": total, "b": (w, 1)}, lambda: {"a": -total, "b": (w * w, 2)}
)["b"][0]
shown["cond gradient"] = tf.gradients(
    tf.cond(total > 0, lambda: tf.reduce_sum(w * x), lambda: tf.reduce_sum(w)), [w, x]
)[0]
shown["case"] = tf.case(
    [(total > 100, lambda: tf.constant(1.0)), (total < 100, lambda: tf.reduce_max(x))],
    default=lambda: tf.constant(3.0),
)
shown["counted"] = tf.cond(
    total > -100, lambda: tf.assign_add(calls, 1), lambda: tf.identity(calls)
)


# while, with a dict, a nest and an invariant
def body(i, state):
    return i + 1, (state[0] * w, state[1] + tf.reduce_sum(state[0]))


_, (power, sums) = tf.while_loop(
    lambda i, state: i < 5, body, (tf.constant(0), (tf.ones([3]), tf.constant(0.0)))
)
shown["power"] = power
shown["sums"] = sums
shown["power gradient"] = tf.gradients([power, sums], w)[0]
i, grown = tf.while_loop(
    lambda i, rows: i < 3,
    lambda i, rows: [i + 1, tf.concat([rows, rows[-1:] * 2.0], 0)],
    [tf.constant(0), x],
    shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 3])],
)
shown["grown"] = grown
shown["at most"] = tf.while_loop(
    lambda n: True, lambda n: n + 2, [tf.constant(0)], maximum_iterations=7
)


# a loop in a loop, with a branch inside
def outer(i, acc):
    def inner(j, a):
        return j + 1, tf.cond(tf.equal(j % 2, 0), lambda: a + w, lambda: a * w)

    return i + 1, tf.while_loop(lambda j, a: j < i, inner, [0, acc])[1]


nested = tf.while_loop(lambda i, acc: i < 4, outer, [0, tf.zeros([3])])[1]
shown["nested"] = nested
shown["nested gradient"] = tf.gradients(nested, w)[0]

# functions over the first axis
shown["map"] = tf.map_fn(lambda row: tf.reduce_sum(row * w) * row, x)
shown["map of several"] = tf.map_fn(
    lambda pair: pair[0] * tf.cast(pair[1], tf.float32), (x, tf.range(4)), dtype=tf.float32
)
shown["scan"] = tf.scan(lambda a, row: a * w + row, x)
shown["scan from"] = tf.scan(lambda a, row: tf.tanh(a * w + row), x, initializer=tf.zeros([3]))
shown["scan reversed"] = tf.scan(lambda a, row: a * w + row, x, reverse=True)
shown["scan gradient"] = tf.gradients(shown["scan from"], w)[0]
shown["scan gradient of x"] = tf.gradients(shown["scan reversed"], x)[0]
shown["foldl"] = tf.foldl(lambda a, row: a * 0.5 - row, x)
shown["foldr"] = tf.foldr(lambda a, row: a * 0.5 - row, x, initializer=tf.ones([3]))

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for sign in (1, -1):
        for name in sorted(shown):
            value = np.asarray(session.run(shown[name], {x: sign * np.abs(values)}))
            print(name, value.shape, value.dtype, " ".join("%.5f" % v for v in value.ravel()))
    print(session.run(calls))
