"""Where a command gets its candles: from a file, or from the database and what it can fetch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trading_system.cli.running import errors, run, settings
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.errors import TradingError
from trading_system.domain.instruments import Symbol

if TYPE_CHECKING:
    import httpx
    import numpy as np
    from numpy.typing import NDArray

    from trading_system.config import Settings
    from trading_system.research.configuration import Configuration
    from trading_system.research.fetching import Progress
    from trading_system.research.history import History

_POLL_SECONDS = 0.2
_PAGE = 20_000  # candles; what writes more at once keeps the running system from its beats


def candles(configuration: Configuration, warmup: int, data: Path | None) -> History:
    """The candles of a configuration and `warmup` ones before; from the file `data` if it is one.

    Raises InvalidRequest when there are not as many, and what reading or fetching raises.
    """
    return history(
        symbol=configuration.symbol,
        timeframe=configuration.timeframe,
        start=configuration.start,
        end=configuration.end,
        warmup=warmup,
        data=data,
    )


def history(
    *,
    symbol: str,
    timeframe: str,
    start: datetime,
    end: datetime,
    warmup: int,
    data: Path | None = None,
) -> History:
    """The same, for whoever has no configuration."""
    wanted: dict[str, Any] = {
        "symbol": symbol,
        "timeframe": timeframe,
        "start": start,
        "end": end,
        "warmup": warmup,
    }
    if data is not None:
        from trading_system.research.history_files import from_file

        return from_file(data, **wanted)
    return run(_online(settings(), wanted))


@contextmanager
def bar(text: str) -> Iterator[Callable[[float], None]]:
    """A progress bar on stderr, gone in the end, that is told a share from 0 to 1."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Remaining())
    hidden = not errors.is_terminal
    with Progress(*columns, console=errors, transient=True, disable=hidden) as progress:
        task = progress.add_task(text, total=1.0)
        yield lambda share: progress.update(task, completed=share)


async def _online(here: Settings, wanted: dict[str, Any]) -> History:
    """Of the running system; of the database alone; or of a system opened to fetch the rest."""
    from trading_system.cli.connection import connected, is_running
    from trading_system.clock import SystemClock
    from trading_system.research.fetching import Histories
    from trading_system.research.history_cache import HistoryCache

    clock = SystemClock()
    if not await is_running(here):
        try:
            return await _stored(here, wanted)
        except _Incomplete:
            pass  # a venue is needed after all
    async with connected(here) as client:
        cache = HistoryCache(here.cache_dir)
        histories = Histories(ApiMinutes(client), clock=clock, cache=cache)
        with bar(f"candles of {wanted['symbol']}") as progress:
            return await histories.get(**wanted, on_progress=progress)


async def _stored(here: Settings, wanted: dict[str, Any]) -> History:
    """What the database has, which takes neither a venue nor a network."""
    from trading_system.clock import SystemClock
    from trading_system.research.fetching import Histories, StoredMinutes
    from trading_system.storage.database import Database
    from trading_system.storage.prices import Prices

    async with Database.opened(here.db_path) as database:
        minutes = StoredMinutes(prices=Prices(database), fetch=_nothing)
        return await Histories(minutes, clock=SystemClock()).get(**wanted)


class _Incomplete(TradingError):
    """Something is missing, and only a venue has it."""


async def _nothing(_symbol: Symbol, _span: Span, _on_progress: Progress) -> None:
    raise _Incomplete


class ApiMinutes:
    """Those of a system, over its API."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def complete(self, symbol: Symbol, span: Span, on_progress: Progress) -> None:
        """A backfill asks only for what is missing, and ends at once when that is nothing."""
        from trading_system.research.fetching import failed

        whole = {"start": span.start, "end": span.end}
        job = json.loads(await self._answer("POST", f"/symbols/{symbol.slug}/backfill", json=whole))
        while job["state"] != "done":
            if job["error"] is not None:
                raise failed(symbol, job["error"])
            on_progress(job["percent"] / 100)
            await asyncio.sleep(_POLL_SECONDS)
            job = json.loads(await self._answer("GET", f"/backfills/{job['id']}"))

    async def rows(self, symbol: Symbol, span: Span) -> NDArray[np.float64]:
        import numpy as np

        from trading_system.frames import COLUMNS

        pages = []
        for start in range(span.start, span.end, _PAGE * MINUTE):
            end = min(start + _PAGE * MINUTE, span.end)
            asked = {"timeframe": "1m", "start": start, "end": end, "limit": _PAGE}
            plain = {"Accept": "application/octet-stream"}
            page = await self._answer("GET", f"/prices/{symbol.slug}", params=asked, headers=plain)
            pages.append(np.frombuffer(page, "<f8").reshape(-1, len(COLUMNS)))
        return np.concatenate(pages).astype(np.float64)

    async def digest(self, symbol: Symbol, span: Span) -> str:
        whole = {"start": span.start, "end": span.end}
        coverage = json.loads(await self._answer("GET", f"/gaps/{symbol.slug}", params=whole))
        return str(coverage["sha256"])

    async def _answer(self, method: str, path: str, **asked: Any) -> bytes:
        from trading_system.cli.connection import answer

        return (await answer(await self._client.request(method, path, **asked))).content
