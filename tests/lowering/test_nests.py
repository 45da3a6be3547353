# ruff: noqa: E501  (a node of the text form is one line)
"""Kernels as text: what each kind of group becomes."""

from __future__ import annotations

import pytest

from tests.lowering.lowered import lowered

GRAPHS = {
    "axes_that_every_access_sees_as_one_collapse": """
        graph g(x: float32[n, m, 4]) -> y
          %a = exp(%x) : float32[n, m, 4]
          %y = neg(%a) : float32[n, m, 4]
    """,
    "a_broadcast_row_keeps_two_axes": """
        graph g(x: float32[n, m], b: float32[m]) -> y
          %a = add(%x, %b) : float32[n, m]
          %y = relu(%a) : float32[n, m]
    """,
    "softmax_is_one_kernel_of_three_passes": """
        graph g(x: float32[n, m]) -> y
          %m = reduce_max(%x, axis=(1,), keepdims=True) : float32[n, 1]
          %d = sub(%x, %m) : float32[n, m]
          %e = exp(%d) : float32[n, m]
          %s = reduce_sum(%e, axis=(1,), keepdims=True) : float32[n, 1]
          %y = realdiv(%e, %s) : float32[n, m]
    """,
    "a_costly_value_read_in_a_later_pass_goes_through_a_workspace": """
        graph g(x: float32[n, m]) -> y
          %e = exp(%x) : float32[n, m]
          %s = reduce_sum(%e, axis=(1,), keepdims=True) : float32[n, 1]
          %q = realdiv(%e, %s) : float32[n, m]
          %y = reduce_max(%q, axis=(1,)) : float32[n]
    """,
    "a_row_kept_for_the_last_pass_is_not_overwritten_by_an_output_of_an_earlier_one": """
        graph g(x: float32[m]) -> a, y
          %e = exp(%x) : float32[m]
          %s = reduce_min(%e, keepdims=True) : float32[1]
          %a = mul(%x, %s) : float32[m]
          %q = equal(%e, %s) : bool[m]
          %c = cast(%q, dtype=float32) : float32[m]
          %n = reduce_sum(%c, keepdims=True) : float32[1]
          %d = realdiv(%c, %n) : float32[m]
          %y = mul(%d, %e) : float32[m]
    """,
    "leading_axes_are_reduced_along_contiguous_columns": """
        graph g(x: float32[n, m]) -> y, s
          %y = neg(%x) : float32[n, m]
          %s = reduce_sum(%y, axis=(0,)) : float32[m]
    """,
    "moments_normalise_in_one_kernel": """
        graph g(x: float32[n, m]) -> y
          %s = reduce_sum(%x, axis=(1,), keepdims=True) : float32[n, 1]
          %d = sub(%x, %s) : float32[n, m]
          %q = square(%d) : float32[n, m]
          %v = reduce_sum(%q, axis=(1,), keepdims=True) : float32[n, 1]
          %r = rsqrt(%v) : float32[n, 1]
          %y = mul(%d, %r) : float32[n, m]
    """,
    "a_transpose_reads_its_operand_in_place": """
        graph g(x: float32[n, m]) -> y
          %t = transpose(%x, perm=(1, 0)) : float32[m, n]
          %y = exp(%t) : float32[m, n]
    """,
    "a_partial_reduction_folds_chunks": """
        graph g(x: float32[n]) -> y
          %q = square(%x) : float32[n]
          %p = partial_reduce(%q, axis=(0,), chunk=64, initial=0, word='accumulate') : float32[(n + 63) // 64]
          %y = reduce_sum(%p) : float32[]
    """,
    "a_dying_temporary_is_overwritten_in_place": """
        graph g(x: float32[n, m], w: float32[k, m]) -> z
          %a = concat(%x, %w, axis=0) : float32[n + k, m]
          %y = exp(%a) : float32[n + k, m]
          %z = concat(%y, %w, axis=0) : float32[n + 2*k, m]
    """,
    "an_assign_updates_its_variable_in_place": """
        graph g(d: float32[3]) -> ^up
          %w = variable(key='w') : float32[3]
          %s = sub(%w, %d) : float32[3]
          %up = assign(%w, %s) : float32[3]
    """,
    "updates_of_equal_structure_are_one_launch": """
        graph g(d: float32[3], e: float32[2, 4]) -> ^a, ^b
          %w = variable(key='w') : float32[3]
          %v = variable(key='v') : float32[2, 4]
          %s = sub(%w, %d) : float32[3]
          %t = sub(%v, %e) : float32[2, 4]
          %a = assign(%w, %s) : float32[3]
          %b = assign(%v, %t) : float32[2, 4]
    """,
    "matmul_of_a_transposed_operand": """
        graph g(x: float32[n, k], w: float32[m, k]) -> y
          %y = matmul(%x, %w, transpose_b=True) : float32[n, m]
    """,
    "a_second_reader_over_other_axes_is_declined": """
        graph g(x: float32[n, m]) -> r, c
          %e = exp(%x) : float32[n, m]
          %r = reduce_sum(%e, axis=(1,)) : float32[n]
          %c = reduce_sum(%e, axis=(0,)) : float32[m]
    """,
}


@pytest.mark.parametrize("name", GRAPHS)
def test_lowering(name: str, golden: object) -> None:
    assert lowered(GRAPHS[name]) == golden
