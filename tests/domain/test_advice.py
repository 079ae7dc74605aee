"""What to change about a refused order: each code and message, with and without figures."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from trading_system.domain.advice import _TABLE, Known, advice
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.orders import OrderRequest, OrderType, Side

BTC = Symbol("BTC", "USDT")
RULES = Instrument(
    symbol=BTC,
    venue_id="BTCUSDT",
    tradable=True,
    order_types=frozenset({"LIMIT", "MARKET"}),
    tick_size=Decimal("0.01"),
    step_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(9),
    min_notional=Decimal(5),
    max_notional=Decimal(9000),
    min_price=Decimal("0.01"),
    max_price=Decimal(0),
    market_step_size=Decimal("0.01"),
    market_max_quantity=Decimal(3),
    iceberg_parts=10,
    trailing_above=(10, 2000),
    trailing_below=(20, 1000),
    buy_band=(Decimal("0.5"), Decimal("1.5")),
    sell_band=(Decimal("0.9"), Decimal(3)),
)
LIMIT = OrderRequest(
    symbol=BTC,
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal("1.0"),
    price=Decimal("93.10"),
)
SELL = replace(LIMIT, side=Side.SELL)
MARKET = replace(LIMIT, type=OrderType.MARKET, price=None)
SPENDING = replace(MARKET, quantity=None, quote_quantity=Decimal(50))
STOP = replace(SELL, type=OrderType.STOP_LOSS, price=None, stop_price=Decimal(90))
KNOWN = Known(
    instrument=RULES,
    price=Decimal("100.005"),
    free={"USDT": Decimal("12.50"), "BTC": Decimal("0.25")},
    leverage=5,
)
FILTER = "Filter failure: "


def without(**unknown) -> Known:
    return replace(KNOWN, **dict.fromkeys(unknown))


@pytest.mark.parametrize(
    ("code", "reason", "request_", "known", "text"),
    [
        (-1013, f"{FILTER}PRICE_FILTER", LIMIT, KNOWN, "prices in steps of 0.01, at least 0.01"),
        (-1013, f"{FILTER}LOT_SIZE", LIMIT, KNOWN, "steps of 0.001, at least 0.001 and at most 9"),
        (-1013, f"{FILTER}MARKET_LOT_SIZE", MARKET, KNOWN, "in steps of 0.01, at most 3"),
        (
            -1013,
            f"{FILTER}LOT_SIZE",
            MARKET,
            Known(instrument=replace(RULES, market_max_quantity=None)),
            "in steps of 0.01, at most 9",
        ),
        (-1013, "Invalid quantity.", LIMIT, KNOWN, "in steps of 0.001"),
        (-1013, f"{FILTER}PERCENT_PRICE_BY_SIDE", LIMIT, KNOWN, "about 50.01 and 150"),
        (-1013, f"{FILTER}PERCENT_PRICE", SELL, KNOWN, "100.005, times 0.9 to 3"),
        (-1013, f"{FILTER}NOTIONAL", LIMIT, KNOWN, "at least 5 and at most 9000 USDT: at 93.1"),
        (-1013, f"{FILTER}MIN_NOTIONAL", MARKET, KNOWN, "begins with a quantity of 0.05"),
        (-1013, f"{FILTER}NOTIONAL", SPENDING, KNOWN, "worth at least 5 and at most 9000 USDT"),
        (-1013, f"{FILTER}ICEBERG_PARTS", LIMIT, KNOWN, "at least 0.1 at a time: at most 10"),
        (-1013, f"{FILTER}TRAILING_DELTA", STOP, KNOWN, "between 20 and 1000 basis points"),
        (
            -1013,
            f"{FILTER}TRAILING_DELTA",
            replace(STOP, side=Side.BUY),
            KNOWN,
            "between 10 and 2000 basis points",
        ),
        *(
            (-1013, f"{FILTER}{name}", LIMIT, KNOWN, "cancel an open order first")
            for name in ("MAX_NUM_ORDERS", "MAX_NUM_ALGO_ORDERS", "EXCHANGE_MAX_NUM_ORDERS")
        ),
        (-1013, f"{FILTER}MAX_POSITION", LIMIT, KNOWN, "buy less"),
        (-1013, f"{FILTER}MAX_ASSET", LIMIT, KNOWN, "order less"),
        (-1111, "Parameter 'price' has too much precision.", LIMIT, KNOWN, "0.01, at least 0.01;"),
        (-1112, "No orders on book for symbol.", MARKET, KNOWN, "send a limit order"),
        (-1116, "Invalid orderType.", STOP, KNOWN, "BTC/USDT takes LIMIT, MARKET orders"),
        *(
            (code, "of an OCO", STOP, KNOWN, "takes its profit above")
            for code in (-1158, -1165, -1168, -1196, -1199)
        ),
        (
            -2010,
            "Account has insufficient balance for requested action.",
            LIMIT,
            KNOWN,
            "needs 93.1 USDT, 12.5 are free: lower the quantity",
        ),
        (-2010, "insufficient balance", SELL, KNOWN, "needs 1 BTC, 0.25 are free"),
        (-2010, "insufficient balance", MARKET, KNOWN, "needs 100.005 USDT, 12.5 are free"),
        (-2010, "insufficient balance", SPENDING, KNOWN, "needs 50 USDT, 12.5 are free"),
        (
            -2010,
            "insufficient balance",
            SPENDING,
            replace(KNOWN, free={"USDT": Decimal(-3)}),
            "50 USDT, 0 are free",
        ),
        (
            -2010,
            "insufficient balance",
            LIMIT,
            without(free=1),
            "needs 93.1 USDT: lower the quantity",
        ),
        (-2010, "insufficient balance", MARKET, without(price=1), "that tie up USDT"),
        (-2010, "Order would immediately match and take.", LIMIT, KNOWN, "below the best ask, the"),
        (-2010, "Order would immediately match and take.", SELL, KNOWN, "above the best bid, the"),
        (-2010, "Order would trigger immediately.", STOP, KNOWN, "below the last price, now 100."),
        (
            -2010,
            "Order would trigger immediately.",
            replace(STOP, side=Side.BUY),
            KNOWN,
            "BUY STOP_LOSS needs a stop_price above the last price, now 100.005",
        ),
        (-2010, "Stop loss orders are not supported for this symbol.", STOP, KNOWN, "takes LIMIT,"),
        (
            -2010,
            "The relationship of the prices for the orders is not correct.",
            STOP,
            KNOWN,
            "above the last price, now 100.005, the other below",
        ),
        (-2010, "IcebergQty exceeds QTY.", LIMIT, KNOWN, "no more than the quantity of 1"),
        (-2010, "IcebergQty exceeds QTY.", SPENDING, KNOWN, "no more than the quantity"),
        (-2010, "Price * QTY is zero or less.", LIMIT, KNOWN, "worth at least 5"),
        (-2010, "Order book liquidity is less than LOT_SIZE filter", MARKET, KNOWN, "too thin"),
        (-2010, "Market is closed.", LIMIT, KNOWN, "wait until the market is open"),
        (-2010, "This order type is not possible in this trading phase.", LIMIT, KNOWN, "wait"),
        (-2010, "Limit orders require GTC for this phase.", LIMIT, KNOWN, "GTC"),
        (-2010, "This symbol is not permitted for this account.", LIMIT, KNOWN, "the right to"),
        (-2010, "Rest API trading is not enabled.", LIMIT, KNOWN, "the right to"),
        (-2014, "API-key format invalid.", LIMIT, KNOWN, "BINANCE_API_KEY"),
        (-2015, "Invalid API-key, IP, or permissions for action.", LIMIT, KNOWN, "the right to"),
        (-2018, "Balance is insufficient.", LIMIT, KNOWN, "lower the quantity or raise"),
        (
            -2019,
            "Margin is insufficient.",
            LIMIT,
            KNOWN,
            "needs about 18.62 USDT of margin at a leverage of 5, 12.5 are free",
        ),
        (-2019, "Margin is insufficient.", LIMIT, without(free=1), "at a leverage of 5: lower"),
        (-2021, "Order would immediately trigger.", STOP, KNOWN, "below the last price"),
        (-2022, "ReduceOnly Order is rejected.", SELL, KNOWN, "no position"),
        (-2025, "Reach max open order limit.", LIMIT, KNOWN, "cancel an open order"),
        (-2027, "Exceeded the maximum position", LIMIT, KNOWN, "lower the leverage of 5"),
        (-2028, "Leverage is smaller", LIMIT, without(leverage=1), "lower the leverage, or"),
        (-4003, "Quantity less than zero.", LIMIT, KNOWN, "steps of 0.001"),
        (-4005, "Quantity greater than max quantity.", LIMIT, KNOWN, "at most 9"),
        (-4014, "Price not increased by tick size.", LIMIT, KNOWN, "steps of 0.01"),
        (-4131, "PERCENT_PRICE filter limit.", LIMIT, KNOWN, "between about 50.01"),
        (-4164, "Order's notional must be no smaller", LIMIT, KNOWN, "at least 5"),
        (-5021, "Due to the order could not be filled immediately, FOK", LIMIT, KNOWN, "too thin"),
        (-5022, "could not be executed as maker", LIMIT, KNOWN, "below the best ask"),
    ],
)
def test_each_refusal_says_what_to_change(code, reason, request_, known, text) -> None:
    assert text in str(advice(code, reason, request_, known))


@pytest.mark.parametrize(("code", "words"), sorted({(row[0], row[1]) for row in _TABLE}))
@pytest.mark.parametrize("request_", [LIMIT, SELL, MARKET, SPENDING, STOP])
def test_nothing_known_is_no_reason_to_say_nothing(code, words, request_) -> None:
    told = advice(code, f"words of the venue: {words}", request_, Known())
    assert told
    assert "None" not in told


@pytest.mark.parametrize(
    ("code", "reason"), [(-9999, "unheard of"), (-2010, "unheard of"), (None, "LOT_SIZE")]
)
def test_where_nobody_knows_nothing_is_said(code, reason) -> None:
    assert advice(code, reason, LIMIT, KNOWN) is None


def test_a_symbol_without_bounds_is_told_so() -> None:
    free = replace(RULES, min_price=None, min_notional=None, buy_band=None)
    known = replace(KNOWN, instrument=free)
    assert "without bounds" in str(advice(-1013, "PRICE_FILTER", LIMIT, known))
    assert "too little" in str(advice(-1013, "NOTIONAL", LIMIT, known))
    assert "nearer" in str(advice(-1013, "PERCENT_PRICE", LIMIT, known))
