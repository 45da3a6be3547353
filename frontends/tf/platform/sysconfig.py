"""``tf.sysconfig``: where the package is; there is no library to compile against."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from graphc.errors import UnimplementedError
from graphc.ir.source import here

CXX11_ABI_FLAG = 1
MONOLITHIC_BUILD = 0


def get_lib() -> str:
    """The folder of the package."""
    return str(Path(__file__).resolve().parents[2] / "graphc")


def get_include() -> NoReturn:
    """Refused: there are no C++ headers."""
    raise UnimplementedError(
        "there are no C++ headers: an op of one's own is Python here",
        hint="tf.custom_op makes an op of a NumPy function and a kernel text; tf.py_func calls "
        "Python",
        site=here(),
    )


def get_compile_flags() -> NoReturn:
    """Refused: nothing can be compiled against."""
    get_include()


def get_link_flags() -> NoReturn:
    """Refused: nothing can be linked against."""
    get_include()


def get_build_info() -> dict[str, bool]:
    """What the package can use."""
    return {"is_cuda_build": False, "is_rocm_build": False}
