"""Running one kernel natively: compile, link, lay out the argument block, call."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from graphc.codegen.kernel import Constant, Kernel, Operand
from runtime.devices.cpu import compile as cpu_compile
from runtime.devices.cpu import imports, loader

C_SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def argument_block(arrays: Sequence[np.ndarray], sizes: Sequence[int]) -> np.ndarray:
    words = [array.ctypes.data for array in arrays]
    for array in arrays:
        assert array.strides[-1] == array.itemsize or array.shape[-1] == 1
        words += [stride // array.itemsize for stride in array.strides[:-1]]
    return np.array([*words, *sizes], np.int64)


def run_native(
    kernel: Kernel, arrays: Sequence[np.ndarray], sizes: Sequence[int], start: int, stop: int
) -> int:
    """Run the compiled ``kernel`` over ``start`` to ``stop``; the value it returns."""
    compiled = cpu_compile.compile_kernel(kernel)
    objects = {compiled.symbol: compiled.object}
    code = loader.load(objects, imports.addresses([kernel]))[compiled.symbol]
    block = argument_block(arrays, sizes)
    assert len(block) == kernel.args_length
    return C_SIGNATURE(code.address)(block.ctypes.data, start, stop)


def elementwise(
    statements: Sequence[str],
    operands: Sequence[Operand],
    constants: Sequence[Constant] = (),
) -> Kernel:
    """A kernel of rank-1 operands with one loop over ``i`` around the statements."""
    names = ", ".join(operand.name for operand in operands)
    body = "".join(f"        {statement}\n" for statement in statements)
    text = (
        f"def elementwise(args, start, stop):\n"
        f"    {names}, = views(args, {len(operands)})\n"
        f"    for i in range(start, stop):\n{body}    return 0\n"
    )
    return Kernel("elementwise", text, tuple(operands), tuple(constants))
