"""Products of labelled tensors, two at a time: in which order, and by which ops.

An axis has a label; axes of two tensors with one label have one size.  A *part* is a tensor with a
label per axis, all different.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from graphc.ir import dims
from graphc.ir.dims import Dim

Label = str | int  # a letter; or -1, -2 ... for the last of the axes an ellipsis stands for
UNKNOWN = 64  # what an unknown size counts as when orders are compared
SEARCHED = 6  # operands up to which every order is looked at


@dataclass(frozen=True, eq=False)
class Part:
    """A tensor and the labels of its axes."""

    tensor: Any
    labels: tuple[Label, ...]

    @property
    def sizes(self) -> dict[Label, Dim]:
        return dict(zip(self.labels, self.tensor.type.dims, strict=True))


def contraction_order(
    terms: Sequence[Collection[Label]], sizes: Mapping[Label, Dim], result: Collection[Label]
) -> list[tuple[int, int]]:
    """Which two to multiply, again and again: their product goes to the end of the list.

    The order with the fewest multiplications for a few operands, else the cheapest pair each time.
    """
    search = _Search([frozenset(t) for t in terms], sizes, frozenset(result))
    return search.best() if len(terms) <= SEARCHED else search.cheapest_first()


class _Search:
    def __init__(
        self,
        terms: list[frozenset[Label]],
        sizes: Mapping[Label, Dim],
        result: frozenset[Label],
    ) -> None:
        self.terms = terms
        self.result = result
        self.sizes = {k: d if isinstance(d, int) else UNKNOWN for k, d in sizes.items()}
        self.plans: dict[frozenset[int], tuple[float, Any]] = {}

    def count(self, labels: Collection[Label]) -> float:
        return math.prod(max(1, self.sizes[label]) for label in labels)

    def left(self, group: frozenset[int]) -> frozenset[Label]:
        """The labels of the product of a group of operands, once it is summed."""
        inside = frozenset().union(*(self.terms[k] for k in group))
        others = [t for k, t in enumerate(self.terms) if k not in group]
        return inside & self.result.union(*others)

    def best(self) -> list[tuple[int, int]]:
        everything = frozenset(range(len(self.terms)))
        _, tree = self._plan(everything)
        pending = list(range(len(self.terms)))
        fresh = iter(range(len(self.terms), 2 * len(self.terms)))
        order: list[tuple[int, int]] = []

        def visit(tree: Any) -> int:
            if isinstance(tree, int):
                return tree
            first, second = (visit(t) for t in tree)
            order.append((pending.index(first), pending.index(second)))
            pending.remove(first)
            pending.remove(second)
            pending.append(next(fresh))
            return pending[-1]

        visit(tree)
        return order

    def _plan(self, group: frozenset[int]) -> tuple[float, Any]:
        """The least cost of a group's product, and the tree of products that has it."""
        if group not in self.plans:
            members = sorted(group)
            if len(members) == 1:
                self.plans[group] = 0.0, members[0]
            else:
                self.plans[group] = min(
                    (self._joined(frozenset(half), group) for half in _halves(members)),
                    key=lambda plan: plan[0],
                )
        return self.plans[group]

    def _joined(self, half: frozenset[int], group: frozenset[int]) -> tuple[float, Any]:
        other = group - half
        (a, left), (b, right) = self._plan(half), self._plan(other)
        return a + b + self.count(self.left(half) | self.left(other)), (left, right)

    def cheapest_first(self) -> list[tuple[int, int]]:
        groups = [frozenset([k]) for k in range(len(self.terms))]
        order = []
        while len(groups) > 1:
            i, j = min(
                combinations(range(len(groups)), 2),
                key=lambda pair: self.count(
                    self.left(groups[pair[0]]) | self.left(groups[pair[1]])
                ),
            )
            order.append((i, j))
            joined = groups[i] | groups[j]
            groups = [g for k, g in enumerate(groups) if k not in (i, j)] + [joined]
        return order


def _halves(members: list[int]) -> Iterator[tuple[int, ...]]:
    """Every way to part a group in two; the half with the first member stands for both."""
    first, *others = members
    for count in range(len(others)):
        for chosen in combinations(others, count):
            yield (first, *chosen)


# --- the ops -------------------------------------------------------------------------------------


def summed(b: Any, part: Part, kept: Collection[Label]) -> Part:
    """A part summed over the labels that nothing else needs."""
    axes = tuple(k for k, label in enumerate(part.labels) if label not in kept)
    if not axes:
        return part
    labels = tuple(label for label in part.labels if label in kept)
    return Part(b.reduce_sum(part.tensor, axis=axes), labels)


def turned(b: Any, part: Part, labels: tuple[Label, ...]) -> Part:
    """A part with its axes in another order."""
    if part.labels == labels:
        return part
    perm = tuple(part.labels.index(label) for label in labels)
    return Part(b.transpose(part.tensor, perm=perm), labels)


def product_of_two(
    b: Any, x: Part, y: Part, kept: Collection[Label], wanted: tuple[Label, ...] | None
) -> Part:
    """``x * y`` summed over the labels both have and nothing else needs.

    ``wanted`` is the order of axes the product should best have.
    """
    both = [label for label in x.labels if label in y.labels]
    inner = [label for label in both if label not in kept]
    left = [label for label in x.labels if label not in y.labels]
    right = [label for label in y.labels if label not in x.labels]
    if inner and left and right:
        batch = [label for label in both if label in kept]
        return _matrix_product(b, _layout(x, y, batch, inner, wanted))
    wide, narrow = (x, y) if len(x.labels) >= len(y.labels) else (y, x)
    labels = (*wide.labels, *(label for label in narrow.labels if label not in wide.labels))
    factors = [_widened(b, part, labels) for part in (wide, narrow)]
    return summed(b, Part(b.mul(*factors), labels), kept)


def _widened(b: Any, part: Part, labels: tuple[Label, ...]) -> Any:
    """A part's tensor with an axis for each of ``labels``, of size 1 for those it has not."""
    own = tuple(label for label in labels if label in part.labels)
    tensor = turned(b, part, own).tensor
    sizes = part.sizes
    return _shaped(b, tensor, tuple(sizes.get(label, 1) for label in labels))


def _shaped(b: Any, tensor: Any, shape: tuple[Dim, ...]) -> Any:
    return tensor if tensor.type.dims == shape else b.reshape(tensor, shape=shape)


@dataclass(frozen=True)
class _Layout:
    """How two parts become matrices: [batch, left, inner] times [batch, inner, right]."""

    x: Part
    y: Part
    batch: tuple[Label, ...]
    left: tuple[Label, ...]
    inner: tuple[Label, ...]
    right: tuple[Label, ...]

    @property
    def result(self) -> tuple[Label, ...]:
        return self.batch + self.left + self.right

    def fits(self) -> tuple[bool, bool]:
        """Whether each part lies as a matrix, or a transposed one."""
        return (
            self.x.labels
            in (self.batch + self.left + self.inner, self.batch + self.inner + self.left),
            self.y.labels
            in (self.batch + self.inner + self.right, self.batch + self.right + self.inner),
        )

    def cost(self, wanted: tuple[Label, ...] | None) -> tuple[int, int]:
        """Tensors to be rearranged; then, of equals, right operands that are read transposed."""
        moved = self.fits().count(False) + (wanted is not None and self.result != wanted)
        return moved, self.y.labels == self.batch + self.right + self.inner


def _layout(
    x: Part, y: Part, batch: list[Label], inner: list[Label], wanted: tuple[Label, ...] | None
) -> _Layout:
    """The layout that rearranges least."""

    def ordered(labels: list[Label], like: Part) -> tuple[Label, ...]:
        return tuple(label for label in like.labels if label in labels)

    choices = []
    for first, second in ((x, y), (y, x)):
        own = tuple(label for label in first.labels if label not in second.labels)
        other = tuple(label for label in second.labels if label not in first.labels)
        for count_like in (x, y):
            for sum_like in (x, y):
                sizes = ordered(batch, count_like), own, ordered(inner, sum_like), other
                choices.append(_Layout(first, second, *sizes))
    return min(choices, key=lambda layout: layout.cost(wanted))


def _matrix_product(b: Any, layout: _Layout) -> Part:
    x, y = layout.x, layout.y
    batch, left, inner, right = layout.batch, layout.left, layout.inner, layout.right
    sizes = {**x.sizes, **y.sizes}

    def count(labels: tuple[Label, ...]) -> Dim:
        return dims.product(sizes[label] for label in labels)

    def matrices(part: Part, rows: tuple[Label, ...], columns: tuple[Label, ...]) -> Any:
        counts = (count(batch),) if batch else ()
        return _shaped(b, part.tensor, (*counts, count(rows), count(columns)))

    flip_x = x.labels == batch + inner + left
    flip_y = y.labels == batch + right + inner
    if not flip_x:
        x = turned(b, x, batch + left + inner)
    if not flip_y:
        y = turned(b, y, batch + inner + right)
    product = b.matmul(
        matrices(x, inner, left) if flip_x else matrices(x, left, inner),
        matrices(y, right, inner) if flip_y else matrices(y, inner, right),
        transpose_a=flip_x,
        transpose_b=flip_y,
    )
    shape = tuple(sizes[label] for label in layout.result)
    return Part(_shaped(b, product, shape), layout.result)
