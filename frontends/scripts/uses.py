"""What a script uses of TF1, read from its source: names, lines, arguments.  The script is not run.

A name is followed through imports, ``rnn = tf.nn`` and attribute chains, scope by scope.  What a
function is given or computes is not followed.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field

from frontends.tf.names.missing import tf1_names

ROOTS = ("tensorflow", "graphc")  # import tensorflow as tf; import graphc as tf
UNBOUND = "<unbound>"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_PYTHON_2 = (
    "missing parentheses in call to",
    "multiple exception types must be parenthesized",
    "leading zeros in decimal integer literals",
    "invalid hexadecimal literal",
    "invalid decimal literal",
    "inconsistent use of tabs and spaces",
)


@dataclass(frozen=True)
class Call:
    """How a name is called: how many arguments by position (None: ``*args``), which by name."""

    line: int
    positional: int | None
    keywords: tuple[str, ...]


@dataclass
class Use:
    """One name of TF1, without the leading ``tf.``, and where the script has it."""

    name: str
    lines: list[int] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


@dataclass
class Scope:
    """Names bound in a module, class or function: to a dotted TF1 name, or None for anything
    else."""

    outer: Scope | None
    bound: dict[str, str | None] = field(default_factory=dict)
    is_class: bool = False

    def find(self, name: str) -> str | None:
        """What a name stands for: a dotted TF1 name, ``UNBOUND``, or None for anything else."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bound and (scope is self or not scope.is_class):
                return scope.bound[name]
            scope = scope.outer
        return UNBOUND


def uses(source: str | bytes, filename: str = "<script>") -> list[Use]:
    """The TF1 names of a script, in the order of their first lines; SyntaxError where it is not
    Python 3."""
    reader = _Reader()
    reader.module(ast.parse(source, filename))
    return sorted(reader.found.values(), key=lambda use: (use.lines[0], use.name))


def python_2(error: SyntaxError) -> bool:
    """Whether an error in parsing reads like one of Python 2's ways."""
    text = (error.text or "").strip()
    return (error.msg or "").lower().startswith(_PYTHON_2) or text.startswith(("print ", "exec "))


class _Reader:
    def __init__(self) -> None:
        self.found: dict[str, Use] = {}
        self.stars: list[str] = []  # modules of which everything was imported

    def module(self, tree: ast.Module) -> None:
        self._scope(tree.body, Scope(None))

    # --- scopes ---

    def _scope(self, body: list[ast.stmt], scope: Scope) -> None:
        """Bind what the statements of one scope bind, then read them and the scopes within."""
        statements = [node for statement in body for node in _within(statement)]
        for node in statements:
            self._bind_other(node, scope)
        for node in statements:
            self._bind_imports(node, scope)
        for _ in range(2):  # an alias of an alias
            for node in statements:
                self._bind_alias(node, scope)
        for statement in body:
            self._read(statement, scope)

    def _bind_imports(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if (path := _inner(alias.name)) is not None:
                    scope.bound[alias.asname or alias.name.partition(".")[0]] = (
                        path if alias.asname else ""
                    )
                    if path:
                        self._note(path, node.lineno)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            path = _inner(node.module or "")
            for alias in node.names if path is not None else ():
                if alias.name == "*":
                    self.stars.append(path or "")
                    continue
                full = _dotted(path or "", alias.name)
                scope.bound[alias.asname or alias.name] = full
                if full:
                    self._note(full, node.lineno)

    def _bind_alias(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            path = self._path(node.value, scope)
            if isinstance(target, ast.Name) and path is not None:
                scope.bound[target.id] = path

    @staticmethod
    def _bind_other(node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            scope.bound.setdefault(node.id, None)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope.bound.setdefault(node.name, None)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                scope.bound.setdefault((alias.asname or alias.name).partition(".")[0], None)

    # --- reading ---

    def _read(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            return
        if isinstance(node, ast.ClassDef):
            for part in (*node.decorator_list, *node.bases, *node.keywords):
                self._read(part, scope)
            self._scope(node.body, Scope(scope, is_class=True))
            return
        if isinstance(node, _FUNCTIONS):
            self._read_function(node, scope)
            return
        if isinstance(node, ast.Call):
            path = self._path(node.func, scope)
            if path:
                self._note(path, node.lineno).calls.append(_call(node))
        if isinstance(node, ast.Attribute | ast.Name):
            path = self._path(node, scope)
            if path and isinstance(node.ctx, ast.Load):
                self._note(path, node.lineno)
            if path is not None:
                return
        for child in ast.iter_child_nodes(node):
            self._read(child, scope)

    def _read_function(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, _FUNCTIONS)
        given = node.args
        for part in (*given.defaults, *(d for d in given.kw_defaults if d is not None)):
            self._read(part, scope)
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        inner = Scope(scope, {a.arg: None for a in every if a is not None})
        if isinstance(node, ast.Lambda):
            self._read(node.body, inner)
            return
        for part in (*node.decorator_list, *(a.annotation for a in every if a and a.annotation)):
            self._read(part, scope)
        self._scope(node.body, inner)

    def _path(self, node: ast.AST, scope: Scope) -> str | None:
        """The TF1 name an expression is, ``""`` for TF1 itself, None for anything else."""
        if isinstance(node, ast.Name):
            found = scope.find(node.id)
            return self._by_a_star(node.id) if found == UNBOUND else found
        if isinstance(node, ast.Attribute):
            inner = self._path(node.value, scope)
            return None if inner is None else _dotted(inner, node.attr)
        return None

    def _by_a_star(self, name: str) -> str | None:
        """The TF1 name that ``from tensorflow import *`` makes of an unbound one."""
        if hasattr(builtins, name):
            return None
        names = (_dotted(module, name) for module in self.stars)
        return next((full for full in names if full in tf1_names()), None)

    def _note(self, path: str, line: int) -> Use:
        use = self.found.setdefault(path, Use(path))
        if line not in use.lines:
            use.lines.append(line)
        return use


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """A statement and what lies in it, but not in the functions and classes it defines."""
    yield node
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _within(child)


def _inner(module: str) -> str | None:
    """``nn`` for ``tensorflow.nn``; None for another package's module."""
    root, _, inner = module.partition(".")
    if root not in ROOTS or (root == "graphc" and inner):
        return None
    return _without_v1(inner)


def _dotted(path: str, name: str) -> str:
    return _without_v1(f"{path}.{name}" if path else name)


def _without_v1(path: str) -> str:
    return path.removeprefix("compat.v1").lstrip(".") if path.startswith("compat.v1") else path


def _call(node: ast.Call) -> Call:
    spread = any(isinstance(a, ast.Starred) for a in node.args)
    names = tuple(k.arg for k in node.keywords if k.arg is not None)
    return Call(node.lineno, None if spread else len(node.args), names)
