"""The library of register tiles: one object per dtype, compiled once per machine and kept.

Kernels name its functions (``graphc_multiply_float32``), and the name becomes an address when they
are loaded, so that no kernel is compiled with tiles of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from graphc.codegen.kernel import Kernel
from runtime.devices.cpu import llvm_target, loader
from runtime.devices.cpu.fingerprint import fingerprint
from runtime.devices.cpu.loader import Code
from runtime.locks import Lock
from runtime.object_cache import default_cache

if TYPE_CHECKING:  # a warm process builds no module
    from llvmlite import ir

DTYPES = ("float32", "float64", "int8", "int16", "int32", "int64")
PREFIX = "graphc_multiply_"
_CALL = re.compile(r"\bmultiply(?:_block)?\((?:part\()*(\w+)")
_PART = re.compile(r"^ *(\w+) = (?:part\()+(\w+)", re.MULTILINE)

_lock = Lock()
_codes: dict[str, Code] = {}  # held for the life of the process: kernels may call them at any time


def symbol_of(dtype: str) -> str:
    return PREFIX + dtype


def symbols_of(kernel: Kernel) -> tuple[str, ...]:
    """The functions of the library that a kernel calls."""
    made_of = dict(_PART.findall(kernel.text))
    dtypes = {operand.name: operand.dtype for operand in kernel.operands}
    found = set()
    for name in _CALL.findall(kernel.text):
        found.add(symbol_of(dtypes[made_of.get(name, name)]))
    return tuple(sorted(found))


def addresses(symbols: Iterable[str]) -> dict[str, int]:
    """Where functions of the library are in this process."""
    return {symbol: _code(symbol).address for symbol in symbols}


def _code(symbol: str) -> Code:
    with _lock:
        if symbol not in _codes:
            text = _object(symbol)
            _codes[symbol] = loader.link([text], {symbol: len(text)})[symbol]
        return _codes[symbol]


def _object(symbol: str) -> bytes:
    cache = default_cache()
    key = hashlib.sha256(f"{symbol} {fingerprint()}".encode()).hexdigest()
    text = cache.get(key)
    if text is None:
        text = llvm_target.compile_module(listed(symbol), llvm_target.host())
        cache.put(key, text)
    return text


def listed(symbol: str) -> ir.Module:
    """The library that defines the symbol, not yet optimised."""
    from runtime.devices.cpu.multiply import library

    return library(symbol.removeprefix(PREFIX), llvm_target.host())
