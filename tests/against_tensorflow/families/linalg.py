"""Factorizations, determinants and systems of matrices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.inputs import fed, reals
from tests.against_tensorflow.outcome import Case

CLOSE = 2e-4  # what two implementations of one factorization differ by in float32


def square(*shape: int, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    """Well-conditioned matrices."""
    return (reals(*shape, seed=seed) + 3 * np.eye(shape[-1])).astype(dtype)


def definite(*shape: int, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    x = square(*shape, seed=seed, dtype="float64")
    return (x @ x.swapaxes(-1, -2) / 4).astype(dtype)


SHAPES = ((3, 3), (1, 1), (2, 4, 4), (0, 3, 3), (2, 3, 2, 2))


def cases() -> Iterator[Case]:
    yield from _of_one()
    yield from _systems()
    yield from _factors()
    yield from _failures()


def _of_one() -> Iterator[Case]:
    for name in ("matrix_inverse", "matrix_determinant", "linalg.slogdet", "linalg.inv",
                 "linalg.det", "linalg.adjoint", "linalg.expm"):  # fmt: skip
        for shape in SHAPES:
            if name == "linalg.expm" and 0 in shape:
                continue  # TensorFlow's loop has no gradient there
            # A small norm: TensorFlow's exponential in float32 has few digits of a large one.
            x = square(*shape) / 4 if name == "linalg.expm" else square(*shape)
            yield Case(name, (fed(x.astype(np.float32)),), tolerance=CLOSE)
        yield Case(name, (fed(square(3, 3, dtype="float64"), (None, None)),), tolerance=1e-9)
    yield Case("matrix_inverse", (fed(square(2, 3, 3)),), {"adjoint": True}, tolerance=CLOSE)
    for name in ("cholesky", "linalg.cholesky", "linalg.logdet", "self_adjoint_eigvals"):
        for shape in SHAPES:
            yield Case(name, (fed(definite(*shape)),), tolerance=CLOSE)
        yield Case(name, (fed(definite(3, 3, dtype="float64"), (None, None)),), tolerance=1e-9)
    asymmetric = definite(3, 3) + np.triu(np.ones((3, 3), np.float32), 1)
    yield Case("cholesky", (fed(asymmetric),), tolerance=CLOSE, note="the lower triangle")
    yield Case("self_adjoint_eigvals", (fed(asymmetric),), tolerance=CLOSE)
    for shape in ((3, 3), (2, 3), (2, 4, 2)):
        yield Case("svd", (fed(square(*shape[:-2], 4, 4)[..., : shape[-2], : shape[-1]]),),
                   {"compute_uv": False}, tolerance=CLOSE)  # fmt: skip
        yield Case("linalg.pinv", (fed(square(*shape[:-2], 4, 4)[..., : shape[-2], : shape[-1]]),),
                   tolerance=CLOSE)  # fmt: skip
        yield Case("linalg.matrix_rank", (fed(square(4, 4)[: shape[-2], : shape[-1]]),))


def _systems() -> Iterator[Case]:
    for shape in SHAPES:
        rhs = reals(*shape[:-1], 2, seed=3)
        for adjoint in (False, True):
            given = {"adjoint": adjoint}
            yield Case("matrix_solve", (fed(square(*shape)), fed(rhs)), given, tolerance=CLOSE)
            for lower in (True, False):
                yield Case("matrix_triangular_solve", (fed(square(*shape)), fed(rhs)),
                           {"lower": lower, **given}, tolerance=CLOSE)  # fmt: skip
        yield Case("cholesky_solve", (fed(square(*shape)), fed(rhs)), tolerance=CLOSE)
    for shape in ((4, 2), (2, 4), (3, 3), (2, 4, 3)):
        x = square(*shape[:-2], 4, 4)[..., : shape[-2], : shape[-1]]
        rhs = reals(*shape[:-1], 2, seed=3)
        for l2 in (0.0, 0.5):
            yield Case("matrix_solve_ls", (fed(x), fed(rhs), l2), tolerance=5e-4)
        yield Case("linalg.lstsq", (fed(x), fed(rhs)), {"fast": False}, gradients=False,
                   tolerance=5e-4)  # fmt: skip


def _factors() -> Iterator[Case]:
    for shape in ((3, 3), (4, 2), (2, 4, 3), (2, 3)):
        x = square(*shape[:-2], 4, 4)[..., : shape[-2], : shape[-1]]
        yield Case("qr", (fed(x),), gradients=shape[-2] >= shape[-1], tolerance=CLOSE)
        yield Case("qr", (fed(x),), {"full_matrices": True}, gradients=False, tolerance=CLOSE)


def _failures() -> Iterator[Case]:
    nothing = np.zeros((3, 3), np.float32)
    for name in ("matrix_inverse", "cholesky"):
        yield Case(name, (fed(nothing),), note="singular")
    yield Case("cholesky", (fed(-definite(2, 3, 3)),), note="negative")
    yield Case("matrix_determinant", (fed(nothing),), gradients=False)
    yield Case("linalg.slogdet", (fed(nothing),), gradients=False)
    for name in ("matrix_solve", "matrix_triangular_solve"):
        yield Case(name, (fed(nothing), fed(reals(3, 1))), note="singular")
    for name in ("matrix_inverse", "matrix_determinant", "cholesky", "self_adjoint_eigvals"):
        yield Case(name, (fed(reals(2, 3)),), note="not square")
        yield Case(name, (fed(reals(3)),), note="no matrix")
    yield Case("matrix_solve", (fed(square(3, 3)), fed(reals(2, 1))), note="rows differ")
