"""From comparisons by bar to exposures by bar; comparisons with NaN are false."""

from __future__ import annotations

import numpy as np

from trading_system.frames import Column
from trading_system.strategies import kernels
from trading_system.strategies.kernels import Mask


def sided(above: Mask, below: Mask, *, short: bool) -> Column:
    """1 where `above`; -1 (flat without `short`) where `below`; 0 elsewhere. Shapes (n,)."""
    return above.astype(np.float64) - (below & short)


def held(enter: Mask, leave: Mask) -> Column:
    """1 from a bar that enters up to the one that leaves, which is 0; shapes (n,).

    A bar that does both enters.
    """
    out = np.empty(len(enter))
    kernels.hold(enter, leave, out)
    return out
