"""Convolutions by windows of 3x3 and 5x5, step 1, with fewer products.

A tile of 2x2 results sees as many elements more each way as the window is longer than 1.  Both
these elements and the filter are transformed to sums, *points*; these are multiplied one by one and
added up over the inputs, and one transform more gives the results.  The scheme is Winograd's, for
convolutions: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015).

Along an axis 3 elements of a filter take 4 points, at 0, 1, -1 and infinity; 2 take 3.  So
3x3 takes 16 products where there would be 36; 5x5, as 3 elements and 2, 49 for 100.
Sums and differences of so few elements lose nothing: more points at once would be fewer products,
and several times the error.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.codegen.transforms import SCHEMES
from graphc.ir import dims
from graphc.ir.op import REQUIRED, Kind, Op, Sample
from graphc.ir.types import TensorType
from graphc.ops.products.convolution import check_dtype
from graphc.ops.products.convolve import LATE, check_ranks
from graphc.ops.shaping.windows import Slide, correlated, correlated_with, seen

TILE = 2


class WinogradPanels(Op):
    """Panels of a filter, [panels, taps * inputs, width], as [points, panels, inputs, width]."""

    operands = ("panels",)
    attributes = {"window": REQUIRED}
    kind = Kind.CONTRACTION
    vjp = LATE

    def infer_type(self, panels: TensorType) -> TensorType:
        dtype = check_dtype(panels=panels)
        if panels.shape is None:
            return TensorType(dtype, None)
        check_ranks(3, panels=panels)
        count, depth, width = panels.shape
        inputs = dims.floordiv(depth, self.window**2)
        return TensorType(dtype, (SCHEMES[self.window].points ** 2, count, inputs, width))

    def reference(self, panels: np.ndarray) -> np.ndarray:
        count, depth, width = panels.shape
        w, by = self.window, np.array(SCHEMES[self.window].filter)
        taps = panels.reshape(count, w, w, depth // w**2, width)
        made = np.einsum("iu,jv,puvcw->ijpcw", by, by, taps)
        return made.reshape(len(by) ** 2, *made.shape[2:]).astype(panels.dtype)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.winograd import lower_winograd_panels

        return lower_winograd_panels(node)

    def cost(self, *types: TensorType) -> Any:
        return 3

    samples = [
        Sample("float32[2, 45, 32]", window=3),
        Sample("float64[1, 18, 16]", window=3),
        Sample("float64[2, 50, 16]", window=5),
        Sample("float32[2, 0, 32]", window=3),
    ]  # fmt: skip


class ConvolveWinograd(Op):
    """A ``convolve_panels`` by windows of ``window`` each way, step 1, from ``transformed`` panels.

    Sums of elements that are not finite say nothing of each: where they are not, results come from
    the ``panels`` themselves.
    """

    operands = ("x", "transformed", "panels")
    attributes = {
        "window": REQUIRED, "before": REQUIRED, "counts": REQUIRED, "outputs": REQUIRED,
    }  # fmt: skip
    kind = Kind.CONTRACTION
    vjp = LATE

    def infer_type(self, x: TensorType, transformed: TensorType, panels: TensorType) -> TensorType:
        dtype = check_dtype(x=x, transformed=transformed, panels=panels)
        if x.shape is None:
            return TensorType(dtype, None)
        check_ranks(4, x=x)
        return TensorType(dtype, (x.shape[0], *self.counts, self.outputs))

    def along(self, x: TensorType) -> tuple[Slide, ...]:
        """How a window that sees a tile slides, from tile to tile."""
        rows = zip(x.dims[1:-1], self.before, self.counts, strict=True)
        return tuple(
            Slide(size, SCHEMES[self.window].reach, TILE, 1, before, dims.ceildiv(count, TILE))
            for size, before, count in rows
        )

    def reference(self, x: np.ndarray, transformed: np.ndarray, panels: np.ndarray) -> np.ndarray:
        height, width = self.counts
        tiles = seen(x, self.along(TensorType(None, x.shape)))  # type: ignore[arg-type]
        scheme = SCHEMES[self.window]
        points = _both_ways(scheme.input, "iu,jv,nhwuvc->nhwijc", tiles)
        columns = transformed.shape[1] * transformed.shape[3]
        filter = transformed.transpose(0, 2, 1, 3).reshape(
            scheme.points, scheme.points, x.shape[-1], columns
        )
        sums = np.einsum("nhwijc,ijco->nhwijo", points, filter)
        made = _both_ways(scheme.output, "iu,jv,nhwuvo->nhiwjo", sums)
        n, h, _, w, _, o = made.shape
        made = made.reshape(n, h * TILE, w * TILE, o)[:, :height, :width, : self.outputs]
        direct = self._direct(x, panels)
        return np.where(np.isfinite(made), made, direct).astype(x.dtype)

    def _direct(self, x: np.ndarray, panels: np.ndarray) -> np.ndarray:
        along = tuple(
            Slide(size, self.window, 1, 1, before, count)
            for size, before, count in zip(x.shape[1:-1], self.before, self.counts, strict=True)
        )
        columns = panels.transpose(1, 0, 2).reshape(panels.shape[1], -1)[:, : self.outputs]
        filter = columns.reshape(self.window, self.window, x.shape[-1], self.outputs)
        return correlated(seen(x, along), filter)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.winograd import lower_convolve_winograd

        return lower_convolve_winograd(node)

    def cost(self, *types: TensorType) -> Any:
        return 2 * self.window**2 * types[0].dims[-1]

    samples = [
        Sample("float32[2, 5, 6, 5]", "float32[16, 2, 5, 32]", "float32[2, 45, 32]", window=3,
               before=(1, 1), counts=(5, 6), outputs=40, tolerance=64),
        Sample("float64[2, 4, 7, 3]", "float64[16, 1, 3, 16]", "float64[1, 27, 16]", window=3,
               before=(0, 2), counts=(2, 9), outputs=16, tolerance=16),
        Sample("float64[0, 4, 7, 3]", "float64[16, 1, 3, 16]", "float64[1, 27, 16]", window=3,
               before=(0, 2), counts=(2, 9), outputs=11),
        Sample("float64[2, 5, 4, 3]", "float64[49, 2, 3, 16]", "float64[2, 75, 16]", window=5,
               before=(2, 2), counts=(5, 4), outputs=20, tolerance=64),
        Sample("float64[1, 3, 3, 1]", "float64[16, 1, 1, 16]", "float64[1, 9, 16]", window=3,
               before=(1, 1), counts=(3, 3), outputs=2, values={
                   0: [[[1], [np.nan], [2]], [[3], [4], [np.inf]], [[5], [6], [7]]],
                   1: np.ones((16, 1, 1, 16)), 2: np.ones((1, 9, 16))}),
    ]  # fmt: skip


class ConvolveFilterPoints(Op):
    """What a convolution of step 1 passes back to its filter's points: at each, the elements that
    tiles see times the cotangents of their results.

    The lines of tiles of all pictures are one row, cut into ``parts`` pieces.
    """

    operands = ("x", "ct")
    attributes = {"window": REQUIRED, "before": REQUIRED, "parts": REQUIRED}
    kind = Kind.CONTRACTION
    vjp = LATE

    def infer_type(self, x: TensorType, ct: TensorType) -> TensorType:
        dtype = check_dtype(x=x, ct=ct)
        if x.shape is None or ct.shape is None:
            return TensorType(dtype, None)
        check_ranks(4, x=x, ct=ct)
        points = SCHEMES[self.window].points ** 2
        return TensorType(dtype, (self.parts, points, x.shape[-1], ct.shape[-1]))

    def along(self, x: TensorType, ct: TensorType) -> tuple[Slide, ...]:
        """How a window that sees a tile slides, from tile to tile."""
        reach = SCHEMES[self.window].reach
        rows = zip(x.dims[1:-1], self.before, ct.dims[1:-1], strict=True)
        return tuple(Slide(n, reach, TILE, 1, b, dims.ceildiv(m, TILE)) for n, b, m in rows)

    def reference(self, x: np.ndarray, ct: np.ndarray) -> np.ndarray:
        scheme = SCHEMES[self.window]
        types = (TensorType(None, a.shape) for a in (x, ct))  # type: ignore[arg-type]
        tiles = seen(x, self.along(*types))
        n, high, wide = tiles.shape[:3]
        fill = ((0, 0), (0, high * TILE - ct.shape[1]), (0, wide * TILE - ct.shape[2]), (0, 0))
        results = np.pad(ct, fill).reshape(n, high, TILE, wide, TILE, ct.shape[-1])
        left = _both_ways(scheme.input, "iu,jv,nhwuvc->nhwijc", tiles)
        right = _both_ways(scheme.cotangent, "iu,jv,nhuwvo->nhwijo", results)
        lines = n * high
        left, right = (a.reshape(lines, wide, *a.shape[3:]) for a in (left, right))
        each = -(-lines // self.parts)
        pieces = (slice(k * each, k * each + each) for k in range(self.parts))
        made = [np.einsum("twijc,twijo->ijco", left[k], right[k]) for k in pieces]
        return np.stack(made).reshape(len(made), -1, *made[0].shape[2:]).astype(x.dtype)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.winograd_slopes import lower_filter_points

        return lower_filter_points(node)

    def cost(self, *types: TensorType) -> Any:
        return dims.ceildiv(2 * dims.product(types[1].dims[:-1]), self.parts)

    samples = [
        Sample("float32[3, 5, 6, 5]", "float32[3, 5, 6, 40]", window=3, before=(1, 1), parts=4,
               tolerance=64),
        Sample("float64[1, 4, 7, 20]", "float64[1, 2, 9, 3]", window=3, before=(0, 2), parts=1,
               tolerance=16),
        Sample("float64[2, 5, 4, 3]", "float64[2, 5, 4, 18]", window=5, before=(2, 2), parts=2,
               tolerance=64),
    ]  # fmt: skip


class FilterSlope(Op):
    """The gradient of a filter, from what was passed back to its ``points``.

    Sums that are not finite say nothing of each of their elements: where there are such, it comes
    from ``x`` and ``ct`` themselves.
    """

    operands = ("points", "x", "ct")
    attributes = {"window": REQUIRED, "before": REQUIRED}
    kind = Kind.CONTRACTION
    vjp = LATE

    def infer_type(self, points: TensorType, x: TensorType, ct: TensorType) -> TensorType:
        dtype = check_dtype(points=points, x=x, ct=ct)
        if points.shape is None:
            return TensorType(dtype, None)
        check_ranks(3, points=points)
        return TensorType(dtype, (self.window, self.window, *points.shape[1:]))

    def along(self, x: TensorType, ct: TensorType) -> tuple[Slide, ...]:
        rows = zip(x.dims[1:-1], self.before, ct.dims[1:-1], strict=True)
        return tuple(Slide(n, self.window, 1, 1, b, m) for n, b, m in rows)

    def reference(self, points: np.ndarray, x: np.ndarray, ct: np.ndarray) -> np.ndarray:
        scheme = SCHEMES[self.window]
        squares = points.reshape(scheme.points, scheme.points, *points.shape[1:])
        made = _both_ways(scheme.slope, "iu,jv,uvco->ijco", squares)
        types = (TensorType(None, a.shape) for a in (x, ct))  # type: ignore[arg-type]
        direct = correlated_with(seen(x, self.along(*types)), ct, x.shape[-1])
        doubtful = ~np.isfinite(made).all((0, 1, 3))
        made[:, :, doubtful] = direct[:, :, doubtful]
        return made.astype(points.dtype)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.winograd_slopes import lower_filter_slope

        return lower_filter_slope(node)

    def cost(self, *types: TensorType) -> Any:
        return 3

    samples = [
        Sample("float32[16, 5, 40]", "float32[2, 4, 4, 5]", "float32[2, 4, 4, 40]", window=3,
               before=(1, 1)),
        Sample("float64[49, 3, 7]", "float64[1, 5, 4, 3]", "float64[1, 5, 4, 7]", window=5,
               before=(2, 2)),
        Sample("float64[16, 2, 3]", "float64[1, 3, 3, 2]", "float64[1, 3, 3, 3]", window=3,
               before=(1, 1), tolerance=16, values={0: np.full((16, 2, 3), np.inf)}),
    ]  # fmt: skip


def _both_ways(matrix: tuple, how: str, values: np.ndarray) -> np.ndarray:
    return np.einsum(how, np.array(matrix), np.array(matrix), values)
