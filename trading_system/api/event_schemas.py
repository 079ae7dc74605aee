"""The data of server-sent events: one model a kind, made from what was published on the bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Literal, Self

from trading_system.api.control_schemas import ControlEvent
from trading_system.api.order_schemas import ORDER_EXAMPLE, BalanceOut, OrderOut
from trading_system.api.portfolio_schemas import PositionEvent
from trading_system.api.reconciliation_schemas import BalanceDifferenceOut, ReconciliationOut
from trading_system.api.risk_schemas import RefusalEvent
from trading_system.api.scalars import InstantOut, SymbolText
from trading_system.api.schemas import Out, example
from trading_system.api.stop_schemas import StopOut
from trading_system.api.strategy_schemas import StrategyEvent
from trading_system.domain.events import (
    BalancesChanged,
    OrderChanged,
    OrderRefused,
    PositionChanged,
    StopFailed,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import CandleUpdate, MarketState
from trading_system.event_log import Entry, EventKind

_NOON, _LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:00:00.041000Z"
_HEARD: Mapping[str, Any] = {"symbol": "BTC/USDT", "received_at": _LATER}


class QuoteEvent(Out):
    """Best bid and ask; `update_id` grows with every change of the pair's book."""

    model_config = example(
        **_HEARD, bid=93576.0, bid_quantity=1.2453, ask=93576.01, ask_quantity=0.521, update_id=812
    )

    symbol: SymbolText
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float
    update_id: int
    received_at: InstantOut


class TickerEvent(Out):
    """The last price, and open, high, low and volumes of the last 24 hours."""

    model_config = example(
        **_HEARD,
        last=93576.01,
        open=91882.5,
        high=94210.5,
        low=91800.0,
        volume=15321.40712,
        quote_volume=1425863210.55,
        time=_NOON,
    )

    symbol: SymbolText
    last: float
    open: float
    high: float
    low: float
    volume: float
    quote_volume: float
    time: InstantOut
    received_at: InstantOut


class TradeEvent(Out):
    """One public trade, of anybody's; ids of a pair grow by one."""

    model_config = example(
        **_HEARD, id=5512, price=93576.01, quantity=0.012, buyer_is_maker=False, time=_NOON
    )

    symbol: SymbolText
    id: int
    price: float
    quantity: float
    buyer_is_maker: bool
    time: InstantOut
    received_at: InstantOut


class CandleEvent(Out):
    """A one-minute candle that has closed (`candle`) or still grows (`open_candle`)."""

    model_config = example(
        **_HEARD,
        open_time="2026-01-01T11:59:00Z",
        open_time_ms=1767268740000,
        open=93570.5,
        high=93600.0,
        low=93570.5,
        close=93599.99,
        volume=12.34567,
        closed=True,
        time=_NOON,
    )

    symbol: SymbolText
    open_time: InstantOut
    open_time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    closed: bool
    time: InstantOut
    received_at: InstantOut

    @classmethod
    def of(cls, update: CandleUpdate) -> Self:
        """Made from the update."""
        return cls(
            symbol=update.symbol,
            open_time_ms=update.candle.open_time,
            **update.candle._asdict(),
            closed=update.closed,
            time=update.time,
            received_at=update.received_at,
        )


class BookEvent(Out):
    """The local book moved; not `in_sync` while it is rebuilt. GET /book has its levels."""

    model_config = example(symbol="BTC/USDT", update_id=812, in_sync=True)

    symbol: SymbolText
    update_id: int
    in_sync: bool


class StateEvent(Out):
    """A market behaves differently; `before` is null the first time."""

    model_config = example(
        symbol="BTC/USDT", before="NORMAL", after="VOLATILE", reason="ATR 1.8 % of the price"
    )

    symbol: SymbolText
    before: MarketState | None
    after: MarketState
    reason: str


class VenueEvent(Out):
    """A part of the way to the venue changed; GET /venue tells how everything stands."""

    model_config = example(part="stream execution", state="connected", detail="")

    part: str
    state: str
    detail: str


class BalancesEvent(Out):
    """What the account holds now of these assets; the others stayed as they were."""

    model_config = example(
        balances=[{"asset": "USDT", "free": "9962.8", "locked": "55.8", "total": "10018.6"}],
        time=_NOON,
    )

    balances: list[BalanceOut]
    time: datetime

    @classmethod
    def of(cls, changed: BalancesChanged) -> Self:
        """Made from the change."""
        return cls(balances=[BalanceOut.of(each) for each in changed.balances], time=changed.time)


class OrderEvent(Out):
    """One of our orders took a step or filled some more; `source` says who told."""

    model_config = example(source="stream", order=ORDER_EXAMPLE)

    source: str
    order: OrderOut

    @classmethod
    def of(cls, changed: OrderChanged) -> Self:
        """Made from the change."""
        return cls(source=changed.source, order=OrderOut.of(changed.order))


class ResetEvent(Out):
    """What follows is not all that came after your last id: read anew what you keep.

    `restarted`: that id was given by another run of the program; all that this one kept follows.
    `overflow`: events of these `kinds` had to go, `at_most` so many; no other kind misses any.
    """

    model_config = example(
        reason="overflow", after="1f0c9ab37d52-48211", kinds=["quote"], at_most=1250
    )

    reason: Literal["restarted", "overflow"]
    after: str
    kinds: list[EventKind]
    at_most: int | None


EventData = (
    QuoteEvent
    | TickerEvent
    | TradeEvent
    | CandleEvent
    | BookEvent
    | StateEvent
    | VenueEvent
    | BalancesEvent
    | RefusalEvent
    | ControlEvent
    | ReconciliationOut
    | BalanceDifferenceOut
    | OrderEvent
    | PositionEvent
    | StrategyEvent
    | StopOut
)


def event_data(entry: Entry) -> EventData:
    """What is told of an entry of the event log; raises ValueError when it does not validate."""
    return _MADE_BY[entry.kind](entry.event)


def symbol_of(entry: Entry) -> Symbol | None:
    """The symbol an entry is about; None for what concerns no symbol, or all of them."""
    event: Any = entry.event
    match event:
        case OrderChanged():
            symbol: Symbol | None = event.order.request.symbol
        case OrderRefused():
            symbol = event.request.symbol
        case PositionChanged():
            symbol = event.position.symbol
        case StopFailed():
            symbol = event.stop.symbol
        case _:
            symbol = getattr(event, "symbol", None)
    return symbol


def _alike(model: type[EventData]) -> Callable[[Any], EventData]:
    """Made from an event whose members have the same names."""
    return partial(model.model_validate, from_attributes=True)


_MADE_BY: Mapping[EventKind, Callable[[Any], EventData]] = {
    EventKind.QUOTE: _alike(QuoteEvent),
    EventKind.TICKER: _alike(TickerEvent),
    EventKind.TRADE: _alike(TradeEvent),
    EventKind.CANDLE: CandleEvent.of,
    EventKind.OPEN_CANDLE: CandleEvent.of,
    EventKind.BOOK: _alike(BookEvent),
    EventKind.STATE: _alike(StateEvent),
    EventKind.VENUE: _alike(VenueEvent),
    EventKind.BALANCES: BalancesEvent.of,
    EventKind.REFUSAL: RefusalEvent.of,
    EventKind.CONTROL: ControlEvent.told,
    EventKind.RECONCILIATION: ReconciliationOut.of,
    EventKind.DIFFERENCE: BalanceDifferenceOut.of,
    EventKind.ORDER: OrderEvent.of,
    EventKind.POSITION: PositionEvent.of,
    EventKind.STRATEGY: StrategyEvent.of,
    EventKind.STOP: lambda failed: StopOut.of(failed.stop),
}
