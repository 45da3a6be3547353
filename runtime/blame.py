"""Finding what failed: a kernel says which check; the reference says where and with what value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from graphc.errors import InvalidArgumentError, OpError
from graphc.ir import dims
from graphc.ir.op import Op
from graphc.ir.source import Site
from graphc.lowering.program import Failing, Launch, Program, Recomputed


def name_failure(error: Exception, op: Op, name: str, site: Site | None) -> None:
    """Say in an error which node it happened in: in its message, or as a note on a foreign one."""
    if isinstance(error, OpError):
        if not error.subject:
            error.subject, error.site, error.node_name = f"{op.name} '{name}'", site, name
    else:
        error.add_note(
            f"while running {op.name} '{name}'" + (f"\n  at {site.describe()}" if site else "")
        )


def _operands(
    failing: Failing | Recomputed, memory: Any, values: Mapping[str, int], known: dict[int, tuple]
) -> list[np.ndarray]:
    """The operands of a failing op: from memory, or once more by the ops that the kernel held."""
    found = []
    for origin, shape in zip(failing.operands, failing.shapes, strict=True):
        if isinstance(origin, int):
            found.append(memory.view(origin, [dims.evaluate(d, values) for d in shape]))
            continue
        if id(origin) not in known:
            op = origin.op.substitute(dict(values))
            with np.errstate(all="ignore"):
                result = op.reference(*_operands(origin, memory, values, known))
            known[id(origin)] = result if isinstance(result, tuple) else (result,)
        found.append(known[id(origin)][origin.output])
    return found


def raise_failure(
    program: Program, step: Launch, status: int, memory: Any, values: Mapping[str, int]
) -> NoReturn:
    """Raise the error of the first check whose bit is set, evaluated on the operands still live."""
    name = next(n for k, n in enumerate(step.checks) if status >> k & 1)
    failing = program.failing[name]
    try:
        operands: list[np.ndarray] | None = _operands(failing, memory, values, {})
    except (LookupError, ValueError):
        operands = None
    if operands is not None:
        try:
            with np.errstate(all="ignore"):
                failing.op.substitute(dict(values)).reference(*operands)
        except OpError as error:
            name_failure(error, failing.op, name, failing.site)
            raise error from None
    raise InvalidArgumentError(
        "a run-time check failed", subject=f"{failing.op.name} '{name}'", site=failing.site
    )
