"""The table that ``GRAPHC_CONTRACTION=auto`` goes by: what it decides, keeps, and leads to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc.lowering.facts import BLAS, GENERATED
from runtime import choice
from runtime.choice import ProductClass, decision, faster
from runtime.devices.cpu import blas

SLOW, FAST = [2.0] * 9, [1.0] * 9
LARGE = ProductClass.of("float32", False, False, 256, 256, 256)

needs_scipy = pytest.mark.skipif(not blas.is_installed(), reason="SciPy is not installed")


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GRAPHC_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("GRAPHC_CACHE", raising=False)
    tf.reset_default_graph()
    choice._kept.cache_clear()
    yield
    choice._kept.cache_clear()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[ProductClass]:
    """The classes measured, for all of which BLAS is twice as fast."""
    classes: list[ProductClass] = []

    def measured(kind: ProductClass) -> tuple[list[float], list[float]]:
        classes.append(kind)
        return SLOW, FAST

    monkeypatch.setattr(choice, "measured", measured)
    return classes


# --- classes -------------------------------------------------------------------------------------


def test_sizes_near_each_other_are_of_one_class() -> None:
    def sizes(*given: int) -> tuple[int, ...]:
        kind = ProductClass.of("float32", False, True, *given)
        return kind.m, kind.n, kind.depth

    assert sizes(128, 512, 784) == sizes(511, 600, 2000) == (256, 1024, 1024)
    assert sizes(0, 1, 2) == (0, 1, 4)
    assert sizes(10**6, 31, 32) == (4096, 16, 64)


def test_a_class_is_measured_at_a_product_that_is_cheap() -> None:
    kind = ProductClass.of("float64", False, False, 4096, 4096, 1)
    assert kind.representative() == (4096, 4096, 1)
    m, n, depth = ProductClass.of("float64", False, False, 4096, 4096, 4096).representative()
    assert m * n * depth <= choice.MEASURED_PRODUCT


# --- decisions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("generated", "by_blas", "decided"),
    [
        (SLOW, FAST, BLAS),
        (FAST, SLOW, GENERATED),
        (FAST, FAST, GENERATED),
        (FAST, [0.95] * 9, GENERATED),
        (FAST, [0.5] + [1.0] * 8, GENERATED),  # one lucky sample
        ([1.0] + [2.0] * 8, FAST, GENERATED),  # ours can be as fast, and was disturbed
        ([5.0] + [2.0] * 8, [9.0] + [1.0] * 8, BLAS),  # one disturbed sample of each
    ],
)
def test_blas_must_be_clearly_faster(
    generated: list[float], by_blas: list[float], decided: str
) -> None:
    assert decision(generated, by_blas) == decided


@needs_scipy
def test_both_are_measured() -> None:
    for samples in choice.measured(ProductClass.of("float32", True, False, 60, 70, 16)):
        assert len(samples) == choice.SAMPLES
        assert min(samples) > 0


@needs_scipy
def test_a_class_is_measured_once_for_all_processes(asked: list[ProductClass]) -> None:
    assert faster(LARGE) == faster(LARGE) == BLAS
    choice._kept.cache_clear()  # as in another process
    assert faster(LARGE) == BLAS
    assert asked == [LARGE]


@needs_scipy
def test_a_cache_that_keeps_nothing_decides_for_our_kernels(
    asked: list[ProductClass], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHC_CACHE", "off")
    assert faster(LARGE) == GENERATED
    assert not asked


def test_small_products_are_not_measured(asked: list[ProductClass]) -> None:
    assert faster(ProductClass.of("float32", False, False, 16, 32, 64)) == GENERATED
    assert faster(ProductClass.of("float32", False, False, 0, 512, 512)) == GENERATED
    assert not asked


def test_without_scipy_nothing_is_measured(
    asked: list[ProductClass], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blas, "is_installed", lambda: False)
    monkeypatch.setenv("GRAPHC_CONTRACTION", "auto")
    assert faster(LARGE) == GENERATED
    x = tf.placeholder(tf.float32, [None, 256])
    y = tf.matmul(x, np.ones((256, 256), "f"))
    with tf.Session() as sess:
        report = sess.inspect(y, {x: np.ones((256, 256))})
    assert [e.implementation for e in report.contractions] == ["generated"]
    assert not asked


# --- runs ----------------------------------------------------------------------------------------


def layer() -> tuple[tf.Tensor, tf.Tensor]:
    x = tf.placeholder(tf.float32, [None, 200])
    w = tf.reshape(tf.range(200 * 150, dtype=tf.float32), [200, 150]) / 1e4
    return x, tf.nn.relu(tf.matmul(x, w) - 30.0)


@needs_scipy
@pytest.mark.usefixtures("asked")
def test_each_batch_size_takes_what_its_class_says(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = layer()
    large, small = np.ones((128, 200), "f"), np.ones((1, 200), "f")
    wanted = np.maximum(np.ones(200) @ (np.arange(200 * 150).reshape(200, 150) / 1e4) - 30, 0)
    monkeypatch.setattr(
        choice, "faster", lambda kind: BLAS if kind.m >= 64 else GENERATED
    )  # fmt: skip
    monkeypatch.setenv("GRAPHC_CONTRACTION", "auto")
    with tf.Session() as sess:
        for _ in range(2):
            for fed in (large, small):
                np.testing.assert_allclose(sess.run(y, {x: fed})[-1], wanted, rtol=1e-4)
        found = [sess.inspect(y, {x: fed}).contractions for fed in (large, small)]
    assert [e.implementation for (e,) in found] == ["blas", "generated"]


@needs_scipy
def test_training_by_blas_agrees_with_training_by_our_kernels(
    asked: list[ProductClass], monkeypatch: pytest.MonkeyPatch
) -> None:
    def losses(contraction: str) -> list[float]:
        monkeypatch.setenv("GRAPHC_CONTRACTION", contraction)
        tf.reset_default_graph()
        tf.set_random_seed(1)
        x = tf.placeholder(tf.float32, [None, 64])
        h = tf.layers.dense(tf.layers.dense(x, 64, tf.nn.relu), 64, tf.nn.relu)
        loss = tf.reduce_mean(tf.square(h - 1.0))
        train = tf.train.AdamOptimizer(0.01).minimize(loss)
        feeds = {x: np.random.default_rng(0).normal(size=(64, 64))}
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            return [sess.run([loss, train], feeds)[0] for _ in range(4)]

    np.testing.assert_allclose(losses("auto"), losses("generated"), rtol=1e-4)
    assert {kind.m for kind in asked} == {64}


@needs_scipy
def test_a_program_from_the_cache_still_chooses(
    asked: list[ProductClass], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHC_CONTRACTION", "auto")
    logs = []
    for _ in range(2):
        tf.reset_default_graph()
        x, y = layer()
        with tf.Session() as sess:
            sess.run(y, {x: np.ones((128, 200))})
            (prepared,) = sess._executor.prepared
            assert prepared.last.plan.by_blas
            assert prepared.last.around is blas.ALONE
            logs.append("\n".join(sess.compile_log()))
    assert "program from cache" in logs[1]
    assert len(asked) == 1
