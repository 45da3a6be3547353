"""From LLVM IR to an object file for this machine: our own pass pipeline, Numba not involved.

What must stay true:

* O2 with the loop vectoriser, no unrolling, no SLP (they double the time and win nothing here).
* Full vector width: server cores with AVX-512 otherwise get half (``prefer-vector-width``).
* An object calls nothing but what its maker allows, so it links without any library.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import llvmlite.binding as llvm

from graphc.errors import InternalError

if TYPE_CHECKING:  # a warm process reads the machine here and builds no module
    from llvmlite import ir

SPEED_LEVEL = 2
# What the machine code depends on besides the IR; part of the cache key.
FLAGS = f"O{SPEED_LEVEL} vectorize no-unroll no-slp prefer-vector-width=512 no-builtins"

_LOOP = "graphc loop"


@dataclass(frozen=True)
class Machine:
    """The processor kernels are compiled for."""

    triple: str
    cpu: str
    features: str

    @property
    def has_avx512(self) -> bool:
        return "+avx512f" in self.features.split(",")


@cache
def host() -> Machine:
    features = llvm.get_host_cpu_features().flatten()
    return Machine(llvm.get_process_triple(), llvm.get_host_cpu_name(), features)


@cache
def target_machine(machine: Machine) -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(machine.triple)
    return target.create_target_machine(cpu=machine.cpu, features=machine.features, opt=2, jit=True)


@cache
def data_layout(machine: Machine) -> str:
    return str(target_machine(machine).target_data)


def new_module(name: str, machine: Machine) -> ir.Module:
    from llvmlite import ir

    module = ir.Module(name)
    module.triple = machine.triple
    module.data_layout = data_layout(machine)
    return module


def set_attributes(function: ir.Function, machine: Machine) -> None:
    """What every function of ours says about itself to LLVM."""
    # llvmlite knows no string attributes, but prints whatever its set holds
    attributes = ['"no-builtins"']  # loops stay loops: no memset, no memcpy
    if machine.has_avx512:
        attributes.append('"prefer-vector-width"="512"')
    set.update(function.attributes, attributes)


def interleave_loops(function: ir.Function, count: int) -> None:
    """Ask the vectoriser for ``count`` vectors per step of every loop of ``function``.

    Its own choice is one vector for long bodies, which leaves chains of dependent instructions
    (polynomials) waiting for each other.
    """
    from llvmlite import ir

    module = function.module
    wish = module.add_metadata(
        [
            ir.MetaDataString(module, "llvm.loop.interleave.count"),
            ir.Constant(ir.IntType(32), count),
        ]
    )
    place = {block: position for position, block in enumerate(function.blocks)}
    for block, position in place.items():
        branch = block.terminator
        targets = [t for t in branch.operands if isinstance(t, ir.Block)]
        if any(place[target] <= position for target in targets):
            name = ir.MetaDataString(module, f"{_LOOP} {position}")
            branch.set_metadata("llvm.loop", module.add_metadata([name, wish]))


def optimised(text: str, machine: Machine) -> llvm.ModuleRef:
    # LLVM tells loops apart by a node that names itself first, which llvmlite cannot build.
    text = re.sub(
        rf'^(!\d+) = !{{ !"{_LOOP} \d+"', r"\1 = distinct !{ \1", text, flags=re.MULTILINE
    )
    module = llvm.parse_assembly(text)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=SPEED_LEVEL)
    options.loop_vectorization = True
    options.loop_interleaving = True
    options.slp_vectorization = False
    options.loop_unrolling = False
    passes = llvm.create_pass_builder(target_machine(machine), options)
    passes.getModulePassManager().run(module, passes)
    return module


def object_code(module: llvm.ModuleRef, machine: Machine, allowed: Iterable[str] = ()) -> bytes:
    """The object file of an optimised module; it may need no symbol that is not ``allowed``."""
    code = target_machine(machine).emit_object(module)
    surplus = sorted(undefined_symbols(code) - set(allowed))
    if surplus:
        raise InternalError(f"bug in graphc: '{module.name}' calls {', '.join(surplus)}")
    return code


def compile_module(module: ir.Module, machine: Machine, allowed: Iterable[str] = ()) -> bytes:
    """A module built with llvmlite as an object file."""
    return object_code(optimised(str(module), machine), machine, allowed)


def undefined_symbols(code: bytes) -> set[str]:
    """The symbols an ELF object needs from elsewhere.  Other formats are not read: no symbols."""
    if code[:5] != b"\x7fELF\x02":
        return set()
    (table_offset,) = struct.unpack_from("<Q", code, 40)
    entry_size, entries = struct.unpack_from("<HH", code, 58)
    sections = [
        struct.unpack_from("<IIQQQQIIQQ", code, table_offset + position * entry_size)
        for position in range(entries)
    ]
    found: set[str] = set()
    for _, kind, _, _, offset, size, strings, _, _, symbol_size in sections:
        if kind != 2:  # SHT_SYMTAB
            continue
        names = sections[strings][4]
        for position in range(offset + symbol_size, offset + size, symbol_size):
            name, _, _, section = struct.unpack_from("<IBBH", code, position)
            if section == 0:
                end = code.index(b"\0", names + name)
                found.add(code[names + name : end].decode())
    return found
