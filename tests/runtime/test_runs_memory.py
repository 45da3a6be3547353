"""Memory of a session: flat over runs and rebuilds, refused early when there is none."""

import gc
import os
import weakref
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from runtime import memory
from runtime.devices.cpu import loader
from runtime.memory import IDLE_BYTES, RECYCLED_FROM, Blocks, blocks
from tests.runtime.models import assert_same_bits, classifier, masked, ready, state_of

EXHAUSTED = tf.errors.ResourceExhaustedError


@pytest.fixture(autouse=True)
def fresh_graph() -> None:
    tf.reset_default_graph()


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")


# --- flat ----------------------------------------------------------------------------------------


def grown_by_runs(count: int) -> int:
    """Bytes by which random batch sizes grow the process, once it has seen some of each kind."""
    model, chosen = classifier(), masked()
    r = np.random.default_rng(0)
    with ready(model) as sess:
        for k in range(count + 300):
            if k == 300:
                gc.collect()
                before = resident()
            sess.run(model.everything, model.feeds(int(r.integers(1, 400)), k))
            if k % 10 == 0:
                sess.run(chosen.everything, chosen.feeds(int(r.integers(1, 200)), k))
        gc.collect()
        return resident() - before


def grown_by_rebuilds(count: int) -> int:
    """Bytes by which models built anew, each a little different, grow the process."""
    for k in range(count + 8):
        if k == 8:
            gc.collect()
            before = resident()
        tf.reset_default_graph()
        model = classifier(width=8 + k % 4)
        with ready(model) as sess:
            sess.run(model.everything, model.feeds(16, 0))
        del model, sess
    gc.collect()
    return resident() - before


@needs_proc
def test_runs_with_random_batch_sizes_leave_memory_flat():
    assert grown_by_runs(700) < 16 << 20


@needs_proc
@pytest.mark.slow
def test_ten_thousand_runs_with_random_batch_sizes_leave_memory_flat():
    assert grown_by_runs(10_000) < 16 << 20


@needs_proc
def test_rebuilding_leaves_memory_flat():
    assert grown_by_rebuilds(10) < 16 << 20


@needs_proc
@pytest.mark.slow
def test_two_hundred_rebuilds_leave_memory_flat():
    assert grown_by_rebuilds(200) < 24 << 20


def test_a_graph_and_its_session_are_freed_with_their_arrays():
    model = classifier()
    graph = weakref.ref(tf.get_default_graph())
    with ready(model) as sess:
        sess.run(model.everything, model.feeds(16, 0))
        array = weakref.ref(sess.variables.array("hidden/kernel"))
        program = weakref.ref(next(iter(sess._executor.prepared)))
    del model, sess
    tf.reset_default_graph()
    gc.collect()
    assert (graph(), array(), program()) == (None, None, None)


def test_a_closed_session_frees_plans_and_arenas_but_not_the_code_others_use():
    model = classifier()
    feeds = model.feeds(16, 0)
    with ready(model) as other:
        with ready(model) as sess:
            sess.run(model.everything, feeds)
            (prepared,) = (p for p in sess._executor.prepared if p.last and p.feeds)
        assert (prepared.plans, prepared.variants, prepared.last) == ({}, {}, None)
        assert sess._executor.arenas == []
        other.run(model.everything, feeds)


def test_code_in_use_outlives_the_bound_on_code_held(monkeypatch):
    model = classifier()
    feeds = model.feeds(16, 0)
    with ready(model) as sess, ready(model) as alone:
        sess.run(model.everything, feeds)
        monkeypatch.setattr(loader, "HELD_BYTES", 0)
        x = tf.placeholder(tf.float32, [None])
        for k in range(3):
            sess.run(tf.sin(x) * float(k) - tf.cos(x * float(k)), {x: np.ones(3)})
        assert len(loader._held) == 1
        gc.collect()
        alone.run(model.everything, feeds)
        assert_same_bits(sess.run(model.everything, feeds), alone.run(model.everything, feeds))


def test_arenas_that_were_outgrown_are_freed():
    x = tf.placeholder(tf.float32, [None], name="x")
    total = tf.reduce_sum(tf.exp(x - tf.reduce_max(x)))
    with tf.Session() as sess:
        for size in range(100_000, 2_000_000, 100_000):
            sess.run(total, {x: np.zeros(size)})
        assert len(sess._executor.arenas) <= 1


# --- refused -------------------------------------------------------------------------------------


@pytest.fixture
def small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 4 GiB."""
    monkeypatch.setattr(memory, "machine_bytes", lambda: 4 << 30)


def wide() -> tuple:
    """All pairs of two vectors, reduced: n * n temporaries unless they are fused away."""
    x = tf.placeholder(tf.float32, ["n"], name="x")
    v = tf.Variable(1.0, name="v")
    with tf.control_dependencies([v.assign_add(1.0)]):
        pairs = tf.matmul(tf.expand_dims(x, 1), tf.expand_dims(x, 0), name="pairs")
        again = tf.matmul(pairs, pairs, name="again")
    return x, again, tf.reduce_sum(again)


def test_temporaries_that_cannot_be_had(small_machine):
    x, _, total = wide()
    with tf.Session() as sess:
        sess.run("v/Assign")
        with pytest.raises(EXHAUSTED) as caught:
            sess.run(total, {x: np.ones(40_000)})
        text = str(caught.value)
        assert "GiB for temporaries cannot be had; nothing has run" in text
        assert "float32[40000, 40000]" in text
        assert "6.0 GiB, test_runs_memory.py:" in text
        assert sess.run("v:0") == 1.0
        assert sess.run(total, {x: np.ones(2)}) == 8.0


def test_results_that_cannot_be_had(small_machine):
    x, again, _ = wide()
    with tf.Session() as sess:
        sess.run("v/Assign")
        for _ in range(2):
            with pytest.raises(EXHAUSTED, match="cannot be had; nothing has run") as caught:
                sess.run(again, {x: np.ones(40_000)})
            assert "again" in str(caught.value)
            assert "float32[40000, 40000]" in str(caught.value)
        assert sess.run("v:0") == 1.0


def test_a_variable_that_cannot_be_had(small_machine):
    tf.get_variable("huge", [100_000, 100_000], initializer=tf.zeros_initializer())
    with tf.Session() as sess, pytest.raises(EXHAUSTED) as caught:
        sess.run(tf.global_variables_initializer())
    assert "37.3 GiB for float32[100000, 100000] cannot be had" in str(caught.value)
    assert "variable 'huge'" in str(caught.value)


def test_allocations_the_system_refuses(monkeypatch):
    x, again, total = wide()
    with tf.Session() as sess:
        sess.run("v/Assign")
        sess.run([again, total], {x: np.ones(8)})

        def refuse(*arguments: object) -> None:
            raise MemoryError

        for owner, name, fact in (
            (memory, "aligned_empty", "temporaries"),
            (blocks, "_take", "results"),
        ):
            for size in (700, 700, 701):
                sess._executor.arenas.clear()
                before = state_of(sess)
                monkeypatch.setattr(owner, name, refuse)
                with pytest.raises(EXHAUSTED, match=f"MiB for {fact} cannot be had"):
                    sess.run([again, total], {x: np.ones(size)})
                monkeypatch.undo()
                assert_same_bits(state_of(sess), before)
                sess.run([again, total], {x: np.ones(700)})


# --- results used again --------------------------------------------------------------------------

LARGE = RECYCLED_FROM // 4 + 100


def test_the_memory_of_a_dropped_result_serves_the_next():
    x = tf.placeholder(tf.float32, [None], name="x")
    y = x * 2.0
    with tf.Session() as sess:
        one = sess.run(y, {x: np.ones(LARGE)})
        place = one.ctypes.data
        other = sess.run(y, {x: np.full(LARGE, 2.0)})
        assert other.ctypes.data != place
        del one
        again = sess.run(y, {x: np.full(LARGE, 3.0)})
        assert again.ctypes.data == place
        assert (other[0], again[0], other.max(), again.max()) == (4, 6, 4, 6)


@pytest.mark.parametrize("view", [np.transpose, np.ravel, lambda a: a[5:], memoryview, np.asarray])
def test_a_view_keeps_a_results_memory(view):
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    y = x * 2.0
    with tf.Session() as sess:
        kept = view(sess.run(y, {x: np.ones((LARGE, 2))}))
        others = [sess.run(y, {x: np.full((LARGE, 2), k)}) for k in range(3)]
        assert (np.asarray(kept) == 2).all()
        assert [float(o[0, 0]) for o in others] == [0, 2, 4]


def test_large_results_are_ordinary_arrays():
    x = tf.placeholder(tf.float32, [None], name="x")
    with tf.Session() as sess:
        y = sess.run(x * 2.0, {x: np.ones(LARGE)})
        assert type(y) is np.ndarray
        assert y.flags.writeable
        assert y.flags.c_contiguous
        assert y.ctypes.data % 64 == 0
        y += 1
        assert y.sum() == 3 * LARGE
        assert sess.run(x * 3.0, {x: y})[0] == 9


def test_idle_blocks_are_bounded_and_like_sizes_share_them():
    pool = Blocks()
    arrays = [
        pool.array((size,), np.dtype(np.uint8)) for size in range(16 << 20, 40 << 20, 2 << 20)
    ]
    del arrays
    gc.collect()
    assert 0 < sum(map(len, pool.idle.values())) <= IDLE_BYTES
    sizes = {
        len(pool._take(memory._rounded(size))) for size in range(10_000_000, 10_400_000, 50_000)
    }
    assert len(sizes) == 1


def test_empty_and_scalar_results():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.Session() as sess:
        y, total = sess.run([x * 2.0, tf.reduce_sum(x)], {x: np.zeros((0, 3))})
    assert (y.shape, total) == ((0, 3), 0.0)
