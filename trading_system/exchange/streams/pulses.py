"""Streams that should always speak and do not: what to try, step by step. Pure.

First they are subscribed again, then their connection is renewed, then they are left alone until
they speak: a market in which nothing happens at all is silent too. One that spoke without our help
is given more time from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_CURED_WITHIN = 10.0  # seconds after a try; what speaks later does so by itself
_LONGEST_PATIENCE = 3600.0


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
        self._longer: dict[str, float] = {}

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
        for name in recovered:
            self._learn(name, heard[name] - self._silent[name].tried_at)
        self._silent = {
            name: silence
            for name, silence in self._silent.items()
            if name in heard and name not in recovered
        }
        again, renew = set(), set()
        for name, at in heard.items():
            silence, patience = self._silent.get(name), self._longer.get(name, self._patience)
            if silence is None and now - at >= patience:
                again.add(name)
                self._silent[name] = _Silence(at, now, renewed=False)
            elif silence and not silence.renewed and now - silence.tried_at >= patience:
                renew.add(name)
                self._silent[name] = _Silence(at, now, renewed=True)
        return Finding(
            subscribe_again=frozenset(again), renew=frozenset(renew), recovered=recovered
        )

    def _learn(self, name: str, seconds: float) -> None:
        """It spoke so many seconds after the last try."""
        patience = self._longer.pop(name, self._patience)
        if seconds > _CURED_WITHIN:
            self._longer[name] = min(2 * patience, _LONGEST_PATIENCE)
