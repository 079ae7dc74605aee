"""A kill carried out: again and again until the venue has confirmed, and nothing sold twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest

from tests.fakes.execution import FakeListing
from trading_system.domain.errors import Rejected, StorageError, Unreachable
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Stake
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import VenuePosition
from trading_system.execution.kill_switch import KillSwitch
from trading_system.execution.oms import OrderManager

HUNDRED = Decimal(100)
BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
RESTING = OrderRequest(
    symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(2), price=Decimal(99)
)


@pytest.fixture
def manager(trading, orders, clock, bus, control):
    return OrderManager(
        trading=trading, orders=orders, clock=clock, bus=bus, may_send=control.may_send
    )


@pytest.fixture
def listing(prices):
    """Lists BTC/USDT, whose book is that of `prices`."""
    prices.offer(BTC, "100", "101")
    listing = FakeListing()
    listing.book = prices.book
    return listing


@pytest.fixture
def margin():
    """What a margin account holds: quantities by symbol."""
    return SimpleNamespace(held={}, asked=0)


@pytest.fixture
def passes():
    """Errors of the first reconciliation, one a try."""
    return []


@pytest.fixture
def stakes():
    """What strategies hold."""
    return []


@pytest.fixture
def make_switch(
    control, manager, orders, holdings, wallet, listing, clock, bus, margin, passes, stakes
):
    async def told():
        return stakes

    async def positions():
        return [
            VenuePosition(
                symbol=each, quantity=quantity, entry_price=HUNDRED, unrealised=Decimal(0)
            )
            for each, quantity in margin.held.items()
            if quantity
        ]

    async def ready():
        if passes:
            raise passes.pop(0)

    def build(*, may_short=False):
        return KillSwitch(
            control=control,
            manager=manager,
            orders=orders,
            holdings=holdings,
            trading=wallet,
            market_data=listing,
            clock=clock,
            bus=bus,
            may_short=may_short,
            margin=SimpleNamespace(positions=positions),
            ready=ready,
            stakes=told,
        )

    return build


@pytest.fixture
async def switch(make_switch):
    """Running."""
    switch = make_switch()
    running = asyncio.create_task(switch.run())
    yield switch
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def rest(manager, trading, says):
    async def place():
        trading.answers.append(says("NEW"))
        order, _ = await manager.save(RESTING, idempotency_key=None, digest="d")
        return await manager.send(order)

    return place


@pytest.fixture
def kill(control):
    async def now(*, flatten=False):
        await control.kill(reason="mad", who="ann", flatten=flatten)

    return now


@pytest.fixture
def sells(holdings, says):
    """A venue's answer that fills an order whole, which the positions then show."""

    def answer(order):
        sign = 1 if order.request.side is Side.BUY else -1
        holdings.quantities[order.request.symbol] += sign * order.request.quantity
        report = says("FILLED", str(order.request.quantity), fills=("t1",))(order)
        (fill,) = report.fills
        return replace(report, fills=(replace(fill, quantity=order.request.quantity),))

    return answer


async def test_nothing_happens_before_a_kill(switch, rest, clock, orders):
    await rest()
    await clock.advance(100)
    assert [order.status for order in orders.rows.values()] == [OrderStatus.NEW]
    assert switch.progress is None


async def test_every_open_order_is_cancelled_at_once(switch, rest, kill, trading, says, clock):
    for _ in range(3):
        await rest()
    trading.answers.extend([says("CANCELED")] * 3)
    await kill()
    assert switch.progress is None
    await clock.advance(0)
    assert switch.progress.done
    assert [call for call, _ in trading.sent].count("cancel") == 3


async def test_cancels_are_repeated_until_the_venue_confirms(
    switch, rest, kill, trading, says, clock, orders
):
    await rest()
    trading.answers.extend([Unreachable("down")] * 3)
    await kill()
    await clock.advance(0)
    assert (switch.progress.done, switch.progress.open_orders) == (False, 1)
    await clock.advance(1)
    await clock.advance(2)
    trading.answers.append(says("CANCELED"))
    await clock.advance(4)
    assert [order.status for order in orders.rows.values()] == [OrderStatus.CANCELED]
    assert switch.progress.done


async def test_a_pass_that_fails_is_followed_by_another(switch, kill, holdings, trading, clock):
    holdings.quantities = {BTC: Decimal(1)}
    failing = holdings.positions

    async def fail():
        raise Unreachable("down")

    holdings.positions = fail
    await kill(flatten=True)
    await clock.advance(0)
    assert switch.progress is None
    holdings.positions, holdings.quantities = failing, {}
    await clock.advance(1)
    assert switch.progress.done


async def test_an_order_between_disk_and_venue_ends_there(
    switch, kill, manager, trading, orders, clock
):
    order, _ = await manager.save(RESTING, idempotency_key=None, digest="d")
    await kill()
    ended = await manager.send(order)
    assert ended.status is OrderStatus.REJECTED
    assert "killed before it was sent: mad" in ended.reject_reason
    assert trading.sent == []


async def test_positions_are_closed_once_all_orders_are_gone(
    switch, rest, kill, trading, says, sells, holdings, clock, orders
):
    await rest()
    holdings.quantities = {BTC: Decimal("2.345")}
    trading.answers.extend([Unreachable("down"), says("CANCELED"), sells])
    await kill(flatten=True)
    await clock.advance(0)
    assert [call for call, _ in trading.sent] == ["place", "cancel"]
    await clock.advance(1)
    sold = list(orders.rows.values())[-1]
    assert (sold.request.side, sold.request.type) == (Side.SELL, OrderType.MARKET)
    assert (sold.request.quantity, sold.status) == (Decimal("2.34"), OrderStatus.FILLED)
    assert switch.progress.positions == (BTC,)
    await clock.advance(2)
    assert switch.progress.done
    assert switch.progress.left_over == {BTC: "0.005 is less than the 0.01 BTC the venue takes"}
    await clock.advance(60)
    assert len(orders.rows) == 2


async def test_no_more_is_sold_than_is_free(switch, kill, trading, sells, holdings, wallet, clock):
    holdings.quantities = {BTC: Decimal(2)}
    wallet.free = {"BTC": Decimal("1.5"), "USDT": Decimal(9)}
    trading.answers.append(sells)
    await kill(flatten=True)
    await clock.advance(0)
    assert holdings.quantities[BTC] == Decimal("0.5")


async def test_what_is_owed_is_bought_back(
    make_switch, kill, trading, says, margin, wallet, orders
):
    margin.held = {BTC: Decimal("-1.2")}
    wallet.free = {}

    def bought(order):
        margin.held[BTC] += order.request.quantity
        return says("FILLED", "1.2")(order)

    trading.answers.append(bought)
    await kill(flatten=True)
    switch = make_switch(may_short=True)
    await switch.enforce()
    assert margin.held[BTC] == 0
    assert switch.progress.done


async def test_on_margin_the_venue_says_what_is_there(
    make_switch, kill, trading, says, margin, holdings, orders
):
    """Our fills may be of a position that was closed by hand; another may be nobody's fill."""
    holdings.quantities = {BTC: Decimal(5)}
    await kill(flatten=True)
    switch = make_switch(may_short=True)
    await switch.enforce()
    assert (trading.sent, switch.progress.done) == ([], True)
    margin.held = {BTC: Decimal(2)}
    trading.answers.append(says("NEW"))
    await switch.enforce()
    (order,) = orders.rows.values()
    assert (order.request.side, order.request.quantity) == (Side.SELL, 2)
    assert order.request.reduce_only


async def test_nothing_is_closed_before_our_record_is_known_to_be_the_venues(
    switch, rest, kill, trading, says, sells, passes, holdings, clock
):
    await rest()
    holdings.quantities = {BTC: Decimal(1)}
    passes.append(Unreachable("the first reconciliation has not ended yet"))
    trading.answers.extend([says("CANCELED"), sells])
    await kill(flatten=True)
    await clock.advance(0)
    assert [call for call, _ in trading.sent] == ["place", "cancel"]
    await clock.advance(1)
    assert holdings.quantities[BTC] == 0


async def test_a_position_that_cannot_be_closed_keeps_no_other_waiting(
    switch, kill, trading, sells, holdings, prices, listing, wallet, clock
):
    both = {
        symbol: replace((await listing.instruments())[BTC], symbol=symbol) for symbol in (ETH, BTC)
    }

    async def instruments():
        return both

    listing.instruments = instruments
    asked = prices.book

    async def book(symbol, *, levels):
        if symbol == ETH and ETH not in prices.books:
            raise Rejected(-1, "no book of this one")
        return await asked(symbol, levels=levels)

    listing.book = book
    wallet.free = {"BTC": Decimal(1), "ETH": Decimal(1)}
    holdings.quantities = {ETH: Decimal(1), BTC: Decimal(1)}
    trading.answers.append(sells)
    await kill(flatten=True)
    await clock.advance(0)
    assert holdings.quantities == {ETH: 1, BTC: 0}
    assert (switch.progress.done, switch.progress.positions) == (False, (ETH,))
    assert "no book of this one" in switch.progress.failed[ETH]
    prices.offer(ETH, "50", "51")
    trading.answers.append(sells)
    await clock.advance(1)
    assert holdings.quantities[ETH] == 0
    await clock.advance(2)
    assert (switch.progress.done, switch.progress.failed) == (True, {})


async def test_a_kill_that_could_not_be_written_is_carried_out_and_written_later(
    switch, rest, kill, trading, says, control_log, clock
):
    await rest()
    control_log.failure = StorageError("disk full")
    trading.answers.append(says("CANCELED"))
    with pytest.raises(StorageError):
        await kill()
    await clock.advance(0)
    assert switch.progress.done
    assert control_log.rows == []
    control_log.failure = None
    await clock.advance(1)
    assert [entry.reason for entry in control_log.rows] == ["mad"]
    await clock.advance(60)
    assert len(control_log.rows) == 1


async def test_nothing_is_closed_while_a_fill_is_unheard_of(
    switch, rest, kill, trading, says, holdings, clock
):
    order = await rest()
    trading.answers.append(says("CANCELED", "1"))  # one was executed, of which no fill is known
    holdings.quantities = {BTC: Decimal(3)}
    await kill(flatten=True)
    await clock.advance(0)
    assert order.status is OrderStatus.NEW
    assert [call for call, _ in trading.sent] == ["place", "cancel"]
    assert (switch.progress.done, switch.progress.positions) == (False, (BTC,))


async def test_what_the_venue_does_not_list_any_more_stays_and_is_said(
    switch, kill, holdings, clock
):
    holdings.quantities = {ETH: Decimal(3)}
    await kill(flatten=True)
    await clock.advance(0)
    assert switch.progress.left_over == {ETH: "the venue does not list it"}
    assert switch.progress.done


@pytest.mark.parametrize("executed", ["0", "1"], ids=["open", "short of a fill"])
async def test_an_order_in_a_symbol_that_was_delisted_keeps_no_other_from_being_closed(
    switch, kill, manager, trading, says, sells, holdings, orders, clock, executed
):
    """The venue can neither cancel it nor tell of its fills, tomorrow neither."""
    trading.answers.append(says("PARTIALLY_FILLED" if executed == "1" else "NEW", executed))
    delisted, _ = await manager.save(replace(RESTING, symbol=ETH), idempotency_key=None, digest="d")
    await manager.send(delisted)
    holdings.quantities = {BTC: Decimal(2)}
    trading.answers.extend([Rejected(-1121, "Invalid symbol."), sells])
    await kill(flatten=True)
    await clock.advance(0)
    assert holdings.quantities == {BTC: Decimal(0)}
    assert (switch.progress.open_orders, switch.progress.done) == (1, False)


async def test_an_empty_book_is_no_reason_to_keep_a_position(
    switch, kill, trading, sells, holdings, prices, clock
):
    prices.offer(BTC, None, None)
    holdings.quantities = {BTC: Decimal(1)}
    trading.answers.append(sells)
    await kill(flatten=True)
    await clock.advance(0)
    assert holdings.quantities[BTC] == 0


async def test_who_arms_meanwhile_keeps_the_position(
    make_switch, kill, control, holdings, prices, trading
):
    holdings.quantities = {BTC: Decimal(1)}
    await kill(flatten=True)
    armed = prices.book

    async def book(symbol, *, levels):
        await control.arm(code=None, who="ann")
        return await armed(symbol, levels=levels)

    switch = make_switch()
    switch._market_data.book = book
    await switch.enforce()
    assert trading.sent == []
    assert switch.progress is None


async def test_who_arms_and_kills_again_meanwhile_without_flattening_keeps_the_position(
    make_switch, kill, control, holdings, prices, trading
):
    holdings.quantities = {BTC: Decimal(1)}
    await kill(flatten=True)
    book = prices.book

    async def changed_his_mind(symbol, *, levels):
        await control.arm(code=None, who="ann")
        await kill()
        return await book(symbol, levels=levels)

    switch = make_switch()
    switch._market_data.book = changed_his_mind
    await switch.enforce()
    assert trading.sent == []


@pytest.mark.parametrize("armed", [True, False])
async def test_the_next_kill_does_not_wait_for_the_pause_after_the_last(
    switch, rest, kill, control, trading, says, clock, armed, orders
):
    await kill()
    for pause in (0, 1, 2, 4):
        await clock.advance(pause)
    await control.arm(code=None, who="ann")
    await rest()
    if armed:
        await clock.advance(0)
    trading.answers.append(says("CANCELED"))
    await kill()
    await clock.advance(0)
    assert [order.status for order in orders.rows.values()] == [OrderStatus.CANCELED]


async def test_a_kill_that_flattens_does_not_wait_for_the_pause_after_one_that_does_not(
    switch, kill, holdings, trading, sells, clock
):
    holdings.quantities = {BTC: Decimal(1)}
    await kill()
    for pause in (0, 1, 2, 4):
        await clock.advance(pause)
    trading.answers.append(sells)
    await kill(flatten=True)
    await clock.advance(0)
    assert holdings.quantities[BTC] == 0


async def test_a_later_kill_is_carried_out_anew(switch, kill, control, clock):
    await kill()
    await clock.advance(0)
    assert switch.progress.done
    await control.arm(code=None, who="ann")
    await clock.advance(60)
    await kill()
    assert switch.progress is None
    await clock.advance(0)
    assert switch.progress.done


ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("held", "theirs", "sold"),
    [
        ("3", ["1", "0.5"], [("1", ONE), ("0.5", TWO), ("1.5", None)]),
        ("0.7", ["0.5", "0.5"], [("0.5", ONE), ("0.2", TWO)]),  # somebody has sold some by hand
        ("0.5", ["0.5", "0.5"], [("0.5", ONE)]),
        ("1", ["-0.4", "0.6"], [("0.6", TWO), ("0.4", None)]),
        ("0", ["0.5", "0.5"], []),
    ],
)
async def test_each_strategys_part_is_closed_by_an_order_of_its_own(
    make_switch, kill, trading, sells, holdings, wallet, stakes, orders, held, theirs, sold
):
    holdings.quantities = {BTC: Decimal(held)}
    wallet.free = {"BTC": Decimal(held)}
    stakes += [
        Stake(mandate_id=who, symbol=BTC, quantity=Decimal(quantity))
        for who, quantity in zip((ONE, TWO), theirs, strict=True)
    ]
    trading.answers.extend([sells] * len(sold))
    await kill(flatten=True)
    await make_switch().enforce()
    sent = [(order.request.quantity, whose(orders, order)) for order in orders.rows.values()]
    assert sent == [(Decimal(quantity), who) for quantity, who in sold]
    assert holdings.quantities[BTC] == Decimal(held) - sum(Decimal(each) for each, _ in sold)


@pytest.mark.parametrize(
    ("there", "theirs", "sent"),
    [
        ("-3", "-1", [("BUY", "1", ONE), ("BUY", "2", None)]),
        ("2", "5", [("SELL", "2", ONE)]),
        ("-1", "1", [("BUY", "1", None)]),  # somebody has sold more than it holds
    ],
)
async def test_on_margin_a_strategys_part_is_its_own_too(
    make_switch, kill, trading, says, margin, stakes, orders, there, theirs, sent
):
    margin.held = {BTC: Decimal(there)}
    stakes.append(Stake(mandate_id=ONE, symbol=BTC, quantity=Decimal(theirs)))
    trading.answers.extend([says("NEW")] * len(sent))
    await kill(flatten=True)
    await make_switch(may_short=True).enforce()
    closed = [(order.request, whose(orders, order)) for order in orders.rows.values()]
    assert [(each.side, str(each.quantity), who) for each, who in closed] == sent
    assert all(each.reduce_only for each, _ in closed)


async def test_what_is_too_little_of_a_strategys_part_stays_its_own(
    switch, kill, trading, sells, holdings, wallet, stakes, clock, orders
):
    holdings.quantities = {BTC: Decimal("1.505")}
    wallet.free = {"BTC": Decimal("1.505")}
    stakes.append(Stake(mandate_id=ONE, symbol=BTC, quantity=Decimal("0.505")))
    trading.answers.extend([sells, sells])
    await kill(flatten=True)
    await clock.advance(0)
    assert [order.request.quantity for order in orders.rows.values()] == [Decimal("0.5"), 1]
    assert switch.progress.positions == (BTC,), "both are under way"
    stakes[0] = replace(stakes[0], quantity=Decimal("0.005"))
    await clock.advance(2)
    assert (switch.progress.done, len(orders.rows)) == (True, 2)
    assert "0.005 is less than" in switch.progress.left_over[BTC]


async def test_a_part_that_is_too_little_does_not_hide_that_another_is_under_way(
    switch, kill, trading, sells, holdings, wallet, stakes, clock
):
    holdings.quantities = {BTC: Decimal("1.005")}
    wallet.free = {"BTC": Decimal("1.005")}
    stakes.append(Stake(mandate_id=ONE, symbol=BTC, quantity=Decimal("0.005")))
    trading.answers.append(sells)
    await kill(flatten=True)
    await clock.advance(0)
    assert (switch.progress.done, switch.progress.left_over) == (False, {})
    await clock.advance(2)
    assert switch.progress.done


def whose(orders, order):
    """The strategy that an order was sent for."""
    (key,) = [key for key, (sent, _) in orders.keys.items() if sent == order.id] or [None]
    return key and UUID(key.split(":")[1])
