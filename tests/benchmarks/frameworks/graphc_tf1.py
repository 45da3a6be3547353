"""graphc, through its public face only."""

from importlib.metadata import PackageNotFoundError, version

import graphc as tf
from tests.benchmarks.frameworks.tf1_program import Tf1

try:
    installed = version("graphc")
except PackageNotFoundError:
    installed = "from the checkout"

framework = Tf1(tf, installed)
