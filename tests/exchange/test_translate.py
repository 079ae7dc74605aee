"""The venue's JSON in our words, to the last digit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.candles import MINUTE, Candle
from trading_system.domain.errors import OutcomeUnknown, Rejected, Unreadable
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.orders import TimeInForce as Tif
from trading_system.exchange import translate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROW = [0, "1.10", "2.20", "0.50", "1.70", "12.34567890", 59_999, "20", 5, "1", "2", "0"]


def order(**fields) -> Order:
    request = OrderRequest(symbol=Symbol("BTC", "USDT"), side=Side.BUY, type=OrderType.MARKET)
    return Order(
        id=UUID(int=1),
        client_order_id="ts-1",
        request=replace(request, **fields),
        status=OrderStatus.PENDING_NEW,
        created_at=NOW,
        updated_at=NOW,
    )


def test_a_candle_is_taken_once_it_is_closed() -> None:
    rows = [ROW, [MINUTE, *ROW[1:]]]
    assert translate.closed_candles(rows, now_ms=MINUTE) == [
        Candle(0, 1.1, 2.2, 0.5, 1.7, 12.3456789)
    ]
    assert len(translate.closed_candles(rows, now_ms=2 * MINUTE)) == 2
    assert translate.closed_candles(rows, now_ms=MINUTE - 1) == []


def listed(**changes):
    entry = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "orderTypes": ["LIMIT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "9"},
            {"filterType": "NOTIONAL", "minNotional": "5", "maxNotional": "9000"},
        ],
    }
    return translate.instruments({"symbols": [entry | changes]})


def test_an_instrument_carries_the_venues_rules() -> None:
    instrument = listed()[Symbol("BTC", "USDT")]
    assert (instrument.venue_id, instrument.tick_size, instrument.min_notional) == (
        "BTCUSDT",
        Decimal("0.01"),
        Decimal(5),
    )
    assert instrument.tradable


def test_a_halted_symbol_is_listed_and_not_tradable() -> None:
    assert not listed(status="HALT")[Symbol("BTC", "USDT")].tradable


def test_the_older_notional_rule_is_read_too_and_none_is_no_bound() -> None:
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "1"},
        {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1", "maxQty": "9"},
    ]
    old = [*filters, {"filterType": "MIN_NOTIONAL", "minNotional": "10"}]
    symbol = Symbol("BTC", "USDT")
    assert listed(filters=old)[symbol].min_notional == 10
    assert listed(filters=old)[symbol].max_notional is None
    assert listed(filters=filters)[symbol].min_notional is None


def test_an_entry_without_rules_cannot_be_traded() -> None:
    assert listed(filters=[]) == {}


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"quantity": Decimal("0.10")}, {"type": "MARKET", "quantity": "0.10"}),
        ({"quote_quantity": Decimal("1E+2")}, {"type": "MARKET", "quoteOrderQty": "100"}),
        (
            {"type": OrderType.LIMIT, "quantity": Decimal("1E-8"), "price": Decimal(7)},
            {"type": "LIMIT", "quantity": "0.00000001", "price": "7", "timeInForce": "GTC"},
        ),
        (
            {"type": OrderType.LIMIT, "quantity": Decimal(1), "time_in_force": Tif.IOC},
            {"type": "LIMIT", "quantity": "1", "timeInForce": "IOC"},
        ),
        (
            {"type": OrderType.STOP_LOSS, "quantity": Decimal(1), "stop_price": Decimal(9)},
            {"type": "STOP_LOSS", "quantity": "1", "stopPrice": "9"},
        ),
        (
            {"type": OrderType.STOP_LOSS, "quantity": Decimal(1), "trailing_delta": 150},
            {"type": "STOP_LOSS", "quantity": "1", "trailingDelta": "150"},
        ),
        (
            {
                "type": OrderType.LIMIT_MAKER,
                "quantity": Decimal(2),
                "price": Decimal(7),
                "iceberg_quantity": Decimal("0.50"),
            },
            {"type": "LIMIT_MAKER", "quantity": "2", "price": "7", "icebergQty": "0.50"},
        ),
    ],
)
def test_an_order_is_sent_in_the_digits_it_was_asked_for(fields, sent) -> None:
    expected = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "newClientOrderId": "ts-1",
        "newOrderRespType": "FULL",
    } | sent
    assert translate.order_parameters(order(**fields), "BTCUSDT") == expected


def test_an_answer_with_fills_is_a_report_with_fills() -> None:
    answer = {
        "orderId": 5,
        "status": "FILLED",
        "transactTime": 1_767_225_600_000,
        "executedQty": "2",
        "cummulativeQuoteQty": "201",
        "fills": [
            {
                "price": "100.5",
                "qty": "2",
                "commission": "0.002",
                "commissionAsset": "BTC",
                "tradeId": 9,
            }
        ],
    }
    report = translate.placed(answer, order())
    assert (report.status, report.executed_quote, report.venue_order_id) == (
        "FILLED",
        Decimal(201),
        "5",
    )
    assert report.fills[0].quote_quantity == Decimal("201.0")
    assert report.fills[0].trade_id == "9"
    assert report.time == NOW


def test_a_bare_acknowledgement_means_new() -> None:
    report = translate.placed({"orderId": 5, "transactTime": 1}, order())
    assert (report.status, report.executed_quantity) == ("NEW", 0)


def test_a_looked_up_order_brings_its_trades() -> None:
    answer = {
        "orderId": 5,
        "status": "CANCELED",
        "updateTime": 1_767_225_600_000,
        "executedQty": "1",
        "cummulativeQuoteQty": "100",
    }
    trade = {
        "id": 3,
        "price": "100",
        "qty": "1",
        "quoteQty": "100",
        "commission": "0.1",
        "commissionAsset": "USDT",
        "isMaker": True,
        "time": 1_767_225_600_000,
    }
    report = translate.looked_up(answer, order(), [trade], source="lookup")
    assert (report.source, report.status, report.time) == ("lookup", "CANCELED", NOW)
    assert report.fills[0].maker is True


def test_assets_that_hold_nothing_are_left_out() -> None:
    account = {
        "balances": [
            {"asset": "BTC", "free": "0.0", "locked": "0.5"},
            {"asset": "ETH", "free": "0", "locked": "0"},
        ]
    }
    (held,) = translate.balances(account)
    assert (held.asset, held.locked) == ("BTC", Decimal("0.5"))


@pytest.mark.parametrize(("state_changing", "error"), [(False, Unreadable), (True, OutcomeUnknown)])
@pytest.mark.parametrize(
    "read",
    [
        lambda: {}["symbols"],
        lambda: ROW[len(ROW)],
        lambda: Decimal("much"),
        lambda: Decimal(None),
        lambda: int("soon"),
        lambda: "rows".get("status"),
        lambda: translate.moment(10**21),
        lambda: translate.moment("now"),
    ],
)
def test_an_answer_of_another_shape_is_no_answer(read, state_changing, error) -> None:
    with (
        pytest.raises(error, match="not as documented"),
        translate.understood(state_changing=state_changing),
    ):
        read()


def test_what_the_venue_refused_stays_what_it_is() -> None:
    with pytest.raises(Rejected), translate.understood(state_changing=True):
        raise Rejected(-1, "no")


@pytest.mark.parametrize("milliseconds", [10**15, 10**18, -(10**18), 10**21, float("nan")])
def test_a_moment_no_calendar_has_is_a_wrong_value(milliseconds) -> None:
    with pytest.raises(ValueError, match=r"."):
        translate.moment(milliseconds)
