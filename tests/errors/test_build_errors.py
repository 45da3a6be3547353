"""What a person reads who builds a graph that cannot be."""


def test_matmul_inner_dimensions_differ(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, ["batch", 784], name="x")
        w = tf.get_variable("w", [10, 784])
        logits = tf.matmul(x, w)
    """)
    assert text == golden


def test_the_hint_casts_the_integer_operand(complaint):
    text = complaint("""
        n = tf.placeholder(tf.int32, [3], name="n")
        c = n * tf.placeholder(tf.float32, [3], name="a")
    """)
    assert "tf.cast(x, tf.float32)" in text


def test_a_missing_gradient_taken_for_a_tensor(complaint):
    text = complaint("""
        w, unused = tf.Variable([1.0, 2.0]), tf.Variable(3.0)
        pairs = tf.train.GradientDescentOptimizer(0.1).compute_gradients(tf.reduce_sum(w))
        clipped = [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in pairs]
    """)
    assert "got None" in text
    assert "if g is not None" in text


def test_shapes_do_not_broadcast(complaint, golden):
    text = complaint("""
        a = tf.zeros([3, 4], name="a")
        b = tf.placeholder(tf.float32, [3], name="b")
        c = a + b
    """)
    assert text == golden


def test_ranks_differ(complaint, golden):
    text = complaint("""
        a = tf.placeholder(tf.float32, [3], name="a")
        c = tf.concat([a, tf.zeros([2, 2])], 0)
    """)
    assert text == golden


def test_a_size_that_does_not_split_evenly(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, ["batch", 3], name="x")
        a, b = tf.split(x, 2, axis=1)
    """)
    assert text == golden


def test_an_axis_that_is_not_there(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, ["batch", 3], name="x")
        a, b, c = tf.unstack(x, axis=2)
    """)
    assert text == golden


def test_dtypes_differ(complaint, golden):
    text = complaint("""
        a = tf.placeholder(tf.float32, [3], name="a")
        n = tf.placeholder(tf.int32, [3], name="n")
        c = a * n
    """)
    assert text == golden


def test_a_float_does_not_become_an_integer(complaint, golden):
    text = complaint("""
        n = tf.placeholder(tf.int32, [3], name="n")
        c = n + 0.5
    """)
    assert text == golden


def test_variable_exists_already(complaint, golden):
    text = complaint("""
        with tf.variable_scope("layer"):
            w = tf.get_variable("w", [3])
        with tf.variable_scope("layer"):
            again = tf.get_variable("w", [3])
    """)
    assert text == golden


def test_variable_does_not_exist(complaint, golden):
    text = complaint("""
        with tf.variable_scope("layer"):
            w = tf.get_variable("weights", [3])
        with tf.variable_scope("layer", reuse=True):
            again = tf.get_variable("weight", [3])
    """)
    assert text == golden


def test_variable_shared_with_another_shape(complaint, golden):
    text = complaint("""
        w = tf.get_variable("w", [3, 4])
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            again = tf.get_variable("w", [4, 3])
    """)
    assert text == golden


def test_new_variable_without_a_shape(complaint, golden):
    text = complaint("""
        w = tf.get_variable("w")
    """)
    assert text == golden


def test_dense_needs_to_know_its_features(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [32, None], name="x")
        y = tf.layers.dense(x, 10)
    """)
    assert text == golden


def test_operand_from_another_graph(complaint, golden):
    text = complaint("""
        with tf.Graph().as_default():
            a = tf.constant(1.0, name="a")
        b = tf.constant(2.0) + a
    """)
    assert text == golden


def test_finalized_graph(complaint, golden):
    text = complaint("""
        a = tf.constant(1.0)
        tf.get_default_graph().finalize()
        b = a + 1.0
    """)
    assert text == golden


def test_no_gradient_in_any_variable(complaint, golden):
    text = complaint("""
        w = tf.get_variable("w", [3])
        loss = tf.reduce_sum(tf.cast(tf.argmax(w), tf.float32))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    """)
    assert text == golden


def test_set_shape_contradicts(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        x.set_shape([None, 4])
    """)
    assert text == golden


def test_constant_does_not_fill_the_shape(complaint, golden):
    text = complaint("""
        c = tf.constant([1.0, 2.0, 3.0], shape=[2])
    """)
    assert text == golden


def test_dropout_probability_out_of_range(complaint, golden):
    text = complaint("""
        x = tf.zeros([3])
        y = tf.nn.dropout(x, keep_prob=1.5)
    """)
    assert text == golden


def test_negative_size(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [-1, 3])
    """)
    assert text == golden
