"""Room to work in: a slot for each chunk that runs at a time, taken and given back."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import graphc as tf
from graphc.codegen.kernel import Kernel, Operand
from runtime.devices.cpu import compile as cpu_compile
from runtime.devices.cpu import loader
from runtime.devices.cpu.boot import native
from tests.runtime.native_kernel import C_SIGNATURE

TEXT = """\
def slots(args, start, stop):
    y, seen = views(args, 2)
    n, busy = sizes(args, 2)
    slot = take_slot(args)
    for i in range(start, stop):
        y[i] = slot
        for k in range(n):
            seen[slot] = seen[slot] + 1
    give_slot(args, slot)
    return 0
"""
KERNEL = Kernel(
    "slots", TEXT, (Operand("y", "int64", 1, "w"), Operand("seen", "int64", 1, "rw")), (),
    ("n", "busy"),
)  # fmt: skip


def called(busy: int, repeats: int = 1):
    """The kernel as a C function, its argument block, and the operands."""
    compiled = cpu_compile.compile_kernel(KERNEL)
    code = loader.load({compiled.symbol: compiled.object})[compiled.symbol]
    y, seen = np.full(64, -1), np.zeros(64, np.int64)
    block = np.array([y.ctypes.data, seen.ctypes.data, repeats, busy], np.int64)
    return C_SIGNATURE(code.address), block, y, seen, code


@pytest.mark.parametrize(
    ("busy", "taken"), [(0, 0), (-1 << 2, 0), (-1 << 2 | 1, 1), (0b0111, 3), (-1 << 63, 0)]
)
def test_the_lowest_slot_that_nobody_has_is_taken_and_given_back(busy: int, taken: int) -> None:
    function, block, y, _, _code = called(busy)
    assert function(block.ctypes.data, 5, 6) == 0
    assert y[5] == taken
    assert block[3] == busy


def test_a_slot_is_one_chunks_at_a_time() -> None:
    """Sums that two threads made in one slot would lose some."""
    function, block, y, seen, _code = called(-1 << 2, repeats=20_000)
    threads = [
        threading.Thread(target=function, args=(block.ctypes.data, k, k + 1)) for k in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(y[:16]) <= {0, 1}
    assert seen.sum() == 16 * 20_000
    assert block[3] == -1 << 2


def test_a_convolution_needs_room_for_its_threads_alone() -> None:
    x, f = np.ones((32, 40, 40, 16), "f"), np.ones((3, 3, 16, 32), "f")
    needed = []
    try:
        for threads in (1, 2, 3):
            native().pool.resize(threads)
            tf.reset_default_graph()
            picture = tf.placeholder(tf.float32, [None, 40, 40, 16])
            y = tf.nn.conv2d(picture, f, [1, 2, 2, 1], "SAME")
            with tf.Session() as sess:
                (found,) = sess.inspect(y, {picture: x}).contractions
            needed.append(found.workspace)
    finally:
        native().pool.resize(None)
    assert found.chunks > 3
    assert needed == [needed[0], 2 * needed[0], 3 * needed[0]]
