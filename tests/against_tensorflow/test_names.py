"""Every provided function that gives tensors has cases."""

from __future__ import annotations

from typing import Any

from frontends.tf.names.missing import resolve
from tests.against_tensorflow.test_against_tensorflow import FAMILIES, cases_of
from tests.frontends.test_signatures import recorded

# A function, or a module of them, and why it has no cases: of each line, for what stands before.
WITHOUT_CASES = {
    "gives no tensors": (
        "NoGradient add_to_collection add_to_collections all_variables as_dtype colocate_with "
        "container control_dependencies device dimension_at_index dimension_value "
        "disable_eager_execution disable_v2_behavior executing_eagerly fixed_size_partitioner "
        "get_collection get_collection_ref get_default_graph get_default_session get_seed "
        "get_variable_scope init_scope local_variables losses.add_loss make_ndarray "
        "make_template make_tensor_proto min_max_variable_partitioner model_variables "
        "moving_average_variables name_scope no_regularizer op_scope random.set_random_seed "
        "reset_default_graph signal.inverse_stft_window_fn trainable_variables "
        "variable_axis_size_partitioner variable_creator_scope variable_op_scope "
        "flags gfile io.gfile io.write_graph logging resource_loader sysconfig test errors app "
        "nest graph_util compat contrib summary"
    ),
    "makes variables, or reads them: tests/frontends": (
        "assert_variables_initialized count_up_to get_local_variable get_variable "
        "global_variables_initializer initialize_local_variables initialize_variables "
        "initializers report_uninitialized_variables train"
    ),
    "is what a case is made of": "gradients placeholder sparse_placeholder",
    "takes a Python function": "custom_gradient numpy_function py_func py_function",
    "takes functions of tensors: tests/programs, where whole programs are compared": (
        "case cond foldl foldr map_fn nn.bidirectional_dynamic_rnn nn.dynamic_rnn "
        "nn.raw_rnn nn.static_bidirectional_rnn nn.static_rnn nn.static_state_saving_rnn scan "
        "switch_case while_loop"
    ),
    "prints, or tells the time": "print timestamp",
    "looks at the whole graph": "add_check_numerics_ops",
    "another name, with its own function, of one that has cases": (
        "arg_max arg_min linalg.eigh nn.sigmoid nn.tanh sparse.mask"
    ),
    "takes IndexedSlices or gives the tensor back": (
        "convert_to_tensor_or_indexed_slices convert_to_tensor_or_sparse_tensor"
    ),
    "not in TensorFlow 1.15, or needs a distribution strategy there": (
        "nn.compute_average_loss nn.scale_regularization_loss"
    ),
    "tested against SciPy or NumPy by the registry": (
        "math.bessel_i0 math.bessel_i1 math.reciprocal_no_nan sparse.eye"
    ),
}
EXPLAINED = {name: reason for reason, names in WITHOUT_CASES.items() for name in names.split()}


def test_every_function_has_cases():
    assert sorted(without_cases()) == []


def test_what_has_no_cases_exists():
    assert [name for name in EXPLAINED if provided(name) is None] == []


def without_cases() -> set[str]:
    """Provided functions of TF1 that no case calls, under any of their names."""
    called = {case.name for family in FAMILIES for case in cases_of(family).values()}
    covered = {id(found) for name in called if (found := provided(name)) is not None}
    missing: dict[int, list[str]] = {}
    for name, _ in recorded():
        found = provided(name)
        if callable(found) and not isinstance(found, type) and id(found) not in covered:
            missing.setdefault(id(found), []).append(name)
    return {names[0] for names in missing.values() if not any(map(explained, names))}


def explained(name: str) -> bool:
    return any(name == known or name.startswith(f"{known}.") for known in EXPLAINED)


def provided(name: str) -> Any:
    try:
        return resolve(name)
    except AttributeError:
        return None
