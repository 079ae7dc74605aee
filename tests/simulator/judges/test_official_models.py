"""Every endpoint against the official client's models: no unknown, missing or mistyped field."""

from __future__ import annotations

import pytest

from tests.simulator.judges.by_official_sdk import OfficialJudge
from tests.simulator.judges.conftest import KEY, NOON, SECRET

BTC = {"symbol": "BTCUSDT"}
SOME = {"symbols": ["BTCUSDT", "ETHUSDT"]}
SELL = BTC | {"side": "SELL"}
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("ping", {}),
        ("time", {}),
        ("exchange_info", {}),
        ("exchange_info", BTC),
        ("exchange_info", SOME | {"showPermissionSets": False}),
        ("exchange_info", {"permissions": ["SPOT"]}),
        ("exchange_info", {"symbolStatus": "TRADING"}),
        ("execution_rules", {}),
        ("execution_rules", BTC),
        ("depth", BTC),
        ("depth", BTC | {"limit": 5, "symbolStatus": "TRADING"}),
        ("get_trades", BTC),
        ("historical_trades", BTC | {"limit": 5, "fromId": 1_000}),
        ("agg_trades", BTC),
        ("agg_trades", BTC | {"startTime": NOON - HOUR, "endTime": NOON}),
        ("klines", BTC | {"interval": "1M", "timeZone": "-5:30", "limit": 3}),
        ("ui_klines", BTC | {"interval": "1s"}),
        ("avg_price", BTC),
        ("ticker24hr", {}),
        ("ticker24hr", BTC),
        ("ticker24hr", SOME),
        ("ticker24hr", BTC | {"type": "MINI"}),
        ("ticker_trading_day", BTC | {"timeZone": "8"}),
        ("ticker_trading_day", SOME),
        ("ticker", BTC | {"windowSize": "7d"}),
        ("ticker", SOME),
        ("ticker_price", {}),
        ("ticker_price", SOME),
        ("ticker_book_ticker", {}),
        ("ticker_book_ticker", BTC),
        ("get_account", {}),
        ("get_account", {"omitZeroBalances": True, "recvWindow": 59_999.5}),
        ("account_commission", BTC),
        ("rate_limit_order", {}),
        ("my_filters", BTC),
        ("get_open_orders", {}),
        ("all_orders", BTC),
        ("my_trades", BTC),
    ],
)
async def test_every_reading_endpoint_fits_its_model(official, method, fields):
    await official.ask(method, **fields)


@pytest.mark.parametrize("kind", ["ACK", "RESULT", "FULL"])
async def test_new_orders_fit_their_model_whatever_is_told(official, kind):
    order = SELL | {"type": "MARKET", "quantity": "0.01", "newOrderRespType": kind}
    answer = await official.ask("new_order", **order)
    assert ("status" in answer, "fills" in answer) == (kind != "ACK", kind == "FULL")


async def test_orders_with_every_conditional_field_fit_their_models(official):
    prices = {"price": "150000", "stopPrice": "149000", "timeInForce": "GTC"}
    labels = {"strategyId": 7, "strategyType": 1_000_000, "newOrderRespType": "RESULT"}
    placed = await official.ask(
        "new_order",
        **SELL,
        **prices,
        **labels,
        type="TAKE_PROFIT_LIMIT",
        quantity="0.01",
        icebergQty="0.005",
        trailingDelta=100,
    )
    conditional = {"stopPrice", "icebergQty", "strategyId", "strategyType", "trailingDelta"}
    assert conditional < placed.keys()
    found = await official.ask("get_order", **BTC, orderId=placed["orderId"])
    assert conditional < found.keys()
    assert found["isWorking"] is False
    gone = await official.ask("delete_order", **BTC, orderId=placed["orderId"])
    assert conditional < gone.keys()


async def test_a_trailing_stop_tells_since_when_it_tracks(official, feed, clock):
    order = SELL | {"type": "STOP_LOSS", "quantity": "0.01", "trailingDelta": 2_000}
    placed = await official.ask("new_order", **order, newOrderRespType="RESULT")
    assert (placed["trailingDelta"], placed["trailingTime"]) == (2_000, -1)
    last = feed.last_trade("BTCUSDT", now=clock.now)
    clock.now += 60_000
    (first,) = feed.trades_from("BTCUSDT", first_id=last.id + 1, limit=1, now=clock.now)
    found = await official.ask("get_order", **BTC, orderId=placed["orderId"])
    assert (found["trailingTime"], found["isWorking"]) == (first.time, False)


async def test_amended_orders_and_their_history_fit_their_models(official):
    prices = {"price": "150000", "stopPrice": "149000", "timeInForce": "GTC"}
    order = SELL | prices | {"type": "TAKE_PROFIT_LIMIT", "quantity": "0.03"}
    placed = await official.ask("new_order", **order, icebergQty="0.01")
    which = BTC | {"orderId": placed["orderId"]}
    told = await official.ask("order_amend_keep_priority", **which, newQty="0.02")
    assert told["amendedOrder"]["icebergQty"] == "0.01000000"
    (row,) = await official.ask("order_amendments", **which)
    assert row["executionId"] == told["executionId"]


async def test_an_expired_order_says_why(official):
    book = await official.ask("depth", **BTC, limit=1)
    price, quantity = book["bids"][0]
    order = SELL | {"type": "LIMIT", "timeInForce": "FOK", "price": price}
    answer = await official.ask("new_order", **order, quantity=str(float(quantity) + 1))
    assert answer["expiryReason"] == "UNFILLED_FOK_ORDER_EXPIRED"
    assert "expiryReason" in (await official.ask("get_order", **BTC, orderId=answer["orderId"]))


async def test_an_order_that_met_its_own_account_fits_its_model(official):
    book = await official.ask("depth", **BTC, limit=1)
    between = f"{float(book['asks'][0][0]) - 0.01:.2f}"
    limit = BTC | {"type": "LIMIT", "timeInForce": "GTC", "price": between, "quantity": "0.01"}
    maker = await official.ask("new_order", **limit, side="SELL")
    await official.ask("new_order", **limit, side="BUY", selfTradePreventionMode="EXPIRE_BOTH")
    found = await official.ask("get_order", **BTC, orderId=maker["orderId"])
    assert found["status"] == "EXPIRED_IN_MATCH"
    assert found["preventedQuantity"] == "0.01000000"


async def test_a_rehearsal_with_rates_fits_its_model(official):
    order = SELL | {"type": "MARKET", "quantity": "0.01", "computeCommissionRates": True}
    answer = await official.ask("order_test", **order)
    assert answer["standardCommissionForOrder"]["taker"] == "0.00100000"


async def test_microseconds_are_told_when_asked_for(exchange, clock):
    official = OfficialJudge(exchange.url, KEY, SECRET, clock, time_unit="MICROSECOND")
    try:
        assert await official.server_time() == NOON * 1000
        assert (await official.ask("exchange_info", **BTC))["serverTime"] == NOON * 1000
        (row,) = await official.ask("klines", **BTC, interval="1m", limit=1)
        assert (row[0], row[6]) == (
            NOON // 60_000 * 60_000_000,
            (NOON // 60_000 + 1) * 60_000_000 - 1,
        )
        day = await official.ask("ticker24hr", **BTC)
        assert day["closeTime"] == NOON * 1000
        day = await official.ask("ticker_trading_day", **BTC)
        assert day["closeTime"] - day["openTime"] == 86_400_000_000 - 1
        order = await official.ask("new_order", **SELL, type="MARKET", quantity="0.01")
        assert order["transactTime"] == order["workingTime"] == NOON * 1000
        (trade, *_) = await official.ask("my_trades", **BTC)
        assert trade["time"] == NOON * 1000
    finally:
        await official.close()
    assert official.complaints == []
