"""The prepared call: which arrays it takes, which it refuses by number, and where it puts them."""

import threading
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from runtime.devices.cpu import boot
from runtime.devices.cpu.boot import Native, Prepared, layout_holds
from runtime.devices.cpu.table import (
    DONE,
    FEEDS_DIFFER,
    FETCHES_DIFFER,
    OPERAND,
    PC,
    Entry,
    Relative,
    RunState,
    TableBuilder,
)

FLOAT32, INT32, BOOL = np.dtype(np.float32), np.dtype(np.int32), np.dtype(np.bool_)


class Call:
    """Feeds float32[3, 4] and int32[], a fetch bool[0, 5]; `places` gets their pointers."""

    def __init__(self, native: Native) -> None:
        build = TableBuilder()
        self.places = build.block([0] * 4)
        build.feed(FLOAT32, [3, 4], [self.places.word(0), self.places.word(3)])
        build.feed(INT32, [], [self.places.word(1)])
        build.fetch(BOOL, [0, 5], [self.places.word(2)])
        self.state = build.build().state()
        self.run = native.prepare(self.state)

    def pointers(self) -> list[int]:
        first = self.state.index(self.places)
        return self.state.words[first : first + 4].tolist()


@pytest.fixture(params=["native", "python"])
def call(request: pytest.FixtureRequest, native: Native) -> Call:
    if request.param == "python":
        native = boot.Native(native.pool, native.walk, False, native._worker, None, native._codes)
    return Call(native)


def good() -> list[np.ndarray]:
    return [np.zeros((3, 4), FLOAT32), np.array(7, INT32), np.zeros((0, 5), BOOL)]


def misaligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    raw = np.zeros(int(np.prod(shape)) * dtype.itemsize + 1, np.uint8)
    return raw[1:].view(dtype).reshape(shape)


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


class Subclass(np.ndarray):
    pass


def test_arrays_lie_as_the_native_call_reads_them() -> None:
    assert layout_holds()  # CPython with the GIL, NumPy 1.26 or 2: what CI runs


def test_a_fitting_call_stores_every_pointer(call: Call) -> None:
    for _ in range(2):
        feed, scalar, fetch = arrays = good()
        assert call.run(*arrays) == DONE
        pointers = [array.ctypes.data for array in (feed, scalar, fetch, feed)]
        assert call.pointers() == pointers


def test_a_read_only_feed_is_taken(call: Call) -> None:
    arrays = [read_only(array) for array in good()[:2]]
    assert call.run(*arrays, good()[2]) == DONE


REFUSED_FEEDS = {
    "dtype": lambda: np.zeros((3, 4), np.float64),
    "byte order": lambda: np.zeros((3, 4), ">f4"),
    "equal size": lambda: np.zeros((3, 4), np.int32),
    "rank": lambda: np.zeros((3, 4, 1), FLOAT32),
    "no rank": lambda: np.zeros((), FLOAT32),
    "first dim": lambda: np.zeros((2, 4), FLOAT32),
    "last dim": lambda: np.zeros((3, 5), FLOAT32),
    "transposed": lambda: np.zeros((4, 3), FLOAT32).T,
    "strided": lambda: np.zeros((3, 8), FLOAT32)[:, ::2],
    "alignment": lambda: misaligned((3, 4), FLOAT32),
    "subclass": lambda: np.zeros((3, 4), FLOAT32).view(Subclass),
    "list": lambda: [[0.0] * 4] * 3,
    "scalar": lambda: np.float32(1),
    "None": lambda: None,
}


@pytest.mark.parametrize("make", REFUSED_FEEDS.values(), ids=REFUSED_FEEDS.keys())
def test_a_feed_that_does_not_fit_is_named(call: Call, make: Callable[[], object]) -> None:
    assert call.run(make(), *good()[1:]) == FEEDS_DIFFER
    assert call.state.words[OPERAND] == 0
    assert call.run(*good()) == DONE


def test_the_second_feed_is_named_by_its_number(call: Call) -> None:
    first, _, fetch = good()
    assert call.run(first, np.array([7], INT32), fetch) == FEEDS_DIFFER
    assert call.state.words[OPERAND] == 1


@pytest.mark.parametrize("fetch", [read_only(np.zeros((0, 5), BOOL)), np.zeros((0, 4), BOOL)])
def test_a_fetch_that_does_not_fit_is_named(call: Call, fetch: np.ndarray) -> None:
    assert call.run(*good()[:2], fetch) == FETCHES_DIFFER
    assert call.state.words[OPERAND] == 0


@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_wrong_number_of_arrays_is_refused(call: Call, count: int) -> None:
    assert call.run(*(good() * 2)[:count]) == FEEDS_DIFFER
    assert call.state.words[OPERAND] == -1


def test_a_refused_call_runs_no_row(kernels: SimpleNamespace, native: Native) -> None:
    build = TableBuilder()
    words = build.block([0] * 2)
    place = build.block([words])
    build.launch(kernels.visit, [Entry(place, 2, 2)])
    build.feed(INT32, [2], [build.counter()])
    state = build.build().state()
    run = native.prepare(state)
    assert run(np.zeros(3, INT32)) == FEEDS_DIFFER
    assert state.words[state.index(words)] == 0
    assert run(np.zeros(2, INT32)) == DONE
    assert state.words[state.index(words)] == 1


def test_every_call_starts_at_row_0(kernels: SimpleNamespace, native: Native) -> None:
    build = TableBuilder()
    words = build.block([0] * 3)
    build.launch(kernels.visit, [Entry(build.block([words]), 3, 3)])
    state = build.build().state()
    run = native.prepare(state)
    for runs in range(1, 4):
        assert run() == DONE
        assert state.words[state.index(words)] == runs
        assert state.words[PC] == 1


def test_a_prepared_call_keeps_its_state_alive(kernels: SimpleNamespace, native: Native) -> None:
    target = np.zeros(3, np.int64)

    def make() -> Prepared:
        build = TableBuilder()
        build.launch(kernels.visit, [Entry(build.block([target.ctypes.data]), 3, 3)])
        return native.prepare(build.build().state())

    calls = [make() for _ in range(50)]
    assert [run() for run in calls] == [DONE] * 50
    assert target.tolist() == [50] * 3


def waiting(kernels: SimpleNamespace, native: Native) -> tuple[RunState, Relative]:
    """A run that ends once its flag is set; it fails after ten seconds."""
    build = TableBuilder()
    flag = build.block([0, 0])
    build.launch(kernels.wait_for_flag, [Entry(build.block([flag]), 1, 1)])
    return build.build().state(), flag


def test_other_python_threads_go_on_during_a_run(kernels: SimpleNamespace, native: Native) -> None:
    state, flag = waiting(kernels, native)
    place = state.index(flag)

    def set_flag() -> None:
        state.words[place] = 1

    thread = threading.Timer(0.05, set_flag)
    thread.start()
    assert native.prepare(state)() == DONE
    thread.join()


def test_a_run_may_hold_the_interpreter_lock(kernels: SimpleNamespace, native: Native) -> None:
    build = TableBuilder()
    words = build.block([0] * 2)
    build.launch(kernels.visit, [Entry(build.block([words]), 2, 2)])
    build.hold_gil()
    state = build.build().state()
    run = native.prepare(state)
    assert [run() for _ in range(3)] == [DONE] * 3
    assert state.words[state.index(words)] == 3
