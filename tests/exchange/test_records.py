"""The account's record, complete whatever its length: scripted edges, then the real simulator."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import SecretStr

from trading_system.domain.errors import OrderNotFound, Rejected, Unreadable
from trading_system.domain.instruments import Symbol
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import trading_endpoints
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.listing import Listing
from trading_system.exchange.records import BinanceRecords
from trading_system.exchange.trading import BinanceTrading
from trading_system.execution.adoption import adopted
from trading_system.resilience.retry import RetryPolicy
from trading_system.simulator.model import CancelAll, OrderType, PlaceOrder, Side, TimeInForce
from trading_system.simulator.server import SimulatorOptions, serve

BTC = Symbol("BTC", "USDT")
DAY = 86_400_000
LISTING = {
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "status": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "orderTypes": ["LIMIT"],
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1", "maxQty": "9"},
            ],
        }
    ]
}


def row(number, *, symbol="BTCUSDT", time=1, **fields):
    """An order as the venue writes it."""
    return {
        "symbol": symbol,
        "orderId": number,
        "clientOrderId": f"c{number}",
        "price": "0.00",
        "origQty": "2.0",
        "executedQty": "1.0",
        "cummulativeQuoteQty": "100",
        "origQuoteOrderQty": "0.0",
        "status": "EXPIRED",
        "timeInForce": "GTC",
        "type": "MARKET",
        "side": "SELL",
        "stopPrice": "0.0",
        "time": time,
        "updateTime": time + 5,
    } | fields


def trade(number, order=1):
    return {
        "id": number,
        "orderId": order,
        "price": "100",
        "qty": "1",
        "quoteQty": "100",
        "commission": "0.1",
        "commissionAsset": "BNB",
        "time": 7,
        "isBuyer": order == 1,
        "isMaker": True,
    }


@pytest.fixture
def records(gateway, clock):
    return BinanceRecords(gateway, Listing(gateway, clock))


def asked(venue, *names):
    """What was asked for, of these parameters alone."""
    return [
        {name: int(fields[name]) for name in names if name in fields}
        for _, _, fields in venue.requests
    ]


async def test_an_order_is_read_as_it_stands(records, venue, clock):
    venue.says(200, [row(3, expiryReason="INSUFFICIENT_LIQUIDITY")])
    (order,) = await records.orders(BTC, since=clock.now())
    assert (order.symbol, order.side, order.type) == (BTC, "SELL", "MARKET")
    assert (order.price, order.stop_price, order.quote_quantity) == (None, None, None)
    assert order.quantity == order.report.quantity == 2
    assert (order.report.client_order_id, order.report.venue_order_id) == ("c3", "3")
    assert (order.report.status, order.report.executed_quantity) == ("EXPIRED", 1)
    assert order.report.reject_reason == "INSUFFICIENT_LIQUIDITY"
    assert order.report.time - order.created_at == timedelta(milliseconds=5)


async def test_an_execution_is_read_with_its_order_and_side(records, venue, clock):
    venue.says(200, [trade(1), trade(2, order=2)])
    buy, sale = await records.fills(BTC, since=clock.now())
    assert (buy.venue_order_id, buy.side, sale.side) == ("1", "BUY", "SELL")
    assert (buy.fill.trade_id, buy.fill.fee, buy.fill.fee_asset) == ("1", Decimal("0.1"), "BNB")


async def test_nothing_is_asked_beyond_a_day_and_idle_days_are_walked_through(
    records, venue, clock
):
    for _ in range(3):
        venue.says(200, [])
    venue.says(200, [])
    since = clock.now() - timedelta(days=2, hours=1)
    assert await records.orders(BTC, since=since) == []
    first = round(since.timestamp() * 1000)
    assert asked(venue, "startTime", "endTime") == [
        {"startTime": first + n * (DAY + 1), "endTime": first + n * (DAY + 1) + DAY}
        for n in range(3)
    ]


async def test_from_the_first_order_on_ids_are_followed(records, venue, clock):
    venue.says(200, [])
    venue.says(200, [row(5), row(9)])
    venue.says(200, [row(9), row(12)])
    venue.says(200, [row(12)])
    found = await records.orders(BTC, since=clock.now() - timedelta(days=3))
    assert [order.report.venue_order_id for order in found] == ["5", "9", "12"]
    assert asked(venue, "orderId")[2:] == [{"orderId": 9}]


async def test_a_full_page_is_followed_by_another_and_no_row_comes_twice(records, venue, clock):
    venue.says(200, [row(number) for number in range(1_000)])
    venue.says(200, [row(number) for number in range(999, 1_999)])
    venue.says(200, [row(1_998), row(1_999)])
    found = await records.orders(BTC, since=clock.now())
    assert [int(order.report.venue_order_id) for order in found] == list(range(2_000))
    assert asked(venue, "orderId", "limit") == [
        {"limit": 1_000},
        {"limit": 1_000, "orderId": 999},
        {"limit": 1_000, "orderId": 1_998},
    ]


async def test_both_sides_of_a_trade_at_the_end_of_a_page_are_found(records, venue, clock):
    venue.says(200, [trade(number) for number in range(1_000)])
    venue.says(200, [trade(999), trade(999, order=2)])
    found = await records.fills(BTC, since=clock.now())
    assert len(found) == 1_001
    assert [(f.fill.trade_id, f.venue_order_id) for f in found[-2:]] == [("999", "1"), ("999", "2")]
    assert asked(venue, "fromId")[1] == {"fromId": 999}


async def test_one_page_of_today_is_one_call(records, venue, clock):
    venue.says(200, [row(1)])
    await records.orders(BTC, since=clock.now())
    assert len(venue.requests) == 1


async def test_open_orders_come_in_one_call_and_unlisted_symbols_are_left_out(records, venue):
    venue.says(200, LISTING)
    venue.says(200, [row(1, status="NEW"), row(2, symbol="GONEUSDT", status="NEW")])
    found = await records.open_orders()
    assert [order.report.venue_order_id for order in found] == ["1"]
    assert "symbol" not in venue.requests[-1][2]


@pytest.mark.parametrize(
    "strange",
    [row(1, origQty="NaN"), row(1, status="?"), {"orderId": 1}, row(1, time=10**18), [1]],
)
async def test_an_order_that_is_not_as_documented_keeps_no_other_from_being_read(
    records, venue, clock, strange
):
    venue.says(200, [strange, row(2)])
    found = await records.orders(BTC, since=clock.now())
    assert [order.report.venue_order_id for order in found] == ["2"]


async def test_an_execution_that_is_not_as_documented_keeps_no_other_from_being_read(
    records, venue, clock
):
    venue.says(200, [trade(1) | {"price": "?"}, {"id": 2}, trade(3)])
    found = await records.fills(BTC, since=clock.now())
    assert [each.fill.trade_id for each in found] == ["3"]


async def test_an_open_order_that_is_not_as_documented_keeps_no_other_from_being_read(
    records, venue
):
    venue.says(200, LISTING)
    strange = [row(1, status="?"), {"symbol": "BTCUSDT"}, {}, None]
    venue.says(200, [*strange, row(2, status="NEW")])
    found = await records.open_orders()
    assert [order.report.venue_order_id for order in found] == ["2"]


@pytest.mark.parametrize("nonsense", [{"a": 1}, 7, None])
async def test_an_answer_that_is_no_list_is_an_error(records, venue, clock, nonsense):
    venue.says(200, nonsense)
    with pytest.raises(Unreadable):
        await records.orders(BTC, since=clock.now())


async def test_balances_are_read(records, venue):
    venue.says(200, {"balances": [{"asset": "BTC", "free": "1", "locked": "0.5"}]})
    (held,) = await records.balances()
    assert (held.asset, held.free, held.locked) == ("BTC", 1, Decimal("0.5"))


@pytest.fixture
async def exchange(clock, impatient):
    """The simulator behind a socket, and records that ask it."""
    async with serve(SimulatorOptions(port=0, clock=clock.milliseconds)) as running:
        gateway = Gateway(
            client=Client(
                endpoints=trading_endpoints(running.url),
                clock=impatient,
                api_key=SecretStr(running.api_key),
                secret=SecretStr(running.secret),
            ),
            clock=impatient,
            retry=RetryPolicy(jitter=0),
        )
        yield running.exchange, BinanceRecords(gateway, Listing(gateway, impatient))
        await gateway.close()


def place(exchange, clock, number, *, price=None, quantity="0.001"):
    exchange.handle(
        PlaceOrder(
            account="main",
            symbol="BTCUSDT",
            side=Side.BUY,
            type=OrderType.LIMIT if price else OrderType.MARKET,
            time_in_force=TimeInForce.GTC if price else None,
            quantity=Decimal(quantity),
            price=price and Decimal(price),
            client_order_id=f"n{number}",
        ),
        clock.milliseconds(),
    )


async def test_the_simulators_record_is_read_whole(exchange, clock):
    """More than a page of orders and fills, over two days."""
    venue, records = exchange
    began = clock.now()
    await clock.advance(30 * 3_600)
    for number in range(1_050):
        place(venue, clock, number)
    place(venue, clock, "resting", price="20000")
    orders = await records.orders(BTC, since=began)
    fills = await records.fills(BTC, since=began)
    truth = venue.venue.all_orders("main", "BTCUSDT")
    assert [o.report.client_order_id for o in orders] == [o.client_order_id for o in truth]
    assert sum(f.fill.quantity for f in fills) == sum(o.executed for o in truth)
    assert len({(f.fill.trade_id, f.venue_order_id) for f in fills}) == len(fills)
    (resting,) = await records.open_orders()
    assert (resting.report.client_order_id, resting.price) == ("nresting", Decimal(20_000))
    held = {b.asset: (b.free, b.locked) for b in await records.balances()}
    assert held["USDT"] == venue.venue.balances("main")["USDT"]


async def test_the_simulator_refuses_longer_windows_than_are_asked(exchange, clock):
    """So that the test above shows something."""
    _, records = exchange
    records._pages._window_ms = DAY + 1
    with pytest.raises(Rejected, match="24 hours"):
        await records.orders(BTC, since=clock.now() - timedelta(days=2))


@pytest.mark.parametrize("call", ["find", "cancel"])
async def test_an_order_of_others_is_named_by_the_venues_id(exchange, clock, call):
    """Its client id may name a newer order by now."""
    venue, records = exchange
    place(venue, clock, 1, price="20000")
    (first,) = await records.open_orders()
    venue.handle(CancelAll(account="main", symbol="BTCUSDT"), clock.milliseconds())
    place(venue, clock, 1, price="20000")
    trading = BinanceTrading(records._gateway, records._listing)
    if call == "find":
        assert (await trading.find(adopted(first))).status == "CANCELED"
    else:
        with pytest.raises(OrderNotFound):
            await trading.cancel(adopted(first))
    assert len(await records.open_orders()) == 1
