"""``tf.quantization``: numbers as a few bits would hold them, with a gradient that passes through.

All are element-wise arithmetic: rounding has no gradient, so it is added to something that has.
"""

from __future__ import annotations

from typing import Any

from frontends.tf.functions.math import reduce_max, reduce_min
from frontends.tf.graph.tensor import builder, convert
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import elsewhere

    return elsewhere("quantization", name)


def _through(b: Any, value: Tensor, path: Tensor, name: str | None) -> Tensor:
    """``value``, with the gradient of ``path``."""
    moved = b.sub(path, b.stop_gradient(path))
    return b.add(b.stop_gradient(value), moved, name=name)


def fake_quant_with_min_max_args(
    inputs: Any, min: float = -6, max: float = 6, num_bits: int = 8, narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """``inputs`` as ``num_bits`` bits spread evenly over [min, max] would hold them.

    The range is moved a little so that 0 is one of the numbers.  The gradient is 1 inside the range
    and 0 outside.
    """
    if not min < max:
        raise ValueError(f"min must be less than max, got {min} and {max}")
    x = convert(inputs, float32)
    low, high = convert(float(min), x.dtype), convert(float(max), x.dtype)
    return fake_quant_with_min_max_vars(x, low, high, num_bits, narrow_range, name)


def fake_quant_with_min_max_vars(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """As :func:`fake_quant_with_min_max_args`, with tensors for ``min`` and ``max``: what lies
    below the range has its gradient go to ``min``, what lies above to ``max``."""
    if not 2 <= num_bits <= 16:
        raise ValueError(f"num_bits must be between 2 and 16, got {num_bits}")
    x = convert(inputs, float32)
    low, high = convert(min, like=x), convert(max, like=x)
    b = builder(x, low, high)
    with b.home.name_scope(name or "FakeQuantWithMinMaxVars") as scope:
        first, last = float(narrow_range), float((1 << num_bits) - 1)
        scale = b.truediv(b.sub(high, low), last - first)
        zero = b.sub(first, b.truediv(low, scale))
        nudged = b.clip_by_value(b.floor(b.add(zero, 0.5)), first, last)
        least, most = b.mul(b.sub(first, nudged), scale), b.mul(b.sub(last, nudged), scale)
        inside = b.clip_by_value(x, least, most)
        steps = b.floor(b.add(b.truediv(b.sub(inside, least), scale), 0.5))
        value = b.add(b.mul(steps, scale), least)
        path = b.where(b.less(x, least), low, b.where(b.greater(x, most), high, x))
        return _through(b, value, path, scope)


def fake_quant_with_min_max_vars_per_channel(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """As :func:`fake_quant_with_min_max_vars`, with a ``min`` and ``max`` for each index of the
    last axis."""
    title = name or "FakeQuantWithMinMaxVarsPerChannel"
    return fake_quant_with_min_max_vars(inputs, min, max, num_bits, narrow_range, title)


def quantize_and_dequantize(
    input: Any, input_min: Any, input_max: Any, signed_input: bool = True, num_bits: int = 8,
    range_given: bool = False, round_mode: str = "HALF_TO_EVEN", name: str | None = None,
    narrow_range: bool = False,
) -> Tensor:  # fmt: skip
    """``input`` rounded to multiples of one step, chosen so that the range (that of ``input`` where
    none is given) fits ``num_bits`` bits.  The gradient passes through unchanged.

    ``round_mode`` says where halves go, ``HALF_TO_EVEN`` or ``HALF_UP``; ``narrow_range`` leaves
    out the lowest signed number.
    """
    if round_mode not in ("HALF_TO_EVEN", "HALF_UP"):
        raise ValueError(f"round_mode is HALF_TO_EVEN or HALF_UP, got {round_mode!r}")
    x = convert(input)
    b = builder(x)
    with b.home.name_scope(name or "QuantizeAndDequantizeV2") as scope:
        low = convert(input_min, like=x) if range_given else reduce_min(x)
        high = convert(input_max, like=x) if range_given else reduce_max(x)
        least = int(narrow_range) - (1 << (num_bits - 1)) if signed_input else 0
        most = (1 << (num_bits - 1 if signed_input else num_bits)) - 1
        steps = [_steps(b, float(bound), limit) for bound, limit in ((least, low), (most, high))]
        step = b.maximum(*steps)
        positive = b.greater(step, 0.0)
        step = b.where(positive, step, b.ones_like(step))
        lowest, highest = b.mul(step, float(least)), b.mul(step, float(most))
        inside = b.clip_by_value(x, lowest, highest) if range_given else x
        count = b.truediv(inside, step)
        whole = b.rint(count) if round_mode == "HALF_TO_EVEN" else b.floor(b.add(count, 0.5))
        return _through(b, b.mul(whole, step), x, scope)


def _steps(b: Any, bound: float, limit: Tensor) -> Tensor:
    """The step at which ``bound`` stands for ``limit``; 0 where their signs differ."""
    if not bound:
        return b.zeros_like(limit)
    return b.maximum(b.truediv(limit, bound), 0.0)
