"""Write ``graphc/__init__.pyi``: the public names for editors and type checkers.

    python -m tests.tools.write_stub

The names and where they live are the tables of ``frontends.tf``; a test compares.
"""

from __future__ import annotations

import frontends.tf as api
from frontends.tf.names.aliases import aliases
from frontends.tf.names.forwards import FORWARDS
from tests.conftest import TESTS

STUB = TESTS.parent / "graphc" / "__init__.pyi"
HEAD = '''\
# ruff: noqa: I001
"""The TF1 API by ``import graphc as tf``.  Written by tests/tools/write_stub.py."""

import builtins
from typing import Any

'''


def stub_text() -> str:
    """The stub for the names as they are now."""
    imports, renamed = set(), []
    for name, (owner, inner) in sorted(api._NAMES.items()):
        imports.add(f"from {owner} import {inner} as {inner if name == inner else '_' + inner}")
        if name != inner:
            renamed.append(f"{name} = _{inner}")
    flat = {name: place for name, place in aliases().items() if "." not in name}
    renamed += [f"{name} = {place}" for name, place in flat.items() if place in api._NAMES]
    for name, module in api._MODULES.items():
        package, _, inner = module.rpartition(".")
        imports.add(f"from {package} import {inner} as {name}")
    lines = [
        *sorted(imports),
        "",
        "__version__: builtins.str",
        "VERSION: builtins.str",
        *sorted(renamed),
        "",
    ]
    forwards = {name: FORWARDS[name][1] for name in FORWARDS if "." not in name}
    older = {name: forwards[place] for name, place in flat.items() if place in forwards}
    for name, parameters in sorted({**forwards, **older}.items()):
        given = ", ".join(f"{p}: Any" for p in parameters)
        lines.append(f"def {name}({given}, name: builtins.str | None = ...) -> Tensor: ...")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    STUB.write_text(stub_text(), encoding="utf-8")
