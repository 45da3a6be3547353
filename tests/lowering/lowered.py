"""Text in, text out: the steps and kernels a graph is lowered to, without any pass."""

from __future__ import annotations

from textwrap import dedent

from graphc.ir.text import parse_graph
from graphc.lowering.assemble import assemble
from graphc.lowering.fuse import fuse
from graphc.lowering.program import Copy, Feed, Host, Launch, Program
from graphc.lowering.schedule import schedule


def program_of(text: str, fused: bool = True) -> Program:
    graph = parse_graph(dedent(text).strip() + "\n")
    feeds = tuple(Feed(t.name, str(t.dtype), t.type.shape, k) for k, t in enumerate(graph.inputs))
    fusion = fuse(graph, fused)
    return assemble(graph, feeds, fusion, schedule(graph, fusion), ())


def lowered(text: str) -> str:
    """Every step with its buffers, then every kernel, then what was not fused and why."""
    program = program_of(text)
    lines = []
    for number, step in enumerate(program.steps):
        mark = "* " if number == program.commit else "  "
        match step:
            case Launch():
                for block in step.blocks:
                    buffers = ", ".join(program.buffers[b].label for b in block.buffers)
                    lines.append(
                        f"{mark}{program.kernels[step.kernel].name}({buffers}) "
                        f"extent {block.extent} inner {block.inner}"
                    )
            case Copy(source, target):
                lines.append(
                    f"{mark}copy {program.buffers[source].label} -> {program.buffers[target].label}"
                )
            case Host():
                lines.append(f"{mark}host {step.op.name}")
    lines += ["", *(kernel.text for kernel in program.kernels)]
    lines += [f"{a} / {b}: {reason}" for a, b, reason in program.declined]
    return "\n".join(lines).rstrip() + "\n"
