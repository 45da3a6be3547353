"""Where the windows of a convolution stand, and what they read: sizes that its kernels share.

Axes windows slide along are counted as three: those in front are of size 1, so that every number
of axes shares one kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc.codegen.kernel import Access, Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Tensor
from graphc.lowering.convolution_text import AXES, written
from graphc.lowering.facts import Case, ContractionFacts
from graphc.lowering.nest import Final, Lowered, Use, Workspace
from graphc.ops.shaping.windows import Slide

LINE = 16  # elements the rows of a block are a multiple of

_POINT = Slide(1, 1, 1, 1, 0, 1)


@dataclass(frozen=True)
class Geometry:
    """A convolution over three axes: the window, and the channels it reads and makes."""

    along: tuple[Slide, ...]
    gaps: tuple[int, ...]
    batch: Dim
    channels: Dim
    inputs: Dim
    outputs: Dim
    dtype: str

    @classmethod
    def of(
        cls, x: Tensor, along: tuple[Slide, ...], gaps: tuple[int, ...], inputs: Dim, outputs: Dim
    ) -> Geometry:
        fill = AXES - len(along)
        axes, apart = (_POINT,) * fill + along, (1,) * fill + gaps
        batch, channels = x.type.dims[0], x.type.dims[-1]
        return cls(axes, apart, batch, channels, inputs, outputs, str(x.dtype))

    @property
    def groups(self) -> Dim:
        if self.inputs == self.channels or not self.inputs:
            return 1
        return dims.floordiv(self.channels, self.inputs)

    @property
    def taps(self) -> Dim:
        return dims.product(s.window for s in self.along)

    @property
    def depth(self) -> Dim:
        return self.taps * self.inputs

    @property
    def places(self) -> Dim:
        return self.batch * dims.product(s.count for s in self.along)

    @property
    def lead(self) -> Dim:
        """Elements from one row of a block to the next: an odd number of cache lines, so that a
        column's elements are spread over all sets of a cache."""
        return LINE * (2 * dims.floordiv(dims.ceildiv(self.depth, LINE), 2) + 1)

    @property
    def gapped(self) -> bool:
        return any(gap != 1 for gap in self.gaps)

    @property
    def has_tiles(self) -> bool:
        return self.dtype in ("float32", "float64")

    @property
    def is_depthwise(self) -> bool:
        return self.inputs == 1 and self.groups == self.outputs

    def x_shape(self) -> Shape:
        """[n, sizes, elements of a line]."""
        *outer, last = (s.size for s in self.along)
        return (self.batch, *outer, last * self.channels)

    def sizes(self) -> dict[str, Dim]:
        """The numbers every kernel takes, by name."""
        found: dict[str, Dim] = {}
        for k, (slide, gap) in enumerate(zip(self.along, self.gaps, strict=True)):
            found |= {
                f"in{k}": slide.size, f"count{k}": slide.count, f"window{k}": slide.window,
                f"stride{k}": slide.stride, f"dilation{k}": slide.dilation,
                f"before{k}": slide.before,
            }  # fmt: skip
            if self.gapped:
                found[f"gap{k}"] = gap
        return found | {
            "channels": self.channels, "inputs": self.inputs, "outputs": self.outputs,
            "groups": self.groups,
        }  # fmt: skip

    def patch_sizes(self) -> dict[str, Dim]:
        """And those that packing takes: a line of the window is ``taps`` runs of elements."""
        last = self.along[-1]
        whole = last.dilation == 1 and self.groups == 1 and not self.gapped
        return {
            "taps": 1 if whole else last.window,
            "run": last.window * self.inputs if whole else self.inputs,
            "busy": 0,
        }

    def facts(
        self, kind: str, rows: Dim, columns: Dim, tile: str = "", parts: Dim = 1, **packing: str
    ) -> ContractionFacts:
        """For reports: what a step of the launch makes, by which tiles, and how operands are read.

        ``kind`` says which of a convolution's three products it is.
        """
        groups = dims.maximum(1, self.groups)
        each = dims.floordiv(self.outputs, groups)
        sizes = {
            "convolve": (self.places, each, self.depth),
            "convolve back": (self.places, self.depth, each),
            "convolve filter": (self.depth, each, self.places),
        }[kind]
        return ContractionFacts(
            kind, self.dtype, *sizes, groups, "", tile=(Case(tile),) if tile else (),
            packing=tuple((operand, (Case(how),)) for operand, how in packing.items()),
            rows=rows, columns=columns, parts=parts,
        )  # fmt: skip

    def constant(self) -> tuple[Constant, ...]:
        dtype = "float32" if self.dtype in ("float16", "bfloat16") else self.dtype
        return (Constant("c0", dtype, 0.0 if dtype.startswith("float") else 0),)


def lowered(
    name: str, text: str, geometry: Geometry, sizes: dict[str, Dim],
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]], extent: Dim, inner: Dim,
    weight: float, facts: ContractionFacts, final: Final | None = None,
) -> Lowered:  # fmt: skip
    dtype = geometry.dtype
    kernel = Kernel(
        name,
        written(text, name, geometry.gapped, tuple(sizes)),
        tuple(Operand(use, dtype, len(shape), access) for _, use, shape, access in uses),
        geometry.constant(),
        tuple(sizes),
    )
    seen = [Use(tensor, use, shape, dtype, access) for tensor, use, shape, access in uses]
    return Lowered(
        kernel, seen, list(sizes.values()), extent, inner, weight, facts=facts, final=final
    )


def suffix(geometry: Geometry) -> str:
    return "_gapped" if geometry.gapped else ""
