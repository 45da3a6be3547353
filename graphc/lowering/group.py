"""A fusion group: nodes that become one kernel, over one index space.

The *space* is a shape.  A group without reductions computes every node at every point of it.  In a
group with reductions some axes of the space are *reduced*; each tensor then has a role:

    FULL    one element per point of the space
    KEPT    the reduced axes have size 1 (``keepdims=True``)
    OUTER   the reduced axes are gone
    PARTIAL one element per chunk of the first axis (and per kept axis); see ``partial_reduce``
    INLINE  computed wherever a member asks for it, at any index; never stored
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Node, Tensor


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
