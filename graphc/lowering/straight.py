"""Values that are made straight in the variable they are assigned to.

An assignment that is a unit of its own copies what another unit made.  Where nobody else reads that
value, the other unit takes the assignment over: it writes the variable, when the assignment would
have, and there is neither a temporary nor a copy.

What must stay true:

* A unit that takes an assignment over reads nothing of the variable's memory, in no version, and
  cannot fail: what it wrote would have to be put back.
* Only assignments wait for such a unit.  Nothing is computed later than it was, and no path leads
  from one of them to another.
* It runs after every reader of the version it overwrites, as the assignment did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from graphc.ir.dims import product
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind
from graphc.lowering.control import is_control
from graphc.lowering.host import runs_in_python
from graphc.lowering.state import variable_of

if TYPE_CHECKING:
    from graphc.lowering.schedule import Unit


def take_over_assignments(
    graph: Graph, units: list[Unit], unit_of: dict[Node, Unit], root: Mapping[Tensor, Tensor]
) -> list[Unit]:
    """The units that are left; those that write variables themselves now have them in ``into``."""
    readers = _readers(graph, root)
    found: dict[Unit, dict[Tensor, Node]] = {}
    for unit in units:
        if (value := _assigned(unit, root)) is None:
            continue
        maker = unit_of.get(value.node)
        if maker is not None and readers[value] == {unit.node} and _fits(maker, value, unit.node):
            found.setdefault(maker, {})[value] = unit.node
    if not found:
        return units
    after = _after(units)
    gone: set[Unit] = set()
    for maker, into in found.items():
        ends = [unit_of[assign] for assign in into.values()]
        if set(after[maker]) != set(ends) or _reaches(ends, after):
            continue
        maker.into = into
        for end in ends:
            gone.add(end)
            unit_of[end.node] = maker
            maker.before |= end.before - {maker}
            for below in end.before - {maker}:
                after[below] = [maker if u is end else u for u in after[below]]
            for above in after[end]:
                above.before.remove(end)
                above.before.add(maker)
        after[maker] = list(dict.fromkeys(above for end in ends for above in after[end]))
    return [unit for unit in units if unit not in gone]


def _readers(graph: Graph, root: Mapping[Tensor, Tensor]) -> dict[Tensor, set[Node | None]]:
    """Who reads each tensor's memory, views apart; None: it is fetched."""
    found: dict[Tensor, set[Node | None]] = {}
    for node in graph.nodes:
        if node.op.kind is Kind.VIEW and node.outputs[0] in root:
            continue
        for tensor in node.operands:
            found.setdefault(root.get(tensor, tensor), set()).add(node)
    for tensor in graph.outputs:
        found.setdefault(root.get(tensor, tensor), set()).add(None)
    return found


def _assigned(unit: Unit, root: Mapping[Tensor, Tensor]) -> Tensor | None:
    """The value that a unit does nothing with but assign it."""
    if len(unit.nodes) != 1 or unit.node.op.name != "assign" or runs_in_python(unit.node):
        return None
    value = unit.node.operands[1]
    return root.get(value, value)


def _fits(maker: Unit, value: Tensor, assign: Node) -> bool:
    """Whether a unit may make ``value`` in the memory of the assignment's variable."""
    variable = variable_of(assign)
    return (
        value.node.op.writes is None
        and value.dtype == variable.outputs[0].dtype
        and product(value.type.dims) == product(variable.outputs[0].type.dims)
        and not any(
            n.op.may_fail or n.op.effect or runs_in_python(n) or is_control(n) for n in maker.nodes
        )
        and not any(_below(t) is variable for n in maker.nodes for t in n.operands)
    )


def _below(tensor: Tensor) -> Node:
    """The node whose memory a tensor is, through views and versions."""
    node = tensor.node
    while node.op.kind is Kind.VIEW or node.op.writes is not None:
        node = node.operands[node.op.writes or 0].node
    return node


def _after(units: Iterable[Unit]) -> dict[Unit, list[Unit]]:
    after: dict[Unit, list[Unit]] = {unit: [] for unit in units}
    for unit in after:
        for below in unit.before:
            after[below].append(unit)
    return after


def _reaches(ends: list[Unit], after: Mapping[Unit, list[Unit]]) -> bool:
    """Whether a path leads from one of these units to another."""
    wanted = [above for end in ends for above in after[end]] if len(ends) > 1 else []
    seen: set[Unit] = set()
    while wanted:
        unit = wanted.pop()
        if unit in ends:
            return True
        if unit not in seen:
            seen.add(unit)
            wanted.extend(after[unit])
    return False
