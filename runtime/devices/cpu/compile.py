"""Kernel to object code: Numba's front end, our own emission, our own LLVM pipeline.

Loads Numba at the first compile.  An object has one symbol, ``gx_<key>``, with the C ABI
``i64 symbol(i64* args, i64 start, i64 stop)``, and needs no other.
"""

from __future__ import annotations

import gc
import os
import re
import struct
import tempfile
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import FunctionType
from typing import IO, Any, NoReturn

import numpy as np
from llvmlite import ir

from graphc.codegen.kernel import BLOCK_LOOP, Kernel
from graphc.errors import InternalError
from runtime.devices.cpu import (
    blas,
    channels,
    gathered,
    imports,
    llvm_target,
    panel_words,
    pools,
    refs,
    tile_library,
    transforms,
    words,
)

ARGUMENTS = ("pointer", "int64", "int64")
# Vectors a step of a loop with vector math handles side by side; more would spill.
INTERLEAVED = 4
# Fewer kernels than this do not pay for starting a helper process.
KERNELS_PER_HELPER = 6
CLAIM_BYTES = 4
POOL_PREFIX = "graphc-"  # names of the pool's threads: native code, and no lock of Python's


@dataclass(frozen=True)
class Compiled:
    """One kernel as an object file.  ``frontend`` and ``backend`` are seconds."""

    object: bytes
    symbol: str
    frontend: float
    backend: float


@dataclass(frozen=True)
class Listing:
    """What a person reads of a compiled kernel."""

    llvm_ir: str
    assembly: str


def symbol_of(kernel: Kernel) -> str:
    return f"gx_{kernel.key}"


def compile_kernel(kernel: Kernel) -> Compiled:
    with _collector_paused():
        started = time.perf_counter()
        module = _module_of(kernel)
        emitted = time.perf_counter()
        code = llvm_target.compile_module(module, llvm_target.host(), imports.symbols_of(kernel))
        finished = time.perf_counter()
    return Compiled(code, symbol_of(kernel), emitted - started, finished - emitted)


def inspect_kernel(kernel: Kernel) -> Listing:
    return _listing(_module_of(kernel))


def inspect_with_tiles(kernel: Kernel) -> Listing:
    """The kernel, then the libraries of tiles it calls."""
    called = [tile_library.listed(symbol) for symbol in tile_library.symbols_of(kernel)]
    listings = [inspect_kernel(kernel), *(_listing(module) for module in called)]
    return Listing(
        "\n".join(listing.llvm_ir for listing in listings),
        "\n".join(listing.assembly for listing in listings),
    )


def inspect_tiles(dtype: str) -> Listing:
    """The library kernels call to multiply matrices of a dtype."""
    return _listing(tile_library.listed(tile_library.symbol_of(dtype)))


def _listing(made: ir.Module) -> Listing:
    machine = llvm_target.host()
    module = llvm_target.optimised(str(made), machine)
    return Listing(str(module), llvm_target.target_machine(machine).emit_assembly(module))


def compile_function(
    function: FunctionType, signature: str, symbol: str, allowed: Iterable[str] = ()
) -> bytes:
    """A Python function of numbers as an object with the C symbol ``symbol``.

    ``signature`` reads ``"int64(int64, pointer)"``, or ``void(...)``.  The function may call others
    of its kind, Numba intrinsics over numbers, and C functions named in ``allowed``.

    >>> def double(n):
    ...     return n + n
    >>> code = compile_function(double, "int64(int64)", "gx_double")
    """
    from runtime.devices.cpu import numba_api

    found = re.fullmatch(r"(\w+)\((.*)\)", signature.replace(" ", ""))
    if found is None:
        raise InternalError(f"bug in graphc: '{signature}' is not a signature")
    result = None if found[1] == "void" else found[1]
    arguments = tuple(name for name in found[2].split(",") if name)
    machine = llvm_target.host()
    module = llvm_target.new_module(symbol, machine)
    numba_api.emit_function(module, function, symbol, arguments, result)
    return _finished(module, machine, allowed)


def _finished(module: ir.Module, machine: llvm_target.Machine, allowed: Iterable[str]) -> bytes:
    for function in module.functions:
        if not function.is_declaration:
            llvm_target.set_attributes(function, machine)
    return llvm_target.compile_module(module, machine, allowed)


def _module_of(kernel: Kernel) -> ir.Module:
    """The kernel as an LLVM module, not yet optimised."""
    from runtime.devices.cpu import numba_api

    machine = llvm_target.host()
    module = llvm_target.new_module(kernel.name, machine)
    try:
        function = numba_api.emit_function(
            module, _python_function(kernel), symbol_of(kernel), ARGUMENTS, "int64"
        )
    except InternalError as error:
        error.add_note(f"in kernel {kernel.name}:\n{kernel.text}")
        raise
    function.args[0].add_attribute("noalias")  # no operand lies over the argument block
    llvm_target.set_attributes(function, machine)
    side_by_side = _side_by_side(kernel)
    if side_by_side is not None:
        llvm_target.interleave_loops(function, side_by_side)
    return module


def _side_by_side(kernel: Kernel) -> int | None:
    """Vectors a step of a loop handles; None: as LLVM thinks best.  A step of several would be too
    wide for the loops over a block, and what is left goes element by element.
    """
    if BLOCK_LOOP in kernel.text:
        return 1
    return INTERLEAVED if _calls_vector_math(kernel) else None


def _calls_vector_math(kernel: Kernel) -> bool:
    from runtime.devices.cpu.vector_math import EMITTERS

    return any(word in EMITTERS for word in re.findall(r"\b(\w+)\(", kernel.text))


def _python_function(kernel: Kernel) -> FunctionType:
    """The kernel's function, its globals bound to words and typed constants."""
    from runtime.devices.cpu.numba_api import TypedConstant

    namespace: dict[str, Any] = dict(words.kernel_words())
    namespace.update(panel_words.panel_words())
    namespace.update(gathered.gathered_words())
    namespace.update(transforms.transform_words())
    namespace.update(channels.channel_words())
    namespace.update(pools.pool_words())
    namespace.update(blas.blas_words())
    namespace.update(words.structure_words(refs.refs_of(kernel.operands), kernel.sizes))
    for constant in kernel.constants:
        dtype = refs.computed(constant.dtype)
        namespace[constant.name] = TypedConstant(dtype, _in_dtype(dtype, constant.value))
    filename = f"<kernel {kernel.name} {kernel.key}>"
    defined: dict[str, Any] = {}  # apart from the words, which a kernel may be named after
    exec(compile(kernel.text, filename, "exec"), namespace, defined)
    return defined[kernel.name]


def _in_dtype(dtype: str, value: bool | int | float | complex) -> bool | int | float | complex:
    """The constant as a Python number LLVM can hold: what is too large for float32 is infinite."""
    with np.errstate(over="ignore"):
        return np.dtype(dtype).type(value).item()


# --- many kernels ---------------------------------------------------------------------------------


def compile_many(kernels: Sequence[Kernel]) -> dict[str, bytes]:
    """The objects of ``kernels`` by key; where it pays, forked helper processes compile some.

    The helpers inherit Numba and LLVM initialised, and every process takes the next kernel nobody
    has taken.  Threads would not help: llvmlite has one lock.  Whatever goes wrong with a helper,
    what it took is compiled here.
    """
    missing = list({kernel.key: kernel for kernel in kernels}.values())
    missing.sort(key=lambda kernel: len(kernel.text), reverse=True)
    with _collector_paused():
        helpers = _helper_count(len(missing))
        if helpers == 0:
            return {kernel.key: compile_kernel(kernel).object for kernel in missing}
        objects = {missing[0].key: compile_kernel(missing[0]).object}
        with suppress(OSError):  # no room for temporary files
            objects |= _compile_with_helpers(missing[1:], helpers)
        lost = [kernel for kernel in missing if kernel.key not in objects]
        return objects | {kernel.key: compile_kernel(kernel).object for kernel in lost}


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection: Numba makes many objects and little garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _helper_count(kernels: int) -> int:
    """How many helpers to fork: none while a thread may hold a lock a helper would wait for."""
    if not hasattr(os, "fork") or not hasattr(os, "sched_getaffinity"):
        return 0
    others = set(threading.enumerate()) - {threading.current_thread()}
    if not all(thread.name.startswith(POOL_PREFIX) for thread in others):
        return 0
    return min(len(os.sched_getaffinity(0)) - 1, kernels // KERNELS_PER_HELPER)


def _compile_with_helpers(kernels: Sequence[Kernel], count: int) -> dict[str, bytes]:
    """What ``count`` helpers and this process compiled of ``kernels``."""
    with ExitStack() as files:
        claims = files.enter_context(tempfile.TemporaryFile(buffering=0))
        claims.write(b"".join(k.to_bytes(CLAIM_BYTES, "little") for k in range(len(kernels))))
        claims.seek(0)
        helpers: dict[int, IO[bytes]] = {}
        for _ in range(count):
            results = files.enter_context(tempfile.TemporaryFile())
            helper = _fork()
            if helper == 0:
                _run_helper(kernels, claims, results)
            elif helper is not None:
                helpers[helper] = results
        try:
            objects = dict(_claimed(kernels, claims))
        finally:
            for helper in helpers:
                os.waitpid(helper, 0)
        for written in helpers.values():
            written.seek(0)
            objects |= _read_objects(written)
        return objects


def _claimed(kernels: Sequence[Kernel], claims: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Compile whatever this process gets to take.

    ``claims`` holds one number per kernel, and all processes share the position in it.
    """
    while number := claims.read(CLAIM_BYTES):
        kernel = kernels[int.from_bytes(number, "little")]
        yield kernel.key, compile_kernel(kernel).object


def _fork() -> int | None:
    """``os.fork``; None where the system has no process left."""
    with warnings.catch_warnings():
        # of threads in a process that forks: these are native code and hold no lock of Python's
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return os.fork()
        except OSError:
            return None


def _run_helper(kernels: Sequence[Kernel], claims: IO[bytes], results: IO[bytes]) -> NoReturn:
    """In a helper: objects are written as they are ready; nothing of Python's exit is run."""
    try:
        for key, code in _claimed(kernels, claims):
            results.write(key.encode() + struct.pack("<Q", len(code)) + code)
            results.flush()
    except BaseException:  # the parent compiles what is missing, and meets the same error
        os._exit(1)
    os._exit(0)


def _read_objects(written: IO[bytes]) -> dict[str, bytes]:
    """The records of a helper; a last one cut short is left out."""
    objects = {}
    while len(head := written.read(40)) == 40:
        length = struct.unpack("<Q", head[32:])[0]
        code = written.read(length)
        if len(code) == length:
            objects[head[:32].decode()] = code
    return objects
