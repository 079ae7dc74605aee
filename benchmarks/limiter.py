"""One grant and its settling by the limiter, in µs: for data, for an order, and with neighbours.

Processor time of this thread, the median of several rounds.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import thread_time

from trading_system.exchange.budget import SharedBudget
from trading_system.resilience.limiter import Limiter
from trading_system.resilience.limits import CAUTIOUS, WEIGHT_PER_MINUTE, Cost, Priority

ROUNDS, CALLS = 15, 20_000
NOW = 1_800_000_030_000
PLENTY = dict.fromkeys(CAUTIOUS, 10**9)
TOLD = {WEIGHT_PER_MINUTE: 17}


def microseconds(call: Callable[[], object]) -> float:
    started = thread_time()
    for _ in range(CALLS):
        call()
    return (thread_time() - started) / CALLS * 1e6


def measured(limiter: Limiter, cost: Cost) -> dict[str, float]:
    def ask():
        limiter.withdraw(limiter.ask(cost, Priority.ORDERS, NOW), NOW)

    def ask_and_settle():
        grant = limiter.ask(cost, Priority.ORDERS, NOW)
        limiter.settle(grant, NOW, confirmed=TOLD)

    return {
        "ask_and_withdraw_us": round(median(microseconds(ask) for _ in range(ROUNDS)), 2),
        "ask_and_settle_us": round(median(microseconds(ask_and_settle) for _ in range(ROUNDS)), 2),
    }


def asked(limiter: Limiter, cost: Cost) -> float:
    """The grant alone; what is granted stays on its way."""
    rounds = (microseconds(lambda: limiter.ask(cost, Priority.ORDERS, NOW)) for _ in range(ROUNDS))
    return round(median(rounds), 2)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = (SharedBudget.opened(Path(folder), "http://bench") for _ in range(2))
        shared = asked(Limiter(PLENTY, neighbours=ours), Cost(2))
        Limiter(PLENTY, neighbours=theirs).ask(Cost(2), Priority.CANDLES, NOW)
        result = {
            "data_us": asked(Limiter(PLENTY), Cost(2)),
            "order_us": asked(Limiter(PLENTY), Cost(1, 1)),
            "data": measured(Limiter(PLENTY), Cost(2)),
            "order": measured(Limiter(PLENTY), Cost(1, 1)),
            "shared_with_nobody_us": shared,
            "shared_with_another_process_us": asked(Limiter(PLENTY, neighbours=ours), Cost(2)),
        }
        ours.close()
        theirs.close()
    print(json.dumps({"bench": "limiter", **result, "wanted": "a grant <= 5 us"}))


if __name__ == "__main__":
    main()
