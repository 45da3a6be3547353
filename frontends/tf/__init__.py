"""The TF1 API: names and meaning as in TensorFlow 1, over graphc's ops.

Names load on first use (PEP 562): the tables below say where each lives, and
:mod:`frontends.tf.names.aliases` which stand for others.  A name of TF1 that is not provided says
so; any other says what is near.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# module: the public names it owns
_OWNERS = {
    "frontends.tf.graph.building": (
        "GraphKeys add_to_collection add_to_collections colocate_with constant container "
        "control_dependencies convert_to_tensor device disable_eager_execution "
        "disable_v2_behavior executing_eagerly get_collection get_collection_ref get_seed "
        "group identity init_scope name_scope no_op placeholder placeholder_with_default "
        "set_random_seed"
    ),
    "frontends.tf.graph.shapes": "Dimension TensorShape",
    "frontends.tf.graph.tensor": "is_tensor",
    "frontends.tf.variables.variable": (
        "Variable assign assign_add assign_sub count_up_to global_variables "
        "global_variables_initializer "
        "is_variable_initialized local_variables local_variables_initializer model_variables "
        "moving_average_variables report_uninitialized_variables trainable_variables "
        "variable_creator_scope variables_initializer"
    ),
    "frontends.tf.variables.variable_rows": (
        "batch_scatter_update scatter_add scatter_div scatter_max scatter_min scatter_mul "
        "scatter_nd_add scatter_nd_sub scatter_nd_update scatter_sub scatter_update"
    ),
    "frontends.tf.functions.sparse": (
        "SparseTensor SparseTensorValue convert_to_tensor_or_sparse_tensor sparse_placeholder"
    ),
    "frontends.tf.functions.sparse_ops": (
        "sparse_add sparse_concat sparse_fill_empty_rows sparse_mask sparse_maximum sparse_merge "
        "sparse_minimum sparse_reorder sparse_reset_shape sparse_reshape sparse_retain "
        "sparse_slice sparse_softmax sparse_split sparse_tensor_dense_matmul "
        "sparse_tensor_to_dense sparse_to_dense sparse_to_indicator sparse_transpose"
    ),
    "frontends.tf.functions.sparse_reductions": (
        "sparse_reduce_max sparse_reduce_max_sparse sparse_reduce_sum sparse_reduce_sum_sparse"
    ),
    "frontends.tf.graph.indexed_slices": (
        "IndexedSlices IndexedSlicesValue convert_to_tensor_or_indexed_slices"
    ),
    "frontends.tf.variables.scopes": (
        "AUTO_REUSE VariableScope get_variable_scope variable_op_scope variable_scope"
    ),
    "frontends.tf.variables.variable_getting": "get_local_variable get_variable no_regularizer",
    "frontends.tf.variables.synchronization": "VariableAggregation VariableSynchronization",
    "frontends.tf.variables.initializers": (
        "constant_initializer glorot_normal_initializer glorot_uniform_initializer "
        "ones_initializer orthogonal_initializer random_normal_initializer "
        "random_uniform_initializer "
        "truncated_normal_initializer variance_scaling_initializer zeros_initializer"
    ),
    "frontends.tf.functions.math": (
        "accumulate_n add_n approximate_equal argmax argmin bitcast broadcast_static_shape cast "
        "clip_by_average_norm "
        "clip_by_global_norm clip_by_norm clip_by_value count_nonzero global_norm "
        "reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod "
        "reduce_sum saturate_cast scalar_mul to_bfloat16 to_double to_float to_int32 "
        "to_int64"
    ),
    "frontends.tf.functions.complex_numbers": "angle complex conj imag real",
    "frontends.tf.functions.contractions": "einsum matmul sparse_matmul tensordot",
    "frontends.tf.functions.linalg": (
        "cholesky cholesky_solve cross matrix_determinant matrix_inverse matrix_solve "
        "matrix_solve_ls matrix_triangular_solve qr self_adjoint_eig self_adjoint_eigvals svd"
    ),
    "frontends.tf.functions.arrays": (
        "batch_gather boolean_mask broadcast_dynamic_shape broadcast_to concat ensure_shape "
        "expand_dims fill gather gather_nd guarantee_const identity_n linspace meshgrid newaxis "
        "one_hot ones ones_like parallel_stack range rank reshape sequence_mask shape shape_n size "
        "slice split squeeze stack strided_slice transpose unstack where zeros zeros_like"
    ),
    "frontends.tf.functions.fourier": "fft fft2d fft3d ifft ifft2d ifft3d",
    "frontends.tf.functions.moving": "pad repeat reverse reverse_sequence roll tile",
    "frontends.tf.functions.diagonals": (
        "diag diag_part eye matrix_band_part matrix_diag matrix_diag_part matrix_set_diag "
        "matrix_transpose trace"
    ),
    "frontends.tf.functions.blocks": (
        "batch_to_space batch_to_space_nd depth_to_space extract_image_patches "
        "required_space_to_batch_paddings space_to_batch space_to_batch_nd space_to_depth"
    ),
    "frontends.tf.functions.scattering": (
        "scatter_nd scatter_nd_non_aliasing_add tensor_scatter_nd_add tensor_scatter_nd_max "
        "tensor_scatter_nd_min tensor_scatter_nd_sub tensor_scatter_nd_update"
    ),
    "frontends.tf.functions.segments": (
        "segment_max segment_mean segment_min segment_prod segment_sum sparse_segment_mean "
        "sparse_segment_sqrt_n sparse_segment_sum unsorted_segment_max unsorted_segment_mean "
        "unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum"
    ),
    "frontends.tf.functions.cumulative": "cumprod cumsum",
    "frontends.tf.functions.counting": (
        "bincount confusion_matrix histogram_fixed_width histogram_fixed_width_bins "
        "invert_permutation unravel_index"
    ),
    "frontends.tf.functions.norms": "norm",
    "frontends.tf.functions.quantization": (
        "fake_quant_with_min_max_args fake_quant_with_min_max_vars "
        "fake_quant_with_min_max_vars_per_channel quantize_and_dequantize"
    ),
    "frontends.tf.functions.random": (
        "multinomial random_crop random_gamma random_normal random_poisson random_shuffle "
        "random_uniform truncated_normal"
    ),
    "frontends.tf.functions.host": (
        "Assert Print add_check_numerics_ops check_numerics numpy_function py_func py_function "
        "timestamp verify_tensor_all_finite"
    ),
    "frontends.tf.functions.assertions": (
        "assert_equal assert_greater assert_greater_equal assert_integer assert_less "
        "assert_less_equal assert_near assert_negative assert_non_negative assert_non_positive "
        "assert_none_equal assert_positive assert_proper_iterable assert_rank "
        "assert_rank_at_least assert_rank_in assert_same_float_dtype assert_scalar assert_type "
        "assert_variables_initialized is_non_decreasing is_numeric_tensor is_strictly_increasing"
    ),
    "frontends.tf.functions.ordering": "argsort nth_element searchsorted sort",
    "frontends.tf.functions.partition": (
        "dynamic_partition dynamic_stitch parallel_dynamic_stitch setdiff1d unique "
        "unique_with_counts"
    ),
    "frontends.tf.loops.branches": "case cond switch_case",
    "frontends.tf.loops.higher_order": "foldl foldr map_fn scan",
    "frontends.tf.loops.tensor_array": "TensorArray",
    "frontends.tf.loops.while_loop": "while_loop",
    "frontends.tf.functions.strings": (
        "as_string decode_base64 decode_csv decode_raw edit_distance encode_base64 reduce_join "
        "regex_replace string_join string_split string_strip string_to_hash_bucket "
        "string_to_hash_bucket_fast string_to_hash_bucket_strong string_to_number substr"
    ),
    "frontends.tf.graph.differentiation": (
        "AggregationMethod UnconnectedGradients gradients hessian_vector_product hessians jvp "
        "why_none"
    ),
    "frontends.tf.platform.config": (
        "ConfigProto GPUOptions GraphOptions OptimizerOptions RunMetadata RunOptions"
    ),
    "frontends.tf.platform.options": "Options segments",
    "frontends.tf.platform.protos": (
        "AttrValue Event GraphDef HistogramProto MetaGraphDef NameAttrList NodeDef SessionLog "
        "Summary SummaryMetadata TensorInfo"
    ),
    "frontends.tf.graph_def.importing": "import_graph_def",
    "frontends.tf.graph.graph_methods": "NotDifferentiable RegisterGradient",
    "frontends.tf.summary.older": (
        "audio_summary histogram_summary image_summary merge_all_summaries merge_summary "
        "scalar_summary"
    ),
    "frontends.tf.variables.partitioners": (
        "fixed_size_partitioner min_max_variable_partitioner variable_axis_size_partitioner"
    ),
    "frontends.tf.graph.specs": "DeviceSpec TensorSpec",
    "frontends.tf.graph.static_values": "get_static_value make_ndarray make_tensor_proto",
    "frontends.tf.variables.templates": "make_template",
    "graphc.ir.graph": "Graph Tensor reset_default_graph",
    "graphc.ir.dtype": (
        "DType as_dtype bfloat16 complex128 complex64 float16 float32 float64 int16 int32 int64 "
        "int8 string uint16 uint32 uint64 uint8"
    ),
    "graphc.ops.running.custom": "custom_gradient custom_op",
    "runtime.session": "InteractiveSession Session get_default_session",
}
# public name: (module, name there), where the two differ in spelling
_RENAMED = {
    "Operation": ("graphc.ir.graph", "Node"),
    "bool": ("graphc.ir.dtype", "bool_"),
    "half": ("graphc.ir.dtype", "float16"),
    "double": ("graphc.ir.dtype", "float64"),
    "print": ("frontends.tf.functions.host", "print_v2"),
    "get_default_graph": ("graphc.ir.graph", "default_graph"),
    "tuple": ("frontends.tf.graph.building", "grouped_tuple"),
    "uniform_unit_scaling_initializer": (
        "frontends.tf.variables.initializers",
        "uniform_unit_scaling",
    ),
}
_MODULES = {
    "app": "frontends.tf.platform.app",
    "bitwise": "frontends.tf.functions.bitwise",
    "compat": "frontends.tf.platform.compat",
    "contrib": "frontends.tf.contrib",
    "errors": "graphc.errors",
    "flags": "frontends.tf.platform.flags",
    "gfile": "frontends.tf.platform.gfile",
    "image": "frontends.tf.images.image",
    "initializers": "frontends.tf.variables.initializers",
    "layers": "frontends.tf.layers",
    "linalg": "frontends.tf.functions.linalg",
    "logging": "frontends.tf.platform.logging",
    "losses": "frontends.tf.networks.losses",
    "math": "frontends.tf.functions.math",
    "nest": "frontends.tf.platform.nest",
    "resource_loader": "frontends.tf.platform.resource_loader",
    "sysconfig": "frontends.tf.platform.sysconfig",
    "test": "frontends.tf.test",
    "graph_util": "frontends.tf.graph.graph_util",
    "nn": "frontends.tf.networks.nn",
    "quantization": "frontends.tf.functions.quantization",
    "random": "frontends.tf.functions.random",
    "signal": "frontends.tf.signal",
    "sparse": "frontends.tf.functions.sparse",
    "summary": "frontends.tf.summary",
    "train": "frontends.tf.train",
}
_NAMES = {name: (owner, name) for owner, names in _OWNERS.items() for name in names.split()}
_NAMES |= _RENAMED

__version__ = "1.15.0"  # the TF1 release whose names and meaning these are
VERSION = __version__


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = import_module(_MODULES[name])
    elif name in _NAMES:
        owner, inner = _NAMES[name]
        import_module("frontends.tf.graph.tensor")  # tensors get their TF1 methods
        value = getattr(import_module(owner), inner)
    else:
        from frontends.tf.names.missing import elsewhere

        value = elsewhere("", name, __dir__)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from frontends.tf.names.forwards import FORWARDS

    rows = [row for row in FORWARDS if "." not in row]
    return sorted({*_NAMES, *_MODULES, *rows})
