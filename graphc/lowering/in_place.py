"""What a kernel stores over what it reads: structure, decided once, never left to chance.

An output may lie over an input of the same type when the kernel reads that input only at the index
it stores the output at, and not after it.  Assigns lie over their variable (else the new value is
*staged* in a temporary and copied); temporaries lie over temporaries that nobody reads afterwards.

A contraction's result is made in its *home*: its own memory when somebody else reads it, else that
of an output, which then lies over nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graphc.ir.graph import Node, Tensor
from graphc.ir.op import Kind
from graphc.lowering.group import Group, Role, is_pointwise
from graphc.lowering.loops import Phases, columns_first


@dataclass(frozen=True)
class Overlay:
    """``over``: output -> the input it is stored over; ``staged``: assigns that go through a
    copy; ``home`` (of a group with a head): where its result is made, None for a temporary.
    """

    over: dict[Tensor, Tensor]
    staged: frozenset[Tensor]
    home: Tensor | None = None


def overlay_outputs(
    group: Group,
    root: Callable[[Tensor], Tensor],
    placed: Mapping[Tensor, int],
    is_dying: Callable[[Tensor], bool],
) -> Overlay:
    """Decide for every output of a group; ``placed`` outputs have memory of their own already."""
    over: dict[Tensor, Tensor] = {}
    staged: set[Tensor] = set()
    for output in group.outputs:
        if output.node.op.writes is None:
            continue
        variable = output.node.operands[output.node.op.writes]
        readers = _readers(group, root(variable), root)
        if readers and _reads_before(group, output, variable, readers):
            over[output] = variable
        elif readers:
            staged.add(output)
    home = _home(group) if group.head is not None else None
    for output in group.outputs:
        if output in over or output in placed or output.node.op.effect or output is home:
            continue
        taken = set(over.values())
        for tensor in dict.fromkeys(t for n in group.nodes for t in n.operands):
            if (
                tensor not in taken
                and is_dying(tensor)
                and _reads_before(group, output, tensor, _readers(group, tensor, root))
            ):
                over[output] = tensor
                break
    return Overlay(over, frozenset(staged), home)


def _home(group: Group) -> Tensor | None:
    if group.product in group.outputs:
        return group.product
    fitting = (t for t in group.outputs if t.type == group.product.type and not t.node.op.effect)
    return next(fitting, None)


def _readers(
    group: Group, memory: Tensor, root: Callable[[Tensor], Tensor]
) -> list[tuple[Node, Tensor]]:
    return [
        (node, tensor)
        for node in group.nodes
        for port, tensor in enumerate(node.operands)
        if root(tensor) is memory and port != node.op.writes
    ]


def _reads_before(
    group: Group, output: Tensor, source: Tensor, readers: list[tuple[Node, Tensor]]
) -> bool:
    """Whether the kernel reads ``source`` only at the index it stores ``output`` at, before it."""
    role = group.roles[output.node]
    return (
        role in (Role.FULL, Role.KEPT, Role.OUTER)
        and source.type == output.type
        and all(
            tensor is source and group.roles[node] is role and _reads_at_own_index(node, source)
            for node, tensor in readers
        )
        and (group.reduced is None or role is not Role.FULL or _is_stored_last(group, output))
        and not _accumulates(group, output)
    )


def _reads_at_own_index(node: Node, source: Tensor) -> bool:
    if node.op.kind is not Kind.EFFECT and not is_pointwise(node):
        return False
    return node.outputs[0].type.dims == source.type.dims


def _is_stored_last(group: Group, output: Tensor) -> bool:
    """Whether a row output is stored in the last pass (earlier passes may still read inputs)."""
    plan = Phases(group)
    return plan.depth[output.node] == plan.last and not plan.has_reductions(plan.last)


def _accumulates(group: Group, output: Tensor) -> bool:
    """Whether the output's memory is written from the first row on: a sum of columns grows in
    it."""
    return output.node.op.kind is Kind.REDUCTION and columns_first(group)
