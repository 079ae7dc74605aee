"""One story, told by each client in its own words."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.simulator.judges.judge import Refusal

DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
MINUTE = 60_000
BTC = "BTCUSDT"
LTC = "LTCUSDT"


async def refused(call):
    with pytest.raises(Refusal) as caught:
        await call
    return caught.value.code, caught.value.message


def rounded(price, tick="0.01"):
    return str(price.quantize(Decimal(tick)))


async def resting(judge, side="BUY", quantity="0.01"):
    """A limit order well away from the market."""
    last = await judge.last_price(BTC)
    price = rounded(last * (Decimal("0.8") if side == "BUY" else Decimal("1.2")))
    return await judge.place(BTC, side, "LIMIT", quantity=quantity, price=price)


async def test_markets_have_their_rules(judge, feed):
    markets = await judge.markets()
    assert list(markets) == list(feed.symbols)
    assert markets[BTC] == (Decimal("0.01"), Decimal("0.00001"), Decimal(5), True)


async def test_time_is_the_exchanges_own(judge, clock):
    assert await judge.server_time() == clock.now


async def test_candles_are_those_of_the_market_the_running_one_included(judge, feed, clock):
    start = clock.now // MINUTE * MINUTE - 998 * MINUTE
    rows = await judge.candles(BTC, "1m", start=start, limit=1000)
    wanted = feed.klines(BTC, "1m", start=start, end=None, limit=1000, now=clock.now)
    assert rows == [(row[0], *map(Decimal, row[1:6])) for row in wanted]
    assert len(rows) == 999
    assert rows[-1][0] == clock.now // MINUTE * MINUTE


async def test_pages_of_candles_join(judge, clock):
    start = clock.now // MINUTE * MINUTE - 2000 * MINUTE
    first = await judge.candles(BTC, "1m", start=start, limit=1000)
    second = await judge.candles(BTC, "1m", start=first[-1][0] + MINUTE, limit=1000)
    assert [row[0] for row in first + second] == [start + k * MINUTE for k in range(2000)]


async def test_tickers_agree_with_the_tape(judge, feed, clock):
    last = feed.last_trade(BTC, now=clock.now)
    assert await judge.last_price(BTC) == last.price
    opening, high, low, price, volume = await judge.day(BTC)
    assert low <= opening <= high
    assert price == last.price
    assert volume > 0
    prices = await judge.all_prices()
    assert list(prices) == list(feed.symbols)
    assert prices[BTC] == last.price


async def test_the_book_is_ordered_and_the_tape_ascends(judge, feed, clock):
    bids, asks = await judge.book(BTC, 20)
    assert len(bids) == len(asks) == 20
    assert [p for p, _ in bids] == sorted((p for p, _ in bids), reverse=True)
    assert [p for p, _ in asks] == sorted(p for p, _ in asks)
    assert bids[0][0] < asks[0][0]
    trades = await judge.trades(BTC, 10)
    assert [t[0] for t in trades] == [
        t.id for t in feed.latest_trades(BTC, limit=10, now=clock.now)
    ]


async def test_a_market_order_pays_and_is_paid_for(judge):
    dollars, _ = await judge.balance("USDT")
    bitcoins, _ = await judge.balance("BTC")
    order = await judge.place(BTC, "BUY", "MARKET", quantity="0.5")
    assert order.status == "FILLED"
    assert order.executed == sum(fill.quantity for fill in order.fills) == Decimal("0.5")
    fees = sum(fill.fee for fill in order.fills)
    assert {fill.fee_asset for fill in order.fills} == {"BTC"}
    assert fees == Decimal("0.0005")
    assert await judge.balance("USDT") == (dollars - order.quote, 0)
    assert await judge.balance("BTC") == (bitcoins + Decimal("0.5") - fees, 0)
    assert len(await judge.fills(BTC)) == len(order.fills)


async def test_a_market_order_by_quote_spends_no_more(judge):
    order = await judge.place(BTC, "BUY", "MARKET", quoteOrderQty="1000")
    assert order.status == "FILLED"
    assert Decimal(999) < order.quote <= Decimal(1000)


async def test_a_limit_order_rests_is_found_and_is_cancelled(judge):
    dollars, _ = await judge.balance("USDT")
    order = await resting(judge)
    assert (order.status, order.executed) == ("NEW", 0)
    assert [o.id for o in await judge.open_orders(BTC)] == [order.id]
    assert (await judge.find(BTC, order.id)).client_id == order.client_id
    free, locked = await judge.balance("USDT")
    assert locked > 0
    assert free + locked == dollars
    gone = await judge.cancel(BTC, order.id)
    assert (gone.id, gone.client_id, gone.status) == (order.id, order.client_id, "CANCELED")
    assert await judge.open_orders(BTC) == []
    assert await judge.balance("USDT") == (dollars, 0)
    assert [o.status for o in await judge.all_orders(BTC)] == ["CANCELED"]


async def test_an_order_larger_than_the_book_up_to_its_price_fills_in_part(judge):
    _, asks = await judge.book(BTC, 3)
    there = sum(quantity for _, quantity in asks)
    order = await judge.place(
        BTC, "BUY", "LIMIT", quantity=str(there + Decimal("0.5")), price=str(asks[-1][0])
    )
    assert order.status == "PARTIALLY_FILLED"
    assert order.executed == there
    assert len(order.fills) == 3
    gone = await judge.cancel(BTC, order.id)
    assert (gone.status, gone.executed) == ("CANCELED", there)


async def test_time_in_force_is_kept(judge):
    bids, asks = await judge.book(BTC, 1)
    below, quantity = str(bids[0][0] - 100), str(asks[0][1] + 1)
    wish = {"quantity": "0.01", "price": rounded(Decimal(below))}
    assert (await judge.place(BTC, "BUY", "LIMIT", timeInForce="IOC", **wish)).status == "EXPIRED"
    whole = {"quantity": quantity, "price": str(asks[0][0])}
    order = await judge.place(BTC, "BUY", "LIMIT", timeInForce="FOK", **whole)
    assert (order.status, order.executed) == ("EXPIRED", 0)
    order = await judge.place(BTC, "BUY", "LIMIT", timeInForce="IOC", **whole)
    assert (order.status, order.executed) == ("EXPIRED", asks[0][1])


async def test_post_only_rests_or_is_refused(judge):
    bids, asks = await judge.book(BTC, 1)
    order = await judge.place(
        BTC, "BUY", "LIMIT_MAKER", quantity="0.01", price=rounded(bids[0][0] - 500)
    )
    assert order.status == "NEW"
    taking = judge.place(BTC, "BUY", "LIMIT_MAKER", quantity="0.01", price=str(asks[0][0]))
    assert await refused(taking) == (-2010, "Order would immediately match and take.")


@pytest.mark.parametrize(
    ("type_", "side", "stop", "limit"),
    [
        ("STOP_LOSS", "SELL", "0.999", None),
        ("STOP_LOSS", "BUY", "1.001", None),
        ("TAKE_PROFIT", "SELL", "1.001", None),
        ("TAKE_PROFIT", "BUY", "0.999", None),
        ("STOP_LOSS_LIMIT", "SELL", "0.999", "0.98"),
        ("TAKE_PROFIT_LIMIT", "BUY", "0.999", "1.02"),
    ],
)
async def test_stop_orders_wait_for_their_price(judge, clock, feed, type_, side, stop, limit):
    last = await judge.last_price(BTC)
    fields = {"quantity": "0.01", "stopPrice": rounded(last * Decimal(stop))}
    if limit:
        fields |= {"price": rounded(last * Decimal(limit)), "timeInForce": "GTC"}
    order = await judge.place(BTC, side, type_, **fields)
    assert order.status == "NEW"
    trade = feed.next_trade(
        BTC,
        after=feed.last_trade(BTC, now=clock.now).id,
        now=clock.now + 48 * 60 * MINUTE,
        at_or_below=Decimal(fields["stopPrice"]) if Decimal(stop) < 1 else None,
        at_or_above=Decimal(fields["stopPrice"]) if Decimal(stop) > 1 else None,
    )
    clock.now = trade.time - 1
    assert (await judge.find(BTC, order.id)).status == "NEW"
    clock.now = trade.time
    assert (await judge.find(BTC, order.id)).status == "FILLED"


async def test_of_an_iceberg_others_see_and_get_one_part_after_the_other(judge):
    _, asks = await judge.book(BTC, 1)
    price = asks[0][0] - Decimal("0.01")
    iceberg = {"symbol": BTC, "side": "SELL", "type": "LIMIT", "timeInForce": "GTC"}
    iceberg |= {"quantity": "0.05", "icebergQty": "0.02", "price": rounded(price)}
    order = await judge.send(**iceberg, selfTradePreventionMode="NONE")
    assert (await judge.book(BTC, 1))[1] == [(price, Decimal("0.02"))]
    # Between ourselves, which NONE allows; the feed's own ask is dearer.
    taken = await judge.place(BTC, "BUY", "MARKET", quantity="0.03", selfTradePreventionMode="NONE")
    assert [(fill.price, fill.quantity) for fill in taken.fills] == [
        (price, Decimal("0.02")),
        (price, Decimal("0.01")),
    ]
    assert (await judge.book(BTC, 1))[1] == [(price, Decimal("0.01"))]
    left = await judge.find(BTC, order["orderId"])
    assert (left.status, left.executed) == ("PARTIALLY_FILLED", Decimal("0.03"))
    too_much = judge.send(**iceberg | {"price": rounded(price * 2), "icebergQty": "0.06"})
    assert await refused(too_much) == (-2010, "IcebergQty exceeds QTY.")


async def test_a_trailing_stop_is_taken(judge):
    order = await judge.place(BTC, "SELL", "STOP_LOSS", quantity="0.01", trailingDelta="100")
    assert order.status == "NEW"


async def test_an_order_is_replaced(judge):
    old = await resting(judge)
    last = await judge.last_price(BTC)
    new = await judge.replace(
        BTC, old.id, side="BUY", quantity="0.02", price=rounded(last * Decimal("0.9"))
    )
    assert new.status == "NEW"
    assert [order.id for order in await judge.open_orders(BTC)] == [new.id]
    assert (await judge.find(BTC, old.id)).status == "CANCELED"


async def test_a_replacement_says_how_far_it_got(judge):
    old = await resting(judge)
    last = await judge.last_price(BTC)
    unaffordable = {"side": "BUY", "quantity": "50", "price": rounded(last * Decimal("0.9"))}
    code, message = await refused(judge.replace(BTC, old.id, **unaffordable))
    assert code in {-2021, None}  # the official client keeps the code of a 409 to itself
    assert "partially failed" in message
    affordable = unaffordable | {"quantity": "0.01"}
    code, message = await refused(judge.replace(BTC, old.id, **affordable))
    assert (code, message) == (-2022, "Order cancel-replace failed.")
    code, message = await refused(judge.replace(BTC, old.id, **affordable, allow_failure=True))
    assert code in {-2021, None}
    assert len(await judge.open_orders(BTC)) == 1


async def test_an_order_is_made_smaller_in_its_place(judge):
    order = await resting(judge, "SELL", "0.05")
    told = await judge.amend(BTC, order.id, "0.03")
    assert (told["qty"], told["status"]) == ("0.03000000", "NEW")
    assert (await judge.balance("BTC"))[1] == Decimal("0.03")
    await judge.amend(BTC, order.id, "0.02")
    rows = await judge.amendments(BTC, order.id)
    assert [(row["origQty"], row["newQty"]) for row in rows] == [
        ("0.05000000", "0.03000000"),
        ("0.03000000", "0.02000000"),
    ]
    larger = judge.amend(BTC, order.id, "0.04")
    assert await refused(larger) == (-2038, "Order amend (quantity increase) is not supported.")
    assert [each.id for each in await judge.open_orders(BTC)] == [order.id]
    await judge.cancel(BTC, order.id)
    gone = judge.amend(BTC, order.id, "0.01")
    assert await refused(gone) == (-2038, "Unknown order sent.")


@pytest.mark.parametrize(
    ("mode", "told_mode"), [("EXPIRE_TAKER", "EXPIRE_TAKER"), ("TRANSFER", "DECREMENT")]
)
async def test_a_trade_with_oneself_is_prevented_and_told(judge, mode, told_mode):
    _, asks = await judge.book(BTC, 1)
    between = {"quantity": "0.01", "price": rounded(asks[0][0] - Decimal("0.01"))}
    maker = await judge.place(BTC, "SELL", "LIMIT", **between)
    taker = await judge.send(
        symbol=BTC,
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        selfTradePreventionMode=mode,
        **between,
    )
    (match,) = await judge.prevented(BTC, taker["orderId"])
    assert (int(match["makerOrderId"]), match["selfTradePreventionMode"]) == (maker.id, told_mode)
    assert match["takerPreventedQuantity"] == "0.01000000"
    assert ("makerPreventedQuantity" in match) == (mode == "TRANSFER")


async def test_all_orders_of_a_symbol_are_cancelled_at_once(judge):
    placed = [await resting(judge), await resting(judge, "SELL")]
    gone = await judge.cancel_all(BTC)
    assert sorted(order.id for order in gone) == [order.id for order in placed]
    assert await refused(judge.cancel_all(BTC)) == (-2011, "Unknown order sent.")


@pytest.mark.parametrize(
    ("filter_", "fields"),
    [
        ("PRICE_FILTER", {"price": "80000.001"}),
        ("PERCENT_PRICE_BY_SIDE", {"price": "900000", "quantity": "0.001"}),
        ("LOT_SIZE", {"quantity": "0.000001"}),
        ("MARKET_LOT_SIZE", {"type": "MARKET", "quantity": "300", "price": None}),
        ("NOTIONAL", {"quantity": "0.00002"}),
        ("ICEBERG_PARTS", {"quantity": "1", "icebergQty": "0.001"}),
        ("TRAILING_DELTA", {"type": "STOP_LOSS", "trailingDelta": "5", "price": None}),
        ("MAX_POSITION", {"symbol": LTC, "quantity": "100", "price": "70"}),
    ],
)
async def test_every_filter_refuses(judge, filter_, fields):
    fields = {
        "symbol": BTC,
        "side": "BUY",
        "type": "LIMIT",
        "quantity": "0.01",
        "price": "80000",
    } | fields
    if fields["type"] == "LIMIT":
        fields["timeInForce"] = "GTC"
    fields = {name: value for name, value in fields.items() if value is not None}
    assert await refused(judge.send(**fields)) == (-1013, f"Filter failure: {filter_}")
    assert await refused(judge.rehearse(**fields)) == (-1013, f"Filter failure: {filter_}")


LIMIT = {"type": "LIMIT", "timeInForce": "GTC", "price": "60"}
ICEBERG = LIMIT | {"icebergQty": "0.5"}
ALGO = {"type": "STOP_LOSS", "trailingDelta": "100"}


@pytest.mark.parametrize(
    ("filter_", "symbol", "orders"),
    [
        ("MAX_NUM_ORDERS", LTC, [LIMIT] * 4),
        ("MAX_NUM_ALGO_ORDERS", LTC, [ALGO] * 2),
        ("MAX_NUM_ICEBERG_ORDERS", LTC, [ICEBERG] * 2),
        ("EXCHANGE_MAX_NUM_ORDERS", "ETHUSDT", [LIMIT | {"price": "2000"}] * 6),
        ("EXCHANGE_MAX_NUM_ALGO_ORDERS", "ETHUSDT", [ALGO] * 4),
        ("EXCHANGE_MAX_NUM_ICEBERG_ORDERS", "ETHUSDT", [ICEBERG | {"price": "2000"}] * 3),
    ],
)
async def test_every_filter_that_counts_refuses_one_too_many(judge, filter_, symbol, orders):
    sent = [{"symbol": symbol, "side": "BUY", "quantity": "1"} | order for order in orders]
    for order in sent[:-1]:
        await judge.send(**order)
    assert await refused(judge.send(**sent[-1])) == (-1013, f"Filter failure: {filter_}")


async def test_what_the_engine_refuses(judge):
    order = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    poor = judge.send(**order, quantity="50", price="80000")
    assert await refused(poor) == (
        -2010,
        "Account has insufficient balance for requested action.",
    )
    mine = {"quantity": "0.01", "price": "50000", "newClientOrderId": "mine"}
    await judge.send(**order, **mine)
    assert await refused(judge.send(**order, **mine)) == (-2010, "Duplicate order sent.")
    assert await refused(judge.find(BTC, 999)) == (-2013, "Order does not exist.")
    assert await refused(judge.cancel(BTC, 999)) == (-2011, "Unknown order sent.")


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"symbol": "NOPENOPE"}, (-1121, "Invalid symbol.")),
        (
            {"price": None},
            (-1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        ),
        (
            {"quantity": "-1"},
            (
                -1100,
                f"Illegal characters found in parameter 'quantity'; legal range is '{DECIMAL}'.",
            ),
        ),
        ({"quantity": "0.000000001"}, (-1111, "Parameter 'quantity' has too much precision.")),
        ({"timeInForce": "GTX"}, (-1115, "Invalid timeInForce.")),
        ({"side": "HOLD"}, (-1117, "Invalid side.")),
        ({"type": "HOPE"}, (-1116, "Invalid orderType.")),
        ({"stopPrice": "70000"}, (-1106, "Parameter 'stopPrice' sent when not required.")),
    ],
)
async def test_what_the_gate_refuses(judge, fields, refusal):
    order = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    order |= {"quantity": "0.01", "price": "80000"} | fields
    sent = {name: value for name, value in order.items() if value is not None}
    assert await refused(judge.send(**sent)) == refusal


async def test_a_rehearsal_changes_nothing(judge):
    order = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    assert await judge.rehearse(**order) == {}
    assert await judge.all_orders(BTC) == []


async def test_many_at_once_are_all_answered(judge):
    prices = await asyncio.gather(*(judge.last_price(BTC) for _ in range(20)))
    assert len(set(prices)) == 1
