"""What somebody gave a strategy to trade with: symbols, a part of the capital, sizes and stops.

A mandate is a wish kept over restarts; what it has become is in its orders' fills alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Symbol
from trading_system.domain.stops import StopKind
from trading_system.domain.timeframes import Timeframe

_YES = frozenset({"yes", "true", "on"})


class MandateState(StrEnum):
    """STOPPING and ENDING withdraw what is open first, and close what is held if asked to.

    FAILED stopped itself, and says why; ENDED is deleted. One that a kill has stopped is STOPPED.
    """

    STOPPED = "stopped"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"
    ENDING = "ending"
    ENDED = "ended"


class SizeKind(StrEnum):
    """What `Sizing.amount` is, for a target of 1: see there."""

    EQUITY = "equity"
    QUOTE = "quote"
    QUANTITY = "quantity"
    RISK = "risk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """How much a target of 1 is, of each symbol.

    equity: `amount` percent of the symbol's even share of the strategy's equity. quote: that much
    of the quote asset. quantity: that much of the base asset. risk: so much that the mandate's stop
    loses `amount` percent of that share. Never more than the share pays for.
    """

    kind: SizeKind = SizeKind.EQUITY
    amount: Decimal = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule:
    """A stop `distance_percent` from what an entry cost, or behind the best price since."""

    kind: StopKind
    distance_percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """A strategy by name and parameters, as texts, and what it trades.

    `capital` is in the quote asset, which all symbols share. `begins` is the open time (ms UTC) of
    the first bar that is decided at its close, set by the first start: the frame that decides
    begins `warmup` bars before, and only ever grows. `started` (ms UTC) is the last start, and
    `kills` how often trading had been killed until then: one more stops it. `reason` is why it
    failed or was stopped so, `flatten` whether it closes its position as it ends, and `waiting`
    says of symbols what they wait for.
    """

    id: UUID
    strategy: str
    symbols: tuple[Symbol, ...]
    timeframe: Timeframe
    parameters: Mapping[str, str]
    capital: Decimal
    created_at: datetime
    updated_at: datetime
    sizing: Sizing = field(default_factory=Sizing)
    stop: StopRule | None = None
    state: MandateState = MandateState.STOPPED
    begins: int | None = None
    started: int | None = None
    kills: int = 0
    warmup: int = 0
    reason: str | None = None
    flatten: bool = False
    waiting: Mapping[str, str] = field(default_factory=dict)

    @property
    def quote(self) -> str:
        """What its capital is in."""
        return self.symbols[0].quote

    def key(self, symbol: Symbol, part: str) -> str:
        """The Idempotency-Key of one of its orders; all of them begin with `prefix(id)`."""
        return f"{prefix(self.id)}{symbol}:{part}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a mandate was sized and guarded by before a change of it, at `until` in ms UTC."""

    until: int
    capital: Decimal
    sizing: Sizing
    stop: StopRule | None


def as_of(mandate: Mandate, earlier: Iterable[Terms], moment: int) -> Mandate:
    """The mandate with the terms it had at a moment, ms UTC; `earlier` are in order.

    At the moment of a change itself those of before: an order under way is what a change waits for.
    """
    for terms in earlier:
        if moment <= terms.until:
            return replace(mandate, capital=terms.capital, sizing=terms.sizing, stop=terms.stop)
    return mandate


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """The part of the account's position in a symbol that is a mandate's; negative when short."""

    mandate_id: UUID
    symbol: Symbol
    quantity: Decimal

    def key(self, part: str) -> str:
        """The Idempotency-Key of an order of it, whose fills are the mandate's then."""
        return f"{prefix(self.mandate_id)}{self.symbol}:{part}"


def prefix(mandate_id: UUID) -> str:
    """How the keys of a mandate's orders begin, which tells them from all others."""
    return f"strategy:{mandate_id.hex}:"


def check(mandate: Mandate, *, may_short: bool) -> None:
    """Raise InvalidRequest for what makes no sense whatever the market does."""
    if not mandate.symbols:
        raise InvalidRequest("a strategy needs at least one symbol")
    if len(set(mandate.symbols)) < len(mandate.symbols):
        raise InvalidRequest("a symbol is named twice")
    quotes = sorted({symbol.quote for symbol in mandate.symbols})
    if len(quotes) > 1:
        raise InvalidRequest(f"symbols of one strategy share their quote asset, not {quotes}")
    sizing, stop = mandate.sizing, mandate.stop
    if sizing.kind is SizeKind.RISK and stop is None:
        raise InvalidRequest("a size by risk needs a stop, whose distance it is counted by")
    if sizing.kind in {SizeKind.EQUITY, SizeKind.RISK} and sizing.amount > 100:  # noqa: PLR2004 -- percent
        raise InvalidRequest(f"{sizing.amount} % is more than there is")
    if stop is not None and stop.kind is StopKind.TIME:
        raise InvalidRequest("a strategy's stop is fixed or trailing")
    if not may_short and str(mandate.parameters.get("short", "no")).lower() in _YES:
        raise InvalidRequest("nothing can be sold short on a spot market: leave out short")
