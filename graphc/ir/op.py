"""The op record: one class says everything about an op, and registering it is defining it.

A concrete subclass of :class:`Op` must say (a missing member fails at import, by name):

* ``operands``: their names; a last name starting with ``*`` takes any number
* ``attributes``: name -> default (:data:`REQUIRED` when there is none)
* ``infer_type(self, *types)``: the type, or tuple of types, of its outputs
* ``reference(self, *arrays)``: its meaning in NumPy
* ``vjp(self, b, ct, y, *operands)``: one cotangent (or None) per operand; or
  :class:`NotDifferentiable` with the reason
* one lowering, according to its kind:
    - ``scalar(self, *names)``: elementwise ops; one expression in the kernel vocabulary
    - ``element(self, e, at, *operands)``: what one output element is (see
      :mod:`graphc.lowering.element`)
    - ``reduction``: a :class:`Reduce` (initial value, combining word)
    - ``view = True``: the output is the operand's memory under another shape
    - ``contraction``: a matrix product (:mod:`graphc.lowering.contraction`)
    - ``kernel(self, *types)``: a whole kernel of its own (opaque to fusion)
    - ``expand(self, b, *operands)``: other ops that mean the same, put in its place before fusion
    - ``host(self, *arrays)``: runs in Python between kernels
    - ``source = True``: placeholder, constant, variable
* ``samples``: :class:`Sample` and :class:`Refuses` rows that the generated tests walk

Optional: ``jvp`` (derived from ``vjp`` where absent), traits (``commutative``, ``associative``,
``identity_element``, ``idempotent``, ``linear``, ``holomorphic``: ``vjp`` is given the conjugates
of complex numbers), ``effect``, ``writes``, ``random``, ``may_fail``, ``binding``, ``cost``,
``dims_value`` (the output as symbolic dims, for shape arithmetic), ``narrowed`` (given which
outputs are read, an op that gives these alone, or None).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from graphc.ir.dims import Expr, substitute
from graphc.ir.dtype import DType
from graphc.ir.registry import Registry
from graphc.ir.types import DTypeMismatch, TensorType, broadcast, same_dtype


class Kind(Enum):
    """How an op takes part in fusion."""

    ELEMENTWISE = "elementwise"  # y[i] from x[i], operands broadcast
    INJECTIVE = "injective"  # y[i] from operands at computed indices (transpose, one_hot)
    GATHER = "gather"  # injective, with an index read from memory
    REDUCTION = "reduction"
    CONTRACTION = "contraction"
    VIEW = "view"  # no kernel: same memory, other shape
    OPAQUE = "opaque"  # a kernel of its own
    EXPANDED = "expanded"  # replaced by other ops before fusion
    HOST = "host"  # runs in Python
    SOURCE = "source"  # placeholder, constant, variable
    EFFECT = "effect"  # writes state


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()


@dataclass(frozen=True)
class NotDifferentiable:
    """In place of ``vjp``: why no gradient flows through the op."""

    reason: str


@dataclass(frozen=True)
class Reduce:
    """A reduction: start at ``initial`` (of the operand's dtype), fold with ``word``; optional
    finish.

    ``initial`` is a number, or ``"lowest"`` / ``"highest"`` of the dtype.
    """

    initial: float | str
    word: str


class Literal:
    """A constant's value: an immutable array that hashes and compares by content."""

    __slots__ = ("_digest", "array")

    def __init__(self, array: np.ndarray) -> None:
        array = np.asarray(array)
        if array.flags.writeable:
            array = array.copy()
            array.flags.writeable = False
        self.array = array
        self._digest: tuple | None = None

    @property
    def digest(self) -> tuple:
        if self._digest is None:
            a = self.array
            content = tuple(a.ravel().tolist()) if a.dtype == object else a.tobytes()
            self._digest = (a.dtype.str, a.shape, content)
        return self._digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple:
        return Literal, (self.array,)

    def __repr__(self) -> str:
        return f"Literal({self.array!r})"


class Nested:
    """An attribute's value that is a graph (:class:`graphc.ir.body.Body`)."""

    graph: Any

    def symbols(self) -> Iterator[Any]:
        """The symbolic sizes inside."""
        raise NotImplementedError

    def substitute(self, sizes: dict[str, Any]) -> Nested:
        """The same with symbolic sizes replaced."""
        raise NotImplementedError


@dataclass(frozen=True)
class Sample:
    """One generated test of an op: operand types, attributes, and the range operands are drawn
    from.

    ``values`` gives an operand's exact contents (by position) where a range will not do.
    """

    types: tuple[str, ...]
    attributes: dict[str, Any]
    low: float
    high: float
    values: dict[int, Any]
    tolerance: float
    gradient: bool

    def __init__(
        self,
        *types: str,
        low: float = -2.0,
        high: float = 2.0,
        values: dict[int, Any] | None = None,
        tolerance: float = 1.0,
        gradient: bool = True,
        **attributes: Any,
    ) -> None:
        for name, value in (
            ("types", types), ("attributes", attributes), ("low", low), ("high", high),
            ("values", values or {}), ("tolerance", tolerance), ("gradient", gradient),
        ):  # fmt: skip
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Refuses:
    """Operand types an op must refuse, and the fact it must state (the first line's end)."""

    types: tuple[str, ...]
    message: str
    attributes: dict[str, Any] = field(default_factory=dict)

    def __init__(self, *types_then_message: str, **attributes: Any) -> None:
        object.__setattr__(self, "types", types_then_message[:-1])
        object.__setattr__(self, "message", types_then_message[-1])
        object.__setattr__(self, "attributes", attributes)


REGISTRY: Registry = Registry()  # name: class

_LOWERINGS = (
    "scalar", "element", "reduction", "view", "contraction", "kernel", "expand", "host", "source",
)  # fmt: skip


class Op:
    """One kind of node.  An instance is the op with its attributes: immutable, hashable data."""

    name: ClassVar[str]
    operands: ClassVar[tuple[str, ...]]
    attributes: ClassVar[dict[str, Any]] = {}
    kind: ClassVar[Kind]
    samples: ClassVar[list[Sample | Refuses]]
    dtypes: ClassVar[tuple[DType, ...]] = ()

    effect: ClassVar[bool] = False  # kept although nothing reads it; ordered
    writes: ClassVar[int | None] = None  # operand that is the variable it writes
    random: ClassVar[bool] = False  # two of them are two draws
    may_fail: ClassVar[bool] = False  # checks its operands' values at run time
    binding: ClassVar[str | None] = None  # attribute with the data-dependent sizes it determines
    commutative: ClassVar[bool] = False
    associative: ClassVar[bool] = False
    identity_element: ClassVar[float | None] = None
    idempotent: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    holomorphic: ClassVar[bool] = False  # of complex numbers: vjp is given the conjugates
    transcendental: ClassVar[bool] = False  # dear to recompute
    over: ClassVar[tuple[int, ...]] = ()  # per output: the operand whose memory it takes over
    takes_wanted: ClassVar[bool] = False  # vjp has a keyword: which operands need a cotangent
    passes_rows: ClassVar[bool] = False  # the operand's cotangent is the output's, Rows included

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if abstract:
            return
        cls.name = cls.__dict__.get("name") or _snake(cls.__name__)
        required = ("operands", "kind", "infer_type", "reference", "vjp", "samples", "__doc__")
        missing = [slot for slot in required if getattr(cls, slot, None) is None]
        if not any(getattr(cls, slot, None) is not None for slot in _LOWERINGS):
            missing.append(f"a lowering ({', '.join(_LOWERINGS)})")
        if missing:
            raise TypeError(f"op {cls.name!r} does not say: {', '.join(missing)}")
        other = _of_that_name(cls)
        if other is not None and other.__module__ != cls.__module__:
            raise TypeError(f"two ops are called {cls.name!r}")
        REGISTRY[cls.name] = cls

    def __init__(self, **given: Any) -> None:
        state = self.__dict__
        for key, default in self.attributes.items():
            value = given.pop(key, default)
            if value is REQUIRED:
                raise TypeError(f"{self.name}: attribute {key!r} is missing")
            state[key] = _frozen(value)
        if given:
            raise TypeError(f"{self.name} has no attribute {next(iter(given))!r}")
        values = tuple((type(v), v) for v in state.values())
        state["_key"] = (self.name, values)
        state["_hash"] = hash(state["_key"])

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Op) and self._hash == other._hash and self._key == other._key
        )

    def __hash__(self) -> int:
        return self._hash

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Attributes are declared by name in ``attributes``."""

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError(f"an op is immutable: {self.name}.{key}")

    def __reduce__(self) -> tuple:
        return _make, (self.name, dict(self.values()))

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.values())})"

    def values(self) -> Iterator[tuple[str, Any]]:
        """The attributes, in declared order."""
        return ((key, self.__dict__[key]) for key in self.attributes)

    def replace(self, **changed: Any) -> Op:
        return type(self)(**{**dict(self.values()), **changed})

    def substitute(self, sizes: dict[str, Any]) -> Op:
        """The same op with symbolic sizes in its attributes replaced."""
        changed = {
            key: _substituted(value, sizes) for key, value in self.values() if _has_dims(value)
        }
        return self.replace(**changed) if changed else self

    # The members below are what a subclass says; None means "not said".
    infer_type: Any = None
    reference: Any = None
    vjp: Any = None
    row_vjp: Any = None  # as vjp, where the first operand's cotangent can be graphc.ir.rows.Rows
    jvp: Any = None
    scalar: Any = None
    element: Any = None
    reduction: Any = None
    view: Any = None
    contraction: Any = None
    kernel: Any = None
    expand: Any = None
    complex_expand: Any = None  # as expand, of complex operands only
    half_expand: Any = None  # as expand, of float16 and bfloat16 operands only
    host: Any = None
    source: Any = None
    dims_value: Any = None
    narrowed: Any = None

    def cost(self, *types: TensorType) -> int:
        """Floating-point operations per output element, as the cost model counts them."""
        return 10 if self.transcendental else 1

    @classmethod
    def arity(cls) -> tuple[int, int | None]:
        """(least, most) operands."""
        if cls.operands and cls.operands[-1].startswith("*"):
            return len(cls.operands) - 1, None
        return len(cls.operands), len(cls.operands)

    def operand_names(self, count: int) -> list[str]:
        """A name per operand: variadic ones are numbered (``xs[0]``, ``xs[1]``)."""
        names = [n for n in self.operands if not n.startswith("*")]
        if len(names) < len(self.operands):
            stem = self.operands[-1][1:]
            names += [f"{stem}[{k}]" for k in range(count - len(names))]
        return names


def _of_that_name(kind: type[Op]) -> type[Op] | None:
    ours = kind.__module__.startswith("graphc.ops.")  # while families register, none is asked for
    return REGISTRY.loaded(kind.name) if ours else REGISTRY.get(kind.name)


def _make(name: str, values: dict[str, Any]) -> Op:
    return REGISTRY[name](**values)


def _snake(name: str) -> str:
    name = name.rstrip("_")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _frozen(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_frozen(v) for v in value)
    if isinstance(value, np.ndarray):
        return Literal(value)
    if isinstance(value, np.generic):
        return value.item()
    return value


def _has_dims(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(_has_dims(v) for v in value)
    return isinstance(value, Expr | Nested)


def _substituted(value: Any, sizes: dict[str, Any]) -> Any:
    if isinstance(value, tuple):
        return tuple(_substituted(v, sizes) for v in value)
    if isinstance(value, Nested):
        return value.substitute(sizes)
    return substitute(value, sizes) if isinstance(value, Expr) else value


# --- families: the parts that ops of a kind share -----------------------------------------------


class Elementwise(Op, abstract=True):
    """``y[i] = f(x[i], ...)``; operands broadcast and agree in dtype."""

    kind = Kind.ELEMENTWISE

    def infer_type(self, *types: TensorType) -> TensorType:
        named = dict(zip(self.operand_names(len(types)), types, strict=True))
        dtype = same_dtype(**named)
        if self.dtypes and dtype not in self.dtypes:
            first = next(iter(named))
            raise DTypeMismatch(f"{first} must be {describe(self.dtypes)}, got {types[0]}")
        return TensorType(self.result_dtype(dtype), broadcast(**named))

    def result_dtype(self, dtype: DType) -> DType:
        return dtype


def describe(dtypes: tuple[DType, ...]) -> str:
    """A word for the usual sets ("floating", "integer"), else the names."""
    kinds = {d.kind for d in dtypes}
    match kinds:
        case _ if kinds == {"float"}:
            return "floating"
        case _ if kinds <= {"int", "uint"}:
            return "integer"
        case _ if kinds == {"bool"}:
            return "bool"
        case _ if kinds == {"float", "complex"}:
            return "floating or complex"
        case _ if {"float", "int"} <= kinds:
            return "numeric"
    return ", ".join(d.name for d in dtypes)
