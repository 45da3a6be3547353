"""What a person is told of branches and loops that are wrong: one test per mistake."""

import pytest

X = 'x = tf.placeholder(tf.float32, [2, 3], name="x")\n'
ROWS = 'x = tf.placeholder(tf.float32, [5], name="x")\n'
P = 'p = tf.placeholder(tf.bool, [], name="p")\n'

BUILT = {
    "a loop variable changes its dtype": X
    + """
def body(i, total):
    total = total + tf.cast(i, tf.float32)
    return i + 1, tf.cast(total, tf.float64)

tf.while_loop(lambda i, t: i < 3, body, [0, x])
""",
    "a loop variable changes its shape": X
    + """
def body(i, rows):
    rows = rows * 2.0
    return i + 1, tf.concat([rows, rows], 0)

tf.while_loop(lambda i, t: i < 3, body, [0, x])
""",
    "a counter becomes a float": "tf.while_loop(lambda i: i < 3, lambda i: i + 1.0, [0])\n",
    "a size that no invariant leaves open": X
    + """
def body(i, rows):
    return i + 1, tf.concat([rows, rows], 1)

shapes = [tf.TensorShape([]), tf.TensorShape([None, 3])]
tf.while_loop(lambda i, t: i < 3, body, [0, x], shape_invariants=shapes)
""",
    "an invariant that the start does not have": X
    + """
shapes = [tf.TensorShape([None, 4])]
tf.while_loop(lambda t: True, lambda t: t, [x], shape_invariants=shapes)
""",
    "a body that returns too little": X
    + "tf.while_loop(lambda i, t: i < 3, lambda i, t: i + 1, [0, x])\n",
    "a body that forgets to return": X
    + """
def body(i, t):
    i = i + 1

tf.while_loop(lambda i, t: i < 3, body, [0, x])
""",
    "a condition for every element": X + "tf.while_loop(lambda t: t < 3, lambda t: t + 1, [x])\n",
    "a condition that is a number": "tf.while_loop(lambda t: t - 3, lambda t: t + 1, [0])\n",
    "branches of different dtypes": P + X + "tf.cond(p, lambda: x, lambda: tf.cast(x, tf.int32))\n",
    "branches of different ranks": P + X + "tf.cond(p, lambda: x, lambda: (x[0]))\n",
    "one value of several differs": P + X + "tf.cond(p, lambda: (x, 1), lambda: (x, 1.0))\n",
    "branches of different structures": P + X + "tf.cond(p, lambda: (x, x), lambda: x)\n",
    "a branch that forgets to return": P + X + "tf.cond(p, lambda: x, lambda: None)\n",
    "a predicate for every element": X + "tf.cond(x > 0, lambda: x, lambda: -x)\n",
    "a tensor of a body outside": X
    + """
kept = []

def body(t):
    kept.append(t * 2.0)
    return kept[0]

tf.while_loop(lambda t: tf.reduce_sum(t) < 3, body, [x])
y = x + kept[0]
""",
    "arithmetic with a tensor of a body": X
    + """
kept = []
tf.map_fn(lambda t: kept.append(t * 2.0) or t, x)
y = kept[0] + 1.0
""",
    "a map that changes the dtype": ROWS + "tf.map_fn(lambda t: tf.cast(t, tf.int32), x)\n",
    "a map that gives more": ROWS + "tf.map_fn(lambda t: (t, t), x)\n",
    "a scan that grows": X + "tf.scan(lambda a, t: tf.concat([a, t], 0), x)\n",
    "a scan that changes the dtype": X
    + "tf.scan(lambda a, t: tf.reduce_sum(t), x, initializer=0)\n",
    "a scan that gives more": X + "tf.scan(lambda a, t: (a, t), x)\n",
    "a scan of a number": "tf.scan(lambda a, t: a + t, tf.constant(3.0))\n",
    "a scan of unequal lengths": X
    + """
y = tf.placeholder(tf.float32, [5, 3], name="y")
tf.scan(lambda a, t: a + t[0] * t[1], (x, y), initializer=tf.zeros([3]))
""",
    "lengths of another batch": """
x = tf.placeholder(tf.float32, [2, 5, 3], name="x")
cell = tf.nn.rnn_cell.BasicRNNCell(2)
tf.nn.dynamic_rnn(cell, x, sequence_length=[3, 4, 5], dtype=tf.float32)
""",
}

RUN = {
    "a fetch inside a loop": X
    + """
kept = []
tf.map_fn(lambda t: kept.append(t * 2.0) or t, x)
session().run(kept[0], {x: np.ones((2, 3))})
""",
    "a feed inside a loop": X
    + """
kept = []
y = tf.map_fn(lambda t: kept.append(t * 2.0) or kept[0], x)
session().run(y, {x: np.ones((2, 3)), kept[0]: np.ones(3)})
""",
    "a value that is not finite": ROWS
    + """
def body(total, t):
    return tf.check_numerics(total + tf.log(t), "the sum of the logarithms")

session().run(tf.scan(body, x, 0.0), {x: [1, 2, 0, -1, 2]})
""",
    "a NaN in a loop that checks are added to": """
x = tf.placeholder(tf.float32, [None, 3], name="x")

def body(total, row):
    scale = tf.cond(row[0] > 0, lambda: tf.log(row[1]), lambda: row[1])
    return total + scale * row

sums = tf.scan(body, x, tf.zeros([3]))
check = tf.add_check_numerics_ops()
session().run([sums, check], {x: [[1, 2, 3], [0, -1, 2], [1, 0, 0], [1, 1, 1]]})
""",
    "an infinity in a gradient that checks are added to": """
x = tf.placeholder(tf.float32, [], name="x")
n = tf.placeholder(tf.int32, [], name="n")
_, y = tf.while_loop(lambda k, h: k < n, lambda k, h: (k + 1, tf.sqrt(h) - 1.0), [0, x])
slope = tf.gradients(y, x)
check = tf.add_check_numerics_ops()
session().run([slope, check], {x: 4.0, n: 3})
""",
    "an assertion in a loop in a loop": """
x = tf.placeholder(tf.float32, [None, None], name="x")

def add(total, t):
    with tf.control_dependencies([tf.assert_positive(t, message="only what is positive")]):
        return total + t

sums = tf.map_fn(lambda row: tf.foldl(add, row, 0.0), x)
session().run(sums, {x: [[1, 2, 3], [1, 0, 1]]})
""",
    "an assertion in a branch in a while": """
n = tf.placeholder(tf.int32, [], name="n")

def checked(k):
    with tf.control_dependencies([tf.Assert(k < 2, ["k is", k])]):
        return k + 1

last = tf.while_loop(
    lambda k: k < n, lambda k: tf.cond(k > 0, lambda: checked(k), lambda: k + 1), [0]
)
session().run(last, {n: 5})
""",
    "a row that is not there": """
x = tf.placeholder(tf.float32, [None], name="x")
k = tf.placeholder(tf.int32, [None], name="k")
picked = tf.map_fn(lambda at: tf.gather(x, at), k, dtype=tf.float32)
session().run(picked, {x: [1, 2, 3], k: [2, 1, 5, 0]})
""",
    "a sequence_length beyond the time": """
x = tf.placeholder(tf.float32, [2, None, 3], name="x")
n = tf.placeholder(tf.int32, [2], name="n")
cell = tf.nn.rnn_cell.BasicRNNCell(2)
y, _ = tf.nn.dynamic_rnn(cell, x, n, dtype=tf.float32)
with session() as sess:
    sess.run(tf.global_variables_initializer())
    sess.run(y, {x: np.ones((2, 5, 3)), n: [3, 6]})
""",
    "no predicate of a case is true": """
n = tf.placeholder(tf.int32, [], name="n")
y = tf.case([(n < 0, lambda: 1), (n > 5, lambda: 2)])
session().run(y, {n: 3})
""",
    "two predicates of an exclusive case are true": """
n = tf.placeholder(tf.int32, [], name="n")
y = tf.case([(n < 5, lambda: 1), (n > 2, lambda: 2)], default=lambda: 3, exclusive=True)
session().run(y, {n: 3})
""",
}


@pytest.mark.parametrize("mistake", BUILT)
def test_a_wrong_branch_or_loop_is_told_where_it_is_built(mistake, complaint, golden):
    assert complaint(BUILT[mistake]) == golden


@pytest.mark.parametrize("mistake", RUN)
def test_a_branch_or_loop_that_fails_says_where_and_in_which_turn(mistake, complaint, golden):
    assert complaint(RUN[mistake]) == golden
