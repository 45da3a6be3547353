"""BLAS inside our kernels: the second implementation of matrix products, where SciPy is installed.

What must stay true:

* SciPy is imported when the first object that calls BLAS is loaded, never before.
* Object code names what it calls (``gx_blas_sgemm``); the name becomes an address when the object
  is loaded, so no object on disk holds one.
* BLAS runs in the thread that calls it: the partition is ours.  OpenBLAS has one number of threads
  for the whole process, so :data:`ALONE` sets it to 1 while runs with such kernels are under way
  and puts it back after the last of them; meanwhile the caller's own ``scipy.linalg`` takes one
  thread.  NumPy has a BLAS of its own, which is not touched.
"""

from __future__ import annotations

import ctypes
import importlib.util
import re
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from graphc.codegen.kernel import Kernel
from graphc.errors import UnimplementedError
from runtime.locks import Lock

if TYPE_CHECKING:  # a warm process links objects here and builds no module
    from runtime.devices.cpu.words import Word

WORD = "blas_multiply"
FUNCTIONS = {"float32": "sgemm", "float64": "dgemm"}
SYMBOL = "gx_blas_"

# How libraries name (what tells, what sets) their number of threads.
THREAD_COUNTS = (
    ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_"),
    ("openblas_get_num_threads", "openblas_set_num_threads"),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("bli_thread_get_num_threads", "bli_thread_set_num_threads"),
)


class BlasWarning(UserWarning):
    """BLAS cannot be used as it should; results are right, runs may be slower."""


def is_installed() -> bool:
    """Whether there is a SciPy, found without importing it."""
    return importlib.util.find_spec("scipy") is not None


def require_installed() -> None:
    if not is_installed():
        raise UnimplementedError(
            "GRAPHC_CONTRACTION=blas needs SciPy, which is not installed",
            hint="pip install scipy, or leave GRAPHC_CONTRACTION unset: graphc's own kernels are "
            "used",
        )


def symbols_of(kernel: Kernel) -> tuple[str, ...]:
    """The functions a kernel's object calls."""
    if re.search(rf"\b{WORD}\(", kernel.text) is None:
        return ()
    dtypes = {operand.dtype for operand in kernel.operands}
    return tuple(SYMBOL + FUNCTIONS[dtype] for dtype in sorted(dtypes & FUNCTIONS.keys()))


def addresses(symbols: Iterable[str]) -> dict[str, int]:
    """What the symbols stand for in this process."""
    return {symbol: _address(symbol.removeprefix(SYMBOL)) for symbol in symbols}


@cache
def _address(name: str) -> int:
    require_installed()
    from scipy.linalg import cython_blas

    capsule = cython_blas.__pyx_capi__[name]
    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(pointer_of(capsule, name_of(capsule)))


def version() -> str:
    """What the speed of BLAS depends on; imports SciPy."""
    import scipy
    from scipy.linalg import cython_blas

    library = ctypes.CDLL(cython_blas.__file__)
    for prefix in ("scipy_openblas", "openblas"):
        config = getattr(library, f"{prefix}_get_config", None)
        if config is not None:
            config.restype = ctypes.c_char_p
            return f"SciPy {scipy.__version__}, {config().decode()}"
    return f"SciPy {scipy.__version__}"


# --- threads --------------------------------------------------------------------------------------


class Alone:
    """``with ALONE:`` BLAS uses no threads of its own; from any number of threads at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before = 1
        self._counts: tuple[Callable[[], int], Callable[[int], Any]] | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._counts is None:
                self._counts = _thread_counts()
            if self._inside == 0:
                tell, change = self._counts
                self._before = tell()
                if self._before != 1:
                    change(1)
            self._inside += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._counts is not None and self._before != 1:
                tell, change = self._counts
                if tell() == 1:  # else somebody asked for another number meanwhile
                    change(self._before)


ALONE = Alone()


def _thread_counts() -> tuple[Callable[[], int], Callable[[int], Any]]:
    """Functions that tell and change how many threads SciPy's BLAS takes."""
    from scipy.linalg import cython_blas

    library = ctypes.CDLL(cython_blas.__file__)  # a look-up goes on in what it is linked with
    for tell, change in THREAD_COUNTS:
        if hasattr(library, tell) and hasattr(library, change):
            return getattr(library, tell), getattr(library, change)
    warnings.warn(
        "graphc does not know how to tell SciPy's BLAS to use one thread: its threads and graphc's "
        "may be in each other's way (OPENBLAS_NUM_THREADS=1 or OMP_NUM_THREADS=1 says it for the "
        "whole process)",
        BlasWarning,
        stacklevel=3,
    )
    return (lambda: 1), (lambda _: None)


# --- the word -------------------------------------------------------------------------------------


@cache
def blas_words() -> dict[str, Word]:
    """The word of :mod:`graphc.codegen.panels` that calls BLAS."""
    from runtime.devices.cpu.words import Word

    return {WORD: Word(WORD, _rule, _emit)}


def _rule(dtypes: tuple[Any, ...]) -> None:
    operands, numbers = dtypes[:3], dtypes[3:]
    kinds = {getattr(operand, "dtype", None) for operand in operands}
    if len(dtypes) != 10 or any(n != "int64" for n in numbers):
        raise TypeError(f"takes 3 operands and 7 int64, got {dtypes}")
    if len(kinds) != 1 or not kinds <= FUNCTIONS.keys():
        raise TypeError("takes operands of one dtype, float32 or float64")


def _emit(b: Any, _: Any, values: tuple[Any, ...]) -> None:
    from runtime.devices.cpu.blas_call import emit_call

    emit_call(b, values, SYMBOL, FUNCTIONS)
