"""One call through the breaker, permit and outcome, in µs.

Processor time of this thread, the median of several rounds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from statistics import median
from time import thread_time

from trading_system.resilience.breaker import Breaker, BreakerPolicy

ROUNDS, CALLS = 15, 50_000


def microseconds(call: Callable[[], object]) -> float:
    started = thread_time()
    for _ in range(CALLS):
        call()
    return (thread_time() - started) / CALLS * 1e6


def typical(call: Callable[[], object]) -> float:
    return round(median(microseconds(call) for _ in range(ROUNDS)), 2)


def main() -> None:
    breaker = Breaker(BreakerPolicy(), lambda *_: None)
    failing = Breaker(BreakerPolicy(rest=0.0), lambda *_: None)
    refusing = Breaker(BreakerPolicy(failures=1), lambda *_: None)
    refusing.failed(refusing.admit(0.0), 0.0, "down")
    result = {
        "answered_us": typical(lambda: breaker.succeeded(breaker.admit(1.0))),
        "failed_us": typical(lambda: failing.failed(failing.admit(1.0), 1.0, "down")),
        "refused_us": typical(lambda: refusing.admit(1.0)),
    }
    print(json.dumps({"bench": "breaker", **result, "wanted": "a call <= 5 us"}))


if __name__ == "__main__":
    main()
