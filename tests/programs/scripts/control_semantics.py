"""What branches and loops do besides computing: effects, order, structures, names, edge cases."""

import collections

import numpy as np
import tensorflow as tf

Pair = collections.namedtuple("Pair", "left right")


def show(name, value):
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, (list, tuple)):
        for k, part in enumerate(value):
            show("%s[%d]" % (name, k), part)
        return
    value = np.asarray(value)
    numbers = " ".join("%.5f" % v if value.dtype.kind == "f" else str(v) for v in value.ravel())
    print(name, value.dtype, list(value.shape), numbers)


session = tf.Session()
flag = tf.placeholder(tf.bool, [])
count = tf.Variable(0, name="count")
level = tf.Variable([1.0, 2.0], name="level")
session.run(tf.global_variables_initializer())

# --- side effects only in the branch that is taken
taken = tf.cond(flag, lambda: tf.assign_add(count, 1), lambda: tf.assign_sub(count, 10))
for value in (True, True, False):
    show("taken", session.run(taken, {flag: value}))
show("count", session.run(count))


def two_writes():
    with tf.control_dependencies([tf.assign(level, level * 2.0)]):
        return tf.reduce_sum(level.read_value())


written = tf.cond(flag, two_writes, lambda: tf.constant(-1.0))
show("written", [session.run(written, {flag: value}) for value in (False, True, True)])
show("level", session.run(level))

# an operation as a result
operation = tf.cond(flag, lambda: tf.assign(count, 100).op, lambda: tf.no_op())
print("an operation gives", session.run(operation, {flag: True}))
show("count", session.run(count))

# --- structures
many = tf.cond(flag, lambda: {"a": 1, "b": [2.0, (3.0,)]}, lambda: {"a": 4, "b": [5.0, (6.0,)]})
print("keys", sorted(many), type(many["b"]).__name__, type(many["b"][1]).__name__)
found = session.run(many, {flag: False})
show("many", [found["a"], found["b"][0], found["b"][1][0]])
named = tf.cond(flag, lambda: Pair(1.0, 2), lambda: Pair(3.0, 4))
print("named", type(named).__name__)
show("named", session.run(named, {flag: True}))
one = tf.cond(flag, lambda: [tf.constant(1.0)], lambda: [tf.constant(2.0)])
strict = tf.cond(flag, lambda: [tf.constant(1.0)], lambda: [tf.constant(2.0)], strict=True)
print("one of a list", isinstance(one, list), isinstance(strict, list))

# --- a branch's gradient flows to what it reads, and is zero for what only the other one reads
x, y = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [2])
chosen = tf.cond(flag, lambda: x * x, lambda: y * y * y)
slopes = tf.gradients(chosen, [x, y])
for value in (True, False):
    show("slopes", session.run(slopes, {flag: value, x: [1, 2], y: [3, 4]}))

# --- case: the first that is true, else the default; in order of the pairs
n = tf.placeholder(tf.int32, [])
which = tf.case(
    [(n < 0, lambda: "negative"), (n < 10, lambda: "small"), (n < 100, lambda: "middling")],
    default=lambda: "large",
)
print("which", [session.run(which, {n: v}).decode() for v in (-5, 5, 50, 500)])
exclusive = tf.case(
    [(n < 5, lambda: tf.constant(1)), (n > 3, lambda: tf.constant(2))], exclusive=True
)
show("exclusive", [session.run(exclusive, {n: v}) for v in (3, 5)])
switched = tf.switch_case(n, {0: lambda: 10, 1: lambda: 20}, default=lambda: -1)
show("switched", [session.run(switched, {n: v}) for v in (0, 1, 2, 3, -1)])

# --- while: structures, limits, shapes
state = tf.while_loop(
    lambda k, s: k < 3,
    lambda k, s: (k + 1, {"sum": s["sum"] + tf.to_float(k), "pair": Pair(s["pair"].right, k)}),
    (tf.constant(0), {"sum": tf.constant(0.5), "pair": Pair(tf.constant(7), tf.constant(8))}),
)
print("state", type(state).__name__, sorted(state[1]), type(state[1]["pair"]).__name__)
k, held = session.run(state)
show("state", [k, held["sum"], held["pair"].left, held["pair"].right])
single = tf.while_loop(lambda k: k < 5, lambda k: k + 2, [tf.constant(0)])
same = tf.while_loop(lambda k: k < 5, lambda k: k + 2, [tf.constant(0)], return_same_structure=True)
print("single", isinstance(single, list), isinstance(same, list))
show("single", session.run([single, same]))
for most in (0, 1, 3, 100):
    limited = tf.while_loop(
        lambda k, t: k < 7, lambda k, t: (k + 1, t * 2.0), (0, 1.0), maximum_iterations=most
    )
    show("at most %d" % most, session.run(limited))
zero = tf.while_loop(lambda k, t: k < 0, lambda k, t: (k + 1, t * x), [0, y])
show("no turn", session.run(zero, {x: [1, 2], y: [3, 4]}))
show("its slopes", session.run(tf.gradients(zero[1], [y]), {x: [1, 2], y: [3, 4]}))
grown = tf.while_loop(
    lambda k, rows: k < n,
    lambda k, rows: (k + 1, tf.concat([rows, rows[:1] + 1.0], 0)),
    [tf.constant(0), tf.zeros([1, 2])],
    shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 2])],
)
print("grown", grown[1].shape.as_list())
for value in (0, 3):
    show("grown", session.run(grown, {n: value}))
held_back = tf.while_loop(lambda k, t: k < 3, lambda k, t: (k + 1, t * x), [0, y], back_prop=False)[
    1
]
print("no gradient", tf.gradients(held_back * x, [y]))

# --- variables inside loops
session.run(count.initializer)


def counted(k):
    with tf.control_dependencies([tf.assign_add(count, k)]):
        return k + 1


loop = tf.while_loop(lambda k: k < 5, counted, [0])
show("counted", [session.run(loop), session.run(count)])
with tf.control_dependencies([loop]):
    after = count.read_value()
show("after", session.run(after))
with tf.control_dependencies([tf.assign(count, -7)]):
    behind = tf.while_loop(
        lambda k, t: k < 3, lambda k, t: (k + 1, t + count.read_value()), [0, 0], name="behind"
    )
show("behind", session.run(behind))

# --- asserts in loops; the loop that fails changes what earlier turns changed no more
checked = tf.while_loop(
    lambda k, t: k < 10,
    lambda k, t: (
        k + 1,
        tf.cond(t < 20, lambda: t + k, lambda: tf.identity(t)),
    ),
    [0, 0],
)
show("checked", session.run(checked))


def asserted(k):
    with tf.control_dependencies([tf.Assert(k < n, [k], name="below")]):
        return k + 1


guarded = tf.while_loop(lambda k: k < 6, asserted, [0])
show("guarded", session.run(guarded, {n: 6}))
try:
    session.run(guarded, {n: 3})
except tf.errors.InvalidArgumentError as error:
    print("assertion failed" in str(error))

# --- maps, folds and scans
rows = tf.placeholder(tf.float32, [None, 2])
table = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
pairs = tf.map_fn(lambda r: (r * 2.0, tf.reduce_sum(r)), rows, dtype=(tf.float32, tf.float32))
show("pairs", session.run(pairs, {rows: table}))
ints = tf.map_fn(lambda r: tf.to_int32(r[0]), rows, dtype=tf.int32)
show("ints", session.run(ints, {rows: table}))
both = tf.map_fn(lambda t: t["a"] * t["b"], {"a": rows, "b": tf.range(3.0)}, dtype=tf.float32)
show("both", session.run(both, {rows: table}))
show("empty", session.run([pairs, ints], {rows: np.zeros([0, 2])}))
sums = tf.scan(
    lambda a, r: Pair(a.left + r, a.right * 2), rows, Pair(tf.zeros([2]), tf.constant(1))
)
print("sums", type(sums).__name__)
show("sums", session.run(sums, {rows: table}))
for reverse in (False, True):
    show(
        "ran", session.run(tf.scan(lambda a, r: a * 0.5 + r, rows, reverse=reverse), {rows: table})
    )
    begun = tf.scan(lambda a, r: a - r, rows, initializer=tf.ones([2]), reverse=reverse)
    show("begun", session.run(begun, {rows: table}))
    show("begun slope", session.run(tf.gradients(begun, rows), {rows: table}))
show("none", session.run(begun, {rows: np.zeros([0, 2])}))
show("folded", session.run(tf.foldl(lambda a, r: a * 2 + r, rows), {rows: table}))
show("folded", session.run(tf.foldr(lambda a, r: a * 2 + r, rows), {rows: table}))
widths = tf.foldl(
    lambda a, t: a + t[0] * tf.reduce_sum(t[1]), (tf.range(3.0), rows), initializer=0.0
)
show("widths", session.run(widths, {rows: table}))

# --- one in another, with gradients of captured tensors and of variables
weight = tf.Variable([[0.5, -0.25], [0.125, 1.0]], name="weight")
session.run(weight.initializer)


def branch_in_while_in_scan(a, r):
    def turn(k, h):
        h = tf.cond(
            tf.reduce_sum(h) > 0.5, lambda: tf.tanh(tf.matmul(h, weight)), lambda: h + r * 0.25
        )
        return k + 1, h

    return tf.while_loop(lambda k, h: k < 3, turn, [0, a])[1]


deep = tf.scan(branch_in_while_in_scan, tf.expand_dims(rows, 1), tf.zeros([1, 2]))
loss = tf.reduce_sum(tf.square(deep))
show("deep", session.run([deep, *tf.gradients(loss, [weight, rows])], {rows: table}))

# stop_gradient and custom gradients inside
stopped = tf.while_loop(
    lambda k, h: k < 3, lambda k, h: (k + 1, h * x + tf.stop_gradient(h)), [0, y]
)[1]
show("stopped", session.run([stopped, *tf.gradients(stopped, [x, y])], {x: [1, 2], y: [3, 4]}))


@tf.custom_gradient
def doubled_back(t):
    return tf.identity(t), lambda ct: ct * 2.0


custom = tf.scan(lambda a, r: doubled_back(a) * r, rows, tf.ones([2]))
show("custom", session.run([custom, *tf.gradients(custom, rows)], {rows: table}))

# gradients taken inside a loop: descent in the graph
start = tf.placeholder(tf.float32, [2])


def descend(k, p):
    return k + 1, p - 0.1 * tf.gradients(tf.reduce_sum(tf.square(p - [1.0, -1.0])), p)[0]


lowest = tf.while_loop(lambda k, p: k < 20, descend, [0, start])[1]
show("lowest", session.run(lowest, {start: [5, 5]}))

# --- names and scopes
with tf.variable_scope("outer"):

    def cell(a, r):
        with tf.variable_scope("cell", reuse=tf.AUTO_REUSE):
            w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
        return a * w + r

    tf.scan(cell, rows, tf.zeros([2]))
    tf.cond(flag, lambda: tf.get_variable("in_branch", []), lambda: tf.constant(0.0))
print("variables", [v.name for v in tf.trainable_variables()])
trained = tf.while_loop(
    lambda k, t: k < 2, lambda k, t: (k + 1, tf.layers.dense(t, 2, name="dense")), [0, rows]
)
print("layers", [v.name for v in tf.trainable_variables() if "dense" in v.name])

# --- random numbers: new ones in every turn
drawn = tf.scan(lambda a, r: tf.random_uniform([2]), rows, tf.zeros([2]))
numbers = session.run(drawn, {rows: table})
print("different", len(set(numbers.ravel().tolist())) == 6)
again = session.run(drawn, {rows: table})
print("different again", not np.array_equal(numbers, again))
