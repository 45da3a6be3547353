"""The text form of a graph: printed and parsed back; without sites, the cache key of a Program.

::

    graph mlp(x: float32[batch, 784]) -> loss, ^train
      %w = variable(key='w') : float32[784, 10]
      %h = matmul(%x, %w, transpose_b=True) : float32[batch, 10] @/gpu:0 # mlp.py:12
      %s, and so on

Grammar, one line per node, operands above their readers::

    graph    = "graph" NAME "(" [param {"," param}] ")" "->" [root {"," root}]
               ["where" "data" "(" dim names ")"] ["seed" INT] NEWLINE {node NEWLINE}
    param    = NAME ":" type          a fed placeholder
             | "%" ref                any other fed tensor, defined below
    root     = ref                    a fetched tensor
             | "^" NAME               a node run for its effect
    ref      = NAME [":" INT]         ":0" is not written
    node     = "%" NAME "=" op "(" [arg {"," arg}] ")" [":" type {"," type}]
               ["@" device] ["#" sites]
    arg      = "%" ref | attribute "=" value | "^%" NAME        operands, attributes, control
    type     = dtype "[" [dim {"," dim}] "]" | dtype "[?]"      "?": the rank is unknown
    value    = None, True, False, a number (nan and inf too), a quoted string, a dtype's name,
               a dim, a tuple of values, or an array
    array    = dtype "(" nested lists [", shape=" tuple] ")"    complex: [real, imaginary] pairs
             | dtype "(" '"#digest"' ", shape=" tuple ")"       its elements are in ``literals``
    NAME     = letters, digits and ``_ . - / \\ >``; anything else is written in double quotes

Attributes that equal their default are left out, and so are ``dtype`` and ``shape`` of a source,
which its type says.  Python objects (functions of ``py_func``) print as ``object("name#k")`` and
live in ``literals`` too.  A ``#`` comment holds the user's lines.  Parsing evaluates nothing.

A body (:mod:`graphc.ir.body`) prints as ``body(k)``; the k-th body follows the graph, written as
one that starts with ``body k`` instead of ``graph``.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from graphc.errors import GraphError
from graphc.ir.dims import Dim, Expr, parse_dim, symbol, symbols
from graphc.ir.dtype import ALL, DType, as_dtype
from graphc.ir.graph import Graph, Node, Tensor, infer
from graphc.ir.op import REGISTRY, Literal, Nested, Op
from graphc.ir.source import Site
from graphc.ir.types import Mismatch, TensorType

_INLINE = 16  # elements an array may have to be written out
_PLAIN_NAME = re.compile(r"[\w.\-/\\>]+\Z")
DTYPE_NAMES = frozenset(dtype.name for dtype in ALL)
RESERVED = DTYPE_NAMES | {"nan", "inf"}
_WRITABLE = (type(None), bool, int, float, complex, str, bytes, DType, Expr, Literal, Nested)


def print_graph(graph: Graph, sites: bool = True, literals: dict[str, Any] | None = None) -> str:
    """The text of a graph.  Big arrays and Python objects are stored in ``literals``, if given."""
    writer = _Writer({} if literals is None else literals)
    lines = writer.graph(graph, "graph", sites)
    for k, body in enumerate(writer.bodies):  # it grows: bodies may have bodies
        lines += writer.graph(body.graph, f"body {k}", sites)
    return "\n".join(lines) + "\n"


def node_text(node: Node, sites: bool = True) -> str:
    """One node as its line in the text form."""
    return _Writer({}).node(node, sites)


def is_parameter(tensor: Tensor) -> bool:
    """Whether a fed tensor is a placeholder that the header says everything about."""
    node = tensor.node
    return node.op.name == "placeholder" and not node.control and not node.device


def _header(graph: Graph, kind: str) -> str:
    params = [
        f"{quoted(t.node.name)}: {t.type}" if is_parameter(t) else f"%{ref(t)}"
        for t in graph.inputs
    ]
    roots = [ref(t) for t in graph.outputs] + [f"^{quoted(n.name)}" for n in graph.targets]
    text = f"{kind} {quoted(graph.title)}({', '.join(params)}) ->"
    text += f" {', '.join(roots)}" if roots else ""
    data = sorted(_data_names(graph))
    text += f" where data({', '.join(data)})" if data else ""
    return text + (f" seed {graph.seed}" if graph.seed is not None else "")


def _data_names(graph: Graph) -> set[str]:
    """The sizes known only once a node has run."""
    dims: set[Expr] = set()
    for node in graph.nodes:
        for t in node.outputs:
            dims.update(d for d in t.type.shape or () if isinstance(d, Expr))
        for _, value in node.op.values():
            values = value if isinstance(value, tuple) else (value,)
            dims.update(v for v in values if isinstance(v, Expr))
    return {symbol.name for dim in dims for symbol in symbols(dim) if symbol.data}


def quoted(name: str) -> str:
    return name if _PLAIN_NAME.match(name) else json.dumps(name)


def ref(tensor: Tensor) -> str:
    name = quoted(tensor.node.name)
    return f"{name}:{tensor.index}" if tensor.index else name


class _Writer:
    """Writes nodes; remembers what each op looks like, since many nodes share one."""

    def __init__(self, literals: dict[str, Any]) -> None:
        self.literals = literals
        self.bodies: list[Any] = []

    def graph(self, graph: Graph, kind: str, sites: bool) -> list[str]:
        inside = {t.node for t in graph.inputs if is_parameter(t)}
        lines = [self.node(node, sites) for node in graph.nodes if node not in inside]
        return [_header(graph, kind), *(f"  {line}" for line in lines)]

    def node(self, node: Node, sites: bool) -> str:
        args = [f"%{ref(t)}" for t in node.operands]
        args += self.attributes(node.op, node.outputs[0].type if node.outputs else None)
        args += [f"^%{quoted(c.name)}" for c in node.control]
        text = f"%{quoted(node.name)} = {node.op.name}({', '.join(args)})"
        if node.outputs:
            text += f" : {', '.join(str(t.type) for t in node.outputs)}"
        if node.device:
            text += f" @{node.device}"
        if sites and node.sites:
            text += f" # {', '.join(site.short for site in node.sites)}"
        return text

    def attributes(self, op: Op, type: TensorType | None) -> list[str]:
        implied = said_by_type(op) if type is not None else ()
        return [
            f"{key}={self.value(value)}"
            for key, value in op.values()
            if key not in implied and not _same(value, op.attributes[key])
        ]

    def value(self, value: Any) -> str:
        match value:
            case None | bool() | int() | str() | bytes():
                return repr(value)
            case float():
                return repr(value)
            case tuple():
                inner = ", ".join(map(self.value, value))
                return f"({inner},)" if len(value) == 1 else f"({inner})"
            case DType():
                return value.name
            case Expr():
                text = str(value)
                return f"dim({text!r})" if text in RESERVED else text
            case Literal():
                return self.array(value)
            case complex():
                return f"complex({value.real!r}, {value.imag!r})"
            case Nested():
                if value not in self.bodies:
                    self.bodies.append(value)
                return f"body({self.bodies.index(value)})"
        return self.object(value)

    def array(self, literal: Literal) -> str:
        array = literal.array
        dtype = as_dtype(array.dtype).name
        if array.size > _INLINE:
            digest = "#" + digest_of(literal)
            self.literals[digest] = literal
            return f'{dtype}("{digest}", shape={self.value(array.shape)})'
        shape = "" if array.size else f", shape={self.value(array.shape)}"
        return f"{dtype}({elements(array)}{shape})"

    def object(self, value: Any) -> str:
        stem = getattr(value, "__qualname__", type(value).__qualname__)
        key = f"{stem}#{sum(k.startswith(f'{stem}#') for k in self.literals)}"
        for known, held in self.literals.items():
            if held is value:
                key = known
        self.literals[key] = value
        return f"object({json.dumps(key)})"


def said_by_type(op: Op) -> tuple[str, ...]:
    """The attributes of a source that its printed type repeats."""
    names = ("dtype", "shape")
    return names if op.source and all(n in op.attributes for n in names) else ()


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and (value is default or value == default)


def elements(array: np.ndarray) -> str:
    """An array's elements as nested lists; shortest decimals that read back as the same bits."""
    if array.dtype == object:
        return repr(array.tolist())
    if array.dtype.kind == "c":
        array = np.ascontiguousarray(array)
        return elements(array.view(array.real.dtype).reshape(*array.shape, 2))
    if array.ndim:
        return f"[{', '.join(elements(a) for a in array)}]" if array.size else "[]"
    if array.dtype.kind == "f":
        return _shortest(array[()])
    return repr(array.item())


def _shortest(number: Any) -> str:
    text = str(number)
    return text if math.isfinite(number) and ("." in text or "e" in text) else str(float(number))


def digest_of(literal: Literal) -> str:
    """What identifies an array's dtype, shape and contents."""
    dtype, shape, content = literal.digest
    data = content if isinstance(content, bytes) else repr(content).encode()
    hasher = hashlib.blake2b(data, digest_size=10)
    hasher.update(f"{dtype}{shape}".encode())
    return hasher.hexdigest()


def is_portable(graph: Graph) -> bool:
    """Whether the text means the same in another process (no Python object in it)."""
    return not any(holds_object(node.op) for node in graph.nodes)


def holds_object(op: Op) -> bool:
    """Whether an attribute is a Python object that has no text (a function of ``py_func``)."""
    return any(map(_is_object, (value for _, value in op.values())))


def _is_object(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_is_object, value))
    if isinstance(value, Nested):
        return not is_portable(value.graph)
    return not isinstance(value, _WRITABLE)


# --- parsing ------------------------------------------------------------------------------------

_HEADER = re.compile(r"\s*(?:graph|body \d+)\s+")
_BODY = re.compile(r"\s*body (?P<number>\d+)\s")
_NODE = re.compile(r"\s*%(?P<name>[\w.\-/\\>]+|\"(?:[^\"\\]|\\.)*\")\s*=\s*(?P<op>\w+)\s*\(")
_TAIL = re.compile(r"\s*(?::(?P<types>[^@#]*))?(?:@(?P<device>\S+)\s*)?(?:#(?P<sites>.*))?$")
_ROOTS = re.compile(
    r"(?P<roots>.*?)(?:\bwhere data\((?P<data>[^)]*)\)\s*)?(?:\bseed (?P<seed>-?\d+)\s*)?$"
)
_REF = re.compile(r"(?P<name>[\w.\-/\\>]+|\"(?:[^\"\\]|\\.)*\")(?::(?P<index>\d+))?\Z")


def parse_graph(text: str, literals: dict[str, Any] | None = None) -> Graph:
    """The graph a text describes.  Printed types are believed; the verifier compares them with the
    ops' rules.  ``literals`` holds what the text names by digest (see :func:`print_graph`)."""
    lines = text.splitlines()
    starts = [k for k, line in enumerate(lines) if _BODY.match(line)]
    bodies: dict[int, Any] = {}
    for begin, end in reversed([*pairwise((*starts, len(lines)))]):
        number = int(_BODY.match(lines[begin])["number"])  # type: ignore[index]
        blank = [""] * begin  # so that lines keep their numbers
        bodies[number] = _Parser([*blank, *lines[begin:end]], literals or {}, bodies).body()
    return _Parser(lines[: starts[0]] if starts else lines, literals or {}, bodies).run()


class _Parser:
    def __init__(self, lines: list[str], literals: dict[str, Any], bodies: dict[int, Any]) -> None:
        self.lines = lines
        self.literals = literals
        self.bodies = bodies
        self.line = 0
        self.data: frozenset[str] = frozenset()
        self.graph = Graph()

    def run(self) -> Graph:
        """Nodes are made in order; roots and fed tensors are looked up once all exist."""
        rows = [(k, line) for k, line in enumerate(self.lines, 1) if _has_content(line)]
        if not rows:
            raise GraphError("the text holds no graph")
        self.line = rows[0][0]
        inputs, roots = self.header(rows[0][1])
        for self.line, line in rows[1:]:
            self.node(line)
        graph = self.graph
        self.line = rows[0][0]
        graph.inputs = tuple(self.tensor(text) for text in inputs)
        graph.outputs = tuple(self.tensor(r) for r in roots if not r.startswith("^"))
        graph.targets = tuple(self.named(r[1:]) for r in roots if r.startswith("^"))
        return graph

    def body(self) -> Any:
        from graphc.ir.body import Body

        return Body(self.run())

    def error(self, fact: str, hint: str | None = None) -> GraphError:
        shown = self.lines[self.line - 1].strip() if self.line else ""
        return GraphError(f"line {self.line}: {fact}", rows=[("text", shown, "")], hint=hint)

    def header(self, line: str) -> tuple[list[str], list[str]]:
        start = _HEADER.match(line)
        opened = _outside(line, "(") if start else None
        if start is None or opened is None:
            raise self.error("expected 'graph NAME(inputs) -> outputs'")
        closed = self.closing(line, opened)
        tail = line[closed + 1 :].strip()
        if not tail.startswith("->"):
            raise self.error("expected '->' after the inputs")
        said = _ROOTS.match(tail[2:])
        assert said is not None
        self.graph.title = unquoted(line[start.end() : opened].strip())
        self.graph.seed = int(said["seed"]) if said["seed"] else None
        self.data = frozenset(name.strip() for name in (said["data"] or "").split(",") if name)
        inputs = []
        for param in split(line[opened + 1 : closed]):
            if param.startswith("%"):
                inputs.append(param[1:])
                continue
            at = _outside(param, ":")
            if at is None:
                raise self.error(f"input {param!r} needs a type: 'x: float32[2, 3]'")
            name, type = unquoted(param[:at].strip()), self.type(param[at + 1 :])
            op = REGISTRY["placeholder"](dtype=type.dtype, shape=type.shape)
            self.append(Node(self.graph, op, (), (), name, [type]))
            inputs.append(param[:at].strip())
        return inputs, split(said["roots"])

    def node(self, line: str) -> None:
        start = _NODE.match(line)
        if start is None:
            raise self.error("expected '%name = op(...) : type'")
        if start["op"] not in REGISTRY:
            raise self.error(f"no op is called {start['op']!r}")
        kind = REGISTRY[start["op"]]
        closed = self.closing(line, start.end() - 1)
        tail = _TAIL.match(line[closed + 1 :])
        if tail is None:
            raise self.error(f"cannot read {line[closed + 1 :].strip()!r}")
        operands, control, attributes = self.arguments(line[start.end() : closed])
        printed = [self.type(t) for t in split(tail["types"] or "")]
        if printed and kind.source:
            for key in ("dtype", "shape"):
                if key in kind.attributes and "dtype" in kind.attributes:
                    attributes.setdefault(key, getattr(printed[0], key))
        try:
            op = kind(**attributes)
            types, checks = infer(op, [t.type for t in operands])
        except (Mismatch, TypeError) as error:
            if not printed:
                raise self.error(str(error)) from None
            op, types, checks = kind(**attributes), (), ()
        sites = tuple(_sites(tail["sites"] or ""))
        device = tail["device"] or ""
        self.append(
            Node(
                self.graph, op, operands, control, unquoted(start["name"]), printed or types, sites,
                device, None, checks,
            )
        )  # fmt: skip

    def append(self, node: Node) -> None:
        if node.name in self.graph.by_name:
            raise self.error(f"%{node.name} is defined twice")
        self.graph.adopt(node)

    def arguments(self, text: str) -> tuple[tuple[Tensor, ...], tuple[Node, ...], dict[str, Any]]:
        operands, control, attributes = [], [], {}
        for arg in split(text):
            if arg.startswith("%"):
                operands.append(self.tensor(arg[1:]))
            elif arg.startswith("^%"):
                control.append(self.named(arg[2:]))
            else:
                key, _, value = arg.partition("=")
                attributes[key.strip()] = self.value(value)
        return tuple(operands), tuple(control), attributes

    def named(self, name: str) -> Node:
        node = self.graph.by_name.get(unquoted(name))
        if node is None:
            raise self.error(f"%{name} is not defined above")
        return node

    def tensor(self, text: str) -> Tensor:
        found = _REF.match(text.strip())
        if found is None:
            raise self.error(f"{text!r} is not a tensor; write name or name:1")
        node, index = self.named(found["name"]), int(found["index"] or 0)
        if index >= len(node.outputs):
            raise self.error(f"%{node.name} has {len(node.outputs)} outputs, asked for :{index}")
        return node.outputs[index]

    def type(self, text: str) -> TensorType:
        name, bracket, inner = text.strip().partition("[")
        if not bracket or not inner.endswith("]") or name not in DTYPE_NAMES:
            raise self.error(f"{text.strip()!r} is not a type; write float32[2, n]")
        inner = inner[:-1].strip()
        shape = None if inner == "?" else tuple(parse_dim(d, self.data) for d in split(inner))
        return TensorType(as_dtype(name), shape)

    def value(self, text: str) -> Any:
        try:
            return self.literal(ast.parse(text.strip(), mode="eval").body)
        except (SyntaxError, ValueError, KeyError) as error:
            raise self.error(f"{text.strip()!r} is not an attribute's value ({error})") from None

    def literal(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Tuple(elts=items):
                return tuple(self.literal(item) for item in items)
            case ast.List(elts=items):
                return [self.literal(item) for item in items]
            case ast.Name(id="nan" | "inf" as name):
                return float(name)
            case ast.Name(id=name) if name in DTYPE_NAMES:
                return as_dtype(name)
            case ast.Name(id=name):
                return symbol(name, name in self.data)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.literal(operand)
            case ast.Call(func=ast.Name(id="object"), args=[ast.Constant(value=str(key))]):
                return self.literals[key]
            case ast.Call(func=ast.Name(id="body"), args=[ast.Constant(value=int(number))]):
                return self.bodies[number]
            case ast.Call(func=ast.Name(id="dim"), args=[ast.Constant(value=str(text))]):
                return self.dim(text)
            case ast.Call(func=ast.Name(id="complex"), args=[real, imaginary]):
                return complex(self.literal(real), self.literal(imaginary))
            case ast.Call(func=ast.Name(id=name), args=[content]) if name in DTYPE_NAMES:
                shape = next((self.literal(k.value) for k in node.keywords), None)
                return self.array(as_dtype(name), self.literal(content), shape)
        return self.dim(ast.unparse(node))

    def dim(self, text: str) -> Dim:
        return parse_dim(text, self.data)

    def array(self, dtype: DType, content: Any, shape: tuple[int, ...] | None) -> Literal:
        if isinstance(content, str) and content.startswith("#") and shape is not None:
            return self.literals[content]
        if dtype.is_complex:
            pairs = np.array(content, dtype.real.numpy).reshape(-1, 2)
            flat = pairs[:, 0] + 1j * pairs[:, 1]
            return Literal(flat.astype(dtype.numpy).reshape(np.shape(content)[:-1]))
        array = np.array(content, dtype.numpy)
        return Literal(array if shape is None else array.reshape(shape))

    def closing(self, text: str, opened: int) -> int:
        """Where the bracket at ``opened`` closes."""
        depth = 0
        for at, char in _code(text, opened):
            depth += (char in "([") - (char in ")]")
            if depth == 0:
                return at
        raise self.error("a bracket is not closed")


def _has_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _code(text: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """The characters outside quotes, with their positions."""
    quote, at = "", start
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            yield at, char
        at += 1


def _outside(text: str, wanted: str) -> int | None:
    return next((at for at, char in _code(text) if char == wanted), None)


def split(text: str) -> list[str]:
    """The parts between commas that stand in no bracket and no quote."""
    parts, depth, begin = [], 0, 0
    for at, char in _code(text):
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts.append(text[begin:at].strip())
            begin = at + 1
    parts.append(text[begin:].strip())
    return [part for part in parts if part]


def unquoted(name: str) -> str:
    return json.loads(name) if name.startswith('"') else name


def _sites(text: str) -> Iterator[Site]:
    for part in filter(None, map(str.strip, text.split(","))):
        file, _, number = part.rpartition(":")
        yield Site(None, 0, file or part, int(number) if file and number.isdigit() else 0)
