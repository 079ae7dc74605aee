"""Answers that do not come, come twice or tell of something else than was thought."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from trading_system.domain.errors import (
    NotAllowed,
    OrderNotFound,
    OutcomeUnknown,
    Rejected,
    Unreachable,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderType
from trading_system.exchange.futures.records import FuturesRecords
from trading_system.exchange.futures.trading import FuturesTrading
from trading_system.exchange.markets import FUTURES

BTC = Symbol("BTC", "USDT")
ROW = {
    "orderId": 5,
    "status": "CANCELED",
    "price": "70",
    "origQty": "3",
    "executedQty": "0",
    "cumQuote": "0",
    "updateTime": 1,
}
ALGO = {"algoId": 9, "clientAlgoId": "ts-1", "algoStatus": "TRIGGERED", "updateTime": 1}
FILLED_SOME = ROW | {"executedQty": "1", "cumQuote": "70"}
LISTED = {
    "symbol": "BTCUSDT",
    "contractType": "PERPETUAL",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "orderTypes": ["LIMIT"],
    "timeInForce": ["GTC"],
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.1"},
        {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1", "maxQty": "9"},
    ],
}


class Gateway:
    """Answers each call by its method and path from what the test has said, in that order."""

    def __init__(self) -> None:
        self.answers: dict[str, list] = {"GET exchangeInfo": [{"symbols": [LISTED]}]}
        self.asked: list[str] = []
        self.named: list[dict] = []

    def says(self, call, *answers):
        self.answers[call] = list(answers)

    def venue_milliseconds(self):
        return 1_000

    async def change(self, path, *, method, still_wanted=lambda: None, **which):
        still_wanted()
        self.named.append(which)
        return self._answer(f"{method} {path}")

    async def read(self, path, **which):
        self.named.append(which)
        return self._answer(f"GET {path}")

    def _answer(self, call):
        self.asked.append(call)
        answers = self.answers[call]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def gateway():
    return Gateway()


@pytest.fixture
def listing(gateway, clock):
    return FUTURES.listing(gateway, clock)


@pytest.fixture
def trading(gateway, listing):
    return FuturesTrading(gateway, listing)


@pytest.fixture
def limit(order):
    return lambda: order(OrderType.LIMIT, price=Decimal(70))


@pytest.mark.parametrize("trades", [Unreachable("no network"), [{}], {"msg": "maintenance"}])
async def test_a_cancel_stays_one_although_its_trades_cannot_be_read(
    trading, gateway, limit, trades
):
    gateway.says("DELETE order", FILLED_SOME)
    gateway.says("GET userTrades", trades)
    report = await trading.cancel(limit())
    assert (report.status, report.executed_quantity, report.fills) == ("CANCELED", 1, ())


async def test_nothing_takes_the_place_of_an_order_that_filled_meanwhile(trading, gateway, limit):
    """Both together could execute more than was wanted."""
    gateway.says("DELETE order", FILLED_SOME)
    outcome = await trading.replace(limit(), limit())
    assert (outcome.cancelled.executed_quantity, outcome.placed) == (1, None)
    assert "nothing was placed" in outcome.place_refusal
    assert "POST order" not in gateway.asked


async def test_what_had_filled_before_does_not_stand_in_the_way(trading, gateway, limit):
    gateway.says("DELETE order", FILLED_SOME)
    gateway.says("POST order", ROW | {"status": "NEW"})
    old = replace(limit(), executed_quantity=Decimal(1))
    assert (await trading.replace(old, limit())).placed.status == "NEW"


@pytest.mark.parametrize("lost", ["DELETE order", "POST order"])
async def test_an_answer_lost_while_replacing_leaves_both_in_doubt(trading, gateway, limit, lost):
    gateway.says("DELETE order", ROW)
    gateway.says("POST order", ROW)
    gateway.says(lost, OutcomeUnknown("no answer"))
    with pytest.raises(OutcomeUnknown):
        await trading.replace(limit(), limit())


async def test_what_was_not_even_sent_is_said_when_it_was_to_replace(trading, gateway, limit):
    gateway.says("DELETE order", ROW)
    wanted = replace(limit().request, iceberg_quantity=Decimal(1))
    outcome = await trading.replace(limit(), replace(limit(), request=wanted))
    assert outcome.place_refusal == "futures have no iceberg orders"
    assert outcome.place_code is None
    with pytest.raises(NotAllowed):
        await trading.place(replace(limit(), request=wanted))


@pytest.mark.parametrize(("before_half", "asked"), [(1, []), (2, ["DELETE order"])])
async def test_each_half_of_a_replacement_must_still_be_wanted(
    trading, gateway, limit, before_half, asked
):
    """A kill that comes first leaves the old order alone, a later one the new order unsent."""
    gateway.says("DELETE order", ROW)
    halves = []

    def still_wanted():
        halves.append(len(halves) + 1)
        if halves[-1] == before_half:
            raise NotAllowed("killed")

    try:
        outcome = await trading.replace(limit(), limit(), still_wanted=still_wanted)
    except NotAllowed:
        assert before_half == 1
    else:
        assert (outcome.cancelled.status, outcome.place_refusal) == ("CANCELED", "killed")
    assert [call for call in gateway.asked if not call.startswith("GET")] == asked


async def test_a_stop_just_triggered_is_open_although_its_order_is_not_there_yet(
    trading, gateway, order
):
    """Else "does not exist" would end an order that is about to trade."""
    gateway.says("GET algoOrder", ALGO | {"actualOrderId": "7"})
    gateway.says("GET order", OrderNotFound(-2013, "Order does not exist."))
    report = await trading.find(order(OrderType.STOP_LOSS, stop_price=Decimal(1)))
    assert (report.status, report.venue_order_id) == ("NEW", "9")


async def test_a_change_that_had_been_made_already_is_no_refusal(trading, gateway, limit):
    """What is cut off is sent again by aiohttp, where it is no POST; the second finds it done."""
    gateway.says("PUT order", Rejected(-5027, "No need to modify the order."))
    gateway.says("GET order", ROW | {"status": "NEW", "origQty": "2"})
    assert (await trading.amend(limit(), Decimal(2))).quantity == 2
    gateway.says("GET order", Unreachable("no network"))
    with pytest.raises(OutcomeUnknown):
        await trading.amend(limit(), Decimal(2))
    gateway.says("PUT order", Rejected(-4003, "Quantity less than or equal to zero."))
    with pytest.raises(Rejected):
        await trading.amend(limit(), Decimal(0))


async def test_a_stop_that_somebody_placed_as_an_ordinary_order_is_found(trading, gateway, order):
    gateway.says("GET algoOrder", OrderNotFound(-2013, "Order does not exist."))
    gateway.says("GET order", ROW | {"status": "EXPIRED"})
    stop = order(OrderType.STOP_LOSS, stop_price=Decimal(1))
    assert (await trading.find(stop)).status == "EXPIRED"
    gateway.says("GET order", OrderNotFound(-2013, "Order does not exist."))
    with pytest.raises(OrderNotFound):
        await trading.find(stop)


@pytest.mark.parametrize("answer", [{}, [], ROW | {"status": "MAGIC"}, ROW | {"cumQuote": "NaN"}])
async def test_an_answer_that_is_none_leaves_an_order_in_doubt(trading, gateway, limit, answer):
    for call in ("POST order", "DELETE order", "PUT order"):
        gateway.says(call, answer)
    for change in (
        trading.place(limit()),
        trading.cancel(limit()),
        trading.amend(limit(), Decimal(2)),
    ):
        with pytest.raises(OutcomeUnknown):
            await change


async def test_what_can_be_traded_is_asked_anew_as_a_whole(gateway, listing):
    """Futures cannot be asked about some symbols alone."""
    assert (await listing.instruments())[BTC].tradable
    gateway.says("GET exchangeInfo", {"symbols": [LISTED | {"status": "SETTLING"}]})
    await listing.recheck([BTC])
    assert not (await listing.instruments())[BTC].tradable
    assert gateway.asked == ["GET exchangeInfo"] * 2


async def test_orders_in_what_is_not_listed_are_left_out(gateway, listing, clock):
    rest = {"clientOrderId": "x", "type": "LIMIT", "side": "BUY", "timeInForce": "GTC", "time": 1}
    delivery = ROW | rest | {"symbol": "BTCUSDT_260925"}
    gateway.says("GET openOrders", [delivery, delivery | {"symbol": "BTCUSDT", "status": "NEW"}])
    gateway.says("GET openAlgoOrders", [ALGO | {"symbol": "BTCUSDT_260925"}])
    [told] = await FuturesRecords(gateway, listing).open_orders()
    assert (told.symbol, told.report.status) == (BTC, "NEW")


async def test_an_order_of_a_kind_without_a_word_keeps_no_other_from_being_read(
    gateway, listing, clock
):
    rest = {"clientOrderId": "x", "type": "LIMIT", "side": "BUY", "timeInForce": "GTC", "time": 1}
    plain = ROW | rest | {"symbol": "BTCUSDT", "status": "NEW"}
    strange = plain | {"type": "VP"}
    algo = {"symbol": "BTCUSDT", "algoId": 9, "orderType": "VP"}
    gateway.says("GET openOrders", [strange, plain])
    gateway.says("GET openAlgoOrders", [algo])
    records = FuturesRecords(gateway, listing)
    assert len(await records.open_orders()) == 1
    gateway.says("GET allOrders", [strange, plain | {"orderId": 8}])
    gateway.says("GET allAlgoOrders", [algo])
    since = clock.now().fromtimestamp(0, tz=clock.now().tzinfo)
    placed = await records.orders(BTC, since=since)
    assert [each.report.venue_order_id for each in placed] == ["8"]
    trade = {"id": 1, "orderId": 8, "side": "BUY", "price": "1", "qty": "1", "quoteQty": "1"}
    trade |= {"commission": "0", "commissionAsset": "USDT", "maker": True}
    gateway.says("GET userTrades", [trade, trade | {"id": 2, "time": 1}])
    assert [each.fill.trade_id for each in await records.fills(BTC, since=since)] == ["2"]


async def test_a_long_record_is_read_page_by_page(gateway, listing, clock):
    """The last row of a page is asked for again, and told once."""
    trade = {"orderId": 1, "side": "BUY", "price": "1", "qty": "1", "quoteQty": "1", "time": 1}
    trade |= {"commission": "0", "commissionAsset": "USDT", "maker": True}
    rows = [trade | {"id": number} for number in range(1_500)]
    gateway.says("GET userTrades", rows[:1_000], rows[999:])
    since = clock.now().fromtimestamp(0, tz=clock.now().tzinfo)
    told = await FuturesRecords(gateway, listing).fills(BTC, since=since)
    assert [each.fill.trade_id for each in told] == [str(number) for number in range(1_500)]


@pytest.fixture
def foreign(limit, order):
    """Somebody else's order, whose client id names another one by now."""

    def make(kind=OrderType.LIMIT):
        made = limit() if kind is OrderType.LIMIT else order(kind, stop_price=Decimal(1))
        return replace(made, foreign=True, client_order_id="web#9", venue_order_id="9")

    return make


async def test_orders_of_others_are_named_by_the_venues_number(trading, gateway, foreign):
    """Their client ids may name other orders by now."""
    gateway.says("DELETE order", ROW)
    gateway.says("GET order", ROW)
    gateway.says("PUT order", ROW)
    cancelled = await trading.cancel(foreign())
    await trading.find(foreign())
    await trading.amend(foreign(), Decimal(2))
    assert [named["orderId"] for named in gateway.named] == ["9"] * 3
    assert not any("origClientOrderId" in named for named in gateway.named)
    assert cancelled.client_order_id == "web#9"


async def test_a_stop_of_others_is_named_by_the_venues_number_too(trading, gateway, foreign):
    gateway.says("GET algoOrder", ALGO | {"clientAlgoId": "web", "algoStatus": "NEW"})
    gateway.says("DELETE algoOrder", ALGO | {"clientAlgoId": "web"})
    stop = foreign(OrderType.STOP_LOSS)
    assert (await trading.find(stop)).client_order_id == "web#9"
    assert (await trading.cancel(stop)).client_order_id == "web#9"
    assert {named["algoId"] for named in gateway.named} == {"9"}


@pytest.mark.parametrize(
    ("algo", "named"),
    [
        (ALGO | {"clientAlgoId": "web", "actualOrderId": "7"}, {"orderId": "7"}),
        (ALGO | {"clientAlgoId": "web"}, {"origClientOrderId": "web"}),
        (ALGO | {"clientAlgoId": "another"}, {"orderId": "9"}),
    ],
    ids=["triggered", "about to be", "an ordinary order"],
)
async def test_no_other_order_of_the_same_number_is_cancelled_for_a_stop_of_others(
    trading, gateway, foreign, algo, named
):
    """Algo orders and ordinary ones are counted apart."""
    gateway.says("GET algoOrder", algo)
    gateway.says("DELETE algoOrder", OrderNotFound(-2011, "Unknown order sent."))
    gateway.says("DELETE order", ROW)
    await trading.cancel(foreign(OrderType.STOP_LOSS))
    assert gateway.named[-1] == {"symbol": "BTCUSDT"} | named
