"""The venue, the clock and what streams keep up to date, as the rest of the program needs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from trading_system.domain.candles import Candle, Span
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.market import LivePrice, OrderBook, Trade
from trading_system.domain.order_lists import OrderList
from trading_system.domain.orders import Order
from trading_system.domain.positions import Equity, Position
from trading_system.domain.reports import (
    Balance,
    Replacement,
    Report,
    VenueFill,
    VenueOrder,
    VenuePosition,
)


class Clock(Protocol):
    """Reads time; `now` may jump with the wall clock, `monotonic` never does."""

    def now(self) -> datetime: ...
    def milliseconds(self) -> int: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class MarketData(Protocol):
    """Public data of a venue. Raises ExchangeError; reads are retried inside."""

    async def candles(self, symbol: Symbol, span: Span) -> list[Candle]:
        """Closed candles in the span, ascending; at most the first 1000 of the span.

        Raises UnknownSymbol when the venue lists no such symbol.
        """
        ...

    async def instruments(self) -> Mapping[Symbol, Instrument]:
        """Everything the venue lists; cached for a while."""
        ...

    async def recheck(self, symbols: Collection[Symbol]) -> None:
        """Ask again whether these can be traded; `instruments` tells it from then on."""
        ...

    async def server_time(self) -> int:
        """The venue's clock in ms UTC."""
        ...

    async def book(self, symbol: Symbol, *, levels: int) -> OrderBook:
        """A snapshot of the order book; at most 5000 levels a side."""
        ...

    async def trades(self, symbol: Symbol, *, first_id: int) -> list[Trade]:
        """Public trades from this id on, ascending, at most 1000."""
        ...


class Trading(Protocol):
    """The signed calls. `place` and `cancel` raise OutcomeUnknown when the answer got lost.

    A call may have to wait for the venue's limits. `still_wanted` is called when it no longer has
    to, right before it goes out: what it raises is passed on, and nothing was sent.
    """

    async def place(self, order: Order, *, still_wanted: Callable[[], None]) -> Report: ...
    async def cancel(self, order: Order) -> Report: ...
    async def find(self, order: Order) -> Report:
        """What the venue knows of it now, with its fills; raises OrderNotFound."""
        ...

    async def amend(self, order: Order, quantity: Decimal) -> Report:
        """Shrink what is asked for; the order keeps its place in the queue and its id.

        Raises Rejected when the venue refuses, OutcomeUnknown when the answer got lost.
        """
        ...

    async def replace(
        self, old: Order, new: Order, *, still_wanted: Callable[[], None]
    ) -> Replacement:
        """Cancel the one and place the other, the second only when the first was cancelled.

        `still_wanted` is called before each half where they are two calls. A half that was done is
        no error but told. Raises OutcomeUnknown when the answer got lost: either order may then be
        in any state.
        """
        ...

    async def balances(self) -> list[Balance]:
        """Assets with a free or locked amount."""
        ...


class OrderLists(Protocol):
    """The signed calls about orders that hang together, each about a whole list.

    What becomes of a leg later is told and looked up as of any order. Raises NotAllowed where the
    venue has no order lists.
    """

    async def place_list(
        self, order_list: OrderList, *, still_wanted: Callable[[], None]
    ) -> list[Report]:
        """One report for each leg; `still_wanted` is as of Trading.

        Raises Rejected, and OutcomeUnknown when the answer got lost.
        """
        ...

    async def cancel_list(self, order_list: OrderList) -> list[Report]:
        """Reports of the legs that were open; raises OrderNotFound when none was."""
        ...


class AccountRecords(Protocol):
    """What the venue has on record of the account, whoever placed it; all reads."""

    async def open_orders(self) -> list[VenueOrder]:
        """Every open order of the account."""
        ...

    async def orders(self, symbol: Symbol, *, since: datetime) -> list[VenueOrder]:
        """Every order of the symbol from then on, ended ones too, ascending."""
        ...

    async def fills(self, symbol: Symbol, *, since: datetime) -> list[VenueFill]:
        """Every execution of the symbol from then on, ascending."""
        ...

    async def balances(self) -> list[Balance]:
        """Assets with a free or locked amount."""
        ...


class Derivatives(Protocol):
    """What only a margin account has. Raises ExchangeError; a spot account holds no positions."""

    async def positions(self) -> list[VenuePosition]:
        """Every position that is open."""
        ...

    async def set_leverage(self, symbol: Symbol, leverage: int) -> int:
        """What the venue then says it is.

        Raises NotAllowed on spot, UnknownSymbol, and Rejected where the venue allows less.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentHealth:
    """One line of /health: `ok` or not, why, and figures worth knowing."""

    ok: bool
    detail: str = ""
    figures: Mapping[str, object] = field(default_factory=dict)


class Holdings(Protocol):
    """What is ours at this moment."""

    async def positions(self) -> list[Position]:
        """What our fills have made of each symbol ever traded here, sorted by symbol."""
        ...

    async def equity(self) -> Equity:
        """What the account is worth by the venue's balances, at most a minute old.

        Raises ExchangeError as long as the venue has not told any balances.
        """
        ...


class Live(Protocol):
    """What the streams keep up to date."""

    def prices(self) -> list[LivePrice]:
        """Every followed symbol, sorted."""
        ...

    def price(self, symbol: Symbol) -> LivePrice | None:
        """One symbol; None when it is not followed."""
        ...

    async def book(self, symbol: Symbol, *, levels: int) -> OrderBook:
        """The local book of a traded symbol while it is in sync, a snapshot of any other.

        Raises UnknownSymbol, and ExchangeError when the venue cannot be asked.
        """
        ...
