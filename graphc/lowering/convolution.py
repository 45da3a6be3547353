"""Convolutions that register tiles do not make alone, as kernels.

* ``convolve_back``: rows of the cotangent by the turned filter, added up where the window sees.
  One task is a band of rows of one picture, and all places that see some of it.
* ``convolve``, ``convolve_filter``: one input and one output to a group
  (:mod:`graphc.lowering.depthwise`) goes straight along the channels; dtypes without tiles take
  plain loops.  The others are in :mod:`graphc.lowering.convolution_blocks`.
"""

from __future__ import annotations

from typing import Any

from graphc.codegen.kernel import Access
from graphc.codegen.panels import panel_width
from graphc.ir import dims
from graphc.ir.dims import Shape
from graphc.ir.graph import Node, Tensor
from graphc.lowering.convolution_text import BACK, DOTS, FILTER_DOTS
from graphc.lowering.depthwise import lower_channels, lower_channels_filter, multiplier
from graphc.lowering.facts import IN_PLACE
from graphc.lowering.geometry import Geometry, lowered, suffix
from graphc.lowering.nest import Final, Lowered, Workspace

BLOCK = 1 << 16  # elements of a block of rows, about
BANDS = 8  # wished for, of all pictures
NANOSECONDS = 0.012  # per multiplication and addition by tiles, on one core
PLAIN_NANOSECONDS = 1.0


# --- convolutions --------------------------------------------------------------------------------


def lower_convolve(node: Node) -> Lowered:
    """The kernel of a ``convolve``."""
    x, f = node.operands
    op: Any = node.op
    along = op.along(x.type, f.type)
    geometry = Geometry.of(x, along, op.gaps, *f.type.dims[-2:])
    if multiplier(geometry) is not None:
        return lower_channels(node, geometry)
    return _dots(node, geometry)


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
    facts = g.facts("convolve", 1, g.outputs)
    return lowered(name, DOTS, g, sizes, uses, g.places, inner, PLAIN_NANOSECONDS, facts, final)


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
    facts = g.facts(
        "convolve back", band, columns.size * g.channels, "panel", cotangent=IN_PLACE,
        filter="packed",
    )  # fmt: skip
    extent = g.batch * bands
    return lowered("convolve_back", text, g, sizes, uses, extent, inner, weight, facts, final)


# --- the gradients of filters --------------------------------------------------------------------


def lower_convolve_filter(node: Node) -> Lowered:
    """The kernel of a ``convolve_filter``."""
    x, ct = node.operands
    op: Any = node.op
    along = op.along(x.type, ct.type)
    geometry = Geometry.of(x, along, (1,) * len(along), op.window[-1], ct.type.dims[-1])
    if multiplier(geometry) is not None:
        return lower_channels_filter(node, geometry)
    return _filter_taps(node, geometry)


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
    facts = g.facts("convolve filter", g.inputs, g.outputs, parts=parts)
    return lowered(name, text, g, sizes, uses, parts * g.taps, inner, PLAIN_NANOSECONDS, facts)
