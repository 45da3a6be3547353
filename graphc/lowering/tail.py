"""Launches of one kernel that do not depend on each other become one, with a block for each."""

from __future__ import annotations

from dataclasses import replace

from graphc.codegen.kernel import Operand
from graphc.ir.dims import Dim
from graphc.ir.source import Site
from graphc.lowering.program import Block, Launch, Origin


class Tail:
    """A launch while independent equals join it, one more block each."""

    def __init__(self, step: int, first: Launch, operands: tuple[Operand, ...]) -> None:
        self.step = step
        self.first = first
        self.operands = operands
        self.blocks: list[Block] = []
        self.others: list[Block] = []
        self.names: list[str] = []
        self.sites: list[Site] = []
        self.flops: Dim = 0
        self.written: set[int] = set()
        self.touched: set[int] = set()
        self.add(first)

    def takes(self, launch: Launch) -> bool:
        """Whether a launch may run beside those joined so far."""
        kernels = [(one.kernel, one.other and one.other.kernel) for one in (launch, self.first)]
        if kernels[0] != kernels[1] or launch.checks or self.first.checks:
            return False
        return not any(
            buffer in self.written or (operand.access != "r" and buffer in self.touched)
            for block in launch.blocks
            for buffer, operand in zip(block.buffers, self.operands, strict=True)
        )

    def add(self, launch: Launch) -> None:
        self.blocks.extend(launch.blocks)
        self.others.extend(launch.other.blocks if launch.other is not None else ())
        self.names.extend(launch.origin.names)
        self.sites.extend(launch.origin.sites)
        self.flops = self.flops + launch.flops
        for block in launch.blocks:
            self.touched.update(block.buffers)
            for buffer, operand in zip(block.buffers, self.operands, strict=True):
                if operand.access != "r":
                    self.written.add(buffer)

    def launch(self) -> Launch:
        if len(self.blocks) == len(self.first.blocks):
            return self.first
        origin = Origin(tuple(self.names), tuple(dict.fromkeys(self.sites)))
        joined = replace(self.first, blocks=tuple(self.blocks), flops=self.flops, origin=origin)
        if joined.other is None:
            return joined
        blocks = tuple(self.others)
        other = replace(joined.other, blocks=blocks, flops=self.flops, origin=origin)
        return replace(joined, other=other)
