"""Orders and accounts of futures in our words, by tables and by recorded answers."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from trading_system.domain.errors import NotAllowed
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderStatus, OrderType, Side
from trading_system.domain.orders import TimeInForce as Tif
from trading_system.domain.reports import Balance
from trading_system.exchange.futures import market_data, translate

RECORDED = Path(__file__).parents[4] / "shared/data/rest"
BTC = Symbol("BTC", "USDT")
MS = 1_767_225_600_000

PLAIN = {"symbol": "BTCUSDT", "side": "BUY", "newClientOrderId": "ts-1"}
PLAIN |= {"newOrderRespType": "RESULT", "quantity": "0.01"}
ALGO = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "BUY", "clientAlgoId": "ts-1"}
ALGO |= {"quantity": "0.01"}
PRICE = {"price": Decimal("7E+1")}
STOP = {"stop_price": Decimal("65.50")}


@pytest.mark.parametrize(
    ("kind", "fields", "sent"),
    [
        (OrderType.MARKET, {}, {"type": "MARKET"}),
        (OrderType.LIMIT, PRICE, {"type": "LIMIT", "price": "70", "timeInForce": "GTC"}),
        (
            OrderType.LIMIT,
            PRICE | {"time_in_force": Tif.FOK},
            {"type": "LIMIT", "price": "70", "timeInForce": "FOK"},
        ),
        (OrderType.LIMIT_MAKER, PRICE, {"type": "LIMIT", "price": "70", "timeInForce": "GTX"}),
    ],
)
def test_what_needs_no_trigger_is_an_order(order, kind, fields, sent):
    assert translate.order_parameters(order(kind, **fields), "BTCUSDT") == PLAIN | sent


@pytest.mark.parametrize(
    ("kind", "fields", "sent"),
    [
        (OrderType.STOP_LOSS, STOP, {"type": "STOP_MARKET", "triggerPrice": "65.50"}),
        (OrderType.TAKE_PROFIT, STOP, {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "65.50"}),
        (
            OrderType.STOP_LOSS_LIMIT,
            STOP | PRICE,
            {"type": "STOP", "triggerPrice": "65.50", "price": "70", "timeInForce": "GTC"},
        ),
        (
            OrderType.TAKE_PROFIT_LIMIT,
            STOP | PRICE | {"time_in_force": Tif.IOC},
            {"type": "TAKE_PROFIT", "triggerPrice": "65.50", "price": "70", "timeInForce": "IOC"},
        ),
        (
            OrderType.STOP_LOSS,
            {"trailing_delta": 150},
            {"type": "TRAILING_STOP_MARKET", "callbackRate": "1.5"},
        ),
        (
            OrderType.STOP_LOSS,
            STOP | {"trailing_delta": 10},
            {"type": "TRAILING_STOP_MARKET", "callbackRate": "0.1", "activatePrice": "65.50"},
        ),
    ],
)
def test_what_waits_for_a_trigger_is_an_algo_order(order, kind, fields, sent):
    assert translate.algo_parameters(order(kind, **fields), "BTCUSDT") == ALGO | sent


def test_what_closes_never_does_more_than_that(order):
    """Spot has no such word: see its own translation."""
    closing = {"reduce_only": True}
    plain = translate.order_parameters(order(OrderType.MARKET, **closing), "BTCUSDT")
    assert plain == PLAIN | {"type": "MARKET", "reduceOnly": "true"}
    algo = translate.algo_parameters(order(OrderType.STOP_LOSS, **STOP | closing), "BTCUSDT")
    assert algo["reduceOnly"] == "true"
    trailing = order(OrderType.STOP_LOSS, trailing_delta=150, **closing)
    assert translate.algo_parameters(trailing, "BTCUSDT")["reduceOnly"] == "true"


def test_a_change_says_again_what_stays(order):
    wanted = order(OrderType.LIMIT, side=Side.SELL, **PRICE)
    assert translate.amend_parameters(wanted, "BTCUSDT", Decimal("0.005")) == {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "origClientOrderId": "ts-1",
        "quantity": "0.005",
        "price": "70",
    }
    for other in (order(), order(OrderType.STOP_LOSS_LIMIT, **STOP, **PRICE)):
        with pytest.raises(NotAllowed):
            translate.amend_parameters(other, "BTCUSDT", Decimal("0.005"))


ROW = {
    "orderId": 5,
    "symbol": "BTCUSDT",
    "status": "PARTIALLY_FILLED",
    "clientOrderId": "theirs",
    "price": "70",
    "origQty": "3",
    "executedQty": "1",
    "cumQuote": "69.5",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "SELL",
    "stopPrice": "0",
    "time": MS - 1,
    "updateTime": MS,
}


def test_an_order_is_reported_with_its_totals():
    report = translate.reported(ROW, "ts-1", source="answer")
    assert (report.client_order_id, report.venue_order_id) == ("ts-1", "5")
    assert (report.status, report.executed_quantity) == ("PARTIALLY_FILLED", 1)
    assert (report.executed_quote, report.quantity) == (Decimal("69.5"), 3)
    assert round(report.time.timestamp() * 1000) == MS


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        *((status, status) for status in ("NEW", "FILLED", "CANCELED", "EXPIRED", "REJECTED")),
        ("EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
        ("NEW_INSURANCE", "NEW"),
        ("NEW_ADL", "NEW"),
    ],
)
def test_every_status_is_one_of_ours(theirs, ours):
    assert translate.status(theirs) is OrderStatus(ours)


def test_a_status_nobody_knows_is_none():
    with pytest.raises(ValueError, match="MAGIC"):
        translate.status("MAGIC")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("NEW", "NEW"),
        ("TRIGGERING", "NEW"),
        ("TRIGGERED", "NEW"),
        ("FINISHED", "NEW"),
        ("CANCELED", "CANCELED"),
        ("EXPIRED", "EXPIRED"),
        ("REJECTED", "EXPIRED"),
    ],
)
def test_an_algo_order_ends_only_when_no_order_goes_on_for_it(theirs, ours):
    assert translate.algo_status(theirs) is OrderStatus(ours)


@pytest.mark.parametrize(
    ("kind", "in_force", "ours"),
    [
        ("LIMIT", "GTC", ("LIMIT", "GTC")),
        ("LIMIT", "GTD", ("LIMIT", "GTC")),
        ("LIMIT", "RPI", ("LIMIT", "GTC")),
        ("LIMIT", "IOC", ("LIMIT", "IOC")),
        ("LIMIT", "GTX", ("LIMIT_MAKER", None)),
        ("LIQUIDATION", "IOC", ("LIMIT", "IOC")),
        ("MARKET", "GTC", ("MARKET", None)),
        ("STOP", "FOK", ("STOP_LOSS_LIMIT", "FOK")),
        ("STOP_MARKET", "GTC", ("STOP_LOSS", None)),
        ("TAKE_PROFIT", "GTC", ("TAKE_PROFIT_LIMIT", "GTC")),
        ("TAKE_PROFIT_MARKET", "GTC", ("TAKE_PROFIT", None)),
        ("TRAILING_STOP_MARKET", "GTC", ("STOP_LOSS", None)),
    ],
)
def test_an_order_of_somebody_else_is_told_in_our_words(kind, in_force, ours):
    told = translate.venue_order(ROW | {"type": kind, "timeInForce": in_force}, BTC)
    assert (told.type, told.time_in_force) == ours
    assert (told.symbol, told.side, told.quantity, told.price) == (BTC, "SELL", 3, 70)
    assert (told.stop_price, told.quote_quantity) == (None, None)
    assert told.report.client_order_id == "theirs"


ALGO_ROW = {
    "algoId": 2_000_000_000_000_001,
    "clientAlgoId": "theirs",
    "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "timeInForce": "GTC",
    "quantity": "3",
    "algoStatus": "NEW",
    "actualOrderId": "",
    "triggerPrice": "65.5",
    "price": "0",
    "createTime": MS,
    "updateTime": MS,
}


def test_an_algo_order_of_somebody_else_is_told_in_our_words():
    told = translate.venue_algo_order(ALGO_ROW, BTC)
    assert (told.type, told.stop_price, told.price) == ("STOP_LOSS", Decimal("65.5"), None)
    trailing = ALGO_ROW | {"orderType": "TRAILING_STOP_MARKET", "activatePrice": "66"}
    assert translate.venue_algo_order(trailing, BTC).stop_price == 66
    assert translate.triggered_order(ALGO_ROW) is None
    assert translate.triggered_order({}) is None
    assert translate.triggered_order(ALGO_ROW | {"actualOrderId": "7"}) == "7"


@pytest.mark.parametrize(
    ("wallet", "available", "free", "locked"),
    [
        ("100", "60", "60", "40"),
        ("100", "130", "100", "0"),  # a profit that is not realised
        ("100", "-5", "0", "100"),
    ],
)
def test_a_wallet_is_never_more_than_what_was_paid_in(wallet, available, free, locked):
    rows = [
        {"asset": "USDT", "balance": wallet, "availableBalance": available},
        {"asset": "BNB", "balance": "0", "availableBalance": "12"},
    ]
    assert translate.balances(rows) == [
        Balance(asset="USDT", free=Decimal(free), locked=Decimal(locked))
    ]


def test_a_position_without_margin_tells_no_leverage():
    row = {"positionAmt": "1", "entryPrice": "2", "markPrice": "3", "unRealizedProfit": "1"}
    row |= {"notional": "3", "positionInitialMargin": "0"}
    assert translate.position(row, BTC).leverage is None


@pytest.mark.parametrize(("levels", "asked"), [(1, 5), (5, 5), (6, 10), (101, 500), (5000, 1000)])
def test_only_some_depths_may_be_asked_for(levels, asked):
    assert market_data.CALLS.depth(levels) == asked


def recorded(method):
    if not RECORDED.exists():
        pytest.skip("no recorded answers beside the project")
    answers = json.loads((RECORDED / "ccxt_recorded_responses.json").read_text())
    found = [each for each in answers if each["ccxt_method"] == method]
    return [each["httpResponse"] for each in found if "/fapi/" in each["endpoint_guess"]]


@pytest.mark.recorded
def test_recorded_orders_are_read():
    [[made]], [opened], [[edited]] = map(recorded, ("createOrders", "fetchOpenOrder", "editOrders"))
    for answer in (made, opened, edited):
        report = translate.reported(answer, "ts-1", source="lookup")
        assert (report.status, report.executed_quantity) == ("NEW", 0)
        assert report.quantity == Decimal(answer["origQty"])
    told = translate.venue_order(opened, Symbol("LTC", "USDT"))
    assert (told.type, told.price, told.stop_price) == ("LIMIT_MAKER", 50, None)


@pytest.mark.recorded
def test_a_recorded_fill_is_read():
    [[trade]] = recorded("fetchMyTrades")
    told = translate.venue_fill(trade, BTC)
    assert (told.venue_order_id, told.side) == ("3524852987", "BUY")
    assert (told.fill.trade_id, told.fill.maker) == ("272536245", False)
    assert (told.fill.quote_quantity, told.fill.fee) == (Decimal("365.67100"), Decimal("0.1462684"))


@pytest.mark.recorded
def test_a_recorded_position_is_read_with_its_leverage():
    rows = [row for rows in recorded("fetchPositions") if isinstance(rows, list) for row in rows]
    held = translate.position(rows[0], BTC)
    assert (held.quantity, held.entry_price) == (Decimal("0.009"), Decimal("67445.9"))
    assert (held.mark_price, held.leverage) == (Decimal("67502.68519858"), 80)
    assert held.unrealised == Decimal("0.51106678")


@pytest.mark.recorded
@pytest.mark.parametrize("name", ["2021-07-22", "2021-08-02"])
def test_recorded_listings_hold_every_perpetual_and_no_delivery(name):
    file = RECORDED / f"um_exchangeInfo_{name}.json.gz"
    if not file.exists():
        pytest.skip("no recorded answers beside the project")
    entries = json.loads(gzip.decompress(file.read_bytes()))["symbols"]
    listed = market_data.instruments({"symbols": entries})
    perpetual = {each["symbol"] for each in entries if each["contractType"] == "PERPETUAL"}
    misnamed = {"CRVUSDT"} & perpetual if name == "2021-08-02" else set()  # as TRB/USDT
    assert {each.venue_id for each in listed.values()} == perpetual - misnamed
    assert listed[Symbol("TRB", "USDT")].venue_id == "TRBUSDT"
    assert len(perpetual) < len(entries)
    btc = listed[BTC]
    assert (btc.tick_size, btc.step_size) == (Decimal("0.01"), Decimal("0.001"))
    assert btc.min_notional in {5, 10}
    assert (btc.market_step_size, btc.market_max_quantity) == (Decimal("0.001"), 1_000)
    assert 300 < btc.min_price < btc.max_price == 1_000_000
    assert (btc.trailing_below, btc.quote_quantity_allowed) == ((10, 1_000), False)
    assert btc.order_types == {str(kind) for kind in OrderType}


@pytest.mark.recorded
def test_recorded_answers_to_batches_are_read():
    if not RECORDED.exists():
        pytest.skip("no recorded answers beside the project")
    batches = json.loads((RECORDED / "um_batchOrders_partial_error.json").read_text())
    accepted = [each for batch in batches for each in batch["body"] if "code" not in each]
    assert len(accepted) == 2
    for answer in accepted:
        assert translate.reported(answer, "ts-1", source="answer").status == "NEW"


def test_an_entry_without_rules_or_with_a_date_cannot_be_traded():
    entry = {
        "symbol": "BTCUSDT",
        "contractType": "PERPETUAL",
        "status": "SETTLING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "orderTypes": ["LIMIT", "NEVER_HEARD_OF"],
        "timeInForce": ["GTC"],
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.1"},
            {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1", "maxQty": "9"},
        ],
    }
    listed = market_data.instruments({"symbols": [entry]})[BTC]
    assert (listed.tradable, listed.min_notional, listed.min_price) == (False, None, None)
    assert listed.order_types == {"LIMIT"}
    other_name = entry | {"baseAsset": "ETH"}
    for other in (entry | {"filters": []}, entry | {"contractType": "CURRENT_QUARTER"}, other_name):
        assert market_data.instruments({"symbols": [other]}) == {}
