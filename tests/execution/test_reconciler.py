"""A pass over everything: when it runs, what it books, whom it adopts, what it tells."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from tests.fakes.account import FakeRecords
from trading_system.domain.errors import (
    NotAllowed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    StorageError,
    TradingError,
    UnknownSymbol,
    Unreachable,
)
from trading_system.domain.events import OrderChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reconciliations import BalanceDifference, Reconciliation
from trading_system.domain.reports import Balance, Fill, Report, VenueFill, VenueOrder
from trading_system.execution.balances import BalanceBook, no_flows

S = OrderStatus
BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
REQUEST = OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(2))


@pytest.fixture
def shown(clock):
    """An order on the venue's record; `age` in seconds."""

    def build(client, status="NEW", *, number="77", executed="0", symbol=BTC, age=0, **fields):
        at = clock.now() - timedelta(seconds=age)
        report = Report(
            client_order_id=client,
            venue_order_id=number,
            status=status,
            source="reconciler",
            time=at,
            executed_quantity=Decimal(executed),
            executed_quote=Decimal(executed) * 100,
        )
        order = VenueOrder(
            symbol=symbol,
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            quantity=Decimal(2),
            quote_quantity=None,
            price=Decimal(100),
            stop_price=None,
            created_at=at,
            report=report,
        )
        return replace(order, **fields)

    return build


@pytest.fixture
def traded(clock):
    def build(number="77", trade="t1", *, symbol=BTC, age=0):
        fill = Fill(
            trade_id=trade,
            price=Decimal(100),
            quantity=Decimal(1),
            quote_quantity=Decimal(100),
            fee=Decimal("0.001"),
            fee_asset="BTC",
            maker=True,
            time=clock.now() - timedelta(seconds=age),
        )
        return VenueFill(symbol=symbol, venue_order_id=number, side="BUY", fill=fill)

    return build


@pytest.fixture
def published(bus):
    """Everything of these kinds that was told, in order."""
    events = []
    for kind in (OrderChanged, Reconciliation, BalanceDifference):
        bus.subscribe(kind, events.append)
    return events


def held(asset="BTC", free="1", locked="0") -> Balance:
    return Balance(asset=asset, free=Decimal(free), locked=Decimal(locked))


async def test_what_happened_while_we_were_down_is_booked_with_its_own_time(
    reconciler, submit, trading, orders, says, records, shown, traded, published, clock
):
    trading.answers.append(says("NEW"))
    order = await submit()
    await clock.advance(7_200)
    records.placed.append(shown(order.client_order_id, "FILLED", executed="1", age=3_600))
    records.traded.append(traded(age=3_600))
    told = await reconciler.reconcile()
    after = await orders.get(order.id)
    assert (after.status, after.executed_quantity) == (S.FILLED, 1)
    (row,) = await orders.fills(order_id=order.id)
    assert row.fill.time == clock.now() - timedelta(seconds=3_600)
    assert (told.booked, told.fills, told.asked, told.unknown_left) == (1, 1, 0, 0)
    assert [e.source for e in published if isinstance(e, OrderChanged)] == ["answer", "reconciler"]
    assert published[-1] == told


async def test_the_same_pass_again_finds_nothing(
    reconciler, submit, trading, says, records, shown, traded, clock
):
    trading.answers.append(says("NEW"))
    order = await submit()
    records.placed.append(shown(order.client_order_id, "FILLED", executed="1"))
    records.traded.append(traded())
    records.held = [held()]
    await reconciler.reconcile()
    told = await reconciler.reconcile()
    assert (told.booked, told.fills, told.adopted, told.asked) == (0, 0, 0, 0)
    assert told.balances_compared
    assert told.differences == ()


async def test_an_open_order_that_the_venue_does_not_show_is_looked_up(
    reconciler, submit, trading, orders, says
):
    trading.answers.extend([says("NEW"), says("CANCELED")])
    order = await submit()
    told = await reconciler.reconcile()
    assert (told.asked, told.booked) == (1, 1)
    assert (await orders.get(order.id)).status is S.CANCELED


async def test_an_order_without_an_answer_is_told_as_left(reconciler, submit, trading):
    trading.answers.append(OutcomeUnknown("timeout"))
    await submit()
    told = await reconciler.reconcile()
    assert (told.asked, told.booked, told.unknown_left) == (1, 0, 1)


async def test_a_late_fill_of_an_order_that_has_long_ended_is_fetched(
    reconciler, submit, trading, orders, says, records, traded
):
    trading.answers.extend([says("CANCELED"), says("CANCELED", "1", fills=("t1",))])
    order = await submit()
    records.traded.append(traded())
    told = await reconciler.reconcile()
    assert (told.asked, told.fills) == (1, 1)
    assert (await orders.get(order.id)).executed_quantity == 1


async def test_somebody_elses_order_is_adopted_and_marked(
    reconciler, orders, records, shown, traded, published
):
    records.open.append(shown("by hand", "PARTIALLY_FILLED", executed="1"))
    records.placed.append(shown("by hand", "PARTIALLY_FILLED", executed="1"))
    records.traded.append(traded())
    told = await reconciler.reconcile()
    assert (told.adopted, told.fills) == (1, 1)
    (order,) = await orders.all()
    assert order.foreign
    assert (order.client_order_id, order.status) == ("by hand", S.PARTIALLY_FILLED)
    assert [e.order for e in published if isinstance(e, OrderChanged)] == [order]


async def test_an_adopted_order_is_kept_up_to_date_and_adopted_no_second_time(
    reconciler, orders, records, shown
):
    records.open.append(shown("by hand"))
    await reconciler.reconcile()
    records.open = []
    records.placed.append(shown("by hand", "CANCELED"))
    told = await reconciler.reconcile()
    assert (told.adopted, told.booked) == (0, 1)
    (order,) = await orders.all()
    assert order.status is S.CANCELED


async def test_a_client_id_that_is_used_again_is_another_order(
    reconciler, orders, records, shown, registered
):
    registered.rows.append(SimpleNamespace(symbol=BTC))
    records.held = [held("BTC")]
    first = shown("web", "FILLED", number="1", executed="0")
    records.placed.append(first)
    await reconciler.reconcile()
    records.placed.append(shown("web", number="2"))
    told = await reconciler.reconcile()
    assert told.adopted == 1
    ids = {o.venue_order_id: (o.client_order_id, o.status) for o in await orders.all()}
    assert ids == {"1": ("web#1", S.FILLED), "2": ("web", S.NEW)}
    told = await reconciler.reconcile()
    assert (told.adopted, told.booked) == (0, 0)


async def test_a_pushed_report_under_a_client_id_used_again_is_no_news_of_the_first(
    reconciler, orders, records, shown
):
    records.open.append(shown("web", number="1"))
    await reconciler.reconcile()
    with pytest.raises(NotFound):
        await reconciler.hear(shown("web", "FILLED", number="2").report)
    (order,) = await orders.all()
    assert order.status is S.NEW


async def test_an_order_of_a_kind_without_a_word_is_left_out_and_keeps_nothing_from_the_rest(
    reconciler, orders, records, shown
):
    records.open += [shown("a", number="1", type="LIQUIDATION"), shown("b", number="2")]
    told = await reconciler.reconcile()
    assert told.adopted == 1
    assert [order.client_order_id for order in await orders.all()] == ["b"]


async def test_a_trade_of_an_order_that_nobody_shows_is_told_and_left(
    reconciler, orders, records, registered, traded, capsys
):
    registered.rows.append(SimpleNamespace(symbol=BTC))
    records.held = [held("BTC")]
    records.traded.append(traded("404"))
    told = await reconciler.reconcile()
    assert (told.fills, told.adopted) == (0, 0)
    assert "a trade of an order that nobody shows" in capsys.readouterr().out


@pytest.fixture
def reads(reconciler, records):
    """Reconcile, and tell the symbols that were read of."""

    async def reading(pass_=reconciler.reconcile):
        records.asked.clear()
        await pass_()
        return {call[1].base for call in records.asked if call[0] == "fills"}

    return reading


async def test_symbols_of_our_orders_of_open_ones_and_of_what_is_held_are_read(
    reads, submit, trading, says, records, registered, listed, shown
):
    """Asked for all 500 that are registered, the venue would ban us."""
    registered.rows += [SimpleNamespace(symbol=Symbol(f"C{n}", "USDT")) for n in range(500)]
    registered.rows.append(SimpleNamespace(symbol=Symbol("SOL", "USDT")))
    listed.symbols |= {each.symbol for each in registered.rows}
    trading.answers.append(says("FILLED", "0"))
    await submit()
    records.open.append(shown("x", symbol=ETH))
    records.held = [held("SOL"), held("C7")]
    assert await reads() == {"BTC", "ETH", "SOL", "C7"}
    records.held = [held("SOL")]
    assert await reads() == {"BTC", "ETH", "SOL", "C7"}
    assert await reads() == {"BTC", "ETH", "SOL"}


async def test_passes_that_nobody_asked_for_read_what_is_held_only_when_it_moved(
    reads, reconciler, orders, records, registered, shown, traded, clock
):
    """What somebody else bought and sold out of our sight shows in the balances."""
    registered.rows += [SimpleNamespace(symbol=BTC), SimpleNamespace(symbol=ETH)]
    records.held = [held("BTC", "1"), held("ETH", "1"), held("USDT", "900")]
    assert await reads(reconciler._round) == {"BTC", "ETH"}
    await clock.advance(300)
    assert await reads(reconciler._round) == set()
    await clock.advance(300)
    records.placed.append(shown("by hand", "FILLED", executed="1"))
    records.traded.append(traded())
    records.held = [held("BTC", "1.999"), held("ETH", "1"), held("USDT", "800")]
    assert await reads(reconciler._round) == {"BTC"}
    (order,) = await orders.all()
    assert order.foreign
    assert reconciler._done.rows[-1].differences == ()


async def test_each_pass_reads_from_shortly_before_the_last_one(
    reconciler, records, registered, clock
):
    registered.rows.append(SimpleNamespace(symbol=BTC))
    records.held = [held("BTC")]

    async def since():
        records.asked.clear()
        await reconciler.reconcile()
        return {clock.now() - call[2] for call in records.asked if call[0] == "orders"}

    assert await since() == {timedelta(days=1)}
    await clock.advance(300)
    assert await since() == {timedelta(minutes=15)}
    await clock.advance(200 * 86_400)
    assert await since() == {timedelta(days=90)}
    clock.jump(-86_400)  # the venue's own
    assert await since() == {timedelta(minutes=10)}


async def test_a_clock_of_ours_that_was_ahead_for_a_while_hides_nothing(
    reconciler, records, registered, listed, clock
):
    """The venue's record is dated by the venue's clock, and so are passes."""
    registered.rows.append(SimpleNamespace(symbol=BTC))
    records.held = [held("BTC")]
    zero = clock.milliseconds()
    listed.clock = SimpleNamespace(milliseconds=lambda: zero + round(clock.monotonic() * 1000))
    began = clock.now() - timedelta(seconds=clock.monotonic())
    clock.jump(7_200)
    first = await reconciler.reconcile()
    clock.jump(-7_200)
    await clock.advance(3_600)
    records.asked.clear()
    await reconciler.reconcile()
    ((_, _, since),) = (call for call in records.asked if call[0] == "fills")
    assert since == first.started - timedelta(minutes=10)
    assert first.started - began < timedelta(minutes=1)


async def test_while_balances_move_no_pass_before_counts_as_having_seen_all(
    reconciler, records, registered, clock
):
    registered.rows.append(SimpleNamespace(symbol=BTC))
    records.held = [held("BTC")]
    sure = await reconciler.reconcile()
    balances, amounts = records.balances, iter(range(2, 300))

    async def moving():
        return [held("BTC", str(next(amounts)))]

    records.balances = moving
    for _ in range(2):
        await clock.advance(300)
        assert not (await reconciler.reconcile()).balances_compared
    records.balances = balances
    records.asked.clear()
    await clock.advance(300)
    await reconciler.reconcile()
    since = {call[2] for call in records.asked if call[0] == "fills"}
    assert since == {sure.started - timedelta(minutes=10)}


async def test_what_a_margin_account_gains_has_no_symbol_read(orders, records, kept, clock, bus):
    """Fills explain nothing there, so that nothing follows from what they do not explain."""
    book = BalanceBook(balances=kept, clock=clock, bus=bus, flows=no_flows)
    for free in ("100", "130"):
        records.held = [held("USDT", free)]
        findings = await book.compare(records, await book.look(records))
        await book.keep(findings)
    assert [each.size for each in findings.differences] == [30]
    assert book.unexplained(findings) == set()


async def test_a_deposit_is_told_once_with_its_size(reconciler, records, published, kept):
    records.held = [held("USDT", "100", "5")]
    first = await reconciler.reconcile()
    assert first.differences == ()
    records.held = [held("USDT", "130", "5"), held("BTC", "1")]
    told = await reconciler.reconcile()
    assert [(d.asset, d.size) for d in told.differences] == [("BTC", 1), ("USDT", 30)]
    assert [e for e in published if isinstance(e, BalanceDifference)] == list(told.differences)
    assert (await reconciler.reconcile()).differences == ()
    assert kept.checks[-1].balances == tuple(records.held)


async def test_what_our_fills_explain_is_no_difference(
    reconciler, submit, trading, says, records, shown, traded
):
    records.held = [held("USDT", "1000"), held("BTC", "0.5")]
    await reconciler.reconcile()
    trading.answers.append(says("NEW"))
    order = await submit()
    records.placed.append(shown(order.client_order_id, "FILLED", executed="1"))
    records.traded.append(traded())
    records.held = [held("USDT", "900"), held("BTC", "1.499")]
    told = await reconciler.reconcile()
    assert told.balances_compared
    assert told.differences == ()


async def test_balances_that_move_while_they_are_read_are_kept_but_not_judged(
    reconciler, records, kept
):
    records.held = [held("USDT", "100")]
    await reconciler.reconcile()
    amounts = iter(range(200, 300))

    async def moving():
        return [held("USDT", str(next(amounts)))]

    records.balances = moving
    told = await reconciler.reconcile()
    assert (told.balances_compared, told.differences) == (False, ())
    assert len(kept.checks) == 1
    assert kept.kept == [("reconciler", held("USDT", "205"))]


async def test_every_pass_is_kept(reconciler, done):
    told = await reconciler.reconcile()
    assert await done.latest() == [told]


async def test_passes_come_one_after_the_other(reconciler, records, done):
    await asyncio.gather(*(reconciler.reconcile() for _ in range(3)))
    calls = [call[0] for call in records.asked]
    assert calls == ["balances", "open_orders", "balances"] * 3
    assert len(done.rows) == 3


async def test_a_pass_that_fails_is_no_pass(reconciler, records, done):
    records.failures.append(Unreachable("down"))
    with pytest.raises(Unreachable):
        await reconciler.reconcile()
    assert done.rows == []


async def test_it_passes_at_start_and_every_few_minutes(reconciler, done, clock):
    task = asyncio.create_task(reconciler.run())
    await clock.advance(1)
    assert len(done.rows) == 1
    await clock.advance(298)
    assert len(done.rows) == 1
    await clock.advance(5)
    assert len(done.rows) == 2
    task.cancel()


async def test_a_gap_in_the_news_is_followed_by_a_pass_at_once(reconciler, done, clock):
    task = asyncio.create_task(reconciler.run())
    await clock.advance(1)
    reconciler.wake()
    await clock.advance(0)
    assert len(done.rows) == 2
    task.cancel()


async def test_a_pushed_report_of_nobodys_order_has_it_adopted_with_the_next_round(
    reconciler, orders, records, shown, clock
):
    task = asyncio.create_task(reconciler.run())
    await clock.advance(1)
    records.open.append(shown("by hand"))
    with pytest.raises(NotFound):
        await reconciler.hear(shown("by hand").report, clock.now(), 3)
    await clock.advance(5)
    (order,) = await orders.all()
    assert order.foreign
    after = await reconciler.hear(shown("by hand", "FILLED", executed="1").report)
    assert after.status is S.FILLED
    task.cancel()


async def test_a_pass_that_failed_is_tried_again_soon_and_doubt_is_looked_up_meanwhile(
    both, submit, trading, says, orders, records, done, clock
):
    trading.answers.extend([OutcomeUnknown("timeout"), says("FILLED", "2", fills=("t1", "t2"))])
    order = await submit()
    records.failures.append(Unreachable("down"))
    both()
    await clock.advance(1)
    assert (await orders.get(order.id)).status is S.FILLED
    assert done.rows == []
    await clock.advance(5)
    assert len(done.rows) == 1


async def test_a_pass_that_goes_on_failing_is_tried_less_and_less_often(
    reconciler, records, done, clock
):
    records.failures += [Unreachable("down")] * 99
    task = asyncio.create_task(reconciler.run())
    await clock.advance(600)
    assert len(records.asked) <= 13  # at 0, 5, 15, 35, 75 and once a minute from then on
    records.failures.clear()
    reconciler.wake()
    await clock.advance(1)
    assert len(done.rows) == 1
    task.cancel()


async def test_a_strangers_order_is_adopted_without_a_pass_while_it_is_open(
    reconciler, orders, records, done, shown, clock
):
    task = asyncio.create_task(reconciler.run())
    await clock.advance(1)
    records.asked.clear()
    records.open.append(shown("by hand"))
    with pytest.raises(NotFound):
        await reconciler.hear(shown("by hand").report)
    await clock.advance(5)
    assert [order.client_order_id for order in await orders.all()] == ["by hand"]
    assert records.asked == [("open_orders",)]
    assert len(done.rows) == 1
    task.cancel()


async def test_a_stranger_is_not_forgotten_while_open_orders_cannot_be_read(
    reconciler, orders, records, shown, clock
):
    task = asyncio.create_task(reconciler.run())
    await clock.advance(1)
    records.open.append(shown("by hand"))
    with pytest.raises(NotFound):
        await reconciler.hear(shown("by hand").report)
    records.failures.append(Unreachable("down"))
    await clock.advance(5)
    assert await orders.all() == []
    await clock.advance(5)
    assert len(await orders.all()) == 1
    task.cancel()


async def test_strangers_orders_that_ended_at_once_have_one_pass_in_half_a_minute(
    reconciler, records, done, shown, clock
):
    task = asyncio.create_task(reconciler.run())
    await clock.advance(1)
    for number in range(12):
        with pytest.raises(NotFound):
            await reconciler.hear(shown(f"m{number}", "FILLED").report)
        await clock.advance(5)
    assert len(done.rows) == 3
    task.cancel()


async def test_many_doubtful_orders_are_asked_about_in_one_call(
    reconciler, submit, trading, says, orders, records, shown, clock
):
    placed = []
    for number in range(25):
        trading.answers.append(lambda o, n=number: replace(says("NEW")(o), venue_order_id=str(n)))
        placed.append(await submit())
    rows = [shown(o.client_order_id, number=o.venue_order_id) for o in placed]
    records.open += rows
    task = asyncio.create_task(reconciler.run())
    await clock.advance(1)
    records.asked.clear()
    records.open = [
        replace(rows[0], report=replace(rows[0].report, quantity=Decimal(1))),
        *rows[1:-1],
    ]
    trading.answers.append(lambda o: replace(says("CANCELED")(o), venue_order_id="24"))
    await clock.advance(5)
    assert records.asked == [("open_orders",)]
    assert [id_ for call, id_ in trading.sent if call == "find"] == [placed[-1].client_order_id]
    assert (await orders.get(placed[0].id)).request.quantity == 1
    assert (await orders.get(placed[-1].id)).status is S.CANCELED
    records.failures.append(Unreachable("down"))
    await clock.advance(10)
    assert len(records.asked) == 3
    task.cancel()


async def test_a_pass_over_thousands_of_orders_lets_others_have_their_turn(
    survey, records, shown, clock
):
    """By the loop's own processor time: the machine has other things to do as well."""
    records.open = [shown(f"c{number}", number=str(number)) for number in range(5_000)]
    gaps, last = [], time.thread_time()

    async def watch():
        nonlocal last
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            gaps.append(now - last)
            last = now

    watching = asyncio.create_task(watch())
    assert len((await survey.glance(records)).strangers) == 5_000
    watching.cancel()
    assert max(gaps) < 0.03


async def test_between_passes_doubtful_orders_are_asked_about_often(
    both, submit, trading, says, records, shown, clock, pushed
):
    pushed.up = True
    trading.answers.append(says("NEW"))
    resting = await submit()
    records.open.append(shown(resting.client_order_id))
    both()
    await clock.advance(1)
    trading.answers.extend([OutcomeUnknown("timeout")])
    doubtful = await submit()
    await clock.advance(11)
    finds = [id_ for call, id_ in trading.sent if call == "find"]
    assert finds == [doubtful.client_order_id] * 2
    pushed.up = False
    await clock.advance(5)
    finds = [id_ for call, id_ in trading.sent if call == "find"]
    assert set(finds[2:]) == {doubtful.client_order_id, resting.client_order_id}


async def test_a_database_that_fails_for_a_while_does_not_end_it(reconciler, orders, done, clock):
    real = orders.all

    async def locked(**_):
        raise StorageError("locked")

    orders.all = locked
    task = asyncio.create_task(reconciler.run())
    await clock.advance(6)
    assert done.rows == []
    orders.all = real
    await clock.advance(10)
    assert len(done.rows) == 1
    task.cancel()


async def test_a_symbol_that_was_delisted_keeps_no_other_from_being_read(
    reconciler, submit, trading, says, records, shown, done, clock, capsys
):
    trading.answers.append(says("FILLED", "0"))
    await submit()
    records.open.append(shown("x", symbol=ETH))
    records.delisted = {BTC}
    task = asyncio.create_task(reconciler.run())
    await clock.advance(1)
    assert len(done.rows) == 1
    assert done.rows[0].adopted == 1
    await reconciler.reconcile()
    assert capsys.readouterr().out.count("listed no more") == 1
    task.cancel()


async def test_what_the_venue_that_trades_does_not_list_is_not_asked_there(
    reconciler, records, registered, listed
):
    """Candles may come from another venue than orders go to."""
    registered.rows += [SimpleNamespace(symbol=BTC), SimpleNamespace(symbol=ETH)]
    records.held = [held("BTC"), held("ETH")]
    listed.symbols = {BTC}
    await reconciler.reconcile()
    assert {call[1] for call in records.asked if call[0] == "fills"} == {BTC}


@pytest.mark.parametrize("strange", [TradingError("odd"), UnknownSymbol("odd"), NotFound("odd")])
async def test_no_error_of_ours_ends_it(reconciler, records, done, clock, strange):
    records.failures.append(strange)
    task = asyncio.create_task(reconciler.run())
    await clock.advance(6)
    assert not task.done()
    assert len(done.rows) == 1
    task.cancel()


async def test_without_keys_it_asks_seldom(reconciler, records, clock):
    records.failures.extend([NotAllowed("no keys")] * 9)
    task = asyncio.create_task(reconciler.run())
    await clock.advance(290)
    assert len(records.asked) == 1
    task.cancel()


async def test_nobody_trades_before_the_first_pass_has_ended(reconciler, records, clock):
    gate = asyncio.get_running_loop().create_future()

    async def slow():
        await gate
        return []

    records.open_orders = slow
    waiting = asyncio.create_task(reconciler.ready())
    await clock.advance(9)
    assert not waiting.done()
    gate.set_result(None)
    await waiting


async def test_who_would_wait_too_long_for_it_is_told_that_nothing_was_sent(
    reconciler, records, clock
):
    async def never():
        await asyncio.Event().wait()

    records.open_orders = never
    waiting = asyncio.create_task(reconciler.ready())
    await clock.advance(11)
    with pytest.raises(Unreachable, match="nothing was sent"):
        await waiting


async def test_the_first_pass_is_made_once_for_all_who_wait(reconciler, done):
    await asyncio.gather(*(reconciler.ready() for _ in range(5)))
    await reconciler.ready()
    assert len(done.rows) == 1


async def test_who_wants_to_trade_hears_why_the_venue_cannot_be_asked(reconciler, records):
    records.failures.append(Unreachable("down"))
    with pytest.raises(Unreachable, match="down"):
        await reconciler.ready()
    await reconciler.ready()


async def test_without_keys_there_is_nothing_to_wait_for(reconciler, records):
    records.failures.append(NotAllowed("no keys"))
    await reconciler.ready()


async def test_a_leg_that_waits_for_another_is_not_in_doubt_while_pushes_arrive(
    reconciler, doubts, submit, trading, says, pushed
):
    """It is PENDING_NEW for as long as the other rests; the push says when it no longer is."""
    trading.answers.append(says("PENDING_NEW"))
    waiting = await submit()
    assert waiting.is_waiting
    pushed.up = True
    assert await reconciler._unheard() == await doubts.all() == []
    pushed.up = False
    assert [order.id for order in await reconciler._unheard()] == [waiting.id]
    assert await doubts.all() == []
    assert (await reconciler.reconcile()).unknown_left == 0


@pytest.fixture
def apart(reconciler):
    """What is read where nobody waits, told apart from what somebody waits for."""
    reconciler._background = FakeRecords()
    return reconciler._background


async def test_a_pass_that_somebody_waits_for_goes_first_and_others_give_way(
    reconciler, records, apart, clock
):
    task = asyncio.create_task(reconciler.run())
    await clock.advance(1)  # orders wait for the first
    assert records.asked
    assert apart.asked == []
    records.asked.clear()
    await clock.advance(300)
    assert {call[0] for call in apart.asked} == {"balances", "open_orders"}
    assert records.asked == []
    apart.asked.clear()
    await reconciler.reconcile()
    assert {call[0] for call in records.asked} == {"balances", "open_orders"}
    assert apart.asked == []
    task.cancel()


async def test_a_glance_gives_way_to_orders(reconciler, records, apart, shown, clock):
    task = asyncio.create_task(reconciler.run())
    await clock.advance(1)
    records.asked.clear()
    with pytest.raises(NotFound):
        await reconciler.hear(shown("by hand").report)
    await clock.advance(5)
    assert apart.asked == [("open_orders",)]
    assert records.asked == []
    task.cancel()


async def test_a_glance_for_what_is_in_doubt_gives_way_to_nobody(
    both, reconciler, submit, trading, orders, apart, shown, clock
):
    """Data may use up what is left to those who give way, for as long as it likes."""
    apart.failures = [RateLimited("used up", retry_after=60)] * 9
    both()
    await clock.advance(1)
    trading.answers.append(OutcomeUnknown("timeout"))
    unknown = await submit()
    with pytest.raises(NotFound):
        await reconciler.hear(shown("by hand").report)
    trading.answers.append(OutcomeUnknown("timeout"))  # asked about, and not answered again
    await clock.advance(5)
    assert trading.sent[-1] == ("find", unknown.client_order_id)
