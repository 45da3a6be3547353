"""Complex tensors, and the spectra and frames of signals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, whole
from tests.against_tensorflow.outcome import Case, Fed

UNARY = (
    "abs", "negative", "square", "sqrt", "rsqrt", "exp", "expm1", "log", "log1p", "reciprocal",
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh",
    "atanh", "sigmoid", "real", "imag", "conj", "angle", "sign", "identity", "zeros_like",
    "ones_like", "math.l2_normalize", "norm", "reduce_sum", "reduce_mean", "reduce_prod",
    "cumsum", "trace", "transpose", "count_nonzero", "stop_gradient",
)  # fmt: skip
REFUSED = (
    "floor", "ceil", "is_nan", "is_inf", "nn.relu", "nn.softplus", "nn.softmax", "nn.l2_loss",
    "reduce_max",
)  # fmt: skip
BINARY = (
    "add", "subtract", "multiply", "divide", "realdiv", "div_no_nan", "pow",
    "squared_difference", "equal", "not_equal", "less", "maximum", "matmul", "floormod",
)  # fmt: skip
TRANSFORMS = ("fft", "fft2d", "fft3d", "ifft", "ifft2d", "ifft3d")
HALVES = ("rfft", "rfft2d", "irfft", "irfft2d")


def plane(*shape: int, dtype: str = "complex64", seed: int = 0) -> np.ndarray:
    parts = reals(*shape, seed=seed), reals(*shape, seed=seed + 5)
    return (parts[0] + 1j * parts[1]).astype(dtype)


def cases() -> Iterator[Case]:
    for rows in (_functions, _casts, _moved, _matrices, _spectra, _signals):
        for case in rows():
            yield replace(case, gradients="complex") if case.gradients else case


def _functions() -> Iterator[Case]:
    for name in UNARY:
        args = (0,) if name in ("math.l2_normalize", "cumsum") else ()
        yield Case(name, (fed(plane(3, 3)), *args), tolerance=1e-4)
        yield Case(name, (fed(plane(2, 3, dtype="complex128"), (None, 3)), *args))
    for name in REFUSED:
        yield Case(name, (fed(plane(3)),))
    for name in BINARY:
        yield Case(name, (fed(plane(3, 3)), fed(plane(3, 3, seed=3))), tolerance=1e-4)
        yield Case(name, (fed(plane(2, 2)), fed(plane(2, 2, dtype="complex128"))))
    for name in ("add", "multiply", "divide", "pow", "equal"):
        yield Case(name, (fed(plane(2, 1, 3)), fed(plane(4, 1, seed=3))), tolerance=1e-4)
        yield Case(name, (fed(plane(3)), 2.0), tolerance=1e-4)
        yield Case(name, (fed(plane(3)), 1j), tolerance=1e-4)
        yield Case(name, (fed(reals(3)), 1j))
    yield Case("complex", (fed(reals(2, 3)), fed(reals(3, seed=2))))
    yield Case("complex", (fed(reals(2, dtype="float64")), fed(reals(2, dtype="float64"))))
    yield Case("complex", (fed(reals(2)), fed(reals(2, dtype="float64"))))
    yield Case("complex", (1.0, 2.0))
    for name in ("real", "imag", "conj", "angle"):
        yield Case(name, (fed(reals(4)),))
    yield Case("add_n", ([fed(plane(3)), fed(plane(3, seed=1)), fed(plane(3, seed=2))],))
    for order in (1, 2, np.inf, 3):
        yield Case("norm", (fed(plane(3, 4)),), {"ord": order, "axis": 1}, tolerance=1e-4)


def _casts() -> Iterator[Case]:
    for dtype in ("float32", "float64", "int32", "bool", "complex128", "float16"):
        yield Case("cast", (fed(plane(3)), dtype))
    for given in (reals(3), reals(3, dtype="float64"), whole(3), whole(3) > 0):
        yield Case("cast", (fed(given), "complex64"))
        yield Case("cast", (fed(given), "complex128"))


def _moved() -> Iterator[Case]:
    z = plane(3, 4)
    yield Case("transpose", (fed(z),), {"conjugate": True})
    yield Case("matrix_transpose", (fed(z),), {"conjugate": True})
    yield Case("linalg.adjoint", (fed(plane(2, 3, 2)),))
    yield Case("reshape", (fed(z), [2, -1]))
    yield Case("concat", ([fed(z), fed(plane(1, 4, seed=2))], 0))
    yield Case("stack", ([fed(z), fed(plane(3, 4, seed=2))], 1))
    yield Case("split", (fed(z), 2, 1))
    yield Case("pad", (fed(z), [[1, 0], [0, 2]]))
    yield Case("tile", (fed(z), [2, 1]))
    yield Case("gather", (fed(z), [2, 0, 2]))
    yield Case("reverse", (fed(z), [1]))
    yield Case("slice", (fed(z), [1, 0], [2, 3]))
    yield Case("one_hot", ([0, 2], 3), {"dtype": "complex64", "on_value": 1j, "off_value": 0j})
    yield Case("where", (np.arange(12).reshape(3, 4) % 2 == 0, fed(z), fed(plane(3, 4, seed=1))))
    yield Case("unsorted_segment_sum", (fed(z), [1, 0, 1], 3))
    yield Case("segment_sum", (fed(z), [0, 0, 1]))
    yield Case("diag", (fed(plane(3)),))
    yield Case("matrix_band_part", (fed(plane(3, 3)), 1, 0))
    yield Case("broadcast_to", (fed(plane(3)), [2, 3]))
    yield Case("eye", (3,), {"dtype": "complex64"})


def _matrices() -> Iterator[Case]:
    a, b = plane(2, 3), plane(3, 2, seed=4)
    yield Case("matmul", (fed(a), fed(b)))
    yield Case("matmul", (fed(a), fed(b)), {"adjoint_a": True, "adjoint_b": True})
    yield Case("matmul", (fed(a), fed(b)), {"transpose_a": True, "transpose_b": True})
    stacks = plane(2, 3, 4), plane(2, 3, 2, seed=4)
    yield Case("matmul", tuple(map(fed, stacks)), {"adjoint_a": True})
    yield Case("matmul", tuple(map(fed, stacks)), {"transpose_a": True})
    yield Case("tensordot", (fed(a), fed(b), 1))
    yield Case("einsum", ("ij,jk->ik", fed(a), fed(b)))
    square = plane(3, 3, dtype="complex128") + 2 * np.eye(3)
    definite = square @ square.conj().T + np.eye(3)
    right = plane(3, 2, dtype="complex128", seed=4)
    for turned in (False, True):
        yield Case("matrix_inverse", (fed(square),), {"adjoint": turned})
        yield Case("matrix_solve", (fed(square), fed(right)), {"adjoint": turned})
        yield Case("matrix_triangular_solve", (fed(square), fed(right)), {"adjoint": turned})
    yield Case("matrix_determinant", (fed(square),), gradients=False)
    yield Case("cholesky", (fed(definite),))
    yield Case("cholesky_solve", (fed(square), fed(right)))
    yield Case("self_adjoint_eigvals", (fed(definite),), gradients=False)
    yield Case("svd", (fed(square),), {"compute_uv": False}, gradients=False)


def _spectra() -> Iterator[Case]:
    for name in TRANSFORMS:
        yield Case(f"signal.{name}", (fed(plane(2, 3, 4)),), tolerance=1e-4)
        yield Case(f"signal.{name}", (fed(plane(2, 3, 5, dtype="complex128"), (None,) * 3),))
        yield Case(f"signal.{name}", (fed(reals(2, 3, 4)),))
    for name in HALVES:
        given = reals(2, 4, 6) if name[0] == "r" else plane(2, 4, 4)
        yield Case(f"signal.{name}", (fed(given),), tolerance=1e-4)
        sizes = [7] if name[-1] == "t" else [5, 7]
        yield Case(f"signal.{name}", (fed(given), sizes), tolerance=1e-4, gradients=False)
    yield Case("signal.rfft3d", (fed(reals(2, 3, 4)),), gradients=False, tolerance=1e-4)
    yield Case("signal.irfft3d", (fed(plane(2, 3, 3)),), gradients=False, tolerance=1e-4)
    for kind in (1, 2, 3, 4):
        for norm in (None, "ortho"):
            how = {"type": kind, "norm": norm}
            yield Case("signal.dct", (fed(reals(2, 6)),), how, tolerance=1e-4)
            yield Case("signal.idct", (fed(reals(2, 6)),), how, tolerance=1e-4)
    yield Case("signal.dct", (fed(reals(2, 6)),), {"n": 4}, tolerance=1e-4)
    yield Case("signal.fftshift", (fed(plane(3, 4)),))
    yield Case("signal.ifftshift", (fed(plane(3, 5)), [1]))


def _signals() -> Iterator[Case]:
    x: Fed = fed(reals(2, 20))
    for length, step in ((6, 4), (3, 5), (4, 4), (30, 4)):
        yield Case("signal.frame", (x, length, step))
        yield Case("signal.frame", (x, length, step), {"pad_end": True, "pad_value": 2})
    yield Case("signal.frame", (fed(reals(2, 5, 3)), 2, 2), {"axis": 1})
    for step in (2, 5, 7):
        yield Case("signal.overlap_and_add", (fed(reals(2, 4, 5)), step))
    for name in ("hann_window", "hamming_window"):
        for size in (1, 8, 9):
            yield Case(f"signal.{name}", (size,))
            yield Case(f"signal.{name}", (size,), {"periodic": False})
    yield Case("signal.kaiser_window", (8,), {"beta": 5.0})
    yield Case("signal.vorbis_window", (8,))
    yield Case("signal.stft", (x, 8, 4), tolerance=1e-4)
    yield Case("signal.stft", (x, 7, 3), {"fft_length": 12, "pad_end": True}, tolerance=1e-4)
    yield Case("signal.inverse_stft", (fed(plane(2, 4, 5)), 8, 4), tolerance=1e-4)
    yield Case("signal.linear_to_mel_weight_matrix", (10, 33, 8000, 20.0, 3000.0), tolerance=1e-4)
    yield Case("signal.mfccs_from_log_mel_spectrograms", (x,), tolerance=1e-4)
