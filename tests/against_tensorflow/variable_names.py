"""Programs of scopes and variables, and what they find: names, shapes, collections, refusals.

    python -m tests.against_tensorflow.variable_names

run with a Python that has TensorFlow records what it gives, beside this file.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("recorded") / "variable_names.json"
PROGRAMS: dict[str, Callable[[Any], list[Any]]] = {}


def program(function: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
    PROGRAMS[function.__name__] = function
    return function


def refused(function: Callable[[], Any]) -> str:
    """ "refused" where the call is a ValueError or TypeError, else what it gives."""
    try:
        found = function()
    except (ValueError, TypeError):
        return "refused"
    return getattr(found, "name", str(found))


def names(values: Any) -> list[str]:
    return [v.name for v in values]


@program
def variables_are_numbered_and_shared_ones_are_not(tf: Any) -> list[Any]:
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    c, d = tf.Variable(1.0, name="w"), tf.Variable(1.0, name="w")
    e = tf.get_variable("v", [2])
    f = tf.Variable(1.0, name="v")
    again = refused(lambda: tf.get_variable("v", [2]))
    with tf.name_scope("inside"):
        g, h = tf.Variable(1.0, name="w"), tf.get_variable("u", [])
    return [*names([a, b, c, d, e, f, g, h]), again]


@program
def variables_after_a_plain_one_of_the_name(tf: Any) -> list[Any]:
    tf.Variable(1.0, name="x")
    return [refused(lambda: tf.get_variable("x", [1]))]


@program
def scopes_number_names_not_variables(tf: Any) -> list[Any]:
    found = []
    for _ in range(2):
        with tf.variable_scope("a", reuse=tf.AUTO_REUSE) as scope:
            v = tf.get_variable("v", [1])
            found += [v.name, tf.add(1.0, 1.0, name="sum").name, scope.original_name_scope]
            with tf.variable_scope("b") as inner:
                found += [tf.get_variable("w", [1]).name, inner.name, inner.original_name_scope]
                found += [tf.Variable(1.0, name="plain").name]
    return found


@program
def a_scope_object_entered_elsewhere(tf: Any) -> list[Any]:
    with tf.variable_scope("one") as one:
        tf.get_variable("v", [1])
    found = []
    with tf.variable_scope("two"):
        with tf.variable_scope(one, reuse=True) as again:
            found += [tf.get_variable("v", [1]).name, tf.no_op(name="op").name]
            found += [again.original_name_scope, again.name]
        with tf.variable_scope(one) as fresh:
            found += [fresh.reuse is True, tf.get_variable("w", [1]).name]
        with tf.variable_scope(one, auxiliary_name_scope=False):
            found += [tf.get_variable("x", [1]).name, tf.no_op(name="op").name]
    with tf.variable_scope("three", reuse=True), tf.variable_scope(one) as free:
        found += [bool(free.reuse), refused(lambda: tf.get_variable("y", [1]))]
    with tf.variable_scope(one.original_name_scope[:-1]), tf.name_scope(one.original_name_scope):
        found += [tf.no_op(name="op").name]
    return found


@program
def default_names(tf: Any) -> list[Any]:
    found = []
    for _ in range(2):
        with tf.variable_scope(None, "layer") as scope:
            found += [scope.name, scope.original_name_scope, tf.get_variable("v", [1]).name]
            with tf.variable_scope(None, "inner") as inner:
                found += [inner.name, inner.original_name_scope]
    with tf.variable_scope("outer"):
        for _ in range(2):
            with tf.variable_scope(None, "layer") as scope:
                found += [scope.name, scope.original_name_scope]
    with tf.variable_scope("outer"), tf.variable_scope(None, "layer") as scope:
        found += [scope.name, scope.original_name_scope]
    with tf.variable_scope("layer"):
        pass
    with tf.variable_scope(None, "layer") as scope:
        found += [scope.name, scope.original_name_scope]
    with tf.variable_scope("given", "layer") as scope:
        found += [scope.name]
    found += [refused(lambda: tf.variable_scope(None, "layer", reuse=True).__enter__())]
    found += [refused(lambda: tf.variable_scope(None))]
    found += [refused(lambda: tf.variable_scope(3).__enter__())]
    return found


@program
def default_names_in_a_scope_object(tf: Any) -> list[Any]:
    found = []
    with tf.variable_scope("a") as a, tf.variable_scope(None, "d") as d:
        found += [d.name]
    for _ in range(2):
        with tf.variable_scope(a):
            for _ in range(2):
                with tf.variable_scope(None, "d") as d:
                    found += [d.name, d.original_name_scope]
    return found


@program
def reuse_of_each_kind(tf: Any) -> list[Any]:
    found = [refused(lambda: _get(tf, "s", "v", reuse=True))]
    found += [refused(lambda: _get(tf, "s", "v"))]
    found += [refused(lambda: _get(tf, "s", "v"))]
    found += [refused(lambda: _get(tf, "s", "v", reuse=False))]
    found += [refused(lambda: _get(tf, "s", "v", reuse=True))]
    found += [refused(lambda: _get(tf, "s", "v", reuse=tf.AUTO_REUSE))]
    found += [refused(lambda: _get(tf, "s", "u", reuse=tf.AUTO_REUSE))]
    with tf.variable_scope("s", reuse=True) as outer:
        with tf.variable_scope("t", reuse=False) as inner:
            found += [bool(inner.reuse)]
        found += [refused(lambda: tf.get_variable("v", [3]))]
        found += [refused(lambda: tf.get_variable("v", [2], tf.int32))]
        found += [refused(lambda: tf.get_variable("v")), outer.reuse]
    with tf.variable_scope("s") as scope:
        scope.reuse_variables()
        found += [tf.get_variable("v", [2]).name]
        tf.get_variable_scope().reuse_variables()
    found += [tf.get_variable_scope().reuse, repr(tf.get_variable_scope().name)]
    return found


def _get(tf: Any, scope: str, name: str, **how: Any) -> Any:
    with tf.variable_scope(scope, **how):
        return tf.get_variable(name, [2])


@program
def values_as_initializers(tf: Any) -> list[Any]:
    def made(name: str, *args: Any, **how: Any) -> Any:
        def call() -> Any:
            v = tf.get_variable(name, *args, **how)
            return f"{v.name} {v.dtype.base_dtype.name} {v.shape.as_list()}"

        return refused(call)

    import numpy as np

    return [
        made("a", initializer=tf.constant([1, 2])),
        made("b", [2], initializer=tf.constant([1, 2])),
        made("c", initializer=np.ones((2, 3))),
        made("d", initializer=[1.0, 2.0]),
        made("e", dtype=tf.float64, initializer=tf.constant([1, 2])),
        made("f", initializer=lambda: tf.ones([4], tf.int64)),
        made("g", [2, 2], initializer=lambda shape, dtype, partition_info: tf.ones(shape, dtype)),
        made("h", [2], tf.int32),
        made("i", [2], tf.bool),
        made("j", [2], tf.string),
        made("k"),
        made("l", [None, 2]),
        made("m", []),
        made("n", 3),
        made("o", [2], initializer=tf.zeros_initializer),
        made("p", [2], tf.float64, initializer=tf.ones_initializer()),
        made("q", initializer=5),
        made("r", initializer=tf.random_normal([3])),
        made("s", tf.TensorShape([2, 2])),
        made("t", [2], tf.int32, initializer=tf.constant_initializer(7)),
    ]


@program
def defaults_of_scopes(tf: Any) -> list[Any]:
    found: list[Any] = []
    two = tf.constant_initializer(2.0)

    def size(v: Any) -> Any:
        return tf.reduce_sum(v, name="size")

    with tf.variable_scope("s", initializer=two, regularizer=size, dtype=tf.float64) as scope:
        a = tf.get_variable("a", [2])
        b = tf.get_variable("b", [2], tf.float32, regularizer=tf.no_regularizer)
        with tf.variable_scope("t", regularizer=tf.no_regularizer) as inner:
            c = tf.get_variable("c", [2])
            found += [inner.initializer is two, inner.dtype.name, scope.dtype.name]
        scope.set_regularizer(None)
        scope.set_dtype(tf.float32)
        d = tf.get_variable("d", [2])
    found += [f"{v.name} {v.dtype.base_dtype.name}" for v in (a, b, c, d)]
    found += names(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))
    found += names(scope.global_variables()) + names(scope.trainable_variables())
    return found


@program
def collections_and_their_scopes(tf: Any) -> list[Any]:
    with tf.variable_scope("one"):
        tf.get_variable("a", [1])
        tf.get_variable("b", [1], trainable=False)
        tf.get_local_variable("c", [1], initializer=tf.zeros_initializer())
        tf.get_variable("d", [1], collections=["mine"])
    with tf.variable_scope("two"):
        tf.get_variable("a", [1], collections=[tf.GraphKeys.MODEL_VARIABLES])
        tf.Variable([1.0], name="e", collections=["mine", tf.GraphKeys.LOCAL_VARIABLES])
        tf.Variable([1], name="f")
    return [
        names(tf.global_variables()), names(tf.trainable_variables()), names(tf.local_variables()),
        names(tf.model_variables()), names(tf.get_collection("mine")),
        names(tf.trainable_variables("one")), names(tf.trainable_variables(".*/a")),
        names(tf.global_variables(scope="two/f")),
    ]  # fmt: skip


@program
def custom_getters(tf: Any) -> list[Any]:
    seen: list[Any] = []

    def outer(getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        seen.append(f"outer {name} {sorted(kwargs)}")
        return getter(name, *args, **kwargs)

    def inner(getter: Any, name: str, shape: Any = None, *args: Any, **kwargs: Any) -> Any:
        seen.append(f"inner {name} {shape}")
        return tf.identity(getter(name + "_low", shape, *args, **kwargs), name="high")

    with tf.variable_scope("a", custom_getter=outer):
        v = tf.get_variable("v", [2])
        with tf.variable_scope("b", custom_getter=inner):
            w = tf.get_variable("w", [2])
            x = tf.get_variable("x", [2], custom_getter=outer)
    with tf.variable_scope("c") as scope:
        scope.set_custom_getter(functools.partial(outer))
        y = tf.get_variable("y", [2])
    return [*names([v, w, x, y]), *seen, *names(tf.global_variables())]


@program
def partitioned(tf: Any) -> list[Any]:
    cut = tf.fixed_size_partitioner(3)
    with tf.variable_scope("s", partitioner=cut):
        v = tf.get_variable("v", [7, 2])
        scalar = tf.get_variable("scalar", [])
    found: list[Any] = [v.name, v.get_shape().as_list(), scalar.name, len(v)]
    found += [f"{p.name} {p.shape.as_list()}" for p in v]
    found += [v.as_tensor().name, tf.identity(v).shape.as_list(), v.dtype.base_dtype.name]
    with tf.variable_scope("s", reuse=True):
        found += [refused(lambda: tf.get_variable("v", [7, 2], partitioner=cut).name)]
        found += [refused(lambda: tf.get_variable("v").name)]
        found += [refused(lambda: tf.get_variable("v", [8, 2], partitioner=cut).name)]
    with tf.variable_scope("s"):
        found += [refused(lambda: tf.get_variable("v", [7, 2]).name)]
    found += [names(tf.trainable_variables())]
    return found


@program
def parts_of_a_variable(tf: Any) -> list[Any]:
    v = tf.Variable([1.0, 2.0], name="v")
    w = tf.get_variable("w", [2], initializer=tf.zeros_initializer())
    u = tf.Variable(lambda: tf.ones([2], name="one"), name="u")
    return [
        v.op.name, v.initializer.name, v.initial_value.name, w.initializer.name,
        w.initial_value.name.rpartition("/")[0], u.initial_value.name.rpartition("/")[0],
        v.get_shape().as_list(), v.trainable, str(v.device), v.graph is tf.get_default_graph(),
        refused(lambda: tf.Variable()), refused(lambda: tf.Variable(tf.placeholder(tf.float32))),
        refused(lambda: tf.Variable(1.0, collections="variables")),
        refused(lambda: iter(v)), refused(lambda: tf.Variable([1.5], dtype=tf.int32)),
        refused(lambda: tf.Variable(tf.constant([1.5]), dtype=tf.float64)),
        refused(lambda: tf.Variable(1.0, constraint=3)),
        v.assign([3.0, 4.0]).name, v.assign_add([3.0, 4.0]).name, (v + 1.0).name,
        tf.count_up_to(tf.Variable(0), 3).name, refused(lambda: v.assign([1.0, 2.0, 3.0])),
    ]  # fmt: skip


@program
def creators(tf: Any) -> list[Any]:
    seen: list[Any] = []

    def first(next_creator: Any, **kwargs: Any) -> Any:
        seen.append(f"first {kwargs['name']} {kwargs['trainable']}")
        return next_creator(**kwargs)

    def second(next_creator: Any, **kwargs: Any) -> Any:
        seen.append(f"second {kwargs['name']}")
        kwargs["name"] = "renamed"
        kwargs["trainable"] = False
        return next_creator(**kwargs)

    with tf.variable_creator_scope(first):
        a = tf.Variable(1.0, name="a")
        with tf.variable_creator_scope(second):
            b = tf.Variable(1.0, name="b")
            c = tf.get_variable("c", [1])
    return [*names([a, b, c]), *seen, *names(tf.trainable_variables())]


@program
def templates(tf: Any) -> list[Any]:
    def add(x: Any, by: float = 1.0) -> Any:
        v = tf.get_variable("v", [], initializer=tf.zeros_initializer())
        tf.Variable(0.0, name="plain", trainable=False)
        return tf.add(x, v * by, name="sum")

    one, two = tf.make_template("t", add), tf.make_template("t", add, by=2.0)
    found = names([one(1.0), one(1.0), two(1.0), one(2.0)])
    now = tf.make_template("t", add, create_scope_now_=True)
    only = tf.make_template("t", add, unique_name_="only")
    found += names([now(1.0), only(1.0), only(1.0)])
    with tf.variable_scope("scope"):
        found += names([one(1.0), tf.make_template("t", add)(1.0)])
    found += [one.name, one.variable_scope_name, one.var_scope.name]
    found += [
        names(one.trainable_variables),
        names(one.global_variables),
        names(tf.global_variables()),
    ]
    return found


@program
def initializers_and_their_configurations(tf: Any) -> list[Any]:
    def config(made: Callable[[], Any]) -> Any:
        try:
            one = made()
            again = type(one).from_config(one.get_config())
        except (ValueError, TypeError):
            return "refused"
        return sorted(f"{k}={v}" for k, v in again.get_config().items() if k != "verify_shape")

    its = tf.initializers
    return [
        config(its.zeros), config(lambda: its.ones(tf.int32)), config(lambda: its.constant(3.5)),
        config(lambda: its.random_uniform(-1, 1, 7)), config(lambda: its.random_normal(1.0, 2.0)),
        config(its.truncated_normal), config(lambda: its.variance_scaling(2.0, "fan_avg")),
        config(lambda: its.variance_scaling(distribution="uniform")),
        config(lambda: its.variance_scaling(scale=-1.0)), config(lambda: its.orthogonal(2.0)),
        config(lambda: its.variance_scaling(mode="fan")), config(its.glorot_normal),
        config(lambda: its.variance_scaling(distribution="cauchy")), config(its.identity),
        config(lambda: its.glorot_uniform(seed=3)), config(lambda: its.he_normal(4)),
        config(lambda: its.lecun_uniform(5)), config(lambda: its.uniform_unit_scaling(1.5)),
        config(lambda: its.random_normal(dtype=tf.int32)),
        config(tf.orthogonal_initializer),
        refused(lambda: its.identity()([2, 3, 4])), refused(lambda: its.orthogonal()([3])),
        refused(lambda: its.orthogonal()([3, 2, 2]).shape.as_list()),
        refused(lambda: its.constant([1.0, 2.0], verify_shape=True)([3])),
        refused(lambda: its.constant([1.0, 2.0])([3]).shape.as_list()),
        refused(lambda: its.constant([1.0, 2.0, 3.0])([2]).shape.as_list()),
        refused(lambda: its.zeros()([2, 2], tf.float64).dtype.name),
        refused(lambda: its.identity(gain=2.0)([2, 3]).shape.as_list()),
    ]  # fmt: skip


def found_by(tf: Any) -> dict[str, list[Any]]:
    found = {}
    for title, run in PROGRAMS.items():
        with tf.Graph().as_default():
            found[title] = run(tf)
    return found


if __name__ == "__main__":
    import tensorflow.compat.v1 as tf

    tf.disable_eager_execution()
    tf.disable_resource_variables()
    tf.logging.set_verbosity(tf.logging.ERROR)
    RECORDED.write_text(json.dumps(found_by(tf), indent=1) + "\n")
