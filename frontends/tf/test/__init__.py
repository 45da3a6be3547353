"""``tf.test``: test cases that know tensors and sessions, and gradients checked by differences."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import unittest
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from unittest import mock

from frontends.tf.test.benchmark import Benchmark
from frontends.tf.test.decorators import (
    deprecated_graph_mode_only,
    disable_xla,
    run_all_in_deprecated_graph_mode_only,
    run_all_in_graph_and_eager_modes,
    run_deprecated_v1,
    run_in_graph_and_eager_modes,
    run_v1_only,
)
from frontends.tf.test.gradient_checker import compute_gradient, compute_gradient_error
from frontends.tf.test.test_case import StubOutForTesting, TestCase

TensorFlowTestCase = TestCase  # its name in tf.python.framework.test_util
googletest = sys.modules[__name__]

__all__ = [
    "Benchmark", "StubOutForTesting", "TensorFlowTestCase", "TestCase", "assert_equal_graph_def",
    "benchmark_config", "compute_gradient", "compute_gradient_error",
    "deprecated_graph_mode_only", "disable_xla", "get_temp_dir", "gpu_device_name",
    "is_built_with_cuda", "is_built_with_gpu_support", "is_built_with_rocm", "is_built_with_xla",
    "is_gpu_available", "main", "mock", "run_all_in_deprecated_graph_mode_only",
    "run_all_in_graph_and_eager_modes", "run_deprecated_v1", "run_in_graph_and_eager_modes",
    "run_v1_only", "test_src_dir_path",
]  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tests of the program, after its flags were read.

    >>> if __name__ == "__main__":
    ...     tf.test.main()
    """
    from frontends.tf.platform import flags

    words = list(argv) if argv is not None else sys.argv
    unittest.main(module="__main__", argv=flags.FLAGS(words, known_only=True))


@lru_cache(maxsize=1)
def get_temp_dir() -> str:
    """A folder for this process, gone when it ends (``TEST_TMPDIR`` names another, which stays)."""
    given = os.environ.get("TEST_TMPDIR")
    if given:
        os.makedirs(given, exist_ok=True)
        return given
    made = tempfile.mkdtemp(prefix="graphc_test_")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def test_src_dir_path(relative_path: str) -> str:
    """A path beside the program's own file."""
    return os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), relative_path)


test_src_dir_path.__test__ = False  # type: ignore[attr-defined]  # it is no test


def is_gpu_available(
    cuda_only: bool = False, min_cuda_compute_capability: tuple[int, int] | None = None
) -> bool:
    """Whether runs can be on a GPU."""
    return bool(gpu_device_name())


def gpu_device_name() -> str:
    """``/device:GPU:0``, or nothing where there is none."""
    from runtime.session import DEVICES

    return "/device:GPU:0" if "gpu" in DEVICES else ""


def is_built_with_cuda() -> bool:
    """Whether there is a device for CUDA."""
    return bool(gpu_device_name())


is_built_with_gpu_support = is_built_with_cuda


def is_built_with_rocm() -> bool:
    """False: there is no device for ROCm."""
    return False


def is_built_with_xla() -> bool:
    """False: graphc has its own compiler."""
    return False


def benchmark_config() -> Any:
    """The options benchmarks run under."""
    from frontends.tf.platform.config import ConfigProto

    return ConfigProto()


def assert_equal_graph_def(
    actual: Any, expected: Any, checkpoint_v2: bool = False, hash_table_shared_name: bool = False
) -> None:
    """AssertionError unless two ``tf.GraphDef`` have the same nodes; their order does not
    count."""
    one, other = ({node.name: node for node in given.node} for given in (actual, expected))
    for name in sorted({*one, *other}):
        if name not in one:
            raise AssertionError(f"node {name!r} is expected and missing")
        if name not in other:
            raise AssertionError(f"node {name!r} is not expected")
        if one[name] != other[name]:
            raise AssertionError(
                f"node {name!r} differs\nactual:\n{one[name]}expected:\n{other[name]}"
            )


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import missing

    raise missing("test", name, __all__)
