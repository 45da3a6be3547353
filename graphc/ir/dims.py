"""Symbolic dimensions: a small algebra with a normal form.

A dim is an ``int`` or an :class:`Expr`.  An Expr is a sum of integer multiples of monomials; a
monomial is a sorted product of atoms; an atom is a :class:`Symbol`, a :class:`Quotient` (floor
division that did not come out even) or a :class:`Maximum`.  Constants collapse to ``int``, so
equal dims compare equal with ``==``, and ``str(dim)`` is a valid Python expression over the
symbols (``2*batch + 3``,
``max(n - 3, 0)``), which is how the text form, messages and shape functions write them.

Every symbol stands for an integer >= 0.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Union

Dim = Union[int, "Expr"]
Shape = tuple[Dim, ...]


class Symbol:
    """A named unknown size.  ``data`` marks sizes only known once a node has run
    (``boolean_mask``).
    """

    __slots__ = ("data", "name")

    def __init__(self, name: str, data: bool = False) -> None:
        self.name = name
        self.data = data

    def __str__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Symbol) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple:
        return Symbol, (self.name, self.data)


def _grouped(dim: Dim) -> str:
    text = str(dim)
    return f"({text})" if " " in text or "*" in text else text


class Quotient:
    """``numerator // denominator``, kept when the division does not come out even."""

    __slots__ = ("denominator", "numerator")

    def __init__(self, numerator: Dim, denominator: Dim) -> None:
        self.numerator = numerator
        self.denominator = denominator

    def __str__(self) -> str:
        return f"{_grouped(self.numerator)} // {_grouped(self.denominator)}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quotient) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple:
        return Quotient, (self.numerator, self.denominator)


class Maximum:
    """The largest of several dims."""

    __slots__ = ("terms",)

    def __init__(self, terms: tuple[Dim, ...]) -> None:
        self.terms = terms

    def __str__(self) -> str:
        return f"max({', '.join(map(str, self.terms))})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Maximum) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple:
        return Maximum, (self.terms,)


Atom = Symbol | Quotient | Maximum
Monomial = tuple[Atom, ...]


class Expr:
    """A sum of integer multiples of monomials, in normal form; never a constant."""

    __slots__ = ("_hash", "_text", "terms")

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
        self.terms = terms
        self._hash = hash(terms)
        self._text: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expr) and self._hash == other._hash and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __add__(self, other: Dim) -> Dim:
        return _collect([*self.terms, *_terms(other)])

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return _collect((monomial, -factor) for monomial, factor in self.terms)

    def __sub__(self, other: Dim) -> Dim:
        return self + (-other)

    def __rsub__(self, other: Dim) -> Dim:
        return other + (-self)

    def __mul__(self, other: Dim) -> Dim:
        return _collect(
            (tuple(sorted(a + b, key=str)), p * q) for a, p in self.terms for b, q in _terms(other)
        )

    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        return floordiv(self, other)

    def __rfloordiv__(self, other: Dim) -> Dim:
        return floordiv(other, self)

    def __str__(self) -> str:
        if self._text is None:
            self._text = self._written()
        return self._text

    def _written(self) -> str:
        out = ""
        for monomial, factor in self.terms:
            whole = len(self.terms) == len(monomial) == factor == 1
            product = "*".join(
                f"({a})" if isinstance(a, Quotient) and not whole else str(a) for a in monomial
            )
            size = abs(factor)
            text = str(size) if not product else product if size == 1 else f"{size}*{product}"
            sign = "-" if factor < 0 else "+"
            out += f" {sign} {text}" if out else (text if factor > 0 else f"-{text}")
        return out

    def __repr__(self) -> str:
        return f"Dim({self})"

    def __index__(self) -> int:
        raise TypeError(f"the size {self} is not known until the graph runs")

    __int__ = __index__

    def __reduce__(self) -> tuple:
        return Expr, (self.terms,)


def symbol(name: str, data: bool = False) -> Expr:
    """The unknown size called ``name`` (an identifier)."""
    return Expr((((Symbol(name, data),), 1),))


def _terms(dim: Dim) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(dim, Expr):
        return dim.terms
    return (((), int(dim)),) if dim else ()


def _collect(terms: Iterable[tuple[Monomial, int]]) -> Dim:
    totals: dict[Monomial, int] = {}
    for monomial, factor in terms:
        totals[monomial] = totals.get(monomial, 0) + factor
    # Longest products first, the constant last: "2*n*m + n + 3".
    kept = sorted(
        ((m, f) for m, f in totals.items() if f),
        key=lambda term: (-len(term[0]), tuple(map(str, term[0]))),
    )
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return Expr(tuple(kept))


def _divide_monomial(monomial: Monomial, by: Monomial) -> Monomial | None:
    rest = list(monomial)
    for atom in by:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def divide_exactly(a: Dim, b: Dim) -> Dim | None:
    """``a / b`` when it comes out even for every value of the symbols, else None."""
    if a == b:
        return 1
    if isinstance(b, int) and isinstance(a, int):
        return a // b if b and a % b == 0 else None
    divisor = _terms(b)
    if len(divisor) != 1:
        return None
    (by, factor) = divisor[0]
    out = []
    for monomial, f in _terms(a):
        rest = _divide_monomial(monomial, by)
        if rest is None or f % factor:
            return None
        out.append((rest, f // factor))
    return _collect(out)


def floordiv(a: Dim, b: Dim) -> Dim:
    """``a // b`` (rounding down)."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    even = divide_exactly(a, b)
    if even is not None:
        return even
    if isinstance(b, int) and isinstance(a, Expr):
        # (b*q + r) // b == q + r // b
        whole = _collect((m, f // b) for m, f in a.terms if f % b == 0 or not m)
        rest = a - whole * b
        if whole != 0:
            return whole + floordiv(rest, b)
    return Expr((((Quotient(a, b),), 1),))


def maximum(*dims: Dim) -> Dim:
    """The largest of several dims; a constant below another term's lower bound drops out."""
    flat: list[Dim] = []
    for dim in dims:
        atom = single_atom(dim)
        flat.extend(atom.terms if isinstance(atom, Maximum) else [dim])
    constant = max((d for d in flat if isinstance(d, int)), default=None)
    unique: list[Dim] = sorted({d for d in flat if not isinstance(d, int)}, key=str)
    if constant is not None and not any(lower_bound(d) >= constant for d in unique):
        unique.append(constant)
    if len(unique) == 1:
        return unique[0]
    return Expr((((Maximum(tuple(unique)),), 1),))


def ceildiv(a: Dim, b: Dim) -> Dim:
    """``a / b`` rounded up."""
    return floordiv(a + b - 1, b)


def single_atom(dim: Dim) -> Atom | None:
    """The atom a dim consists of, when it is just that."""
    if isinstance(dim, Expr) and len(dim.terms) == 1:
        monomial, factor = dim.terms[0]
        if factor == 1 and len(monomial) == 1:
            return monomial[0]
    return None


def lower_bound(dim: Dim) -> float:
    """A value the dim never falls below (``-inf`` when unknown)."""
    if isinstance(dim, int):
        return dim
    return sum((_term_bound(*term) for term in dim.terms), start=0.0)


def _term_bound(monomial: Monomial, factor: int) -> float:
    if not monomial:
        return factor
    bounds = [_atom_bounds(atom) for atom in monomial]
    if len(bounds) > 1 and any(low < 0 for low, _ in bounds):
        return -math.inf
    if factor > 0:
        return factor * math.prod(low for low, _ in bounds)
    if any(high == math.inf for _, high in bounds):
        return -math.inf
    return factor * math.prod(high for _, high in bounds)


@lru_cache(maxsize=8192)  # a part is bounded from both sides: without this 2 ** depth times
def _atom_bounds(atom: Atom) -> tuple[float, float]:
    """What an atom stays between."""
    if isinstance(atom, Symbol):
        return 0.0, math.inf
    if isinstance(atom, Maximum):
        highest = max(-lower_bound(-term) for term in atom.terms)
        return max(lower_bound(term) for term in atom.terms), highest
    low, high = lower_bound(atom.numerator), -lower_bound(-atom.numerator)
    if isinstance(atom.denominator, int) and atom.denominator > 0:
        return _floor(low / atom.denominator), _floor(high / atom.denominator)
    return (0.0 if low >= 0 and lower_bound(atom.denominator) >= 0 else -math.inf), math.inf


def _floor(value: float) -> float:
    return value if math.isinf(value) else math.floor(value)


def product(dims: Iterable[Dim]) -> Dim:
    """The product of dims: the number of elements of a shape."""
    total: Dim = 1
    for dim in dims:
        total = total * dim
    return total


def symbols(dim: Dim) -> set[Symbol]:
    """The symbols a dim is made of."""
    found: set[Symbol] = set()
    if isinstance(dim, Expr):
        for monomial, _ in dim.terms:
            for atom in monomial:
                if isinstance(atom, Symbol):
                    found.add(atom)
                elif isinstance(atom, Quotient):
                    found |= symbols(atom.numerator) | symbols(atom.denominator)
                else:
                    for term in atom.terms:
                        found |= symbols(term)
    return found


def substitute(dim: Dim, values: Mapping[str, Dim]) -> Dim:
    """The dim with symbols replaced by other dims."""
    if isinstance(dim, int) or not any(s.name in values for s in symbols(dim)):
        return dim
    total: Dim = 0
    for monomial, factor in dim.terms:
        term: Dim = factor
        for atom in monomial:
            if isinstance(atom, Symbol):
                term = term * values.get(atom.name, _of(atom))
            elif isinstance(atom, Quotient):
                numerator = substitute(atom.numerator, values)
                term = term * floordiv(numerator, substitute(atom.denominator, values))
            else:
                term = term * maximum(*(substitute(t, values) for t in atom.terms))
        total = total + term
    return total


def _of(atom: Atom) -> Expr:
    return Expr((((atom,), 1),))


def evaluate(dim: Dim, values: Mapping[str, int]) -> int:
    """The dim's number once its symbols are bound."""
    if isinstance(dim, int):
        return dim
    try:
        return compile_dims((dim,))(values)[0]
    except KeyError:
        missing = ", ".join(sorted(s.name for s in symbols(dim) if s.name not in values))
        raise KeyError(f"no value for {missing} in {dim}") from None


@lru_cache(maxsize=4096)
def compile_dims(expressions: tuple[Dim, ...]) -> Callable[[Mapping[str, int]], list[int]]:
    """One Python function that evaluates many dims at once from the symbols' values."""
    names = sorted({s.name for e in expressions for s in symbols(e)})
    plain = {n: symbol(f"_{k}") for k, n in enumerate(names) if not n.isidentifier()}
    if plain:
        expressions = tuple(substitute(e, plain) for e in expressions)
    head = "".join(f"    {plain.get(n, n)} = v[{n!r}]\n" for n in names)
    source = f"def shapes(v):\n{head}    return [{', '.join(map(str, expressions))}]\n"
    scope: dict = {"max": max}
    exec(compile(source, "<shape function>", "exec"), scope)
    return scope["shapes"]


def parse_dim(text: str, data: Iterable[str] = ()) -> Dim:
    """The dim written as ``str(dim)`` writes it; names in ``data`` become data-dependent
    symbols.
    """
    return _build(ast.parse(text.strip(), mode="eval").body, frozenset(data))


def _build(node: ast.expr, data: frozenset[str]) -> Dim:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            return symbol(name, name in data)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_build(operand, data)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _build(left, data) + _build(right, data)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _build(left, data) - _build(right, data)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _build(left, data) * _build(right, data)
        case ast.BinOp(left=left, op=ast.FloorDiv(), right=right):
            return floordiv(_build(left, data), _build(right, data))
        case ast.Call(func=ast.Name(id="max"), args=args):
            return maximum(*(_build(a, data) for a in args))
    raise ValueError(f"not a dim: {ast.unparse(node)!r}")


def identifier(text: str) -> str:
    """A symbol name made from any text."""
    name = re.sub(r"\W", "_", text)
    return name if name and not name[0].isdigit() else f"_{name}"


def format_shape(shape: Shape | None) -> str:
    return "[?]" if shape is None else f"[{', '.join(map(str, shape))}]"
