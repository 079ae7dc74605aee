"""A process that makes one comparison: `python -m trading_system.trader.parity_worker`.

What to do comes pickled through stdin from its parent, what came of it goes back through stdout.
"""

from __future__ import annotations

import os
import pickle
import sys

from trading_system.domain.errors import TradingError


def main() -> None:
    """Do what stands on stdin."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # whatever is printed is no answer of ours
        work = pickle.load(sys.stdin.buffer)  # noqa: S301 -- our own parent's
        try:
            result = work()
        except TradingError as error:
            result = error
        pickle.dump(result, answers)


if __name__ == "__main__":
    main()
