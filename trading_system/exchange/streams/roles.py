"""Which connection carries which symbols, and which streams it needs for them. Pure.

A connection carries at most 1,024 streams; symbols stay where they are as long as they are
followed, so that one more of them does not move all the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from trading_system.domain.instruments import Symbol
from trading_system.exchange.streams.market_frames import BOOK, CANDLE, QUOTE, TICKER, TRADE, Kind

EXECUTION = "execution"
MONITORING = "monitoring"
STANDBY = "standby"

_KINDS = {
    EXECUTION: (TRADE, QUOTE, BOOK, CANDLE, TICKER),
    MONITORING: (CANDLE, QUOTE, TICKER),
}
_MOST_STREAMS = 1_000

Roles = dict[str, frozenset[Symbol]]
"""Symbols by role: execution, monitoring, and more of each ("monitoring 2") as needed."""


def assign(
    before: Mapping[str, frozenset[Symbol]], wanted: Mapping[str, frozenset[Symbol]]
) -> Roles:
    """Spread the symbols wanted for EXECUTION and MONITORING over connections of each."""
    return {
        role: symbols
        for family in (EXECUTION, MONITORING)
        for role, symbols in _spread(family, before, wanted[family]).items()
    }


def wanted(monitored: Collection[Symbol], traded: Collection[Symbol]) -> Roles:
    """What is traded needs everything; what is only monitored needs less."""
    executed = frozenset(traded)
    return {EXECUTION: executed, MONITORING: frozenset(monitored) - executed}


def kinds(role: str) -> tuple[Kind, ...]:
    """The streams this role needs of each of its symbols."""
    return _KINDS[role.partition(" ")[0]]


def _spread(
    family: str, before: Mapping[str, frozenset[Symbol]], symbols: frozenset[Symbol]
) -> Roles:
    room = _MOST_STREAMS // len(_KINDS[family])
    spread: Roles = {}
    left = symbols
    for role in (role for role in before if role.partition(" ")[0] == family):
        spread[role] = before[role] & symbols
        left -= spread[role]
    waiting = sorted(left)
    for role in _names(family):
        held = spread.get(role, frozenset())
        free = room - len(held)
        spread[role] = held | frozenset(waiting[:free])
        waiting = waiting[free:]
        if not waiting:
            return {role: held for role, held in spread.items() if held or role == family}
    raise ValueError(f"more symbols than connections for them: {len(symbols)}")


def _names(family: str) -> list[str]:
    return [family, *(f"{family} {number}" for number in range(2, 100))]
