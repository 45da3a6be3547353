"""The thread pool: one per process, its threads parked inside one native function.

The pool is ``POOL_WORDS`` words of memory at one address for the life of the process, so run states
may keep it.  `native.py` says how rows are shared out; this file starts, counts and ends threads.

What must stay true:
* Threads start when the first parallel row is met (the walk returns NEEDS_POOL), never at import.
* A child of fork has no threads: its words are zeroed, and the first parallel row starts afresh.
* The number of threads changes no result, only who computes it; a thread that cannot be had, or
  that other processes keep from running, costs time only.
* At exit every thread has left native code before memory or code is given back.
"""

from __future__ import annotations

import atexit
import ctypes
import mmap
import os
import platform
import sys
import threading
import time
from collections.abc import Callable

# Words of the pool; those that different threads write lie in different cache lines.
TICKET = 0  # generation, chunk count, next chunk
SLEEPERS = 8  # workers asleep, or about to be
LEFT = 16  # chunks of the row not yet finished
CALLER_SLEEPS = 17  # the caller waits for LEFT to change
JOB_KERNEL = 24
JOB_ENTRIES = 25
JOB_COUNT = 26
CALLER_PROCESSOR = 27  # where the caller of the row runs
BUSY = 32  # a row is being shared out
STATUS = 33  # failed checks of the row
ALONE_UNTIL = 40  # no row is shared out before this time: helpers were in the way
WORKERS = 48  # threads wanted beside the caller: a worker whose index is not below leaves
STARTED = 49  # somebody has seen to the threads since the process began or forked
POOL_WORDS = 64

COUNT_BITS = 20  # of the ticket, for the chunk count and the next chunk each

# Number of the futex system call; 0 where there is none that we know.
FUTEX_CALL = (
    {"x86_64": 202, "aarch64": 98}.get(platform.machine(), 0) if sys.platform == "linux" else 0
)

_EXIT_SECONDS = 1.0

Worker = Callable[[int, int], object]


def thread_count() -> int:
    """Threads a run uses, the caller included: GRAPHC_THREADS, or the processors we may use."""
    wanted = os.environ.get("GRAPHC_THREADS", "")
    if wanted:
        if not wanted.isdigit() or int(wanted) < 1:
            raise ValueError(f"GRAPHC_THREADS is {wanted!r}: it must be a number from 1 up")
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """The threads that help a walk with its parallel rows."""

    def __init__(self, threads: int | None = None) -> None:
        self._words = (ctypes.c_int64 * POOL_WORDS).from_buffer(_private_page())
        # A worker may look at the words until the process is gone: they are never given back.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._words))
        self.address = ctypes.addressof(self._words)
        self._threads: list[threading.Thread] = []
        self._count = threads
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_threads)
        atexit.register(self.stop)

    @property
    def threads(self) -> int:
        """Threads a run uses, the caller included."""
        return thread_count() if self._count is None else self._count

    @property
    def running(self) -> int:
        """Threads of the pool that are alive now."""
        return sum(thread.is_alive() for thread in self._threads)

    def start(self, worker: Worker) -> None:
        """See to it that the wanted threads run `worker`; what a NEEDS_POOL asks for."""
        with self._lock:
            self._words[WORKERS] = self.threads - 1
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            for index in range(len(self._threads), self.threads - 1):
                thread = threading.Thread(
                    target=worker, args=(self.address, index), name=f"graphc-{index}", daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:  # no more threads can be had: fewer do the same
                    self._words[WORKERS] = index
                    break
                self._threads.append(thread)
            self._words[STARTED] = 1

    def resize(self, threads: int | None) -> None:
        """Use so many threads from the next parallel row on; None asks the environment again."""
        if threads is not None and threads < 1:
            raise ValueError(f"a run needs at least 1 thread, not {threads}")
        self.stop()
        self._count = threads

    def stop(self) -> None:
        """End the threads; a row being run is finished by its caller."""
        with self._lock:
            self._words[WORKERS] = 0
            deadline = time.monotonic() + _EXIT_SECONDS
            while self.running and time.monotonic() < deadline:
                _wake(self.address + TICKET * 8 + 4)
                for thread in self._threads:
                    thread.join(0.002)
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._words[STARTED] = 0

    def _forget_threads(self) -> None:
        self._lock = threading.Lock()
        self._threads = []
        ctypes.memset(self.address, 0, POOL_WORDS * 8)


def _private_page() -> mmap.mmap:
    if hasattr(mmap, "MAP_PRIVATE"):  # a shared page would let a forked child reset its parent
        return mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return mmap.mmap(-1, mmap.PAGESIZE)


def _wake(address: int) -> None:
    """Wake every worker that sleeps; without futexes they wake by themselves."""
    if FUTEX_CALL:
        ctypes.CDLL(None).syscall(FUTEX_CALL, ctypes.c_void_p(address), 129, 1 << 30, None, None, 0)
