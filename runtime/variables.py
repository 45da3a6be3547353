"""What a session owns: its variables' arrays and its random ops' states.

Every array keeps its address for the life of the session (native code holds it), starts at a
64-byte boundary, and is written in place.  A variable is declared when a run first mentions it and
initialised when a run assigns it; reading it before is an error that names it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc.errors import FailedPreconditionError, ResourceExhaustedError, ShapeError
from graphc.ir.dtype import DType
from graphc.ir.source import here
from runtime.gate import Gate
from runtime.interrupts import deferred_interrupt
from runtime.locks import Lock
from runtime.memory import ALIGNMENT, aligned_empty, amount, require_room

Seed = tuple[int | None, int | None]  # the graph's, the op's


def _memory_for(key: str, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    size = math.prod(shape) * dtype.itemsize
    try:
        require_room(size)
        return aligned_empty(shape, dtype)
    except (MemoryError, ValueError):
        raise ResourceExhaustedError(
            f"{amount(size)} for {dtype}{list(shape)} cannot be had; nothing has run",
            subject=f"variable '{key}'",
            site=here(),
        ) from None


class VariableStore:
    """Arrays by variable key, and ``uint64[2]`` (key, executions) by random op path.

    Runs enter through ``gate``.
    """

    def __init__(self) -> None:
        self.gate = Gate()
        self._table = Lock()  # held while an array or state is made
        self.entropy = int.from_bytes(os.urandom(8), "little")
        self._arrays: dict[str, np.ndarray] = {}
        self._declared: set[str] = set()  # whose addresses native code may hold
        self._initialized: set[str] = set()
        self._states: dict[str, np.ndarray] = {}
        self._seeds: dict[str, Seed] = {}

    # --- variables -----------------------------------------------------------------------------

    def declare(self, key: str, dtype: DType, shape: tuple[int, ...]) -> np.ndarray:
        """The array of a variable, made on first mention; from then on it stays where it is.

        A value set before that is taken over if it has the variable's dtype and shape.
        """
        with self._table:
            array = self._arrays.get(key)
            if array is None or (key not in self._declared and not _is(array, dtype, shape)):
                array = self._arrays[key] = _memory_for(key, dtype.numpy, shape)
                self._initialized.discard(key)
            self._declared.add(key)
        if not _is(array, dtype, shape):
            raise _held_otherwise(key, array, dtype, shape)
        return array

    def array(self, key: str) -> np.ndarray:
        """A variable's own memory."""
        return self._arrays[key]

    def is_initialized(self, key: str) -> bool:
        return key in self._initialized

    def mark_initialized(self, keys: Iterable[str]) -> None:
        self._initialized.update(keys)

    def uninitialized(self, keys: Iterable[str]) -> list[str]:
        """Those of ``keys`` that no run has assigned yet, in the given order."""
        return [key for key in keys if key not in self._initialized]

    def require_initialized(self, keys: Iterable[str], sites: dict[str, Any] | None = None) -> None:
        """Raise :class:`FailedPreconditionError` naming the variables that have no value yet."""
        missing = self.uninitialized(keys)
        if not missing:
            return
        made = {key: site for key, site in (sites or {}).items() if site is not None}
        missing.sort(key=lambda key: (made[key].line, key) if key in made else (0, key))
        rows = [
            (key, "not initialized", f"variable, {made[key].short}" if key in made else "")
            for key in missing[:5]
        ]
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        names = ", ".join(f"'{key}'" for key in missing[:5])
        raise FailedPreconditionError(
            f"variable{'s' * (len(missing) > 1)} {names}{more} read before a value was assigned",
            subject="run",
            rows=rows,
            hint="run tf.global_variables_initializer() first, in this session",
            site=here(),
        )

    def get(self, key: str) -> np.ndarray:
        """A copy of a variable's value."""
        self.require_initialized([key])
        with self.gate.reading():
            return self._arrays[key].copy()

    def set(self, key: str, value: np.ndarray, dtype: DType | None = None) -> None:
        """Give a variable a value from outside a run (loading a checkpoint)."""
        value = np.asarray(value)
        with self.gate.writing():
            with self._table:
                array = self._arrays.get(key)
                if array is None:
                    kind = dtype.numpy if dtype is not None else value.dtype
                    array = self._arrays[key] = _memory_for(key, kind, value.shape)
            if array.shape != value.shape:
                raise ShapeError(
                    "the value has another shape than the variable",
                    subject=f"variable '{key}'",
                    rows=[("variable", str(array.shape), ""), ("value", str(value.shape), "")],
                    site=here(),
                )
            array[...] = value
            self._initialized.add(key)

    def adopt(self, values: Mapping[str, tuple[DType, np.ndarray]]) -> None:
        """Give variables values from outside a run, all of them or none (restoring a checkpoint).

        A variable that no run has mentioned yet is the given array from now on, if that lies as
        this store's arrays do; the others are written where they are.
        """
        with self.gate.writing(), deferred_interrupt(), self._table:
            places = {key: self._place_for(key, *value) for key, value in values.items()}
            for key, array in places.items():
                if array is not values[key][1]:
                    array[...] = values[key][1]
            self._arrays |= places
            self._initialized |= places.keys()

    def _place_for(self, key: str, dtype: DType, value: np.ndarray) -> np.ndarray:
        array = self._arrays.get(key)
        if array is None or key not in self._declared:
            flags = value.flags
            fits = flags.c_contiguous and flags.writeable and value.dtype == dtype.numpy
            if fits and (dtype.is_string or value.ctypes.data % ALIGNMENT == 0):
                return value
            return _memory_for(key, dtype.numpy, value.shape)
        if not _is(array, dtype, value.shape):
            raise _held_otherwise(key, array, dtype, value.shape)
        return array

    def keys(self) -> list[str]:
        """The variables that have a value."""
        return sorted(self._initialized)

    # --- random ops ----------------------------------------------------------------------------

    def random_state(self, path: str, seed: tuple[int | None, int | None]) -> np.ndarray:
        """``uint64[2]``: the key of the random op at ``path`` and how often it has executed
        here."""
        with self._table:
            state = self._states.get(path)
            if state is None:
                state = self._states[path] = aligned_empty((2,), np.dtype(np.uint64))
            if self._seeds.get(path, ()) != seed:
                state[0], state[1] = random_key(seed, path, self.entropy), 0
                self._seeds[path] = seed
        return state

    def executions(self) -> dict[str, tuple[Seed, int]]:
        """By path of each random op with a seed that has run here: its seed, how often."""
        seeds = self._seeds.items()
        return {path: (seed, int(self._states[path][1])) for path, seed in seeds if has_seed(seed)}

    def set_executions(self, counts: Mapping[str, tuple[Seed, int]]) -> None:
        """Let the random ops with a seed go on from these counts; those not named start over."""
        with self.gate.writing():
            for path, (seed, count) in counts.items():
                self.random_state(path, seed)[1] = count
            for path, seed in self._seeds.items():
                if has_seed(seed) and path not in counts:
                    self._states[path][1] = 0

    # --- both ----------------------------------------------------------------------------------

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """Runs inside leave no trace: values, which variables have one, and counts of executions
        are as before."""
        with self.gate.writing():
            values = {key: self._arrays[key].copy() for key in self._initialized}
            counts = {path: int(state[1]) for path, state in self._states.items()}
            try:
                yield
            finally:
                for key, value in values.items():
                    self._arrays[key][...] = value
                self._initialized &= values.keys()
                for path, state in self._states.items():
                    state[1] = counts.get(path, 0)


def has_seed(seed: Seed) -> bool:
    """Whether the graph or the op has a seed, so that sessions draw equal numbers."""
    return seed != (None, None)


def _held_otherwise(
    key: str, array: np.ndarray, dtype: DType, shape: tuple[int, ...]
) -> ShapeError:
    return ShapeError(
        "the session holds the variable in another shape or dtype",
        subject=f"variable '{key}'",
        rows=[
            ("held", f"{array.dtype}{list(array.shape)}", ""),
            ("asked", f"{dtype}{list(shape)}", ""),
        ],
        hint="a new session holds none yet",
        site=here(),
    )


def _is(array: np.ndarray, dtype: DType, shape: tuple[int, ...]) -> bool:
    return array.shape == shape and array.dtype == dtype.numpy


def random_key(seed: tuple[int | None, int | None], path: str, entropy: int) -> int:
    """The 64-bit Philox key of a random op.

    BLAKE2b of ``graph seed / op seed`` when the op has a seed of its own (equal seeds draw equal
    numbers, as in TF1), of ``graph seed / path`` when only the graph has one (so an op's numbers
    do not depend on what else the graph holds), of ``entropy / path`` when neither does.
    """
    import hashlib

    graph_seed, op_seed = seed
    if op_seed is not None:
        text = f"seeds {graph_seed if graph_seed is not None else 'none'} {op_seed}"
    elif graph_seed is not None:
        text = f"graph {graph_seed} {path}"
    else:
        text = f"entropy {entropy} {path}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
