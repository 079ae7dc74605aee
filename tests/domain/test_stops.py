"""What to do next for a stop: the whole table, and who wins when several things are true."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.stop_steps import Facts, decide
from trading_system.domain.stops import Keeper, Stop, StopKind, StopStatus, Watched, level

D = Decimal
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=1)
ORDER = UUID(int=7)
STOP = Stop(
    id=UUID(int=1),
    symbol=Symbol("BTC", "USDT"),
    side=Side.SELL,
    kind=StopKind.FIXED,
    kept_by=Keeper.VENUE,
    created_at=BEFORE,
    updated_at=BEFORE,
    trigger_price=D(90),
    venue_type=OrderType.STOP_LOSS,
)
SENT = replace(STOP, attempt=1, ordered=D(2), order_id=ORDER)
WATCHED = replace(STOP, kept_by=Keeper.SYSTEM)
CLOSING = replace(WATCHED, status=StopStatus.TRIGGERED, attempt=1, ordered=D(2), order_id=ORDER)


def order(status, executed=0, reason=None):
    return Order(
        id=ORDER,
        client_order_id="ts-7",
        request=OrderRequest(symbol=STOP.symbol, side=Side.SELL, type=OrderType.STOP_LOSS),
        status=OrderStatus(status),
        created_at=BEFORE,
        updated_at=BEFORE,
        executed_quantity=D(executed),
        reject_reason=reason,
    )


def after(stop, *, held="2", watched=Watched(), now=NOW, **more):  # noqa: B008 -- a constant
    facts = Facts(held=D(held), step=D("0.10"), now=now, watched=watched, **more)
    return decide(stop, facts)


@pytest.mark.parametrize("status", [StopStatus.DONE, StopStatus.CANCELLED, StopStatus.FAILED])
def test_nothing_is_done_for_one_that_has_ended(status):
    ended = replace(SENT, status=status)
    assert after(ended, held="5", order=order("NEW")) == (ended, False, None, None)


def test_a_new_one_is_sent_to_the_venue_for_what_is_held_in_whole_steps():
    stop, send, cancel, _ = after(STOP, held="2.19")
    assert (send, cancel) == (True, None)
    assert (stop.ordered, stop.attempt, stop.updated_at) == (D("2.1"), 1, NOW)


def test_one_of_a_quantity_guards_no_more_than_is_held_and_no_more_than_is_left_of_it():
    part = replace(STOP, quantity=D(3), closed=D(2))
    assert after(part, held="5").stop.ordered == 1
    assert after(part, held="0.5").stop.ordered == D("0.5")


def test_what_was_about_to_be_sent_and_never_was_is_decided_anew():
    """Under the same key, for what is held by now."""
    saved = replace(SENT, order_id=None)
    stop, send, _, _ = after(saved, held="1")
    assert (stop.ordered, stop.attempt, send) == (1, 1, True)
    assert after(saved, held="0").stop.status is StopStatus.CANCELLED


def test_what_was_sent_and_not_noted_is_its_order():
    saved = replace(SENT, order_id=None)
    assert after(saved, order=order("NEW")) == (SENT, False, None, None)


def test_a_resting_order_is_left_alone_while_it_fits():
    assert after(SENT, order=order("NEW")) == (SENT, False, None, None)


@pytest.mark.parametrize("held", ["1", "3"])
def test_an_order_that_does_not_fit_any_more_makes_room_for_another(held):
    stop, send, cancel, _ = after(SENT, held=held, order=order("NEW"))
    assert (stop.status, send, cancel) == (StopStatus.RESIZING, False, ORDER)
    assert after(stop, held=held, order=order("NEW")) == (stop, False, ORDER, None)  # once more
    free = after(stop, held=held, order=order("CANCELED"))
    assert (free.stop.status, free.stop.ordered, free.stop.order_id) == ("active", None, None)
    again = after(free.stop, held=held)
    assert (again.stop.ordered, again.stop.attempt, again.send) == (D(held), 2, True)


def test_an_order_whose_position_is_gone_is_cancelled_and_the_stop_with_it():
    stop, _, cancel, _ = after(SENT, held="0.05", order=order("NEW"))
    assert (stop.status, cancel) == (StopStatus.CANCELLING, ORDER)
    assert stop.reason == "nothing is left to guard"
    assert after(stop, order=order("CANCELED")).stop.status is StopStatus.CANCELLED


@pytest.mark.parametrize("status", ["PENDING_NEW", "UNKNOWN", "PENDING_CANCEL"])
def test_an_order_in_doubt_is_neither_cancelled_nor_sent_again(status):
    cancelling = replace(SENT, status=StopStatus.CANCELLING)
    assert after(SENT, held="1", order=order(status)) == (SENT, False, None, None)
    assert after(cancelling, order=order(status)) == (cancelling, False, None, None)


def test_an_order_that_began_to_fill_is_left_to_close_the_position():
    stop, send, cancel, _ = after(SENT, held="1", order=order("PARTIALLY_FILLED", 1))
    assert (stop.status, send, cancel) == (StopStatus.TRIGGERED, False, None)
    assert after(stop, held="0", order=order("FILLED", 2)).stop.status is StopStatus.DONE


def test_an_order_somebody_cancelled_ends_its_stop():
    stop = after(SENT, order=order("CANCELED")).stop
    assert (stop.status, stop.reason) == (StopStatus.CANCELLED, "its order was cancelled")


def test_the_system_keeps_what_the_venue_refuses_and_says_why():
    stop = after(SENT, order=order("REJECTED", reason="Stop loss orders are not supported")).stop
    assert (stop.kept_by, stop.status, stop.ordered) == (Keeper.SYSTEM, StopStatus.ACTIVE, None)
    assert stop.reason == "Stop loss orders are not supported"
    assert after(stop) == (stop, False, None, None)


def test_the_system_closes_the_rest_of_what_the_venue_began_to_close():
    stop = after(SENT, held="1.5", order=order("EXPIRED", "0.5")).stop
    assert (stop.kept_by, stop.status, stop.closed) == ("system", "triggered", D("0.5"))
    assert stop.reason == "the venue ended its order: EXPIRED"
    closing, send, _, _ = after(stop, held="1.5")
    assert (closing.ordered, closing.attempt, send) == (D("1.5"), 2, True)


def test_one_that_is_refused_again_and_again_fails_and_says_why():
    stop = replace(CLOSING, attempt=10)
    failed = after(stop, order=order("REJECTED", reason="Account has insufficient balance")).stop
    assert (failed.status, failed.reason) == ("failed", "Account has insufficient balance")
    again = after(replace(stop, attempt=9), order=order("REJECTED")).stop
    assert (again.status, again.ordered) == (StopStatus.TRIGGERED, None)


def test_a_watched_one_waits_and_remembers_the_best_price():
    stop, send, _, _ = after(WATCHED, watched=Watched(D(120)))
    assert (stop.best, stop.status, send) == (D(120), StopStatus.ACTIVE, False)


def test_a_watched_one_that_is_hit_closes_what_is_held_at_the_market():
    stop, send, _, _ = after(WATCHED, watched=Watched(D(120), hit=True))
    assert (stop.status, stop.ordered, send) == (StopStatus.TRIGGERED, D(2), True)
    request = stop.request()
    assert (request.type, request.quantity, request.side) == (OrderType.MARKET, 2, Side.SELL)
    assert (request.stop_price, request.price) == (None, None)


def test_its_order_is_left_alone_until_it_has_ended():
    assert after(CLOSING, held="1", order=order("NEW")) == (CLOSING, False, None, None)
    assert after(CLOSING, order=order("FILLED", 2)).stop.status is StopStatus.DONE


def test_one_whose_position_ended_otherwise_is_over():
    stop = after(WATCHED, held="0").stop
    assert (stop.status, stop.reason) == (StopStatus.CANCELLED, "nothing is left to guard")
    closed = replace(CLOSING, ordered=None, order_id=None, closed=D(1))
    assert after(closed, held="0").stop.status is StopStatus.DONE


def test_cancelled_before_anything_was_sent_it_is_over():
    stop = replace(WATCHED, status=StopStatus.CANCELLING)
    assert after(stop, watched=Watched(hit=True)).stop.status is StopStatus.CANCELLED


BY_TIME = replace(WATCHED, kind=StopKind.TIME, trigger_price=None, deadline=NOW)


@pytest.mark.parametrize(
    ("seconds", "sent", "reason"),
    [
        (-1, False, None),
        (0, True, None),
        (59, True, None),
        (90, True, "90 s late: nothing ran at its moment"),
    ],
)
def test_one_by_time_closes_at_its_deadline_and_says_when_it_was_late(seconds, sent, reason):
    stop, send, _, _ = after(BY_TIME, now=NOW + timedelta(seconds=seconds), watched=Watched(D(50)))
    assert (send, stop.reason) == (sent, reason)


TRAILING = replace(
    STOP, kind=StopKind.TRAILING, trigger_price=None, distance_bps=1_000, kept_by=Keeper.SYSTEM
)


@pytest.mark.parametrize(
    ("stop", "prices", "best", "hit"),
    [
        (STOP, [100, 91], 100, False),
        (STOP, [100, 90, 120], 120, True),
        (replace(STOP, side=Side.BUY, trigger_price=D(110)), [100, 109], 100, False),
        (replace(STOP, side=Side.BUY, trigger_price=D(110)), [100, 110], 100, True),
        (TRAILING, [100, 200, 181], 200, False),
        (TRAILING, [100, 200, 180, 300], 300, True),
        (replace(TRAILING, side=Side.BUY), [100, 50, 54], 50, False),
        (replace(TRAILING, side=Side.BUY), [100, 50, 55], 50, True),
        (BY_TIME, [100, 1], 100, False),
    ],
)
def test_prices_move_the_best_one_and_hit(stop, prices, best, hit):
    watched = Watched()
    for price in prices:
        watched = watched.after(stop, D(price))
    assert watched == (best, hit)


def test_a_trailing_one_has_a_level_as_soon_as_a_price_is_known():
    assert level(TRAILING, None) is None
    assert level(TRAILING, D(100)) == 90
    assert level(replace(TRAILING, side=Side.BUY), D(100)) == 110
    assert level(STOP, D(500)) == 90
    assert (TRAILING.distance_percent, STOP.distance_percent) == (10, None)


def test_orders_of_one_stop_are_told_apart_by_their_keys_and_stay_the_same():
    assert SENT.key == replace(SENT, status=StopStatus.RESIZING, reason="x").key
    assert SENT.key != replace(SENT, attempt=2).key
    assert SENT.key != replace(SENT, id=UUID(int=2)).key
    assert SENT.request() == replace(SENT, order_id=None, best=D(1)).request()


def test_at_the_venue_it_is_the_order_that_the_venue_has():
    request = replace(
        SENT, venue_type=OrderType.STOP_LOSS_LIMIT, limit_price=D(89), distance_bps=None
    ).request()
    assert (request.type, request.quantity) == (OrderType.STOP_LOSS_LIMIT, 2)
    assert (request.price, request.stop_price, request.trailing_delta) == (89, 90, None)
    trailing = replace(TRAILING, kept_by=Keeper.VENUE, ordered=D(2)).request()
    assert (trailing.type, trailing.trailing_delta) == (OrderType.STOP_LOSS, 1_000)


def test_room_is_made_only_for_an_order_that_would_be_taken():
    """Which one that is the decision says, so that it can be asked before anything is given up."""
    decision = after(SENT, held="1", order=order("NEW"))
    again = after(replace(STOP, attempt=1), held="1")
    assert decision.instead == again.stop.request()
    assert after(decision.stop, held="1", order=order("NEW")).instead is None


def test_what_the_venue_has_not_got_yet_is_closed_by_the_system_when_it_is_hit():
    stop, send, _, _ = after(STOP, watched=Watched(D(90), hit=True))
    assert (stop.kept_by, stop.status, send) == ("system", "triggered", True)
    assert stop.request().type is OrderType.MARKET


def test_an_order_is_no_larger_than_what_the_venue_takes_at_the_market():
    most = {"most": D("0.85"), "least": D("0.3")}
    stop = after(STOP, **most).stop
    assert stop.ordered == D("0.8")
    assert after(replace(stop, order_id=ORDER), order=order("NEW"), **most).cancel is None


def test_what_is_left_of_a_large_position_is_closed_by_the_system_until_it_is_too_little():
    most = {"most": D("0.85"), "least": D("0.3")}
    part = replace(SENT, ordered=D("0.8"))
    filled = order("FILLED", "0.8")
    unsure = after(part, held="2", order=filled, booked=False, **most)
    assert (unsure.stop, unsure.send) == (part, False)
    stop = after(part, held="1.2", order=filled, **most).stop
    assert (stop.kept_by, stop.status, stop.closed) == ("system", "triggered", D("0.8"))
    assert after(stop, held="1.2", **most).stop.ordered == D("0.8")
    assert after(stop, held="0.3", **most).stop.ordered == D("0.3")
    assert after(stop, held="0.2", **most).stop.status is StopStatus.DONE


def test_one_that_was_closed_whole_is_over_before_every_fill_is_heard_of():
    assert after(SENT, order=order("FILLED", 2), booked=False).stop.status is StopStatus.DONE
