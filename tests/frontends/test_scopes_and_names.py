"""Names, variable scopes, placeholders, shapes."""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import GraphError


def test_variable_scopes_prefix_and_reopen():
    with tf.variable_scope("a") as scope:
        w = tf.get_variable("w", [2])
        with tf.variable_scope("b"):
            inner = tf.get_variable("w", [2])
    with tf.variable_scope(scope):
        other = tf.get_variable("v", [2])
        op = tf.identity(w, name="op")
    assert [v.name for v in (w, inner, other)] == ["a/w:0", "a/b/w:0", "a/v:0"]
    assert op.name == "a_1/op:0"
    assert scope.name == "a"


def test_reuse_shares_and_auto_reuse_makes_what_is_missing():
    with tf.variable_scope("s"):
        w = tf.get_variable("w", [2])
    with tf.variable_scope("s", reuse=True):
        assert tf.get_variable("w", [2]) is w
        with tf.variable_scope("deeper"), pytest.raises(GraphError):
            tf.get_variable("absent", [2])
    for _ in range(2):
        with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
            assert tf.get_variable("w") is w
            tf.get_variable("x", [1])
    assert [v.name for v in tf.global_variables()] == ["s/w:0", "s/x:0"]


def test_reuse_variables_turns_sharing_on_from_there():
    with tf.variable_scope("s") as scope:
        w = tf.get_variable("w", [2])
        scope.reuse_variables()
        assert tf.get_variable("w", [2]) is w


def test_default_names_are_numbered_per_scope():
    names = []
    for outer in ("p", "q"):
        with tf.variable_scope(outer):
            for _ in range(2):
                with tf.variable_scope(None, default_name="cell"):
                    names.append(tf.get_variable("w", [1]).name)
    assert names == ["p/cell/w:0", "p/cell_1/w:0", "q/cell/w:0", "q/cell_1/w:0"]


def test_scope_defaults_reach_the_variables(session):
    with tf.variable_scope(
        "s",
        initializer=tf.constant_initializer(3.0),
        regularizer=tf.contrib.layers.l2_regularizer(0.5),
        dtype=tf.float64,
    ):
        w = tf.get_variable("w", [2])
    losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    sess = session()
    sess.run(w.initializer)
    assert w.dtype is tf.float64
    assert sess.run(losses) == [0.5 * 9.0]


def test_a_custom_getter_is_asked_first():
    seen = []

    def getter(make, name, **kwargs):
        seen.append(name)
        return make(name, **{**kwargs, "trainable": False})

    with tf.variable_scope("s", custom_getter=getter):
        w = tf.get_variable("w", [2])
    assert seen == ["s/w"]
    assert not w.trainable


def test_variable_scope_decorates_functions():
    @tf.variable_scope("f")
    def make():
        return tf.get_variable("w", [1])

    assert make().name == "f/w:0"


def test_name_scopes_number_ops_as_tf1_does():
    names = []
    for _ in range(2):
        with tf.name_scope("s"):
            names += [tf.constant(1.0, name="c").name, tf.constant(1.0, name="c").name]
    assert names == ["s/c:0", "s/c_1:0", "s_1/c:0", "s_1/c_1:0"]
    with tf.name_scope(None, "fallback") as scope:
        assert scope == "fallback/"


def test_ops_take_tf1_names_by_default():
    x = tf.placeholder(tf.float32, [2, 2])
    assert [t.op.name for t in (x, tf.matmul(x, x), tf.identity(x), tf.constant(1.0))] == [
        "Placeholder", "MatMul", "Identity", "Const",
    ]  # fmt: skip


def test_placeholder_sizes_are_named_or_fresh():
    x = tf.placeholder(tf.float32, ["batch", 784], name="x")
    y = tf.placeholder(tf.float32, [None, 784], name="y")
    same = tf.placeholder(tf.int32, ["batch"])
    assert x.get_shape().as_list() == [None, 784]
    assert str(x.type) == "float32[batch, 784]"
    assert str(y.type) == "float32[y_0, 784]"
    assert same.type.shape == x.type.shape[:1]
    assert tf.placeholder(tf.float32).shape.ndims is None


def test_shapes_read_as_tf1_shapes():
    x = tf.placeholder(tf.float32, [None, 3, 4])
    assert x.shape.ndims == len(x.shape) == 3
    assert x.shape[1].value == 3
    assert x.shape[0].value is None
    assert int(x.shape[2]) == 4
    assert x.shape[1:] == [3, 4]
    assert x.shape[1:].num_elements() == 12
    assert not x.shape.is_fully_defined()
    assert x.shape[1] * 2 == 6
    assert (x.shape[0] == 5) is None
    assert x.shape.is_compatible_with([7, 3, 4])
    assert not x.shape.is_compatible_with([7, 3, 5])
    assert tf.TensorShape([2, None]).concatenate([3]).as_list() == [2, None, 3]
    assert str(tf.TensorShape([2, None])) == "(2, ?)"
    with pytest.raises(TypeError, match="not known until the graph runs"):
        int(x.shape[0])


def test_symbolic_sizes_work_as_shape_arguments(session):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    by_dimension = tf.zeros([x.shape[0], 2])
    by_tensor = tf.ones([tf.shape(x)[0] * 2, 2])
    flat = tf.reshape(x, [-1])
    like = tf.reshape(flat, tf.shape(x))
    sess = session()
    feed = {x: np.arange(12.0).reshape(4, 3)}
    assert sess.run(by_dimension, feed).shape == (4, 2)
    assert sess.run(by_tensor, feed).shape == (8, 2)
    assert like.type.shape == x.type.shape
    np.testing.assert_array_equal(sess.run(like, feed), feed[x])


def test_set_shape_adds_what_is_known(session):
    x = tf.placeholder(tf.float32, name="x")
    x.set_shape([None, 3])
    assert x.get_shape().as_list() == [None, 3]
    y = tf.layers.dense(x, 2, name="d")
    assert y.get_shape().as_list() == [None, 2]


def test_control_dependencies_and_groups_run_what_they_name(session):
    v = tf.Variable(0.0)
    with tf.control_dependencies([v.assign_add(1.0)]):
        result = tf.constant(5.0) * 1.0
    sess = session()
    sess.run(v.initializer)
    assert sess.run(result) == 5.0
    assert sess.run(v) == 1.0
    assert sess.run(tf.group(v.assign_add(1.0), v.assign_add(1.0))) is None
    assert sess.run(v) == 3.0


def test_tuple_waits_for_all(session):
    v = tf.Variable(0.0)
    a, _ = tf.tuple([tf.constant(1.0), v.assign_add(2.0)])
    sess = session()
    sess.run(v.initializer)
    assert sess.run(a) == 1.0
    assert sess.run(v) == 2.0


def test_graph_lookup_and_collections():
    x = tf.placeholder(tf.float32, [2], name="x")
    graph = tf.get_default_graph()
    assert graph.as_graph_element("x:0") is x
    assert graph.as_graph_element("x") is x.op
    tf.add_to_collection("things", x)
    tf.add_to_collection("things", 3)
    assert graph.get_collection("things") == [x, 3]
    assert tf.get_collection("things", scope="x") == [x]
    tf.get_collection_ref("things").clear()
    assert tf.get_collection("things") == []
    assert x.consumers() == []
    assert tf.identity(x).op in x.consumers()


def test_device_scopes_are_recorded():
    with tf.device("/cpu:0"):
        x = tf.constant(1.0)
    assert x.device == "/cpu:0"
    assert tf.constant(1.0).device == ""


def test_every_listed_name_exists():
    import frontends.tf as api

    missing = [name for name in dir(api) if not hasattr(api, name)]
    assert missing == []
    for module in ("nn", "layers", "losses", "train", "random", "initializers", "errors"):
        assert dir(getattr(api, module))


def test_a_tf1_name_that_is_not_provided_says_so():
    with pytest.raises(AttributeError, match=r"tf\.FIFOQueue is part of TF1 but not provided"):
        tf.FIFOQueue  # noqa: B018
    with pytest.raises(AttributeError, match=r"tf.nn.quantized_conv2d is part of TF1"):
        tf.nn.quantized_conv2d  # noqa: B018
    with pytest.raises(AttributeError, match=r"there is no tf.reduce_men; near: tf.reduce_mean"):
        tf.reduce_men  # noqa: B018
    with pytest.raises(AttributeError, match=r"tf.train.Server is part of TF1"):
        tf.train.Server  # noqa: B018


def test_forwarded_functions_read_like_written_ones():
    import inspect

    assert list(inspect.signature(tf.add).parameters) == ["x", "y", "name"]
    assert list(inspect.signature(tf.nn.relu).parameters) == ["features", "name"]
    assert "x + y" in tf.add.__doc__


def test_operators_and_random_ops_have_the_names_of_tf1():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    made = [x + 1.0, x - 1.0, x * 2.0, x / 2.0, x // 2.0, x % 2.0, x**2.0, x + 2.0, 1.0 - x]
    made += [tf.random_normal([2], 1.0, 2.0), tf.random_uniform([2], -1.0, 1.0, name="u")]
    made += [tf.truncated_normal([2]), tf.random_uniform([2], 0, 5, tf.int32, name="i")]
    assert [t.op.name for t in made] == [
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "add_1", "sub_1",
        "random_normal", "u", "truncated_normal", "i",
    ]  # fmt: skip


def test_an_op_made_by_an_operator_is_found_by_name(session):
    x = tf.placeholder(tf.float32, [None], name="x")
    with tf.name_scope("head"):
        _ = x * 2.0
    assert session().run("head/mul:0", {"x:0": [1.0, 2.0]}).tolist() == [2.0, 4.0]
