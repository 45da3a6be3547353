"""Locks that a forked child finds open: the thread that held one is not there to let it go."""

from __future__ import annotations

import os
import threading
import weakref


class Lock:
    """``with lock:``, in one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        if self._lock.locked():  # not so if it was renewed meanwhile
            self._lock.release()


_locks: weakref.WeakSet[Lock] = weakref.WeakSet()


def _renew() -> None:
    for lock in _locks:
        lock._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
