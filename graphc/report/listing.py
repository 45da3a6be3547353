"""Native listings taken apart: the functions of a kernel, and the loop that does its arithmetic.

Text alone, as LLVM prints it: IR of one module, and its assembly for an ELF or Mach-O system.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# One multiplication with an addition: x86 (FMA3), 64-bit ARM.
MULTIPLY_ADD = re.compile(r"\s(vfn?m(?:add|sub)\d+[ps][sdh]|fmla|fmls|fmadd|fmsub)\b")


@dataclass(frozen=True)
class FunctionListing:
    """One function of a kernel."""

    name: str
    llvm_ir: str
    assembly: str


def functions_of(llvm_ir: str, assembly: str) -> dict[str, FunctionListing]:
    """The functions of a module by name, the kernel's own and those it calls."""
    defined = re.finditer(r'^define [^\n]*@"?([\w.$-]+)"?\(.*?^}$', llvm_ir, re.M | re.S)
    texts = {found[1]: found[0] for found in defined}
    code = _assembly_by_function(assembly, set(texts))
    return {name: FunctionListing(name, text, code.get(name, "")) for name, text in texts.items()}


def _assembly_by_function(assembly: str, names: set[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in assembly.splitlines():
        label = re.match(r'_?"?([\w.$-]+)"?:', line)
        if label and label[1] in names:
            lines = found.setdefault(label[1], [])
        elif line.startswith((".Lfunc_end", "Lfunc_end")):
            lines = None
        if lines is not None:
            lines.append(line)
    return {name: "\n".join(text) for name, text in found.items()}


def micro_kernel(assembly: str) -> str:
    """The block of instructions with most multiply-adds: the inner loop of a product.

    Empty when there is none.
    """
    blocks: list[list[str]] = [[]]
    for line in assembly.splitlines():
        if re.match(r"\S+:", line):
            blocks.append([])
        blocks[-1].append(line)
    counts = [sum(bool(MULTIPLY_ADD.search(line)) for line in block) for block in blocks]
    most = max(counts)
    return "\n".join(blocks[counts.index(most)]) if most else ""
