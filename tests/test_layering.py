"""The house stands as its plan says: who may import whom, what an import loads, how long a file is.

Imports are read from the source (those inside functions too), so a direction that is broken only
on a rare path is found as well.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("graphc", "runtime", "frontends")  # each may import itself and those before it

# (importing module, imported module): why this one look upwards is right
UPWARD = {
    ("graphc", "frontends.tf"): "the public face forwards to the TF1 names, on first use",
    ("graphc.ir.graph", "runtime.session"): "Operation.run() uses the default session, as in TF1",
}

# Inside the compiler a room imports only rooms before it.
ROOMS = (
    "graphc.errors",
    "graphc.ir",
    "graphc.codegen",
    "graphc.ops",
    "graphc.autodiff",
    "graphc.passes",
    "graphc.pipeline",
    "graphc.lowering",
    "graphc.budget",
    "graphc.compiler",
    "graphc.report",
)
OWN_KERNEL = "an op with a kernel of its own has it written there"
BACKWARD = {
    ("graphc.ir.registry", "graphc.ops"): "a family is imported when one of its ops is named",
    ("graphc.ir.builder", "graphc.ops"): "those all graphs use go before the others",
    ("graphc.ops.control.arrays", "graphc.lowering.array_rows"): OWN_KERNEL,
    ("graphc.ops.drawing.candidates", "graphc.lowering.candidates"): OWN_KERNEL,
    ("graphc.ops.products.convolve", "graphc.lowering.convolution"): OWN_KERNEL,
    ("graphc.ops.products.convolve_panels", "graphc.lowering.convolution_blocks"): OWN_KERNEL,
    ("graphc.ops.products.winograd", "graphc.lowering.winograd"): OWN_KERNEL,
    ("graphc.ops.products.winograd", "graphc.lowering.winograd_slopes"): OWN_KERNEL,
    ("graphc.ops.reducing.cumulative", "graphc.lowering.scan"): OWN_KERNEL,
    ("graphc.ops.shaping.joining", "graphc.lowering.opaque"): OWN_KERNEL,
    ("graphc.ops.indexing.ordering", "graphc.lowering.ordering"): OWN_KERNEL,
    ("graphc.ops.learning.pooling", "graphc.lowering.pooling"): OWN_KERNEL,
    ("graphc.ops.indexing.rows", "graphc.lowering.rows"): OWN_KERNEL,
    ("graphc.ops.indexing.scatter_nd", "graphc.lowering.opaque"): OWN_KERNEL,
    ("graphc.ops.indexing.segment", "graphc.lowering.opaque"): OWN_KERNEL,
    ("graphc.ops.indexing.sparse", "graphc.lowering.sparse"): OWN_KERNEL,
    ("graphc.ops.sequences.ctc", "graphc.lowering.ctc"): OWN_KERNEL,
    ("graphc.ops.sequences.ctc_decoding", "graphc.lowering.ctc_decoding"): OWN_KERNEL,
    ("graphc.ops.sequences.ctc_curvature", "graphc.autodiff.reverse"): (
        "its slope has no other derivative than that of a scan's gradient"
    ),
    ("graphc.ops.control.branches", "graphc.autodiff.loops"): "the gradient of a branch is one",
    ("graphc.ops.control.loops", "graphc.autodiff.growing"): "and that of one that grows",
    ("graphc.ops.control.loops", "graphc.autodiff.loops"): "the gradient of a loop is a loop",
    ("graphc.passes.cut", "graphc.lowering.program"): "cutting decides the feeds of the Program",
}

FACES = ("graphc", "frontends")  # packages that forward names to whoever owns them
ASK_THE_FACE = {
    ("runtime.programs", "graphc"): "where the compiler's sources are",
    ("frontends.cli", "graphc"): "the version",
}

# package: the only modules that may import it, and why not others
KEPT_APART = {
    "numba": (
        ("runtime.devices.cpu.numba_api",),
        "its front end is private API, so a new version is tried in one file",
    ),
    "llvmlite": (("runtime.devices.cpu",), "the compiler emits text and knows no device"),
    "networkx": (
        ("graphc.ir.graph", "graphc.passes.prune", "graphc.passes.sequence_effects"),
        "graph.nx is the one way to it; a warm process does without",
    ),
}

LARGEST_FILE = 600
LARGER: dict[str, str] = {}  # file: why it is better in one piece
LONGEST_FUNCTION = 60


@dataclass(frozen=True)
class Import:
    """``module`` imports ``target``; ``eager`` when importing the module does so."""

    module: str
    target: str
    line: int
    eager: bool

    def __str__(self) -> str:
        return f"{self.module}, line {self.line}: imports {self.target}"


def sources() -> list[Path]:
    return sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for path in sources() for found in imports_of(path))


def imports_of(path: Path) -> Iterator[Import]:
    """Every import of a file, with what ``import_module("name")`` names."""
    module = module_name(path)
    waiting: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text(encoding="utf-8")), True)]
    while waiting:
        node, eager = waiting.pop()
        for target in targets(node):
            yield Import(module, target, getattr(node, "lineno", 0), eager)
        inside = eager and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        waiting += [(child, inside and not typing_only) for child in ast.iter_child_nodes(node)]


def targets(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), names=names, level=0):
            full = [f"{module}.{alias.name}" for alias in names]
            return [name if is_module(name) else module for name in full]
        case ast.Call(func=ast.Name(id="import_module"), args=[ast.Constant(value=str(name)), *_]):
            return [name]
    return []


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(room + ".")


def room_of(module: str) -> int | None:
    return next((k for k, room in enumerate(ROOMS) if within(module, room)), None)


def test_imports_point_from_frontends_to_runtime_to_graphc():
    level = {name: k for k, name in enumerate(PACKAGES)}
    upward = [
        i
        for i in imports()
        if level.get(i.target.split(".")[0], -1) > level[i.module.split(".")[0]]
        and (i.module, i.target) not in UPWARD
    ]
    assert not upward, "\n".join(map(str, upward))


def test_the_looks_upward_wait_until_they_are_needed():
    eager = [i for i in imports() if (i.module, i.target) in UPWARD and i.eager]
    assert not eager, "\n".join(map(str, eager))


def test_rooms_of_the_compiler_import_only_rooms_before_them():
    backward = [
        i
        for i in imports()
        if (here := room_of(i.module)) is not None
        and (there := room_of(i.target)) is not None
        and there > here
        and (i.module, i.target) not in BACKWARD
    ]
    assert not backward, "\n".join(map(str, backward))


@pytest.mark.parametrize(
    "listed", [UPWARD, BACKWARD, ASK_THE_FACE], ids=["upward", "backward", "face"]
)
def test_every_listed_exception_is_used(listed):
    made = {(i.module, i.target) for i in imports()}
    assert not set(listed) - made


def test_inside_the_repository_names_come_from_the_module_that_owns_them():
    face = [i for i in imports() if i.target in FACES and (i.module, i.target) not in ASK_THE_FACE]
    assert not face, "\n".join(map(str, face))


def test_no_import_is_relative():
    relative = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (*sources(), *(ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


@pytest.mark.parametrize("package", KEPT_APART)
def test_large_dependencies_are_imported_only_where_they_belong(package):
    homes, why = KEPT_APART[package]
    strays = [
        i
        for i in imports()
        if within(i.target, package) and not any(within(i.module, home) for home in homes)
    ]
    assert not strays, f"{why}:\n" + "\n".join(map(str, strays))


def test_nothing_imports_networkx_or_scipy_before_it_is_needed():
    eager = [
        i for i in imports() if i.eager and any(within(i.target, p) for p in ("networkx", "scipy"))
    ]
    assert not eager, "\n".join(map(str, eager))


def test_files_are_short_or_say_why_not():
    tests = (ROOT / "tests").rglob("*.py")
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (*sources(), *tests)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LARGEST_FILE
    }
    assert long.keys() == LARGER.keys(), long


def test_functions_are_short():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert not long


def loaded_after(program: str, **environment: str) -> set[str]:
    """The top-level modules a new interpreter has loaded at the end of a program."""
    ending = "import sys; print('LOADED', *sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{dedent(program)}\n{ending}"],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_the_import_loads_no_compiler():
    loaded = loaded_after(
        """
        import graphc as tf
        tf.placeholder, tf.layers.dense, tf.train.AdamOptimizer, tf.Session
        import runtime.executor, runtime.devices.reference.executor
        """
    )
    assert not loaded & {"numba", "networkx", "scipy"}


def test_the_name_of_the_package_alone_loads_nothing_of_it():
    assert not loaded_after("import graphc") & {"numpy", "llvmlite", "runtime", "frontends"}


def test_a_second_process_needs_neither_numba_nor_networkx(tmp_path):
    program = """
        import numpy as np
        import graphc as tf

        x = tf.placeholder(tf.float32, [None, 8])
        w = tf.get_variable("w", [8, 4], initializer=tf.random_normal_initializer(seed=1))
        loss = tf.reduce_mean(tf.nn.softmax(tf.matmul(x, w)))
        train = tf.train.AdamOptimizer(0.1).minimize(loss)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            sess.run([loss, train], {x: np.ones((5, 8), np.float32)})
    """
    cold = loaded_after(program, GRAPHC_CACHE_DIR=str(tmp_path / "cache"))
    warm = loaded_after(program, GRAPHC_CACHE_DIR=str(tmp_path / "cache"))
    assert "numba" in cold
    assert not warm & {"numba", "networkx", "scipy"}
