"""What reports say of products and convolutions, and how their machine code is shown."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import graphc as tf
from frontends.cli import main
from graphc.ir import dims
from graphc.lowering.facts import Case, holding
from graphc.report.listing import functions_of, micro_kernel
from graphc.report.report import ContractionEntry, Report
from runtime.devices.cpu import multiply


@pytest.fixture(autouse=True)
def fresh_graph():
    tf.reset_default_graph()


def product():
    x = tf.placeholder(tf.float32, ["batch", 70], name="x")
    w = tf.placeholder(tf.float32, [70, 50], name="w")
    return x, w, tf.matmul(x, w, name="y")


def report_of_product(values: bool = True) -> Report:
    x, w, y = product()
    feeds = {x: np.ones((64, 70)), w: np.ones((70, 50))} if values else None
    with tf.Session() as session:
        return session.inspect(y, feeds)


def entry(**given) -> ContractionEntry:
    known = {
        "step": 3, "kernel": "matmul_add_relu", "kind": "matmul", "blocks": 1, "dtype": "float32",
        "m": 128, "n": 512, "depth": 784, "matrices": 1, "orientation": "nn",
        "implementation": "generated", "tile": "panel 12 x 2 vectors of 16",
        "packing": {"left": "in place", "right": "packed"}, "rows": 128, "columns": 32, "parts": 1,
        "prologue": [], "epilogue": ["add", "relu"], "tasks": 16, "chunks": 8, "threads": 2,
        "workspace": 1_605_632, "flops": 102_760_448, "microseconds": 200.0, "gflops": 513.8,
    }  # fmt: skip
    return ContractionEntry(**{**known, **given})


def written(*entries: ContractionEntry, peak: dict[str, float]) -> str:
    text = str(
        Report("y:0", "/cpu:0", {}, [], [], [], 0, [], None, [], contractions=[*entries], peak=peak)
    )
    return text[text.index("contractions") : text.index("kernels (")]


def test_the_table_of_contractions(golden):
    entries = (
        entry(),
        entry(step=4, workspace=0, stack=73_728),
        entry(
            step=5, kernel="matmul_blas", orientation="tn", implementation="blas", tile="",
            packing={"left": "by BLAS", "right": "by BLAS"}, epilogue=[], workspace=0, blocks=2,
        ),
        entry(
            step=7, kernel="convolve_filter", kind="convolve filter", dtype="float64", parts=4,
            orientation="",
            gflops=None, microseconds=None, matrices=8, prologue=["mul"], threads=1,
        ),
    )  # fmt: skip
    assert written(*entries, peak={"float32": 287.2}) == golden


def test_the_table_of_contractions_without_sizes(golden):
    symbolic = entry(
        m="batch", rows="12*max(1, ((batch + 11) // 12))", tasks=None, chunks=None, threads=None,
        workspace=None, flops=None, microseconds=None, gflops=None,
    )  # fmt: skip
    assert written(symbolic, peak={}) == golden


def test_a_product_says_its_sizes_and_how_it_is_computed():
    (found,) = report_of_product().contractions
    assert (found.kind, found.dtype, found.orientation) == ("matmul", "float32", "nn")
    assert (found.m, found.n, found.depth) == (64, 50, 70)
    assert found.implementation == "generated"
    assert re.search(r"\d+ x \d+ vectors of \d+", found.tile)
    assert set(found.packing) == {"left", "right"}
    assert found.flops == 2 * 64 * 50 * 70
    assert found.tasks * found.rows * found.columns >= 64 * 50
    assert found.workspace is not None


def test_a_timed_product_says_what_share_of_the_peak_it_reached():
    report = report_of_product()
    (found,) = report.contractions
    assert found.gflops == pytest.approx(found.flops / found.microseconds / 1e3)
    assert report.peak["float32"] > 0
    assert 0 < found.of_peak(report.peak) < 1.5


def test_without_feeds_nothing_is_measured_and_sizes_are_names():
    report = report_of_product(values=False)
    (found,) = report.contractions
    assert found.m == "batch"
    assert found.chunks is None
    assert found.workspace is None
    assert report.peak == {}


def test_json_has_the_contractions():
    report = report_of_product()
    (found,) = json.loads(report.to_json())["contractions"]
    assert found["implementation"] == "generated"
    assert found["of_peak"] == report.contractions[0].of_peak(report.peak)


def test_every_orientation_is_told():
    x = tf.placeholder(tf.float32, [30, 40])
    w = tf.placeholder(tf.float32, [40, 50])
    y = tf.matmul(x, w)
    with tf.Session() as session:
        report = session.inspect(tf.gradients(tf.reduce_sum(tf.square(y)), [x, w]))
    assert sorted(e.orientation for e in report.contractions) == ["nn", "nt", "tn"]


def test_einsum_is_a_product_of_many_matrices():
    a = tf.placeholder(tf.float32, [3, 30, 40])
    b = tf.placeholder(tf.float32, [3, 40, 50])
    with tf.Session() as session:
        (found,) = session.inspect(tf.einsum("bij,bjk->bik", a, b)).contractions
    assert found.matrices == 3
    assert (found.m, found.n, found.depth) == (30, 50, 40)


def convolution(groups: int = 1) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    x = tf.placeholder(tf.float32, [2, 9, 9, 6])
    f = tf.placeholder(tf.float32, [3, 3, 6 // groups, 12])
    return x, f, tf.nn.conv2d(x, f, strides=[1, 1, 1, 1], padding="VALID")


def test_a_convolution_and_its_gradients_are_told():
    x, f, y = convolution()
    with tf.Session() as session:
        report = session.inspect([y, *tf.gradients(tf.reduce_sum(tf.square(y)), [x, f])])
    sizes = {e.kind: (e.m, e.n, e.depth, e.matrices) for e in report.contractions}
    assert sizes["convolve"] == (2 * 7 * 7, 12, 54, 1)
    assert sizes["convolve filter"] == (54, 12, 2 * 7 * 7, 1)
    assert len(report.contractions) == 3
    assert all(e.tile and e.packing for e in report.contractions)


def test_groups_are_told():
    _, _, y = convolution(groups=3)
    with tf.Session() as session:
        (found,) = session.inspect(y).contractions
    assert (found.m, found.n, found.depth, found.matrices) == (2 * 7 * 7, 4, 18, 3)


def test_a_fused_product_says_what_is_applied_to_it():
    _, _, y = product()
    with tf.Session() as session:
        (found,) = session.inspect(tf.nn.relu(y + 1.0)).contractions
    assert found.epilogue == ["add", "relu"]
    assert found.kernel == "matmul_add_relu"


def test_rows_that_crowd_a_cache_are_told_to_be_copied(monkeypatch):
    x = tf.placeholder(tf.float32, [100, 1024])
    for columns, copied in ((64, {"left": "strips"}), (32, {"left": "in place"})):
        y = tf.matmul(x, tf.placeholder(tf.float32, [1024, columns]))
        for copies in (True, False):
            monkeypatch.setattr(multiply, "copies_strips", lambda copies=copies: copies)
            with tf.Session() as session:
                (found,) = session.inspect(y).contractions
            wanted = copied if copies else {"left": "in place"}
            assert found.packing == {**wanted, "right": "packed"}


def test_of_cases_the_first_that_holds_is_told():
    m = dims.symbol("m")
    cases = (Case("packed", dims.maximum(0, m - 47)), Case("in place"))
    assert holding(cases, {"m": 48}) == "packed"
    assert holding(cases, {"m": 47}) == "in place"
    assert holding(cases, {}) == "packed or in place"


def test_the_functions_of_a_kernel_have_ir_and_assembly():
    kernel = report_of_product(values=False).kernel("matmul")
    own = kernel.functions[f"gx_{kernel.key}"]
    assert own.llvm_ir.startswith("define")
    assert own.assembly.startswith(f"gx_{kernel.key}:")
    assert all(f.llvm_ir.endswith("}") for f in kernel.functions.values())


def test_the_micro_kernel_is_the_loop_with_most_multiply_adds():
    assembly = (
        ".LBB0_1:\n\tvfmadd231ps %zmm0, %zmm1, %zmm2\n\tjne .LBB0_1\n"
        ".LBB0_2:\n\tvfmadd231ps %zmm0, %zmm1, %zmm2\n\tvfmadd231ps %zmm0, %zmm1, %zmm3\n"
        ".LBB0_3:\n\tret\n"
    )
    assert micro_kernel(assembly).splitlines()[0] == ".LBB0_2:"
    assert micro_kernel("f:\n\tret\n") == ""
    assert micro_kernel(report_of_product(values=False).kernel("matmul").assembly)


def test_listings_are_taken_apart_by_function():
    ir = 'define i64 @"f"(i64 %0) {\nret i64 0\n}\n\ndefine internal void @g() #1 {\nret void\n}\n'
    assembly = "f:\n\tcall g\n.Lfunc_end0:\n\t.section x\ng:\n\tret\n.Lfunc_end1:\n"
    found = functions_of(ir, assembly)
    assert found["g"].llvm_ir == "define internal void @g() #1 {\nret void\n}"
    assert found["f"].assembly == "f:\n\tcall g"
    assert found["g"].assembly == "g:\n\tret"


def test_a_kernel_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(LookupError, match="no kernel 'convolve'; there are matmul"):
        report_of_product(values=False).kernel("convolve")


SCRIPT = """
import numpy as np

import graphc as tf

tf.reset_default_graph()
x = tf.placeholder(tf.float32, [None, 70])
y = tf.exp(tf.matmul(x, tf.ones([70, 50])))
with tf.Session() as sess:
    sess.run(y, {x: np.ones([64, 70])})
"""


@pytest.mark.parametrize(
    ("flag", "shown"),
    [("--ir", "source_filename"), ("--assembly", "\tret"), ("--micro-kernels", "micro-kernel of")],
)
def test_the_command_shows_native_code(flag, shown, tmp_path, capsys):
    script = tmp_path / "small.py"
    script.write_text(SCRIPT)
    assert main(["inspect", flag, "--kernel", "matmul*", str(script)]) == 0
    text = capsys.readouterr().out
    native = text[text.index("cache: hits") :]
    assert shown in native
    assert "of fused_exp" not in native
