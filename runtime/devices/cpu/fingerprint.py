"""What an object file depends on besides its kernel, as one digest: part of every cache key.

A warm process computes it at every start, so it takes a millisecond or two and loads no Numba.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm

import graphc.codegen
from runtime.devices.cpu import llvm_target


@cache
def fingerprint() -> str:
    """Digest of our code generators, Numba, llvmlite, LLVM, the processor and the compile flags."""
    machine = llvm_target.host()
    digest = hashlib.sha256()
    for folder in (Path(graphc.codegen.__file__).parent, Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            _add(digest, path.relative_to(folder).as_posix().encode(), path.read_bytes())
    llvm_version = ".".join(map(str, llvm.llvm_version_info))
    facts = (llvmlite.__version__, llvm_version, *vars(machine).values(), llvm_target.FLAGS)
    _add(digest, _numba_version(), *(fact.encode() for fact in facts))
    return digest.hexdigest()


def _add(digest: hashlib._Hash, *parts: bytes) -> None:
    """Add parts so that no two lists of parts give the same bytes."""
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)


def _numba_version() -> bytes:
    """What tells Numba's versions apart, read without importing it."""
    spec = importlib.util.find_spec("numba")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "_version.py").read_bytes()
