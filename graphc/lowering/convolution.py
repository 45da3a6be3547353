"""Convolutions, and their filters' gradients, as kernels.

The places where a window stands, of all pictures, are the rows of a matrix; what it sees there,
its columns.  That matrix is never whole in memory: a chunk packs a block of its rows into a
workspace, zeros where the window is over the edge, and multiplies the block by register tiles
(:mod:`graphc.codegen.panels`).  A block fits in the cache nearest to the core but one.

* ``convolve``: block by filter.  One task is a block of rows, all groups and columns of it.
* ``convolve_back``: rows of the cotangent by the turned filter, added up where the window sees.
  One task is a band of rows of one picture, and all places that see some of it.
* ``convolve_filter``: the block's transpose by the rows of the cotangent, added up block by block.
  One task is some lines of the window, some columns, and one part of all rows; each part has its
  own sum, so that nothing depends on how tasks are shared out.

One input and one output to a group (:mod:`graphc.lowering.depthwise`) goes straight along the
channels.  Dtypes without tiles take plain loops.
"""

from __future__ import annotations

from typing import Any

from graphc.codegen.kernel import Access
from graphc.codegen.panels import panel_width
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Node, Tensor
from graphc.lowering.contraction import ROW_TILE, TASKS
from graphc.lowering.convolution_text import (
    BACK,
    DOTS,
    FILTER_DOTS,
    FILTER_PANELS,
    PANELS,
)
from graphc.lowering.depthwise import lower_channels, lower_channels_filter
from graphc.lowering.geometry import LINE, Geometry, lowered, suffix
from graphc.lowering.nest import Final, Lowered, Workspace

BLOCK = 1 << 16  # elements of a block of rows, about
MOST_ROWS = 192  # of a block
SUMMED_ROWS = 96  # of a block whose rows are summed over
BANDS = 8  # wished for, of all pictures
RANGE_COLUMNS = 800  # of the patches, in one task of a filter's gradient, about
FILTER_COLUMNS = 128  # of the cotangent, in one task of a filter's gradient
NANOSECONDS = 0.012  # per multiplication and addition by tiles, on one core
PLAIN_NANOSECONDS = 1.0


def _smallest(*sizes: Dim) -> Dim:
    return -dims.maximum(*(-size for size in sizes))


# --- convolutions --------------------------------------------------------------------------------


def lower_convolve(node: Node) -> Lowered:
    """The kernel of a ``convolve``."""
    x, f = node.operands
    op: Any = node.op
    along = op.along(x.type, f.type)
    geometry = Geometry.of(x, along, op.gaps, *f.type.dims[-2:])
    if not geometry.has_tiles:
        return _dots(node, geometry)
    return lower_channels(node, geometry) if geometry.is_depthwise else _panels(node, geometry)


def _panels(node: Node, g: Geometry) -> Lowered:
    (x, f), y = node.operands, node.outputs[0]
    width = panel_width(y.dtype.size)
    each = dims.floordiv(g.outputs, dims.maximum(1, g.groups))
    share = dims.ceildiv(dims.ceildiv(g.places, ROW_TILE), TASKS)
    fitting = dims.floordiv(BLOCK, ROW_TILE * g.lead)
    rows = ROW_TILE * dims.maximum(1, _smallest(MOST_ROWS // ROW_TILE, fitting, share))
    sizes = {
        **g.sizes(), **g.patch_sizes(), "rows": rows, "places": g.places, "depth": g.depth,
        "columns": each, "panels": dims.ceildiv(each, width),
    }  # fmt: skip
    space = Workspace(g.dtype, (rows, g.lead), per_chunk=True)
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (f, "f", (g.depth, g.outputs), "r"),
        (y, "y", (g.places, g.outputs), "w"),
        (space, "p", (0, rows, g.lead), "rw"),
    ]
    text = PANELS.replace("WIDTH", str(width))
    weight = NANOSECONDS * y.dtype.size / 4
    inner = dims.product((rows, g.depth, g.outputs))
    extent = dims.ceildiv(g.places, rows)
    final = Final(("first", "last"), ("0", "outputs"), 0, len(y.type.dims) - 1, whole=True)
    return lowered("convolve" + suffix(g), text, g, sizes, uses, extent, inner, weight, final)


def _dots(node: Node, g: Geometry) -> Lowered:
    (x, f), y = node.operands, node.outputs[0]
    sizes = {**g.sizes(), "columns": dims.floordiv(g.outputs, dims.maximum(1, g.groups))}
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (f, "f", (g.taps, g.inputs, g.outputs), "r"),
        (y, "y", (g.places, g.outputs), "w"),
    ]
    name, inner = "convolve_dots" + suffix(g), g.depth * g.outputs
    final = Final(("r", "r + 1"), ("0", "outputs"), 0, len(y.type.dims) - 1, whole=True)
    return lowered(name, DOTS, g, sizes, uses, g.places, inner, PLAIN_NANOSECONDS, final)


# --- back to where the window sees ---------------------------------------------------------------


def lower_convolve_back(node: Node) -> Lowered:
    """The kernel of a ``convolve_back``."""
    (ct, f), y = node.operands, node.outputs[0]
    op: Any = node.op
    along = op.along(ct.type, f.type)
    g = Geometry.of(y, along, (1,) * len(along), y.type.dims[-1], ct.type.dims[-1])
    width = panel_width(y.dtype.size)
    rows, columns = g.along[1], g.along[2]
    wished = dims.ceildiv(BANDS, dims.maximum(1, g.batch))
    band = dims.maximum(dims.ceildiv(rows.size, wished), 2 * rows.reach)
    bands = dims.ceildiv(rows.size, band)
    line = dims.maximum(1, columns.count)
    lines = dims.maximum(1, dims.floordiv(BLOCK, line * g.lead))
    sizes = {
        **g.sizes(), **g.patch_sizes(), "band": band, "bands": bands, "lines": lines,
        "reach1": rows.reach, "depth": g.depth, "panels": dims.ceildiv(g.depth, width),
    }  # fmt: skip
    space = Workspace(g.dtype, (lines * line, g.lead), per_chunk=True)
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (ct, "d", (g.places, g.outputs), "r"),
        (f, "f", (g.outputs, g.depth), "r"),
        (y, "x", (g.batch, rows.size, columns.size * g.channels), "rw"),
        (space, "p", (0, lines * line, g.lead), "rw"),
    ]
    text = BACK.replace("WIDTH", str(width))
    weight = NANOSECONDS * y.dtype.size / 4
    inner = dims.product(
        (dims.ceildiv(rows.count, dims.maximum(1, bands)), line, g.depth, g.outputs)
    )
    final = Final(
        ("begin", "end"), ("0", "in2 * channels"), 1, max(len(y.type.dims) - 3, 0), "n",
        result="x", whole=True,
    )  # fmt: skip
    return lowered("convolve_back", text, g, sizes, uses, g.batch * bands, inner, weight, final)


# --- the gradients of filters --------------------------------------------------------------------


def lower_convolve_filter(node: Node) -> Lowered:
    """The kernel of a ``convolve_filter``."""
    x, ct = node.operands
    op: Any = node.op
    along = op.along(x.type, ct.type)
    geometry = Geometry.of(x, along, (1,) * len(along), op.window[-1], ct.type.dims[-1])
    if not geometry.has_tiles:
        return _filter_taps(node, geometry)
    if geometry.is_depthwise:
        return lower_channels_filter(node, geometry)
    return _filter_panels(node, geometry)


def _filter_panels(node: Node, g: Geometry) -> Lowered:
    (x, ct), y = node.operands, node.outputs[0]
    width = panel_width(y.dtype.size)
    parts = node.op.parts
    each = dims.floordiv(g.outputs, dims.maximum(1, g.groups))
    all_lines = g.along[0].window * g.along[1].window
    line = dims.maximum(1, g.along[2].window * g.inputs)
    fewest = _smallest(dims.maximum(1, dims.ceildiv(all_lines * line, RANGE_COLUMNS)), all_lines)
    lines = dims.ceildiv(all_lines, dims.maximum(1, fewest))
    ranges = dims.ceildiv(all_lines, lines)
    pieces = ranges * dims.ceildiv(each, FILTER_COLUMNS)
    part = dims.ceildiv(g.places, parts)
    sizes = {
        **g.sizes(), **g.patch_sizes(), "rows": SUMMED_ROWS, "places": g.places, "part_rows": part,
        "blocks": dims.maximum(1, dims.ceildiv(part, SUMMED_ROWS)), "lines": lines,
        "ranges": ranges, "pieces": pieces, "columns": each,
    }  # fmt: skip
    lead = LINE * (2 * dims.floordiv(dims.ceildiv(lines * line, LINE), 2) + 1)
    space = Workspace(g.dtype, (SUMMED_ROWS, lead), per_chunk=True)
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (ct, "d", (g.places, g.outputs), "r"),
        (y, "y", (parts, g.depth, g.outputs), "rw"),
        (space, "p", (0, SUMMED_ROWS, lead), "rw"),
    ]
    text = FILTER_PANELS.replace("WIDTH", str(width)).replace("WIDE", str(FILTER_COLUMNS))
    weight = NANOSECONDS * y.dtype.size / 4
    inner = dims.product((part, lines * line, _smallest(each, FILTER_COLUMNS)))
    return lowered("convolve_filter", text, g, sizes, uses, parts * pieces, inner, weight)


def _filter_taps(node: Node, g: Geometry) -> Lowered:
    (x, ct), y = node.operands, node.outputs[0]
    parts = node.op.parts
    part = dims.ceildiv(g.places, parts)
    each = dims.floordiv(g.outputs, dims.maximum(1, g.groups))
    sizes = {
        **g.sizes(), "places": g.places, "part_rows": part, "columns": each, "all_taps": g.taps,
    }  # fmt: skip
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (ct, "d", (g.places, g.outputs), "r"),
        (y, "y", (parts, g.taps, g.inputs, g.outputs), "rw"),
    ]
    inner = dims.product((part, g.inputs, g.outputs))
    name, text = "convolve_filter_dots", FILTER_DOTS
    return lowered(name, text, g, sizes, uses, parts * g.taps, inner, PLAIN_NANOSECONDS)
