"""Products of matrices and tensors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, whole
from tests.against_tensorflow.outcome import Case

MATRICES = [((2, 3), (3, 4)), ((1, 1), (1, 1)), ((0, 3), (3, 2)), ((2, 0), (0, 3)),
            ((4, 2, 3), (4, 3, 5)), ((2, 1, 2, 3), (3, 3, 2)), ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)), ((0, 2, 3), (1, 3, 2)), ((2, 3, 1, 2, 2), (4, 2, 1))]  # fmt: skip
EQUATIONS = {
    "ij,jk->ik": ((2, 3), (3, 4)), "ij,jk": ((2, 3), (3, 4)), "ij->ji": ((2, 3),),
    "ij->": ((2, 3),), "ij->j": ((2, 3),), "i,i->": ((3,), (3,)), "i,j->ij": ((3,), (2,)),
    "bij,bjk->bik": ((2, 3, 4), (2, 4, 5)), "bqhd,bkhd->bhqk": ((2, 3, 2, 4), (2, 5, 2, 4)),
    "abc,cd->abd": ((2, 3, 4), (4, 5)), "abc,bad->cd": ((2, 3, 4), (3, 2, 5)),
    "...ij,...jk->...ik": ((2, 1, 3, 4), (5, 4, 2)), "...i,i->...": ((2, 3, 4), (4,)),
    "ij,jk,kl->il": ((2, 3), (3, 4), (4, 2)), "ij,ij,i->j": ((2, 3), (2, 3), (2,)),
    "ii->i": ((3, 3),), "ii->": ((3, 3),), "iij->ij": ((3, 3, 2),), "ij,ji->": ((2, 3), (3, 2)),
    "a,b,c->abc": ((2,), (3,), (1,)), " i j , j k -> i k ": ((2, 3), (3, 4)),
    "ba,cb": ((2, 3), (4, 2)), "ij,jk->ki": ((0, 3), (3, 4)),
}  # fmt: skip
REFUSED = {
    "ij,jk->ik": ((2, 3), (4, 5)), "ijk->i": ((2, 3),), "ij,jk": ((2, 3),), "i->j": ((2,),),
    "i->ii": ((2,),),
}  # fmt: skip


def cases() -> Iterator[Case]:
    yield from _matmul()
    yield from _other_products()
    yield from _einsum()
    yield from _tensordot()


def _matmul() -> Iterator[Case]:
    for k, (a, b) in enumerate(MATRICES):
        for flags in ({}, {"transpose_a": True}, {"adjoint_b": True},
                      {"adjoint_a": True, "transpose_b": True}):  # fmt: skip
            left = reals(*_flipped(a, "transpose_a" in flags or "adjoint_a" in flags), seed=k)
            right = reals(*_flipped(b, "transpose_b" in flags or "adjoint_b" in flags), seed=9)
            yield Case("matmul", (fed(left), fed(right)), flags)
        yield Case("matmul", (fed(reals(*a), (None,) * len(a)), fed(reals(*b, dtype="float32"))))
        yield Case("matmul", (fed(reals(*a), unknown_rank=True), fed(reals(*b))))
        yield Case("matmul", (fed(whole(*a)), fed(whole(*b))))
        yield Case("matmul", (fed(reals(*a, dtype="float64")), fed(reals(*b, dtype="float64"))))
    half = [reals(3, 4, dtype="float16"), reals(4, 2, dtype="float16")]
    yield Case("matmul", (fed(half[0]), fed(half[1])))
    yield Case("matmul", (fed(reals(2, 3)), fed(reals(4, 5))), note="inner sizes differ")
    yield Case("matmul", (fed(reals(2, 3, 4)), fed(reals(3, 4, 4))), note="counts differ")
    yield Case("matmul", (fed(reals(3)), fed(reals(3, 4))), note="a vector")
    yield Case("matmul", (fed(reals(2, 2)), fed(reals(2, 2))),
               {"transpose_a": True, "adjoint_a": True}, note="both")  # fmt: skip


def _flipped(shape: tuple[int, ...], flip: bool) -> tuple[int, ...]:
    return (*shape[:-2], shape[-1], shape[-2]) if flip else shape


def _other_products() -> Iterator[Case]:
    yield Case("linalg.matvec", (fed(reals(2, 3)), fed(reals(3, seed=1))))
    yield Case("linalg.matvec", (fed(reals(4, 3, 2)), fed(reals(4, 3, seed=1))),
               {"transpose_a": True})  # fmt: skip
    yield Case("linalg.matvec", (fed(reals(2, 1, 2, 3)), fed(reals(4, 3, seed=1))))
    yield Case("linalg.matmul", (fed(reals(2, 3)), fed(reals(3, 2))))
    yield Case("sparse_matmul", (fed(reals(2, 3)), fed(reals(3, 2))), {"a_is_sparse": True})
    yield Case("sparse_matmul", (fed(reals(3, 2)), fed(reals(3, 2))), {"transpose_a": True})
    yield Case("nn.xw_plus_b", (fed(reals(2, 3)), fed(reals(3, 2)), fed(reals(2, seed=3))))
    yield Case("nn.relu_layer", (fed(reals(2, 3)), fed(reals(3, 2)), fed(reals(2, seed=3))))
    for shape in ((2, 3), (2, 4, 3), (2, 4, 5, 3), (0, 3)):
        yield Case("nn.bias_add", (fed(reals(*shape)), fed(reals(3, seed=1))))
    for shape in ((2, 3, 4), (2, 3, 4, 5)):
        yield Case("nn.bias_add", (fed(reals(*shape)), fed(reals(3, seed=1))),
                   {"data_format": "NCHW"})  # fmt: skip
    yield Case("nn.bias_add", (fed(whole(2, 3)), fed(whole(3, seed=1))))
    yield Case("nn.bias_add", (fed(reals(2, 1)), fed(reals(3))), note="sizes differ")
    yield Case("nn.bias_add", (fed(reals(2, 3)), fed(reals(3))), {"data_format": "HCW"})
    yield Case("cross", (fed(reals(3)), fed(reals(3, seed=1))))
    yield Case("cross", (fed(reals(2, 3)), fed(reals(2, 3, seed=1))))
    yield Case("linalg.cross", (fed(whole(2, 3)), fed(whole(2, 3, seed=1))))
    yield Case("cross", (fed(reals(4)), fed(reals(4))), note="four elements")
    yield Case("cross", (fed(reals(2, 3)), fed(reals(3))), note="shapes differ")


def _einsum() -> Iterator[Case]:
    for equation, shapes in EQUATIONS.items():
        arrays = [reals(*shape, seed=k) for k, shape in enumerate(shapes)]
        yield Case("einsum", (equation, *map(fed, arrays)))
        anything = [fed(a, (None,) * a.ndim) for a in arrays]
        yield Case("einsum", (equation, *anything))
        integers = [fed(whole(*shape, seed=k)) for k, shape in enumerate(shapes)]
        yield Case("einsum", (equation, *integers))
    yield Case("linalg.einsum", ("ij,jk->ik", fed(reals(2, 3)), fed(reals(3, 4))))
    for equation, shapes in REFUSED.items():
        arrays = [reals(*shape, seed=k) for k, shape in enumerate(shapes)]
        yield Case("einsum", (equation, *map(fed, arrays)), note="refused")


def _tensordot() -> Iterator[Case]:
    a, b = reals(2, 3, 4), reals(4, 3, 5, seed=1)
    for axes in (1, [[2], [0]], [[1, 2], [1, 0]], [[-1], [0]], [2, 0]):
        yield Case("tensordot", (fed(a), fed(b), axes))
        yield Case("tensordot", (fed(a, (None, 3, None)), fed(b, (None, 3, 5)), axes))
    yield Case("tensordot", (fed(a), fed(b), np.array([[2, 1], [0, 1]])))
    yield Case("tensordot", (fed(a), fed(reals(3, 4, 2)), 2))
    yield Case("tensordot", (fed(reals(2)), fed(reals(3)), 0))
    yield Case("tensordot", (fed(reals(2, 3)), fed(reals(2, 3, seed=1)), 2))
    yield Case("tensordot", (fed(reals(0, 3)), fed(reals(3, 2)), 1))
    yield Case("linalg.tensordot", (fed(reals(2, 3)), fed(reals(3, 2)), 1))
    yield Case("tensordot", (fed(a), fed(b), 2), note="sizes differ")
    yield Case("tensordot", (fed(a), fed(b), 4), note="more axes than there are")
    yield Case("tensordot", (fed(a), fed(b), [[1], [0, 1]]), note="of different number")
