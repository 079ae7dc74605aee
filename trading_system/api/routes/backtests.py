"""Backtests as jobs: asked for here, computed in another process, kept as files."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse

from trading_system.api import pages
from trading_system.api.backtest_schemas import BacktestIn, BacktestOut
from trading_system.api.dependencies import Parts, System
from trading_system.api.documentation import problems
from trading_system.domain.errors import InvalidRequest, NotFound, NotRegistered
from trading_system.domain.instruments import Symbol
from trading_system.research.report import script_hashes

router = APIRouter(tags=["backtests"])

Id = Annotated[
    str, Path(description="The backtest's id", examples=["20260101T120000123Z"], max_length=40)
]


@router.post(
    "/backtests",
    status_code=HTTPStatus.ACCEPTED,
    summary="Play a strategy over the past",
    responses=problems(InvalidRequest, NotRegistered),
)
async def start_backtest(parts: System, body: BacktestIn, response: Response) -> BacktestOut:
    """Queue a backtest; follow it at the Location.

    Candles that the database lacks are fetched first. The result is a file in RESULTS_DIR whose run
    id is a hash over code, configuration and candles: the same question, the same bytes.
    """
    asked = body.configuration()
    await parts.symbols.get(Symbol.parse(asked.symbol))  # of others nothing can be fetched
    job = parts.backtests.submit(asked)
    response.headers["Location"] = f"/backtests/{job.id}"
    return BacktestOut.of(job)


@router.get("/backtests", summary="Backtests, the latest first")
async def list_backtests(
    parts: System,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many", examples=[50])] = 50,
) -> list[BacktestOut]:
    """Those that wait, run or failed since the start, and every result there is a file of."""
    return [BacktestOut.of(job) for job in await parts.backtests.recent(limit)]


@router.get("/backtests/{backtest_id}", summary="One backtest", responses=problems(NotFound))
async def get_backtest(parts: System, backtest_id: Id) -> BacktestOut:
    """Its state, and once it is done its figures."""
    return BacktestOut.of(await parts.backtests.get(backtest_id))


@router.get(
    "/backtests/{backtest_id}/result",
    summary="The whole result of a backtest",
    response_class=FileResponse,
    responses={
        HTTPStatus.OK: {
            "description": "The file, with equity and trades",
            "content": {"application/json": {"example": {"circumstances": {}, "result": {}}}},
        }
    }
    | problems(NotFound),
)
async def get_result(parts: System, backtest_id: Id) -> FileResponse:
    """The file that `trading-system rerun` proves."""
    path = await _file(parts, backtest_id)
    return FileResponse(path, media_type="application/json", filename=path.name)


@router.get(
    "/plot/backtests/{backtest_id}",
    summary="A backtest to look at",
    response_class=FileResponse,
    responses={
        HTTPStatus.OK: {
            "description": "An interactive page",
            "content": {"text/html": {"example": "<!doctype html> ..."}},
        }
    }
    | problems(NotFound),
)
async def plot_backtest(parts: System, backtest_id: Id) -> FileResponse:
    """Equity beside buy and hold, drawdown, trades on the price, months, and returns of trades."""
    page = (await _file(parts, backtest_id)).with_suffix(".html")
    if not page.exists():
        raise NotFound(f"backtest {backtest_id} was kept without a page")
    # The page is one file with its scripts inside: they run by their hashes, and nothing else does.
    allowed = " ".join(await asyncio.to_thread(script_hashes))
    policy = pages.PAGE_HEADERS["Content-Security-Policy"]
    headers = {
        **pages.PAGE_HEADERS,
        "Content-Security-Policy": policy.replace("script-src 'self'", f"script-src {allowed}"),
    }
    return FileResponse(page, media_type="text/html", headers=headers)


async def _file(parts: Parts, backtest_id: str) -> File:
    """The file of one that is done; raises NotFound."""
    job = await parts.backtests.get(backtest_id)
    if job.head is None:
        raise NotFound(f"backtest {backtest_id} has no result: it is {job.state.value}")
    return job.head.path
