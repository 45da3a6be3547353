"""The disk cache: compiled objects and Programs, bytes under the digest of what made them.

What must stay true:
* A damaged cache costs time, never a result: an entry is its payload and a SHA-256 over its name
  and payload, and one that does not agree is removed and reported missing.
* Entries appear whole: they are written under a temporary name and renamed, so any number of
  processes may fill, read and trim one directory, and be killed while doing so.
* Loading an object is running it, so the directory is ours alone (0700); one that another user owns
  or may write to is refused.
* Nothing here raises for the state of the disk: the cache works without what it cannot have and
  says so once.

``GRAPHC_CACHE_DIR`` moves the cache, ``GRAPHC_CACHE=off`` does without, ``GRAPHC_CACHE_SIZE``
bounds it (bytes, or 200M, 2G; 512M by default): entries unused for longest go first.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import time
import warnings
from pathlib import Path

OBJECT = "o"
PROGRAM = "program"

DEFAULT_SIZE = 512 << 20

_DIGEST_BYTES = hashlib.sha256().digest_size
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_TOUCH_SECONDS = 3600.0  # an entry's time of use is this exact: reading should not write
_ABANDONED_SECONDS = 600.0  # a temporary file this old belongs to a process that was killed


class CacheWarning(UserWarning):
    """The disk cache cannot be used as it should; results are right, start-up is slower."""


class ObjectCache:
    """Bytes by key and kind in one directory; ``ObjectCache(None)`` keeps nothing."""

    def __init__(self, directory: str | os.PathLike[str] | None, size: int = DEFAULT_SIZE) -> None:
        self.directory = None if directory is None else Path(directory)
        self.size = size
        self.hits = 0
        self.misses = 0
        self._usable: bool | None = None if directory is not None else False
        self._writable = True
        self._warned = False
        self._unscanned = size  # bytes written since the directory was measured: measure at once

    def get(self, key: str, kind: str = OBJECT) -> bytes | None:
        """The bytes put under the key, or None if they are not there whole."""
        payload = self._read(self._name(key, kind)) if self._is_usable() else None
        if payload is None:
            self.misses += 1
        else:
            self.hits += 1
        return payload

    def put(self, key: str, payload: bytes, kind: str = OBJECT) -> None:
        """Keep the bytes under the key, if that is possible."""
        if not self._is_usable() or not self._writable:
            return
        name = self._name(key, kind)
        temporary = f"{name}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
        try:
            self._write(temporary, payload + _digest(name, payload))
            os.replace(self._path(temporary), self._path(name))
        except OSError as error:
            self._remove(temporary)
            self._writable = False
            self._warn(f"cannot be written ({error.strerror or error}): nothing more is kept")
            return
        self._unscanned += len(payload)
        if self._unscanned > self.size // 16:
            self._unscanned = 0
            self._trim()

    @staticmethod
    def _name(key: str, kind: str) -> str:
        assert key.isalnum(), f"a cache key is a digest, not {key!r}"
        return f"{key}.{kind}"

    def _path(self, name: str) -> str:
        assert self.directory is not None
        return os.path.join(self.directory, name)

    def _read(self, name: str) -> bytes | None:
        path = self._path(name)
        try:
            with open(path, "rb", buffering=0) as file:
                text = file.read()
                used = os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(f"cannot be read ({error.strerror or error})")
            return None
        payload, digest = text[:-_DIGEST_BYTES], text[-_DIGEST_BYTES:]
        if digest != _digest(name, payload):
            self._warn(f"held a damaged entry, {name}: it is made again")
            self._remove(name)
            return None
        if time.time() - used > _TOUCH_SECONDS:
            _touch(path)
        return payload

    def _write(self, name: str, text: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self._path(name), flags, 0o600)
        try:
            while text:
                text = text[os.write(descriptor, text) :]
        finally:
            os.close(descriptor)

    def _remove(self, name: str) -> None:
        try:
            os.unlink(self._path(name))
        except OSError:
            return  # somebody else did, or the directory is read-only

    def _trim(self) -> None:
        """Remove what killed processes left and, beyond the bound, the entries longest unused."""
        found = []
        now = time.time()
        try:
            with os.scandir(self._path("")) as entries:
                for entry in entries:
                    about = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(".tmp"):
                        if now - about.st_mtime > _ABANDONED_SECONDS:
                            self._remove(entry.name)
                    elif stat.S_ISREG(about.st_mode):
                        found.append((about.st_mtime, about.st_size, entry.name))
        except OSError:
            return  # other processes remove entries too; the next one to write measures again
        total = sum(size for _, size, _ in found)
        if total <= self.size:
            return
        for _, size, name in sorted(found):
            self._remove(name)
            total -= size
            if total <= self.size - self.size // 8:
                return

    def _is_usable(self) -> bool:
        if self._usable is None:
            reason = self._refusal()
            self._usable = reason is None
            if reason is not None:
                self._warn(f"is not used: {reason}")
        return self._usable

    def _refusal(self) -> str | None:
        """Why this directory cannot hold code we would run; makes it if it is not there."""
        path = self._path("")
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)
            about = os.stat(path)
        except OSError as error:
            return f"it cannot be made ({error.strerror or error})"
        if hasattr(os, "geteuid") and about.st_uid != os.geteuid():
            return f"it belongs to user {about.st_uid}, and we run as user {os.geteuid()}"
        if os.name == "posix" and about.st_mode & 0o022:
            mode = stat.S_IMODE(about.st_mode)
            return f"others may write to it (mode {mode:o}); chmod 700 makes it usable"
        return None

    def _warn(self, fact: str) -> None:
        if not self._warned:
            self._warned = True
            message = f"graphc's cache {self.directory} {fact}; kernels may be compiled again"
            warnings.warn(message, CacheWarning, stacklevel=4)


def default_cache() -> ObjectCache:
    """The cache the environment asks for; one object per directory and process."""
    directory = _default_directory()
    size = _size(os.environ.get("GRAPHC_CACHE_SIZE", ""))
    found = _caches.get((directory, size))
    if found is None:
        found = _caches.setdefault((directory, size), ObjectCache(directory, size))
    return found


_caches: dict[tuple[str | None, int], ObjectCache] = {}


def _default_directory() -> str | None:
    if os.environ.get("GRAPHC_CACHE", "").lower() in ("off", "0", "no"):
        return None
    moved = os.environ.get("GRAPHC_CACHE_DIR")
    if moved:
        return os.path.abspath(moved)
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(root, "graphc")


def _size(text: str) -> int:
    digits, unit = text.strip().upper().removesuffix("B"), ""
    if digits and digits[-1] in _UNITS:
        digits, unit = digits[:-1], digits[-1]
    if not text:
        return DEFAULT_SIZE
    if not digits.isdigit():
        raise ValueError(f"GRAPHC_CACHE_SIZE is {text!r}: it must be bytes, or such as 200M or 2G")
    return int(digits) * _UNITS[unit]


def _digest(name: str, payload: bytes) -> bytes:
    digest = hashlib.sha256(name.encode())
    digest.update(payload)
    return digest.digest()


def _touch(path: str) -> None:
    try:
        os.utime(path)
    except OSError:
        return  # a read-only cache serves as well
