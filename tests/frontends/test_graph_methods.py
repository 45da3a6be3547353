"""What TF1 lets one ask of graphs, operations and tensors."""

import numpy as np
import pytest

import graphc as tf
from frontends.tf.graph import graph_methods


def test_a_graph_lists_its_collections_and_counts_its_nodes():
    graph = tf.get_default_graph()
    assert graph.version == 0
    tf.constant(1.0, name="one")
    graph.add_to_collections(["a", "b"], 1)
    tf.get_collection_ref("empty")
    assert graph.get_all_collection_keys() == ["a", "b"]
    assert graph.version == 1
    graph.clear_collection("a")
    assert graph.get_collection("a") == []
    with tf.name_scope("outer"), tf.name_scope("inner"):
        assert graph.get_name_scope() == "outer/inner"


def test_control_dependencies_of_a_graph_take_tensors():
    graph = tf.get_default_graph()
    x = tf.constant(1.0)
    with graph.control_dependencies([x]):
        y = tf.constant(2.0)
    assert y.op.control_inputs == [x.op]


def test_the_first_made_inside_waits_for_the_others():
    v = tf.Variable(0.0)
    moved = v.assign_add(1.0)
    with tf.control_dependencies([moved]):
        first = tf.identity(v)
        with tf.control_dependencies([tf.no_op("inner")]):
            second = first + v
            third = second + v
    assert moved.op in first.op.control_inputs
    assert [op.name for op in second.op.control_inputs] == ["inner"]
    assert third.op.control_inputs == []
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(third) == 3.0  # all of them after the write


def test_a_graph_puts_operations_on_a_device():
    graph = tf.Graph()
    with graph.device("/cpu:0"):
        x = tf.constant(1.0)
    assert (x.graph, x.device) == (graph, "/cpu:0")
    with graph.as_default(), tf.Session() as sess:
        assert sess.graph_def == graph.as_graph_def(add_shapes=True)


def test_a_function_chooses_the_device_of_operations_that_have_none():
    with tf.device(lambda op: "/cpu:0" if op.type == "Placeholder" else None):
        x = tf.placeholder(tf.float32, [])
        y = x + 1.0
        with tf.device("/gpu:0"):
            z = tf.placeholder(tf.float32, [])
    assert (x.device, y.device, z.device) == ("/cpu:0", "", "/gpu:0")
    with tf.Session() as sess:
        assert sess.run(y, {x: 2.0}) == 3.0


def test_a_finished_graph_takes_no_more():
    tf.get_default_graph().finalize()
    with pytest.raises(RuntimeError, match="finalized"):
        tf.constant(1.0)


def test_feeding_can_be_forbidden():
    graph = tf.get_default_graph()
    x = tf.constant(1.0)
    assert graph.is_feedable(x)
    graph.prevent_feeding(x)
    assert not graph.is_feedable(x)
    graph.prevent_fetching(x.op)
    assert not graph.is_fetchable(x)


def test_elements_are_found_by_name():
    graph = tf.get_default_graph()
    x = tf.constant(1.0, name="x")
    assert graph.as_graph_element("x:0") is x
    assert graph.as_graph_element("x") is x.op
    with pytest.raises(KeyError, match="no operation named 'y'"):
        graph.get_operation_by_name("y")
    with pytest.raises(ValueError, match="not a tensor name"):
        graph.get_tensor_by_name("x")


def test_operations_tell_their_lines_and_readers():
    x = tf.constant(1.0)
    y = -x
    assert x.consumers() == [y.op]
    ((file, _, function, text),) = y.op.traceback
    assert file == __file__
    assert function == "test_operations_tell_their_lines_and_readers"
    assert text == "y = -x"
    assert (y.value_index, y.op.values()) == (0, [y])


@pytest.fixture
def straight() -> str:
    name = "StraightThrough"

    @tf.RegisterGradient(name)
    def gradient(op, grad):
        return grad * 2.0

    yield name
    del graph_methods.GRADIENTS[name]


def test_a_registered_gradient_takes_the_place_of_an_operations_own(session, straight):
    x = tf.placeholder(tf.float32, [2])
    with tf.get_default_graph().gradient_override_map({"Round": straight}):
        y = tf.round(x) * 3.0
    (inside,) = tf.gradients(y, x)
    (outside,) = tf.gradients(tf.square(x), x)
    values = session().run([inside, outside], {x: [1.4, -2.0]})
    np.testing.assert_array_equal(values[0], [6.0, 6.0])
    np.testing.assert_allclose(values[1], [2.8, -4.0])


def test_gradients_are_registered_once_and_found_or_missed(straight):
    with pytest.raises(KeyError, match="already registered"):
        tf.RegisterGradient(straight)(lambda op, grad: grad)
    x = tf.constant(1.0)
    with tf.get_default_graph().gradient_override_map({"Neg": "StraightThru"}):
        y = -x
    with pytest.raises(KeyError, match="near: StraightThrough"):
        tf.gradients(y, x)
