"""How long to wait before asking again. Pure arithmetic: it neither sleeps nor asks.

What may be asked again at all is for the caller to name.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff with full jitter downwards: 1, 2, 4, 8 ... seconds, each at most `cap`.

    `attempts` counts every try, the first included. `jitter` 0.2 takes up to 20 % off each delay,
    so that many waiters do not come back in step.
    """

    attempts: int = 4
    first: float = 1.0
    cap: float = 30.0
    jitter: float = 0.2

    def delays(self, seed: int | None = None) -> Iterator[float]:
        """The pauses between the tries, in seconds: one fewer than `attempts`."""
        return islice(self.endless(seed), self.attempts - 1)

    def endless(self, seed: int | None = None) -> Iterator[float]:
        """The same pauses without an end, whatever `attempts` says."""
        source = random.Random(seed)
        delay = min(self.first, self.cap)
        while True:
            yield delay * (1 - self.jitter * source.random())
            delay = min(delay * 2, self.cap)


class Backoff:
    """Pauses for somebody who never gives up, such as a stream: growing until a success."""

    def __init__(self, policy: RetryPolicy, seed: int | None = None) -> None:
        self._policy = policy
        self._seed = seed
        self._delays = policy.endless(seed)

    def next(self, told: float = 0.0) -> float:
        """Seconds until the next try; never less than the venue `told` us to wait."""
        return max(next(self._delays), told)

    def reset(self) -> None:
        """It worked: the next failure waits for the first pause again."""
        self._delays = self._policy.endless(self._seed)
