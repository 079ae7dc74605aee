"""GET /plot/prices over 10 symbols x 525,600 candles: seconds and bytes of the page.

Beside it, in the same run, the same page the usual way: every candle into one Plotly figure.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from statistics import median

import httpx
import numpy as np

from benchmarks.opening import run
from benchmarks.venue import Venue
from trading_system.api.application import create_app
from trading_system.api.security import ApiOptions
from trading_system.clock import SystemClock
from trading_system.config import Settings
from trading_system.domain.candles import MINUTE, Candle
from trading_system.domain.instruments import Symbol
from trading_system.system import opened

SYMBOLS = 10
CANDLES = 525_600
ROUNDS = 5
BATCH = 52_560
NOWHERE = Venue("http://127.0.0.1:9", "", "")


def walk(seed: int) -> list[Candle]:
    source = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(source.normal(0, 0.001, CANDLES)))
    opened_at = np.concatenate([[100.0], close[:-1]])
    high, low = np.maximum(opened_at, close) * 1.0005, np.minimum(opened_at, close) * 0.9995
    times = 1_735_689_600_000 + MINUTE * np.arange(CANDLES)
    columns = (times, opened_at, high, low, close, source.exponential(5, CANDLES))
    return [Candle(*row) for row in zip(*(each.tolist() for each in columns), strict=True)]


async def measure() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, venue=NOWHERE.url, db_path=Path(folder) / "bench.db")
        async with opened(settings, SystemClock()) as system:
            for number in range(SYMBOLS):
                symbol, rows = Symbol(f"A{number}", "USDT"), walk(number)
                await system.symbols.add(symbol, system.clock.now())
                for first in range(0, CANDLES, BATCH):
                    await system.prices.upsert({symbol: rows[first : first + BATCH]})
            options = ApiOptions(host="127.0.0.1", port=8000, token=None)
            transport = httpx.ASGITransport(app=create_app(system, options))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                lines = [await page(http, "line") for _ in range(ROUNDS + 1)][1:]
                candles = [await page(http, "candles") for _ in range(ROUNDS)]
        usual = plain([walk(number) for number in range(2)])
    return {
        "line_s": median(seconds for seconds, _ in lines),
        "line_mb": lines[0][1],
        "candles_s": median(seconds for seconds, _ in candles),
        "candles_mb": candles[0][1],
        "usual_s": usual[0] * SYMBOLS / 2,
        "usual_mb": usual[1] * SYMBOLS / 2,
    }


async def page(http: httpx.AsyncClient, kind: str) -> tuple[float, float]:
    started = time.perf_counter()
    response = await http.get("/plot/prices", params={"kind": kind}, timeout=60)
    seconds = time.perf_counter() - started
    assert response.status_code == 200, response.text[:300]
    return seconds, len(response.content) / 1e6


def plain(walks: list[list[Candle]]) -> tuple[float, float]:
    import plotly.graph_objects as go

    started = time.perf_counter()
    figure = go.Figure(
        [
            go.Scattergl(x=[row.open_time for row in rows], y=[row.close for row in rows])
            for rows in walks
        ]
    )
    html = figure.to_html(include_plotlyjs=False)
    return time.perf_counter() - started, len(html) / 1e6


def main() -> None:
    result = run(measure())
    rounded = {name: round(value, 3) for name, value in result.items()}
    shape = {"symbols": SYMBOLS, "candles": CANDLES}
    print(json.dumps({"bench": "chart", **shape, **rounded, "wanted": "<= 1.5 s, <= 3 MB"}))


if __name__ == "__main__":
    main()
