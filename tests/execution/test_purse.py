"""What is free: the venue's word, less what it cannot know of yet."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.execution.test_exposures import BTC, order
from tests.fakes.safety import NOON
from trading_system.domain.errors import Unreachable
from trading_system.domain.events import BalancesChanged, OrderChanged, VenueChanged
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Balance
from trading_system.execution.purse import Purse

D = Decimal


class Stream:
    up = True

    def __call__(self):
        return self.up


@pytest.fixture
def stream():
    return Stream()


@pytest.fixture
def purse(wallet, stream, clock, bus):
    return Purse(balances=wallet.balances, is_pushed=stream, clock=clock, bus=bus)


@pytest.fixture
def push(bus):
    def tell(**free):
        bus.publish(
            BalancesChanged(
                balances=tuple(
                    Balance(asset=asset, free=D(amount), locked=D(0))
                    for asset, amount in free.items()
                ),
                time=NOON,
            )
        )

    return tell


@pytest.fixture
def tell(bus):
    """That this order has taken a step."""

    def step(order_id, status):
        changed = Order(
            id=order_id,
            client_order_id="ours",
            request=OrderRequest(
                symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=D(3), price=D(100)
            ),
            status=status,
            created_at=NOON,
            updated_at=NOON,
        )
        bus.publish(OrderChanged(order=changed, source="answer", latency_ms=None))

    return step


def free(purse, *orders, **options):
    return purse.free(orders, lambda _: D(100), **options)


WHOLE = {"executed_quantity": D(0), "executed_quote": D(0)}  # 300 USDT


async def test_nothing_is_known_before_the_venue_has_told(purse, wallet):
    assert free(purse) is None
    wallet.failure = Unreachable("down")
    await purse.refresh()
    assert free(purse) is None
    wallet.failure = None
    await purse.refresh()
    assert free(purse) == {"USDT": 1000, "BTC": 5}


async def test_while_pushes_come_the_venue_is_asked_once(purse, wallet, push, clock):
    await purse.refresh()
    await clock.advance(3600)
    push(USDT="700")
    await purse.refresh()
    assert wallet.asked == 1
    assert free(purse) == {"USDT": 700, "BTC": 5}


async def test_without_pushes_it_is_asked_again_after_seconds(purse, wallet, stream, clock):
    stream.up = False
    await purse.refresh()
    await clock.advance(5)
    await purse.refresh()
    assert wallet.asked == 1
    await clock.advance(1)
    await purse.refresh()
    assert wallet.asked == 2


@pytest.mark.parametrize(("part", "asked"), [("stream user", 2), ("stream execution", 1)])
async def test_a_push_that_may_have_been_missed_is_asked_for(
    purse, wallet, bus, clock, part, asked
):
    await purse.refresh()
    bus.publish(VenueChanged(part=part, state="lost"))
    bus.publish(VenueChanged(part=part, state="connected"))
    await clock.advance(6)
    await purse.refresh()
    assert wallet.asked == asked


async def test_a_stream_that_breaks_while_the_venue_answers_is_not_trusted(
    purse, wallet, bus, clock
):
    wallet.on_ask = lambda: bus.publish(VenueChanged(part="stream user", state="lost"))
    await purse.refresh()
    await clock.advance(6)
    await purse.refresh()
    assert wallet.asked == 2


async def test_many_that_ask_at_once_ask_the_venue_once(purse, wallet):
    await asyncio.gather(*(purse.refresh() for _ in range(10)))
    assert wallet.asked == 1


async def test_a_venue_that_fails_leaves_the_last_word_and_is_asked_again(
    purse, wallet, stream, clock
):
    stream.up = False
    await purse.refresh()
    await clock.advance(6)
    stream.up = True
    wallet.failure = Unreachable("down")
    await purse.refresh()
    assert free(purse) == {"USDT": 1000, "BTC": 5}
    wallet.failure, wallet.free = None, {"USDT": D(1)}
    await purse.refresh()
    assert free(purse) == {"USDT": 1}


async def test_what_is_pushed_while_the_venue_answers_is_newer(purse, wallet, push):
    wallet.on_ask = lambda: push(USDT="1", ETH="2")
    await purse.refresh()
    assert free(purse) == {"USDT": 1, "BTC": 5, "ETH": 2}


@pytest.mark.parametrize("status", [OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN])
async def test_an_order_without_an_answer_is_taken_off(purse, push, status):
    waiting = order(status=status, **WHOLE)
    purse.saved(waiting.id, "USDT")
    await purse.refresh()
    push(USDT="1000")
    assert free(purse, waiting)["USDT"] == 700


async def test_a_leg_that_waits_at_the_venue_ties_nothing_up(purse):
    await purse.refresh()
    leg = order(status=OrderStatus.PENDING_NEW, waits=True, **WHOLE)
    purse.saved(leg.id, "USDT")
    assert free(purse, leg)["USDT"] == 1000


@pytest.mark.parametrize(
    "status", [OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED]
)
async def test_an_answered_order_is_taken_off_until_the_venue_tells_of_what_it_pays_with(
    purse, push, status
):
    await purse.refresh()
    answered = order(status=status, executed_quantity=D(3), executed_quote=D(300), quantity=D(3))
    purse.saved(answered.id, "USDT")
    assert free(purse, answered) == {"USDT": 700, "BTC": 5}
    push(BTC="8")
    assert free(purse, answered) == {"USDT": 700, "BTC": 8}
    push(USDT="700")
    assert free(purse, answered) == {"USDT": 700, "BTC": 8}


async def test_orders_of_an_earlier_run_are_in_the_venues_word(purse):
    await purse.refresh()
    assert free(purse, order(**WHOLE)) == {"USDT": 1000, "BTC": 5}


async def test_an_asset_of_which_nothing_was_told_may_be_owed(purse, wallet):
    wallet.free = {}
    await purse.refresh()
    assert free(purse, order(status=OrderStatus.UNKNOWN, **WHOLE)) == {"USDT": -300}


@pytest.mark.parametrize(("side", "expected"), [(Side.BUY, 1300), (Side.SELL, 1000)])
async def test_what_a_replaced_order_ties_up_counts_as_free(purse, side, expected):
    await purse.refresh()
    old = order(side=side, **WHOLE)
    told = free(purse, old, order(**WHOLE), instead_of=old.id)
    assert told["USDT"] == expected
    assert told["BTC"] == (8 if side is Side.SELL else 5)


@pytest.mark.parametrize(
    ("side", "asset", "had"), [(Side.BUY, "USDT", 1000), (Side.SELL, "BTC", 5)]
)
async def test_a_replaced_order_sets_nothing_free_that_no_word_has_taken_off(
    purse, push, side, asset, had
):
    """Or the venue cancels the old order, and has not enough for the new one."""
    await purse.refresh()
    old = order(side=side, **WHOLE)
    purse.saved(old.id, asset)
    assert free(purse, old)[asset] < had
    assert free(purse, old, instead_of=old.id)[asset] == had
    partly = replace(old, executed_quantity=D(1), executed_quote=D(100))
    assert free(purse, partly, instead_of=old.id)[asset] == had - (100 if side is Side.BUY else 1)


async def test_an_answer_from_before_an_order_arrived_is_no_word_on_it(
    purse, wallet, stream, clock, tell
):
    stream.up = False
    await purse.refresh()
    await clock.advance(6)
    sent = order(**WHOLE)
    purse.saved(sent.id, "USDT")
    await purse.refresh()  # on its way: the venue ties nothing up for it yet
    assert wallet.asked == 2
    tell(sent.id, OrderStatus.NEW)
    assert purse.unheard == {sent.id}
    assert free(purse, sent)["USDT"] == 700
    wallet.free = {"USDT": D(700)}
    await clock.advance(6)
    await purse.refresh()
    assert free(purse, sent)["USDT"] == 700
    assert purse.unheard == set()


@pytest.mark.parametrize("told", ["by an event", "by the record"])
async def test_an_answer_from_after_an_order_arrived_has_it_taken_off(
    purse, wallet, stream, clock, tell, told
):
    stream.up = False
    await purse.refresh()
    sent = order(**WHOLE)
    purse.saved(sent.id, "USDT")
    if told == "by an event":
        tell(sent.id, OrderStatus.UNKNOWN)
        tell(sent.id, OrderStatus.NEW)
    else:
        assert free(purse, sent)["USDT"] == 700
    wallet.free = {"USDT": D(700)}
    await clock.advance(6)
    await purse.refresh()
    assert free(purse, sent)["USDT"] == 700
    assert purse.unheard == set()


async def test_what_is_pushed_of_an_order_on_its_way_is_a_word_on_it(purse, wallet, push, tell):
    """The venue tells of it, and of what it ties up, before it answers."""
    sent = order(**WHOLE)
    wallet.on_ask = lambda: (purse.saved(sent.id, "USDT"), push(USDT="700"))
    await purse.refresh()
    tell(sent.id, OrderStatus.NEW)
    assert free(purse, sent)["USDT"] == 700


async def test_an_order_is_asked_for_until_the_venue_tells_of_what_it_pays_with(purse, push):
    """However it ended and however long ago: what it paid is missing in the last word."""
    await purse.refresh()
    filled = order(status=OrderStatus.FILLED, executed_quote=D(300))
    purse.saved(filled.id, "USDT")
    push(BTC="8")
    assert purse.unheard == {filled.id}
    assert free(purse, filled)["USDT"] == 700
    push(USDT="700")
    assert purse.unheard == set()
    assert free(purse)["USDT"] == 700


async def test_an_order_that_ended_with_nothing_done_is_forgotten_at_once(purse):
    await purse.refresh()
    refused = order(status=OrderStatus.REJECTED, **WHOLE)
    purse.saved(refused.id, "USDT")
    assert free(purse, refused)["USDT"] == 1000
    assert purse.unheard == set()


async def test_before_the_first_word_nothing_has_to_be_kept_in_mind(purse, push):
    purse.saved(order().id, "USDT")
    assert purse.unheard == set()


async def test_an_order_saved_while_the_venue_answers_is_not_in_that_word(purse, wallet):
    saved = order(**WHOLE)
    wallet.on_ask = lambda: purse.saved(saved.id, "USDT")
    await purse.refresh()
    assert purse.unheard == {saved.id}
    assert free(purse, saved)["USDT"] == 700
