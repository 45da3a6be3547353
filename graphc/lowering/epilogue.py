"""Element-wise work where a contraction's result is made: on each block, while it is near the core.

A group with a ``head`` is a contraction and the nodes of one index space around it.  The head's
text says ``EPILOGUE`` where a block of the result is final (:class:`graphc.lowering.nest.Final`);
there the loops over the block's rows and columns are put in, written like any other element body.
Axes that every access sees as one are collapsed within the three kinds of axes (matrices, rows,
columns); an operand that varies along some axes of a kind only has its index worked out before the
loop over columns.

A product of matrices is made in a block of its own, near the core, and read from there: in the
result's memory, rows may lie a power of two apart and the lines of a block drive each other out.
Other heads make their result where it is to lie.  It has memory only where somebody else reads it;
otherwise an output of its dtype, its *home*, stands for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace

from graphc.codegen.kernel import BLOCK_LOOP, Kernel, Operand
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.lowering.group import Group
from graphc.lowering.in_place import Overlay
from graphc.lowering.loops import kernel_name, operand_line
from graphc.lowering.nest import (
    EPILOGUE,
    MOVING,
    Lowered,
    Nest,
    Use,
    Workspace,
    full_index,
    mergeable,
)

ROW = "row_at"
COLUMN = BLOCK_LOOP.split()[1]
# The word that makes a whole block, up to what it makes.
MULTIPLY = re.compile(r"\b((?:blas_)?multiply\(\w+, \w+, )\w+,")


def lower_with_epilogue(group: Group, head: Lowered, overlay: Overlay) -> Lowered:
    """The head's kernel with the others' work in it; its text must say EPILOGUE."""
    dry = _BlockNest(group, None, overlay, head)
    dry.write()
    nest = _BlockNest(group, mergeable(group, dry, dry.borders), overlay, head)
    nest.write()
    return _joined(nest, head)


def apart(group: Group, head: Lowered) -> tuple[Lowered, Group]:
    """The head alone, and the group of the others, which read its result."""
    uses = [
        replace(use, tensor=group.product) if use.tensor is group.head_output else use
        for use in head.uses
    ]
    chain = group.chain()
    nodes = [n for n in group.nodes if n not in chain]
    outputs = [t for t in group.outputs if t is not group.product]
    rest = Group(group.space, None, None, nodes, {n: group.roles[n] for n in nodes}, outputs)
    return replace(head.alone(), uses=uses), rest


class _BlockNest(Nest):
    """The loops over one final block."""

    def __init__(
        self, group: Group, merged: list[list[int]] | None, overlay: Overlay, head: Lowered
    ) -> None:
        super().__init__(group, merged, overlay.over)
        assert head.final is not None
        self.final = final = head.final
        self.taken = frozenset(re.findall(r"[A-Za-z_]\w*", head.kernel.text))
        assert not self.taken & {ROW, COLUMN}, (
            "bug in graphc: a text has the names of a block's loops"
        )
        axes = len(group.space)
        own = len(group.head_output.type.dims)
        columns = own - final.matrix_axes - final.row_axes
        self.borders = (final.matrix_axes, axes - columns)
        made = next(u for u in head.uses if u.name == final.result)
        home = group.product if overlay.home is None else overlay.home
        self.near = self._own_block(head, made)
        self.made = replace(made, tensor=home, access="rw" if self.near is None else "w")
        self.uses[id(home), made.shape] = self.made

    def _own_block(self, head: Lowered, made: Use) -> Use | None:
        """Where a product of matrices is made: a part of a workspace, counted as the result is."""
        if head.facts is None or not MULTIPLY.search(head.kernel.text):
            return None
        shape = (head.facts.rows, head.facts.columns)
        space = self.use(Workspace(made.dtype, shape, per_chunk=True), (0, *shape), "rw")
        self.space, self.slot = space.name, self.fresh("slot")
        self.sizes["busy", 0] = "busy"
        return replace(space, name=self.fresh("block"))

    def _runs(self, kind: int) -> list[list[int]]:
        low, high = ((0, *self.borders)[kind], (*self.borders, len(self.group.space))[kind])
        return [
            run for run in self.merged
            if low <= run[0] < high and any(self.group.space[k] != 1 for k in run)
        ]  # fmt: skip

    # --- loops ---------------------------------------------------------------------------------

    def write(self) -> None:
        """The lines that stand in place of EPILOGUE, in ``lines[0]``."""
        if self.final.matrix:
            self._unravel(self.final.matrix, self._runs(0))
        self.open_loop()
        self.levels[ROW] = 1
        self._unravel(ROW, self._runs(1))
        columns = self._runs(2)
        if len(columns) > 1:
            assert self.final.whole, "bug in graphc: a block of columns over several axes"
            bounds = [self.size(_extent(self.group, run)) for run in columns]
        else:
            columns = columns or [[len(self.group.space)]]
            bounds = [", ".join(self.final.columns)]
        for run in columns:
            self.open_loop()
            self._name_run(run, COLUMN if run is columns[-1] else self.fresh("j"))
        self.column = self._column_index(columns)
        self._store_outputs()
        for run, bound in zip(reversed(columns), reversed(bounds), strict=True):
            self.close_loop(f"for {self.loop_of[run[0]]} in range({bound}):")
        self.close_loop(f"for {ROW} in range({', '.join(self.final.rows)}):")

    def _store_outputs(self) -> None:
        product, at = self.group.product, full_index(self.group)
        if self.near is None:
            self.stored[product] = (self.made, lambda at: self._place())
        else:
            self.stored[product] = (self.near, lambda at: (dims.symbol(ROW), self.column))
        apart = self.near is not None
        self.store_all([(t, at) for t in self.group.outputs if apart or t is not product])

    def ahead(self) -> list[str]:
        """The lines that stand before the product is made."""
        if self.near is None:
            return []
        (row, _), (column, _) = self.final.rows, self.final.columns
        return [f"{self.near.name} = moved(part({self.space}, {self.slot}), {row}, {column})"]

    def _column_index(self, columns: list[list[int]]) -> Dim:
        index: Dim = 0
        for run in columns:
            index = index * _extent(self.group, run) + dims.symbol(self.loop_of[run[0]])
        return index

    def _place(self) -> tuple[Dim, ...]:
        """Where the current element of the product stands."""
        index = (dims.symbol(ROW), self.column)
        return (dims.symbol(self.final.matrix), *index) if self.final.matrix else index

    def _name_run(self, run: list[int], name: str) -> None:
        self.loop_of[run[0]] = name
        self.levels[name] = self.level
        for axis in run:
            self.levels[f"@{axis}"] = self.level

    def _unravel(self, name: str, runs: list[list[int]]) -> None:
        """The index of every run of axes that one variable counts."""
        self.levels[name] = self.level
        rest = name
        for k, run in enumerate(runs):
            inner = dims.product(_extent(self.group, r) for r in runs[k + 1 :])
            if k + 1 == len(runs):
                self._name_run(run, rest)
                break
            quotient, left, size = self.fresh("i"), self.fresh("i"), self.size(inner)
            self.line(f"{quotient} = idiv({rest}, {size})")
            self.line(f"{left} = {rest} - {quotient} * {size}")
            self._name_run(run, quotient)
            rest = left

    # --- accesses ------------------------------------------------------------------------------

    def collapse(self, shape: Shape, at: tuple[Dim, ...]) -> tuple[Shape, tuple[Dim, ...]]:
        """What covers the whole space is seen as the product is."""
        if shape == self.group.space and at == full_index(self.group):
            return self.made.shape, self._place()
        return super().collapse(shape, at)


def _extent(group: Group, run: Iterable[int]) -> Dim:
    return dims.product(group.space[k] for k in run if k < len(group.space))


# --- one text of two ------------------------------------------------------------------------------


def _joined(nest: _BlockNest, head: Lowered) -> Lowered:
    """The head's kernel with the nest's lines where it says EPILOGUE."""
    added = [use for use in nest.uses.values() if use is not nest.made]
    uses = [nest.made if use.name == nest.final.result else use for use in head.uses]
    kernel = head.kernel
    operands = [replace(o, access=u.access) for o, u in zip(kernel.operands, uses, strict=True)]
    operands += [Operand(u.name, u.dtype, len(u.shape), u.access) for u in added]
    sizes = (*kernel.sizes, *nest.sizes.values())
    chain = nest.group.chain()
    words = [n.op.name for n in nest.group.nodes if n not in chain]
    name = kernel_name(kernel.name, words)
    title = f"# then {', '.join(words)}"
    if added:
        title += f"   {operand_line(added)}"
    text = _spliced(kernel, name, [o.name for o in operands], sizes, title, nest)
    return replace(
        head,
        kernel=Kernel(
            name, text, tuple(operands),
            (*kernel.constants, *nest.constants.values()), sizes,
        ),
        uses=[*uses, *added],
        sizes=[*head.sizes, *(dim for _, dim in nest.sizes)],
        inner=head.inner + _as_products(nest, head, len(added)),
        facts=head.facts and head.facts.with_epilogue(*words),
        final=None,
    )  # fmt: skip


def _as_products(nest: _BlockNest, head: Lowered, operands: int) -> Dim:
    """The work on a block, as the number of the head's steps that take as long."""
    if head.facts is None:
        return 0
    each = nest.weight + MOVING * (1 + operands)
    return math.ceil(each / head.weight) * head.facts.rows * head.facts.columns


def _spliced(
    kernel: Kernel, name: str, views: list[str], sizes: tuple[str, ...], title: str,
    nest: _BlockNest,
) -> str:  # fmt: skip
    taken = {"views": ", ".join(views), "sizes": ", ".join(sizes)}
    counts = {"views": len(views), "sizes": len(sizes)}
    text = []
    for line in kernel.text.rstrip("\n").split("\n"):
        bare = line.strip()
        indent = line[: len(line) - len(bare)]
        word = re.search(r"= (views|sizes)\(args, \d+\)$", bare)
        if bare == EPILOGUE:
            text += [indent + added for added in nest.lines[0]]
        elif nest.near is not None and MULTIPLY.search(bare):
            text += [indent + before for before in nest.ahead()]
            text.append(MULTIPLY.sub(rf"\1{nest.near.name},", line))
        elif word is not None:
            text.append(f"{indent}{taken[word[1]]} = {word[1]}(args, {counts[word[1]]})")
            if word[1] == "sizes" and nest.near is not None:
                text.append(f"{indent}{nest.slot} = take_slot(args)")
        elif bare == "return 0" and nest.near is not None:
            text += [f"{indent}give_slot(args, {nest.slot})", line]
        elif bare == f"def {kernel.name}(args, start, stop):":
            text += [title, line.replace(kernel.name, name, 1)]
        else:
            text.append(line)
    return "\n".join(text) + "\n"
