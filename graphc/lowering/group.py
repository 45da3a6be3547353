"""A fusion group: nodes that become one kernel, over one index space.

The *space* is a shape.  A group without reductions computes every node at every point of it.  In a
group with reductions some axes of the space are *reduced*; each tensor then has a role:

    FULL    one element per point of the space
    KEPT    the reduced axes have size 1 (``keepdims=True``)
    OUTER   the reduced axes are gone
    PARTIAL one element per chunk of the first axis (and per kept axis); see ``partial_reduce``
    INLINE  computed wherever a member asks for it, at any index; never stored

The space may be that of a contraction's result, its *head*: then the others are computed on each
block of it as soon as it is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Node, Tensor
from graphc.ir.op import Kind


class Role(Enum):
    FULL = "full"
    KEPT = "kept"
    OUTER = "outer"
    PARTIAL = "partial"
    INLINE = "inline"


@dataclass
class Group:
    """``nodes`` in dependency order; ``roles`` of what they compute; ``outputs`` are stored."""

    space: Shape
    reduced: tuple[int, ...] | None = None
    chunk: Dim | None = None  # rows of the first axis per partial result
    nodes: list[Node] = field(default_factory=list)
    roles: dict[Node, Role] = field(default_factory=dict)
    outputs: list[Tensor] = field(default_factory=list)
    head: Node | None = None  # a contraction
    seen: Tensor | None = None  # its result as the others see it: under the space's shape

    @property
    def product(self) -> Tensor:
        """The head's result under the space's shape."""
        assert self.seen is not None, "bug in graphc: no contraction heads this group"
        return self.seen

    @property
    def head_output(self) -> Tensor:
        assert self.head is not None, "bug in graphc: no contraction heads this group"
        return self.head.outputs[0]

    def chain(self) -> set[Node]:
        """The head and the views between its result and the product."""
        found: set[Node] = set()
        if self.head is not None:
            node = self.product.node
            while node is not self.head:
                found.add(node)
                node = node.operands[0].node
            found.add(node)
        return found

    @property
    def reduced_axes(self) -> tuple[int, ...]:
        return self.reduced or ()

    @property
    def kept_axes(self) -> tuple[int, ...]:
        return tuple(k for k in range(len(self.space)) if k not in self.reduced_axes)

    def role_shape(self, role: Role) -> Shape:
        """The shape a tensor of that role has."""
        reduced = self.reduced_axes
        match role:
            case Role.FULL:
                return self.space
            case Role.KEPT:
                return tuple(1 if k in reduced else d for k, d in enumerate(self.space))
            case _:
                return tuple(self.space[k] for k in self.kept_axes)


def is_pointwise(node: Node) -> bool:
    """Whether a node reads whatever has its result's shape at the result's index only."""
    return node.op.kind is Kind.ELEMENTWISE or getattr(node.op, "pointwise", False)
