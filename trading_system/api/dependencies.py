"""What the routes see of the system, and how a request's own values are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Protocol
from uuid import UUID

import numpy as np
from fastapi import Depends, Header, Path, Query, Request
from numpy.typing import NDArray

from trading_system.api.scalars import Instant
from trading_system.domain.candles import Span
from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.mandates import Mandate, Sizing, StopRule
from trading_system.domain.order_lists import OrderList, OrderListRequest
from trading_system.domain.orders import Order, OrderRequest
from trading_system.domain.portfolio import Portfolio as PortfolioSummary
from trading_system.domain.portfolio import Valued
from trading_system.domain.positions import Equity
from trading_system.domain.reconciliations import Reconciliation
from trading_system.domain.stops import Stop, StopWish
from trading_system.domain.timeframes import Timeframe
from trading_system.domain.venues import VenueReport
from trading_system.event_log import EventLog
from trading_system.execution.safety import Safety
from trading_system.ports import (
    Backfill,
    Clock,
    ComponentHealth,
    DecisionRepository,
    Derivatives,
    Live,
    OrderRepository,
    PriceRepository,
    ReconciliationRepository,
    RegisteredSymbol,
    SymbolRepository,
    Trading,
)
from trading_system.research.backtest_queue import BacktestQueue
from trading_system.trader.parity import Parity
from trading_system.trader.views import Story, StrategyView

_START, _END = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


class Registration(Protocol):
    """A symbol just registered and the job that fetches its past."""

    @property
    def registered(self) -> RegisteredSymbol: ...
    @property
    def backfill(self) -> Backfill: ...


class Registry(Protocol):
    """Which symbols are collected; raises UnknownSymbol, AlreadyRegistered, NotRegistered."""

    async def register(self, symbol: Symbol, /) -> Registration: ...
    async def deactivate(self, symbol: Symbol, /) -> RegisteredSymbol: ...
    async def backfill(self, symbol: Symbol, span: Span, /) -> Backfill: ...


class Jobs(Protocol):
    """Backfill jobs by id; raises NotFound."""

    async def get(self, job_id: UUID, /) -> Backfill: ...


class Prices(PriceRepository, Protocol):
    """Prices, also as an array of shape (n, 6) whose columns are those of Candle."""

    async def columns(
        self, symbol: Symbol, span: Span, timeframe: Timeframe, /
    ) -> NDArray[np.float64]: ...


class Desk(Protocol):
    """The one door for orders: a venue's refusal and an unknown outcome are states of the order."""

    async def place(
        self, request: OrderRequest, key: str | None = None, /, *, conform: bool = False
    ) -> Order: ...

    async def place_list(
        self, request: OrderListRequest, key: str | None = None, /
    ) -> OrderList: ...

    async def modify(
        self, order_id: UUID, /, *, price: Decimal | None = None, quantity: Decimal | None = None
    ) -> Order: ...


class Listing(Protocol):
    """What the venue that trades lists; raises ExchangeError while it cannot be asked."""

    async def instruments(self) -> Mapping[Symbol, Instrument]: ...


class Adviser(Protocol):
    """What to change about an order that the venue refused."""

    async def advice(self, order: Order, /) -> str | None: ...


class OrderLists(Protocol):
    """Lists by id; both raise NotFound, cancelling also ExchangeError."""

    async def get(self, list_id: UUID, /) -> OrderList: ...
    async def cancel(self, list_id: UUID, /) -> OrderList: ...


class Canceller(Protocol):
    """Cancels; raises NotFound, and ExchangeError when the venue could not be asked."""

    async def cancel(self, order_id: UUID, /) -> Order: ...


class Reconciler(Protocol):
    """Compares everything with the venue; raises NotAllowed without keys, and ExchangeError."""

    async def reconcile(self) -> Reconciliation: ...


class Portfolio(Protocol):
    """What we hold and what it is worth; raises ExchangeError when the venue cannot be asked."""

    async def valued(self) -> Sequence[Valued]: ...
    async def summary(self) -> PortfolioSummary: ...
    async def history(
        self, start: int | None, end: int | None, /, *, points: int
    ) -> Sequence[Equity]: ...


class Stops(Protocol):
    """Stop losses; raises NotFound, and InvalidRequest for a wish that cannot be met."""

    async def guard(self, wish: StopWish, /) -> Stop: ...
    async def cancel(self, stop_id: UUID, /) -> Stop: ...
    async def get(self, stop_id: UUID, /) -> Stop: ...
    async def all(self, *, symbol: Symbol | None = None, limit: int = 500) -> Sequence[Stop]: ...


class StrategyViews(Protocol):
    """How strategies stand; raises NotFound."""

    @property
    def decisions(self) -> DecisionRepository: ...
    async def get(self, mandate_id: UUID, /) -> StrategyView: ...
    async def all(self) -> Sequence[StrategyView]: ...
    async def of(self, mandate: Mandate, /) -> StrategyView: ...
    async def story(self, mandate_id: UUID, symbol: Symbol | None, /, *, bars: int) -> Story: ...


class Strategies(Protocol):
    """Strategies that trade; raises NotFound, NotAllowed, and InvalidRequest."""

    @property
    def views(self) -> StrategyViews: ...
    async def create(self, mandate: Mandate, /) -> Mandate: ...
    async def start(self, mandate_id: UUID, /) -> Mandate: ...
    async def stop(self, mandate_id: UUID, /, *, flatten: bool = False) -> Mandate: ...
    async def delete(self, mandate_id: UUID, /, *, flatten: bool = False) -> Mandate: ...
    async def change(
        self,
        mandate_id: UUID,
        /,
        *,
        capital: Decimal | None = None,
        sizing: Sizing | None = None,
        stop: StopRule | None = None,
    ) -> Mandate: ...


class Parities(Protocol):
    """Strategies beside a backtest; raises NotFound, InvalidRequest and ConfigurationError."""

    async def of(self, mandate_id: UUID, /, *, fee: float) -> Sequence[Parity]: ...


class Parts(Protocol):
    """The running system, as far as the API speaks to it."""

    @property
    def clock(self) -> Clock: ...
    @property
    def symbols(self) -> SymbolRepository: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def backfills(self) -> Jobs: ...
    @property
    def prices(self) -> Prices: ...
    @property
    def orders(self) -> OrderRepository: ...
    @property
    def listing(self) -> Listing: ...
    @property
    def desk(self) -> Desk: ...
    @property
    def adviser(self) -> Adviser: ...
    @property
    def order_lists(self) -> OrderLists: ...
    @property
    def order_manager(self) -> Canceller: ...
    @property
    def reconciler(self) -> Reconciler: ...
    @property
    def reconciliations(self) -> ReconciliationRepository: ...
    @property
    def trading(self) -> Trading: ...
    @property
    def derivatives(self) -> Derivatives: ...

    @property
    def portfolio(self) -> Portfolio: ...
    @property
    def stops(self) -> Stops: ...
    @property
    def strategies(self) -> Strategies: ...
    @property
    def parities(self) -> Parities: ...
    @property
    def live(self) -> Live: ...
    @property
    def event_log(self) -> EventLog: ...
    @property
    def backtests(self) -> BacktestQueue: ...

    @property
    def safety(self) -> Safety: ...

    def venue_reports(self) -> Sequence[VenueReport]:
        """The venue that trades, then the one that tells prices where that is another."""
        ...

    async def health(self) -> Mapping[str, ComponentHealth]: ...
    def metrics(self) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The instants asked for, ms UTC, `end` not included; None is a side left open."""

    start: int | None
    end: int | None


# Async although they wait for nothing: FastAPI would run plain functions in threads.
async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


async def _symbol_in_path(
    symbol: Annotated[str, Path(description="A pair, with a dash", examples=["BTC-USDT"])],
) -> Symbol:
    return Symbol.parse(symbol)


async def _symbol_in_query(
    symbol: Annotated[
        str | None, Query(description="Only of this pair", examples=["BTC-USDT"])
    ] = None,
) -> Symbol | None:
    return None if symbol is None else Symbol.parse(symbol)


async def _window(
    start: Annotated[
        Instant | None, Query(description="From here on (ISO 8601 or ms)", examples=[_START])
    ] = None,
    end: Annotated[
        Instant | None, Query(description="Before this (ISO 8601 or ms)", examples=[_END])
    ] = None,
) -> Window:
    if start is not None and end is not None and end <= start:
        raise InvalidRequest("end must be after start")
    return Window(start=start, end=end)


System = Annotated[Parts, Depends(_parts)]
SymbolInPath = Annotated[Symbol, Depends(_symbol_in_path)]
SymbolInQuery = Annotated[Symbol | None, Depends(_symbol_in_query)]
WindowInQuery = Annotated[Window, Depends(_window)]
Limit = Annotated[int, Query(ge=1, le=10_000, description="At most so many", examples=[500])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="The same key and body give the same order back instead of a second one",
        examples=["rebalance-2026-01-01"],
    ),
]
