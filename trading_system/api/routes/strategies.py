"""/strategies and /signals: let strategies trade, look at what they decide, and stop them."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import HTMLResponse

from trading_system import charts
from trading_system.api import pages
from trading_system.api.dependencies import Limit, Parts, SymbolInQuery, System, WindowInQuery
from trading_system.api.documentation import problems
from trading_system.api.signal_schemas import SignalOut, SignalsOut
from trading_system.api.strategy_schemas import StrategyChangeIn, StrategyIn, StrategyOut
from trading_system.domain.decisions import Outcome
from trading_system.domain.errors import (
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotHeld,
    NotRegistered,
    UnknownSymbol,
    Unreachable,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate
from trading_system.ports.strategies import Place

router = APIRouter(tags=["strategies"])

_SEVERAL_BARS = 5_000  # as many as a screen can show, and some more

StrategyId = Annotated[
    UUID, Path(description="Our id", examples=["0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e61"])
]
Flatten = Annotated[
    bool,
    Query(description="Also close what it holds; else that stays as it is", examples=[False]),
]


@router.post(
    "/strategies",
    status_code=HTTPStatus.CREATED,
    summary="Give a strategy something to trade with",
    responses=problems(InvalidRequest, UnknownSymbol, NotRegistered, NotAllowed, Unreachable),
)
async def create(parts: System, body: StrategyIn, response: Response) -> StrategyOut:
    """It does nothing before it is started. Refused when the capital is not free in the account.

    What other strategies may still spend is not free.
    """
    mandate = await parts.strategies.create(body.mandate(parts.clock.now()))
    response.headers["Location"] = f"/strategies/{mandate.id}"
    return await _shown(parts, mandate)


@router.get("/strategies", summary="Strategies that trade, newest first")
async def list_strategies(parts: System) -> list[StrategyOut]:
    """Those that run, and those that are stopped or failed; deleted ones are not listed."""
    return [StrategyOut.of(view) for view in await parts.strategies.views.all()]


@router.get("/strategies/{strategy_id}", summary="One strategy", responses=problems(NotFound))
async def get_strategy(parts: System, strategy_id: StrategyId) -> StrategyOut:
    """As it is now, with its own positions, profit and what it waits for."""
    return StrategyOut.of(await parts.strategies.views.get(strategy_id))


@router.patch(
    "/strategies/{strategy_id}",
    summary="Change capital, sizing or stop",
    responses=problems(NotFound, InvalidRequest, NotAllowed),
)
async def change(parts: System, strategy_id: StrategyId, body: StrategyChangeIn) -> StrategyOut:
    """Counts from the next decision on; never less capital than it has spent."""
    mandate = await parts.strategies.change(
        strategy_id,
        capital=body.capital,
        sizing=None if body.sizing is None else body.sizing.sizing(),
        stop=None if body.stop is None else body.stop.rule(),
    )
    return await _shown(parts, mandate)


@router.delete(
    "/strategies/{strategy_id}",
    summary="End a strategy for good",
    responses=problems(NotFound, NotAllowed),
)
async def delete(
    parts: System, strategy_id: StrategyId, *, flatten: Flatten = False
) -> StrategyOut:
    """Its open orders are cancelled; what it decided stays on record.

    What it holds stays in the account, guarded by the stop it has, unless `flatten`. It is `ending`
    until that is done.
    """
    return await _shown(parts, await parts.strategies.delete(strategy_id, flatten=flatten))


@router.post(
    "/strategies/{strategy_id}/start",
    summary="Begin to trade, or go on",
    responses=problems(NotFound, NotAllowed, NotHeld, Unreachable),
)
async def start(parts: System, strategy_id: StrategyId) -> StrategyOut:
    """The bar that is open now is the first that is decided, at its close.

    One that was started before goes on with the frame it began with; one that a kill has stopped
    only after trading was armed. Refused while the account has less than strategies hold of what it
    trades, with the figures and what can be done.
    """
    return await _shown(parts, await parts.strategies.start(strategy_id))


@router.post(
    "/strategies/{strategy_id}/stop",
    summary="Decide nothing more",
    responses=problems(NotFound, NotAllowed),
)
async def stop(parts: System, strategy_id: StrategyId, *, flatten: Flatten = False) -> StrategyOut:
    """Its open orders are cancelled; what it holds stays, guarded by its stop, unless `flatten`.

    It is `stopping` until that is done.
    """
    return await _shown(parts, await parts.strategies.stop(strategy_id, flatten=flatten))


@router.get("/signals", summary="What strategies decided", responses=problems(InvalidRequest))
async def signals(
    *,
    parts: System,
    symbol: SymbolInQuery,
    window: WindowInQuery,
    strategy_id: Annotated[
        UUID | None,
        Query(description="Only of this one", examples=["0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e61"]),
    ] = None,
    outcome: Annotated[
        list[Outcome] | None,
        Query(description="Only what came to this; may be repeated", examples=[["ordered"]]),
    ] = None,
    after: Annotated[
        str | None,
        Query(
            description="The `next` of the page before",
            examples=["1767268800000_0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e61_BTC-USDT"],
        ),
    ] = None,
    limit: Limit = 500,
) -> SignalsOut:
    """One for each closed bar of each symbol of each strategy, newest first; page by page."""
    found = await parts.strategies.views.decisions.all(
        mandate_id=strategy_id,
        symbol=symbol,
        outcomes=outcome,
        start=window.start,
        end=window.end,
        after=None if after is None else _place(after),
        limit=limit,
    )
    last = found[-1] if len(found) == limit else None
    return SignalsOut(
        signals=[SignalOut.of(each) for each in found],
        next=last and f"{last.bar.open_time}_{last.mandate_id}_{last.symbol.slug}",
    )


@router.get(
    "/plot/strategies/{strategy_id}",
    summary="What a strategy did, drawn",
    response_class=HTMLResponse,
    responses={
        HTTPStatus.OK: {
            "description": "An interactive page",
            "content": {"text/html": {"example": "<!doctype html> ..."}},
        }
    }
    | problems(NotFound, InvalidRequest),
)
async def plot_strategy(
    parts: System, strategy_id: StrategyId, symbol: SymbolInQuery
) -> HTMLResponse:
    """Price, indicators, signals and fills of one symbol (its first), and the strategy's equity."""
    story = await parts.strategies.views.story(strategy_id, symbol, bars=_SEVERAL_BARS)
    figure = await asyncio.to_thread(
        charts.strategy_figure,
        story.title,
        story.timeframe,
        story.bars,
        story.fills,
        story.equity,
    )
    html = charts.page(
        figure,
        scripts=(pages.PLOTLY_URL, pages.CHART_URL),
        stylesheet=pages.STYLE_URL,
        icon=pages.ICON_URL,
    )
    return HTMLResponse(html, headers=pages.PAGE_HEADERS)


async def _shown(parts: Parts, mandate: Mandate) -> StrategyOut:
    return StrategyOut.of(await parts.strategies.views.of(mandate))


def _place(text: str) -> Place:
    """Read what `next` was; raises InvalidRequest."""
    try:
        bar, mandate_id, symbol = text.split("_")
        return int(bar), UUID(mandate_id), Symbol.parse(symbol)
    except ValueError:
        raise InvalidRequest("after is the `next` of the page before") from None
