"""The thread pool: every chunk once, whoever runs it; processes that fork, resize and exit."""

import os
import random
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from runtime.devices.cpu.boot import Native
from runtime.devices.cpu.pool import Pool, thread_count
from runtime.devices.cpu.table import (
    DONE,
    FAILED,
    NEEDS_POOL,
    STATUS,
    Entry,
    RunState,
    TableBuilder,
)

ROOT = Path(__file__).parents[2]


def visits(
    kernels: SimpleNamespace, native: Native, extents: list[int], grain: int, rows: int
) -> tuple[RunState, list[np.ndarray]]:
    """A state whose every row adds 1 to every word of arrays of these sizes."""
    build = TableBuilder()
    arrays = [np.zeros(extent, np.int64) for extent in extents]
    entries = [Entry(build.block([array.ctypes.data]), array.size, grain) for array in arrays]
    for _ in range(rows):
        build.launch(kernels.visit, entries, parallel=True)
    return build.build().state({}, native.pool.address), arrays


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("extents", [[1000], [1], [64, 1, 0, 0, 999, 128], [7] * 100])
def test_every_index_is_visited_once_a_row(
    kernels: SimpleNamespace, native: Native, extents: list[int], threads: int
) -> None:
    native.pool.resize(threads)
    state, arrays = visits(kernels, native, extents, grain=64, rows=20)
    assert native.run(state) == DONE
    assert all((array == 20).all() for array in arrays)


def test_three_clients_share_the_pool_and_lose_no_chunk(
    kernels: SimpleNamespace, native: Native
) -> None:
    wrong = []

    def client(seed: int) -> None:
        choose = random.Random(seed)
        for _ in range(60):
            extents = [choose.randrange(0, 2000) for _ in range(choose.choice((1, 1, 5)))]
            grain = choose.randrange(1, 300)
            state, arrays = visits(kernels, native, extents, grain, rows=30)
            if native.run(state) != DONE or any((array != 30).any() for array in arrays):
                wrong.append((seed, extents, grain))

    clients = [threading.Thread(target=client, args=(seed,)) for seed in range(3)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    assert wrong == []


def test_failed_checks_of_all_chunks_come_together(
    kernels: SimpleNamespace, native: Native
) -> None:
    build = TableBuilder()
    masks = build.block([0] * 99 + [1] + [0] * 100 + [8])
    entry = Entry(build.block([masks]), 201, 10)
    build.launch(kernels.fail, [entry], parallel=True)
    state = build.build().state({}, native.pool.address)
    for _ in range(5):
        assert native.run(state) == FAILED
        assert state.words[STATUS] == 9


def test_threads_start_at_the_first_parallel_row(kernels: SimpleNamespace, native: Native) -> None:
    build = TableBuilder()
    words = build.block([0] * 8)
    build.launch(kernels.visit, [Entry(build.block([words]), 8, 2)])
    serial = build.build().state({}, native.pool.address)
    assert native.run(serial) == DONE
    assert native.pool.running == 0
    state, (array,) = visits(kernels, native, [8], grain=2, rows=1)
    state.words[0] = 0
    assert native.walk(state.address) == NEEDS_POOL
    assert not array.any()
    assert native.go_on(state, NEEDS_POOL) == DONE
    assert native.pool.running == 2


def test_a_row_of_one_chunk_is_not_shared_out(kernels: SimpleNamespace, native: Native) -> None:
    state, (array,) = visits(kernels, native, [8], grain=8, rows=3)
    assert not state.table.parallel
    assert native.run(state) == DONE
    assert native.pool.running == 0
    assert (array == 3).all()


def test_resizing_takes_effect_at_the_next_row(kernels: SimpleNamespace, native: Native) -> None:
    state, (array,) = visits(kernels, native, [1000], grain=10, rows=5)
    for threads in (4, 1, 2):
        native.pool.resize(threads)
        assert native.pool.running == 0
        assert native.run(state) == DONE
        assert native.pool.running == threads - 1
    assert (array == 15).all()


def test_threads_that_cannot_be_had_cost_nothing_but_time(
    kernels: SimpleNamespace, native: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    state, (array,) = visits(kernels, native, [1000], grain=10, rows=5)
    assert native.run(state) == DONE
    assert native.pool.running == 0
    assert (array == 5).all()


def test_a_pool_needs_a_thread() -> None:
    with pytest.raises(ValueError, match="at least 1 thread, not 0"):
        Pool().resize(0)


def test_the_environment_says_how_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_THREADS", "7")
    assert thread_count() == 7
    monkeypatch.setenv("GRAPHC_THREADS", "many")
    with pytest.raises(ValueError, match="GRAPHC_THREADS is 'many'"):
        thread_count()
    monkeypatch.delenv("GRAPHC_THREADS")
    assert 1 <= thread_count() <= (os.cpu_count() or 1)


# A process of its own: it forks with a live pool, or exits while its threads spin or sleep.
PREAMBLE = """
    import os, sys, time
    sys.path[:0] = [{root!r}]
    import numpy as np
    from runtime.devices.cpu import boot, int64, llvm_target, loader
    from runtime.devices.cpu.native import load, store
    from runtime.devices.cpu.table import DONE, Entry, TableBuilder

    def visit(args, start, stop):
        place = load(args, 0)
        while start < stop:
            store(place, start, load(place, start) + 1)
            start += 1
        return 0

    machine = llvm_target.host()
    module = llvm_target.new_module("kernels", machine)
    int64.emit(module, {{"visit": visit}})
    codes = loader.load({{"visit": llvm_target.compile_module(module, machine)}})
    native = boot.native()
    native.pool.resize(3)
    array = np.zeros(5000, np.int64)
    build = TableBuilder()
    entry = Entry(build.block([array.ctypes.data]), array.size, 7)
    for _ in range(50):
        build.launch(codes["visit"].address, [entry], parallel=True)
    state = build.build().state({{}}, native.pool.address)

    def run():
        array[:] = 0
        return native.run(state) == DONE and bool((array == 50).all())

    assert run() and native.pool.running == 2
"""


def run_script(body: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(PREAMBLE.format(root=str(ROOT))) + textwrap.dedent(body))
    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_forked_child_runs_parallel_rows_with_threads_of_its_own(tmp_path: Path) -> None:
    done = run_script(
        """
        for _ in range(3):
            child = os.fork()
            if child == 0:
                before = native.pool.running
                good = run() and run() and native.pool.running == 2 and before == 0
                os._exit(0 if good else 1)
            assert run()
            assert os.waitpid(child, 0)[1] == 0
        assert run() and native.pool.running == 2
        print("good")
        """,
        tmp_path,
    )
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("good", "", 0)


def test_a_fork_in_the_middle_of_other_clients_rows_harms_neither(tmp_path: Path) -> None:
    done = run_script(
        """
        import threading
        other = np.zeros(5000, np.int64)
        build = TableBuilder()
        entry = Entry(build.block([other.ctypes.data]), other.size, 7)
        for _ in range(50):
            build.launch(codes["visit"].address, [entry], parallel=True)
        busy = build.build().state({}, native.pool.address)
        runs, stop = [], []

        def client():
            while not stop:
                runs.append(native.run(busy))

        thread = threading.Thread(target=client)
        thread.start()
        for _ in range(10):
            child = os.fork()
            if child == 0:
                os._exit(0 if run() else 1)
            assert os.waitpid(child, 0)[1] == 0
        stop.append(True)
        thread.join()
        assert set(runs) == {DONE} and (other == 50 * len(runs)).all()
        print("good")
        """,
        tmp_path,
    )
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("good", "", 0)


@pytest.mark.parametrize("rest", [0.0, 0.01])
def test_a_process_with_live_threads_exits(tmp_path: Path, rest: float) -> None:
    done = run_script(f"time.sleep({rest}); print('good')", tmp_path)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("good", "", 0)


def test_a_process_exits_while_a_daemon_thread_still_runs_rows(tmp_path: Path) -> None:
    done = run_script(
        """
        import threading
        started = threading.Event()

        def client():
            while True:
                run()
                started.set()

        threading.Thread(target=client, daemon=True).start()
        assert started.wait(30)
        print("good")
        """,
        tmp_path,
    )
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("good", "", 0)
