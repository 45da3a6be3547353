"""What layers with sliding windows have in common: their arguments, and functions made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import Parameter, Signature, signature
from typing import Any

from frontends.tf.graph.tensor import whole_number
from frontends.tf.layers.layer import Layer
from graphc.errors import AttributeValueError
from graphc.ir.graph import Tensor
from graphc.ir.source import here

FORMATS = ("channels_last", "channels_first")
_LETTERS = "DHW"


def numbers(value: Any, axes: int, what: str, least: int = 1) -> tuple[int, ...]:
    """An argument that is one number for all of ``axes`` axes, or one for each."""
    given = list(value) if isinstance(value, Iterable) else [value] * axes
    found = tuple(whole_number(v, what) for v in given)
    if len(found) != axes or min(found) < least:
        kind = "positive integers" if least == 1 else f"integers of at least {least}"
        raise AttributeValueError(f"{what} needs {axes} {kind}, got {value!r}", site=here())
    return found


def padding_of(value: Any, allowed: Sequence[str] = ("valid", "same")) -> str:
    """``valid`` or ``same``, in any case."""
    found = value.lower() if isinstance(value, str) else value
    if found not in allowed:
        raise AttributeValueError(f"padding is {' or '.join(allowed)}, got {value!r}", site=here())
    return found


def format_of(value: Any) -> str:
    """``channels_last`` or ``channels_first``; None is the first."""
    found = "channels_last" if value is None else value.lower()
    if found not in FORMATS:
        meant = {"c": FORMATS[0]}.get(found[-1:]) if found[:1] == "n" else None
        meant = FORMATS[1] if found[:2] == "nc" else meant
        raise AttributeValueError(
            f"data_format is one of {', '.join(FORMATS)}, got {value!r}",
            hint=f"data_format={meant!r} is {value}" if meant else None,
            site=here(),
        )
    return found


def letters(data_format: str, axes: int) -> str:
    """The format as ``tf.nn`` calls it: NHWC, NCDHW."""
    inner = _LETTERS[-axes:]
    return f"NC{inner}" if data_format == "channels_first" else f"N{inner}C"


def as_function(
    layer: type[Layer], name: str, says: str, reuse: bool = True
) -> Callable[..., Tensor]:
    """The function that makes a layer and calls it: the inputs, then the layer's arguments, then
    ``reuse`` for layers that have variables."""
    own = [p for p in signature(layer).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    first = Parameter("inputs", Parameter.POSITIONAL_OR_KEYWORD, annotation="Any")
    last = Parameter("reuse", first.kind, default=None, annotation="Any")
    wanted = Signature([first, *own, *([last] if reuse else [])], return_annotation="Tensor")

    def apply(*args: Any, **kwargs: Any) -> Tensor:
        given = wanted.bind(*args, **kwargs).arguments
        inputs = given.pop("inputs")
        if reuse:
            given |= {"_scope": given.get("name"), "_reuse": given.pop("reuse", None)}
        return layer(**given)(inputs)

    apply.__signature__ = wanted  # type: ignore[attr-defined]
    apply.__name__ = apply.__qualname__ = name
    apply.__module__ = layer.__module__
    apply.__doc__ = says
    return apply
