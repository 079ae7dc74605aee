"""From comparisons by bar to exposures by bar; comparisons with NaN are false."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_system.frames import Column

Mask = NDArray[np.bool_]


def sided(above: Mask, below: Mask, *, short: bool) -> Column:
    """1 where `above`; -1 (flat without `short`) where `below`; 0 elsewhere. Shapes (n,)."""
    return above.astype(np.float64) - (below & short)


def held(enter: Mask, leave: Mask) -> Column:
    """1 from a bar that enters up to the one that leaves, which is 0; shapes (n,).

    A bar that does both enters.
    """
    told = np.where(enter | leave, np.arange(len(enter)), -1)
    last = np.maximum.accumulate(told)
    return np.where(last >= 0, enter[last], 0.0) if len(enter) else np.zeros(0)
