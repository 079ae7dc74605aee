"""A question to an endpoint, and the readers that several endpoints share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, TypeVar

from trading_system.simulator.arguments import Arguments, invalid, required
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.model import Refused, SymbolRules

Row = TypeVar("Row")

_MINUTE = 60_000
_DAY = 1_440 * _MINUTE
_ZONE = re.compile(r"([+-]?)(\d{1,2})(?::([0-5]\d))?\Z", re.ASCII)
_EARLIEST_ZONE, _LATEST_ZONE = -12 * 60, 14 * 60


class SymbolStatus(StrEnum):
    """What symbolStatus may ask for."""

    TRADING = "TRADING"
    HALT = "HALT"
    BREAK = "BREAK"


class Request(NamedTuple):
    """Asked at `now`, ms UTC; `account` is that of the key, empty where nobody signed."""

    exchange: Exchange
    arguments: Arguments
    now: int
    account: str = ""

    def rules(self) -> SymbolRules:
        """Those of the mandatory parameter `symbol`."""
        return self.exchange.rules(required("symbol", self.arguments.symbol()))

    def status(self) -> SymbolStatus | None:
        return self.arguments.choice(
            "symbolStatus", SymbolStatus, Refused(-1122, "Invalid symbolStatus.")
        )

    def named(self) -> list[SymbolRules] | None:
        """Those of `symbol` or `symbols`; None when neither was sent, -1128 when both were."""
        symbol, symbols = self.arguments.symbol(), self.arguments.symbols()
        if symbol is not None and symbols is not None:
            raise combination()
        if symbol is not None:
            return [self.exchange.rules(symbol)]
        return None if symbols is None else [self.exchange.rules(name) for name in symbols]

    def listed(self, status: SymbolStatus | None) -> list[SymbolRules]:
        """Everything that is listed and has this status, or any."""
        everything = self.exchange.feed.symbols.values()
        return [rules for rules in everything if status in {None, rules.status}]

    def span(self) -> tuple[int | None, int | None]:
        """Times startTime and endTime in ms, either may be missing."""
        arguments = self.arguments
        return arguments.moment("startTime", self.now), arguments.moment("endTime", self.now)

    def span_of_a_day(self) -> tuple[int | None, int | None]:
        """The same; -1127 when they are more than 24 hours apart."""
        start, end = self.span()
        if start is not None and end is not None and end - start > _DAY:
            raise Refused(-1127, "More than 24 hours between startTime and endTime.")
        return start, end

    def utc_offset(self) -> int:
        """Parameter timeZone, such as 8, -1:00 or 05:45, in ms; from -12:00 to +14:00."""
        text = self.arguments.text("timeZone")
        if text is None:
            return 0
        match = _ZONE.match(text)
        if match is None:
            raise invalid("timeZone")
        sign, hours, minutes = match.groups(default="0")
        offset = int(hours) * 60 + int(minutes)
        offset = -offset if sign == "-" else offset
        if not _EARLIEST_ZONE <= offset <= _LATEST_ZONE:
            raise invalid("timeZone")
        return offset * _MINUTE

    def limit(self) -> int:
        """How many rows: 500 unless told, 1000 at most."""
        return self.arguments.limit(default=500, largest=1_000)


def require_status(rules: SymbolRules, status: SymbolStatus | None) -> None:
    """Raise Refused when a single symbol is not in the status that was asked for."""
    if status is not None and rules.status != status:
        raise Refused(-1220, "The symbol's status does not match the requested symbolStatus.")


def combination() -> Refused:
    """Parameters that do not go together."""
    return Refused(-1128, "Combination of optional parameters invalid.")


def is_within(time: int, span: tuple[int | None, int | None]) -> bool:
    """Both ends included; a missing end is open."""
    start, end = span
    return (start is None or time >= start) and (end is None or time <= end)


def page(rows: Sequence[Row], limit: int, *, from_oldest: bool) -> Sequence[Row]:
    """The first rows or the last ones, ascending either way."""
    return rows[:limit] if from_oldest else rows[-limit:]
