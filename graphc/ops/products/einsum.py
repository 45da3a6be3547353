"""Einstein sums: products of tensors whose axes have labels, summed over those not in the result.

An equation is ``terms->result``.  A term names an operand's axes by letters; ``...`` stands for any
number of axes, which broadcast.  An :class:`Einsum` becomes products of two at a time, in the order
that needs the fewest multiplications: a matrix product where something is summed and both operands
have axes of their own, else an element-wise product (and a sum), which fuses.
"""

from __future__ import annotations

import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from graphc.ir.dims import Dim
from graphc.ir.dtype import COMPLEX, FLOATING, SIGNED
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.types import (
    DTypeMismatch,
    Mismatch,
    TensorType,
    broadcast,
    same_dim,
    same_dtype,
)
from graphc.ops.products.pairwise import (
    Label,
    Part,
    contraction_order,
    product_of_two,
    summed,
    turned,
)
from graphc.ops.running.precision import in_float32

REST = "..."  # the token of the axes that an ellipsis stands for
Term = tuple[str, ...]


@dataclass(frozen=True)
class Equation:
    """A parsed equation; the result is spelled out."""

    terms: tuple[Term, ...]
    result: Term

    def __str__(self) -> str:
        return f"{','.join(map(''.join, self.terms))}->{''.join(self.result)}"

    def result_labels(self, labels: Collection[Label]) -> list[Label]:
        """A label per axis of the result; ``labels`` are all there are."""
        rest = sorted(label for label in labels if isinstance(label, int))
        return _spelled(self.result, rest)


def _spelled(term: Term, rest: Sequence[Label]) -> list[Label]:
    """A term with the labels that its ellipsis stands for."""
    out: list[Label] = []
    for token in term:
        out += rest if token == REST else [token]
    return out


@lru_cache(maxsize=256)
def parse(equation: str) -> Equation:
    """The equation a text says.  Without ``->`` the result is ``...`` and then, in alphabetical
    order, the labels that occur once."""
    text = "".join(equation.split())
    given, arrow, result = text.partition("->")
    terms = tuple(_tokens(term, equation) for term in given.split(","))
    every = [label for term in terms for label in term]
    if arrow:
        tokens = _tokens(result, equation)
    else:
        tokens = (
            *((REST,) if REST in every else ()),
            *sorted(t for t in set(every) if t != REST and every.count(t) == 1),
        )
    for label in tokens:
        if tokens.count(label) > 1:
            raise Mismatch(f"label {label!r} occurs twice in the result of '{equation}'")
        if label not in every and label != REST:
            raise Mismatch(f"label {label!r} of the result of '{equation}' is in no operand")
    return Equation(terms, tokens)


def _tokens(term: str, equation: str) -> Term:
    before, dots, after = term.partition(REST)
    for letter in before + after:
        if letter not in string.ascii_letters:
            raise Mismatch(f"'{equation}': labels are letters, got {letter!r}")
    return (*before, *((REST,) if dots else ()), *after)


def labels_of(term: Term, rank: int, name: str = "x") -> list[Label]:
    """A label per axis of an operand of this rank."""
    named = len(term) - (REST in term)
    if rank < named or (rank > named and REST not in term):
        text = "".join(term)
        raise Mismatch(f"{name} has rank {rank}, '{text}' has {named} labels")
    return _spelled(term, range(named - rank, 0))


def _letters(labels: Sequence[Sequence[Label]]) -> list[str]:
    """Lists of labels as terms of letters only."""
    used = {label for some in labels for label in some}
    spare = iter(sorted(set(string.ascii_letters) - used))
    name: dict[Label, str] = {
        label: label if isinstance(label, str) else next(spare) for label in sorted(used, key=str)
    }
    return ["".join(name[label] for label in some) for some in labels]


class Einsum(Op):
    """The product of ``xs`` by the labels of ``equation``, summed over labels not in its result.

    A label that occurs twice in one term takes the diagonal.  Axes of ``...`` broadcast; they are
    summed where the result has none.
    """

    operands = ("*xs",)
    attributes = {"equation": REQUIRED}
    kind = Kind.EXPANDED
    dtypes = FLOATING + SIGNED + COMPLEX
    holomorphic = True

    def infer_type(self, *xs: TensorType) -> TensorType:
        equation = parse(self.equation)
        named = dict(zip(self.operand_names(len(xs)), xs, strict=True))
        if len(xs) != len(equation.terms):
            count = len(equation.terms)
            raise Mismatch(
                f"'{self.equation}' is for {count} operands, got {len(xs)}", None, **named
            )
        dtype = same_dtype(**named)
        if dtype not in self.dtypes:
            raise DTypeMismatch(f"xs[0] must be floating or a signed integer, got {xs[0]}")
        if any(x.shape is None for x in xs):
            return TensorType(dtype, None)
        sizes = self._sizes(named)
        result = equation.result_labels(sizes)
        return TensorType(dtype, tuple(sizes[label] for label in result))

    def _sizes(self, named: dict[str, TensorType]) -> dict[Label, Dim]:
        """The size of every label."""
        sizes: dict[Label, Dim] = {}
        rests: dict[str, TensorType] = {}
        for (name, x), term in zip(named.items(), parse(self.equation).terms, strict=True):
            labels = labels_of(term, len(x.dims), name)
            pairs = list(zip(labels, x.dims, strict=True))
            rests[name] = x.with_shape(tuple(d for label, d in pairs if isinstance(label, int)))
            for label, size in pairs:
                if isinstance(label, int):
                    continue
                known = sizes.setdefault(label, size)
                same = same_dim(known, size, f"label {label!r}")
                if same is None:
                    fact = f"label {label!r} of '{self.equation}' has sizes {known} and {size}"
                    raise Mismatch(fact, None, **named)
                sizes[label] = same
        try:
            rest = broadcast(**rests) or ()
        except Mismatch:
            shapes = " and ".join(str(list(r.dims)) for r in rests.values() if r.dims)
            fact = f"the axes of '...' do not broadcast: {shapes}"
            raise Mismatch(fact, None, **named) from None
        return {**sizes, **{k - len(rest): d for k, d in enumerate(rest)}}

    @in_float32
    def reference(self, *xs: np.ndarray) -> np.ndarray:
        equation = parse(self.equation)
        every = [labels_of(term, x.ndim) for term, x in zip(equation.terms, xs, strict=True)]
        result = equation.result_labels({label for labels in every for label in labels})
        *terms, out = _letters([*every, result])
        return np.array(np.einsum(f"{','.join(terms)}->{out}", *xs, optimize=len(xs) > 1))

    def expand(self, b: Any, *xs: Any) -> Any:
        equation = parse(self.equation)
        named = dict(zip(self.operand_names(len(xs)), (x.type for x in xs), strict=True))
        sizes = self._sizes(named)
        result = equation.result_labels(sizes)
        parts = [
            _unstretched(_distinct(b, x, term), b, sizes)
            for x, term in zip(xs, equation.terms, strict=True)
        ]
        for first, second in contraction_order([p.labels for p in parts], sizes, result):
            x, y = parts[first], parts[second]
            parts = [p for p in parts if p is not x and p is not y]
            kept = {*result, *(label for p in parts for label in p.labels)}
            x, y = (summed(b, p, kept | {*q.labels}) for p, q in ((x, y), (y, x)))
            parts.append(product_of_two(b, x, y, kept, None if parts else tuple(result)))
        (last,) = parts
        return turned(b, summed(b, last, set(result)), tuple(result)).tensor

    def vjp(self, b: Any, ct: Any, y: Any, *xs: Any) -> list:
        equation = parse(self.equation)
        return [
            self._cotangent(b, ct, equation, xs, k) if xs[k].dtype.is_differentiable else None
            for k in range(len(xs))
        ]

    def _cotangent(self, b: Any, ct: Any, equation: Equation, xs: Sequence, k: int) -> Any:
        term = equation.terms[k]
        single = tuple(dict.fromkeys(term))
        given, terms = [ct], [equation.result]
        for j, (x, other) in enumerate(zip(xs, equation.terms, strict=True)):
            if j != k:
                given.append(x)
                terms.append(other)
        if {*single} - {label for other in terms for label in other}:
            given.append(b.ones_like(xs[k]))  # labels that only this operand has
            terms.append(term)
        made = b.einsum(*given, equation=str(Equation(tuple(terms), single)))
        if len(single) < len(term):
            made = b.place_diagonal(made, term="".join(term))
        return made

    samples = [
        Sample("float32[2, 3]", "float32[3, 4]", equation="ij,jk->ik", tolerance=4),
        Sample("float64[2, 3]", equation="ij->ji"),
        Sample("float64[2, 3]", equation="ij->"),
        Sample("float64[3, 3]", equation="ii"),
        Sample("float64[3, 2, 3]", equation="iji->ij"),
        Sample("float32[3]", "float32[3]", equation="i,i"),
        Sample("float64[3]", "float64[2]", equation="i,j->ji"),
        Sample("float64[2, 3, 4]", "float64[2, 5, 4]", equation="bik,bjk->bij"),
        Sample("float64[2, 3, 4, 2]", "float64[2, 5, 4, 2]", equation="bqhd,bkhd->bhqk"),
        Sample("float64[2, 3, 4]", "float64[4, 3, 5]", equation="abc,cbd->da"),
        Sample("float64[2, 3, 4]", "float64[4]", equation="abc,c->ab"),
        Sample("float32[2, 3, 4]", "float32[4, 5]", equation="...c,cd->...d", tolerance=4),
        Sample("float64[2, 1, 3, 4]", "float64[5, 4, 2]", equation="...ij,...jk->...ik"),
        Sample("float64[2, 3]", "float64[3, 4]", "float64[4, 2]", equation="ij,jk,kl->il"),
        Sample("float64[2, 3]", "float64[2, 3]", "float64[2]", equation="ij,ij,i->j"),
        Sample("float64[2, 3]", "float64[4]", equation="ij,k->k"),
        Sample("float64[4, 2, 2]", equation="...ii->..."),
        Sample("float64[2, 2]", "float64[2, 2]", equation="ij,ji"),
        Sample("float16[2, 3]", "float16[3, 2]", equation="ij,jk", tolerance=4),
        Sample("int32[2, 3]", "int32[3, 2]", equation="ij,jk->ik", low=-9, high=9),
        Sample("int64[2, 3]", "int64[2, 3]", equation="ij,ij->i", low=-9, high=9),
        Sample("float32[2, 0]", "float32[0, 3]", equation="ij,jk->ik"),
        Sample("float32[0, 2]", "float32[2]", equation="ij,j->i"),
        Sample("float64[1, 3]", "float64[1, 1]", equation="ij,ik->jk"),
        Refuses("float32[2, 3]", "float32[4, 5]", "label 'j' of 'ij,jk->ik' has sizes 3 and 4",
                equation="ij,jk->ik"),
        Refuses("float32[2, 3]", "xs[0] has rank 2, 'ijk' has 3 labels", equation="ijk->i"),
        Refuses("float32[2, 3]", "'ij,jk' is for 2 operands, got 1", equation="ij,jk"),
        Refuses("float32[2]", "label 'j' of the result of 'i->j' is in no operand",
                equation="i->j"),
        Refuses("float32[2]", "label 'i' occurs twice in the result of 'i->ii'", equation="i->ii"),
        Refuses("float32[2]", "'1->1': labels are letters, got '1'", equation="1->1"),
        Refuses("bool[2]", "xs[0] must be floating or a signed integer, got bool[2]",
                equation="i->"),
        Refuses("float32[2]", "float64[2]", "dtypes of xs[0] and xs[1] differ", equation="i,i"),
        Refuses("float32[2, 4]", "float32[3, 4]",
                "the axes of '...' do not broadcast: [2] and [3]", equation="...i,...i->..."),
    ]  # fmt: skip


def _distinct(b: Any, x: Any, term: Term) -> Part:
    """An operand with every label once."""
    if len(set(term)) < len(term):
        x = b.take_diagonal(x, term="".join(term))
    single = tuple(dict.fromkeys(term))
    return Part(x, tuple(labels_of(single, x.type.rank)))


def _unstretched(part: Part, b: Any, sizes: dict[Label, Dim]) -> Part:
    """Without the axes of size 1 along which the operand is broadcast."""
    pairs = list(zip(part.labels, part.tensor.type.dims, strict=True))
    kept = [(label, d) for label, d in pairs if d != 1 or sizes[label] == 1]
    if len(kept) == len(pairs):
        return part
    shape = tuple(d for _, d in kept)
    return Part(b.reshape(part.tensor, shape=shape), tuple(label for label, _ in kept))


class TakeDiagonal(Op):
    """``x`` at equal indices of the axes that share a label of ``term``: ``"ii"`` is a matrix's
    diagonal."""

    operands = ("x",)
    attributes = {"term": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        sizes: dict[Label, Dim] = {}
        for label, size in zip(self._labels(len(x.shape)), x.shape, strict=True):
            same = same_dim(sizes.setdefault(label, size), size, f"label {label!r}")
            if same is None:
                fact = f"label {label!r} of '{self.term}' has sizes {sizes[label]} and {size}"
                raise Mismatch(fact, x=x)
            sizes[label] = same
        return x.with_shape(tuple(sizes.values()))

    def _labels(self, rank: int) -> list[Label]:
        return labels_of(_tokens(self.term, self.term), rank)

    def reference(self, x: np.ndarray) -> np.ndarray:
        labels = self._labels(x.ndim)
        given, out = _letters([labels, list(dict.fromkeys(labels))])
        return np.array(np.einsum(f"{given}->{out}", x))

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        labels = self._labels(len(x.type.dims))
        place = dict(zip(dict.fromkeys(labels), at, strict=True))
        return x(*(place[label] for label in labels))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.place_diagonal(ct, term=self.term)]

    samples = [
        Sample("float32[3, 3]", term="ii"),
        Sample("float64[2, 3, 2]", term="iji"),
        Sample("float64[3, 2, 2, 3]", term="ijji"),
        Sample("int32[4, 2, 2]", term="...ii"),
        Sample("float16[2, 2]", term="ii"),
        Sample("bool[2, 2]", term="ii"),
        Sample("float32[0, 0]", term="ii"),
        Sample("float32[2, 3]", term="ij"),
        Refuses("float32[2, 3]", "label 'i' of 'ii' has sizes 2 and 3", term="ii"),
        Refuses("float32[2]", "x has rank 1, 'ii' has 2 labels", term="ii"),
    ]


class PlaceDiagonal(Op):
    """``x`` at equal indices of the axes that share a label of ``term``, 0 elsewhere."""

    operands = ("x",)
    attributes = {"term": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        single, every = self._labels(len(x.shape))
        sizes = dict(zip(single, x.shape, strict=True))
        return x.with_shape(tuple(sizes[label] for label in every))

    def _labels(self, rank: int) -> tuple[list[Label], list[Label]]:
        """The labels of x, and those of the result."""
        term = _tokens(self.term, self.term)
        single = tuple(dict.fromkeys(term))
        labels = labels_of(single, rank)
        return labels, _spelled(term, [label for label in labels if isinstance(label, int)])

    def reference(self, x: np.ndarray) -> np.ndarray:
        single, every = self._labels(x.ndim)
        sizes = dict(zip(single, x.shape, strict=True))
        out = np.zeros([sizes[label] for label in every], x.dtype)
        given, wanted = _letters([every, single])
        np.einsum(f"{given}->{wanted}", out)[...] = x
        return out

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        single, every = self._labels(len(x.type.dims))
        place: dict[Label, Dim] = {}
        off = []
        for label, index in zip(every, at, strict=True):
            if label in place:
                off.append(f"ne({e.position(place[label])}, {e.position(index)})")
            else:
                place[label] = index
        value = x(*(place[label] for label in single))
        zero = e.literal(0, x.type.dtype)
        for test in off:
            value = e.where(test, zero, value, x.type.dtype)
        return value

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.take_diagonal(ct, term=self.term)]

    samples = [
        Sample("float32[3]", term="ii"),
        Sample("float64[2, 3]", term="iji"),
        Sample("float64[3, 2]", term="ijji"),
        Sample("int32[4, 2]", term="...ii"),
        Sample("float16[2]", term="ii"),
        Sample("float32[0]", term="ii"),
        Sample("float32[2, 3]", term="ij"),
        Refuses("float32[2]", "x has rank 1, 'ij' has 2 labels", term="iji"),
    ]
