"""Graphs as GraphDef messages: TensorFlow's read, ours written, both cut and frozen."""

from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from frontends.tf.graph_def.node_defs import ROWS
from graphc.ir.op import Kind
from graphc.ops.running.precision import reference_values
from graphc.protocol import read_text
from runtime.devices.reference.evaluate import evaluate
from tests.ops.sampling import OneNode, cases
from tests.tolerances import assert_close

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def frozen() -> object:
    return tf.GraphDef.FromString((FIXTURES / "frozen.pb").read_bytes())


def outputs(graph_def: object) -> list[str]:
    return sorted(
        (n.name for n in graph_def.node if n.name.startswith("out/")), key=lambda n: int(n[4:])
    )


def test_a_graph_frozen_by_tensorflow_gives_what_tensorflow_gives(session, frozen):
    held = np.load(FIXTURES / "frozen.npz")
    names = [f"{name}:0" for name in outputs(frozen)]
    tensors = tf.import_graph_def(frozen, return_elements=names, name="")
    values = session().run(tensors, {"x:0": held["x"], "ids:0": held["ids"]})
    assert len(values) == len(names) > 40
    for k, value in enumerate(values):
        assert_close(value, held[f"out{k}"], slack=10.0)


def test_a_training_graph_of_tensorflow_starts_runs_and_steps(session):
    held = np.load(FIXTURES / "training.npz")
    given = tf.GraphDef.FromString((FIXTURES / "training.pb").read_bytes())
    tf.import_graph_def(given, name="")
    sess = session()
    sess.run("start")
    feed = {"x:0": held["x"], "ids:0": held["ids"]}
    names = outputs(given)
    for name, value in zip(names, sess.run([f"{n}:0" for n in names], feed), strict=True):
        assert_close(value, held[f"out{name[4:]}"], slack=10.0)
    before = sess.run("net/w:0")
    sess.run("step")
    np.testing.assert_allclose(sess.run("net/w:0"), before - 0.05, rtol=1e-5)


def test_it_goes_out_and_comes_back(session, frozen):
    held = np.load(FIXTURES / "frozen.npz")
    with tf.Graph().as_default() as first:
        tf.import_graph_def(frozen, name="")
    kept = [n for n in outputs(frozen) if n != "out/30"]  # a range of the batch size
    again = tf.graph_util.extract_sub_graph(first.as_graph_def(), kept)
    tensors = tf.import_graph_def(again, return_elements=[f"{n}:0" for n in kept], name="")
    values = session().run(tensors, {"x:0": held["x"], "ids:0": held["ids"]})
    for name, value in zip(kept, values, strict=True):
        assert_close(value, held[f"out{name[4:]}"], slack=10.0)


def test_nodes_are_written_as_tensorflow_writes_them():
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    with tf.name_scope("layer"), tf.device("/cpu:0"):
        y = tf.matmul(x, tf.ones([3, 4]), transpose_b=True, name="product")
    with tf.control_dependencies([x]):
        tf.split(y, 3, 1, name="parts")
    tf.reduce_mean(y, 1, name="mean")
    tf.identity(tf.get_default_graph().get_tensor_by_name("parts:2"), name="last")
    nodes = {n.name: n for n in tf.get_default_graph().as_graph_def(add_shapes=True).node}
    product = nodes["layer/product"]
    assert (product.op, product.device) == ("MatMul", "/device:CPU:0")
    assert (product.attr["transpose_a"].b, product.attr["transpose_b"].b) == (False, True)
    assert product.attr["T"].type == 1
    sizes = [d.size for d in product.attr["_output_shapes"].list.shape[0].dim]
    assert sizes == [-1, 3]
    assert nodes["parts"].op == "SplitV"
    assert nodes["parts"].input[-1] == "^x"
    assert list(nodes["last"].input) == ["parts:2"]
    assert list(nodes["mean"].input) == ["layer/product", "mean/reduction_indices"]
    held = tf.make_ndarray(nodes["mean/reduction_indices"].attr["value"].tensor)
    assert held == 1


def test_an_operation_tells_its_attributes_by_their_names_there():
    total = tf.reduce_sum(tf.ones([2]), 0, keepdims=True)
    assert total.op.get_attr("keep_dims") is True
    assert total.op.get_attr("T") is tf.float32
    assert total.op.node_def.op == "Sum"
    with pytest.raises(ValueError, match="has no attribute 'nope'"):
        total.op.get_attr("nope")


def graph_of(text: str) -> object:
    return read_text(text, tf.GraphDef())


def test_all_unknown_operations_are_named_before_anything_is_made():
    given = graph_of("""
        node { name: "a" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
        node { name: "b" op: "Frobnicate" input: "a" }
        node { name: "c" op: "Frobnicate" input: "a" }
        node { name: "d" op: "Twist" input: "a" }
    """)
    with pytest.raises(tf.errors.UnimplementedError) as caught:
        tf.import_graph_def(given)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("the graph has 2 kinds of operations that are not provided")
    assert [line.split() for line in lines[1:3]] == [["Frobnicate:", "b,", "c"], ["Twist:", "d"]]
    assert tf.get_default_graph().get_operations() == []


LINE = """
    node { name: "a" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
    node { name: "b" op: "Neg" input: "a" }
"""


def test_names_are_under_a_scope_of_their_own():
    tf.import_graph_def(graph_of(LINE))
    tf.import_graph_def(graph_of(LINE))
    (b,) = tf.import_graph_def(graph_of(LINE), return_elements=["b"], name="mine")
    assert b.name == "mine/b"
    names = [op.name for op in tf.get_default_graph().get_operations()]
    assert names == ["import/a", "import/b", "import_1/a", "import_1/b", "mine/a", "mine/b"]


def test_tensors_can_be_put_in_the_place_of_inputs(session):
    x = tf.constant([1.0, 2.0])
    (y,) = tf.import_graph_def(graph_of(LINE), {"a:0": x}, ["b:0"], name="")
    np.testing.assert_array_equal(session().run(y), [-1.0, -2.0])
    with pytest.raises(ValueError, match=r"were not found in graph_def: \[z:0\]"):
        tf.import_graph_def(graph_of(LINE), {"z": x})
    with pytest.raises(ValueError, match="return_element 'z:0' not found"):
        tf.import_graph_def(graph_of(LINE), return_elements=["z:0"])


def test_damaged_graphs_are_refused():
    with pytest.raises(ValueError, match="its input 'gone' is not in it"):
        tf.import_graph_def(graph_of('node { name: "b" op: "Neg" input: "gone" }'))
    with pytest.raises(ValueError, match="depends on itself"):
        tf.import_graph_def(graph_of('node { name: "b" op: "Neg" input: "b" }'))
    with pytest.raises(TypeError, match="must be a GraphDef proto, got bytes"):
        tf.import_graph_def(b"graph")


def model() -> tf.Tensor:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.get_variable("w", [3, 2], initializer=tf.ones_initializer())
    hidden = tf.identity(tf.check_numerics(tf.matmul(x, w), "bad"))
    return tf.nn.softmax(hidden, name="probabilities")


def test_a_frozen_graph_needs_no_variables(session, tmp_path):
    y = model()
    sess = session()
    sess.run(tf.global_variables_initializer())
    feed = np.arange(6, dtype=np.float32).reshape(2, 3)
    expected = sess.run(y, {"x:0": feed})
    graph_def = tf.get_default_graph().as_graph_def()
    frozen = tf.graph_util.convert_variables_to_constants(sess, graph_def, ["probabilities"])
    assert {n.op for n in frozen.node if n.name == "w"} == {"Const"}
    small = tf.graph_util.remove_training_nodes(frozen)
    assert {"Identity", "CheckNumerics"}.isdisjoint(n.op for n in small.node)
    path = tf.train.write_graph(small, tmp_path, "frozen.pb", as_text=False)
    with tf.Graph().as_default():
        read = tf.GraphDef.FromString(Path(path).read_bytes())
        (again,) = tf.import_graph_def(read, return_elements=["probabilities:0"], name="")
        with tf.Session() as other:
            np.testing.assert_array_equal(other.run(again, {"x:0": feed}), expected)


def test_a_graph_is_written_as_text_too(tmp_path):
    model()
    path = tf.train.write_graph(tf.get_default_graph(), tmp_path / "new", "graph.pbtxt")
    written = read_text(Path(path).read_text(), tf.GraphDef())
    assert written == tf.get_default_graph().as_graph_def()


def test_what_is_not_in_the_graph_cannot_be_extracted():
    with pytest.raises(AssertionError, match="nope is not in graph"):
        tf.graph_util.extract_sub_graph(graph_of(LINE), ["nope"])
    with pytest.raises(TypeError, match="must be an iterable of strings"):
        tf.graph_util.extract_sub_graph(graph_of(LINE), "b")


def test_variables_of_an_imported_graph_are_assigned_and_read(session):
    model()
    given = tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(given, name="")
        with tf.Session(graph=graph) as sess:
            sess.run("w/Assign")
            np.testing.assert_array_equal(sess.run("w:0"), np.ones((3, 2)))


def test_every_op_can_be_written():
    for case in cases().values():
        with tf.Graph().as_default():
            graph = OneNode.of(case).graph
            made = graph.as_graph_def(add_shapes=True)
        names = [n.name for n in made.node]
        assert len(set(names)) == len(names)
        for node in made.node:
            assert all(i.lstrip("^").partition(":")[0] in names for i in node.input), node


# Their integer kind checks the divisor; TensorFlow's Rank is int32 alone.
OTHERWISE = {"floordiv", "floormod", "truncatediv", "truncatemod", "rank"}
UNLIKE = {"bfloat16", "uint64"}  # NumPy has none; random state


def test_ops_come_back_as_themselves():
    compared = 0
    for key, case in cases().items():
        op = case.op
        plain = op.kind is Kind.ELEMENTWISE and not op.attributes
        if not (op.name in ROWS or plain) or op.writes is not None or op.random:
            continue
        if op.name in OTHERWISE or any(t.dtype.name in UNLIKE for t in case.types):
            continue
        built = OneNode.of(case)
        arrays = case.arrays()
        names = [t.name for t in built.node.outputs]
        with tf.Graph().as_default() as graph:
            tensors = tf.import_graph_def(built.graph.as_graph_def(), None, names, name="")
        kinds = [[(t.dtype, t.type.rank) for t in ts] for ts in (tensors, built.node.outputs)]
        assert kinds[0] == kinds[1], key
        feeds = {t.name: a for t, a in zip(built.operands, arrays, strict=True)}
        found = evaluate(graph, feeds, tensors)
        expected = reference_values(op, arrays, case.types, case.result_types)
        for value, wanted in zip(found, expected, strict=True):
            assert_close(value, wanted, slack=100.0)
        compared += 1
    assert compared > 900
