"""The coefficients in the vector math are what the fitting tool prints."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from tests.tools.fit_polynomials import FITS


def coefficients_in_source(place: str) -> tuple[float, ...]:
    path, *keys = place.split()
    module, constant = path.split(".")
    found = getattr(importlib.import_module(f"runtime.devices.cpu.vector_math.{module}"), constant)
    if keys:
        found = found[keys[0] == "float64"]
    return found[int(keys[1])][2] if len(keys) > 1 else found


@pytest.mark.slow
@pytest.mark.parametrize("place", FITS)
def test_coefficients_are_those_of_the_fit(place):
    fit = FITS[place]()
    fit.solve()
    fitted = list(reversed(fit.numerator[len(fit.fixed) :]))
    dtype = np.float32 if fit.bits == 24 else np.float64
    np.testing.assert_array_equal(
        np.array(coefficients_in_source(place), dtype), np.array(fitted, dtype)
    )
