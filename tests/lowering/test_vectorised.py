"""Kernels of whole models are vector code: no call, no double, no scalar loop in the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import graphc as tf
from graphc.compiler import compile_graph
from graphc.lowering.program import Program
from runtime.devices.cpu.vector_report import vector_report


def classifier() -> list:
    x = tf.placeholder(tf.float32, [None, 64])
    y = tf.placeholder(tf.int32, [None])
    hidden = tf.layers.dense(x, 128, activation=tf.nn.relu)
    logits = tf.layers.dense(hidden, 100)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    return [loss, tf.train.AdamOptimizer(1e-3).minimize(loss)]


def chain() -> list:
    x = tf.placeholder(tf.float32, [None, 1024])
    return [tf.tanh(2 * x + 1) * tf.exp(-x * x) + tf.log1p(tf.abs(x))]


def softmax() -> list:
    return [tf.nn.softmax(tf.placeholder(tf.float32, [None, 1024]))]


def normalised_gelu() -> list:
    x = tf.placeholder(tf.float32, [None, 1024])
    mean, variance = tf.nn.moments(x, [1], keep_dims=True)
    z = (x - mean) * tf.rsqrt(variance + 1e-5)
    return [0.5 * z * (1 + tf.erf(z * 0.70710678)) + x]


def column_moments() -> list:
    x = tf.placeholder(tf.float32, [None, 256])
    mean, variance = tf.nn.moments(x, [0])
    return [(x - mean) * tf.rsqrt(variance + 1e-5)]


def dropout_with_gradient() -> list:
    x = tf.placeholder(tf.float32, [None, 256])
    y = tf.nn.dropout(tf.tanh(x), keep_prob=0.5)
    return [y, *tf.gradients(y, [x])]


def accuracy() -> list:
    logits, y = tf.placeholder(tf.float32, [None, 100]), tf.placeholder(tf.int64, [None])
    return [tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32), tf.argmin(logits, 0)]


def phasors() -> list:
    z, w = tf.placeholder(tf.complex64, [None, 256]), tf.placeholder(tf.complex64, [256])
    y = tf.exp(z * w) + tf.conj(z) / w
    return [tf.abs(y), tf.reduce_sum(tf.real(y), 1), *tf.gradients(tf.abs(y), [z])]


MODELS: list[Callable[[], list]] = [
    classifier, chain, softmax, normalised_gelu, column_moments, dropout_with_gradient,
    accuracy, phasors,
]  # fmt: skip


def program_of(model: Callable[[], list]) -> Program:
    graph = tf.Graph()
    with graph.as_default():
        wanted = model()
    feeds = [n.outputs[0] for n in graph.nodes if n.op.name == "placeholder"]
    fetches = [w for w in wanted if hasattr(w, "dtype")]
    return compile_graph(graph, feeds, fetches, [w for w in wanted if w not in fetches])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_loop_is_vector_code(model: Callable[[], list]) -> None:
    looping = [k for k in program_of(model).kernels if "for " in k.text]
    assert looping
    for kernel in looping:
        if kernel.name.startswith("matmul"):
            continue  # its loops are register tiles: tests/runtime/test_tiles.py
        report = vector_report(kernel)
        assert report.has_vector_code, kernel.text
        assert not report.has_call, kernel.text
        assert not report.has_double, kernel.text
        assert report.scalar_loops == 0, kernel.text
