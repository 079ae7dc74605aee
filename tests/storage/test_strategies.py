"""Mandates, decisions and whose orders are whose, in a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.candles import Candle
from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.errors import NotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import (
    Mandate,
    MandateState,
    SizeKind,
    Sizing,
    StopRule,
    Terms,
    prefix,
)
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Fill, Report
from trading_system.domain.stops import StopKind
from trading_system.domain.timeframes import Timeframe
from trading_system.storage.decisions import Decisions
from trading_system.storage.mandates import Grids, Mandates
from trading_system.storage.orders import Orders
from trading_system.storage.own_orders import OwnOrders

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOON_MS = 1_767_268_800_000
BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
BARE = Mandate(
    id=UUID(int=1),
    strategy="sma_cross",
    symbols=(BTC,),
    timeframe=Timeframe.parse("1m"),
    parameters={},
    capital=Decimal("1000.10"),
    created_at=NOON,
    updated_at=NOON,
)
FULL = replace(
    BARE,
    id=UUID(int=2),
    symbols=(BTC, ETH),
    timeframe=Timeframe.parse("1w"),
    parameters={"fast": "20", "short": "yes"},
    sizing=Sizing(kind=SizeKind.RISK, amount=Decimal("0.50")),
    stop=StopRule(kind=StopKind.TRAILING, distance_percent=Decimal("2.50")),
    state=MandateState.ENDING,
    begins=NOON_MS,
    started=NOON_MS + 1,
    kills=3,
    warmup=49,
    reason="because",
    flatten=True,
    waiting={"BTC/USDT": "a candle"},
)


@pytest.fixture
async def mandates(database):
    mandates = Mandates(database)
    await mandates.save(BARE)
    await mandates.save(FULL)
    return mandates


@pytest.fixture
def decisions(database, mandates):
    return Decisions(database)


def decided(minute, target=1.0, *, symbol=BTC, mandate_id=BARE.id, **more):
    bar = Candle(NOON_MS + minute * 60_000, 1.5, 2.5, 0.5, 100.0 + minute, 7.25)
    known = {
        "mandate_id": mandate_id,
        "symbol": symbol,
        "bar": bar,
        "target": target,
        "at": NOON_MS + 5,
    }
    return Decision(**(known | more))


async def test_a_mandate_comes_back_as_it_was_saved(mandates):
    for mandate in (BARE, FULL):
        found = await mandates.get(mandate.id)
        assert found == mandate
        assert str(found.capital) == "1000.10"


async def test_saved_again_it_is_one_mandate_and_the_newest_come_first(mandates):
    await mandates.save(replace(BARE, state=MandateState.RUNNING))
    assert [each.id for each in await mandates.all()] == [FULL.id, BARE.id]
    (running,) = await mandates.all({MandateState.RUNNING})
    assert running.id == BARE.id


async def test_terms_are_kept_when_they_change_and_only_then(mandates):
    changes = [
        {"state": MandateState.RUNNING},
        {"capital": Decimal(2000)},
        {"waiting": {}},
        {"sizing": Sizing(amount=Decimal(50))},
        {"stop": None},
        {"reason": "kill switch: mad"},
    ]
    now = FULL
    for second, change in enumerate(changes, 1):
        now = replace(now, updated_at=NOON + timedelta(seconds=second), **change)
        await mandates.save(now)
    first = Terms(until=NOON_MS + 2000, capital=FULL.capital, sizing=FULL.sizing, stop=FULL.stop)
    second = replace(first, until=NOON_MS + 4000, capital=Decimal(2000))
    third = replace(second, until=NOON_MS + 5000, sizing=Sizing(amount=Decimal(50)))
    assert await mandates.terms(FULL.id) == [first, second, third]
    assert await mandates.terms(BARE.id) == []


async def test_a_mandate_there_is_not_is_not_found(mandates):
    with pytest.raises(NotFound, match="there is no strategy"):
        await mandates.get(UUID(int=9))


async def test_a_grid_is_kept_in_the_place_of_what_was_there(database, mandates):
    grids = Grids(database)
    assert await grids.load(BARE.id, BTC) is None
    await grids.save(BARE.id, BTC, {"numbers": [1]})
    await grids.save(BARE.id, BTC, {"numbers": [2]})
    assert await grids.load(BARE.id, BTC) == {"numbers": [2]}
    assert await grids.load(FULL.id, BTC) is None


async def test_a_decision_comes_back_to_the_last_bit(decisions):
    full = decided(
        0,
        0.1 + 0.2,
        lines={"fast": 1 / 3, "slow": None},
        outcome=Outcome.ORDERED,
        reason="why",
        order_id=UUID(int=3),
    )
    await decisions.add([full])
    assert await decisions.all() == [full]


async def test_of_a_bar_there_is_one_decision_the_first(decisions):
    await decisions.add([decided(0, 1.0)])
    await decisions.add([decided(0, 0.0)])
    assert [each.target for each in await decisions.all()] == [1.0]


async def test_a_newer_bar_makes_what_is_still_pending_missed(decisions):
    await decisions.add([decided(0), decided(0, symbol=ETH, mandate_id=FULL.id)])
    await decisions.add([decided(1)])
    outcomes = {(each.symbol, each.bar.open_time): each.outcome for each in await decisions.all()}
    assert outcomes == {
        (BTC, NOON_MS): Outcome.MISSED,
        (BTC, NOON_MS + 60_000): Outcome.PENDING,
        (ETH, NOON_MS): Outcome.PENDING,
    }


async def test_what_came_of_it_is_written_to_it_alone(decisions):
    first, second = decided(0), decided(1)
    await decisions.add([first, second])
    after = replace(second, outcome=Outcome.ORDERED, order_id=UUID(int=3), reason="done")
    await decisions.settle(after)
    assert await decisions.all() == [
        after,
        replace(
            first,
            outcome=Outcome.MISSED,
            reason="a newer bar had closed before it was acted on",
        ),
    ]


async def test_where_a_mandate_stands_is_its_newest_decision_and_the_last_it_acted_by(decisions):
    await decisions.add(
        [
            decided(-1, None, outcome=Outcome.WARMUP),
            decided(0, outcome=Outcome.ORDERED),
            decided(1, outcome=Outcome.FITTED),
            decided(2, outcome=Outcome.UNCHANGED),
            decided(0, None, symbol=ETH, outcome=Outcome.WARMUP),
        ]
    )
    standings = await decisions.standings(BARE.id)
    assert set(standings) == {BTC}
    assert standings[BTC].newest.bar.open_time == NOON_MS + 120_000
    assert standings[BTC].acted.bar.open_time == NOON_MS + 60_000
    assert await decisions.standings(FULL.id) == {}


async def test_one_that_never_acted_stands_nowhere(decisions):
    await decisions.add([decided(0)])
    assert (await decisions.standings(BARE.id))[BTC].acted is None


async def test_the_frame_is_all_bars_as_they_were_seen_warm_up_first(decisions):
    await decisions.add([decided(1), decided(0, None, outcome=Outcome.WARMUP)])
    rows = await decisions.bars(BARE.id, BTC)
    assert rows.tolist() == [[*decided(0).bar], [*decided(1).bar]]
    assert (await decisions.bars(FULL.id, BTC)).shape == (0, 6)


async def test_decisions_are_found_by_whose_what_when_and_what_came_of_them(decisions):
    await decisions.add(
        [
            decided(-1, None, outcome=Outcome.WARMUP),
            decided(0, outcome=Outcome.ORDERED),
            decided(1, symbol=ETH, mandate_id=FULL.id, outcome=Outcome.MISSED),
            decided(2, outcome=Outcome.REFUSED),
        ]
    )

    async def minutes(**asked):
        found = await decisions.all(**asked)
        return [(each.bar.open_time - NOON_MS) // 60_000 for each in found]

    assert await minutes() == [2, 1, 0]
    assert await minutes(mandate_id=BARE.id) == [2, 0]
    assert await minutes(symbol=ETH) == [1]
    assert await minutes(outcomes=[Outcome.ORDERED, Outcome.MISSED]) == [1, 0]
    assert await minutes(start=NOON_MS + 60_000) == [2, 1]
    assert await minutes(end=NOON_MS + 60_000) == [0]
    assert await minutes(limit=1) == [2]


async def test_pages_follow_one_another_without_a_gap_while_new_ones_arrive(decisions):
    both = [
        decided(minute, symbol=symbol, mandate_id=mandate_id, outcome=Outcome.KEPT)
        for minute in range(3)
        for mandate_id, symbol in ((BARE.id, BTC), (FULL.id, BTC), (FULL.id, ETH))
    ]
    await decisions.add(both)
    seen, after = [], None
    while page := await decisions.all(after=after, limit=2):
        seen += page
        last = page[-1]
        after = (last.bar.open_time, last.mandate_id, last.symbol)
        await decisions.add([decided(10 + len(seen))])
    assert len(seen) == len(both)
    assert sorted(map(str, seen)) == sorted(map(str, both))


@pytest.fixture
def own(database, mandates):
    return OwnOrders(database)


class Book:
    """Orders and their fills, as they would have been saved."""

    def __init__(self, database) -> None:
        self.orders = Orders(database)

    async def order(self, number, key, *, replaces=None, fill=None, executed=None):
        request = OrderRequest(
            symbol=BTC, side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(2)
        )
        order = Order(
            id=UUID(int=number),
            client_order_id=f"ts-{number}",
            request=request,
            status=OrderStatus.PENDING_NEW,
            created_at=NOON,
            updated_at=NOON,
            replaces=replaces,
        )
        await self.orders.create(order, idempotency_key=key, digest="d")
        if fill is None:
            return order
        fills = (
            Fill(
                trade_id=f"t{number}",
                price=Decimal(100),
                quantity=Decimal(fill),
                quote_quantity=Decimal(fill) * 100,
                fee=Decimal(0),
                fee_asset="USDT",
                maker=None,
                time=NOON,
            ),
        )
        report = Report(
            client_order_id=order.client_order_id,
            status="FILLED",
            source="answer",
            time=NOON,
            fills=fills,
        )
        after = replace(
            order, status=OrderStatus.FILLED, executed_quantity=Decimal(executed or fill)
        )
        stored, _ = await self.orders.record(order, after, report, at=NOON)
        return stored


@pytest.fixture
def book(database):
    return Book(database)


KEY = f"{prefix(BARE.id)}BTC/USDT:1"
STOP = UUID(int=50)


async def test_an_order_is_found_by_the_key_it_was_sent_under(own, book):
    order = await book.order(11, KEY)
    assert await own.under([KEY, "another"]) == {KEY: order}


async def test_open_orders_are_whose_key_or_stop_sent_them_also_when_they_were_replaced(own, book):
    await own.link_stop(FULL.id, BTC, STOP)
    await book.order(11, KEY)
    await book.order(12, None, replaces=UUID(int=11))
    await book.order(13, f"stop-{STOP.hex}-1")
    await book.order(14, "stop-0123-1")
    await book.order(15, "somebody's")
    await book.order(16, None)
    await book.order(17, f"{KEY}7", fill=2)
    found = {each.order.id.int: (each.mandate_id, each.guards) for each in await own.unsettled()}
    assert found == {11: (BARE.id, False), 12: (BARE.id, False), 13: (FULL.id, True)}
    owners = {number: await own.owner(UUID(int=number)) for number in range(11, 19)}
    nobodys = dict.fromkeys((14, 15, 16, 18))
    assert owners == nobodys | {11: BARE.id, 12: BARE.id, 13: FULL.id, 17: BARE.id}


@pytest.mark.parametrize(
    "key", ["strategy:rebalance", "strategy:", "strategy", f"strategy:{UUID(int=1).hex}", "stop-"]
)
async def test_keys_of_others_may_look_like_those_of_strategies(own, book, key):
    """Whoever places an order through the API names it as he likes."""
    await book.order(11, key, fill=1, executed=2)
    await book.order(12, KEY, fill=1, executed=2)
    assert [each.order.id.int for each in await own.unsettled()] == [12]
    _, fills = await own.fills()
    assert [each.recorded.fill.trade_id for each in fills] == ["t12"]


async def test_an_order_with_fills_unheard_of_is_not_settled(own, book):
    await book.order(11, KEY, fill=1, executed=2)
    (short,) = await own.unsettled()
    assert short.order.status is OrderStatus.FILLED


async def test_fills_are_told_once_by_the_order_they_were_booked_in(own, book):
    await own.link_stop(FULL.id, BTC, STOP)
    await book.order(11, KEY, fill=1)
    await book.order(12, "somebody's", fill=1)
    last, fills = await own.fills()
    assert [(each.mandate_id, each.recorded.fill.trade_id) for each in fills] == [(BARE.id, "t11")]
    await book.order(13, f"stop-{STOP.hex}-1", fill=2)
    last, fills = await own.fills(last)
    assert [(each.mandate_id, each.recorded.fill.trade_id) for each in fills] == [(FULL.id, "t13")]
    assert await own.fills(last) == (last, [])


async def test_the_stop_linked_last_is_the_one_and_linking_it_twice_changes_nothing(own):
    await own.link_stop(BARE.id, BTC, UUID(int=1))
    await own.link_stop(BARE.id, BTC, UUID(int=2))
    await own.link_stop(BARE.id, BTC, UUID(int=1))
    await own.link_stop(BARE.id, ETH, UUID(int=3))
    assert await own.stops(BARE.id) == {BTC: UUID(int=2), ETH: UUID(int=3)}
    assert await own.stops(FULL.id) == {}
