"""Files that are there whole or not at all.

A file is written under another name in the same folder, flushed to the disk and renamed, and then
the folder is flushed.  So at every moment, whatever ends the process or fills the disk, the name
stands for the old content or the new.  A writer holds a lock on its unfinished file; one that
nobody holds was left by a process that died and is removed by the next writer in that folder.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

_UNFINISHED = re.compile(r"\..*\.[0-9a-f]{12}\.partial\Z", re.DOTALL)
_VECTORS = 512  # buffers of one write; the system takes 1024


@contextmanager
def replacing(path: str) -> Iterator[int]:
    """A file descriptor: what is written to it becomes ``path`` when the block ends.

    If the block raises, ``path`` stays as it is.
    """
    folder, name = os.path.split(path)
    folder = folder or "."
    remove_unfinished(folder)
    unfinished, file = _begin(folder, name)
    try:
        yield file
        os.fsync(file)
        os.replace(unfinished, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(unfinished)
        raise
    finally:
        os.close(file)
    flush_folder(folder)


def write_file(path: str, content: bytes) -> None:
    """Make ``content`` the content of ``path``."""
    with replacing(path) as file:
        write_all(file, [memoryview(content)])


def write_all(file: int, buffers: Sequence[memoryview]) -> None:
    """Write buffers of bytes one after the other, from where they lie."""
    waiting = [b for b in buffers if b.nbytes]
    first = 0
    while first < len(waiting):
        written = os.writev(file, waiting[first : first + _VECTORS])
        while first < len(waiting) and written >= waiting[first].nbytes:
            written -= waiting[first].nbytes
            first += 1
        if written:
            waiting[first] = waiting[first][written:]


def remove_unfinished(folder: str) -> None:
    """Remove what writers that died have left in ``folder``."""
    with suppress(OSError):
        for name in os.listdir(folder):
            if _UNFINISHED.match(name):
                _remove_if_left(os.path.join(folder, name))


def flush_folder(folder: str) -> None:
    """Make renames in ``folder`` last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _begin(folder: str, name: str) -> tuple[str, int]:
    """An empty, locked file beside ``name``."""
    while True:
        path = os.path.join(folder, f".{name[:200]}.{secrets.token_hex(6)}.partial")
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with suppress(OSError):  # a file system without locks keeps what is left over
                fcntl.flock(file, fcntl.LOCK_EX)
            # Another writer may have taken it for left over before it was locked.
            if os.path.exists(path):
                return path, file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _remove_if_left(path: str) -> None:
    with suppress(OSError):
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
        finally:
            os.close(file)
