# ruff: noqa: I001
"""The TF1 API by ``import graphc as tf``.  Written by tests/tools/write_stub.py."""

import builtins
from typing import Any

from frontends.tf import contrib as contrib
from frontends.tf import layers as layers
from frontends.tf import signal as signal
from frontends.tf import summary as summary
from frontends.tf import test as test
from frontends.tf import train as train
from frontends.tf.functions import bitwise as bitwise
from frontends.tf.functions import linalg as linalg
from frontends.tf.functions import math as math
from frontends.tf.functions import quantization as quantization
from frontends.tf.functions import random as random
from frontends.tf.functions import sparse as sparse
from frontends.tf.functions.arrays import batch_gather as batch_gather
from frontends.tf.functions.arrays import boolean_mask as boolean_mask
from frontends.tf.functions.arrays import broadcast_dynamic_shape as broadcast_dynamic_shape
from frontends.tf.functions.arrays import broadcast_to as broadcast_to
from frontends.tf.functions.arrays import concat as concat
from frontends.tf.functions.arrays import ensure_shape as ensure_shape
from frontends.tf.functions.arrays import expand_dims as expand_dims
from frontends.tf.functions.arrays import fill as fill
from frontends.tf.functions.arrays import gather as gather
from frontends.tf.functions.arrays import gather_nd as gather_nd
from frontends.tf.functions.arrays import guarantee_const as guarantee_const
from frontends.tf.functions.arrays import identity_n as identity_n
from frontends.tf.functions.arrays import linspace as linspace
from frontends.tf.functions.arrays import meshgrid as meshgrid
from frontends.tf.functions.arrays import newaxis as newaxis
from frontends.tf.functions.arrays import one_hot as one_hot
from frontends.tf.functions.arrays import ones as ones
from frontends.tf.functions.arrays import ones_like as ones_like
from frontends.tf.functions.arrays import parallel_stack as parallel_stack
from frontends.tf.functions.arrays import range as range
from frontends.tf.functions.arrays import rank as rank
from frontends.tf.functions.arrays import reshape as reshape
from frontends.tf.functions.arrays import sequence_mask as sequence_mask
from frontends.tf.functions.arrays import shape as shape
from frontends.tf.functions.arrays import shape_n as shape_n
from frontends.tf.functions.arrays import size as size
from frontends.tf.functions.arrays import slice as slice
from frontends.tf.functions.arrays import split as split
from frontends.tf.functions.arrays import squeeze as squeeze
from frontends.tf.functions.arrays import stack as stack
from frontends.tf.functions.arrays import strided_slice as strided_slice
from frontends.tf.functions.arrays import transpose as transpose
from frontends.tf.functions.arrays import unstack as unstack
from frontends.tf.functions.arrays import where as where
from frontends.tf.functions.arrays import zeros as zeros
from frontends.tf.functions.arrays import zeros_like as zeros_like
from frontends.tf.functions.assertions import assert_equal as assert_equal
from frontends.tf.functions.assertions import assert_greater as assert_greater
from frontends.tf.functions.assertions import assert_greater_equal as assert_greater_equal
from frontends.tf.functions.assertions import assert_integer as assert_integer
from frontends.tf.functions.assertions import assert_less as assert_less
from frontends.tf.functions.assertions import assert_less_equal as assert_less_equal
from frontends.tf.functions.assertions import assert_near as assert_near
from frontends.tf.functions.assertions import assert_negative as assert_negative
from frontends.tf.functions.assertions import assert_non_negative as assert_non_negative
from frontends.tf.functions.assertions import assert_non_positive as assert_non_positive
from frontends.tf.functions.assertions import assert_none_equal as assert_none_equal
from frontends.tf.functions.assertions import assert_positive as assert_positive
from frontends.tf.functions.assertions import assert_proper_iterable as assert_proper_iterable
from frontends.tf.functions.assertions import assert_rank as assert_rank
from frontends.tf.functions.assertions import assert_rank_at_least as assert_rank_at_least
from frontends.tf.functions.assertions import assert_rank_in as assert_rank_in
from frontends.tf.functions.assertions import assert_same_float_dtype as assert_same_float_dtype
from frontends.tf.functions.assertions import assert_scalar as assert_scalar
from frontends.tf.functions.assertions import assert_type as assert_type
from frontends.tf.functions.assertions import assert_variables_initialized as assert_variables_initialized
from frontends.tf.functions.assertions import is_non_decreasing as is_non_decreasing
from frontends.tf.functions.assertions import is_numeric_tensor as is_numeric_tensor
from frontends.tf.functions.assertions import is_strictly_increasing as is_strictly_increasing
from frontends.tf.functions.blocks import batch_to_space as batch_to_space
from frontends.tf.functions.blocks import batch_to_space_nd as batch_to_space_nd
from frontends.tf.functions.blocks import depth_to_space as depth_to_space
from frontends.tf.functions.blocks import extract_image_patches as extract_image_patches
from frontends.tf.functions.blocks import required_space_to_batch_paddings as required_space_to_batch_paddings
from frontends.tf.functions.blocks import space_to_batch as space_to_batch
from frontends.tf.functions.blocks import space_to_batch_nd as space_to_batch_nd
from frontends.tf.functions.blocks import space_to_depth as space_to_depth
from frontends.tf.functions.complex_numbers import angle as angle
from frontends.tf.functions.complex_numbers import complex as complex
from frontends.tf.functions.complex_numbers import conj as conj
from frontends.tf.functions.complex_numbers import imag as imag
from frontends.tf.functions.complex_numbers import real as real
from frontends.tf.functions.contractions import einsum as einsum
from frontends.tf.functions.contractions import matmul as matmul
from frontends.tf.functions.contractions import sparse_matmul as sparse_matmul
from frontends.tf.functions.contractions import tensordot as tensordot
from frontends.tf.functions.counting import bincount as bincount
from frontends.tf.functions.counting import confusion_matrix as confusion_matrix
from frontends.tf.functions.counting import histogram_fixed_width as histogram_fixed_width
from frontends.tf.functions.counting import histogram_fixed_width_bins as histogram_fixed_width_bins
from frontends.tf.functions.counting import invert_permutation as invert_permutation
from frontends.tf.functions.counting import unravel_index as unravel_index
from frontends.tf.functions.cumulative import cumprod as cumprod
from frontends.tf.functions.cumulative import cumsum as cumsum
from frontends.tf.functions.diagonals import diag as diag
from frontends.tf.functions.diagonals import diag_part as diag_part
from frontends.tf.functions.diagonals import eye as eye
from frontends.tf.functions.diagonals import matrix_band_part as matrix_band_part
from frontends.tf.functions.diagonals import matrix_diag as matrix_diag
from frontends.tf.functions.diagonals import matrix_diag_part as matrix_diag_part
from frontends.tf.functions.diagonals import matrix_set_diag as matrix_set_diag
from frontends.tf.functions.diagonals import matrix_transpose as matrix_transpose
from frontends.tf.functions.diagonals import trace as trace
from frontends.tf.functions.fourier import fft as fft
from frontends.tf.functions.fourier import fft2d as fft2d
from frontends.tf.functions.fourier import fft3d as fft3d
from frontends.tf.functions.fourier import ifft as ifft
from frontends.tf.functions.fourier import ifft2d as ifft2d
from frontends.tf.functions.fourier import ifft3d as ifft3d
from frontends.tf.functions.host import Assert as Assert
from frontends.tf.functions.host import Print as Print
from frontends.tf.functions.host import add_check_numerics_ops as add_check_numerics_ops
from frontends.tf.functions.host import check_numerics as check_numerics
from frontends.tf.functions.host import numpy_function as numpy_function
from frontends.tf.functions.host import print_v2 as _print_v2
from frontends.tf.functions.host import py_func as py_func
from frontends.tf.functions.host import py_function as py_function
from frontends.tf.functions.host import timestamp as timestamp
from frontends.tf.functions.host import verify_tensor_all_finite as verify_tensor_all_finite
from frontends.tf.functions.linalg import cholesky as cholesky
from frontends.tf.functions.linalg import cholesky_solve as cholesky_solve
from frontends.tf.functions.linalg import cross as cross
from frontends.tf.functions.linalg import matrix_determinant as matrix_determinant
from frontends.tf.functions.linalg import matrix_inverse as matrix_inverse
from frontends.tf.functions.linalg import matrix_solve as matrix_solve
from frontends.tf.functions.linalg import matrix_solve_ls as matrix_solve_ls
from frontends.tf.functions.linalg import matrix_triangular_solve as matrix_triangular_solve
from frontends.tf.functions.linalg import qr as qr
from frontends.tf.functions.linalg import self_adjoint_eig as self_adjoint_eig
from frontends.tf.functions.linalg import self_adjoint_eigvals as self_adjoint_eigvals
from frontends.tf.functions.linalg import svd as svd
from frontends.tf.functions.math import accumulate_n as accumulate_n
from frontends.tf.functions.math import add_n as add_n
from frontends.tf.functions.math import approximate_equal as approximate_equal
from frontends.tf.functions.math import argmax as argmax
from frontends.tf.functions.math import argmin as argmin
from frontends.tf.functions.math import bitcast as bitcast
from frontends.tf.functions.math import broadcast_static_shape as broadcast_static_shape
from frontends.tf.functions.math import cast as cast
from frontends.tf.functions.math import clip_by_average_norm as clip_by_average_norm
from frontends.tf.functions.math import clip_by_global_norm as clip_by_global_norm
from frontends.tf.functions.math import clip_by_norm as clip_by_norm
from frontends.tf.functions.math import clip_by_value as clip_by_value
from frontends.tf.functions.math import count_nonzero as count_nonzero
from frontends.tf.functions.math import global_norm as global_norm
from frontends.tf.functions.math import reduce_all as reduce_all
from frontends.tf.functions.math import reduce_any as reduce_any
from frontends.tf.functions.math import reduce_logsumexp as reduce_logsumexp
from frontends.tf.functions.math import reduce_max as reduce_max
from frontends.tf.functions.math import reduce_mean as reduce_mean
from frontends.tf.functions.math import reduce_min as reduce_min
from frontends.tf.functions.math import reduce_prod as reduce_prod
from frontends.tf.functions.math import reduce_sum as reduce_sum
from frontends.tf.functions.math import saturate_cast as saturate_cast
from frontends.tf.functions.math import scalar_mul as scalar_mul
from frontends.tf.functions.math import to_bfloat16 as to_bfloat16
from frontends.tf.functions.math import to_double as to_double
from frontends.tf.functions.math import to_float as to_float
from frontends.tf.functions.math import to_int32 as to_int32
from frontends.tf.functions.math import to_int64 as to_int64
from frontends.tf.functions.moving import pad as pad
from frontends.tf.functions.moving import repeat as repeat
from frontends.tf.functions.moving import reverse as reverse
from frontends.tf.functions.moving import reverse_sequence as reverse_sequence
from frontends.tf.functions.moving import roll as roll
from frontends.tf.functions.moving import tile as tile
from frontends.tf.functions.norms import norm as norm
from frontends.tf.functions.ordering import argsort as argsort
from frontends.tf.functions.ordering import nth_element as nth_element
from frontends.tf.functions.ordering import searchsorted as searchsorted
from frontends.tf.functions.ordering import sort as sort
from frontends.tf.functions.partition import dynamic_partition as dynamic_partition
from frontends.tf.functions.partition import dynamic_stitch as dynamic_stitch
from frontends.tf.functions.partition import parallel_dynamic_stitch as parallel_dynamic_stitch
from frontends.tf.functions.partition import setdiff1d as setdiff1d
from frontends.tf.functions.partition import unique as unique
from frontends.tf.functions.partition import unique_with_counts as unique_with_counts
from frontends.tf.functions.quantization import fake_quant_with_min_max_args as fake_quant_with_min_max_args
from frontends.tf.functions.quantization import fake_quant_with_min_max_vars as fake_quant_with_min_max_vars
from frontends.tf.functions.quantization import fake_quant_with_min_max_vars_per_channel as fake_quant_with_min_max_vars_per_channel
from frontends.tf.functions.quantization import quantize_and_dequantize as quantize_and_dequantize
from frontends.tf.functions.random import multinomial as multinomial
from frontends.tf.functions.random import random_crop as random_crop
from frontends.tf.functions.random import random_gamma as random_gamma
from frontends.tf.functions.random import random_normal as random_normal
from frontends.tf.functions.random import random_poisson as random_poisson
from frontends.tf.functions.random import random_shuffle as random_shuffle
from frontends.tf.functions.random import random_uniform as random_uniform
from frontends.tf.functions.random import truncated_normal as truncated_normal
from frontends.tf.functions.scattering import scatter_nd as scatter_nd
from frontends.tf.functions.scattering import scatter_nd_non_aliasing_add as scatter_nd_non_aliasing_add
from frontends.tf.functions.scattering import tensor_scatter_nd_add as tensor_scatter_nd_add
from frontends.tf.functions.scattering import tensor_scatter_nd_max as tensor_scatter_nd_max
from frontends.tf.functions.scattering import tensor_scatter_nd_min as tensor_scatter_nd_min
from frontends.tf.functions.scattering import tensor_scatter_nd_sub as tensor_scatter_nd_sub
from frontends.tf.functions.scattering import tensor_scatter_nd_update as tensor_scatter_nd_update
from frontends.tf.functions.segments import segment_max as segment_max
from frontends.tf.functions.segments import segment_mean as segment_mean
from frontends.tf.functions.segments import segment_min as segment_min
from frontends.tf.functions.segments import segment_prod as segment_prod
from frontends.tf.functions.segments import segment_sum as segment_sum
from frontends.tf.functions.segments import sparse_segment_mean as sparse_segment_mean
from frontends.tf.functions.segments import sparse_segment_sqrt_n as sparse_segment_sqrt_n
from frontends.tf.functions.segments import sparse_segment_sum as sparse_segment_sum
from frontends.tf.functions.segments import unsorted_segment_max as unsorted_segment_max
from frontends.tf.functions.segments import unsorted_segment_mean as unsorted_segment_mean
from frontends.tf.functions.segments import unsorted_segment_min as unsorted_segment_min
from frontends.tf.functions.segments import unsorted_segment_prod as unsorted_segment_prod
from frontends.tf.functions.segments import unsorted_segment_sqrt_n as unsorted_segment_sqrt_n
from frontends.tf.functions.segments import unsorted_segment_sum as unsorted_segment_sum
from frontends.tf.functions.sparse import SparseTensor as SparseTensor
from frontends.tf.functions.sparse import SparseTensorValue as SparseTensorValue
from frontends.tf.functions.sparse import convert_to_tensor_or_sparse_tensor as convert_to_tensor_or_sparse_tensor
from frontends.tf.functions.sparse import sparse_placeholder as sparse_placeholder
from frontends.tf.functions.sparse_ops import sparse_add as sparse_add
from frontends.tf.functions.sparse_ops import sparse_concat as sparse_concat
from frontends.tf.functions.sparse_ops import sparse_fill_empty_rows as sparse_fill_empty_rows
from frontends.tf.functions.sparse_ops import sparse_mask as sparse_mask
from frontends.tf.functions.sparse_ops import sparse_maximum as sparse_maximum
from frontends.tf.functions.sparse_ops import sparse_merge as sparse_merge
from frontends.tf.functions.sparse_ops import sparse_minimum as sparse_minimum
from frontends.tf.functions.sparse_ops import sparse_reorder as sparse_reorder
from frontends.tf.functions.sparse_ops import sparse_reset_shape as sparse_reset_shape
from frontends.tf.functions.sparse_ops import sparse_reshape as sparse_reshape
from frontends.tf.functions.sparse_ops import sparse_retain as sparse_retain
from frontends.tf.functions.sparse_ops import sparse_slice as sparse_slice
from frontends.tf.functions.sparse_ops import sparse_softmax as sparse_softmax
from frontends.tf.functions.sparse_ops import sparse_split as sparse_split
from frontends.tf.functions.sparse_ops import sparse_tensor_dense_matmul as sparse_tensor_dense_matmul
from frontends.tf.functions.sparse_ops import sparse_tensor_to_dense as sparse_tensor_to_dense
from frontends.tf.functions.sparse_ops import sparse_to_dense as sparse_to_dense
from frontends.tf.functions.sparse_ops import sparse_to_indicator as sparse_to_indicator
from frontends.tf.functions.sparse_ops import sparse_transpose as sparse_transpose
from frontends.tf.functions.sparse_reductions import sparse_reduce_max as sparse_reduce_max
from frontends.tf.functions.sparse_reductions import sparse_reduce_max_sparse as sparse_reduce_max_sparse
from frontends.tf.functions.sparse_reductions import sparse_reduce_sum as sparse_reduce_sum
from frontends.tf.functions.sparse_reductions import sparse_reduce_sum_sparse as sparse_reduce_sum_sparse
from frontends.tf.functions.strings import as_string as as_string
from frontends.tf.functions.strings import decode_base64 as decode_base64
from frontends.tf.functions.strings import decode_csv as decode_csv
from frontends.tf.functions.strings import decode_raw as decode_raw
from frontends.tf.functions.strings import edit_distance as edit_distance
from frontends.tf.functions.strings import encode_base64 as encode_base64
from frontends.tf.functions.strings import reduce_join as reduce_join
from frontends.tf.functions.strings import regex_replace as regex_replace
from frontends.tf.functions.strings import string_join as string_join
from frontends.tf.functions.strings import string_split as string_split
from frontends.tf.functions.strings import string_strip as string_strip
from frontends.tf.functions.strings import string_to_hash_bucket as string_to_hash_bucket
from frontends.tf.functions.strings import string_to_hash_bucket_fast as string_to_hash_bucket_fast
from frontends.tf.functions.strings import string_to_hash_bucket_strong as string_to_hash_bucket_strong
from frontends.tf.functions.strings import string_to_number as string_to_number
from frontends.tf.functions.strings import substr as substr
from frontends.tf.graph import graph_util as graph_util
from frontends.tf.graph.building import GraphKeys as GraphKeys
from frontends.tf.graph.building import add_to_collection as add_to_collection
from frontends.tf.graph.building import add_to_collections as add_to_collections
from frontends.tf.graph.building import colocate_with as colocate_with
from frontends.tf.graph.building import constant as constant
from frontends.tf.graph.building import container as container
from frontends.tf.graph.building import control_dependencies as control_dependencies
from frontends.tf.graph.building import convert_to_tensor as convert_to_tensor
from frontends.tf.graph.building import device as device
from frontends.tf.graph.building import disable_eager_execution as disable_eager_execution
from frontends.tf.graph.building import disable_v2_behavior as disable_v2_behavior
from frontends.tf.graph.building import executing_eagerly as executing_eagerly
from frontends.tf.graph.building import get_collection as get_collection
from frontends.tf.graph.building import get_collection_ref as get_collection_ref
from frontends.tf.graph.building import get_seed as get_seed
from frontends.tf.graph.building import group as group
from frontends.tf.graph.building import grouped_tuple as _grouped_tuple
from frontends.tf.graph.building import identity as identity
from frontends.tf.graph.building import init_scope as init_scope
from frontends.tf.graph.building import name_scope as name_scope
from frontends.tf.graph.building import no_op as no_op
from frontends.tf.graph.building import placeholder as placeholder
from frontends.tf.graph.building import placeholder_with_default as placeholder_with_default
from frontends.tf.graph.building import set_random_seed as set_random_seed
from frontends.tf.graph.differentiation import AggregationMethod as AggregationMethod
from frontends.tf.graph.differentiation import UnconnectedGradients as UnconnectedGradients
from frontends.tf.graph.differentiation import gradients as gradients
from frontends.tf.graph.differentiation import hessian_vector_product as hessian_vector_product
from frontends.tf.graph.differentiation import hessians as hessians
from frontends.tf.graph.differentiation import jvp as jvp
from frontends.tf.graph.differentiation import why_none as why_none
from frontends.tf.graph.graph_methods import NotDifferentiable as NotDifferentiable
from frontends.tf.graph.graph_methods import RegisterGradient as RegisterGradient
from frontends.tf.graph.indexed_slices import IndexedSlices as IndexedSlices
from frontends.tf.graph.indexed_slices import IndexedSlicesValue as IndexedSlicesValue
from frontends.tf.graph.indexed_slices import convert_to_tensor_or_indexed_slices as convert_to_tensor_or_indexed_slices
from frontends.tf.graph.shapes import Dimension as Dimension
from frontends.tf.graph.shapes import TensorShape as TensorShape
from frontends.tf.graph.specs import DeviceSpec as DeviceSpec
from frontends.tf.graph.specs import TensorSpec as TensorSpec
from frontends.tf.graph.static_values import get_static_value as get_static_value
from frontends.tf.graph.static_values import make_ndarray as make_ndarray
from frontends.tf.graph.static_values import make_tensor_proto as make_tensor_proto
from frontends.tf.graph.tensor import is_tensor as is_tensor
from frontends.tf.graph_def.importing import import_graph_def as import_graph_def
from frontends.tf.images import image as image
from frontends.tf.loops.branches import case as case
from frontends.tf.loops.branches import cond as cond
from frontends.tf.loops.branches import switch_case as switch_case
from frontends.tf.loops.higher_order import foldl as foldl
from frontends.tf.loops.higher_order import foldr as foldr
from frontends.tf.loops.higher_order import map_fn as map_fn
from frontends.tf.loops.higher_order import scan as scan
from frontends.tf.loops.tensor_array import TensorArray as TensorArray
from frontends.tf.loops.while_loop import while_loop as while_loop
from frontends.tf.networks import losses as losses
from frontends.tf.networks import nn as nn
from frontends.tf.platform import app as app
from frontends.tf.platform import compat as compat
from frontends.tf.platform import flags as flags
from frontends.tf.platform import gfile as gfile
from frontends.tf.platform import logging as logging
from frontends.tf.platform import nest as nest
from frontends.tf.platform import resource_loader as resource_loader
from frontends.tf.platform import sysconfig as sysconfig
from frontends.tf.platform.config import ConfigProto as ConfigProto
from frontends.tf.platform.config import GPUOptions as GPUOptions
from frontends.tf.platform.config import GraphOptions as GraphOptions
from frontends.tf.platform.config import OptimizerOptions as OptimizerOptions
from frontends.tf.platform.config import RunMetadata as RunMetadata
from frontends.tf.platform.config import RunOptions as RunOptions
from frontends.tf.platform.options import Options as Options
from frontends.tf.platform.options import segments as segments
from frontends.tf.platform.protos import AttrValue as AttrValue
from frontends.tf.platform.protos import Event as Event
from frontends.tf.platform.protos import GraphDef as GraphDef
from frontends.tf.platform.protos import HistogramProto as HistogramProto
from frontends.tf.platform.protos import MetaGraphDef as MetaGraphDef
from frontends.tf.platform.protos import NameAttrList as NameAttrList
from frontends.tf.platform.protos import NodeDef as NodeDef
from frontends.tf.platform.protos import SessionLog as SessionLog
from frontends.tf.platform.protos import Summary as Summary
from frontends.tf.platform.protos import SummaryMetadata as SummaryMetadata
from frontends.tf.platform.protos import TensorInfo as TensorInfo
from frontends.tf.summary.older import audio_summary as audio_summary
from frontends.tf.summary.older import histogram_summary as histogram_summary
from frontends.tf.summary.older import image_summary as image_summary
from frontends.tf.summary.older import merge_all_summaries as merge_all_summaries
from frontends.tf.summary.older import merge_summary as merge_summary
from frontends.tf.summary.older import scalar_summary as scalar_summary
from frontends.tf.variables import initializers as initializers
from frontends.tf.variables.initializers import constant_initializer as constant_initializer
from frontends.tf.variables.initializers import glorot_normal_initializer as glorot_normal_initializer
from frontends.tf.variables.initializers import glorot_uniform_initializer as glorot_uniform_initializer
from frontends.tf.variables.initializers import ones_initializer as ones_initializer
from frontends.tf.variables.initializers import orthogonal_initializer as orthogonal_initializer
from frontends.tf.variables.initializers import random_normal_initializer as random_normal_initializer
from frontends.tf.variables.initializers import random_uniform_initializer as random_uniform_initializer
from frontends.tf.variables.initializers import truncated_normal_initializer as truncated_normal_initializer
from frontends.tf.variables.initializers import uniform_unit_scaling as _uniform_unit_scaling
from frontends.tf.variables.initializers import variance_scaling_initializer as variance_scaling_initializer
from frontends.tf.variables.initializers import zeros_initializer as zeros_initializer
from frontends.tf.variables.partitioners import fixed_size_partitioner as fixed_size_partitioner
from frontends.tf.variables.partitioners import min_max_variable_partitioner as min_max_variable_partitioner
from frontends.tf.variables.partitioners import variable_axis_size_partitioner as variable_axis_size_partitioner
from frontends.tf.variables.scopes import AUTO_REUSE as AUTO_REUSE
from frontends.tf.variables.scopes import VariableScope as VariableScope
from frontends.tf.variables.scopes import get_variable_scope as get_variable_scope
from frontends.tf.variables.scopes import variable_op_scope as variable_op_scope
from frontends.tf.variables.scopes import variable_scope as variable_scope
from frontends.tf.variables.synchronization import VariableAggregation as VariableAggregation
from frontends.tf.variables.synchronization import VariableSynchronization as VariableSynchronization
from frontends.tf.variables.templates import make_template as make_template
from frontends.tf.variables.variable import Variable as Variable
from frontends.tf.variables.variable import assign as assign
from frontends.tf.variables.variable import assign_add as assign_add
from frontends.tf.variables.variable import assign_sub as assign_sub
from frontends.tf.variables.variable import count_up_to as count_up_to
from frontends.tf.variables.variable import global_variables as global_variables
from frontends.tf.variables.variable import global_variables_initializer as global_variables_initializer
from frontends.tf.variables.variable import is_variable_initialized as is_variable_initialized
from frontends.tf.variables.variable import local_variables as local_variables
from frontends.tf.variables.variable import local_variables_initializer as local_variables_initializer
from frontends.tf.variables.variable import model_variables as model_variables
from frontends.tf.variables.variable import moving_average_variables as moving_average_variables
from frontends.tf.variables.variable import report_uninitialized_variables as report_uninitialized_variables
from frontends.tf.variables.variable import trainable_variables as trainable_variables
from frontends.tf.variables.variable import variable_creator_scope as variable_creator_scope
from frontends.tf.variables.variable import variables_initializer as variables_initializer
from frontends.tf.variables.variable_getting import get_local_variable as get_local_variable
from frontends.tf.variables.variable_getting import get_variable as get_variable
from frontends.tf.variables.variable_getting import no_regularizer as no_regularizer
from frontends.tf.variables.variable_rows import batch_scatter_update as batch_scatter_update
from frontends.tf.variables.variable_rows import scatter_add as scatter_add
from frontends.tf.variables.variable_rows import scatter_div as scatter_div
from frontends.tf.variables.variable_rows import scatter_max as scatter_max
from frontends.tf.variables.variable_rows import scatter_min as scatter_min
from frontends.tf.variables.variable_rows import scatter_mul as scatter_mul
from frontends.tf.variables.variable_rows import scatter_nd_add as scatter_nd_add
from frontends.tf.variables.variable_rows import scatter_nd_sub as scatter_nd_sub
from frontends.tf.variables.variable_rows import scatter_nd_update as scatter_nd_update
from frontends.tf.variables.variable_rows import scatter_sub as scatter_sub
from frontends.tf.variables.variable_rows import scatter_update as scatter_update
from graphc import errors as errors
from graphc.ir.dtype import DType as DType
from graphc.ir.dtype import as_dtype as as_dtype
from graphc.ir.dtype import bfloat16 as bfloat16
from graphc.ir.dtype import bool_ as _bool_
from graphc.ir.dtype import complex128 as complex128
from graphc.ir.dtype import complex64 as complex64
from graphc.ir.dtype import float16 as _float16
from graphc.ir.dtype import float16 as float16
from graphc.ir.dtype import float32 as float32
from graphc.ir.dtype import float64 as _float64
from graphc.ir.dtype import float64 as float64
from graphc.ir.dtype import int16 as int16
from graphc.ir.dtype import int32 as int32
from graphc.ir.dtype import int64 as int64
from graphc.ir.dtype import int8 as int8
from graphc.ir.dtype import string as string
from graphc.ir.dtype import uint16 as uint16
from graphc.ir.dtype import uint32 as uint32
from graphc.ir.dtype import uint64 as uint64
from graphc.ir.dtype import uint8 as uint8
from graphc.ir.graph import Graph as Graph
from graphc.ir.graph import Node as _Node
from graphc.ir.graph import Tensor as Tensor
from graphc.ir.graph import default_graph as _default_graph
from graphc.ir.graph import reset_default_graph as reset_default_graph
from graphc.ops.running.custom import custom_gradient as custom_gradient
from graphc.ops.running.custom import custom_op as custom_op
from runtime.session import InteractiveSession as InteractiveSession
from runtime.session import Session as Session
from runtime.session import get_default_session as get_default_session

__version__: builtins.str
VERSION: builtins.str
NoGradient = NotDifferentiable
Operation = _Node
all_variables = global_variables
batch_cholesky = cholesky
batch_cholesky_solve = cholesky_solve
batch_fft = fft
batch_fft2d = fft2d
batch_fft3d = fft3d
batch_ifft = ifft
batch_ifft2d = ifft2d
batch_ifft3d = ifft3d
batch_matrix_band_part = matrix_band_part
batch_matrix_determinant = matrix_determinant
batch_matrix_diag = matrix_diag
batch_matrix_diag_part = matrix_diag_part
batch_matrix_inverse = matrix_inverse
batch_matrix_set_diag = matrix_set_diag
batch_matrix_solve = matrix_solve
batch_matrix_solve_ls = matrix_solve_ls
batch_matrix_transpose = matrix_transpose
batch_matrix_triangular_solve = matrix_triangular_solve
batch_self_adjoint_eig = self_adjoint_eig
batch_self_adjoint_eigvals = self_adjoint_eigvals
batch_svd = svd
bool = _bool_
concat_v2 = concat
double = _float64
get_default_graph = _default_graph
half = _float16
initialize_all_variables = global_variables_initializer
initialize_local_variables = local_variables_initializer
initialize_variables = variables_initializer
lin_space = linspace
pack = stack
print = _print_v2
reverse_v2 = reverse
tensor_scatter_add = tensor_scatter_nd_add
tensor_scatter_sub = tensor_scatter_nd_sub
tensor_scatter_update = tensor_scatter_nd_update
tuple = _grouped_tuple
uniform_unit_scaling_initializer = _uniform_unit_scaling
unpack = unstack

def abs(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def acos(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def acosh(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def add(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def asin(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def asinh(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def atan(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def atan2(y: Any, x: Any, name: builtins.str | None = ...) -> Tensor: ...
def atanh(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def betainc(a: Any, b: Any, x: Any, name: builtins.str | None = ...) -> Tensor: ...
def ceil(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def complex_abs(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def cos(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def cosh(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def digamma(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def div(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def div_no_nan(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def divide(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def equal(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def erf(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def erfc(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def exp(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def expm1(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def floor(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def floor_div(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def floordiv(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def floormod(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def greater(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def greater_equal(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def igamma(a: Any, x: Any, name: builtins.str | None = ...) -> Tensor: ...
def igammac(a: Any, x: Any, name: builtins.str | None = ...) -> Tensor: ...
def inv(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def is_finite(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def is_inf(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def is_nan(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def lbeta(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def less(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def less_equal(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def lgamma(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def log(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def log1p(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def log_sigmoid(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def logical_and(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def logical_not(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def logical_or(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def logical_xor(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def maximum(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def minimum(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def mod(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def mul(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def multiply(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def neg(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def negative(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def not_equal(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def polygamma(a: Any, x: Any, name: builtins.str | None = ...) -> Tensor: ...
def pow(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def realdiv(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def reciprocal(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def rint(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def round(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def rsqrt(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def sigmoid(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def sign(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def sin(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def sinh(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def sqrt(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def square(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def squared_difference(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def stop_gradient(input: Any, name: builtins.str | None = ...) -> Tensor: ...
def sub(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def subtract(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def tan(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def tanh(x: Any, name: builtins.str | None = ...) -> Tensor: ...
def truediv(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def truncatediv(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def truncatemod(x: Any, y: Any, name: builtins.str | None = ...) -> Tensor: ...
def zeta(x: Any, q: Any, name: builtins.str | None = ...) -> Tensor: ...
