"""Convolutions over any number of axes, and what they pass back to each operand.

Tensors are [n, *sizes, channels], filters [*windows, inputs, outputs].  The filter is not turned
round: like TensorFlow's, these are cross-correlations.  ``inputs`` divides the channels into
*groups*; the outputs are in as many, each computed from its own (``inputs`` of 1: depthwise).

The three ops are closed under differentiation: each is linear in both operands, and passes back
the other two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.codegen.channels import MULTIPLIERS
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import FLOATING, DType, float32, float64, int32
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample, describe
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.running.precision import in_float32
from graphc.ops.shaping.windows import (
    Slide,
    correlated,
    correlated_with,
    passed_back,
    seen,
    slides,
)

DTYPES = (*FLOATING, int32)
ENOUGH_WORK = 16  # parts a short filter's gradient is computed in
FEW_CHANNELS = 16  # an input may have so that its cotangent is added up place by place
TRANSFORMED = ((3, 3), (5, 5))  # windows
FEWEST_CHANNELS = 16  # in and out, for transforms to be little beside products
FEWEST_PLACES = 400  # for the transform of a filter to be
LIKELY_BATCH = 8  # where it is not known
PART_CHANNELS = 512  # inputs times outputs, of a task in as many parts as are enough work
PART_ELEMENTS = 1 << 19  # that all parts together stay below


def group_count(channels: Dim, inputs: Dim) -> Dim:
    """How many groups of ``inputs`` the channels are in."""
    if isinstance(channels, int) and isinstance(inputs, int):
        return channels // inputs if inputs else 1
    return 1


def has_panels(dtype: DType, inputs: Dim, groups: Dim, outputs: Dim) -> bool:
    """Whether register tiles multiply the filter: not channel by channel, and in these dtypes."""
    return dtype in (float32, float64) and not (
        inputs == 1 and (groups == outputs or by_channel(groups, outputs))
    )


def by_channel(groups: Dim, outputs: Dim) -> bool:
    """Whether several outputs of each channel are made straight along the channels."""
    if not (isinstance(groups, int) and isinstance(outputs, int)) or groups < 2:
        return False
    return outputs // groups in MULTIPLIERS


def has_fewer_products(
    dtype: DType, along: tuple[Slide, ...], batch: Dim, inputs: Dim, outputs: Dim
) -> bool:
    """Whether :mod:`graphc.ops.products.winograd` makes it, and its transforms are little work."""
    fits = all(s.stride == 1 and s.dilation == 1 for s in along)
    if not fits or tuple(s.window for s in along) not in TRANSFORMED or dtype is not float32:
        return False
    wide = all(isinstance(n, int) and n >= FEWEST_CHANNELS for n in (inputs, outputs))
    known = batch if isinstance(batch, int) else LIKELY_BATCH
    places = dims.product((known, *(s.count for s in along)))
    return wide and (not isinstance(places, int) or places >= FEWEST_PLACES)


def _by_points(b: Any, x: Any, panels: Any, window: int, outputs: Dim, how: dict) -> Any:
    points = b.winograd_panels(panels, window=window)
    where = {"window": window, "before": how["before"], "counts": how["counts"]}
    return b.convolve_winograd(x, points, panels, outputs=outputs, **where)


class Convolving(Op, abstract=True):
    """What the three have in common; strides and dilations of ``()`` are 1 along every axis."""

    attributes: Any = {"strides": (), "dilations": (), "padding": "VALID"}
    kind = Kind.EXPANDED

    def half_expand(self, b: Any, *operands: Any) -> Any:
        """The same in float32, rounded once."""
        wide = [b.cast(t, dtype=float32) for t in operands]
        return b.cast(b.home.add(self, wide).outputs[0], dtype=operands[0].dtype)

    def how(self) -> dict[str, Any]:
        """How the window slides, as all three say it."""
        return {k: getattr(self, k) for k in ("strides", "dilations", "padding")}

    def along(self, sizes: Shape, windows: Shape) -> tuple[Slide, ...]:
        rank = len(sizes)
        strides, dilations = self.strides or (1,) * rank, self.dilations or (1,) * rank
        for what, numbers in (("strides", strides), ("dilations", dilations)):
            if len(numbers) != rank or min(numbers) < 1:
                raise Mismatch(f"{what} must be {rank} numbers of at least 1, got {list(numbers)}")
        if not isinstance(self.padding, str) and (
            len(self.padding) != rank or min(min(p) for p in self.padding) < 0
        ):
            raise Mismatch(f"paddings must be {rank} pairs of at least 0, got {self.padding}")
        return slides(sizes, windows, strides, dilations, self.padding)

    def is_product(self, along: tuple[Slide, ...], groups: Dim) -> bool:
        """Whether every window is one element of one group: a product of matrices."""
        return groups == 1 and all(s.window == 1 and s.before == 0 for s in along) and (
            isinstance(self.padding, str) or not any(map(any, self.padding))
        )  # fmt: skip


def check_dtype(**types: TensorType) -> Any:
    dtype = same_dtype(**types)
    if dtype not in DTYPES:
        name, type = next(iter(types.items()))
        raise DTypeMismatch(f"{name} must be {describe(FLOATING)} or int32, got {type}")
    return dtype


def _matrix(b: Any, t: Any) -> Any:
    """All axes but the last as one."""
    return b.reshape(t, shape=(dims.product(t.type.dims[:-1]), t.type.dims[-1]))


def _stepped(b: Any, x: Any, along: tuple[Slide, ...]) -> Any:
    """The elements of ``x`` that windows of one element see."""
    if all(s.stride == 1 for s in along):
        return x
    size = (x.type.dims[0], *(s.count for s in along), x.type.dims[-1])
    steps = (1, *(s.stride for s in along), 1)
    return b.strided_slice(x, begin=(0,) * len(size), size=size, strides=steps)


def check_ranks(**types: TensorType) -> int | None:
    """The number of axes windows slide along; None where no operand's rank is known."""
    known = {name: len(t.shape) for name, t in types.items() if t.shape is not None}
    if len(set(known.values())) > 1:
        ranks = " and ".join(f"{name}'s is {rank}" for name, rank in known.items())
        raise Mismatch(f"ranks differ: {ranks}", None, **types)
    rank = next(iter(known.values()), None)
    if rank is not None and rank < 3:
        name = next(iter(known))
        raise Mismatch(
            f"{name} must have channels, a batch and at least one axis more", None, **types
        )
    return None if rank is None else rank - 2


def check_groups(channels: Dim, inputs: Dim, outputs: Dim, **types: TensorType) -> Dim:
    """The number of groups, if the channels and outputs can be in such."""
    if not (isinstance(channels, int) and isinstance(inputs, int)):
        same_dim(channels, inputs, "the channels")
        return 1
    if channels % inputs if inputs else channels:
        raise Mismatch(
            f"the filter takes {inputs} channels, there are {channels}",
            "the channels must be as many, or (in groups) a multiple", **types,
        )  # fmt: skip
    groups = channels // inputs if inputs else 1
    if isinstance(outputs, int) and outputs % max(groups, 1):
        raise Mismatch(f"{outputs} outputs cannot be in {groups} groups", None, **types)
    return groups


class Convolution(Convolving):
    """``y[n, i, o] = sum_(k, c) x[n, i * stride + k * dilation - before, c] * filter[k, c, o]``."""

    operands = ("x", "filter")

    def infer_type(self, x: TensorType, filter: TensorType) -> TensorType:
        dtype = check_dtype(x=x, filter=filter)
        check_ranks(x=x, filter=filter)
        if x.shape is None or filter.shape is None:
            return TensorType(dtype, None)
        check_groups(x.shape[-1], *filter.shape[-2:], x=x, filter=filter)
        along = self.along(x.shape[1:-1], filter.shape[:-2])
        return TensorType(dtype, (x.shape[0], *(s.count for s in along), filter.shape[-1]))

    @in_float32
    def reference(self, x: np.ndarray, filter: np.ndarray) -> np.ndarray:
        return correlated(seen(x, self.along(x.shape[1:-1], filter.shape[:-2])), filter)

    def expand(self, b: Any, x: Any, filter: Any) -> Any:
        sizes, windows = x.type.dims[1:-1], filter.type.dims[:-2]
        along = self.along(sizes, windows)
        if self.is_product(along, group_count(x.type.dims[-1], filter.type.dims[-2])):
            return b.matmul(_stepped(b, x, along), _matrix(b, filter))
        how = {
            "strides": tuple(s.stride for s in along),
            "gaps": (1,) * len(along),
            "dilations": tuple(s.dilation for s in along),
            "before": tuple(s.before for s in along),
            "counts": tuple(s.count for s in along),
        }
        *windows, inputs, outputs = filter.type.dims
        groups = group_count(x.type.dims[-1], inputs)
        if not has_panels(x.dtype, inputs, groups, outputs):
            return b.convolve(x, filter, **how)
        panels = b.filter_panels(filter, groups=groups)
        if groups == 1 and has_fewer_products(x.dtype, along, x.type.dims[0], inputs, outputs):
            return _by_points(b, x, panels, windows[0], outputs, how)
        where = {"window": tuple(windows), "inputs": inputs, "outputs": outputs}
        return b.convolve_panels(x, panels, **how, **where)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, filter: Any) -> list:
        size, window = x.type.shape[1:], filter.type.shape[:-1]
        return [
            b.convolution_backprop_input(filter, ct, size=size, **self.how()),
            b.convolution_backprop_filter(x, ct, window=window, **self.how()),
        ]

    def cost(self, *types: TensorType) -> Any:
        return 2 * dims.product(types[1].dims[:-1])

    samples = [
        Sample("float32[2, 5, 6, 3]", "float32[3, 3, 3, 4]", tolerance=8),
        Sample("float32[2, 5, 6, 3]", "float32[3, 2, 3, 4]", padding="SAME", tolerance=8),
        Sample("float64[1, 7, 6, 2]", "float64[3, 3, 2, 5]", strides=(2, 3), padding="SAME"),
        Sample("float64[2, 9, 8, 2]", "float64[3, 2, 2, 3]", dilations=(2, 3)),
        Sample("float64[1, 5, 5, 2]", "float64[3, 2, 2, 3]", padding=((2, 0), (1, 3))),
        Sample("float32[3, 4, 4, 5]", "float32[1, 1, 5, 34]", tolerance=8),
        Sample("float64[2, 5, 4, 3]", "float64[1, 1, 3, 2]", strides=(2, 2), padding="SAME"),
        Sample("float64[2, 4, 5, 6]", "float64[2, 3, 3, 4]", padding="SAME"),
        Sample("float64[2, 4, 5, 3]", "float64[2, 3, 1, 3]", strides=(1, 2), padding="SAME"),
        Sample("float32[2, 4, 5, 3]", "float32[3, 2, 1, 6]", padding="SAME", tolerance=8),
        Sample("float64[2, 7, 3]", "float64[3, 3, 2]", strides=(2,)),
        Sample("float64[1, 4, 3, 5, 2]", "float64[2, 3, 2, 2, 3]", padding="SAME"),
        Sample("float16[1, 4, 4, 2]", "float16[3, 3, 2, 2]", padding="SAME", tolerance=4),
        Sample("bfloat16[1, 4, 4, 2]", "bfloat16[2, 2, 2, 2]", tolerance=4),
        Sample("int32[1, 4, 4, 2]", "int32[3, 3, 2, 2]", padding="SAME", low=-9, high=9),
        Sample("float32[0, 4, 4, 2]", "float32[3, 3, 2, 2]"),
        Sample("float32[2, 0, 4, 2]", "float32[3, 3, 2, 3]", padding="SAME"),
        Sample("float32[2, 3, 4, 0]", "float32[3, 3, 0, 3]", padding="SAME"),
        Sample("float32[2, 3, 4, 2]", "float32[3, 3, 2, 0]", padding="SAME"),
        Refuses("float32[1, 4, 4, 3]", "float32[3, 3, 2, 4]",
                "the filter takes 2 channels, there are 3"),
        Refuses("float32[1, 4, 4, 4]", "float32[3, 3, 2, 3]", "3 outputs cannot be in 2 groups"),
        Refuses("float32[1, 4, 4, 2]", "float32[3, 5, 2, 3]",
                "a window of 5 does not fit into 4 elements (spatial axis 1)"),
        Refuses("float32[1, 4, 4, 2]", "float32[3, 2, 3]",
                "ranks differ: x's is 4 and filter's is 3"),
        Refuses("float32[4, 2]", "float32[2, 3]",
                "x must have channels, a batch and at least one axis more"),
        Refuses("float32[1, 4, 4, 2]", "float32[3, 3, 2, 3]",
                "strides must be 2 numbers of at least 1, got [0, 1]", strides=(0, 1)),
        Refuses("bool[1, 4, 4, 2]", "bool[3, 3, 2, 3]",
                "x must be floating or int32, got bool[1, 4, 4, 2]"),
        Refuses("float32[1, 4, 4, 2]", "float64[3, 3, 2, 3]", "dtypes of x and filter differ"),
    ]  # fmt: skip


class ConvolutionBackpropInput(Convolving):
    """What a convolution passes back to its input: ``ct`` convolved with the filter turned round.

    ``size``: the input's sizes and channels.
    """

    operands = ("filter", "ct")
    attributes = {"size": REQUIRED, **Convolving.attributes}

    def infer_type(self, filter: TensorType, ct: TensorType) -> TensorType:
        dtype = check_dtype(filter=filter, ct=ct)
        rank = check_ranks(filter=filter, ct=ct)
        if rank is not None and len(self.size) != rank + 1:
            fact = f"the input's sizes and channels must be {rank + 1}, got {list(self.size)}"
            raise Mismatch(fact, filter=filter, ct=ct)
        if filter.shape is not None:
            check_groups(self.size[-1], *filter.shape[-2:], filter=filter)
        if ct.shape is None:
            return TensorType(dtype, None)
        if filter.shape is not None:
            along = self.along(self.size[:-1], filter.shape[:-2])
            wanted = (*(s.count for s in along), filter.shape[-1])
            for axis, (size, own) in enumerate(zip(wanted, ct.shape[1:], strict=True), 1):
                if same_dim(size, own, f"axis {axis} of ct") is None:
                    raise Mismatch(
                        f"axis {axis} of ct must be {size}, for an input of {list(self.size)}",
                        filter=filter,
                        ct=ct,
                    )
        return TensorType(dtype, (ct.shape[0], *self.size))

    def _back(self, windows: Shape) -> tuple[tuple[Slide, ...], tuple[int, ...]]:
        """How the turned filter slides over ``ct``, and how far its elements stand apart."""
        along = self.along(self.size[:-1], windows)
        back = (
            Slide(s.count, s.window, 1, s.dilation, s.reach - 1 - s.before, s.size) for s in along
        )
        return tuple(back), tuple(s.stride for s in along)

    @in_float32
    def reference(self, filter: np.ndarray, ct: np.ndarray) -> np.ndarray:
        groups = int(group_count(self.size[-1], filter.shape[-2]))
        if not groups:
            return np.zeros((ct.shape[0], *self.size), ct.dtype)
        along = self.along(self.size[:-1], filter.shape[:-2])
        parts = zip(np.split(ct, groups, -1), np.split(filter, groups, -1), strict=True)
        passed = [passed_back(own, np.moveaxis(part, -1, 0), along) for own, part in parts]
        return np.concatenate(passed, axis=-1).astype(ct.dtype, copy=False)

    def expand(self, b: Any, filter: Any, ct: Any) -> Any:
        *windows, inputs, outputs = filter.type.dims
        groups = group_count(self.size[-1], inputs)
        along = self.along(self.size[:-1], tuple(windows))
        if self.is_product(along, groups):
            product = b.matmul(ct, _matrix(b, filter), transpose_b=True)
            return self._unstepped(b, product, along)
        rank = len(windows)
        if groups == 1 and self._adds_up(along, ct):
            return b.convolve_back(
                ct,
                b.transpose(filter, perm=(rank + 1, *range(rank + 1))),
                strides=tuple(s.stride for s in along),
                dilations=tuple(s.dilation for s in along),
                before=tuple(s.before for s in along),
                size=self.size,
            )
        back, gaps = self._back(tuple(windows))
        how = {
            "strides": (1,) * rank,
            "gaps": gaps,
            "dilations": tuple(s.dilation for s in back),
            "before": tuple(s.before for s in back),
            "counts": tuple(s.count for s in back),
        }
        each = dims.floordiv(outputs, dims.maximum(1, groups))
        if has_panels(ct.dtype, inputs, groups, outputs):
            panels = b.filter_panels(filter, groups=groups, turned=True)
            if (
                groups == 1
                and max(gaps) == 1
                and has_fewer_products(ct.dtype, back, ct.type.dims[0], outputs, inputs)
            ):
                return _by_points(b, ct, panels, windows[0], inputs, how)
            where = {"window": tuple(windows), "inputs": each, "outputs": groups * inputs}
            return b.convolve_panels(ct, panels, **how, **where)
        turned = b.reverse(filter, axis=tuple(range(rank)))
        if inputs == 1 and each != 1 and ct.dtype in (float32, float64):
            apart = b.convolve(ct, turned, **how)  # each output's part, then those of a channel
            shape = (*apart.type.dims[:-1], groups, each)
            return b.reduce_sum(b.reshape(apart, shape=shape), axis=(rank + 2,))
        if inputs != 1 or groups != outputs:
            split = b.reshape(turned, shape=(*windows, inputs, groups, each))
            order = (*range(rank), rank + 2, rank + 1, rank)
            shape = (*windows, each, groups * inputs)
            turned = b.reshape(b.transpose(split, perm=order), shape=shape)
        return b.convolve(ct, turned, **how)

    def _adds_up(self, along: tuple[Slide, ...], ct: Any) -> bool:
        """Whether to multiply what comes in and add it up where it belongs: where the turned filter
        would meet the zeros between places, or make few channels."""
        few = isinstance(self.size[-1], int) and self.size[-1] <= FEW_CHANNELS
        tiled = ct.dtype.is_floating and ct.dtype.size >= 4
        return len(along) <= 2 and tiled and (few or any(s.stride > 1 for s in along))

    def _unstepped(self, b: Any, product: Any, along: tuple[Slide, ...]) -> Any:
        if all(s.stride == 1 for s in along):
            return product
        shape = (product.type.dims[0], *self.size)
        steps = (1, *(s.stride for s in along), 1)
        return b.strided_unslice(product, begin=(0,) * len(shape), strides=steps, shape=shape)

    def vjp(self, b: Any, ct: Any, y: Any, filter: Any, passed: Any) -> list:
        window = filter.type.shape[:-1]
        return [
            b.convolution_backprop_filter(ct, passed, window=window, **self.how()),
            b.convolution(ct, filter, **self.how()),
        ]

    def cost(self, *types: TensorType) -> Any:
        windows, outputs = types[0].dims[:-2], types[0].dims[-1]
        return 2 * dims.product(windows) * outputs

    samples = [
        Sample("float32[3, 3, 3, 4]", "float32[2, 3, 4, 4]", size=(5, 6, 3), tolerance=8),
        Sample("float64[3, 3, 2, 5]", "float64[1, 4, 2, 5]", size=(7, 6, 2), strides=(2, 3),
               padding="SAME"),
        Sample("float64[3, 2, 2, 3]", "float64[2, 5, 5, 3]", size=(9, 8, 2), dilations=(2, 3)),
        Sample("float64[1, 1, 3, 2]", "float64[2, 3, 2, 2]", size=(5, 4, 3), strides=(2, 2),
               padding="SAME"),
        Sample("float64[2, 3, 3, 4]", "float64[2, 4, 5, 4]", size=(4, 5, 6), padding="SAME"),
        Sample("float64[2, 3, 1, 6]", "float64[2, 4, 5, 6]", size=(4, 5, 3), padding="SAME"),
        Sample("float64[2, 3, 1, 3]", "float64[2, 4, 3, 3]", size=(4, 5, 3), padding="SAME",
               strides=(1, 2)),
        Sample("float64[3, 2, 2, 3]", "float64[1, 5, 8, 3]", size=(5, 5, 2),
               padding=((2, 0), (1, 3))),
        Sample("float64[3, 3, 2]", "float64[2, 3, 2]", size=(7, 3), strides=(2,)),
        Sample("float64[2, 3, 2, 2, 3]", "float64[1, 4, 3, 5, 3]", size=(4, 3, 5, 2),
               padding="SAME"),
        Sample("float64[3, 2, 20, 3]", "float64[1, 4, 5, 3]", size=(4, 5, 20), padding="SAME"),
        Sample("float16[3, 3, 2, 2]", "float16[1, 4, 4, 2]", size=(4, 4, 2), padding="SAME",
               tolerance=4),
        Sample("float32[3, 3, 2, 2]", "float32[0, 2, 2, 2]", size=(4, 4, 2)),
        Refuses("float32[3, 3, 2, 4]", "float32[2, 3, 4, 4]",
                "axis 1 of ct must be 5, for an input of [5, 6, 2]", size=(5, 6, 2),
                padding="SAME"),
        Refuses("float32[3, 3, 2, 4]", "float32[2, 3, 4, 4]",
                "the input's sizes and channels must be 3, got [5, 2]", size=(5, 2)),
    ]  # fmt: skip


class ConvolutionBackpropFilter(Convolving):
    """What a convolution passes back to its filter: its input convolved with ``ct``.

    ``window``: the filter's windows and inputs.
    """

    operands = ("x", "ct")
    attributes = {"window": REQUIRED, **Convolving.attributes}

    def infer_type(self, x: TensorType, ct: TensorType) -> TensorType:
        dtype = check_dtype(x=x, ct=ct)
        rank = check_ranks(x=x, ct=ct)
        if rank is not None and len(self.window) != rank + 1:
            fact = f"the filter's windows and inputs must be {rank + 1}, got {list(self.window)}"
            raise Mismatch(fact, x=x, ct=ct)
        if ct.shape is None:
            return TensorType(dtype, None)
        if x.shape is not None:
            check_groups(x.shape[-1], self.window[-1], ct.shape[-1], x=x, ct=ct)
            along = self.along(x.shape[1:-1], self.window[:-1])
            wanted = (x.shape[0], *(s.count for s in along))
            for axis, (size, own) in enumerate(zip(wanted, ct.shape[:-1], strict=True)):
                if same_dim(size, own, f"axis {axis} of ct") is None:
                    raise Mismatch(f"axis {axis} of ct must be {size}", x=x, ct=ct)
        return TensorType(dtype, (*self.window, ct.shape[-1]))

    @in_float32
    def reference(self, x: np.ndarray, ct: np.ndarray) -> np.ndarray:
        patches = seen(x, self.along(x.shape[1:-1], self.window[:-1]))
        return correlated_with(patches, ct, self.window[-1])

    def expand(self, b: Any, x: Any, ct: Any) -> Any:
        along = self.along(x.type.dims[1:-1], self.window[:-1])
        shape = (*self.window, ct.type.dims[-1])
        if self.is_product(along, group_count(x.type.dims[-1], self.window[-1])):
            rows = _matrix(b, _stepped(b, x, along)), _matrix(b, ct)
            return b.reshape(b.matmul(*rows, transpose_a=True), shape=shape)
        groups = group_count(x.type.dims[-1], self.window[-1])
        batch, inputs, outputs = x.type.dims[0], x.type.dims[-1], ct.type.dims[-1]
        if groups == 1 and has_fewer_products(ct.dtype, along, batch, inputs, outputs):
            how = {"window": self.window[0], "before": tuple(s.before for s in along)}
            made = b.convolve_filter_points(x, ct, parts=_point_parts(inputs, outputs), **how)
            return b.filter_slope(b.reduce_sum(made, axis=(0,)), x, ct, **how)
        tiled = has_panels(ct.dtype, self.window[-1], groups, shape[-1])
        parts = _parts(shape) if ct.dtype.is_floating and ct.dtype.size >= 4 else 1
        made = (b.convolve_filter_lines if tiled else b.convolve_filter)(
            x,
            ct,
            window=self.window,
            strides=tuple(s.stride for s in along),
            dilations=tuple(s.dilation for s in along),
            before=tuple(s.before for s in along),
            parts=parts,
        )
        if parts == 1:
            return b.reshape(made, shape=shape)
        return b.reduce_sum(made, axis=(0,))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, passed: Any) -> list:
        size = x.type.shape[1:]
        return [
            b.convolution_backprop_input(ct, passed, size=size, **self.how()),
            b.convolution(x, ct, **self.how()),
        ]

    def cost(self, *types: TensorType) -> Any:
        return 2 * dims.product(types[1].dims[:-1])

    samples = [
        Sample("float32[2, 5, 6, 3]", "float32[2, 3, 4, 4]", window=(3, 3, 3), tolerance=16),
        Sample("float64[1, 7, 6, 2]", "float64[1, 4, 2, 5]", window=(3, 3, 2), strides=(2, 3),
               padding="SAME"),
        Sample("float64[2, 9, 8, 2]", "float64[2, 5, 5, 3]", window=(3, 2, 2), dilations=(2, 3)),
        Sample("float64[2, 5, 4, 3]", "float64[2, 3, 2, 2]", window=(1, 1, 3), strides=(2, 2),
               padding="SAME"),
        Sample("float64[2, 4, 5, 6]", "float64[2, 4, 5, 4]", window=(2, 3, 3), padding="SAME"),
        Sample("float64[2, 4, 5, 3]", "float64[2, 4, 3, 3]", window=(2, 3, 1), padding="SAME",
               strides=(1, 2)),
        Sample("float64[1, 5, 5, 2]", "float64[1, 5, 8, 3]", window=(3, 2, 2),
               padding=((2, 0), (1, 3))),
        Sample("float64[2, 7, 3]", "float64[2, 3, 2]", window=(3, 3), strides=(2,)),
        Sample("float64[1, 4, 3, 5, 2]", "float64[1, 4, 3, 5, 3]", window=(2, 3, 2, 2),
               padding="SAME"),
        Sample("float16[1, 4, 4, 2]", "float16[1, 4, 4, 2]", window=(3, 3, 2), padding="SAME",
               tolerance=4),
        Sample("float32[0, 4, 4, 2]", "float32[0, 2, 2, 3]", window=(3, 3, 2)),
        Refuses("float32[2, 5, 6, 3]", "float32[3, 3, 4, 4]", "axis 0 of ct must be 2",
                window=(3, 3, 3)),
        Refuses("float32[2, 5, 6, 3]", "float32[2, 3, 3, 4]", "axis 2 of ct must be 4",
                window=(3, 3, 3)),
        Refuses("float32[2, 5, 6, 3]", "float32[2, 3, 3, 4]",
                "the filter's windows and inputs must be 3, got [3, 3]", window=(3, 3)),
    ]  # fmt: skip


def _point_parts(inputs: int, outputs: int) -> int:
    """Pieces of the sum over all places, where a filter of few channels has one or two tasks."""
    return max(1, ENOUGH_WORK * PART_CHANNELS // (inputs * outputs))


def _parts(shape: Shape) -> int:
    """Pieces of the sum over all places, so that a small filter's gradient can be shared out."""
    elements = dims.product(shape)
    if not isinstance(elements, int):
        return 1
    return max(1, min(ENOUGH_WORK, PART_ELEMENTS // max(1, elements)))
