"""Which groups share one kernel: those whose text would be the same, and no others."""

import numpy as np

import graphc as tf
from graphc.compiler import compile_graph
from graphc.ir.graph import Graph, Tensor
from graphc.lowering.program import Program


def scaled(factors: tuple[float, float]) -> tuple[Graph, list[Tensor]]:
    """Two variables, each multiplied in place by its factor."""
    graph = tf.Graph()
    with graph.as_default():
        assigns = []
        for name, factor in zip("ab", factors, strict=True):
            variable = tf.get_variable(name, initializer=np.ones(3, np.float32))
            assigns.append(tf.assign(variable, variable * factor))
    return graph, assigns


def compiled(factors: tuple[float, float]) -> Program:
    graph, assigns = scaled(factors)
    return compile_graph(graph, [], assigns)


def test_groups_that_multiply_by_one_number_share_a_kernel():
    assert len(compiled((0.5, 0.5)).kernels) == 1


def test_groups_that_differ_in_a_number_share_a_kernel_too():
    assert len(compiled((3.0, 0.25)).kernels) == 1


def test_numbers_that_arithmetic_knows_stand_in_the_text():
    kernels = compiled((0.5, 0.25)).kernels
    assert sorted(c.value for k in kernels for c in k.constants) == [0.5]


def test_each_variable_is_scaled_by_its_own_number():
    graph, assigns = scaled((3.0, 0.25))
    with tf.Session(graph=graph) as sess, graph.as_default():
        sess.run(tf.global_variables_initializer())
        a, b = sess.run(assigns)
    assert (a.tolist(), b.tolist()) == ([3.0] * 3, [0.25] * 3)


def kernels_of(graph: Graph, fetches: list) -> int:
    return len(compile_graph(graph, [], fetches).kernels)


def test_slices_share_a_kernel_wherever_they_begin():
    graph = tf.Graph()
    with graph.as_default():
        series = tf.unstack(tf.get_variable("x", [6, 50]), axis=1)
    assert kernels_of(graph, series[1:]) == 1


def test_tables_of_other_lengths_are_looked_up_by_one_kernel():
    graph = tf.Graph()
    with graph.as_default():
        ids = tf.get_variable("ids", [7], tf.int32, initializer=tf.zeros_initializer())
        rows = [tf.gather(tf.get_variable(f"t{n}", [n, 3]), ids) for n in (11, 13, 17)]
    assert kernels_of(graph, rows) == 1


def test_random_numbers_of_any_shape_come_from_one_kernel():
    graph = tf.Graph()
    with graph.as_default():
        for k, shape in enumerate([[9], [5, 6], [2, 3, 4]]):
            tf.Variable(tf.random_uniform(shape), name=f"v{k}")
        init = tf.global_variables_initializer()
    assert len(compile_graph(graph, [], [], [init]).kernels) == 1


def test_joins_of_any_number_of_tensors_share_kernels():
    graph = tf.Graph()
    with graph.as_default():
        rows = [tf.get_variable(f"r{k}", [3]) for k in range(9)]
        joined = [tf.stack(rows, axis=1), tf.concat(rows, 0), tf.stack(rows[:5])]
    assert len(compile_graph(graph, [], joined).kernels) == 2  # of four, and of the one left over
