"""One node of a graph as TensorFlow's ``NodeDef``.

A row of :data:`ROWS` says how an op of ours is written: TensorFlow's op type, its attributes, and
which of our attributes are constant operands there.  An op without a row is written under its own
name with its attributes as text; TensorBoard shows it, TensorFlow cannot run it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.ir.dims import Expr
from graphc.ir.dtype import DType, int32
from graphc.ir.graph import Node
from graphc.ir.op import Kind, Literal
from graphc.protocol import dtype_number, message, shape_message, tensor_message


class Written:
    """A NodeDef being written; ``extra`` are the constants it needs that the graph has not."""

    def __init__(self, node: Node, taken: set[str]) -> None:
        self.node = node
        self.extra: list[Any] = []
        self._taken = taken
        self.made = message("node_def", "NodeDef")(
            name=node.name, op=node.type, device=_device(node.device)
        )

    def input(self, position: int) -> None:
        tensor = self.node.operands[position]
        suffix = f":{tensor.index}" if tensor.index else ""
        self.made.input.append(f"{tensor.node.name}{suffix}")

    def inputs(self) -> None:
        for position in range(len(self.node.operands)):
            self.input(position)

    def dtype(self, name: str, dtype: DType) -> None:
        self.made.attr[name].type = dtype_number(dtype)

    def set(self, name: str, value: Any) -> None:
        """An attribute that is a bool, an integer, a float, text, or a list of integers."""
        field = self.made.attr[name]
        if isinstance(value, bool):
            field.b = value
        elif isinstance(value, int):
            field.i = value
        elif isinstance(value, float):
            field.f = value
        elif isinstance(value, str):
            field.s = value.encode()
        else:
            field.list.SetInParent()
            field.list.i.extend(value)

    def constant(self, name: str, value: Any, dtype: DType = int32) -> None:
        """A constant operand under ``<node>/<name>``; sizes that are no number are -1."""
        full = f"{self.node.name}/{name}"
        while full in self._taken:
            full += "_"
        self._taken.add(full)
        array = np.array(_numbers(value), dtype.numpy)
        held = message("node_def", "NodeDef")(name=full, op="Const", device=self.made.device)
        held.attr["dtype"].type = dtype_number(dtype)
        held.attr["value"].tensor.CopyFrom(tensor_message(array, dtype))
        self.extra.append(held)
        self.made.input.append(full)

    def conjugate(self, position: int) -> None:
        """The conjugate of a complex operand in its place, under ``<node>/conj_<position>``."""
        dtype = self.node.operands[position].dtype
        if not dtype.is_complex:
            return
        full = f"{self.node.name}/conj_{position}"
        self._taken.add(full)
        held = message("node_def", "NodeDef")(name=full, op="Conj", device=self.made.device)
        held.attr["T"].type = dtype_number(dtype)
        held.input.append(self.made.input[position])
        self.extra.append(held)
        self.made.input[position] = full

    def text(self, name: str, value: Any) -> None:
        self.made.attr[name].s = str(value).encode()


def write_node(node: Node, taken: set[str], add_shapes: bool) -> list[Any]:
    """The NodeDefs of a node: those of the constants it needs, then its own."""
    w = Written(node, taken)
    row = ROWS.get(node.op.name)
    if row is not None:
        row(w)
    elif node.op.kind is Kind.ELEMENTWISE and not node.op.attributes:
        _typed(w)
    else:
        _own(w)
    w.made.input.extend(f"^{before.name}" for before in node.control)
    if add_shapes:
        shapes = w.made.attr["_output_shapes"].list
        shapes.SetInParent()
        for output in node.outputs:
            shapes.shape.add().CopyFrom(shape_message(output.type.shape))
    return [*w.extra, w.made]


def _device(name: str) -> str:
    """``/cpu:0`` as TensorFlow writes it in files."""
    kind, _, index = name.lower().removeprefix("/").partition(":")
    return f"/device:{kind.upper()}:{index}" if kind in ("cpu", "gpu") and index else name


def _numbers(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_numbers(v) for v in value]
    return -1 if isinstance(value, Expr) or value is None else value


# --- rows ----------------------------------------------------------------------------------------

Row = Callable[[Written], None]


def _typed(w: Written) -> None:
    """The operands and their element type, nothing else."""
    w.inputs()
    if w.node.op.name not in ("logical_and", "logical_or", "logical_not"):
        w.dtype("T", w.node.operands[0].dtype)


def _own(w: Written) -> None:
    """An op TensorFlow has not: its attributes as text."""
    w.inputs()
    for key, value in w.node.op.values():
        w.text(f"_{key}", value)


def _row(
    kind: str, attributes: str = "", constants: str = "", types: str = "T", index: str = ""
) -> Row:
    """``attributes`` and ``constants`` are ``name=ours`` pairs (``name`` alone: the same);
    ``types`` name the attributes that are an operand's element type (``name:operand``), ``index``
    those that are int32."""

    def write(w: Written) -> None:
        w.made.op = kind
        w.inputs()
        op = w.node.op
        for name, ours in _pairs(constants):
            value = getattr(op, ours)
            if value is None and ours == "axis":
                value = list(range(w.node.operands[0].type.rank or 0))
            w.constant(name, value)
        for name, ours in _pairs(attributes):
            value = getattr(op, ours)
            if isinstance(value, DType):
                w.dtype(name, value)
            else:
                w.set(name, value)
        for pair in types.split():
            name, _, position = pair.partition(":")
            w.dtype(name, w.node.operands[int(position or 0)].dtype)
        for name in index.split():
            w.dtype(name, int32)

    return write


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(a, b or a) for a, _, b in (word.partition("=") for word in text.split())]


def _counted(kind: str, attributes: str = "") -> Row:
    """Any number of operands of one type."""
    typed = _row(kind, attributes, types="" if kind == "MergeSummary" else "T")

    def write(w: Written) -> None:
        typed(w)
        w.set("N", len(w.node.operands))

    return write


def _placeholder(w: Written) -> None:
    w.dtype("dtype", w.node.op.dtype)
    w.made.attr["shape"].shape.CopyFrom(shape_message(w.node.op.shape))


def _with_default(w: Written) -> None:
    w.inputs()
    w.dtype("dtype", w.node.outputs[0].dtype)
    w.made.attr["shape"].shape.CopyFrom(shape_message(w.node.op.shape))


def _variable(w: Written) -> None:
    w.made.op = "VariableV2"
    _placeholder(w)
    w.set("container", "")
    w.set("shared_name", "")


def _const(w: Written) -> None:
    output = w.node.outputs[0]
    w.dtype("dtype", output.dtype)
    held: Literal = w.node.op.value
    w.made.attr["value"].tensor.CopyFrom(tensor_message(held.array, output.dtype))


def _matmul(w: Written) -> None:
    op = w.node.op
    w.inputs()
    w.dtype("T", w.node.operands[0].dtype)
    batched = any((t.type.rank or 2) > 2 for t in w.node.operands)
    for position, turned in enumerate((op.transpose_a, op.transpose_b)):
        if batched and turned:
            w.conjugate(position)  # the flag there is of an adjoint
    w.made.op = "BatchMatMulV2" if batched else "MatMul"
    w.set("adj_x" if batched else "transpose_a", op.transpose_a)
    w.set("adj_y" if batched else "transpose_b", op.transpose_b)


def _transposed(kind: str) -> Row:
    """An op whose ``adjoint`` is a transpose here, and a conjugate too there."""

    def write(w: Written) -> None:
        _row(kind, "adjoint")(w)
        if w.node.op.adjoint:
            w.conjugate(0)

    return write


def _magnitude(w: Written) -> None:
    if w.node.operands[0].dtype.is_complex:
        w.made.op = "ComplexAbs"
        _parts(w)
    else:
        _typed(w)


def _parts(w: Written) -> None:
    """Complex numbers made real ones, or made of them."""
    _typed(w)
    w.dtype("Tout", w.node.outputs[0].dtype)


def _spectrum(w: Written) -> None:
    """Transforms of real numbers, whose sizes are an operand there."""
    (x,), (y,) = w.node.operands, w.node.outputs
    back = x.dtype.is_complex
    w.inputs()
    rank = w.node.op.rank
    w.constant("fft_length", (y if back else x).type.dims[-rank:])
    w.dtype("Treal", (y if back else x).dtype)
    w.dtype("Tcomplex", (x if back else y).dtype)


def _concat(w: Written) -> None:
    if len(w.node.operands) == 1:
        w.made.op = "Identity"
        _typed(w)
        return
    _counted("ConcatV2")(w)
    w.constant("axis", w.node.op.axis)
    w.dtype("Tidx", int32)


def _select(w: Written) -> None:
    """TensorFlow's first one takes operands of one shape."""
    one = len({t.type.shape for t in w.node.operands}) == 1
    _row("Select" if one else "SelectV2", types="T:1")(w)


def _along(kind: str) -> Row:
    """TensorFlow's op is along the last axis; along another it is not one of TensorFlow's."""

    def write(w: Written) -> None:
        axis, rank = w.node.op.axis, w.node.operands[0].type.rank
        last = axis == -1 or (rank is not None and axis == rank - 1)
        _row(kind if last else f"{kind}Along", "" if last else "axis")(w)

    return write


def _einsum(w: Written) -> None:
    _counted("Einsum")(w)
    equation = w.node.op.equation.replace(" ", "")
    if "->" not in equation:  # the indices that stand there once, in order
        letters = sorted(set(equation) - set(",."))
        once = "".join(c for c in letters if equation.count(c) == 1)
        equation += f"->{'...' if '...' in equation else ''}{once}"
    w.set("equation", equation)


def _top_k(w: Written) -> None:
    """TensorFlow has the largest alone."""
    _row("TopKV2" if w.node.op.largest else "BottomK", "", "k")(w)
    w.set("sorted", True)


def _assert(w: Written) -> None:
    w.inputs()
    w.set("summarize", w.node.op.summarize)
    types = w.made.attr["T"].list
    types.SetInParent()
    types.type.extend(dtype_number(t.dtype) for t in w.node.operands[1:])


def _diag(w: Written) -> None:
    op = w.node.op
    _row("MatrixDiagV3", "", "k")(w)
    w.constant("num_rows", op.rows)
    w.constant("num_cols", op.columns)
    w.constant("padding_value", op.padding, w.node.outputs[0].dtype)


def _diag_part(w: Written) -> None:
    _row("MatrixDiagPartV3", "", "k")(w)
    w.constant("padding_value", 0, w.node.outputs[0].dtype)


def _partition(w: Written) -> None:
    _row("DynamicPartition")(w)
    w.set("num_partitions", len(w.node.op.counts))


def _stitch(w: Written) -> None:
    w.inputs()
    w.set("N", len(w.node.operands) // 2)
    w.dtype("T", w.node.operands[-1].dtype)


def _gather(w: Written) -> None:
    _row("GatherV2", "", "axis", "Tparams Tindices:1", "Taxis")(w)
    w.set("batch_dims", 0)


def _one_hot(w: Written) -> None:
    op = w.node.op
    w.inputs()
    w.constant("depth", op.depth)
    w.constant("on_value", op.on_value, op.dtype)
    w.constant("off_value", op.off_value, op.dtype)
    w.set("axis", op.axis)
    w.dtype("T", op.dtype)
    w.dtype("TI", w.node.operands[0].dtype)


def _pad(w: Written) -> None:
    value = w.node.op.value
    _row("PadV2" if value else "Pad", "", "paddings", "T", "Tpaddings")(w)
    if value:
        w.constant("constant_values", value, w.node.operands[0].dtype)


def _mirror_pad(w: Written) -> None:
    _row("MirrorPad", "", "paddings", "T", "Tpaddings")(w)
    w.set("mode", "REFLECT" if w.node.op.border else "SYMMETRIC")


def _strided_slice(w: Written) -> None:
    op = w.node.op
    ends, open_ends = [], 0
    for axis, (begin, size, stride) in enumerate(zip(op.begin, op.size, op.strides, strict=True)):
        end = begin + size * stride
        ends.append(end)
        if not isinstance(end, int) or end < 0:
            open_ends |= 1 << axis
    w.inputs()
    for name, value in (("begin", op.begin), ("end", ends), ("strides", op.strides)):
        w.constant(name, value)
    w.dtype("T", w.node.operands[0].dtype)
    w.dtype("Index", int32)
    masks = ("begin_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    for name in masks:
        w.set(name, 0)
    w.set("end_mask", open_ends)


def _split(w: Written) -> None:
    op = w.node.op
    w.made.op = "SplitV"
    w.inputs()
    w.constant("size_splits", op.sizes)
    w.constant("split_dim", op.axis)
    w.set("num_split", len(op.sizes))
    w.dtype("T", w.node.operands[0].dtype)
    w.dtype("Tlen", int32)


def _transpose(w: Written) -> None:
    rank = w.node.operands[0].type.rank or 0
    perm = w.node.op.perm
    w.inputs()
    w.constant("perm", list(reversed(range(rank))) if perm is None else perm)
    w.dtype("T", w.node.operands[0].dtype)
    w.dtype("Tperm", int32)


def _squeeze(w: Written) -> None:
    axis = w.node.op.axis
    w.inputs()
    w.dtype("T", w.node.operands[0].dtype)
    w.set("squeeze_dims", [] if axis is None else [axis] if isinstance(axis, int) else axis)


def _range(w: Written) -> None:
    op = w.node.op
    for name, value in (("start", op.start), ("limit", op.limit), ("delta", op.delta)):
        w.constant(name, value, op.dtype)
    w.dtype("Tidx", op.dtype)


def _random(kind: str) -> Row:
    def write(w: Written) -> None:
        op = w.node.op
        w.made.op = kind
        w.constant("shape", op.shape)
        w.dtype("T", int32)
        w.dtype("dtype", op.dtype)
        drawn_from = w.node.operands[0].node.op
        graph_seed, op_seed = drawn_from.seed if drawn_from.name == "random_state" else (0, 0)
        w.set("seed", graph_seed or 0)
        w.set("seed2", op_seed or 0)

    return write


def _assign(w: Written) -> None:
    _typed(w)
    if w.node.op.name == "assign":
        w.set("validate_shape", True)
    w.set("use_locking", False)


def _rows(kinds: dict[str, str], make: Callable[[str], Row]) -> dict[str, Row]:
    return {name: make(kind) for name, kind in kinds.items()}


def _named(names: str, row: Row) -> dict[str, Row]:
    return dict.fromkeys(names.split(), row)


def _table(*parts: dict[str, Row]) -> dict[str, Row]:
    return {name: row for part in parts for name, row in part.items()}


_REDUCTIONS: Sequence[tuple[str, str]] = (
    ("reduce_sum", "Sum"), ("reduce_mean", "Mean"), ("reduce_max", "Max"), ("reduce_min", "Min"),
    ("reduce_prod", "Prod"),
)  # fmt: skip
_SCATTERS = "scatter_add scatter_div scatter_max scatter_min scatter_mul scatter_sub scatter_update"

ROWS: dict[str, Row] = _table(
    {
        name: _row(kind, "keep_dims=keepdims", "reduction_indices=axis", "T", "Tidx")
        for name, kind in _REDUCTIONS
    },
    {
        name: _row(kind, "keep_dims=keepdims", "reduction_indices=axis", "", "Tidx")
        for name, kind in (("reduce_all", "All"), ("reduce_any", "Any"))
    },
    {
        name: _row(kind, "output_type=dtype", "dimension=axis", "T", "Tidx")
        for name, kind in (("argmax", "ArgMax"), ("argmin", "ArgMin"))
    },
    _named("checked_floordiv checked_floormod checked_truncatediv checked_truncatemod", _typed),
    {
        f"unsorted_segment_{k.lower()}": _row(
            f"UnsortedSegment{k}", "", "num_segments", "T Tindices:1", "Tnumsegments"
        )
        for k in ("Sum", "Prod", "Max", "Min")
    },
    _named("identity stop_gradient softplus l2_loss zeros_like ones_like snapshot", _typed),
    _named("cholesky cross igamma igammac betainc zeta polygamma", _typed),
    _named("invert_permutation matrix_determinant", _typed),
    _named("real imag angle complex", _parts),
    {f"{way}{axes.lower()}": _row(f"{way.upper()}{axes}", types="Tcomplex")
     for way in ("fft", "ifft") for axes in ("", "2D", "3D")},
    _named("rfft rfft2d rfft3d irfft irfft2d irfft3d", _spectrum),
    _named("assign assign_add assign_sub", _assign),
    _named(_SCATTERS, lambda w: _row(w.node.type, "", "", "T Tindices:1")(w)),
    _rows(
        {"random_uniform": "RandomUniform", "random_normal": "RandomStandardNormal",
         "truncated_normal": "TruncatedNormal"},
        _random,
    ),
    {
        "add_n": _counted("AddN"), "pack": _counted("Pack", "axis"),
        "merge_summary": _counted("MergeSummary"), "concat": _concat,
        "placeholder": _placeholder, "placeholder_with_default": _with_default,
        "variable": _variable, "const": _const,
        "no_op": lambda w: None,
        "matmul": _matmul, "gather": _gather, "one_hot": _one_hot, "pad": _pad, "range": _range,
        "mirror_pad": _mirror_pad, "einsum": _einsum,
        "strided_slice": _strided_slice, "split": _split, "transpose": _transpose,
        "squeeze": _squeeze,
        "assert": _assert,
        "where": _select, "top_k": _top_k, "in_top_k": _row("InTopKV2", types="T:1"),
        "matrix_diag": _diag, "matrix_diag_part": _diag_part,
        "matrix_set_diag": _row("MatrixSetDiagV3", "", "k"),
        "matrix_inverse": _transposed("MatrixInverse"),
        "matrix_solve": _transposed("MatrixSolve"),
        "abs": _magnitude,
        "matrix_band_part":
            _row("MatrixBandPart", "", "num_lower=lower num_upper=upper", "T", "Tindex"),
        "roll": _row("Roll", "", "axis", "T Tshift:1", "Taxis"),
        "reverse_sequence":
            _row("ReverseSequence", "seq_dim=seq_axis batch_dim=batch_axis", "", "T Tlen:1"),
        "unique": _row("Unique", "out_idx=dtype"), "dynamic_partition": _partition,
        "dynamic_stitch": _stitch,
        "integer_pow": _row("Pow"),
        "cast": _row("Cast", "DstT=dtype", types="SrcT"),
        "leaky_relu": _row("LeakyRelu", "alpha"),
        "softmax": _along("Softmax"), "log_softmax": _along("LogSoftmax"),
        "softmax_cross_entropy_with_logits": _row("SoftmaxCrossEntropyWithLogits"),
        "sparse_softmax_cross_entropy_with_logits":
            _row("SparseSoftmaxCrossEntropyWithLogits", types="T Tlabels:1"),
        "check_numerics": _row("CheckNumerics", "message"),
        "cumsum": _row("Cumsum", "exclusive reverse", "axis", "T", "Tidx"),
        "cumprod": _row("Cumprod", "exclusive reverse", "axis", "T", "Tidx"),
        "unpack": _row("Unpack", "num axis"),
        "reshape": _row("Reshape", "", "shape", "T", "Tshape"),
        "broadcast_to": _row("BroadcastTo", "", "shape", "T", "Tidx"),
        "expand_dims": _row("ExpandDims", "", "dim=axis", "T", "Tdim"),
        "slice": _row("Slice", "", "begin size", "T", "Index"),
        "tile": _row("Tile", "", "multiples", "T", "Tmultiples"),
        "reverse": _row("ReverseV2", "", "axis", "T", "Tidx"),
        "gather_nd": _row("GatherNd", types="Tparams Tindices:1"),
        "shape": _row("Shape", "out_type=dtype"), "size": _row("Size", "out_type=dtype"),
        "rank": _row("Rank"),
        "scalar_summary": _row("ScalarSummary", types="T:1"),
        "histogram_summary": _row("HistogramSummary", types="T:1"),
        "image_summary": _row("ImageSummary", "max_images", types="T:1"),
        "audio_summary": _row("AudioSummaryV2", "max_outputs", types=""),
        "tensor_summary": _row("TensorSummaryV2", types="T:1"),
    },
)  # fmt: skip
