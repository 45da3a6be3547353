"""The functions that kernels' objects call by name, and where they are in this process."""

from __future__ import annotations

from collections.abc import Iterable

from graphc.codegen.kernel import Kernel
from runtime.devices.cpu import blas, tile_library


def symbols_of(kernel: Kernel) -> tuple[str, ...]:
    """The functions a kernel's object calls."""
    return (*tile_library.symbols_of(kernel), *blas.symbols_of(kernel))


def addresses(kernels: Iterable[Kernel]) -> dict[str, int]:
    """What the names of these kernels stand for in this process."""
    kernels = list(kernels)
    tiles = {symbol for kernel in kernels for symbol in tile_library.symbols_of(kernel)}
    others = {symbol for kernel in kernels for symbol in blas.symbols_of(kernel)}
    return tile_library.addresses(sorted(tiles)) | blas.addresses(sorted(others))
