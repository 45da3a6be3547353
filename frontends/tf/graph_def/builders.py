"""What each op type of TensorFlow is made of here: a function of a node being read.

A row is ``type: function(reader)``; it gives a tensor, a list of tensors (None for an output that
is not provided) or an operation.  Op types whose name and operands are ours have no row of their
own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.names.missing import resolve
from graphc import ops  # noqa: F401  (importing the families registers them)
from graphc.errors import UnimplementedError
from graphc.ir.dtype import as_dtype, int32
from graphc.ir.op import REGISTRY, Kind, Literal
from graphc.ir.source import here
from graphc.protocol import tensor_array

Build = Callable[[Any], Any]


def _same(op: str) -> Build:
    """An op of ours of that name, of the same operands."""
    return lambda r: getattr(r.b, op)(*r.operands, name=r.name)


def _public(path: str, **attributes: str) -> Build:
    """A function of ``tf``: the operands in order, attributes by keyword (``ours="Theirs"``)."""

    def build(r: Any) -> Any:
        given = {ours: r.attribute(theirs) for ours, theirs in attributes.items()}
        given = {ours: value for ours, value in given.items() if value is not None}
        return resolve(path)(*r.operands, name=r.name, **given)

    return build


def _with_known(path: str, **attributes: str) -> Build:
    """As :func:`_public`; operands after the first are values where those are known."""

    def build(r: Any) -> Any:
        given = {ours: r.attribute(theirs) for ours, theirs in attributes.items()}
        given = {ours: value for ours, value in given.items() if value is not None}
        rest = [r.known(k) for k in range(1, len(r.operands))]
        return resolve(path)(r.operand(0), *rest, name=r.name, **given)

    return build


def _reduction(op: str) -> Build:
    def build(r: Any) -> Any:
        axis = r.static(1)
        axes = tuple(axis) if isinstance(axis, list) else (axis,)
        keep = bool(r.attribute("keep_dims", r.attribute("keepdims", False)))
        return getattr(r.b, op)(r.operand(0), axis=axes, keepdims=keep, name=r.name)

    return build


def _const(r: Any) -> Any:
    held = r._attributes["value"].tensor
    dtype = r.attribute("dtype")
    array = tensor_array(held)
    if dtype.name == "bfloat16":
        from graphc.ops.running.precision import bfloat16_values

        single = r.b.const(value=Literal(bfloat16_values(array)))
        return r.b.cast(single, dtype=dtype, name=r.name)
    return r.b.const(value=Literal(array), name=r.name)


def _placeholder(r: Any) -> Any:
    return r.b.placeholder(dtype=r.attribute("dtype"), shape=_open_shape(r), name=r.name)


def _open_shape(r: Any) -> tuple | None:
    """The attribute's shape, with a new symbol for every open size; None: any rank."""
    shape = r.attribute("shape")
    if shape is None or shape.ndims is None:
        return None
    return tuple(r.b.home.new_dim(r.full) if d is None else d for d in shape.as_list())


def _identity(r: Any) -> Any:
    return r.b.identity(r.operand(0), name=r.name)


def _with_default(r: Any) -> Any:
    return r.b.placeholder_with_default(r.operand(0), shape=_open_shape(r), name=r.name)


def _variable(r: Any) -> Any:
    shape = r.attribute("shape")
    return r.b.variable(
        dtype=r.attribute("dtype"), shape=tuple(shape.as_list()), key=r.full, name=r.name
    )


def _bias_add(r: Any) -> Any:
    x, bias = r.operands
    if r.attribute("data_format", "NHWC") == "NCHW" and x.type.rank != 2:
        rank = x.type.rank
        if rank is None:
            raise _not_so(r, "data_format NCHW of unknown rank")
        bias = r.b.reshape(bias, shape=(bias.type.dims[0], *(1,) * (rank - 2)))
    return r.b.add(x, bias, name=r.name)


def _matmul(r: Any) -> Any:
    a = bool(r.attribute("transpose_a", False))
    b = bool(r.attribute("transpose_b", False))
    return r.b.matmul(*r.operands, transpose_a=a, transpose_b=b, name=r.name)


def _batched_matmul(r: Any) -> Any:
    a, b = bool(r.attribute("adj_x", False)), bool(r.attribute("adj_y", False))
    return resolve("matmul")(*r.operands, adjoint_a=a, adjoint_b=b, name=r.name)


def _conjugate_transpose(r: Any) -> Any:
    return resolve("transpose")(r.operand(0), r.known(1), name=r.name, conjugate=True)


def _div(r: Any) -> Any:
    whole = r.operand(0).dtype.is_integer
    return getattr(r.b, "truncatediv" if whole else "realdiv")(*r.operands, name=r.name)


def _select(r: Any) -> Any:
    return resolve("where_v2" if r.type == "SelectV2" else "where")(*r.operands, name=r.name)


def _cast(r: Any) -> Any:
    return r.b.cast(r.operand(0), dtype=r.attribute("DstT"), name=r.name)


def _position(op: str) -> Build:
    def build(r: Any) -> Any:
        dtype = r.attribute("output_type", as_dtype("int64"))
        return getattr(r.b, op)(r.operand(0), axis=r.static(1), dtype=dtype, name=r.name)

    return build


def _concat(r: Any) -> Any:
    if r.type == "Concat":  # the older op has the axis first
        return r.b.concat(*r.operands[1:], axis=r.static(0), name=r.name)
    return r.b.concat(*r.operands[:-1], axis=r.static(len(r.operands) - 1), name=r.name)


def _pack(r: Any) -> Any:
    return r.b.pack(*r.operands, axis=r.attribute("axis", 0), name=r.name)


def _unpack(r: Any) -> Any:
    made = r.b.unpack(
        r.operand(0), num=r.attribute("num"), axis=r.attribute("axis", 0), name=r.name
    )
    return list(made) if isinstance(made, tuple | list) else [made]


def _split(r: Any) -> Any:
    if r.type == "SplitV":
        x, sizes, axis = r.operand(0), r.static(1), r.static(2)
    else:
        x, sizes, axis = r.operand(1), r.attribute("num_split"), r.static(0)
    return list(resolve("split")(x, sizes, axis, name=r.name))


def _strided_slice(r: Any) -> Any:
    masks = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    bits = {name: r.attribute(name, 0) for name in masks}
    return resolve("strided_slice")(
        r.operand(0), r.known(1), r.known(2), r.known(3), name=r.name, **bits
    )


def _squeeze(r: Any) -> Any:
    return resolve("squeeze")(r.operand(0), r.attribute("squeeze_dims"), name=r.name)


def _softmax(op: str) -> Build:
    return lambda r: getattr(r.b, op)(r.operand(0), axis=r.attribute("axis", -1), name=r.name)


def _gather(r: Any) -> Any:
    if r.attribute("batch_dims", 0):
        raise _not_so(r, "batch_dims")
    axis = r.static(2) if len(r.operands) > 2 else 0
    return r.b.gather(r.operand(0), r.operand(1), axis=axis, name=r.name)


def _pad(mode: str) -> Build:
    def build(r: Any) -> Any:
        how = {"constant_values": r.static(2)} if r.type == "PadV2" else {}
        chosen = r.attribute("mode", mode)
        return resolve("pad")(r.operand(0), r.known(1), chosen, name=r.name, **how)

    return build


def _one_hot(r: Any) -> Any:
    return resolve("one_hot")(
        r.operand(0), r.known(1), r.static(2), r.static(3), r.attribute("axis", -1),
        r.operand(2).dtype, name=r.name,
    )  # fmt: skip


def _fill(r: Any) -> Any:
    return resolve("fill")(r.known(0), r.operand(1), name=r.name)


def _range(r: Any) -> Any:
    start, limit, delta = (r.known(k) for k in range(3))
    return resolve("range")(start, limit, delta, dtype=r.operand(0).dtype, name=r.name)


def _random(path: str) -> Build:
    def build(r: Any) -> Any:
        dtype = r.attribute("dtype")
        seed = r.attribute("seed2", 0) or r.attribute("seed", 0) or None
        return resolve(path)(r.known(0), dtype=dtype, seed=seed, name=r.name)

    return build


def _assign(op: str) -> Build:
    return lambda r: getattr(r.b, op)(*r.operands, name=r.name)


def _identity_n(r: Any) -> Any:
    return [r.b.identity(x) for x in r.operands]


def _losses(op: str) -> Build:
    """Their second output is the gradient, which is not provided."""
    return lambda r: [getattr(r.b, op)(*r.operands, name=r.name), None]


def _batch_norm(r: Any) -> Any:
    """Normalising by given moments; the other outputs are for training."""
    if r.attribute("is_training", True):
        raise _not_so(r, "is_training")
    if r.attribute("data_format", "NHWC") != "NHWC":
        raise _not_so(r, "data_format NCHW")
    x, scale, offset, mean, variance = r.operands
    b, epsilon = r.b, r.attribute("epsilon", 1e-4)
    factor = b.mul(scale, b.rsqrt(b.add(variance, epsilon)))
    shift = b.sub(offset, b.mul(mean, factor))
    return [b.add(b.mul(x, factor), shift, name=r.name), mean, variance]


def _not_so(r: Any, what: str) -> UnimplementedError:
    return UnimplementedError(
        f"{what} is not provided", subject=f"{r.type} {r.full!r}", site=here()
    )


def _cumulative(path: str) -> Build:
    def build(r: Any) -> Any:
        how = {key: bool(r.attribute(key, False)) for key in ("exclusive", "reverse")}
        return resolve(path)(r.operand(0), r.static(1), name=r.name, **how)

    return build


def _leaky_relu(r: Any) -> Any:
    return r.b.leaky_relu(r.operand(0), alpha=r.attribute("alpha", 0.2), name=r.name)


def _told(op: str, **attributes: str) -> Build:
    def build(r: Any) -> Any:
        given = {ours: r.attribute(theirs) for ours, theirs in attributes.items()}
        return getattr(r.b, op)(*r.operands, name=r.name, **given)

    return build


def _sizes(path: str) -> Build:
    return lambda r: resolve(path)(
        r.operand(0), name=r.name, out_type=r.attribute("out_type", int32)
    )


def _top_k(r: Any) -> Any:
    k = r.static(1) if r.type == "TopKV2" else r.attribute("k")
    return list(resolve("nn.top_k")(r.operand(0), k, r.attribute("sorted", True), name=r.name))


def _bottom_k(r: Any) -> Any:
    return list(r.b.top_k(r.operand(0), k=r.static(1), largest=False, name=r.name))


def _in_top_k(r: Any) -> Any:
    k = r.operand(2) if r.type == "InTopKV2" else r.attribute("k")
    return resolve("nn.in_top_k")(r.operand(0), r.operand(1), k, name=r.name)


def _assert(r: Any) -> Any:
    shown = r.attribute("summarize", 3)
    return resolve("Assert")(r.operand(0), r.operands[1:], shown, name=r.name)


def _diag(r: Any) -> Any:
    known = [r.static(k) for k in range(1, len(r.operands))]
    given = dict(zip(("k", "num_rows", "num_cols", "padding_value"), known, strict=False))
    return resolve("matrix_diag")(r.operand(0), name=r.name, **given)


def _diag_part(r: Any) -> Any:
    known = [r.static(k) for k in range(1, len(r.operands))]
    given = dict(zip(("k", "padding_value"), known, strict=False))
    return resolve("matrix_diag_part")(r.operand(0), name=r.name, **given)


def _set_diag(r: Any) -> Any:
    k = r.static(2) if len(r.operands) > 2 else 0
    return resolve("matrix_set_diag")(r.operand(0), r.operand(1), k=k, name=r.name)


def _several(path: str, **attributes: str) -> Build:
    """A function of ``tf`` with several results."""
    return lambda r: list(_public(path, **attributes)(r))


def _stitch(r: Any) -> Any:
    half = len(r.operands) // 2
    return resolve("dynamic_stitch")(r.operands[:half], r.operands[half:], name=r.name)


def _descend(r: Any) -> Any:
    variable, rate, step = r.operands
    return r.b.assign_sub(variable, r.b.mul(rate, step), name=r.name)


def _segments() -> dict[str, Build]:
    found = {f"Segment{k}": _public(f"segment_{k.lower()}") for k in ("Mean", *_FOLDS)}
    return found | {
        f"UnsortedSegment{k}": _with_last_known(f"unsorted_segment_{k.lower()}") for k in _FOLDS
    }


_FOLDS = ("Sum", "Prod", "Max", "Min")


def _with_last_known(path: str) -> Build:
    return lambda r: resolve(path)(*r.operands[:-1], r.known(len(r.operands) - 1), name=r.name)


def _elementwise() -> dict[str, Build]:
    """Op types that are ours by name: elementwise, with nothing but operands."""
    return {
        kind.__name__: _same(name)
        for name, kind in REGISTRY.items()
        if kind.kind is Kind.ELEMENTWISE and not kind.attributes
    }


def _each(names: str, build: Build) -> dict[str, Build]:
    return dict.fromkeys(names.split(), build)


BUILDERS: dict[str, Build] = {
    **_elementwise(),
    **_each("Const HostConst", _const),
    **_each("Placeholder PlaceholderV2", _placeholder),
    **_each("Variable VariableV2 VarHandleOp", _variable),
    **_each("Identity Snapshot EnsureShape ReadVariableOp", _identity),
    "PlaceholderWithDefault": _with_default,
    **_each("StopGradient PreventGradient", _same("stop_gradient")),
    **_each("Concat ConcatV2", _concat),
    **_each("Split SplitV", _split),
    **_each("Gather GatherV2 ResourceGather", _gather),
    **_each("Pad PadV2", _pad("CONSTANT")),
    **_each("BatchMatMul BatchMatMulV2 BatchMatMulV3", _batched_matmul),
    **_each("FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3", _batch_norm),
    **_each("Assign AssignVariableOp", _assign("assign")),
    **_each("AssignAdd AssignAddVariableOp", _assign("assign_add")),
    **_each("AssignSub AssignSubVariableOp", _assign("assign_sub")),
    **_each("Select SelectV2", _select),
    **_each("BiasAdd BiasAddV1", _bias_add),
    **{
        REGISTRY[name].__name__: _same(name)
        for name in (
            "cholesky", "cross", "igamma", "igammac", "betainc", "zeta", "polygamma",
            "invert_permutation", "matrix_determinant",
        )
    },
    "ComplexAbs": _same("abs"), "ConjugateTranspose": _conjugate_transpose,
    **{
        f"{way}{axes}": _same(f"{way}{axes}".lower())
        for way in ("FFT", "IFFT") for axes in ("", "2D", "3D")
    },
    **{
        f"{way}{axes}": _with_known(f"signal.{way}{axes}".lower())
        for way in ("RFFT", "IRFFT") for axes in ("", "2D", "3D")
    },
    "Einsum": _told("einsum", equation="equation"),
    "AddV2": _same("add"), "Div": _div, "Mod": _same("truncatemod"), "Inv": _same("reciprocal"),
    "Pow": _same("pow"), "BatchMatrixBandPart": _with_known("matrix_band_part"),
    "MatrixBandPart": _with_known("matrix_band_part"),
    "MirrorPad": _pad("REFLECT"), "NoOp": lambda r: r.b.no_op(name=r.name),
    "IdentityN": _identity_n, "MatMul": _matmul, "Cast": _cast,
    "ArgMax": _position("argmax"), "ArgMin": _position("argmin"),
    "Sum": _reduction("reduce_sum"), "Mean": _reduction("reduce_mean"),
    "Max": _reduction("reduce_max"), "Min": _reduction("reduce_min"),
    "Prod": _reduction("reduce_prod"), "All": _reduction("reduce_all"),
    "Any": _reduction("reduce_any"),
    "Reshape": _with_known("reshape"), "Transpose": _with_known("transpose"),
    "ExpandDims": _with_known("expand_dims"), "Slice": _with_known("slice"),
    "Tile": _with_known("tile"), "BroadcastTo": _with_known("broadcast_to"),
    "ReverseV2": _with_known("reverse"), "GatherNd": _same("gather_nd"),
    "Squeeze": _squeeze, "StridedSlice": _strided_slice, "Pack": _pack, "Unpack": _unpack,
    **_segments(),
    **_each("TopK TopKV2", _top_k),
    "BottomK": _bottom_k, "Assert": _assert,
    **_each("IsVariableInitialized VarIsInitializedOp", _public("is_variable_initialized")),
    **_each("InTopK InTopKV2", _in_top_k),
    **_each("MatrixDiag MatrixDiagV2 MatrixDiagV3", _diag),
    **_each("MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3", _diag_part),
    **_each("MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3", _set_diag),
    **_each("DynamicStitch ParallelDynamicStitch", _stitch),
    **_each("ApplyGradientDescent ResourceApplyGradientDescent", _descend),
    **_each("DepthToSpace", _public("depth_to_space", block_size="block_size")),
    **_each("SpaceToDepth", _public("space_to_depth", block_size="block_size")),
    "DynamicPartition": _several("dynamic_partition", num_partitions="num_partitions"),
    "Where": _public("where"), "Unique": _several("unique", out_idx="out_idx"),
    "Diag": _public("diag"), "DiagPart": _public("diag_part"), "Roll": _with_known("roll"),
    "ReverseSequence": _public("reverse_sequence", seq_axis="seq_dim", batch_axis="batch_dim"),
    "MatrixInverse": _public("matrix_inverse", adjoint="adjoint"),
    "MatrixSolve": _public("matrix_solve", adjoint="adjoint"),
    **_each("Softmax SoftmaxAlong", _softmax("softmax")),
    **_each("LogSoftmax LogSoftmaxAlong", _softmax("log_softmax")),
    "OneHot": _one_hot, "Fill": _fill, "Range": _range, "LeakyRelu": _leaky_relu,
    "Shape": _sizes("shape"), "Size": _sizes("size"), "Rank": _public("rank"),
    "ZerosLike": _public("zeros_like"), "OnesLike": _public("ones_like"),
    "LinSpace": _with_known("linspace"), "L2Loss": _same("l2_loss"),
    "ClipByValue": _public("clip_by_value"), "Softplus": _same("softplus"),
    "Cumsum": _cumulative("cumsum"), "Cumprod": _cumulative("cumprod"),
    "CheckNumerics": _told("check_numerics", message="message"),
    "RandomUniform": _random("random_uniform"), "RandomStandardNormal": _random("random_normal"),
    "TruncatedNormal": _random("truncated_normal"),
    "SoftmaxCrossEntropyWithLogits": _losses("softmax_cross_entropy_with_logits"),
    "SparseSoftmaxCrossEntropyWithLogits": _losses("sparse_softmax_cross_entropy_with_logits"),
    "ScatterAdd": _same("scatter_add"), "ScatterSub": _same("scatter_sub"),
    "ScatterUpdate": _same("scatter_update"),
    "ScalarSummary": _told("scalar_summary"), "HistogramSummary": _told("histogram_summary"),
    "ImageSummary": _told("image_summary", max_images="max_images"),
    "AudioSummaryV2": _told("audio_summary", max_outputs="max_outputs"),
    "TensorSummaryV2": _told("tensor_summary"), "MergeSummary": _told("merge_summary"),
}  # fmt: skip
