"""Who may run now: a run that writes a session's state is alone, runs that only read it together.

Entering uncontended is a list append or a lock acquired in C, because it is part of every run.  The
ways in and out are spelled out where runs happen (``runtime.executor``)::

    reading: gate.readers.append(me)          writing: with gate.exclusive:
             if gate.writer: gate.await_turn(me)           gate.writer = me
             ... gate.readers.remove(me)                   if gate.readers: gate.await_readers(me)
             if gate.blocked: gate.tell()                  gate.written += 1
                                                           ... gate.writer = outer
                                                           if gate.blocked: gate.give_way()

and as ``with gate.reading():`` and ``with gate.writing():`` where time is no matter.

What must stay true:
* Each side first says that it is there and then looks for the other, so of two that meet at least
  one sees the other.
* Nobody starves: a writer that leaves lets those readers in that wait, before the next writer.
* A thread inside a run may run the session again (a Python function of the graph that calls
  ``run``): it never waits for itself.  A reading run that starts a writing one counts as not
  reading while it waits, so two of them cannot wait for each other.
* ``written`` tells a reading run whether somebody has written since it looked last; it grows when
  nobody reads any more.
* After a fork the child has no runs but its own thread's.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

_POLL_SECONDS = 0.05  # an interrupt may lose a notification; nobody waits longer than this for it


class Gate:
    """Shared and exclusive access to one session's variables and random states."""

    def __init__(self) -> None:
        _gates.add(self)
        self.written = 0  # runs that wrote, or may have
        self._begin()

    def _begin(self, me: int = 0, depth: int = 0) -> None:
        self.exclusive = threading.RLock()  # held by the writer
        self.writer = me  # the writing thread; 0: nobody writes
        self.readers = [get_ident()] * depth  # the thread of every reading run
        self.blocked = 0  # threads that wait in `_changed`
        self._upgrading: list[int] = []  # readers waiting to write
        self._waiting: list[int] = []  # readers waiting for their turn
        self._changed = threading.Condition(threading.Lock())

    def keep_only(self, me: int) -> None:
        """Forget every run but this thread's own."""
        self._begin(me if self.writer == me else 0, self.readers.count(me))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold writers off."""
        me = get_ident()
        try:
            self.readers.append(me)
            if self.writer:
                self.await_turn(me)
            yield
        finally:
            self.readers.remove(me)
            if self.blocked:
                self.tell()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be alone."""
        me = get_ident()
        with self.entrance(me):
            outer = self.writer
            try:
                self.writer = me
                if self.readers:
                    self.await_readers(me)
                self.written += 1
                yield
            finally:
                self.writer = outer
                if self.blocked:
                    self.give_way()

    @contextmanager
    def entrance(self, me: int) -> Iterator[None]:
        """``exclusive``, for a thread that may be in a reading run already."""
        upgrades = me in self.readers
        try:
            if upgrades:
                self._upgrading.append(me)
                self.tell()
            with self.exclusive:
                yield
        finally:
            if upgrades:
                self._upgrading.remove(me)

    def await_turn(self, me: int) -> None:
        """Wait, as a reader that has said so, until nobody else writes."""
        if self.writer == me or self.readers.count(me) > 1:
            return
        while self.writer not in (0, me):
            self.readers.remove(me)
            try:
                self._waiting.append(me)
                self._wait(lambda: self.writer in (0, me))
            finally:
                self.readers.append(me)
                self._waiting.remove(me)

    def await_readers(self, me: int) -> None:
        """Wait, as the writer, until nobody else reads."""
        self._wait(lambda: not self._others(me))

    def _others(self, me: int) -> bool:
        waiting = self._upgrading
        return any(r != me and r not in waiting for r in tuple(self.readers))

    def _wait(self, over: object) -> None:
        with self._changed:
            try:
                self.blocked += 1
                while not over():  # type: ignore[operator]
                    self._changed.wait(_POLL_SECONDS)
            finally:
                self.blocked -= 1

    def give_way(self) -> None:
        """As the writer that has just left, still holding ``exclusive``: let waiting readers in."""
        self.tell()
        before = time.monotonic()
        while self._waiting and not self.writer and time.monotonic() - before < _POLL_SECONDS:
            time.sleep(0)

    def tell(self) -> None:
        """Let those who wait look again."""
        with self._changed:
            self._changed.notify_all()


_gates: weakref.WeakSet[Gate] = weakref.WeakSet()


def _open_in_child() -> None:
    for gate in _gates:
        gate.keep_only(get_ident())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_in_child)
