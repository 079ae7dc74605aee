"""Connections that break in one way or another.

Each class is one kind of rule: its docstring is what a user is told.
"""

from __future__ import annotations

from dataclasses import dataclass

from trading_system.simulator.interference import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Open WebSockets are cut now, without a goodbye; with seconds, new ones too while it stays."""

    def begin(self, link: Link) -> None:
        link.abort()


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfOpen:
    """Open WebSockets fall silent: no bytes, no close; new connections work."""

    def begin(self, link: Link) -> None:
        link.silent = True

    def end(self, link: Link) -> None:
        """It comes back to life."""
        link.silent = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown:
    """All WebSockets are told that the server goes away, and closed grace_seconds later."""

    grace_seconds: float = 10.0
