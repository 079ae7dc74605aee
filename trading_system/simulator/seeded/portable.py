"""Transcendental functions whose results do not depend on the processor.

numpy picks another implementation of exp and log for every kind of processor, and they
differ in the last of 53 bits. 24 bits are plenty for noise, and in those they agree.
"""

from __future__ import annotations

import numpy as np

from trading_system.simulator.seeded.noise import Floats


def exp(values: Floats) -> Floats:
    """As numpy.exp, in 24 bits."""
    return _rounded(np.exp(values))


def log(values: Floats) -> Floats:
    """As numpy.log, in 24 bits."""
    return _rounded(np.log(values))


def _rounded(values: Floats) -> Floats:
    return values.astype(np.float32).astype(np.float64)
