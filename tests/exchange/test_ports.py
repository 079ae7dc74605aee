"""Market data and trading over the gateway, against a venue of scripted answers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.errors import OrderNotFound, OutcomeUnknown, UnknownSymbol, Unreadable
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.exchange.listing import Listing
from trading_system.exchange.market_data import BinanceMarketData
from trading_system.exchange.trading import BinanceTrading

BTC = Symbol("BTC", "USDT")
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


@pytest.fixture
def market_data(gateway, clock):
    return BinanceMarketData(gateway, clock)


@pytest.fixture
def trading(gateway, clock):
    return BinanceTrading(gateway, Listing(gateway, clock))


def order(symbol=BTC, executed="0") -> Order:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Order(
        id=UUID(int=1),
        client_order_id="ts-1",
        request=OrderRequest(
            symbol=symbol, side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(2)
        ),
        status=OrderStatus.NEW,
        executed_quantity=Decimal(executed),
        created_at=now,
        updated_at=now,
    )


async def test_what_is_listed_is_asked_for_once_an_hour(market_data, venue, clock):
    venue.says(200, LISTING)
    assert BTC in await market_data.instruments()
    assert BTC in await market_data.instruments()
    assert len(venue.requests) == 1
    await clock.advance(3_601)
    venue.says(200, {"symbols": []})
    assert await market_data.instruments() == {}


async def test_a_page_of_candles_asks_for_just_its_span(market_data, venue):
    venue.says(200, LISTING)
    venue.says(200, [[0, "1", "2", "0.5", "1.5", "9", 59_999]])
    (candle,) = await market_data.candles(BTC, Span(0, 5 * MINUTE))
    assert candle.volume == 9
    _, path, fields = venue.requests[1]
    assert path == "/api/v3/klines"
    assert fields == {
        "symbol": "BTCUSDT",
        "interval": "1m",
        "startTime": "0",
        "endTime": str(5 * MINUTE - 1),
        "limit": "5",
    }


async def test_a_symbol_that_is_not_listed_is_not_asked_for(market_data, venue):
    venue.says(200, LISTING)
    with pytest.raises(UnknownSymbol, match="NO/PE"):
        await market_data.candles(Symbol("NO", "PE"), Span(0, MINUTE))


async def test_the_venues_time_is_read(market_data, venue):
    venue.says(200, {"serverTime": 5})
    assert await market_data.server_time() == 5


async def test_an_order_is_placed_under_our_id(trading, venue):
    venue.says(200, LISTING)
    venue.says(200, {"orderId": 3, "transactTime": 1, "status": "NEW"})
    report = await trading.place(order())
    assert report.venue_order_id == "3"
    assert venue.requests[1][:2] == ("POST", "/api/v3/order")
    assert venue.requests[1][2]["newClientOrderId"] == "ts-1"


async def test_an_order_of_an_unlisted_symbol_is_not_sent(trading, venue):
    venue.says(200, LISTING)
    with pytest.raises(UnknownSymbol):
        await trading.place(order(Symbol("NO", "PE")))


KNOWN = {"orderId": 3, "status": "PARTIALLY_FILLED", "updateTime": 1, "cummulativeQuoteQty": "100"}
TRADE = {
    "id": 8,
    "price": "100",
    "qty": "1",
    "quoteQty": "100",
    "commission": "0",
    "commissionAsset": "BTC",
    "isMaker": True,
    "time": 1,
}


@pytest.mark.parametrize("known", ["0", "1"], ids=["news", "no news"])
async def test_a_look_up_of_a_filled_order_brings_every_trade(trading, venue, known):
    """Also where the totals are known: one of its fills may have gone unheard."""
    venue.says(200, KNOWN | {"executedQty": "1"})
    venue.says(200, [TRADE])
    report = await trading.find(order(executed=known))
    assert [fill.trade_id for fill in report.fills] == ["8"]
    assert venue.requests[1][1] == "/api/v3/myTrades"


async def test_an_order_of_more_trades_than_a_page_is_told_with_all_of_them(trading, venue):
    venue.says(200, KNOWN | {"executedQty": "1"})
    venue.says(200, [TRADE | {"id": number} for number in range(5, 1_005)])
    venue.says(200, [TRADE | {"id": 2_000}])
    report = await trading.find(order())
    assert len(report.fills) == 1_001
    asked = [fields for _, path, fields in venue.requests if path == "/api/v3/myTrades"]
    assert [(fields["fromId"], fields["limit"]) for fields in asked] == [
        ("0", "1000"),
        ("1005", "1000"),
    ]


async def test_a_look_up_of_an_order_that_has_not_filled_asks_for_no_trades(trading, venue):
    venue.says(200, KNOWN | {"executedQty": "0"})
    assert (await trading.find(order())).fills == ()
    assert len(venue.requests) == 1


async def test_a_cancel_goes_out_under_our_id(trading, venue):
    venue.says(200, KNOWN | {"executedQty": "0", "status": "CANCELED"})
    assert (await trading.cancel(order())).status == "CANCELED"
    method, _, fields = venue.requests[0]
    assert (method, fields["origClientOrderId"]) == ("DELETE", "ts-1")


async def test_an_order_the_venue_does_not_know_is_not_found(trading, venue):
    venue.says(400, {"code": -2013, "msg": "Order does not exist."})
    with pytest.raises(OrderNotFound):
        await trading.find(order())


async def test_what_was_sent_is_found_and_cancelled_whatever_is_listed_today(trading, venue):
    """A delisting, or a listing that cannot be read, leaves no order alone at the venue."""
    venue.says(200, KNOWN | {"executedQty": "0"})
    await trading.find(order(Symbol("GONE", "USDT")))
    venue.says(200, KNOWN | {"executedQty": "0", "status": "CANCELED"})
    await trading.cancel(order(Symbol("GONE", "USDT")))
    assert [(path, fields["symbol"]) for _, path, fields in venue.requests] == [
        ("/api/v3/order", "GONEUSDT"),
        ("/api/v3/order", "GONEUSDT"),
    ]


async def test_the_account_is_read_without_its_empty_assets(trading, venue):
    venue.says(200, {"balances": [{"asset": "USDT", "free": "5", "locked": "0"}]})
    (held,) = await trading.balances()
    assert (held.asset, held.free) == ("USDT", Decimal(5))
    assert venue.requests[0][2]["omitZeroBalances"] == "true"


STRANGE = {
    "words": {"status": 1, "msg": "system maintenance"},
    "a list": [],
    "rows of a table": [KNOWN],
    "a new status": KNOWN | {"executedQty": "0", "transactTime": 1, "status": "PENDING_MAGIC"},
    "an odd amount": KNOWN | {"executedQty": "NaN", "transactTime": 1},
    "no amount": KNOWN | {"executedQty": None, "transactTime": 1},
    "no moment": KNOWN | {"executedQty": "0", "transactTime": 10**21, "updateTime": 10**21},
}


@pytest.mark.parametrize("answer", STRANGE.values(), ids=STRANGE.keys())
@pytest.mark.parametrize(
    ("call", "error"),
    [("place", OutcomeUnknown), ("cancel", OutcomeUnknown), ("find", Unreadable)],
)
async def test_an_answer_about_an_order_that_is_none_says_what_is_known(
    trading, venue, call, error, answer
):
    if call == "place":
        venue.says(200, LISTING)
    venue.says(200, answer)
    with pytest.raises(error):
        await getattr(trading, call)(order())
    # The same question would get the same answer.
    assert [path for _, path, _ in venue.requests].count("/api/v3/order") == 1


UNREADABLE_TRADES = [{"msg": "maintenance"}, [{}], [TRADE | {"price": "much"}]]


@pytest.mark.parametrize("trades", UNREADABLE_TRADES)
async def test_trades_that_cannot_be_read_are_no_trades(trading, venue, trades):
    venue.says(200, KNOWN | {"executedQty": "1"})
    venue.says(200, trades)
    with pytest.raises(Unreadable):
        await trading.find(order())


@pytest.mark.parametrize("trades", UNREADABLE_TRADES)
async def test_a_cancel_was_done_even_where_its_trades_cannot_be_read(trading, venue, trades):
    venue.says(200, KNOWN | {"executedQty": "1", "status": "CANCELED"})
    venue.says(200, trades)
    report = await trading.cancel(order())
    assert (report.status, report.executed_quantity, report.fills) == ("CANCELED", Decimal(1), ())


@pytest.mark.parametrize(
    "answer",
    [[], {}, {"balances": [{}]}, {"balances": [{"asset": "X", "free": "Infinity", "locked": "0"}]}],
)
async def test_an_account_that_is_none_is_unreadable(trading, venue, answer):
    venue.says(200, answer)
    with pytest.raises(Unreadable):
        await trading.balances()
