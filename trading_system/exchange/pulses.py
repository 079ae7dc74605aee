"""Streams that should always speak and do not: what to try, step by step. Pure.

First they are subscribed again, then their connection is renewed, then they are left alone until
they speak: a market in which nothing happens at all is silent too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What to do now; `recovered` tells when each was last heard before it fell silent."""

    subscribe_again: frozenset[str] = frozenset()
    renew: frozenset[str] = frozenset()
    recovered: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Silence:
    last_heard: float
    tried_at: float
    renewed: bool


class Pulses:
    """Times in monotonic seconds; a stream is silent after `patience` of them."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._silent: dict[str, _Silence] = {}

    def __len__(self) -> int:
        return len(self._silent)

    def forget(self) -> None:
        """Begin anew, as with a new connection."""
        self._silent.clear()

    def check(self, heard: Mapping[str, float], now: float) -> Finding:
        """Given when each stream was last heard (or subscribed first)."""
        recovered = {
            name: silence.last_heard
            for name, silence in self._silent.items()
            if name in heard and heard[name] > silence.last_heard
        }
        self._silent = {
            name: silence
            for name, silence in self._silent.items()
            if name in heard and name not in recovered
        }
        again, renew = set(), set()
        for name, at in heard.items():
            silence = self._silent.get(name)
            if silence is None and now - at >= self._patience:
                again.add(name)
                self._silent[name] = _Silence(at, now, renewed=False)
            elif silence and not silence.renewed and now - silence.tried_at >= self._patience:
                renew.add(name)
                self._silent[name] = _Silence(at, now, renewed=True)
        return Finding(
            subscribe_again=frozenset(again), renew=frozenset(renew), recovered=recovered
        )
