"""A grid trades on a scripted tape through a real exchange, and does what a backtest does."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest

MINUTE = 60_000
NOON = round(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp() * 1000)
SCRIPT = [
    # from noon on: open, high, low, close
    (100.5, 100.5, 100.5, 100.5),
    (100.5, 100.6, 100.4, 100.5),  # it begins; the cell from 101 up buys at once
    (100.5, 100.5, 99.9, 99.9),
    (99.9, 101.1, 99.8, 101.1),
    (101.1, 102.1, 101.05, 102.1),
    (102.1, 102.1, 100.9, 100.9),
    (100.9, 100.95, 99.9, 100.2),  # the program is down
    (100.2, 100.3, 99.5, 99.6),
    (99.6, 101.2, 99.5, 99.8),  # up and down again, sooner than an order comes back
    (99.8, 99.9, 99.7, 99.8),
    (99.8, 102.1, 99.7, 102.1),
    (102.1, 102.2, 102, 102.1),
]
DOWN, BEAT = 6, 5_000
GRID = {
    "name": "grid",
    "symbols": ["BTC/USDT"],
    "timeframe": "1m",
    "capital": "1000",
    "parameters": {"low": "98", "high": "102", "levels": 5, "quantity": "1"},
}
PARTS = ("latency", "slippage", "fee", "size", "partial", "alone")


@pytest.fixture
def tape(tmp_path):
    """The script between flat hours, as a file of candles."""
    before, after = [(100.5, 100.55, 100.45, 100.5)] * 240, [(102.1, 102.2, 102, 102.1)] * 60
    rows = [
        f"{NOON + MINUTE * (number - len(before))},{','.join(map(str, candle))},1000"
        for number, candle in enumerate([*before, *SCRIPT, *after])
    ]
    path = tmp_path / "BTCUSDT_1m_2026-01-01.csv"
    path.write_text("\n".join(["timestamp_ms,open,high,low,close,volume", *rows]))
    return str(path)


async def test_a_grid_over_a_restart_did_what_a_backtest_does(exchange, at, live, tape, clock):
    async with exchange(market=tape) as running:
        settings = at(running, streams="off")
        async with live(settings) as day:
            path = await begun(day, GRID)
            await minutes(day, DOWN - 1)
        await clock.advance(60)
        async with live(settings) as day:
            await minutes(day, len(SCRIPT) - DOWN)
            (report,) = (await day.http.get(f"{path}/parity", timeout=60)).json()
        ledger = running.exchange.venue.fills("main", "BTCUSDT")
    assert report["clean"], report
    assert (report["differing"], report["levels"]) == ([], [])
    assert report["decisions"] == len(SCRIPT)
    assert report["not_acted"] == 1
    assert report["profit"] == pytest.approx(float(earned(ledger)))
    fills = report["fills"]
    parts = sum(pair[part] for pair in fills for part in PARTS)
    assert parts == pytest.approx(report["replayed_profit"] - report["profit"])
    assert all(pair["replayed_price"] for pair in fills if pair["price"])
    assert all(pair["slippage"] == 0 for pair in fills if pair["maker"])
    first, *_, crossed = (pair for pair in fills if pair["maker"] is False)
    assert (first["cell"], first["cause"], first["replayed_price"]) == (3, None, 100.5)
    assert (crossed["cell"], crossed["price"], crossed["replayed_price"]) == (2, 99.8, 100)
    assert crossed["cause"] == "path"


@pytest.mark.slow
async def test_a_grid_on_a_market_that_turns_many_times_a_minute_contradicts_no_candle(
    exchange, at, live
):
    """Its orders come back while the price goes on, so that some fills are one side's alone."""
    parameters = {"levels": 5, "quantity": "0.001", "atr_period": 3, "atr_width": 1}
    async with exchange(seed=3) as running, live(at(running, streams="off")) as day:
        path = await begun(day, GRID | {"capital": "5000", "parameters": parameters})
        await minutes(day, 18)
        (report,) = (await day.http.get(f"{path}/parity", timeout=60)).json()
    assert report["clean"], report
    assert len(report["fills"]) > 20
    parts = sum(pair[part] for pair in report["fills"] for part in PARTS)
    assert parts == pytest.approx(report["replayed_profit"] - report["profit"])


async def begun(day, wish) -> str:
    """Where a grid is to be asked about."""
    registered = await day.http.post("/symbols", json={"symbol": "BTC/USDT"})
    await day.backfilled(registered.json()["backfill"]["id"])
    path = (await day.http.post("/strategies", json=wish)).headers["Location"]
    assert (await day.http.post(f"{path}/start")).json()["state"] == "running"
    return path


async def minutes(day, count):
    """So many pass, in steps of fifteen seconds; each time all comes to rest before the next."""
    since = day.clock.milliseconds()
    for step in range(1, 4 * count + 1):
        left = since + step * 15_000 - day.clock.milliseconds()
        await day.clock.advance(max(left, 0) / 1_000)
        await day.until(partial(at_rest, day), "an order in each cell")


async def at_rest(day) -> bool:
    """What a beat of this program was due to bring is decided, and each cell has its order."""
    await day.clock.advance(0.01)
    beats = day.system.heartbeat.statistics
    if beats.next_due is None or beats.next_due <= day.clock.now():
        return False
    if not beats.beats:
        return True
    signals = (await day.http.get("/signals", params={"limit": 1})).json()["signals"]
    placed = (await day.http.get("/orders", params={"status": "NEW"})).json()
    if not signals or signals[0]["outcome"] == "pending":
        return False
    newest = datetime.fromisoformat(signals[0]["bar"]).timestamp() * 1_000
    closed = (day.clock.milliseconds() - BEAT) // MINUTE * MINUTE - MINUTE
    return newest == closed and len(placed) == 4


def earned(ledger) -> Decimal:
    """What the exchange's own record comes to at the last close."""
    total = Decimal(0)
    for fill in ledger:
        held = fill.quantity if fill.side == "BUY" else -fill.quantity
        total += held * (Decimal("102.1") - fill.price)
        paid_in_coins = fill.commission_asset == "BTC"
        total -= fill.commission * (Decimal("102.1") if paid_in_coins else 1)
    return total
