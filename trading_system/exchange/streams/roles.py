"""Which connection carries which symbols, and which streams it needs for them. Pure.

A connection carries at most 1,024 streams; symbols stay where they are as long as they are
followed, so that one more of them does not move all the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from trading_system.domain.instruments import Symbol
from trading_system.exchange.streams.market_frames import BOOK, CANDLE, QUOTE, TICKER, TRADE, Kind

EXECUTION = "execution"
MONITORING = "monitoring"
STANDBY = "standby"

Kinds = Mapping[str, tuple[Kind, ...]]
"""The streams that EXECUTION and MONITORING need of each symbol."""


class Road(NamedTuple):
    """Streams that go over the same connections, dialled at `path` under the root of streams.

    `label` tells its connections from those of another road.
    """

    label: str
    path: str
    kinds: Kinds


SPOT_ROAD = Road(
    label="",
    path="",
    kinds={EXECUTION: (TRADE, QUOTE, BOOK, CANDLE, TICKER), MONITORING: (CANDLE, QUOTE, TICKER)},
)
_MOST_STREAMS = 1_000

Roles = dict[str, frozenset[Symbol]]
"""Symbols by role: execution, monitoring, and more of each ("monitoring 2") as needed."""


def assign(
    before: Mapping[str, frozenset[Symbol]],
    wanted: Mapping[str, frozenset[Symbol]],
    kinds: Kinds = SPOT_ROAD.kinds,
) -> Roles:
    """Spread the symbols wanted for EXECUTION and MONITORING over connections of each."""
    return {
        role: symbols
        for family in (EXECUTION, MONITORING)
        for role, symbols in _spread(family, before, wanted[family], len(kinds[family])).items()
    }


def wanted(monitored: Collection[Symbol], traded: Collection[Symbol]) -> Roles:
    """What is traded needs everything; what is only monitored needs less."""
    executed = frozenset(traded)
    return {EXECUTION: executed, MONITORING: frozenset(monitored) - executed}


def kinds(role: str, of: Kinds = SPOT_ROAD.kinds) -> tuple[Kind, ...]:
    """The streams this role needs of each of its symbols."""
    return of[role.partition(" ")[0]]


def _spread(
    family: str,
    before: Mapping[str, frozenset[Symbol]],
    symbols: frozenset[Symbol],
    streams: int,
) -> Roles:
    """`streams` is how many each symbol needs."""
    room = _MOST_STREAMS // streams
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
