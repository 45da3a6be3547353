"""The Builder: ``b.matmul(x, w)`` appends a node; how gradients, rewrites and operators make graph.

Every registered op is a method, named as the op: operands first, attributes by keyword.  Python
numbers, arrays and lists become constants of the dtype of the operands beside them.
:func:`composite` adds spellings that expand to several ops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import DTypeError
from graphc.ir.dtype import DType, as_dtype, bfloat16, float32, int32, int64, string_array
from graphc.ir.op import REGISTRY, Literal, Op
from graphc.ir.registry import Registry
from graphc.ir.source import here
from graphc.ir.types import Mismatch

COMPOSITES: Registry = Registry()  # name: function


def composite(function: Callable) -> Callable:
    """Make ``function(b, ...)`` a method of every Builder."""
    COMPOSITES[function.__name__] = function
    return function


def meaning(name: str) -> type[Op] | Callable | None:
    """The composite of that name, or else the op: those that all graphs use before others."""
    import graphc.ops  # noqa: F401  (importing the package registers them)

    near = COMPOSITES.loaded(name) or REGISTRY.loaded(name)
    return near or COMPOSITES.get(name) or REGISTRY.get(name)


class Builder:
    """Adds nodes to ``home``: a Graph (or the body being traced inside it), or an Edit of one."""

    __slots__ = ("home",)

    def __init__(self, home: Any) -> None:
        self.home = home.building()

    def __getattr__(self, name: str) -> Any:
        found = meaning(name)
        if found is None:
            raise AttributeError(f"no op is called {name!r}")
        if not isinstance(found, type):
            return lambda *args, **kwargs: self.compose(name, args, kwargs)
        kind: type[Op] = found
        return lambda *operands, **attributes: self.apply(kind, operands, attributes)

    def apply(self, kind: type[Op], operands: Sequence[Any], attributes: dict[str, Any]) -> Any:
        """Apply an op; ``name`` and ``control`` among the attributes are the node's."""
        name = attributes.pop("name", None)
        control = attributes.pop("control", ())
        tensors = self.tensors(operands)
        node = self.home.add(kind(**attributes), tensors, name=name, control=control)
        if len(node.outputs) == 1:
            return node.outputs[0]
        return node.outputs if node.outputs else node

    def compose(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Apply a composite; what it refuses in a user's graph is told as a type rule tells it."""
        from graphc.ir.graph import Graph, composite_error

        try:
            return COMPOSITES[name](self, *args, **kwargs)
        except Mismatch as mismatch:
            if not isinstance(self.home, Graph):
                raise
            given = [t for t in map(as_tensor, (*args, *kwargs.values())) if t is not None]
            raise composite_error(kwargs.get("name") or name, mismatch, given) from None

    def tensors(self, operands: Sequence[Any]) -> list[Any]:
        """Every operand as a tensor: literals take the dtype of the first tensor among them."""
        like = next((as_tensor(o) for o in operands if as_tensor(o) is not None), None)
        return [self.tensor(o, like=like) for o in operands]

    def tensor(self, value: Any, like: Any = None, dtype: DType | None = None) -> Any:
        """``value`` as a tensor: itself, or a constant (of ``dtype``, or of ``like``'s dtype)."""
        existing = as_tensor(value)
        if existing is not None:
            return existing
        dtype = dtype or (like.dtype if like is not None else None)
        if dtype is bfloat16:  # NumPy cannot hold one
            single = self.const(value=Literal(constant_array(value, float32)))
            return self.cast(single, dtype=dtype)
        return self.const(value=Literal(constant_array(value, dtype)))

    def full(self, shape: tuple, value: Any, dtype: DType) -> Any:
        """A tensor of ``shape`` (symbolic sizes allowed) filled with one number."""
        scalar = self.tensor(value, dtype=dtype)
        return self.broadcast_to(scalar, shape=shape) if shape else scalar


def as_tensor(value: Any) -> Any:
    """The tensor behind a tensor, variable, or anything with ``as_graph_tensor``; else None."""
    from graphc.ir.graph import Tensor

    if isinstance(value, Tensor):
        return value
    convert = getattr(value, "as_graph_tensor", None)
    return convert() if convert is not None else None


def constant_array(value: Any, dtype: DType | None = None) -> np.ndarray:
    """A Python or NumPy value as an array of ``dtype``, by TF1's rules for literals.

    Without a dtype, arrays keep theirs, Python floats are float32 and Python ints int32 (int64 when
    they need it).  Integers must be in the range of the dtype.
    A float does not become an integer: that raises :class:`DTypeError`.  True is 1.
    """
    try:
        given = np.asarray(value)
    except ValueError:
        raise DTypeError(
            f"the lists in {_briefly(value)} have different lengths",
            hint="a tensor is rectangular: fill the shorter lists up",
            site=here(),
        ) from None
    if given.dtype.kind in "USO" or (dtype is not None and dtype.is_string):
        return _constant_strings(value, given, dtype)
    literal = not isinstance(value, np.ndarray | np.generic)
    if dtype is None:
        if not literal:
            return given
        dtype = as_dtype(given.dtype)
        if dtype.name == "float64":
            dtype = float32
        elif dtype is int64 and _fits(given, int32):
            dtype = int32
    fits = given.size == 0 or _convertible(given, dtype)
    if not fits:
        raise DTypeError(
            f"expected {dtype}, got {_briefly(value)} of {as_dtype(given.dtype)}",
            hint=f"convert it first: tf.cast(..., tf.{dtype})",
            site=here(),
        )
    return given.astype(dtype.numpy)


def _constant_strings(value: Any, given: np.ndarray, dtype: DType | None) -> np.ndarray:
    strings = string_array(value)
    if strings is None and dtype is not None and dtype.is_string and given.size == 0:
        strings = given.astype(object)
    if strings is None and given.dtype.kind == "O":
        raise _no_tensor(value)
    if strings is None or (dtype is not None and not dtype.is_string):
        found = "string" if strings is not None else as_dtype(given.dtype)
        raise DTypeError(f"expected {dtype}, got {_briefly(value)} of {found}", site=here())
    return strings


def _no_tensor(value: Any) -> DTypeError:
    if value is not None:
        return DTypeError(f"cannot make a tensor of {_briefly(value)}", site=here())
    return DTypeError(
        "a tensor is needed, got None",
        hint="tf.gradients and compute_gradients give None for what the loss does not depend on "
        "(tf.why_none says why): leave those out, [(f(g), v) for g, v in pairs if g is not None]",
        site=here(),
    )


def _convertible(given: np.ndarray, dtype: DType) -> bool:
    kind = given.dtype.kind
    if dtype.is_bool or kind == "b":
        return kind == "b"
    if dtype.is_integer:
        return kind in "iu" and _fits(given, dtype)
    if dtype.is_floating:
        return kind in "iuf"
    return dtype.is_complex and kind in "iufc"


def _fits(given: np.ndarray, dtype: DType) -> bool:
    return given.size == 0 or bool(dtype.min <= given.min() and given.max() <= dtype.max)


def _briefly(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
