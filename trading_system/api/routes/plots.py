"""GET /plot/prices: an interactive chart as one page that works offline."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from trading_system import charts
from trading_system.api import pages
from trading_system.api.dependencies import Parts, System, WindowInQuery
from trading_system.api.documentation import problems
from trading_system.api.spans import stored_span
from trading_system.charts import Kind, Scale
from trading_system.domain.candles import Span
from trading_system.domain.errors import NotRegistered
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Frame

router = APIRouter(tags=["prices"])


@router.get(
    "/plot/prices",
    summary="A chart",
    response_class=HTMLResponse,
    responses={
        HTTPStatus.OK: {
            "description": "An interactive page",
            "content": {"text/html": {"example": "<!doctype html> ..."}},
        }
    }
    | problems(NotRegistered),
)
async def plot_prices(
    parts: System,
    window: WindowInQuery,
    symbols: Annotated[
        list[str] | None,
        Query(description="Pairs, with commas or repeated", examples=[["BTC-USDT,ETH-USDT"]]),
    ] = None,
    kind: Annotated[Kind, Query(description="How to draw", examples=["candles"])] = Kind.LINE,
    scale: Annotated[Scale, Query(description="The price axis", examples=["linear"])] = Scale.LOG,
) -> HTMLResponse:
    """All registered symbols over all that is stored, unless the query says otherwise.

    Long spans are drawn in as many candles as a screen can show; their extremes stay visible.
    """
    chosen = await _symbols(parts, symbols)
    spans = dict(
        zip(
            chosen,
            await asyncio.gather(*(stored_span(parts, symbol, window) for symbol in chosen)),
            strict=True,
        )
    )
    timeframe = charts.screen_timeframe(_around(spans.values()), len(spans), kind)
    frames = await _frames(parts, spans, timeframe)
    # Loading plotly and drawing take a while, and the heartbeat shares the event loop.
    html = await asyncio.to_thread(_draw, frames, timeframe, kind, scale)
    return HTMLResponse(html, headers=pages.PAGE_HEADERS)


async def _symbols(parts: Parts, asked: list[str] | None) -> list[Symbol]:
    if asked is None:
        return [each.symbol for each in await parts.symbols.all()]
    names = ",".join(asked).split(",")
    return list(dict.fromkeys(Symbol.parse(name) for name in names))


def _around(spans: Iterable[Span]) -> Span:
    """From the first start to the last end; the empty span where there is none."""
    filled = [span for span in spans if span.minutes] or [Span(0, 0)]
    return Span(min(span.start for span in filled), max(span.end for span in filled))


async def _frames(
    parts: Parts, spans: Mapping[Symbol, Span], timeframe: Timeframe
) -> dict[str, Frame]:
    """What is stored of each, read side by side; symbols without a candle are left out."""
    columns = await asyncio.gather(
        *(parts.prices.columns(symbol, span, timeframe) for symbol, span in spans.items())
    )
    return {
        str(symbol): Frame.from_array(rows)
        for symbol, rows in zip(spans, columns, strict=True)
        if len(rows)
    }


def _draw(frames: Mapping[str, Frame], timeframe: Timeframe, kind: Kind, scale: Scale) -> str:
    figure = charts.price_figure(frames, timeframe=timeframe, kind=kind, scale=scale)
    return charts.page(
        figure,
        scripts=(pages.PLOTLY_URL, pages.CHART_URL),
        stylesheet=pages.STYLE_URL,
        icon=pages.ICON_URL,
    )
