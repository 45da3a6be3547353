"""The same program and feeds give the same bits, whatever else there is."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import graphc as tf
from runtime.devices.cpu.boot import native
from tests.runtime.models import (
    MODELS,
    Model,
    assert_same_bits,
    classifier,
    dropped,
    normalised,
    ready,
    state_of,
)

BATCHES = (7, 64, 1, 3001)


@pytest.fixture(autouse=True)
def own_pool() -> Iterator[None]:
    tf.reset_default_graph()
    yield
    native().pool.resize(None)


def trained(make: Callable[..., Model], batches: Any = BATCHES, **more: Any) -> list:
    """What a few steps of a fresh model give, and the variables behind them."""
    tf.reset_default_graph()
    tf.set_random_seed(4)
    model = make(**more)
    with ready(model) as sess:
        seen = [sess.run(model.everything, model.feeds(n, n)) for n in batches]
        return [*seen, state_of(sess)]


@pytest.mark.parametrize("make", MODELS)
def test_any_number_of_threads_gives_the_same_bits(make):
    native().pool.resize(1)
    alone = trained(make)
    for threads in (2, 4):
        native().pool.resize(threads)
        assert_same_bits(trained(make), alone)


def test_rows_are_shared_out_in_that_test():
    native().pool.resize(4)
    tf.reset_default_graph()
    model = normalised()
    with ready(model) as sess:
        sess.run(model.everything, model.feeds(3001, 0))
    assert native().pool.running == 3


@pytest.mark.parametrize("make", MODELS)
def test_an_unrelated_op_in_the_graph_changes_nothing(make):
    def beside() -> Model:
        tf.random_uniform([3])
        tf.Variable(tf.random_normal([4, 4]), name="unrelated", trainable=False)
        model = make()
        tf.nn.dropout(tf.exp(model.fetches[0]), keep_prob=0.5)
        return model

    plain = trained(make)
    more = trained(beside)
    unrelated = more[-1].pop("unrelated")
    assert unrelated.shape == (4, 4)
    assert_same_bits(more, plain)


def test_an_unrelated_fetch_changes_no_random_number():
    def beside() -> Model:
        model = dropped()
        return Model([*model.fetches, tf.random_uniform([5])], model.feeds, model.train)

    plain, more = trained(dropped), trained(beside)
    for one, other in zip(plain[:-1], more[:-1], strict=True):
        assert_same_bits(other[:3], one[:3])
    assert_same_bits(more[-1], plain[-1])


@pytest.mark.parametrize("skipped", ["fuse", "cse,simplify,late-simplify", "constant-fold"])
def test_masks_are_the_same_bits_with_fusion_and_passes_on_and_off(monkeypatch, skipped):
    def masks() -> Model:
        model = dropped()
        kept, noise, _ = model.fetches
        return Model([tf.not_equal(kept, 0.0), noise, tf.random_uniform([4, 9])], model.feeds)

    fused = trained(masks, (5, 700))
    monkeypatch.setenv("GRAPHC_SKIP", skipped)
    assert_same_bits(trained(masks, (5, 700)), fused)


def test_each_run_draws_anew_and_a_new_session_draws_the_same():
    tf.set_random_seed(9)
    noise = tf.random_uniform([64])
    with tf.Session() as one, tf.Session() as other:
        first = [one.run(noise) for _ in range(3)]
        assert_same_bits([other.run(noise) for _ in range(3)], first)
    assert len({values.tobytes() for values in first}) == 3


def test_an_evaluation_between_steps_shifts_no_random_number():
    plain = trained(dropped, (8, 8, 8))
    tf.reset_default_graph()
    tf.set_random_seed(4)
    model = dropped()
    looked_at = tf.reduce_sum(tf.random_uniform([10]))
    with ready(model) as sess:
        seen = []
        for _ in range(3):
            seen.append(sess.run(model.everything, model.feeds(8, 8)))
            sess.run(looked_at)
        assert_same_bits([*seen, state_of(sess)], plain)


def test_a_sum_does_not_depend_on_where_its_operand_lies():
    x = tf.placeholder(tf.float32, [None])
    total = tf.reduce_sum(tf.tanh(x) * x)
    memory = np.random.default_rng(0).standard_normal(50_021).astype(np.float32)
    values = memory[:50_000].copy()
    shifted = np.empty(50_017, np.float32)
    with tf.Session() as sess:
        expected = sess.run(total, {x: values})
        for start in range(17):
            there = shifted[start : start + 50_000]
            there[:] = values
            assert_same_bits(sess.run(total, {x: there}), expected)


def test_training_twice_gives_the_same_bits():
    assert_same_bits(trained(classifier), trained(classifier))
