"""Repetitions side by side: which node of one turn is which of the next.

From one node of each turn, operands are followed in all turns at once, then readers.  What the
turns' operands are is told by comparing them: the same in all, a node of the turn itself, one of
the turn before (a carry), or a slice of the turn's own.  Following seeds in lockstep is how loops
are rolled in compilers (Rocha, Petoumenos, Franke, Bhatotia and O'Boyle, "Loop Rolling for Code
Size Reduction", 2022).

The ends of a repetition are irregular: the first turn of a gradient adds nothing to what comes from
no turn before it, and nobody asks for what the last turn would pass on.  A first turn that has
``x`` where the others have ``x + carry`` is one whose carry is -0.0 (for which ``x + carry`` is
``x`` to the bit); what is missing in the last turn is computed for nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from graphc.ir.graph import Node, Tensor
from graphc.passes.reroll.facts import Facts, is_repeatable
from graphc.passes.reroll.sums import is_sum


class Irregular(Exception):
    """These nodes are no repetition."""


@dataclass(eq=False)
class Member:
    """A node of the repeated cell: one node for each turn, None where a turn has none.

    A sum of which the first turn has fewer terms has these in ``terms``, None where it has none;
    where it is a single one, ``first`` is that.
    """

    nodes: list[Node | None]
    pattern: Node
    first: Tensor | None = None
    terms: list[Tensor | None] = field(default_factory=list)
    operands: list[Operand] = field(default_factory=list)

    def value(self, turn: int, index: int) -> Tensor | None:
        node = self.nodes[turn]
        if node is not None:
            return node.outputs[index]
        return self.first if turn == 0 else None

    def read(self, port: int) -> list[Tensor | None]:
        """Operand ``port`` of every turn."""
        first, *rest = self.nodes
        found = [None if node is None else node.operands[port] for node in rest]
        if self.terms:
            return [self.terms[port], *found]
        return [None if first is None else first.operands[port], *found]


@dataclass(eq=False)
class Carry:
    """What a turn leaves to the next; ``start`` is what the first finds (None: it adds nothing)."""

    member: Member
    index: int
    start: Tensor | None


@dataclass(frozen=True, eq=False)
class Own:
    """Made in the same turn."""

    member: Member
    index: int


@dataclass(frozen=True, eq=False)
class Same:
    """The same tensor in every turn."""

    tensor: Tensor


@dataclass(eq=False)
class Row:
    """Something else in every turn (None: unknown, where nobody needs what is made of it)."""

    tensors: list[Tensor | None]


Operand = Own | Carry | Same | Row
Stackable = Callable[[list[Tensor | None]], bool]


class Alignment:
    """The repetition that has the nodes of ``chain`` at one place of its turns.

    ``turn`` tells the last node of the chain that a node depends on; ``is_stack``, whether what the
    turns read are the slices of one tensor, so that nothing need be computed in a turn.
    """

    def __init__(
        self, facts: Facts, chain: list[Node], turn: dict[Node, int], is_stack: Stackable
    ) -> None:
        self.facts, self.turn, self.is_stack = facts, turn, is_stack
        self.length, self.middle = len(chain), len(chain) // 2
        self.members: list[Member] = []
        self.place: dict[Node, tuple[Member, int]] = {}
        self.carries: list[Carry] = []
        self.rows: list[Row] = []
        self._waiting: list[Member] = []
        self._absorb(list(chain))
        self._grow(chain[0].forward is None)
        for late in range(self.middle + 1, self.length):
            self._complete(late)
        while self._lengthened():
            pass
        self._check()

    # --- one node of every turn ---------------------------------------------------------------

    def _absorb(
        self, nodes: list[Node | None], first: Tensor | None = None,
        terms: Sequence[Tensor | None] = (),
    ) -> Member:  # fmt: skip
        pattern = nodes[self.middle]
        assert pattern is not None
        member = self._begin(Member(nodes, pattern, first, list(terms)))
        while self._waiting:
            top = self._waiting.pop()
            top.operands = [self._operand(top.read(k)) for k in range(len(top.pattern.operands))]
        return member

    def _begin(self, member: Member) -> Member:
        """Take its nodes; its operands are looked at later."""
        there = [(node, turn) for turn, node in enumerate(member.nodes) if node is not None]
        if any(node in self.place for node, _ in there) or len(dict(there)) < len(there):
            raise Irregular
        self.place |= {node: (member, turn) for node, turn in there}
        self.members.append(member)
        self._waiting.append(member)
        return member

    def _operand(self, tensors: list[Tensor | None]) -> Operand:
        middle = tensors[self.middle]
        assert middle is not None
        if middle.node in self.place:
            return self._placed(tensors, middle)
        given = [t for t in tensors if t is not None]
        depending = any(t.node in self.turn for t in given)
        if not depending:
            if tensors[0] is None:
                raise Irregular
            if all(self.facts.same(t, middle) for t in given):
                return Same(middle)
            if self.is_stack(tensors):
                return self._row(tensors)
        alike = self._alike(tensors, middle)
        if all(alike):
            own = self._begin(Member(_nodes(tensors), middle.node))
            return Own(own, middle.index)
        if not depending:
            return self._row(tensors)
        if any(alike[1:]) and all(alike[1:]) and self._is_from_before(middle.node):
            return self._begun(tensors, middle)
        raise Irregular

    def _placed(self, tensors: list[Tensor | None], middle: Tensor) -> Operand:
        member, lane = self.place[middle.node]
        back = self.middle - lane
        if back not in (0, 1):
            raise Irregular
        for turn, tensor in enumerate(tensors):
            if turn >= back and tensor is not None:
                held = member.value(turn - back, middle.index)
                if held is None and tensor.index == middle.index:  # not known till now
                    self._is_found(member, turn - back, tensor.node)
                    held = member.value(turn - back, middle.index)
                if tensor is not held:
                    raise Irregular
        if back:
            return self._carry(member, middle.index, tensors[0])
        if tensors[0] is None:
            raise Irregular
        return Own(member, middle.index)

    def _alike(self, tensors: list[Tensor | None], middle: Tensor) -> list[bool]:
        """Which turns have the node that the middle one has."""
        pattern, taken = middle.node, set()
        if not is_repeatable(pattern):
            return [False] * len(tensors)
        behind = self.turn.get(pattern, -1) - self.middle
        found = []
        for turn, tensor in enumerate(tensors):
            if tensor is None:
                found.append(turn > 0)
                continue
            node = tensor.node
            alike = node not in taken and node not in self.place and self._is_like(node, pattern)
            taken.add(node)
            if turn and pattern in self.turn:
                alike &= self.turn.get(node, -1) == max(turn + behind, -1)
            elif turn:
                alike &= node not in self.turn
            found.append(alike and tensor.index == middle.index)
        if found[0] and tensors[0] is not None and pattern in self.turn:
            found[0] = self._descends(tensors[0].node, pattern)
        return found

    def _is_like(self, node: Node, pattern: Node) -> bool:
        return (
            node.op == pattern.op
            and not node.control
            and len(node.operands) == len(pattern.operands)
            and all(a.type == b.type for a, b in zip(node.outputs, pattern.outputs, strict=True))
            and all(a.type == b.type for a, b in zip(node.operands, pattern.operands, strict=True))
        )

    def _descends(self, node: Node, pattern: Node) -> bool:
        """Whether a node of the first turn is of the same making: a state at the start may by
        chance come from an op that the turns end with."""
        if node.site == pattern.site:
            return True
        ops = [t.node.op.name for t in node.operands]
        return ops == [t.node.op.name for t in pattern.operands]

    def _is_from_before(self, pattern: Node) -> bool:
        """Whether the middle turn finds a node made by the turn before, behind that turn's node of
        the chain or beside it."""
        return self.turn.get(pattern, -1) - self.middle in (-1, -2)

    def _begun(self, tensors: list[Tensor | None], middle: Tensor) -> Operand:
        """What the turn before left: the first turn finds something from outside."""
        start = tensors[0]
        terms = self._terms(start, middle.node) if start is not None else []
        if start is not None and terms:
            return Own(self._begin(self._sum(start, _nodes(tensors), middle.node, terms)), 0)
        nodes = [*_nodes(tensors[1:]), None]
        pattern = nodes[self.middle]
        if pattern is None:
            raise Irregular
        return self._carry(self._begin(Member(nodes, pattern)), middle.index, start)

    def _sum(
        self, start: Tensor, nodes: list[Node | None], pattern: Node, terms: list[Tensor | None]
    ) -> Member:
        """A sum whose first turn has fewer terms."""
        alone = sum(t is not None for t in terms) == 1
        first = None if alone else start.node
        return Member([first, *nodes[1:]], pattern, start if alone else None, terms)

    def _terms(self, start: Tensor, pattern: Node) -> list[Tensor | None]:
        """Where the turns add, and the first adds less: its terms, in the places of those that they
        are like.  Empty where it has others."""
        if not is_sum(pattern) or start.type != pattern.outputs[0].type:
            return []
        given = [start]
        if is_sum(start.node) and start.node not in self.place:
            given = list(start.node.operands)
        found: list[Tensor | None] = [None] * len(pattern.operands)
        for term in given:
            scores = [
                _likeness(term, t) if held is None else 0
                for t, held in zip(pattern.operands, found, strict=True)
            ]
            best = max(scores)
            if not best:
                return []
            found[scores.index(best)] = term
        return found if None in found else []

    def _carry(self, member: Member, index: int, start: Tensor | None) -> Carry:
        type = member.pattern.outputs[index].type
        if start is not None and start.type != type:
            raise Irregular
        if start is None and not type.dtype.is_floating:
            raise Irregular
        for known in self.carries:
            if known.member is member and known.index == index:
                one, other = known.start, start
                if one is other:
                    return known
                if one is not None and other is not None and self.facts.same(one, other):
                    return known
        self.carries.append(Carry(member, index, start))
        return self.carries[-1]

    def _row(self, tensors: list[Tensor | None]) -> Row:
        for known in self.rows:
            if known.tensors[self.middle] is tensors[self.middle] and known.tensors == tensors:
                return known
        given = [t for t in tensors if t is not None]
        if len({t.type for t in given}) > 1:
            raise Irregular
        if any(t.node.op.name == "variable" or t.node.has_effect for t in given):
            raise Irregular  # weights of their own, or what a turn wrote
        self.rows.append(Row(tensors))
        return self.rows[-1]

    # --- readers ------------------------------------------------------------------------------

    def _grow(self, forward: bool) -> None:
        """Take in what reads a turn in every turn alike."""
        for member in self.members:  # which grow meanwhile
            for index in range(len(member.pattern.outputs)):
                for reader, port in self._readers(member, self.middle, index):
                    if reader in self.place or (reader.forward is None) != forward:
                        continue
                    self._try(member, index, reader, port)

    def _readers(self, member: Member, turn: int, index: int) -> list[tuple[Node, int]]:
        value = member.value(turn, index)
        if value is None:
            return []
        return [
            (reader, port)
            for reader, port in self.facts.uses.get(value, ())
            if turn - 2 <= self.turn.get(reader, -1) <= turn and is_repeatable(reader)
        ]

    def _try(self, member: Member, index: int, reader: Node, port: int) -> None:
        def alike(turn: int) -> list[Node]:
            return [
                node
                for node, p in self._readers(member, turn, index)
                if p == port and node not in self.place and self._is_like(node, reader)
            ]

        rank = alike(self.middle).index(reader)
        count = len(alike(self.middle))
        nodes: list[Node | None] = []
        for turn in range(self.length):
            found = alike(turn)
            if len(found) != count and 0 < turn < self.length - 1:
                return
            nodes.append(found[rank] if len(found) == count else None)
        first, terms = None, []
        if nodes[0] is None:
            first = member.value(0, index)
            if first is None or not is_sum(reader) or len(reader.operands) != 2:
                return
            terms = [first, None] if port == 0 else [None, first]
        before = len(self.members), len(self.carries), len(self.rows)
        try:
            self._absorb(nodes, first, terms)
        except Irregular:
            self._restore(*before)

    def _restore(self, members: int, carries: int, rows: int) -> None:
        self._waiting.clear()
        for member in self.members[members:]:
            for node in member.nodes:
                if node is not None and self.place.get(node, (None,))[0] is member:
                    del self.place[node]
        del self.members[members:], self.carries[carries:], self.rows[rows:]

    # --- the last turn ------------------------------------------------------------------------

    def in_order(self) -> list[Member]:
        """The members, operands first."""
        position = self.facts.position
        return sorted(self.members, key=lambda member: position[member.pattern])

    def _complete(self, turn: int) -> int:
        """Find nodes that ``turn`` lacks by what they read; how many it has then."""
        if all(member.nodes[turn] is not None for member in self.members):
            return len(self.members)
        for sure in (True, False):  # first those whose slices are the next ones
            for member in self.in_order():
                if member.nodes[turn] is None:
                    self._find(member, turn, sure)
        return sum(member.nodes[turn] is not None for member in self.members)

    def _find(self, member: Member, turn: int, sure: bool) -> None:
        """The node of ``turn`` that reads what it should, by its first operand that is known."""
        for port, operand in enumerate(member.operands):
            tensor = self._expected(operand, turn)
            if tensor is None or isinstance(operand, Same):
                continue
            for node, p in self.facts.uses.get(tensor, ()):
                if p == port and self._is_found(member, turn, node, sure):
                    return
            return

    def _is_found(self, member: Member, turn: int, node: Node, sure: bool = False) -> bool:
        """Take a node for the member's of that turn, if it is."""
        found: dict[Member, Node] = {}
        rows: dict[Row, Tensor] = {}
        if not self._matches(member, turn, node, sure, found, rows):
            return False
        for of, made in found.items():
            of.nodes[turn] = made
            self.place[made] = (of, turn)
        for row, tensor in rows.items():
            row.tensors[turn] = tensor
        return True

    def _expected(self, operand: Operand, turn: int) -> Tensor | None:
        match operand:
            case Own(of, index):
                return of.value(turn, index)
            case Same(tensor):
                return tensor
            case Carry():
                return operand.member.value(turn - 1, operand.index)
            case Row():
                return operand.tensors[turn]

    def _matches(
        self, member: Member, turn: int, node: Node, sure: bool, found: dict[Member, Node],
        rows: dict[Row, Tensor],
    ) -> bool:  # fmt: skip
        """Whether a node is the member's of that turn; then ``found`` and ``rows`` say what else
        this tells.  ``sure``: that slices follow on those before is required, not only allowed."""
        if member in found:
            return found[member] is node
        if node in self.place or not is_repeatable(node) or not self._is_like(node, member.pattern):
            return False
        found[member] = node
        if not member.operands:  # they are looked at later
            return True
        for operand, read in zip(member.operands, node.operands, strict=True):
            expected = self._expected(operand, turn)
            if expected is not None:
                if not self.facts.same(expected, read):
                    return False
            elif isinstance(operand, Own):
                of, index = operand.member, operand.index
                if index != read.index:
                    return False
                if not self._matches(of, turn, read.node, sure, found, rows):
                    return False
            elif not isinstance(operand, Row) or read.node in self.turn:
                return False
            else:
                after = following(operand.tensors[:turn])
                if after not in (None, read) or (after is None and sure):
                    return False
                if rows.setdefault(operand, read) is not read:
                    return False
        return True

    def _lengthened(self) -> bool:
        """Go on by one more turn, if most of it is there."""
        for member in self.members:
            member.nodes.append(None)
        for row in self.rows:
            row.tensors.append(None)
        if 2 * self._complete(self.length) >= len(self.members):
            self.length += 1
            return True
        for member in self.members:
            last = member.nodes.pop()
            if last is not None:
                del self.place[last]
        for row in self.rows:
            row.tensors.pop()
        return False

    # --- whether it may be a loop -------------------------------------------------------------

    def _check(self) -> None:
        for member in self.members:
            if member.pattern.op.may_fail and not all(member.nodes):
                raise Irregular  # it could fail in a turn that never was
        outside = {t.node for row in self.rows for t in row.tensors if t is not None}
        outside |= {c.start.node for c in self.carries if c.start is not None}
        outside |= {o.tensor.node for m in self.members for o in m.operands if isinstance(o, Same)}
        behind = set(self.place)
        for node in self.facts.graph.nodes:
            if node not in behind and any(t.node in behind for t in node.operands):
                behind.add(node)
        if not behind.isdisjoint(outside):
            raise Irregular


def following(tensors: Sequence[Tensor | None]) -> Tensor | None:
    """The output of a node that comes after those that the last turns read; None where the turns
    read outputs of several nodes, or there is no next one."""
    one, other = tensors[-2:]
    if one is None or other is None or one.node is not other.node or one is other:
        return None
    index = 2 * other.index - one.index
    return other.node.outputs[index] if 0 <= index < len(other.node.outputs) else None


def _nodes(tensors: Sequence[Tensor | None]) -> list[Node | None]:
    return [None if t is None else t.node for t in tensors]


def _likeness(one: Tensor, other: Tensor) -> int:
    """How much two tensors look as if made for the same purpose."""
    a, b = one.node, other.node
    if a is b:
        return 4
    if a.op != b.op or one.index != other.index:
        return 0
    score = 1 + ([t.node.op for t in a.operands] == [t.node.op for t in b.operands])
    if a.forward is not None and b.forward is not None:
        score += a.forward.op == b.forward.op and a.forward.site == b.forward.site
    return score + (a.site == b.site)
