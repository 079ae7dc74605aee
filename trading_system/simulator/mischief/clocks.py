"""Clocks that are wrong: each class is one kind of rule, its docstring what a user is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkew:
    """The exchange's clock, and its market with it, is off by so many ms (ahead when positive)."""

    ms: int

    def offset(self, passed: int) -> int:  # noqa: ARG002
        return self.ms


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJump:
    """After after_seconds the exchange's clock jumps by so many ms, and stays there."""

    ms: int
    after_seconds: float = 0.0

    def offset(self, passed: int) -> int:
        """By how much it is off when so many ms have passed."""
        return self.ms if passed >= self.after_seconds * 1000 else 0
