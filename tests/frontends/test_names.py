"""Names of TF1: the ones that stand for others, the absent ones, and the page that lists them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

import pytest

import graphc as tf
from frontends.tf.names.aliases import ALIASES, PLACES, aliases
from frontends.tf.names.missing import resolve, tf1_names
from tests.tools.write_provided import PAGE, page, rows


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("sub", "subtract"),
        ("pack", "stack"),
        ("initialize_all_variables", "global_variables_initializer"),
        ("math.log", "log"),
        ("math.softplus", "nn.softplus"),
        ("linalg.norm", "norm"),
        ("random.uniform", "random_uniform"),
        ("initializers.constant", "constant_initializer"),
        ("dtypes.float32", "float32"),
        ("compat.v1.nn.relu", "nn.relu"),
        ("debugging.assert_equal", "assert_equal"),
        ("python.ops.array_ops.concat", "concat"),
        ("python.training.moving_averages.ExponentialMovingAverage",
         "train.ExponentialMovingAverage"),
        ("contrib.layers.python.layers.initializers.xavier_initializer",
         "contrib.layers.xavier_initializer"),
    ],
)  # fmt: skip
def test_a_name_that_moved_is_the_thing_itself(name, other):
    assert resolve(name) == resolve(other)


def test_no_alias_leads_in_a_circle():
    table = aliases()
    for name in table:
        seen, place = {name}, table[name]
        while place in table and place != table[place]:
            assert place not in seen, name
            seen.add(place)
            place = table[place]


def test_aliases_and_places_are_names_of_tf1():
    outside = {name for name in aliases() if name not in tf1_names()}
    assert not {n for n in outside if not n.startswith(("python.", "core."))}
    assert not set(ALIASES) & set(PLACES) - {
        "python.framework.ops", "python.framework.tensor_shape", "python.framework.test_util",
        "python.ops.control_flow_ops", "python.ops.variables", "python.ops.rnn_cell",
        "python.ops.rnn_cell_impl", "contrib.rnn.python.ops.core_rnn_cell",
        "contrib.rnn.python.ops.core_rnn_cell_impl",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "nn.fractional_max_pool",
            "tf.nn.fractional_max_pool is part of TF1 but not provided by graphc yet (convolution",
        ),
        ("data", "tf.data is part of TF1 but not provided by graphc yet (datasets and input"),
        (
            "nn.quantized_conv2d",
            "tf.nn.quantized_conv2d is part of TF1 but not provided by graphc yet (convolution",
        ),
        ("nn.reluu", "there is no tf.nn.reluu; near: tf.nn.relu"),
        ("reduce_men", "there is no tf.reduce_men; near: tf.reduce_mean"),
        (
            "python.ops.nn_ops.fractional_max_pool",
            "tf.nn.fractional_max_pool is part of TF1 but not provided by graphc",
        ),
        (
            "python.util.deprecation",
            "tf.python.util.deprecation is not provided by graphc: it is of",
        ),
        ("python.ops.math_ops.matmull", "there is no tf.python.ops.math_ops.matmull; near: "),
    ],
)
def test_an_absent_name_says_what_it_is_or_what_is_near(name, said):
    with pytest.raises(AttributeError) as error:
        resolve(name)
    assert str(error.value).startswith(said)


def test_the_page_of_names_is_what_the_script_makes():
    assert PAGE.read_text(encoding="utf-8") == page(rows()), (
        "out of date: python -m tests.tools.write_provided"
    )


def test_names_called_provided_lead_to_something_that_works():
    stubs = [row.name for row in rows() if row.is_provided and is_stub(row.value)]
    assert stubs == []


def is_stub(value: Any) -> bool:
    """Whether a function does nothing but raise."""
    if not inspect.isfunction(value):
        return False
    try:
        source = textwrap.dedent(inspect.getsource(value))
        body = ast.parse(source).body[0].body  # type: ignore[attr-defined]
    except (OSError, SyntaxError, AttributeError):
        return False
    if isinstance(body, list) and isinstance(body[0], ast.Expr):
        body = body[1:]
    return isinstance(body, list) and bool(body) and isinstance(body[0], ast.Raise)


def test_arguments_of_earlier_releases_are_taken():
    t = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    contrib = tf.contrib.losses.mean_squared_error(t, tf.zeros([2, 2]))
    with tf.Session(device="/reference:0") as sess:
        assert sess.run(tf.select([True, False], [1, 2], [3, 4])).tolist() == [1, 4]
        assert sess.run(tf.batch_matmul(t, t, adj_y=True)).tolist() == [[5, 11], [11, 25]]
        assert sess.run(contrib) == 7.5


def test_the_argument_orders_of_tf_0_x_are_taken():
    a, b = tf.zeros([2, 3]), tf.ones([2, 4])
    for joined in (tf.concat(1, [a, b]), tf.concat(concat_dim=1, values=[a, b])):
        assert joined.shape.as_list() == [2, 7]
    for parts in (tf.split(1, 2, b), tf.split(split_dim=1, num_split=2, value=b)):
        assert [part.shape.as_list() for part in parts] == [[2, 2], [2, 2]]
    with tf.Session(device="/reference:0") as sess:
        assert sess.run(tf.reverse([[1, 2], [3, 4]], [False, True])).tolist() == [[2, 1], [4, 3]]
        assert sess.run(tf.arg_max([[1, 3], [4, 2]], 1, tf.int32)).tolist() == [1, 0]


def test_concat_and_split_refuse_what_is_neither_order():
    with pytest.raises(TypeError, match="values is a list of tensors"):
        tf.concat(1, 2)
    with pytest.raises(TypeError, match="split needs num_or_size_splits"):
        tf.split([1, 2])


def test_files_have_the_names_of_the_system_too(tmp_path):
    folder = str(tmp_path / "a")
    tf.io.gfile.makedirs(path=folder)
    with tf.io.gfile.GFile(f"{folder}/x.txt", "w") as file:
        file.write("text")
    assert tf.io.gfile.exists(path=f"{folder}/x.txt")
    tf.io.gfile.copy(f"{folder}/x.txt", dst=f"{folder}/y.txt")
    assert sorted(tf.io.gfile.listdir(folder)) == ["x.txt", "y.txt"]
    assert [names for _, _, names in tf.io.gfile.walk(folder)] == [["x.txt", "y.txt"]]
    tf.io.gfile.rmtree(folder)
    assert not tf.io.gfile.exists(folder)


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("numpy", "; its value is what a run gives: sess.run(x)"),
        ("initializer", "; only a tf.Variable has one"),
        ("consumer", "; near: consumers"),
        ("nothing_like_it", ""),
    ],
)
def test_an_attribute_a_tensor_does_not_have_says_what_to_write(attribute, said):
    with pytest.raises(AttributeError) as error:
        getattr(tf.constant(1.0), attribute)
    assert str(error.value) == f"'Tensor' object has no attribute {attribute!r}{said}"
    assert not hasattr(tf.constant(1.0), attribute)


def test_a_name_whose_value_is_none_is_found_at_other_addresses():
    assert resolve("python.ops.array_ops.newaxis") is None


def test_dimensions_are_read_by_functions_too():
    shape = tf.TensorShape([None, 3])
    assert [tf.compat.dimension_value(d) for d in (*shape, 5)] == [None, 3, 5]
    assert tf.dimension_at_index(shape, 1) == 3
