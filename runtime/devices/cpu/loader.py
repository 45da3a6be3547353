"""Object code to callable addresses, by llvmlite alone.

`load` links the objects of one program into one library, which lives as long as somebody holds one
of its `Code`s.  The most recently used codes are also held here, up to ``HELD_BYTES`` of objects,
so that a model built again finds them; code in use is never freed, whatever the bound.
"""

from __future__ import annotations

import atexit
import itertools
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import llvmlite.binding as llvm

HELD_BYTES = 64 << 20


@dataclass(frozen=True, eq=False)
class Code:
    """A linked function; its address is good while this object lives."""

    symbol: str
    address: int
    size: int  # bytes of its object
    _library: llvm.ResourceTracker = field(repr=False)


_lock = threading.RLock()
_alive: weakref.WeakValueDictionary[str, Code] = weakref.WeakValueDictionary()
_held: OrderedDict[str, Code] = OrderedDict()
_numbers = itertools.count()
_jit: list[llvm.LLJIT] = []  # one, from the first link on
_libraries: weakref.WeakSet[llvm.ResourceTracker] = weakref.WeakSet()


def loaded(symbols: Iterable[str]) -> dict[str, Code]:
    """Those of the symbols whose code is in memory already."""
    with _lock:
        found = {symbol: code for symbol in symbols if (code := _alive.get(symbol)) is not None}
        _hold(found.values())
        return found


def load(objects: Mapping[str, bytes], imports: Mapping[str, int] | None = None) -> dict[str, Code]:
    """Link objects (by the symbol each defines) that are not in memory; the code of all of them.

    A symbol says what its object computes, so equal symbols are interchangeable.  ``imports`` are
    the addresses of functions that objects call by name.
    """
    with _lock:
        found = loaded(objects)
        missing = {symbol: text for symbol, text in objects.items() if symbol not in found}
        if missing:
            lengths = {symbol: len(text) for symbol, text in missing.items()}
            found |= link(missing.values(), lengths, imports)
            _alive.update(found)
            _hold(found.values())
        return found


def link(
    objects: Iterable[bytes], sizes: Mapping[str, int], imports: Mapping[str, int] | None = None
) -> dict[str, Code]:
    """Link objects into a library of their own and look up the symbols that `sizes` names."""
    with _lock:
        builder = llvm.JITLibraryBuilder().add_current_process()
        for text in objects:
            builder.add_object_img(text)
        for symbol, address in (imports or {}).items():
            builder.import_symbol(symbol, address)
        for symbol in sizes:
            builder.export_symbol(symbol)
        library = builder.link(_compiler(), f"graphc-{next(_numbers)}")
        _libraries.add(library)
        return {
            symbol: Code(symbol, library[symbol], size, library) for symbol, size in sizes.items()
        }


def _compiler() -> llvm.LLJIT:
    if not _jit:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
        _jit.append(llvm.create_lljit_compiler(machine))
        atexit.register(_leave_everything)
    return _jit[0]


def _hold(codes: Iterable[Code]) -> None:
    """Keep the codes as the most recently used, and let go of the oldest beyond the bound."""
    for code in codes:
        _held[code.symbol] = code
        _held.move_to_end(code.symbol)
    size = sum(code.size for code in _held.values())
    while size > HELD_BYTES and len(_held) > 1:
        size -= _held.popitem(last=False)[1].size


def _leave_everything() -> None:
    """At exit no code is unmapped: a thread of the pool or of the user may still be in it."""
    with _lock:
        for owner in [*_libraries, *_jit]:
            owner.detach()


def _unlock_in_child() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_in_child)
