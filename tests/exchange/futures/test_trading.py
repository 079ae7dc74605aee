"""Orders of futures against the embedded exchange, from placed to found again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.faults.rules import rule
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.errors import (
    DuplicateOrder,
    InsufficientFunds,
    NotAllowed,
    OrderNotFound,
    OutcomeUnknown,
    Rejected,
    UnknownSymbol,
    Unreachable,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderType, Side
from trading_system.exchange.markets import SPOT

BTC = Symbol("BTC", "USDT")


async def test_perpetuals_are_listed_in_our_words(parts):
    listed = await parts.market_data.instruments()
    assert listed[BTC].venue_id == "BTCUSDT"
    assert listed[BTC].tradable
    assert listed[BTC].order_types >= {"MARKET", "LIMIT", "LIMIT_MAKER", "STOP_LOSS", "TAKE_PROFIT"}
    assert listed[BTC].min_notional
    assert parts.venue.listing.known_symbol("BTCUSDT") == BTC
    assert parts.venue.listing.known_symbol("BTCUSDT_260925") is None


async def test_candles_books_trades_and_the_clock_are_read(parts):
    now = await parts.market_data.server_time()
    start = now // MINUTE * MINUTE - 5 * MINUTE
    candles = await parts.market_data.candles(BTC, Span(start, start + 5 * MINUTE))
    assert [candle.open_time for candle in candles] == list(
        range(start, start + 5 * MINUTE, MINUTE)
    )
    book = await parts.market_data.book(BTC, levels=7)
    assert len(book.bids) == len(book.asks) == 7
    trades = await parts.market_data.trades(BTC, first_id=1)
    assert [trade.id for trade in trades] == list(range(trades[0].id, trades[0].id + len(trades)))


async def test_a_market_order_fills_and_is_found_with_its_trades(parts, order):
    wanted = order()
    report = await parts.trading.place(wanted)
    assert (report.status, report.executed_quantity) == ("FILLED", Decimal("0.01"))
    found = await parts.trading.find(wanted)
    assert found.status == "FILLED"
    assert sum(fill.quantity for fill in found.fills) == found.executed_quantity
    assert sum(fill.quote_quantity for fill in found.fills) == found.executed_quote
    assert {fill.fee_asset for fill in found.fills} == {"USDT"}
    assert all(fill.fee > 0 and fill.maker is False for fill in found.fills)


async def test_a_limit_order_rests_is_amended_and_cancelled(parts, order):
    low = (await parts.price() * Decimal("0.97")).quantize(Decimal("0.01"))
    wanted = order(OrderType.LIMIT, price=low, quantity="0.02")
    assert (await parts.trading.place(wanted)).status == "NEW"
    amended = await parts.trading.amend(wanted, Decimal("0.01"))
    assert (amended.status, amended.quantity) == ("NEW", Decimal("0.01"))
    cancelled = await parts.trading.cancel(wanted)
    assert (cancelled.status, cancelled.fills) == ("CANCELED", ())
    with pytest.raises(OrderNotFound):
        await parts.trading.cancel(wanted)
    assert (await parts.trading.find(wanted)).status == "CANCELED"


async def test_a_maker_that_would_take_is_refused(parts, order):
    high = (await parts.price() * Decimal("1.01")).quantize(Decimal("0.01"))
    with pytest.raises(Rejected) as refused:
        await parts.trading.place(order(OrderType.LIMIT_MAKER, price=high))
    assert refused.value.code == -5022


@pytest.mark.parametrize(
    ("kind", "factor"),
    [
        (OrderType.STOP_LOSS, "0.95"),
        (OrderType.STOP_LOSS_LIMIT, "0.95"),
        (OrderType.TAKE_PROFIT, "1.05"),
        (OrderType.TAKE_PROFIT_LIMIT, "1.05"),
    ],
)
async def test_what_waits_for_a_trigger_is_placed_found_and_cancelled(parts, order, kind, factor):
    trigger = (await parts.price() * Decimal(factor)).quantize(Decimal("0.01"))
    price = trigger if "LIMIT" in kind else None
    wanted = order(kind, side=Side.SELL, stop_price=trigger, price=price)
    placed = await parts.trading.place(wanted)
    assert (placed.status, placed.client_order_id) == ("NEW", wanted.client_order_id)
    assert (await parts.trading.find(wanted)).status == "NEW"
    [resting] = await parts.records.open_orders()
    assert (resting.type, resting.stop_price, resting.price) == (kind, trigger, price)
    assert (await parts.trading.cancel(wanted)).status == "CANCELED"
    assert (await parts.trading.find(wanted)).status == "CANCELED"
    assert await parts.records.open_orders() == []
    with pytest.raises(OrderNotFound):
        await parts.trading.cancel(wanted)


async def test_a_stop_that_follows_the_market_is_placed(parts, order):
    wanted = order(OrderType.STOP_LOSS, side=Side.SELL, trailing_delta=150)
    assert (await parts.trading.place(wanted)).status == "NEW"
    [resting] = await parts.records.open_orders()
    assert (resting.type, resting.quantity) == ("STOP_LOSS", Decimal("0.01"))


async def test_one_order_takes_the_place_of_another(parts, order):
    price = (await parts.price() * Decimal("0.97")).quantize(Decimal("0.01"))
    old, new = order(OrderType.LIMIT, price=price), order(OrderType.LIMIT, price=price + 1)
    await parts.trading.place(old)
    outcome = await parts.trading.replace(old, new)
    assert (outcome.cancelled.status, outcome.placed.status) == ("CANCELED", "NEW")
    again = await parts.trading.replace(old, order(OrderType.LIMIT, price=price))
    assert (again.cancelled, again.placed) == (None, None)
    assert "-2011" in again.cancel_refusal
    refused = await parts.trading.replace(new, order(OrderType.LIMIT, price=price, quantity="999"))
    assert (refused.cancelled.status, refused.placed) == ("CANCELED", None)
    assert refused.place_code
    assert refused.place_refusal
    assert await parts.records.open_orders() == []


async def test_what_futures_do_not_have_is_refused_before_it_is_sent(parts, order):
    price = await parts.price()
    for wanted in (
        order(quantity=None, quote_quantity=Decimal(100)),
        order(OrderType.LIMIT, price=price, iceberg_quantity=Decimal("0.001")),
        order(OrderType.TAKE_PROFIT, trailing_delta=100),
    ):
        with pytest.raises(NotAllowed):
            await parts.trading.place(wanted)
    with pytest.raises(NotAllowed):
        await parts.trading.amend(order(OrderType.STOP_LOSS, stop_price=price), Decimal("0.001"))
    with pytest.raises(UnknownSymbol):
        await parts.trading.place(order(symbol=Symbol("NO", "PE")))


async def test_refusals_say_what_to_change(parts, order):
    with pytest.raises(InsufficientFunds, match="raise the leverage"):
        await parts.trading.place(order(quantity="100"))
    with pytest.raises(OrderNotFound):
        await parts.trading.find(order())
    with pytest.raises(OrderNotFound):
        await parts.trading.find(order(OrderType.STOP_LOSS, stop_price=Decimal(1)))
    low = (await parts.price() * Decimal("0.97")).quantize(Decimal("0.01"))
    wanted = order(OrderType.LIMIT, price=low)
    await parts.trading.place(wanted)
    with pytest.raises(DuplicateOrder):
        await parts.trading.place(wanted)


LOST = [("answer-lost", True), ("server-error status=503", False), ("empty-body", True)]


@pytest.mark.parametrize(("fault", "done"), LOST)
async def test_a_lost_answer_leaves_an_order_in_doubt_until_it_is_looked_up(
    parts, order, exchange, fault, done
):
    wanted = order()
    exchange.mischief.add([rule(fault, calls="POST /fapi/v1/order", times=1)])
    with pytest.raises(OutcomeUnknown):
        await parts.trading.place(wanted)
    if not done:
        with pytest.raises(OrderNotFound):
            await parts.trading.find(wanted)
        return
    assert (await parts.trading.find(wanted)).status == "FILLED"
    [held] = await parts.derivatives.positions()
    assert held.quantity == wanted.request.quantity


async def test_what_an_overload_refused_did_not_happen(parts, order, exchange):
    exchange.mischief.add([rule("error code=-1008", calls="POST /fapi/v1/order", times=1)])
    with pytest.raises(Unreachable):
        await parts.trading.place(order())
    assert await parts.derivatives.positions() == []


async def test_a_change_or_cancel_whose_answer_is_lost_is_seen_to_be_done(parts, order, exchange):
    """Both are sent again, by aiohttp."""
    low = (await parts.price() * Decimal("0.97")).quantize(Decimal("0.01"))
    wanted = order(OrderType.LIMIT, price=low, quantity="0.02")
    await parts.trading.place(wanted)
    exchange.mischief.add([rule("answer-lost", calls="PUT /fapi/v1/order", times=1)])
    assert (await parts.trading.amend(wanted, Decimal("0.01"))).quantity == Decimal("0.01")
    exchange.mischief.add([rule("answer-lost", calls="DELETE /fapi/v1/order", times=1)])
    with pytest.raises(OrderNotFound):
        await parts.trading.cancel(wanted)
    assert (await parts.trading.find(wanted)).status == "CANCELED"


async def test_a_position_is_opened_reported_and_closed(parts, order):
    assert await parts.derivatives.positions() == []
    assert await parts.derivatives.set_leverage(BTC, 7) == 7
    await parts.trading.place(order(side=Side.SELL, quantity="0.02"))
    [held] = await parts.derivatives.positions()
    assert (held.symbol, held.quantity, held.leverage) == (BTC, Decimal("-0.02"), 7)
    assert held.entry_price > 0
    assert held.mark_price > 0
    [wallet] = await parts.trading.balances()
    assert (wallet.asset, wallet.locked > 0) == ("USDT", True)
    assert await parts.records.balances() == [wallet]
    await parts.trading.place(order(quantity="0.02"))
    assert await parts.derivatives.positions() == []
    with pytest.raises(Rejected) as refused:
        await parts.derivatives.set_leverage(BTC, 500)
    assert refused.value.code == -4028


async def test_what_only_closes_never_opens(parts, order):
    """Not even where a stop and an order by hand close the same position twice."""
    await parts.trading.place(order(side=Side.SELL, quantity="0.02"))
    mark = (await parts.derivatives.positions())[0].mark_price
    above = round(mark * Decimal("1.2"), 0)
    stop = order(OrderType.STOP_LOSS, quantity="0.02", stop_price=above, reduce_only=True)
    assert (await parts.trading.place(stop)).status == "NEW"
    await parts.trading.place(order(quantity="0.02", reduce_only=True))
    assert await parts.derivatives.positions() == []
    with pytest.raises(Rejected) as refused:
        await parts.trading.place(order(quantity="0.02", reduce_only=True))
    assert refused.value.code == -2022
    assert await parts.derivatives.positions() == []


async def test_everything_on_record_is_told_in_order(parts, order, clock):
    since = clock.now() - timedelta(days=20)
    low = (await parts.price() * Decimal("0.97")).quantize(Decimal("0.01"))
    bought, resting = order(), order(OrderType.LIMIT_MAKER, price=low)
    waiting = order(OrderType.STOP_LOSS, side=Side.SELL, stop_price=low)
    for wanted in (bought, resting, waiting):
        await parts.trading.place(wanted)
    told = await parts.records.orders(BTC, since=since)
    assert [each.report.client_order_id for each in told] == ["ts-1", "ts-2", "ts-3"]
    assert [each.type for each in told] == ["MARKET", "LIMIT_MAKER", "STOP_LOSS"]
    assert [each.time_in_force for each in told] == [None, None, None]
    assert [each.report.status for each in told] == ["FILLED", "NEW", "NEW"]
    fills = await parts.records.fills(BTC, since=since)
    assert {each.venue_order_id for each in fills} == {told[0].report.venue_order_id}
    assert sum(each.fill.quantity for each in fills) == Decimal("0.01")
    assert {each.side for each in fills} == {"BUY"}
    opened = await parts.records.open_orders()
    assert {each.report.client_order_id for each in opened} == {"ts-2", "ts-3"}


async def test_a_stop_whose_trigger_was_reached_is_the_order_it_became(parts, order, clock):
    """It is found and cancelled under the one client order id that both of them have."""
    price = await parts.price()
    near, far = price - 10, (price * Decimal("1.04")).quantize(Decimal("0.01"))
    wanted = order(OrderType.STOP_LOSS_LIMIT, side=Side.SELL, stop_price=near, price=far)
    waiting = (await parts.trading.place(wanted)).venue_order_id
    found = await parts.trading.find(wanted)
    for _ in range(300):
        if found.venue_order_id != waiting:
            break
        await clock.advance(1)
        found = await parts.trading.find(wanted)
    assert (found.status, found.venue_order_id != waiting) == ("NEW", True)
    [resting] = await parts.records.open_orders()
    assert (resting.type, resting.report.venue_order_id) == ("LIMIT", found.venue_order_id)
    [recorded] = await parts.records.orders(BTC, since=clock.now() - timedelta(days=1))
    assert recorded.report.venue_order_id == found.venue_order_id
    assert (await parts.trading.cancel(wanted)).status == "CANCELED"
    assert (await parts.trading.find(wanted)).status == "CANCELED"


async def test_spot_has_neither_positions_nor_leverage(parts):
    spot = SPOT.derivatives(parts.venue.gateway, parts.venue.listing)
    assert await spot.positions() == []
    with pytest.raises(NotAllowed, match="MARKET_TYPE=futures"):
        await spot.set_leverage(BTC, 2)
