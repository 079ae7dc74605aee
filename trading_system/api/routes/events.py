"""GET /events: what happens, as server-sent events that can be resumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Query
from pydantic import BaseModel

from trading_system.api.control_schemas import ControlEvent
from trading_system.api.dependencies import System
from trading_system.api.event_schemas import (
    BalancesEvent,
    BookEvent,
    CandleEvent,
    EventData,
    OrderEvent,
    QuoteEvent,
    ResetEvent,
    StateEvent,
    TickerEvent,
    TradeEvent,
    VenueEvent,
)
from trading_system.api.event_stream import MEDIA_TYPE, EventStream, Subscription
from trading_system.api.portfolio_schemas import PositionEvent
from trading_system.api.reconciliation_schemas import BalanceDifferenceOut, ReconciliationOut
from trading_system.api.risk_schemas import RefusalEvent
from trading_system.api.stop_schemas import StopOut
from trading_system.api.strategy_schemas import StrategyEvent
from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Symbol
from trading_system.event_log import EventKind

router = APIRouter(tags=["live"])

_SHOWN: Mapping[EventKind, type[BaseModel]] = {
    EventKind.QUOTE: QuoteEvent,
    EventKind.TICKER: TickerEvent,
    EventKind.TRADE: TradeEvent,
    EventKind.CANDLE: CandleEvent,
    EventKind.BOOK: BookEvent,
    EventKind.STATE: StateEvent,
    EventKind.VENUE: VenueEvent,
    EventKind.BALANCES: BalancesEvent,
    EventKind.REFUSAL: RefusalEvent,
    EventKind.CONTROL: ControlEvent,
    EventKind.RECONCILIATION: ReconciliationOut,
    EventKind.DIFFERENCE: BalanceDifferenceOut,
    EventKind.ORDER: OrderEvent,
    EventKind.POSITION: PositionEvent,
    EventKind.STRATEGY: StrategyEvent,
    EventKind.STOP: StopOut,
}


class Replay(StrEnum):
    """How much of the past to tell first."""

    ALL = "all"


def _shown(sequence: int, kind: EventKind, model: type[BaseModel]) -> str:
    example = model.model_json_schema()["examples"][0]
    data = orjson.dumps({name: example[name] for name in model.model_fields}).decode()
    return f"id: 1f0c9ab37d52-{sequence}\nevent: {kind}\ndata: {data}\n\n"


_EXAMPLE = "".join(_shown(at, *shown) for at, shown in enumerate(_SHOWN.items(), 48_211))


@router.get(
    "/events",
    summary="What happens, as it happens",
    response_class=EventStream,
    status_code=HTTPStatus.OK,
    responses={
        HTTPStatus.OK: {
            "description": "Server-sent events; the schema is that of an event's data",
            "model": EventData | ResetEvent,
            "content": {MEDIA_TYPE: {"schema": {"type": "object"}, "example": _EXAMPLE}},
        }
    },
)
async def events(
    *,
    parts: System,
    kinds: Annotated[
        list[str] | None,
        Query(
            description=f"Only these, with commas or repeated: {', '.join(EventKind)}",
            examples=[["order,candle"]],
        ),
    ] = None,
    symbols: Annotated[
        list[str] | None,
        Query(description="Only of these pairs, with commas or repeated", examples=[["BTC-USDT"]]),
    ] = None,
    replay: Annotated[
        Replay | None, Query(description="Begin with all that is retained", examples=["all"])
    ] = None,
    follow: Annotated[
        bool, Query(description="false: end with what is retained", examples=[False])
    ] = True,
    last_event_id: Annotated[
        str | None,
        Query(description="As the header, for clients without", examples=["1f0c9ab37d52-48211"]),
    ] = None,
    last_event_id_header: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            description="Resume after this id; it outranks all others",
            examples=["1f0c9ab37d52-48211"],
        ),
    ] = None,
) -> EventStream:
    """From now on, or after `Last-Event-ID`, without loss while those events are retained.

    Each kind is retained for itself, orders longest. When some that should follow are not retained
    any more, or the id is of another run of the program, a `reset` says so, and what is retained
    follows. Balances and the venue belong to no pair and come whatever `symbols` says. A comment
    every 15 s shows that the connection lives.
    """
    wanted = Subscription(
        kinds=frozenset(map(_kind, _split(kinds))) if kinds else frozenset(EventKind),
        symbols=frozenset(map(Symbol.parse, _split(symbols))) if symbols else None,
        last_id=last_event_id_header or last_event_id,
        replay=replay is Replay.ALL,
        follow=follow,
    )
    return EventStream(parts.event_log, wanted, parts.clock)


def _split(texts: Iterable[str]) -> list[str]:
    return ",".join(texts).split(",")


def _kind(text: str) -> EventKind:
    try:
        return EventKind(text.strip().lower())
    except ValueError:
        raise InvalidRequest(
            f"{text!r} is no kind of event; there are {', '.join(EventKind)}"
        ) from None
