"""The CPU device's native functions, compiled once per machine and kept in the object cache."""

from __future__ import annotations

import ctypes
import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from runtime.devices.cpu import loader
from runtime.devices.cpu.fingerprint import fingerprint
from runtime.devices.cpu.pool import Pool, thread_count
from runtime.devices.cpu.table import (
    ARRAY_DATA,
    ARRAY_DESCR,
    ARRAY_DIMS,
    ARRAY_FLAGS,
    ARRAY_RANK,
    COMMITTED,
    FEED_COUNT,
    FEEDS_DIFFER,
    FETCHES_DIFFER,
    NEEDS_POOL,
    OBJECT_TYPE,
    OPERAND,
    OPERAND_COUNT,
    OPERANDS,
    PC,
    READABLE,
    SLICED,
    WORD,
    WRITEABLE,
    RunState,
)
from runtime.locks import Lock
from runtime.object_cache import ObjectCache, default_cache

SYMBOLS = ("graphc_walk", "graphc_enter", "graphc_worker")

Prepared = Callable[..., int]

_METH_FASTCALL = 0x80


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_make_builtin = ctypes.PYFUNCTYPE(
    ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p
)(("PyCFunction_NewEx", ctypes.pythonapi))


@dataclass(frozen=True, eq=False)
class Native:
    """The native functions of this process, and its thread pool.

    A state takes part in the pool if it was made with ``table.state(bases, native.pool.address)``.
    """

    pool: Pool
    walk: Callable[[int], int]  # state address -> reason; goes on from PC, interpreter lock dropped
    compiled: bool  # by this process, not found in the cache
    _worker: Callable[[int, int], int]
    _enter: _MethodDef | None  # None: arrays are not laid out as `enter` reads them
    _codes: tuple[loader.Code, ...]

    def prepare(self, state: RunState) -> Prepared:
        """The run as a callable: ``reason = call(*feeds, *fetches)``.

        It checks the arrays against the table's feeds and fetches, stores their data pointers and
        walks from row 0.  One call at a time: the state is its run's.
        """
        if self._enter is None:
            return _Checked(state, self.walk)
        call: Prepared = _make_builtin(ctypes.addressof(self._enter), state.words, None)
        return call

    def go_on(self, state: RunState, reason: int) -> int:
        """Walk on after the reasons that ask nothing of the caller (a slice, the pool)."""
        while True:
            if reason == NEEDS_POOL:
                self.pool.start(self._worker)
            elif reason != SLICED:
                return reason
            reason = self.walk(state.address)

    def run(self, state: RunState) -> int:
        """Walk from row 0 a table without feeds and fetches, or whose words are patched already."""
        state.words[PC] = state.words[COMMITTED] = 0
        return self.go_on(state, self.walk(state.address))


class _Checked:
    """What `enter` does, in Python: for interpreters and NumPys with another layout of arrays."""

    def __init__(self, state: RunState, walk: Callable[[int], int]) -> None:
        self._state = state
        self._walk = walk

    def __call__(self, *arrays: np.ndarray) -> int:
        words = self._state.words
        feeds, operands, place = (int(words[k]) for k in (FEED_COUNT, OPERAND_COUNT, OPERANDS))
        if len(arrays) != operands:
            words[OPERAND] = -1
            return FEEDS_DIFFER
        record = (place - self._state.address) // WORD
        for index, array in enumerate(arrays):
            descr, rank, patch_count = (int(word) for word in words[record : record + 3])
            dims = tuple(words[record + 3 : record + 3 + rank].tolist())
            first_patch = record + 3 + rank
            record = first_patch + patch_count
            fits = type(array) is np.ndarray and id(array.dtype) == descr and array.shape == dims
            if not (fits and _is_accessible(array, write=index >= feeds)):
                words[OPERAND] = index if index < feeds else index - feeds
                return FEEDS_DIFFER if index < feeds else FETCHES_DIFFER
            patches = (words[first_patch:record] - self._state.address) // WORD
            words[patches] = array.ctypes.data
        words[PC] = words[COMMITTED] = 0
        return self._walk(self._state.address)


def _is_accessible(array: np.ndarray, write: bool) -> bool:
    flags = array.flags
    return flags.c_contiguous and flags.aligned and (flags.writeable or not write)


def native() -> Native:
    """The native functions of this process; the first call loads or compiles them."""
    with _lock:
        if not _natives:
            _natives.append(boot(default_cache()))
        return _natives[0]


_lock = Lock()
_natives: list[Native] = []
_booted: list[Native] = []


def boot(cache: ObjectCache) -> Native:
    """Load the native functions from a cache, or compile and put them there."""
    key = hashlib.sha256(f"native {fingerprint()}".encode()).hexdigest()
    text = cache.get(key)
    compiled = text is None
    if text is None:
        from runtime.devices.cpu.native import compile_native

        text = compile_native()
        cache.put(key, text)
    codes = loader.link([text], dict.fromkeys(SYMBOLS, len(text)))
    walk, enter, worker = (codes[symbol].address for symbol in SYMBOLS)
    returns_int, takes_int = ctypes.c_int64, (ctypes.c_int64,)
    method = _MethodDef(b"run", enter, _METH_FASTCALL, b"Run a prepared call.")
    booted = Native(
        pool=Pool(thread_count()),
        walk=ctypes.CFUNCTYPE(returns_int, *takes_int)(walk),
        compiled=compiled,
        _worker=ctypes.CFUNCTYPE(returns_int, *takes_int * 2)(worker),
        _enter=method if layout_holds() else None,
        _codes=tuple(codes.values()),
    )
    _booted.append(booted)  # a prepared call keeps its state alive, but not the code it runs
    return booted


def layout_holds() -> bool:
    """Whether arrays lie in memory as `enter` reads them."""
    if sys.implementation.name != "cpython":
        return False
    array = np.zeros((4, 5), np.float32)[1:]
    frozen = np.zeros((2, 3), np.float64).T
    frozen.flags.writeable = False

    def matches(array: np.ndarray, writeable: bool, readable: bool) -> bool:
        words = (ctypes.c_int64 * 9).from_address(id(array))
        rank, flags = (
            ctypes.c_int32.from_buffer(words, WORD * k) for k in (ARRAY_RANK, ARRAY_FLAGS)
        )
        dims = (ctypes.c_int64 * array.ndim).from_address(words[ARRAY_DIMS])
        return (
            words[OBJECT_TYPE] == id(np.ndarray)
            and words[ARRAY_DATA] == array.ctypes.data
            and rank.value == array.ndim
            and tuple(dims) == array.shape
            and words[ARRAY_DESCR] == id(array.dtype)
            and (flags.value & READABLE == READABLE) == readable
            and (flags.value & WRITEABLE == WRITEABLE) == writeable
        )

    return matches(array, True, True) and matches(frozen, False, False)
