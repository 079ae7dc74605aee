"""/portfolio, /equity and the chart of it: what the account is worth, now and over time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from trading_system import charts
from trading_system.api import pages
from trading_system.api.dependencies import System, WindowInQuery
from trading_system.api.documentation import problems
from trading_system.api.portfolio_schemas import EquityOut, PortfolioOut
from trading_system.domain.errors import Rejected, Unreachable
from trading_system.domain.positions import Equity

router = APIRouter(tags=["portfolio"])

_POINTS = 2_000  # what a wide screen can tell apart


@router.get(
    "/portfolio",
    summary="What the account is worth, part by part",
    responses=problems(Rejected, Unreachable),
)
async def portfolio(parts: System) -> PortfolioOut:
    """Balances of the venue, at most a minute old, by the newest prices, with their age."""
    return PortfolioOut.of(await parts.portfolio.summary())


@router.get("/equity", summary="What the account was worth")
async def equity(
    parts: System,
    window: WindowInQuery,
    limit: Annotated[
        int, Query(ge=1, le=10_000, description="About so many points", examples=[500])
    ] = 1_000,
) -> list[EquityOut]:
    """A mark a minute and one after each fill, ascending; of more than `limit` some are left out.

    Marks older than 30 days are kept once an hour.
    """
    marks = await parts.portfolio.history(window.start, window.end, points=limit)
    return [EquityOut.of(mark) for mark in marks]


@router.get(
    "/plot/equity",
    summary="A chart of it",
    response_class=HTMLResponse,
    responses={
        HTTPStatus.OK: {
            "description": "An interactive page",
            "content": {"text/html": {"example": "<!doctype html> ..."}},
        }
    },
)
async def plot_equity(parts: System, window: WindowInQuery) -> HTMLResponse:
    """Equity, its peak, and how far it was below that, over all that is stored or the window."""
    marks = await parts.portfolio.history(window.start, window.end, points=_POINTS)
    # Loading plotly and drawing take a while, and the heartbeat shares the event loop.
    html = await asyncio.to_thread(_draw, marks)
    return HTMLResponse(html, headers=pages.PAGE_HEADERS)


def _draw(marks: Sequence[Equity]) -> str:
    return charts.page(
        charts.equity_figure(marks),
        scripts=(pages.PLOTLY_URL, pages.CHART_URL),
        stylesheet=pages.STYLE_URL,
        icon=pages.ICON_URL,
    )
