"""``tf.nn``'s pooling: the largest or the mean of windows that slide over pictures.

Windows and strides are one number for all spatial axes, one for each, or one for each axis of the
input (1 along the batch and, but for max pooling by depth, along the channels).  Padding "VALID"
takes windows inside the input; "SAME" as many as ``size / stride`` (rounded up), and what lies
outside is not there: a mean counts the pixels inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from frontends.tf.functions.blocks import batch_to_space_nd, space_to_batch_nd
from frontends.tf.functions.windows import FORMATS, meant
from frontends.tf.graph.tensor import builder, convert, known_rank, plain
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype, int32, int64
from graphc.ir.graph import Tensor
from graphc.ir.source import here

_POOLS = {"MAX": "max_pool", "AVG": "avg_pool"}


def max_pool(
    value: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC",
    name: str | None = None, input: Any = None,
) -> Tensor:  # fmt: skip
    """The largest of each window.

    value: numeric [n, h, w, c], or [n, c, h, w] for data_format "NCHW".  A window along the
    channels alone ([1, 1, 1, k], with the same strides) pools by depth.

    >>> tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    """
    return _pooled("max_pool", _either(value, input), ksize, strides, padding, data_format, 2, name)


def avg_pool(
    value: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC",
    name: str | None = None, input: Any = None,
) -> Tensor:  # fmt: skip
    """The mean of each window's pixels inside the input; value: floating, as in max_pool."""
    return _pooled("avg_pool", _either(value, input), ksize, strides, padding, data_format, 2, name)


def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """:func:`max_pool`."""
    name = name or "MaxPool2d"
    return _pooled("max_pool", input, ksize, strides, padding, data_format, 2, name)


def avg_pool2d(
    value: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC",
    name: str | None = None, input: Any = None,
) -> Tensor:  # fmt: skip
    """:func:`avg_pool`."""
    return avg_pool(value, ksize, strides, padding, data_format, name, input)


def max_pool1d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest of each window of sequences [n, w, c] ([n, c, w] for "NCW")."""
    return _sequences("max_pool", input, ksize, strides, padding, data_format, name or "MaxPool1d")


def avg_pool1d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of sequences [n, w, c] ([n, c, w] for "NCW")."""
    return _sequences("avg_pool", input, ksize, strides, padding, data_format, name or "AvgPool1D")


def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest of each window of volumes [n, d, h, w, c] ([n, c, d, h, w] for "NCDHW")."""
    name = name or "MaxPool3D"
    return _pooled("max_pool", input, ksize, strides, padding, data_format, 3, name)


def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of volumes [n, d, h, w, c] ([n, c, d, h, w] for "NCDHW")."""
    name = name or "AvgPool3D"
    return _pooled("avg_pool", input, ksize, strides, padding, data_format, 3, name)


def max_pool_v2(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Max pooling over as many spatial axes as the input has."""
    return _of_any_rank("max_pool", input, ksize, strides, padding, data_format, name)


def avg_pool_v2(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Mean pooling over as many spatial axes as the input has."""
    return _of_any_rank("avg_pool", input, ksize, strides, padding, data_format, name)


def pool(
    input: Any, window_shape: Sequence[int], pooling_type: str, padding: str,
    dilation_rate: Any = None, strides: Any = None, name: str | None = None,
    data_format: str | None = None, dilations: Any = None,
) -> Tensor:  # fmt: skip
    """Pooling of ``pooling_type`` "MAX" or "AVG" over one to three spatial axes.

    A ``dilation_rate`` sets a window's pixels apart; it needs padding "VALID" and strides of 1.
    """
    x = convert(input)
    if pooling_type not in _POOLS:
        raise ValueError(f"pooling_type is MAX or AVG, got {pooling_type!r}")
    count = len(window_shape)
    last, first = FORMATS.get(count, ("", ""))
    known_rank(x, "pool")
    if not last or x.type.rank != count + 2:
        raise ValueError(f"a window of {count} axes does not pool {x.type}")
    rates = _numbers(dilations if dilation_rate is None else dilation_rate, count, "dilation_rate")
    steps = _numbers(strides, count, "strides")
    if max(rates) > 1 and (padding != "VALID" or max(steps) > 1):
        raise ValueError(
            f"a dilation_rate of {rates} needs padding VALID and strides of 1, got {padding} "
            f"and {steps}"
        )
    op, format = _POOLS[pooling_type], data_format or last
    name = name or f"{pooling_type.lower()}_pool"
    if max(rates) == 1:
        return _pooled(op, x, window_shape, steps, padding, format, count, name)
    b = builder(x)
    with b.home.name_scope(name):
        moved = _channels_last(b, x) if format == first else x
        sizes = zip(moved.type.dims[1:-1], rates, strict=True)
        extra = [(0, dims.ceildiv(size, rate) * rate - size) for size, rate in sizes]
        apart = space_to_batch_nd(moved, rates, extra)
        pooled = _pooled(op, apart, window_shape, steps, padding, last, count, None)
        y = batch_to_space_nd(pooled, rates, extra)
        return _channels_first(b, y) if format == first else y


def max_pool_with_argmax(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC",
    Targmax: Any = None, name: str | None = None, output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(:func:`max_pool`, where the first of the largest was): [n, h, w, c] -> two of its windows.

    A place is ``(row * width + column) * channels + channel``, counted through the batch for
    ``include_batch_in_index``; of dtype int64 or int32.
    """
    x = convert(input)
    asked = Targmax if output_dtype is None else output_dtype
    dtype = int64 if asked is None else as_dtype(asked)
    if data_format != "NHWC" or dtype not in (int32, int64):
        raise AttributeValueError(
            "max_pool_with_argmax is of NHWC, and gives int32 or int64", site=here()
        )
    window, steps = (_spatial(v, 2, w, False) for v, w in ((ksize, "ksize"), (strides, "strides")))
    b = builder(x)
    with b.home.name_scope(name or "MaxPoolWithArgmax"):
        how: dict[str, Any] = {"window": window, "strides": steps, "same": _same(padding)}
        y = b.max_pool(x, **how)
        chosen = b.cast(b.first_maximum(x, y, **how), dtype=int64)
        place = _places(b, x, chosen, window, steps, how["same"], include_batch_in_index)
        return y, b.cast(place, dtype=dtype, name="argmax")


def _places(
    b: Builder, x: Tensor, chosen: Tensor, window: Sequence[int], steps: Sequence[int], same: bool,
    batched: bool,
) -> Tensor:  # fmt: skip
    """Where in the picture the ``chosen`` pixels of windows are."""
    from graphc.ops.shaping.patches import window_places

    _, height, width, channels = x.type.dims
    shape = chosen.type.dims

    def count(axis: int) -> Tensor:
        return b.axis_position(
            shape=tuple(s if k == axis else 1 for k, s in enumerate(shape)), axis=axis, dtype=int64
        )

    inside = b.floordiv(chosen, window[1])
    parts = (inside, b.sub(chosen, b.mul(inside, window[1])))
    at = []
    for axis, part in enumerate(parts):
        size, k, step = (height, width)[axis], window[axis], steps[axis]
        _, front = window_places(size, k, step, 1, same)
        first = b.sub(b.mul(count(axis + 1), step), _number(b, front))
        at.append(b.add(first, part))
    row = b.add(at[0], b.mul(count(0), _number(b, height))) if batched else at[0]
    pixel = b.add(b.mul(row, _number(b, width)), at[1])
    return b.add(b.mul(pixel, _number(b, channels)), count(3))


def _number(b: Builder, size: Dim) -> Tensor:
    return b.dim_value(dim=size, dtype=int64)


def _either(value: Any, input: Any) -> Any:
    if (value is None) == (input is None):
        raise ValueError("give either value or input")
    return input if value is None else value


def _same(padding: Any) -> bool:
    if padding not in ("SAME", "VALID"):
        raise AttributeValueError(f"padding must be SAME or VALID, got {padding!r}", site=here())
    return padding == "SAME"


def _numbers(value: Any, count: int, what: str) -> tuple[int, ...]:
    """One number per spatial axis; None is 1."""
    found = np.ravel(np.asarray(1 if value is None else plain(value)))
    if found.size not in (1, count) or found.dtype.kind not in "iu":
        raise AttributeValueError(f"{what} needs 1 or {count} integers, got {value!r}", site=here())
    if found.min() < 1:
        raise AttributeValueError(f"{what} must be at least 1, got {value!r}", site=here())
    return tuple(int(v) for v in (found if found.size == count else found.repeat(count)))


def _spatial(value: Any, count: int, what: str, channels_first: bool) -> tuple[int, ...]:
    """Windows or strides along the spatial axes; along the others they are 1."""
    found = np.ravel(np.asarray(plain(value)))
    if found.size == count + 2 and found.dtype.kind in "iu":
        channel = 1 if channels_first else count + 1
        kept = [k for k in range(1, count + 2) if k != channel]
        if found[0] != 1 or found[channel] != 1:
            raise AttributeValueError(
                f"{what} must be 1 along the batch and the channels, got {value!r}", site=here()
            )
        return _numbers([found[k] for k in kept], count, what)
    return _numbers(value, count, what)


def _pooled(
    op: str, value: Any, ksize: Any, strides: Any, padding: str, data_format: str | None,
    count: int, name: str | None,
) -> Tensor:  # fmt: skip
    """Windows over ``count`` spatial axes of ``value``."""
    x, same = convert(value), _same(padding)
    b = builder(x)
    format = data_format or FORMATS[count][0]
    if format not in FORMATS[count]:
        names = " or ".join(FORMATS[count])
        raise AttributeValueError(
            f"data_format must be {names}, got {format!r}",
            hint=meant(format, *FORMATS[count]), subject=op, site=here(),
        )  # fmt: skip
    first = format == FORMATS[count][1]
    _checked(x, count, format)
    if op == "max_pool" and not first and _by_depth(ksize, count):
        return _depth(b, x, ksize, strides, name)
    how: dict[str, Any] = {
        "window": _spatial(ksize, count, "ksize", first),
        "strides": _spatial(strides, count, "strides", first),
        "same": same,
    }
    if x.type.shape is not None and not same:
        sizes = x.type.shape[2:] if first else x.type.shape[1:-1]
        for axis, (size, window) in enumerate(zip(sizes, how["window"], strict=True)):
            if isinstance(size, int) and window > size:
                raise ShapeError(
                    f"a window of {window} does not fit into {size} along spatial axis {axis}",
                    rows=[("value", str(x.type), x.name)], subject=op, site=here(),
                    hint='padding="SAME" takes windows over the border too',
                )  # fmt: skip
    if not first:
        return getattr(b, op)(x, **how, name=name)
    with b.home.name_scope(name or ("MaxPool" if op == "max_pool" else "AvgPool")) as scope:
        return _channels_first(b, getattr(b, op)(_channels_last(b, x), **how), name=scope)


def _checked(x: Tensor, count: int, format: str) -> None:
    rank = x.type.rank
    if format in [formats[1] for formats in FORMATS.values()]:
        known_rank(x, f"pooling of {format}")
    if rank is not None and rank != count + 2:
        raise ShapeError(
            f"pooling of {format} needs {count + 2} axes",
            rows=[("value", str(x.type), x.name)], site=here(),
        )  # fmt: skip


def _by_depth(ksize: Any, count: int) -> bool:
    sizes = list(ksize) if isinstance(ksize, list | tuple) else []
    return len(sizes) == count + 2 and sizes[-1] != 1 and set(sizes[:-1]) == {1}


def _depth(b: Builder, x: Tensor, ksize: Any, strides: Any, name: str | None) -> Tensor:
    """Each ``k`` channels as one."""
    k = int(ksize[-1])
    known_rank(x, "pooling by depth")
    *rest, channels = x.type.dims
    steps = list(strides) if isinstance(strides, list | tuple) else []
    if steps != list(ksize) or (isinstance(channels, int) and channels % k):
        raise ShapeError(
            f"pooling by depth needs strides as ksize, and channels that divide by {k}",
            rows=[("value", str(x.type), x.name)], site=here(),
        )  # fmt: skip
    groups = b.reshape(x, shape=(*rest, dims.floordiv(channels, k), k))
    return b.reduce_max(groups, axis=(len(rest) + 1,), keepdims=False, name=name or "MaxPool")


def _sequences(
    op: str, value: Any, ksize: Any, strides: Any, padding: str, data_format: str, name: str
) -> Tensor:
    x = convert(value)
    b = builder(x)
    with b.home.name_scope(name):
        return _pooled(op, x, ksize, strides, padding, data_format, 1, "Squeeze")


def _of_any_rank(
    op: str, value: Any, ksize: Any, strides: Any, padding: str, data_format: str | None,
    name: str | None,
) -> Tensor:  # fmt: skip
    x = convert(value)
    count = (len(data_format) if data_format else known_rank(x, op)) - 2
    if count not in FORMATS:
        raise ValueError(f"{op} pools inputs of 3 to 5 axes, got {x.type}")
    format = data_format or FORMATS[count][0]
    if count == 1:
        one = max_pool1d if op == "max_pool" else avg_pool1d
        return one(x, ksize, strides, padding, format, name)
    title = {"max_pool": ("MaxPool2d", "MaxPool3D"), "avg_pool": ("AvgPool", "AvgPool3D")}[op]
    return _pooled(op, x, ksize, strides, padding, format, count, name or title[count - 2])


def _channels_last(b: Builder, x: Tensor) -> Tensor:
    return b.transpose(x, perm=(0, *range(2, len(x.type.dims)), 1))


def _channels_first(b: Builder, x: Tensor, name: str | None = None) -> Tensor:
    rank = len(x.type.dims)
    return b.transpose(x, perm=(0, rank - 1, *range(1, rank - 1)), name=name)
