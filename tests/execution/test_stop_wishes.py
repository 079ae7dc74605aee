"""From a wish to a stop: whose side, how much, where, and who can keep it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest

from tests.fakes.portfolio import BTC, ETH, FakeHoldings, FakeListed, FakeLive, FakeRecord
from trading_system.domain.errors import InvalidRequest, NotFound, UnknownSymbol
from trading_system.domain.orders import OrderType, Side
from trading_system.domain.stops import Keeper, StopKind, StopWish
from trading_system.execution.stop_wishes import StopWishes

D = Decimal
FIXED, TRAILING, TIME = StopKind


class Bench:
    def __init__(self, clock) -> None:
        self.clock = clock
        self.holdings = FakeHoldings(BTC="2")  # bought at 100
        self.record = FakeRecord()
        self.listed = FakeListed("STOP_LOSS", "STOP_LOSS_LIMIT")
        self.live = FakeLive(BTC=100.0)
        self.atr = D("1.5")

    async def stop(self, **wish):
        async def volatility(_):
            return self.atr

        wishes = StopWishes(
            holdings=self.holdings,
            orders=self.record,
            market_data=self.listed,
            live=self.live,
            volatility=volatility,
        )
        return await wishes.stop(StopWish(**{"symbol": BTC} | wish), self.clock.now())


@pytest.fixture
def bench(clock):
    return Bench(clock)


async def test_a_fixed_one_rests_at_the_venue_at_a_price_of_its_grid(bench, clock):
    stop = await bench.stop(kind=FIXED, trigger_price=D("90.4"))
    assert (stop.side, stop.kept_by, stop.venue_type) == (Side.SELL, "venue", OrderType.STOP_LOSS)
    assert (stop.trigger_price, stop.limit_price, stop.quantity) == (D("90.5"), None, None)
    assert stop.created_at == clock.now()


@pytest.mark.parametrize(("held", "limit"), [("2", "89.0"), ("-2", "111.0")])
async def test_where_there_are_only_stop_limits_the_limit_gives_way(bench, held, limit):
    bench.listed = FakeListed("STOP_LOSS_LIMIT")
    bench.holdings.hold(held)
    trigger = D(90) if held == "2" else D(110)
    stop = await bench.stop(kind=FIXED, trigger_price=trigger)
    assert (stop.venue_type, stop.limit_price) == (OrderType.STOP_LOSS_LIMIT, D(limit))


@pytest.mark.parametrize(("held", "trigger"), [("2", "98.5"), ("-2", "101.5")])
async def test_a_distance_of_a_fixed_one_is_from_the_average_price(bench, held, trigger):
    bench.holdings.hold(held)
    assert (await bench.stop(kind=FIXED, distance_percent=D("1.5"))).trigger_price == D(trigger)
    assert (await bench.stop(kind=FIXED, distance_atr=D(1))).trigger_price == D(trigger)


async def test_a_short_position_is_bought_back(bench):
    bench.holdings.hold("-2")
    stop = await bench.stop(kind=TRAILING, distance_percent=D(1))
    assert stop.side is Side.BUY


@pytest.mark.parametrize(
    ("held", "percent", "kept_by"),
    [
        ("2", "0.1", "venue"),
        ("2", "20", "venue"),
        ("2", "0.09", "system"),
        ("2", "20.01", "system"),
        ("-2", "0.2", "venue"),
        ("-2", "0.1", "system"),
    ],
)
async def test_a_trailing_one_rests_at_the_venue_at_the_distances_it_allows(
    bench, held, percent, kept_by
):
    bench.holdings.hold(held)
    stop = await bench.stop(kind=TRAILING, distance_percent=D(percent))
    assert (stop.distance_bps, stop.kept_by) == (int(D(percent) * 100), kept_by)
    assert stop.trigger_price is None


async def test_a_distance_in_true_ranges_is_that_of_now(bench):
    assert (await bench.stop(kind=TRAILING, distance_atr=D(2))).distance_bps == 300
    bench.atr = None
    with pytest.raises(InvalidRequest, match="register it first"):
        await bench.stop(kind=TRAILING, distance_atr=D(2))


@pytest.mark.parametrize("types", [(), ("STOP_LOSS_LIMIT",), ("MARKET",)])
async def test_what_the_venue_does_not_have_is_kept_by_the_system(bench, types):
    bench.listed = FakeListed(*types)
    stop = await bench.stop(kind=TRAILING, distance_percent=D(1))
    assert (stop.kept_by, stop.venue_type) == (Keeper.SYSTEM, None)
    fixed = await bench.stop(kind=FIXED, trigger_price=D(90))
    assert (fixed.kept_by == "venue") == (types == ("STOP_LOSS_LIMIT",))


async def test_one_by_time_is_always_kept_by_the_system(bench, clock):
    deadline = clock.now() + timedelta(hours=1)
    stop = await bench.stop(kind=TIME, deadline=deadline, quantity=D("0.5"))
    assert (stop.kept_by, stop.deadline, stop.quantity) == ("system", deadline, D("0.5"))


async def test_it_may_guard_what_one_order_has_bought(bench):
    order = SimpleNamespace(
        id=UUID(int=3), executed_quantity=D("0.7"), request=SimpleNamespace(symbol=BTC)
    )
    bench.record.orders = {order.id: order}
    wish = {"kind": FIXED, "trigger_price": D(90), "symbol": None, "order_id": order.id}
    assert (await bench.stop(**wish)).quantity == D("0.7")
    assert (await bench.stop(**wish, quantity=D("0.2"))).quantity == D("0.2")
    order.executed_quantity = D(0)
    with pytest.raises(InvalidRequest, match="no fills yet"):
        await bench.stop(**wish)
    with pytest.raises(NotFound):
        await bench.stop(**wish | {"order_id": UUID(int=4)})


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"kind": FIXED, "symbol": None}, "needs a symbol or an order_id"),
        ({"kind": FIXED}, "needs a price or a distance"),
        ({"kind": TRAILING}, "needs a price or a distance"),
        ({"kind": TRAILING, "distance_percent": D("0.001")}, "from 0.01 to 99.99"),
        ({"kind": TRAILING, "distance_percent": D(100)}, "from 0.01 to 99.99"),
        ({"kind": TIME}, "a deadline that is still to come"),
        ({"kind": FIXED, "trigger_price": D(90), "quantity": D("2.1")}, "is 2, less than 2.1"),
        ({"kind": FIXED, "trigger_price": D(100)}, "would trigger at once: the price is 100.0"),
    ],
)
async def test_a_wish_that_cannot_be_met_says_why(bench, wish, why):
    with pytest.raises(InvalidRequest, match=why):
        await bench.stop(**wish)


async def test_a_deadline_that_has_passed_is_none(bench, clock):
    with pytest.raises(InvalidRequest):
        await bench.stop(kind=TIME, deadline=clock.now())


async def test_above_the_price_a_short_position_is_guarded_and_below_it_is_not(bench):
    bench.holdings.hold("-2")
    assert (await bench.stop(kind=FIXED, trigger_price=D("100.5"))).side is Side.BUY
    with pytest.raises(InvalidRequest, match="at once"):
        await bench.stop(kind=FIXED, trigger_price=D("99.5"))


async def test_without_a_known_price_any_trigger_is_taken(bench):
    bench.live = FakeLive()
    assert (await bench.stop(kind=FIXED, trigger_price=D(500))).trigger_price == 500


async def test_nothing_to_guard_is_no_stop(bench):
    bench.holdings.hold("0")
    with pytest.raises(InvalidRequest, match="no position of BTC/USDT"):
        await bench.stop(kind=FIXED, trigger_price=D(90))
    with pytest.raises(UnknownSymbol):
        await bench.stop(kind=FIXED, trigger_price=D(90), symbol=ETH)
    bench.holdings = FakeHoldings()
    with pytest.raises(InvalidRequest, match="no position"):
        await bench.stop(kind=FIXED, trigger_price=D(90))


async def test_every_stop_has_an_id_of_its_own(bench):
    first, second = [await bench.stop(kind=FIXED, trigger_price=D(90)) for _ in range(2)]
    assert first.id != second.id
    assert replace(first, id=second.id) == second
