"""What a review is made of, and that it asks nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.fakes.safety import NOON
from trading_system.domain.errors import Unreachable
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import MarketState
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.risk.facts import Exposure
from trading_system.risk.gate import Approved

BTC, ETH, CROSS = Symbol("BTC", "USDT"), Symbol("ETH", "USDT"), Symbol("ETH", "BTC")
REQUEST = OrderRequest(
    symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(2), price=Decimal(99)
)
D = Decimal


@pytest.fixture
def add(orders, clock):
    """Put an order on record, `age` seconds old."""

    def put(age=0, status=OrderStatus.NEW, **changes):
        at = clock.now() - timedelta(seconds=age)
        order = Order(
            id=uuid4(),
            client_order_id="x",
            request=replace(REQUEST, **changes),
            status=status,
            created_at=at,
            updated_at=at,
        )
        orders.rows[order.id] = order
        return order

    return put


async def verdict(gate, request=REQUEST, **options):
    """The rule that says no, if one does."""
    await gate.prepare(request)
    judged = await gate.review(request, **options)
    return None if isinstance(judged, Approved) else judged.refusal.check


async def facts(gate, request=REQUEST):
    await gate.prepare(request)
    return await gate._facts(request, None)


async def test_the_first_order_after_a_start_asks_for_balances_and_nothing_else(
    make_gate, wallet, prices
):
    gate = make_gate(pushed=lambda: True)
    for _ in range(3):
        assert await verdict(gate) is None
    assert (wallet.asked, prices.asked) == (1, [])


async def test_a_review_itself_asks_nobody(make_gate, wallet, prices):
    gate = make_gate()
    prices.known.clear()
    assert (await gate.review(REQUEST)).refusal.check == "price age"
    assert (wallet.asked, prices.asked) == (0, [])


@pytest.mark.parametrize("age_ms", [None, 60_001])
async def test_without_a_fresh_price_the_book_is_asked_once(make_gate, prices, clock, age_ms):
    prices.known.clear()
    if age_ms is not None:
        prices.tell(BTC, 500.0, age_ms)
    prices.offer(BTC, "99", "101")
    gate = make_gate()
    known = await facts(gate)
    assert (known.price, known.price_age_seconds) == (100, 0)
    await clock.advance(60)
    assert (await facts(gate)).price_age_seconds == 60
    assert prices.asked == [BTC]
    await clock.advance(1)
    await facts(gate)
    assert prices.asked == [BTC, BTC]


@pytest.mark.parametrize(
    ("bid", "ask", "price"), [("99", None, 99), (None, "101", 101), (None, None, None)]
)
async def test_half_a_book_is_a_price_and_none_is_none(make_gate, prices, bid, ask, price):
    prices.known.clear()
    prices.offer(BTC, bid, ask)
    assert (await facts(make_gate())).price == price


async def test_the_younger_price_counts(make_gate, prices, clock):
    prices.known.clear()
    prices.offer(BTC, "99", "101")
    gate = make_gate()
    await facts(gate)
    await clock.advance(10)
    prices.tell(BTC, 98.5, 9_000)
    assert (await facts(gate)).price == D("98.5")
    prices.tell(BTC, 98.5, 11_000)
    assert (await facts(gate)).price == 100


async def test_a_price_of_any_age_will_do_where_none_is_too_old(make_gate, prices):
    prices.tell(BTC, 98.5, 10**9)
    assert (await facts(make_gate(max_price_age_seconds=None))).price == D("98.5")
    assert prices.asked == []


async def test_a_book_that_cannot_be_asked_leaves_the_price_unknown(make_gate, prices):
    prices.known.clear()
    prices.failure = Unreachable("down")
    assert await verdict(make_gate()) == "price age"


async def test_while_nothing_is_taken_nothing_is_asked(make_gate, control, prices, wallet):
    prices.known.clear()
    assert await verdict(make_gate(breaker=lambda: "5 failures")) == "venue"
    await control.pause(reason="lunch", who="ann")
    assert await verdict(make_gate()) == "control"
    assert (prices.asked, wallet.asked) == ([], 0)


async def test_the_market_the_account_and_control_are_among_the_facts(
    make_gate, prices, holdings, control, add
):
    prices.tell(BTC, 100.0, 1_500, MarketState.VOLATILE)
    holdings.quantities = {BTC: D(3), ETH: D(0)}
    add(age=59)
    add(age=61, side=Side.SELL)
    add(age=61, status=OrderStatus.FILLED)
    known = await facts(make_gate())
    assert (known.market, known.price_age_seconds, known.tradable) == ("VOLATILE", 1.5, True)
    assert known.exposures == {BTC: Exposure(held=D(3), buying=D(2), selling=D(2), price=D(100))}
    assert (known.open_orders, known.orders_last_minute) == (2, 1)
    assert known.free == {"USDT": 1000, "BTC": 5}
    assert (known.control, known.armed, known.breaker) == (control.state, True, None)
    assert known.losses is None


async def test_a_market_that_is_not_listed_cannot_be_traded(make_gate, prices):
    prices.tell(ETH, 10.0)
    assert await verdict(make_gate(), replace(REQUEST, symbol=ETH, price=D(10))) == "market"


async def test_an_order_that_takes_anothers_place_is_judged_without_it(make_gate, add):
    old = add()
    gate = make_gate(max_open_orders=1, max_exposure=D(250))
    assert await verdict(gate) == "open orders"
    assert await verdict(gate, instead_of=old.id) is None


async def test_money_is_counted_in_the_accounts_currency(make_gate, prices, listing):
    """ETH/BTC at 0.05 is priced by BTC/USDT at 100."""
    prices.tell(CROSS, 0.05)
    wish = replace(REQUEST, symbol=CROSS, price=D("0.05"), quantity=D(20))
    known = await facts(make_gate(max_order_notional=D(99)), wish)
    assert (known.rate, known.notional) == (100, 100)


async def test_a_currency_is_asked_for_where_money_is_limited_only(make_gate, prices):
    del prices.known[BTC]
    prices.tell(CROSS, 0.05)
    prices.offer(BTC, "99", "101")
    wish = replace(REQUEST, symbol=CROSS, price=D("0.05"))
    assert (await facts(make_gate(), wish)).rate is None
    assert prices.asked == []
    assert (await facts(make_gate(max_exposure=D(9)), wish)).rate == 100


async def test_all_that_is_held_gets_a_price_where_it_is_limited(make_gate, prices, holdings):
    holdings.quantities = {ETH: D(1)}
    prices.offer(ETH, "9", "11")
    assert await verdict(make_gate(max_exposure_per_symbol=D(200))) is None
    assert prices.asked == []
    gate = make_gate(max_exposure=D(208))
    assert await verdict(gate) is None
    assert await verdict(make_gate(max_exposure=D(207))) == "exposure"
    assert prices.asked == [ETH, ETH]


async def test_losses_are_looked_at_where_they_are_limited(make_gate, holdings):
    await verdict(make_gate())
    assert holdings.asked == 0
    holdings.day_start = D(1100)
    assert await verdict(make_gate(daily_loss_limit=D(100))) == "daily loss"
    holdings.failure = Unreachable("down")
    assert await verdict(make_gate(max_drawdown_percent=D(10))) == "drawdown"


async def test_on_margin_the_venue_alone_knows_what_is_free(make_gate, wallet):
    assert await verdict(make_gate(may_short=True), replace(REQUEST, quantity=D(99))) is None
    assert wallet.asked == 0


async def test_the_standing_says_how_much_is_used(make_gate, holdings, add):
    holdings.quantities = {BTC: D(3)}
    add(age=5)
    gate = make_gate(breaker=lambda: "5 failures", daily_loss_limit=D(9))
    await gate._losses.look()
    standing = await gate.standing()
    assert (standing.open_orders, standing.orders_last_minute) == (1, 1)
    assert standing.exposures[BTC].value == 500
    assert (standing.free, standing.breaker) == (None, "5 failures")
    assert standing.losses.equity.at == NOON


CLOSING = replace(REQUEST, side=Side.SELL, type=OrderType.MARKET, price=None, reduce_only=True)


async def test_what_closes_is_prepared_and_taken_while_paused(make_gate, control, holdings, wallet):
    holdings.quantities = {BTC: D(2)}
    await control.pause(reason="lunch", who="ann")
    gate = make_gate(max_orders_per_minute=0)
    assert await verdict(gate, replace(CLOSING, reduce_only=False)) == "control"
    assert await verdict(gate, CLOSING) is None
    assert wallet.asked == 1


@pytest.mark.parametrize("status", [OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN])
async def test_two_that_close_the_same_position_are_not_both_taken(
    make_gate, holdings, add, status
):
    holdings.quantities = {BTC: D(2)}
    first = add(status=status, side=Side.SELL)
    gate = make_gate()
    assert await verdict(gate, CLOSING) == "reduce only"
    assert await verdict(gate, CLOSING, instead_of=first.id) is None
    add(side=Side.SELL)  # what rests has not closed anything yet
    assert await verdict(gate, CLOSING, instead_of=first.id) is None


@pytest.mark.parametrize("status", [OrderStatus.FILLED, OrderStatus.CANCELED])
async def test_what_an_order_executed_counts_before_its_fills_are_told(
    make_gate, holdings, add, orders, status
):
    """Answers may hold totals alone: for a moment it is neither open nor in a position."""
    holdings.quantities = {BTC: D(2)}
    for side in Side:
        order = add(status=status, side=side)
        orders.rows[order.id] = replace(order, executed_quantity=D(2), executed_quote=D(198))
        orders.short.add(order.id)
    assert await verdict(make_gate(), CLOSING) == "reduce only"
    assert await verdict(make_gate(max_exposure_per_symbol=D(599))) == "exposure of symbol"
    assert await verdict(make_gate(max_exposure=D(599))) == "exposure"


@pytest.mark.parametrize("waits", [True, False])
async def test_a_leg_that_waits_at_the_venue_is_not_without_an_answer(
    make_gate, holdings, add, orders, waits
):
    holdings.quantities = {BTC: D(2)}
    leg = add(status=OrderStatus.PENDING_NEW, side=Side.SELL)
    orders.rows[leg.id] = replace(leg, venue_order_id="7" if waits else None)
    assert await verdict(make_gate(), CLOSING) == (None if waits else "reduce only")


async def test_a_look_at_the_standing_makes_no_review_forget_an_order(make_gate, add, orders):
    """It had read the orders when the new one was saved, and goes by them only then."""
    gate = make_gate(pushed=lambda: True)
    await gate.prepare(REQUEST)
    read = gate._commitments.committed

    async def slowly(**which):
        found = await read(**which)
        gate.saved(add())
        return found

    gate._commitments.committed = slowly
    await gate.standing()
    gate._commitments.committed = read
    assert (await gate.standing()).free == {"USDT": 1000 - 2 * 99, "BTC": 5}
