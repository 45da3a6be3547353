"""graphc, through its public face only."""

import graphc as tf
from tests.benchmarks.frameworks.tf1_program import Tf1

framework = Tf1(tf, tf.__version__)
