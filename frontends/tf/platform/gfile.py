"""``tf.gfile``: files and folders of this machine, with TF1's errors.

A path is text, bytes or path-like; ``file://`` in front is taken off.
"""

from __future__ import annotations

import errno
import glob as _glob
import os
import shutil
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from graphc.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from graphc.ir.source import here

_KINDS: dict[int, type[OpError]] = {
    errno.ENOENT: NotFoundError, errno.EEXIST: AlreadyExistsError,
    errno.EACCES: PermissionDeniedError, errno.EPERM: PermissionDeniedError,
    errno.EROFS: PermissionDeniedError, errno.EISDIR: FailedPreconditionError,
    errno.ENOTDIR: FailedPreconditionError, errno.ENOTEMPTY: FailedPreconditionError,
    errno.ENOSPC: ResourceExhaustedError, errno.EMFILE: ResourceExhaustedError,
}  # fmt: skip


class _failures:
    """What the system refuses inside, as TF1's errors with the user's line."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, OSError):
            made = _KINDS.get(error.errno or 0, UnknownError)
            raise made(f"{self.path}; {error.strerror or error}", site=here()) from error


def _path(name: Any) -> str:
    path = os.fsdecode(name)
    scheme, found, rest = path.partition("://")
    if not found or not scheme.isalnum():
        return path
    if scheme == "file":
        return rest
    raise UnimplementedError(
        f"{path}: there is no file system {scheme!r} here", hint="use files of this machine",
        site=here(),
    )  # fmt: skip


class GFile:
    """A file: text in the modes ``r``, ``w``, ``a``, ``r+``, ``w+``, ``a+``; bytes with ``b``.

    >>> with tf.gfile.GFile("vocabulary.txt", "r") as file:
    ...     words = [line.strip() for line in file]
    """

    def __init__(self, name: Any, mode: str = "r") -> None:
        self.__name, self.__mode = name, mode
        if mode.replace("b", "").replace("t", "") not in ("r", "w", "a", "r+", "w+", "a+"):
            raise InvalidArgumentError(
                f"mode {mode!r} is none of r, w, a, r+, w+, a+, each also with b", site=here()
            )
        path = _path(name)
        with _failures(path):
            text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
            self._file: IO = open(path, mode, **text)  # type: ignore[call-overload]  # noqa: SIM115

    @property
    def name(self) -> Any:
        return self.__name

    @property
    def mode(self) -> str:
        return self.__mode

    def size(self) -> int:
        """The length in bytes."""
        if self._file.writable():
            self._file.flush()
        return os.fstat(self._file.fileno()).st_size

    def read(self, n: int = -1) -> Any:
        """The next ``n`` characters or bytes; all that is left if negative."""
        with self._allowed("read", self._file.readable()):
            return self._file.read(n)

    def readline(self) -> Any:
        """The next line with its newline; empty at the end."""
        with self._allowed("read", self._file.readable()):
            return self._file.readline()

    def readlines(self) -> list:
        """The lines that are left, with their newlines."""
        with self._allowed("read", self._file.readable()):
            return self._file.readlines()

    def write(self, file_content: Any) -> None:
        """Add text (or bytes) at the position."""
        with self._allowed("write", self._file.writable()):
            binary = "b" in self.__mode
            if binary and isinstance(file_content, str):
                file_content = file_content.encode()
            elif not binary and isinstance(file_content, bytes):
                file_content = file_content.decode()
            self._file.write(file_content)

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Go to ``offset`` from the start (``whence`` 0), here (1) or the end (2)."""
        wanted = offset if offset is not None else position
        if wanted is None:
            raise TypeError("seek(): offset is missing")
        if whence not in (0, 1, 2):
            raise UnimplementedError(f"whence must be 0, 1 or 2, got {whence}", site=here())
        if whence == 1:
            wanted, whence = wanted + self._file.tell(), 0
        elif whence == 2:
            wanted, whence = wanted + self.size(), 0
        with _failures(str(self.__name)):
            self._file.seek(wanted, whence)

    def tell(self) -> int:
        """The position in bytes."""
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def flush(self) -> None:
        """Hand what was written to the system."""
        with _failures(str(self.__name)):
            self._file.flush()

    def close(self) -> None:
        """Close the file; it can be closed again."""
        with _failures(str(self.__name)):
            self._file.close()

    def __del__(self) -> None:
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()

    def _allowed(self, action: str, allowed: bool) -> _failures:
        if not allowed:
            raise PermissionDeniedError(
                f"{self.__name!r} was opened to {'read' if action == 'write' else 'write'} "
                f"(mode {self.__mode!r}), not to {action}",
                site=here(),
            )
        return _failures(str(self.__name))

    def __iter__(self) -> GFile:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


Open = FastGFile = GFile


class FileStatistics(NamedTuple):
    """What ``Stat`` tells."""

    length: int
    mtime_nsec: int
    is_directory: bool


def Exists(filename: Any) -> bool:
    """Whether there is a file or folder of that name."""
    return os.path.exists(_path(filename))


def IsDirectory(dirname: Any) -> bool:
    """Whether it is a folder."""
    return os.path.isdir(_path(dirname))


def MkDir(dirname: Any) -> None:
    """Make a folder; its parent must be there.  It may be there already."""
    path = _path(dirname)
    if not os.path.isdir(path):
        with _failures(path):
            os.mkdir(path)


def MakeDirs(dirname: Any) -> None:
    """Make a folder and the folders above it; it may be there already."""
    path = _path(dirname)
    with _failures(path):
        os.makedirs(path, exist_ok=True)


def ListDirectory(dirname: Any) -> list[str]:
    """The names in a folder."""
    path = _path(dirname)
    if not os.path.isdir(path):
        raise NotFoundError(f"could not find directory {path}", site=here())
    with _failures(path):
        return sorted(os.listdir(path))


def Glob(filename: Any) -> list[str]:
    """The paths that fit a pattern (or any of a list of patterns), in order."""
    patterns = filename if isinstance(filename, list | tuple) else [filename]
    return [path for pattern in patterns for path in sorted(_glob.glob(_path(pattern)))]


def Remove(filename: Any) -> None:
    """Delete a file."""
    path = _path(filename)
    with _failures(path):
        os.remove(path)


def DeleteRecursively(dirname: Any) -> None:
    """Delete a folder and all in it."""
    path = _path(dirname)
    with _failures(path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.remove(path)


def Copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copy a file; another one in its place is an error unless ``overwrite``."""
    old, new = _path(oldpath), _path(newpath)
    _refuse_existing(new, overwrite)
    with _failures(old):
        shutil.copyfile(old, new)


def Rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Move a file or folder; another one in its place is an error unless ``overwrite``."""
    old, new = _path(oldname), _path(newname)
    _refuse_existing(new, overwrite)
    with _failures(old):
        os.replace(old, new)


def _refuse_existing(path: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise AlreadyExistsError(f"{path}; file already exists", site=here())


def Stat(filename: Any) -> FileStatistics:
    """Length, time of the last change, and whether it is a folder."""
    path = _path(filename)
    with _failures(path):
        held = os.stat(path)
    return FileStatistics(held.st_size, held.st_mtime_ns, os.path.isdir(path))


def Walk(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """(folder, folders in it, files in it) for a folder and all below; the folder itself first,
    or last where not ``in_order``."""
    path = _path(top)
    for folder, folders, files in os.walk(path, topdown=in_order):
        if in_order:
            folders.sort()
        yield folder, sorted(folders), sorted(files)
