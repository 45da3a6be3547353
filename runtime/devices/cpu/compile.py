"""Kernel to object code: Numba's front end, our own emission, our own LLVM pipeline.

Loads Numba at the first compile.  An object has one symbol, ``gx_<key>``, with the C ABI
``i64 symbol(i64* args, i64 start, i64 stop)``, and needs no other.
"""

from __future__ import annotations

import os
import re
import struct
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, BinaryIO, NoReturn

from llvmlite import ir

from graphc.codegen.kernel import Kernel
from graphc.errors import InternalError
from runtime.devices.cpu import bodies, llvm_target, refs, tiles, words

ARGUMENTS = ("pointer", "int64", "int64")
# A helper process is forked for at least this many kernels: below, starting it costs what it saves.
FORK_FROM = 6
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
    started = time.perf_counter()
    module = _module_of(kernel)
    emitted = time.perf_counter()
    code = llvm_target.compile_module(module, llvm_target.host())
    return Compiled(code, symbol_of(kernel), emitted - started, time.perf_counter() - emitted)


def inspect_kernel(kernel: Kernel) -> Listing:
    machine = llvm_target.host()
    module = llvm_target.optimised(str(_module_of(kernel)), machine)
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
    return module


def _python_function(kernel: Kernel) -> FunctionType:
    """The kernel's function, its globals bound to words and typed constants."""
    from runtime.devices.cpu.numba_api import TypedConstant

    namespace: dict[str, Any] = dict(words.kernel_words())
    namespace.update(tiles.panel_words())
    namespace.update(words.structure_words(refs.refs_of(kernel.operands), kernel.sizes))
    for constant in kernel.constants:
        dtype = refs.computed(constant.dtype)
        namespace[constant.name] = TypedConstant(dtype, _in_dtype(dtype, constant.value))
    filename = f"<kernel {kernel.name} {kernel.key}>"
    defined: dict[str, Any] = {}  # apart from the words, which a kernel may be named after
    exec(compile(kernel.text, filename, "exec"), namespace, defined)
    return defined[kernel.name]


def _in_dtype(dtype: str, value: bool | int | float) -> bool | int | float:
    if dtype == "bool":
        return bool(value)
    return float(value) if bodies.is_float(dtype) else int(value)


# --- many kernels ---------------------------------------------------------------------------------


def compile_many(kernels: Sequence[Kernel]) -> dict[str, bytes]:
    """The objects of ``kernels`` by key; where it pays, half come from a forked helper process.

    The helper inherits Numba and LLVM initialised.  Threads would not help: llvmlite has one lock.
    Whatever goes wrong with the helper, its share is compiled here.
    """
    missing = list({kernel.key: kernel for kernel in kernels}.values())
    missing.sort(key=lambda kernel: len(kernel.text), reverse=True)
    if len(missing) < FORK_FROM or not _may_fork():
        return {kernel.key: compile_kernel(kernel).object for kernel in missing}
    objects = {missing[0].key: compile_kernel(missing[0]).object}
    share = _start_helper(missing[2::2])
    objects.update({kernel.key: compile_kernel(kernel).object for kernel in missing[1::2]})
    objects.update(share())
    objects.update(
        {
            kernel.key: compile_kernel(kernel).object
            for kernel in missing
            if kernel.key not in objects
        }
    )
    return objects


def _may_fork() -> bool:
    """Forking is safe while no other thread can hold a lock the helper would wait for."""
    if not hasattr(os, "fork") or not hasattr(os, "sched_getaffinity"):
        return False
    others = [
        thread for thread in threading.enumerate() if thread is not threading.current_thread()
    ]
    parked = all(thread.name.startswith(POOL_PREFIX) for thread in others)
    return parked and len(os.sched_getaffinity(0)) > 1


def _start_helper(kernels: Sequence[Kernel]) -> Callable[[], dict[str, bytes]]:
    """Start compiling in a forked process; the result waits for it and gives its objects."""
    with tempfile.TemporaryFile() as results, warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # other threads are native and hold no lock
        descriptor = os.dup(results.fileno())
        try:
            helper = os.fork()
        except OSError:
            os.close(descriptor)
            return dict
    if helper == 0:
        _run_helper(kernels, descriptor)

    def finish() -> dict[str, bytes]:
        os.waitpid(helper, 0)
        with open(descriptor, "rb") as written:
            written.seek(0)
            return _read_objects(written)

    return finish


def _run_helper(kernels: Sequence[Kernel], descriptor: int) -> NoReturn:
    """In the helper: objects are written as they are ready; nothing of Python's exit is run."""
    try:
        with open(descriptor, "wb", buffering=0) as results:
            for kernel in kernels:
                code = compile_kernel(kernel).object
                results.write(kernel.key.encode() + struct.pack("<Q", len(code)) + code)
    except BaseException:  # the parent compiles what is missing, and meets the same error
        os._exit(1)
    os._exit(0)


def _read_objects(written: BinaryIO) -> dict[str, bytes]:
    """The records of a helper; a last one cut short is left out."""
    objects = {}
    while len(head := written.read(40)) == 40:
        length = struct.unpack("<Q", head[32:])[0]
        code = written.read(length)
        if len(code) == length:
            objects[head[:32].decode()] = code
    return objects
