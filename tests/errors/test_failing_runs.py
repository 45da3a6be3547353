"""What a person reads when a value makes a run fail: index, bound, position, line."""

import linecache

import pytest

from tests.errors.conftest import PRESENT, complaint_on, run_program


def test_index_out_of_range(complaint, golden):
    text = complaint("""
        table = tf.constant(np.zeros([4, 3], np.float32), name="table")
        ids = tf.placeholder(tf.int32, [None, 2], name="ids")
        rows = tf.gather(table, ids, name="rows")
        session().run(rows, {ids: [[0, 1], [2, 7]]})
    """)
    assert text == golden


def test_index_that_exists_only_inside_a_kernel(complaint, golden):
    text = complaint("""
        table = tf.Variable(np.zeros([4, 3], np.float32), name="table")
        ids = tf.placeholder(tf.int32, [None], name="ids")
        total = tf.reduce_sum(tf.gather(table, (ids + 1) * 2), 1)
        sess = session()
        sess.run(table.initializer)
        sess.run(total, {ids: [0, 5]})
    """)
    assert text == golden


def test_index_out_of_range_while_training(complaint, golden):
    text = complaint("""
        table = tf.Variable(np.ones([5, 2], np.float32), name="table")
        ids = tf.placeholder(tf.int32, ["batch"], name="ids")
        loss = tf.reduce_mean(tf.gather(table, ids, name="looked_up"))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        sess = session()
        sess.run(table.initializer)
        sess.run([loss, train], {ids: [0, 4, -1]})
    """)
    assert text == golden


@pytest.mark.parametrize("wanted", ["losses", "train", "[losses, train]"])
@pytest.mark.parametrize("device", PRESENT)
def test_label_out_of_range_while_training(device, wanted):
    text = complaint_on(device, f"""
        x = tf.placeholder(tf.float32, ["batch", 4], name="x")
        y = tf.placeholder(tf.int32, ["batch"], name="y")
        w = tf.Variable(np.ones([4, 3], np.float32), name="w")
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=tf.matmul(x, w))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(losses))
        sess = session()
        sess.run(w.initializer)
        sess.run({wanted}, {{x: np.ones([2, 4]), y: [1, 3]}})
    """)  # fmt: skip
    assert "SparseSoftmaxCrossEntropyWithLogits" in text
    assert "labels[1] = 3 is not in [0, 3)" in text
    assert "train.py:4   losses = tf.nn.sparse" in text


def test_not_a_number(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        y = tf.check_numerics(tf.log(x), "the logarithm")
        session().run(tf.reduce_sum(y), {x: [[1.0, 2.0], [3.0, -1.0]]})
    """)
    assert text == golden


def test_failed_assertion(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [None], name="x")
        check = tf.assert_positive(x, name="positive")
        with tf.control_dependencies([check]):
            y = tf.sqrt(x)
        session().run(y, {x: [4.0, -9.0]})
    """)
    assert text == golden


def test_python_function_of_another_shape_than_declared(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [3], name="x")
        y = tf.py_func(lambda v: v[:2], [x], tf.float32, name="shorter")
        y.set_shape([3])
        session().run(y + 1.0, {x: [1.0, 2.0, 3.0]})
    """)
    assert text == golden


def test_python_function_of_another_dtype_than_declared(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [3], name="x")
        y = tf.py_func(lambda v: v + 0.5, [x], tf.int32, name="floating")
        y.set_shape([3])
        session().run(y + 1, {x: [1.0, 2.0, 3.0]})
    """)
    assert text == golden


def test_index_out_of_range_among_rows_chosen_by_a_mask(complaint, golden):
    text = complaint("""
        table = tf.constant(np.zeros([4, 3], np.float32), name="table")
        ids = tf.placeholder(tf.int32, [None], name="ids")
        keep = tf.placeholder(tf.bool, [None], name="keep")
        rows = tf.gather(table, tf.boolean_mask(ids, keep), name="rows")
        session().run(rows, {ids: [9, 1, 8], keep: [False, True, True]})
    """)
    assert text == golden


@pytest.mark.parametrize("device", PRESENT)
def test_a_python_function_keeps_its_own_traceback_and_gains_the_node(device):
    program = """
        def picky(value):
            raise KeyError("mine")
        x = tf.placeholder(tf.float32, [3], name="x")
        y = tf.py_func(picky, [x], tf.float32, name="called")
        y.set_shape([3])
        session().run(y * 2.0, {x: np.zeros([3])})
    """
    with pytest.raises(KeyError, match="mine") as caught:
        run_program(program, device)
    frame = caught.traceback[-1]
    assert (frame.name, frame.lineno + 1) == ("picky", 2)
    assert linecache.getline("train.py", 2).strip() == 'raise KeyError("mine")'
    assert caught.value.__notes__ == [
        "while running py_func 'called'\n"
        '  at train.py:4   y = tf.py_func(picky, [x], tf.float32, name="called")'
    ]
