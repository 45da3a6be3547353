"""Finding what failed: a kernel only says which check; the reference says where and with what value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from graphc.errors import InvalidArgumentError, OpError
from graphc.ir import dims
from graphc.lowering.program import Launch, Program


def raise_failure(
    program: Program, step: Launch, status: int, memory: Any, values: Mapping[str, int]
) -> NoReturn:
    """Raise the error of the first check whose bit is set, evaluated on the operands still live."""
    name = next(n for k, n in enumerate(step.checks) if status >> k & 1)
    failing = program.failing[name]
    try:
        operands = [
            memory.view(b, [dims.evaluate(d, values) for d in shape])
            for b, shape in zip(failing.operands, failing.shapes, strict=True)
        ]
    except (KeyError, ValueError):
        operands = None
    if operands is not None:
        try:
            with np.errstate(all="ignore"):
                failing.op.substitute(dict(values)).reference(*operands)
        except OpError as error:
            error.subject = f"{failing.op.name} '{name}'"
            error.site = failing.site
            error.node_name = name
            raise error from None
    raise InvalidArgumentError(
        "a run-time check failed", subject=f"{failing.op.name} '{name}'", site=failing.site
    )
