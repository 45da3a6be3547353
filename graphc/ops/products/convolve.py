"""What convolutions become before they are kernels: every place and padding spelt out.

Passes make these; :mod:`graphc.ops.products.convolution` has what people and gradients make, and
:mod:`graphc.ops.products.convolve_panels` what register tiles multiply.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.dims import Shape
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Sample
from graphc.ir.types import Mismatch, TensorType, same_dim
from graphc.ops.products.convolution import check_dtype, check_groups
from graphc.ops.running.precision import in_float32
from graphc.ops.shaping.windows import Slide, correlated, correlated_with, passed_back, seen

LATE = NotDifferentiable("gradients are taken of convolution, before it is spelt out")


def check_ranks(rank: int, **types: TensorType) -> None:
    for name, type in types.items():
        if len(type.dims) != rank:
            raise Mismatch(f"{name} must be of rank {rank}", None, **types)


def placed(op: Any, sizes: Shape, windows: Shape, counts: Shape) -> tuple[Slide, ...]:
    """How the window of ``op`` slides over axes of ``sizes``, standing at ``counts`` places."""
    rows = zip(sizes, windows, op.strides, op.dilations, op.before, counts, strict=True)
    return tuple(Slide(*row) for row in rows)


def _check_sizes(*equal: tuple[Any, Any, str]) -> None:
    for wanted, found, what in equal:
        if same_dim(wanted, found, what) is None:
            raise Mismatch(f"{what} must be {wanted}, got {found}")


class Convolve(Op):
    """``y[n, i, o] = sum_(k, c) u[n, i * stride + k * dilation - before, c] * filter[k, c, o]``,
    where ``u`` is ``x`` with its elements ``gap`` apart and zeros elsewhere.

    ``counts``: the sizes of ``i``.  Each attribute has a number per axis.
    """

    operands = ("x", "filter")
    attributes = {
        "strides": REQUIRED, "gaps": REQUIRED, "dilations": REQUIRED, "before": REQUIRED,
        "counts": REQUIRED,
    }  # fmt: skip
    kind = Kind.CONTRACTION
    vjp = LATE

    def infer_type(self, x: TensorType, filter: TensorType) -> TensorType:
        dtype = check_dtype(x=x, filter=filter)
        if x.shape is None or filter.shape is None:
            return TensorType(dtype, None)
        check_ranks(len(self.strides) + 2, x=x, filter=filter)
        check_groups(x.shape[-1], *filter.shape[-2:], x=x, filter=filter)
        return TensorType(dtype, (x.shape[0], *self.counts, filter.shape[-1]))

    def along(self, x: TensorType, filter: TensorType) -> tuple[Slide, ...]:
        """How the window slides over ``x`` (its ``size`` is that of ``x``, without gaps)."""
        return placed(self, x.dims[1:-1], filter.dims[:-2], self.counts)

    @in_float32
    def reference(self, x: np.ndarray, filter: np.ndarray) -> np.ndarray:
        types = (TensorType(None, a.shape) for a in (x, filter))  # type: ignore[arg-type]
        return correlated(seen(x, self.along(*types), self.gaps), filter)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.convolution import lower_convolve

        return lower_convolve(node)

    def cost(self, *types: TensorType) -> Any:
        return 2 * dims.product(types[1].dims[:-1])

    samples = [
        Sample("float32[2, 5, 6, 3]", "float32[3, 3, 3, 4]", strides=(1, 1), gaps=(1, 1),
               dilations=(1, 1), before=(1, 0), counts=(5, 4), tolerance=8),
        Sample("float64[2, 3, 4, 3]", "float64[3, 2, 3, 40]", strides=(1, 2), gaps=(2, 3),
               dilations=(2, 1), before=(2, 3), counts=(4, 5)),
        Sample("float64[2, 7, 4]", "float64[3, 2, 4]", strides=(2,), gaps=(1,), dilations=(1,),
               before=(-1,), counts=(3,)),
        Sample("float64[2, 7, 4]", "float64[3, 1, 4]", strides=(1,), gaps=(2,), dilations=(1,),
               before=(1,), counts=(9,)),
        Sample("int32[1, 4, 2]", "int32[3, 2, 2]", strides=(1,), gaps=(1,), dilations=(1,),
               before=(1,), counts=(4,), low=-9, high=9),
    ]  # fmt: skip


class ConvolveBack(Op):
    """``y[n, i * stride + k * dilation - before, c] += sum_o ct[n, i, o] * filter[o, k, c]``.

    ``size``: the sizes of ``y`` and its channels.  Along one or two axes.
    """

    operands = ("ct", "filter")
    attributes = {
        "strides": REQUIRED, "dilations": REQUIRED, "before": REQUIRED, "size": REQUIRED,
    }  # fmt: skip
    kind = Kind.CONTRACTION
    vjp = LATE

    def infer_type(self, ct: TensorType, filter: TensorType) -> TensorType:
        dtype = check_dtype(ct=ct, filter=filter)
        if ct.shape is None or filter.shape is None:
            return TensorType(dtype, None)
        check_ranks(len(self.strides) + 2, ct=ct, filter=filter)
        _check_sizes(
            (filter.shape[0], ct.shape[-1], "the channels of ct"),
            (filter.shape[-1], self.size[-1], "the channels of the result"),
        )
        return TensorType(dtype, (ct.shape[0], *self.size))

    def along(self, ct: TensorType, filter: TensorType) -> tuple[Slide, ...]:
        return placed(self, self.size[:-1], filter.dims[1:-1], ct.dims[1:-1])

    @in_float32
    def reference(self, ct: np.ndarray, filter: np.ndarray) -> np.ndarray:
        types = (TensorType(None, a.shape) for a in (ct, filter))  # type: ignore[arg-type]
        return passed_back(ct, filter, self.along(*types))

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.convolution import lower_convolve_back

        return lower_convolve_back(node)

    def cost(self, *types: TensorType) -> Any:
        """Of all products, what falls to an element of the result."""
        ct, filter = types
        products = 2 * dims.product((*ct.dims[1:-1], *filter.dims[:-1]))
        return dims.floordiv(products, dims.maximum(1, dims.product(self.size[:-1])))

    samples = [
        Sample("float32[2, 3, 4, 5]", "float32[5, 3, 3, 2]", strides=(2, 1), dilations=(1, 1),
               before=(1, 0), size=(6, 6, 2), tolerance=8),
        Sample("float64[1, 9, 3, 2]", "float64[2, 2, 3, 3]", strides=(1, 2), dilations=(2, 2),
               before=(0, 1), size=(11, 8, 3)),
        Sample("float64[3, 5, 2]", "float64[2, 3, 40]", strides=(3,), dilations=(1,), before=(0,),
               size=(16, 40)),
    ]  # fmt: skip


class ConvolveFilter(Op):
    """``y[p, k, c, o]``: the sum over part ``p`` of all places of what a window saw there, times
    ``ct``.

    ``window``: the filter's windows and inputs.  The places of all pictures are one row, cut into
    ``parts`` pieces.
    """

    operands = ("x", "ct")
    attributes = {
        "window": REQUIRED, "strides": REQUIRED, "dilations": REQUIRED, "before": REQUIRED,
        "parts": REQUIRED,
    }  # fmt: skip
    kind = Kind.CONTRACTION
    vjp = LATE

    def infer_type(self, x: TensorType, ct: TensorType) -> TensorType:
        dtype = check_dtype(x=x, ct=ct)
        if x.shape is None or ct.shape is None:
            return TensorType(dtype, None)
        check_ranks(len(self.strides) + 2, x=x, ct=ct)
        _check_sizes((x.shape[0], ct.shape[0], "the batch of ct"))
        check_groups(x.shape[-1], self.window[-1], ct.shape[-1], x=x, ct=ct)
        return TensorType(dtype, (self.parts, *self.window, ct.shape[-1]))

    def along(self, x: TensorType, ct: TensorType) -> tuple[Slide, ...]:
        return placed(self, x.dims[1:-1], self.window[:-1], ct.dims[1:-1])

    @in_float32
    def reference(self, x: np.ndarray, ct: np.ndarray) -> np.ndarray:
        types = (TensorType(None, a.shape) for a in (x, ct))  # type: ignore[arg-type]
        patches = seen(x, self.along(*types)).reshape(-1, *self.window[:-1], x.shape[-1])
        rows = ct.reshape(-1, ct.shape[-1])
        each = -(-len(rows) // self.parts)
        found = [
            correlated_with(patches[k * each : k * each + each], part, self.window[-1])
            for k, part in enumerate(rows[k * each : k * each + each] for k in range(self.parts))
        ]
        return np.stack(found)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.convolution import lower_convolve_filter

        return lower_convolve_filter(node)

    def cost(self, *types: TensorType) -> Any:
        return dims.ceildiv(2 * dims.product(types[1].dims[:-1]), self.parts)

    samples = [
        Sample("float32[2, 5, 6, 3]", "float32[2, 5, 4, 4]", window=(3, 3, 3), strides=(1, 1),
               dilations=(1, 1), before=(1, 0), parts=3, tolerance=16),
        Sample("float64[2, 7, 6]", "float64[2, 3, 40]", window=(3, 3), strides=(2,),
               dilations=(1,), before=(0,), parts=1),
        Sample("float64[2, 7, 6]", "float64[2, 5, 6]", window=(3, 1), strides=(1,),
               dilations=(1,), before=(0,), parts=4),
        Sample("int32[1, 4, 2]", "int32[1, 4, 2]", window=(3, 2), strides=(1,),
               dilations=(1,), before=(1,), parts=2, low=-9, high=9),
    ]  # fmt: skip
