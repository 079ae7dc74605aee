"""Equity by the venue's word, positions by ours; unknown prices are said to be so."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.conftest import settle
from tests.execution.test_ledger import Bench
from tests.fakes.portfolio import (
    BTC,
    ETH,
    FakeAccount,
    FakeCandles,
    FakeLive,
    FakeMarks,
    booked,
)
from trading_system.domain.errors import NotAllowed, Unreachable
from trading_system.domain.events import BalancesChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.portfolio import following
from trading_system.domain.positions import Equity
from trading_system.domain.reports import Balance, VenuePosition
from trading_system.execution.portfolio import Portfolio
from trading_system.execution.valuation import Valuation

D = Decimal


class Held(Bench):
    """A portfolio over a ledger, an account and live prices."""

    def __init__(self, clock) -> None:
        super().__init__(clock)
        self.account = FakeAccount(USDT="1000", BTC="2")
        self.live, self.marks = FakeLive(BTC=100.0), FakeMarks()
        self.portfolio = self.opened()

    def opened(self):
        return Portfolio(
            ledger=self.ledger,
            trading=self.account,
            valuation=Valuation(live=self.live, candles=FakeCandles(), clock=self.clock),
            marks=self.marks,
            clock=self.clock,
            bus=self.bus,
            quote="USDT",
            margin=self.account,
        )

    async def total(self):
        return (await self.portfolio.equity()).total


@pytest.fixture
def held(clock):
    return Held(clock)


async def test_equity_is_cash_and_coins_by_the_newest_prices(held, clock):
    equity = await held.portfolio.equity()
    assert (equity.total, equity.quote, equity.at) == (1200, "USDT", clock.now())
    held.live.last[BTC] = 150.0
    assert await held.total() == 1300
    assert held.account.asked == 1


async def test_an_asset_without_a_price_is_named_and_in_no_total(held):
    held.account.rows.append(Balance(asset="XYZ", free=D(5), locked=D(0)))
    equity = await held.portfolio.equity()
    assert (equity.total, equity.unvalued) == (1200, ("XYZ",))


async def test_what_gets_a_price_later_is_no_gain(held, clock):
    held.live.last = {}
    await held.portfolio.mark()
    held.live.last = {BTC: 100.0}
    await clock.advance(60)
    equity = await held.portfolio.mark()
    assert (equity.total, equity.day_start, equity.peak) == (1200, 1200, 1200)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("hours", [0, 24])
async def test_a_coin_without_a_price_for_a_moment_is_neither_lost_nor_won_again(
    held, clock, restarted, hours
):
    """Over midnight, too, when the day would begin with what was left."""
    await held.portfolio.mark()
    held.live.last = {}
    if restarted:
        held.portfolio = held.opened()
    await clock.advance(hours * 3600)
    for _ in range(2):
        equity = await held.portfolio.mark()
        assert (equity.total, equity.day_start, equity.peak) == (1000, 1200, 1200)
        assert equity.missing == ("BTC",)
    held.live.last = {BTC: 90.0}
    equity = await held.portfolio.mark()
    assert (equity.total, equity.peak, equity.missing) == (1180, 1200, ())
    assert equity.day_start == (1180 if hours else 1200)
    assert {mark.total for mark in held.marks.rows.values()} <= {1200, 1180}


async def test_an_asset_that_never_had_a_price_is_no_reason_not_to_mark(held, clock):
    held.account.rows.append(Balance(asset="XYZ", free=D(5), locked=D(0)))
    await held.portfolio.mark()
    held.portfolio = held.opened()
    held.live.last[BTC] = 90.0
    await clock.advance(60)
    equity = await held.portfolio.mark()
    assert (equity.total, equity.missing, len(held.marks.rows)) == (1180, (), 2)


async def test_pushed_balances_count_at_once_and_others_stay(held, clock):
    pushed = BalancesChanged(
        balances=(Balance(asset="USDT", free=D(5), locked=D(5)),), time=clock.now()
    )
    held.bus.publish(pushed)  # before any are known it says too little
    assert await held.total() == 1200
    held.bus.publish(pushed)
    assert await held.total() == 210
    assert held.account.asked == 1


async def test_balances_are_asked_for_again_after_a_minute(held, clock):
    await held.total()
    held.account.rows = [Balance(asset="USDT", free=D(7), locked=D(1))]
    await clock.advance(59)
    assert await held.total() == 1200
    await clock.advance(1)
    assert await held.total() == 8


async def test_a_venue_that_cannot_be_asked_is_no_equity_of_zero(held):
    held.account.failure = Unreachable("no route")
    with pytest.raises(Unreachable):
        await held.portfolio.equity()


async def test_a_margin_account_is_worth_its_balance_and_what_its_positions_earn(held):
    held.account.rows = held.account.rows[:1]
    for symbol, unrealised in ((BTC, 25), (Symbol("BTC", "XYZ"), 1)):
        held.account.margin.append(
            VenuePosition(
                symbol=symbol, quantity=D(-1), entry_price=D(125), unrealised=D(unrealised)
            )
        )
    equity = await held.portfolio.equity()
    assert (equity.total, equity.unvalued) == (1025, ("BTC/XYZ",))
    ours = {each.position.symbol: each for each in await held.portfolio.valued()}
    assert ours[BTC].venue.quantity == -1
    assert (ours[BTC].position.quantity, ours[BTC].unrealised) == (0, 0)


async def test_positions_are_valued_by_their_prices_and_are_unknown_without(held, clock):
    held.book(
        booked(1, "BUY", 2, 90, clock.now() - timedelta(days=1)),
        booked(2, "SELL", 1, 95, clock.now()),
        booked(3, "BUY", 1, 7, clock.now(), symbol=ETH, order=2, fee="0.1", asset="USDT"),
    )
    btc, eth = await held.portfolio.valued()
    assert (btc.price, btc.price_age_ms, btc.value, btc.unrealised) == (100, 5, 100, 10)
    assert btc.realised_today == 5
    assert (eth.price, eth.price_age_ms) == (7, 0)  # by our own trade
    assert [each.quantity for each in await held.portfolio.positions()] == [1, 1]
    assert btc.venue is None


async def test_the_summary_adds_up_in_one_quote_and_says_what_it_cannot(held, clock):
    held.book(
        booked(1, "BUY", 2, 90, clock.now() - timedelta(days=1), fee="0.01", asset="XYZ"),
        booked(2, "SELL", 1, 95, clock.now(), fee="1", asset="USDT"),
    )
    told = await held.portfolio.summary()
    assert told.equity.total == 1200
    assert [(asset.name, asset.value) for asset in told.assets] == [("BTC", 200), ("USDT", 1000)]
    assert (told.realised.total, told.realised.by_asset) == (4, {"USDT": 4})
    assert told.realised_today.total == 4
    assert told.unrealised.total == 10
    assert told.fees.by_asset == {"XYZ": D("0.01"), "USDT": 1}
    assert told.fees.total is None


async def test_what_cannot_be_valued_has_no_sum(held, clock):
    """A short sale of a margin account that the venue tells of, and nobody has a price for."""
    held.live.last = {}
    held.account.margin = [
        VenuePosition(symbol=BTC, quantity=D(1), entry_price=D(1), unrealised=D(0))
    ]
    (valued,) = await held.portfolio.valued()
    assert (valued.value, valued.price) == (None, None)
    money = held.portfolio._money([("USDT", None), ("USDT", D(1))], {})
    assert (money.total, money.by_asset) == (None, {"USDT": 1})


async def test_equity_is_marked_with_every_minute_and_after_each_fill(held, clock):
    tasks = [asyncio.create_task(run()) for run in (held.ledger.run, held.portfolio.run)]
    await settle()
    assert len(held.marks.rows) == 1  # 12:00:30
    await clock.advance(30)
    assert len(held.marks.rows) == 2  # 12:01:00
    held.book(booked(1, "BUY", 1, 100, clock.now()))
    held.account.rows = [Balance(asset="USDT", free=D(7), locked=D(1))]
    await clock.advance(1.5)
    assert len(held.marks.rows) == 3
    assert (await held.marks.last("USDT")).total == 8  # by balances asked for then
    await clock.advance(60)
    assert len(held.marks.rows) == 4
    for task in tasks:
        task.cancel()


@pytest.mark.parametrize("why", [Unreachable("no route"), NotAllowed("no keys")])
async def test_a_venue_that_does_not_answer_leaves_a_hole_and_no_more(held, clock, why):
    held.account.failure = why
    running = asyncio.create_task(held.portfolio.run())
    await clock.advance(35)
    assert held.marks.rows == {}
    held.account.failure = None
    await clock.advance(60)
    assert len(held.marks.rows) == 1
    running.cancel()


async def test_the_days_start_and_the_peak_outlive_a_restart(held, clock):
    await held.portfolio.mark()
    held.live.last[BTC] = 150.0
    await held.portfolio.mark()
    held.live.last[BTC] = 90.0
    held.portfolio = held.opened()
    equity = await held.portfolio.equity()
    assert (equity.total, equity.day_start, equity.peak) == (1180, 1200, 1300)
    await clock.advance(12 * 3600)
    equity = await held.portfolio.mark()
    assert (equity.total, equity.day_start, equity.peak) == (1180, 1180, 1300)


async def test_old_marks_are_thinned_out_once_a_day(held, clock):
    await held.portfolio.mark()
    await held.portfolio.mark()
    assert held.marks.thinned == [clock.now() - timedelta(days=30)]
    await clock.advance(12 * 3600)
    await held.portfolio.mark()
    assert len(held.marks.thinned) == 2


async def test_the_history_is_that_of_the_quote(held, clock):
    mark = await held.portfolio.mark()
    await held.marks.record(following(None, D(1), "EUR", clock.now()))
    assert await held.portfolio.history(None, None, points=5) == [mark]


def test_the_first_mark_is_its_own_start_and_peak(clock):
    first = following(None, D(5), "USDT", clock.now(), unvalued=("XYZ",))
    assert first == Equity(
        total=D(5),
        quote="USDT",
        day_start=D(5),
        peak=D(5),
        at=clock.now(),
        unvalued=("XYZ",),
        uncounted=("XYZ",),
    )
