"""Both streams against the embedded exchange, over loopback and on one running clock."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from pydantic import SecretStr

from tests.exchange.socket_venue import until
from tests.steady import FastClock
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import BookUpdate, CandleUpdate, Quote, Ticker, Trade
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import trading_endpoints
from trading_system.exchange.streams.market_stream import MarketStream
from trading_system.exchange.streams.signed_subscription import SignedSubscription
from trading_system.exchange.streams.signing import HmacSigner
from trading_system.exchange.streams.user_stream import UserStream
from trading_system.resilience.retry import RetryPolicy
from trading_system.simulator.server import SimulatorOptions, serve

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
QUICK = RetryPolicy(first=0.05, cap=0.2)
SPEED = 4.0
BEGIN = datetime(2026, 1, 4, 12, tzinfo=UTC)


@pytest.fixture
async def clock():
    return FastClock(SPEED, BEGIN)


@pytest.fixture
async def exchange(clock):
    async with serve(SimulatorOptions(speed=SPEED, clock=clock.milliseconds)) as running:
        yield running


@pytest.fixture
async def running():
    """Start something that runs until the test ends."""
    async with AsyncExitStack() as stack:

        def start(part):
            task = asyncio.create_task(part.run())

            async def stop():
                assert not task.done()
                task.cancel()
                await asyncio.wait([task])

            stack.push_async_callback(stop)
            return part

        yield start


@pytest.fixture
def events():
    return []


@pytest.fixture
def gaps():
    return []


@pytest.fixture
async def market(exchange, running, events, gaps, clock):
    stream = MarketStream(
        url=trading_endpoints(exchange.url).streams,
        clock=clock,
        venue_milliseconds=clock.milliseconds,
        venue_id=lambda symbol: symbol.base + symbol.quote,
        on_event=events.append,
        on_gap=lambda symbols, since: gaps.append((symbols, since)),
        on_change=lambda _: None,
        retry=QUICK,
    )
    stream.follow([BTC, ETH], [BTC])
    return running(stream)


async def test_every_kind_of_event_arrives(market, events):
    def kinds(symbol):
        return {type(event) for event in events if event.symbol == symbol}

    await until(
        lambda: (
            kinds(BTC) == {Trade, Quote, Ticker, CandleUpdate, BookUpdate}
            and kinds(ETH) == {Quote, Ticker, CandleUpdate}
        )
    )
    assert not market.invalid
    lags = market.status()[0].streams
    assert 0 <= lags["btcusdt@kline_1m"] < 5_000
    books = [event for event in events if isinstance(event, BookUpdate)]
    assert all(a.last_id + 1 == b.first_id for a, b in pairwise(books))


async def test_trades_go_on_where_they_were_told_to_be_missing(market, events, gaps, exchange):
    await until(lambda: any(isinstance(event, Trade) for event in events))
    for link in exchange.mischief._links:
        link.abort()
    await until(lambda: any(BTC in symbols for symbols, _ in gaps))
    heard = len(events)
    await until(lambda: any(isinstance(event, Trade) for event in events[heard:]))


async def test_an_order_is_reported_by_push(exchange, running, clock):
    reports, balances, gaps = [], [], []

    async def book(report, received_at, latency_ms):
        reports.append((report, latency_ms))

    stream = UserStream(
        access=SignedSubscription(
            trading_endpoints(exchange.url).user,
            venue_milliseconds=clock.milliseconds,
            sign=HmacSigner(SecretStr(exchange.api_key), SecretStr(exchange.secret)),
            resynchronize=asyncio.sleep,
            count=lambda _: asyncio.sleep(0),
            on_limited=lambda _: None,
        ),
        clock=clock,
        venue_milliseconds=clock.milliseconds,
        on_report=book,
        on_account=balances.append,
        on_gap=lambda: gaps.append(1),
        on_change=lambda _: None,
        retry=QUICK,
    )
    running(stream)
    await until(lambda: gaps)
    client = Client(
        endpoints=trading_endpoints(exchange.url),
        clock=clock,
        api_key=SecretStr(exchange.api_key),
        secret=SecretStr(exchange.secret),
    )
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    await client.call("order", method="POST", signed=True, newClientOrderId="ours", **order)
    await client.close()
    await until(lambda: balances)
    told = [report for report, _ in reports]
    assert (told[0].status, told[-1].status) == ("NEW", "FILLED")
    assert {report.client_order_id for report in told} == {"ours"}
    fills = [fill for report in told for fill in report.fills]
    assert sum(fill.quantity for fill in fills) == told[-1].executed_quantity == Decimal("0.01")
    assert sum(fill.quote_quantity for fill in fills) == told[-1].executed_quote
    assert {balance.asset for balance in balances[0].balances} >= {"BTC", "USDT"}
    assert all(0 <= latency_ms < 5_000 for _, latency_ms in reports)
