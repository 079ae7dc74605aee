"""How long to wait before asking again. Pure arithmetic: it neither sleeps nor asks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass


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
        source = random.Random(seed)
        delay = self.first
        for _ in range(self.attempts - 1):
            yield min(delay, self.cap) * (1 - self.jitter * source.random())
            delay *= 2
