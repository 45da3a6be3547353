"""What convolutions in float32 and float64 become: filters laid out for register tiles, products
with them, and the gradients of filters, every place and padding spelt out.

A *panel* is as many columns of a filter as a register tile makes (:mod:`graphc.codegen.panels`),
one row behind the other: [panels, depth, width], zeros in columns that are not there.  Each group
has panels of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.codegen.panels import panel_width
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.op import REQUIRED, Kind, Op, Sample
from graphc.ir.types import Mismatch, TensorType
from graphc.ops.products.convolution import check_dtype, check_groups
from graphc.ops.products.convolve import LATE, check_ranks, placed
from graphc.ops.shaping.windows import Slide, correlated, correlated_with, seen, turned


class FilterPanels(Op):
    """The columns of ``filter`` [*windows, inputs, outputs] in panels, group by group.

    ``turned``: those of the filter that takes outputs back to inputs, turned round.
    """

    operands = ("filter",)
    attributes = {"groups": 1, "turned": False}
    kind = Kind.CONTRACTION
    vjp = LATE

    def infer_type(self, filter: TensorType) -> TensorType:
        dtype = check_dtype(filter=filter)
        if filter.shape is None:
            return TensorType(dtype, None)
        if len(filter.shape) < 3:
            raise Mismatch("filter must have windows, inputs and outputs", filter=filter)
        depth, columns = self.matrix(filter)
        width = panel_width(dtype.size)
        return TensorType(dtype, (self.groups * dims.ceildiv(columns, width), depth, width))

    def matrix(self, filter: TensorType) -> tuple[Dim, Dim]:
        """Rows and columns of one group."""
        *windows, inputs, outputs = filter.dims
        each = dims.floordiv(outputs, dims.maximum(1, self.groups))
        taps = dims.product(windows)
        return (taps * each, inputs) if self.turned else (taps * inputs, each)

    def reference(self, filter: np.ndarray) -> np.ndarray:
        if self.turned:
            filter = turned(filter, self.groups)
        width = panel_width(filter.itemsize)
        parts = []
        matrix = filter.reshape(int(np.prod(filter.shape[:-1])), filter.shape[-1])
        for part in np.split(matrix, self.groups, axis=1):
            count = -(-part.shape[1] // width)
            padded = np.pad(part, ((0, 0), (0, count * width - part.shape[1])))
            parts.append(padded.reshape(len(part), count, width).transpose(1, 0, 2))
        return np.concatenate(parts)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.convolution_blocks import lower_filter_panels

        return lower_filter_panels(node)

    def cost(self, *types: TensorType) -> Any:
        return 1

    samples = [
        Sample("float32[3, 2, 5, 40]"),
        Sample("float64[3, 2, 5, 12]", groups=2),
        Sample("float32[3, 2, 35, 6]", turned=True),
        Sample("float32[1, 2, 35, 37]", turned=True),
        Sample("float64[2, 3, 54]", groups=3, turned=True),
        Sample("float64[3, 4, 6]", groups=3, turned=True),
        Sample("float32[2, 0, 3]"),
        Sample("float32[2, 3, 0]", turned=True),
    ]  # fmt: skip


class ConvolvePanels(Op):
    """A ``convolve`` with a filter in ``panels``: ``window`` and ``inputs`` of each group, and
    all its ``outputs``.
    """

    operands = ("x", "panels")
    attributes = {
        "strides": REQUIRED, "gaps": REQUIRED, "dilations": REQUIRED, "before": REQUIRED,
        "counts": REQUIRED, "window": REQUIRED, "inputs": REQUIRED, "outputs": REQUIRED,
    }  # fmt: skip
    kind = Kind.CONTRACTION
    vjp = LATE

    def infer_type(self, x: TensorType, panels: TensorType) -> TensorType:
        dtype = check_dtype(x=x, panels=panels)
        if x.shape is None or panels.shape is None:
            return TensorType(dtype, None)
        check_ranks(len(self.strides) + 2, x=x)
        check_ranks(3, panels=panels)
        check_groups(x.shape[-1], self.inputs, self.outputs, x=x, panels=panels)
        return TensorType(dtype, (x.shape[0], *self.counts, self.outputs))

    def along(self, x: TensorType) -> tuple[Slide, ...]:
        """How the window slides over ``x`` (its ``size`` is that of ``x``, without gaps)."""
        return placed(self, x.dims[1:-1], self.window, self.counts)

    def reference(self, x: np.ndarray, panels: np.ndarray) -> np.ndarray:
        along = self.along(TensorType(None, x.shape))  # type: ignore[arg-type]
        groups = x.shape[-1] // self.inputs if self.inputs else 1
        each = self.outputs // groups if groups else 0
        columns = [
            part.transpose(1, 0, 2).reshape(panels.shape[1], len(part) * panels.shape[2])[:, :each]
            for part in np.split(panels, max(groups, 1))
        ]
        filter = np.concatenate(columns, axis=1)
        shape = (*self.window, self.inputs, self.outputs)
        return correlated(seen(x, along, self.gaps), filter.reshape(shape))

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.convolution_blocks import lower_convolve_panels

        return lower_convolve_panels(node)

    def cost(self, *types: TensorType) -> Any:
        return 2 * dims.product((*self.window, self.inputs))

    samples = [
        Sample("float32[2, 5, 6, 3]", "float32[1, 27, 32]", strides=(1, 1), gaps=(1, 1),
               dilations=(1, 1), before=(1, 0), counts=(5, 4), window=(3, 3), inputs=3, outputs=4,
               tolerance=16),
        Sample("float64[2, 3, 4, 3]", "float64[3, 18, 16]", strides=(1, 2), gaps=(2, 3),
               dilations=(2, 1), before=(2, 3), counts=(4, 5), window=(3, 2), inputs=3, outputs=40),
        Sample("float64[2, 7, 4]", "float64[2, 6, 16]", strides=(2,), gaps=(1,), dilations=(1,),
               before=(-1,), counts=(3,), window=(3,), inputs=2, outputs=6),
        Sample("float64[2, 9, 4]", "float64[1, 8, 16]", strides=(2,), gaps=(1,), dilations=(3,),
               before=(2,), counts=(4,), window=(2,), inputs=4, outputs=16),
        Sample("float64[2, 3, 4, 5, 2]", "float64[1, 24, 16]", strides=(1, 2, 1), gaps=(1, 1, 1),
               dilations=(1, 1, 2), before=(1, 0, 1), counts=(3, 2, 4), window=(2, 3, 2), inputs=2,
               outputs=5),
        Sample("float64[9, 5, 2]", "float64[1, 6, 16]", strides=(1,), gaps=(1,), dilations=(1,),
               before=(1,), counts=(5,), window=(3,), inputs=2, outputs=3),
    ]  # fmt: skip


class ConvolveFilterLines(Op):
    """``y[p, k, c, o]``: the sum over part ``p`` of all places of what a window saw there, times
    ``ct``.

    ``window``: the filter's windows and inputs.  The lines of places of all pictures are one row,
    cut into ``parts`` pieces.
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
        check_groups(x.shape[-1], self.window[-1], ct.shape[-1], x=x, ct=ct)
        return TensorType(dtype, (self.parts, *self.window, ct.shape[-1]))

    def along(self, x: TensorType, ct: TensorType) -> tuple[Slide, ...]:
        return placed(self, x.dims[1:-1], self.window[:-1], ct.dims[1:-1])

    def reference(self, x: np.ndarray, ct: np.ndarray) -> np.ndarray:
        types = (TensorType(None, a.shape) for a in (x, ct))  # type: ignore[arg-type]
        axes = ct.ndim - 1
        patches = seen(x, self.along(*types))
        line = ct.shape[-2:]
        rows = ct.reshape(int(np.prod(ct.shape[:-2])), *line)
        patches = patches.reshape(len(rows), line[0], *patches.shape[axes:])
        each = -(-len(rows) // self.parts)
        pieces = (slice(k * each, k * each + each) for k in range(self.parts))
        return np.stack(
            [correlated_with(_flat(patches[k]), _flat(rows[k]), self.window[-1]) for k in pieces]
        )

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.convolution_blocks import lower_filter_lines

        return lower_filter_lines(node)

    def cost(self, *types: TensorType) -> Any:
        return dims.ceildiv(2 * dims.product(types[1].dims[:-1]), self.parts)

    samples = [
        Sample("float32[2, 5, 6, 3]", "float32[2, 5, 4, 4]", window=(3, 3, 3), strides=(1, 1),
               dilations=(1, 1), before=(1, 0), parts=3, tolerance=16),
        Sample("float64[2, 7, 6]", "float64[2, 3, 40]", window=(3, 3), strides=(2,),
               dilations=(1,), before=(0,), parts=1),
        Sample("float64[1, 5, 5, 7]", "float64[1, 5, 5, 3]", window=(2, 3, 7), strides=(1, 1),
               dilations=(2, 1), before=(1, 1), parts=2),
        Sample("float64[2, 4, 5, 6, 2]", "float64[2, 3, 4, 3, 3]", window=(2, 2, 2, 2),
               strides=(1, 1, 2), dilations=(1, 1, 1), before=(0, 0, 0), parts=7),
        Sample("float64[2, 7, 6]", "float64[2, 5, 4]", window=(3, 3), strides=(1,),
               dilations=(1,), before=(0,), parts=20),
    ]  # fmt: skip


def _flat(rows: np.ndarray) -> np.ndarray:
    """Lines and places as one axis."""
    return rows.reshape(rows.shape[0] * rows.shape[1], *rows.shape[2:])
