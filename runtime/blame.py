"""Finding what failed: a kernel says which check; the reference says where and with what value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from graphc.errors import InvalidArgumentError, OpError
from graphc.ir import dims
from graphc.ir.op import Op
from graphc.ir.source import Site
from graphc.lowering.program import Failing, Launch, Program


def name_failure(error: Exception, op: Op, name: str, site: Site | None) -> None:
    """Say in an error which node it happened in: in its message, or as a note on a foreign one."""
    if isinstance(error, OpError):
        error.place(op.name, name, site)
    else:
        error.add_note(
            f"while running {op.name} '{name}'" + (f"\n  at {site.describe()}" if site else "")
        )


def name_turns(error: Exception, turns: Sequence[tuple[int, str]]) -> None:
    """Say in an error in which turns of which loops it happened, the innermost first."""
    for turn, name in turns:
        if isinstance(error, OpError):
            error.subject += f", turn {turn} of '{name}'"
        else:
            error.add_note(f"in turn {turn} of '{name}'")


def _operands(failing: Failing, memory: Any, values: Mapping[str, int]) -> list[np.ndarray]:
    """The operands of a failing op: from memory, or once more by the ops that the kernel held."""
    computed: list[np.ndarray] = []

    def found(origins: Sequence[int], shapes: Sequence[Any]) -> list[np.ndarray]:
        return [
            computed[-origin - 1]
            if origin < 0
            else memory.view(origin, [dims.evaluate(d, values) for d in shape])
            for origin, shape in zip(origins, shapes, strict=True)
        ]

    for value in failing.inside:
        op = value.op.substitute(dict(values))
        with np.errstate(all="ignore"):
            computed.append(op.reference(*found(value.operands, value.shapes)))
    return found(failing.operands, failing.shapes)


def raise_failure(
    program: Program, step: Launch, status: int, memory: Any, values: Mapping[str, int],
    turns: Sequence[str] = (),
) -> NoReturn:  # fmt: skip
    """Raise the error of the first check whose bit is set, evaluated on the operands still live;
    ``turns`` says in which turn of which loops it was."""
    name = next(n for k, n in enumerate(step.checks) if status >> k & 1)
    failing = program.failing[name]
    subject = ", ".join((failing.node, *turns))
    try:
        operands: list[np.ndarray] | None = _operands(failing, memory, values)
    except (LookupError, ValueError):
        operands = None
    if operands is not None:
        try:
            with np.errstate(all="ignore"):
                failing.op.substitute(dict(values)).reference(*operands)
        except OpError as error:
            error.subject, error.site, error.node_name = subject, failing.site, name
            raise error from None
    raise InvalidArgumentError("a run-time check failed", subject=subject, site=failing.site)
