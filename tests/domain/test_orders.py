"""The order as a state machine."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    InvalidTransition,
    NotModified,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    apply,
    client_order_id,
)
from trading_system.domain.reports import Report

NOW = datetime(2026, 1, 1, tzinfo=UTC)
S = OrderStatus


def order(status=S.PENDING_NEW, executed="0", quote="0") -> Order:
    return Order(
        id=UUID(int=7),
        client_order_id="ts-7",
        request=OrderRequest(
            symbol=Symbol("BTC", "USDT"),
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal(2),
            price=Decimal(100),
        ),
        status=status,
        executed_quantity=Decimal(executed),
        executed_quote=Decimal(quote),
        created_at=NOW,
        updated_at=NOW,
    )


def report(status, executed="0", *, seconds=1, quote=None, source="answer", **more) -> Report:
    return Report(
        client_order_id="ts-7",
        status=status,
        source=source,
        time=NOW + timedelta(seconds=seconds),
        executed_quantity=Decimal(executed),
        executed_quote=Decimal(quote if quote is not None else executed) * 100,
        **more,
    )


# Where an order stands, and to which of the states it is told to be in it goes; those that are no
# news are below, and every other is impossible.
ENDS = ["FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"]
GOES = {
    S.PENDING_NEW: [*ENDS, "NEW", "PARTIALLY_FILLED", "PENDING_CANCEL", "REJECTED", "UNKNOWN"],
    S.UNKNOWN: [*ENDS, "NEW", "PARTIALLY_FILLED", "PENDING_CANCEL", "REJECTED", "PENDING_NEW"],
    S.NEW: [*ENDS, "PARTIALLY_FILLED", "PENDING_CANCEL"],
    S.PARTIALLY_FILLED: [*ENDS, "PENDING_CANCEL"],
    S.PENDING_CANCEL: [*ENDS, "NEW", "PARTIALLY_FILLED", "PENDING_NEW"],
    S.FILLED: [],
    S.CANCELED: ["FILLED"],
    S.EXPIRED: ["FILLED"],
    S.EXPIRED_IN_MATCH: ["FILLED"],
    S.REJECTED: [*ENDS, "NEW", "PARTIALLY_FILLED", "PENDING_NEW"],
}
STAYS = {
    S.PENDING_NEW: [],
    S.UNKNOWN: [],
    S.NEW: ["PENDING_NEW", "UNKNOWN"],
    S.PARTIALLY_FILLED: ["PENDING_NEW", "NEW", "UNKNOWN"],
    S.PENDING_CANCEL: ["UNKNOWN"],
    S.FILLED: ["PENDING_NEW", "NEW", "PARTIALLY_FILLED", "PENDING_CANCEL", "UNKNOWN"],
    S.CANCELED: ["PENDING_NEW", "NEW", "PARTIALLY_FILLED", "PENDING_CANCEL", "UNKNOWN"],
    S.EXPIRED: ["PENDING_NEW", "NEW", "PARTIALLY_FILLED", "PENDING_CANCEL", "UNKNOWN"],
    S.EXPIRED_IN_MATCH: ["PENDING_NEW", "NEW", "PARTIALLY_FILLED", "PENDING_CANCEL", "UNKNOWN"],
    S.REJECTED: ["PENDING_CANCEL", "UNKNOWN"],
}


@pytest.mark.parametrize(("start", "told"), list(product(S, S)), ids="-".join)
def test_every_report_in_every_state_is_a_step_or_no_news_or_impossible(start, told) -> None:
    before = order(start)
    if told in GOES[start]:
        assert apply(before, report(told)).status is told
    elif told is start or told in STAYS[start]:
        assert apply(before, report(told)).status is start
    else:
        with pytest.raises(InvalidTransition, match=f"from {start} .*to {told} "):
            apply(before, report(told))


def test_an_impossible_step_names_both_states_and_keeps_the_report() -> None:
    impossible = report(S.REJECTED, "1")
    with pytest.raises(
        InvalidTransition, match=r"FILLED \(2 executed\) to REJECTED \(1 "
    ) as raised:
        apply(order(S.FILLED, "2"), impossible)
    assert (raised.value.before, raised.value.after) == (S.FILLED, S.REJECTED)
    assert raised.value.report is impossible
    assert raised.value.order.status is S.FILLED


@pytest.mark.parametrize("source", ["stream", "reconciler"])
def test_a_push_or_a_list_from_before_the_cancel_does_not_end_it(source) -> None:
    """But what it tells of fills counts."""
    asked = order(S.PENDING_CANCEL)
    after = apply(asked, report(S.PARTIALLY_FILLED, "1", source=source))
    assert (after.status, after.executed_quantity) == (S.PENDING_CANCEL, Decimal(1))


@pytest.mark.parametrize(
    ("executed", "told", "was"),
    [
        ("0", report(S.NEW), S.NEW),
        ("1", report(S.PARTIALLY_FILLED, "1"), S.PARTIALLY_FILLED),
        ("1", report(S.NEW), S.PARTIALLY_FILLED),
        ("0", report(S.PENDING_NEW, venue_order_id="1"), S.PENDING_NEW),
    ],
)
def test_a_refused_cancel_returns_to_where_it_was(executed, told, was) -> None:
    assert apply(order(S.PENDING_CANCEL, executed), told).status is was


@pytest.mark.parametrize("told", [S.CANCELED, S.EXPIRED, S.EXPIRED_IN_MATCH])
def test_an_end_from_before_the_last_fill_takes_nothing_back(told) -> None:
    assert apply(order(S.FILLED, "2"), report(told, "1")).status is S.FILLED


def test_a_leg_that_waits_for_another_keeps_its_state_and_gains_its_id() -> None:
    waiting = apply(order(), report(S.PENDING_NEW, venue_order_id="5"))
    assert (waiting.status, waiting.venue_order_id) == (S.PENDING_NEW, "5")
    assert apply(waiting, report(S.NEW)).status is S.NEW


# quantity told, source, seconds after what is known, quantity left
AMENDED = [
    ("1.5", "answer", 1, "1.5"),
    ("1.5", "stream", 1, "1.5"),
    ("1.5", "lookup", -1, "1.5"),
    ("2", "lookup", 1, "2"),
    ("3", "lookup", 1, "3"),
    ("3", "lookup", 0, "3"),
    ("3", "lookup", -1, "2"),
    ("3", "reconciler", 1, "3"),
    ("3", "reconciler", 0, "2"),
    ("3", "stream", 1, "2"),
    (None, "lookup", 1, "2"),
]


@pytest.mark.parametrize(("told", "source", "seconds", "left"), AMENDED, ids=str)
def test_less_counts_whoever_tells_it_and_more_when_it_is_the_newest(
    told, source, seconds, left
) -> None:
    quantity = None if told is None else Decimal(told)
    after = apply(order(S.NEW), report(S.NEW, quantity=quantity, source=source, seconds=seconds))
    assert after.request.quantity == Decimal(left)


@pytest.mark.parametrize(
    ("told", "source", "seconds", "kept"),
    [
        ("90", "lookup", 1, "90"),
        ("110", "lookup", 0, "110"),
        ("90", "lookup", -1, "100"),
        ("90", "reconciler", 1, "90"),
        ("90", "reconciler", 0, "100"),
        ("90", "stream", 1, "100"),
        (None, "lookup", 1, "100"),
    ],
)
def test_an_order_dragged_by_hand_has_the_price_it_was_dragged_to(
    told, source, seconds, kept
) -> None:
    price = None if told is None else Decimal(told)
    after = apply(order(S.NEW), report(S.NEW, price=price, source=source, seconds=seconds))
    assert after.request.price == Decimal(kept)


def test_what_has_no_price_is_given_none() -> None:
    market = replace(order(S.NEW), request=replace(order().request, price=None))
    assert apply(market, report(S.NEW, price=Decimal(5))).request.price is None


def test_more_executed_than_asked_for_leaves_nothing_open() -> None:
    """A fill may be told before the quantity that allowed it."""
    assert order(executed="3").open_quantity == 0


def test_an_order_by_quote_has_no_quantity_to_take_away() -> None:
    by_quote = replace(order().request, quantity=None, quote_quantity=Decimal(100))
    before = replace(order(), request=by_quote)
    assert before.open_quantity is None
    assert apply(before, report(S.NEW, quantity=Decimal(1))).request == by_quote


def test_what_is_not_executed_is_open() -> None:
    assert order(executed="0.5").open_quantity == Decimal("1.5")


@pytest.mark.parametrize(
    ("side", "quote", "percent"),
    [(Side.BUY, "202", "1"), (Side.BUY, "199", "-0.5"), (Side.SELL, "199", "0.5")],
)
def test_slippage_is_positive_where_it_cost(side, quote, percent) -> None:
    filled = replace(
        order(executed="2", quote=quote),
        request=replace(order().request, side=side),
        mid_price=Decimal(100),
    )
    assert filled.slippage_percent == Decimal(percent)


def test_slippage_is_unknown_before_a_fill_and_without_a_middle() -> None:
    assert replace(order(), mid_price=Decimal(100)).slippage_percent is None
    assert order(executed="2", quote="200").slippage_percent is None


def test_an_order_that_arrived_after_we_had_given_it_up_lives() -> None:
    """Our patience is no proof; the venue's word is."""
    given_up = replace(order(S.REJECTED), reject_code=-2013, reject_reason="the venue never got it")
    resting = apply(given_up, report(S.NEW))
    assert resting.status is S.NEW
    assert (resting.reject_code, resting.reject_reason) == (None, None)
    assert apply(resting, report(S.FILLED, "2")).status is S.FILLED


def test_the_same_report_twice_changes_nothing() -> None:
    partial = report(S.PARTIALLY_FILLED, "1")
    once = apply(order(), partial)
    assert apply(once, partial) is once


def test_a_late_fill_after_a_cancel_still_counts() -> None:
    cancelled = apply(order(S.NEW), report(S.CANCELED))
    after = apply(cancelled, report(S.PARTIALLY_FILLED, "0.5", seconds=2))
    assert (after.status, after.executed_quantity) == (S.CANCELED, Decimal("0.5"))


def test_an_order_that_filled_wholly_across_its_cancel_is_filled() -> None:
    cancelled = apply(order(S.NEW), report(S.CANCELED))
    assert apply(cancelled, report(S.FILLED, "2")).status is S.FILLED


def test_what_was_paid_grows_with_what_was_executed_and_is_never_taken_back() -> None:
    filled_some = apply(order(), report(S.PARTIALLY_FILLED, "1", quote="0.9"))
    assert (filled_some.executed_quantity, filled_some.executed_quote) == (1, 90)
    told_less = apply(filled_some, report(S.PARTIALLY_FILLED, "1.5", quote="0.8"))
    assert (told_less.executed_quantity, told_less.executed_quote) == (Decimal("1.5"), 90)


@pytest.mark.parametrize(("seconds", "updated"), [(5, 5), (1, 2)])
def test_it_was_updated_when_the_newest_report_says(seconds, updated) -> None:
    """An older one that tells something all the same takes no time back either."""
    known = replace(order(S.NEW), updated_at=NOW + timedelta(seconds=2))
    after = apply(known, report(S.NEW, venue_order_id="12", seconds=seconds))
    assert after.venue_order_id == "12"
    assert after.updated_at == NOW + timedelta(seconds=updated)


def test_a_refusal_told_again_without_its_reason_keeps_it() -> None:
    refused = replace(order(S.REJECTED), reject_code=-2010, reject_reason="no money")
    again = apply(refused, report(S.REJECTED, venue_order_id="12"))
    assert again.venue_order_id == "12"
    assert (again.reject_code, again.reject_reason) == (-2010, "no money")


def test_a_quantity_told_as_it_was_asked_stays_written_as_it_was_asked() -> None:
    before = order(S.NEW)
    after = apply(before, report(S.PARTIALLY_FILLED, "1", quantity=Decimal("2.000")))
    assert str(after.request.quantity) == "2"


def test_an_older_report_that_arrives_late_takes_nothing_back() -> None:
    filled_some = apply(order(), report(S.PARTIALLY_FILLED, "1", seconds=5))
    assert apply(filled_some, report(S.NEW, seconds=1)) == filled_some


def test_a_refusal_keeps_code_and_reason() -> None:
    after = apply(order(), report(S.REJECTED, reject_code=-2010, reject_reason="no money"))
    assert (after.reject_code, after.reject_reason) == (-2010, "no money")


def test_the_venues_own_id_is_kept_once_known() -> None:
    known = apply(order(), report(S.NEW, venue_order_id="12"))
    assert apply(known, report(S.CANCELED)).venue_order_id == "12"


def test_five_states_are_ends() -> None:
    assert {status for status in S if status.is_final} == {*map(S, ENDS), S.REJECTED}


def test_an_order_that_was_not_modified_is_shown_with_the_one_that_was_to_take_its_place() -> None:
    refused = NotModified("gone", old=order(S.CANCELED), new=order(S.REJECTED))
    assert (refused.old.status, refused.new.status) == (S.CANCELED, S.REJECTED)
    assert str(refused) == "gone"


def test_the_average_price_is_quote_over_base() -> None:
    assert order().average_price is None
    assert order(executed="2", quote="201").average_price == Decimal("100.5")


@st.composite
def lives(draw) -> list[Report]:
    """What a venue tells of one order from its first to its last moment, an end at any point."""
    told = [report(S.NEW)]
    parts = draw(st.lists(st.sampled_from(["0.5", "0.25"]), max_size=3))
    executed = Decimal(0)
    for part in parts:
        executed += Decimal(part)
        told.append(report(S.PARTIALLY_FILLED, str(executed), seconds=len(told) + 1))
    end = draw(st.sampled_from([S.NEW, S.FILLED, S.CANCELED, S.EXPIRED, S.EXPIRED_IN_MATCH]))
    if end is not S.NEW:
        executed = Decimal(2) if end is S.FILLED else executed
        told.append(report(end, str(executed), seconds=len(told) + 1))
    if end in {S.CANCELED, S.EXPIRED} and draw(st.booleans()):  # a fill crossed the end
        told.append(report(S.FILLED, "2", seconds=len(told) + 1))
    return [replace(each, source=draw(st.sampled_from(["stream", "answer"]))) for each in told]


@given(lives(), st.data())
def test_any_order_and_repetition_of_reports_ends_in_the_venues_state(life, data) -> None:
    """As long as the last one is among them: a look-up brings it in the end."""
    heard = data.draw(st.permutations([*data.draw(st.lists(st.sampled_from(life))), life[-1]]))
    asked = data.draw(st.sampled_from([S.PENDING_NEW, S.UNKNOWN]))
    result = order(asked)
    for each in heard:
        after = apply(result, each)
        assert after.executed_quantity >= result.executed_quantity
        assert after.executed_quote >= result.executed_quote
        result = after
    assert (result.status, result.executed_quantity) == (
        OrderStatus(life[-1].status),
        life[-1].executed_quantity,
    )
    assert apply(result, life[-1]) is result


@given(st.uuids())
def test_the_client_order_id_is_valid_at_the_venue_and_made_of_the_uuid_alone(order_id) -> None:
    text = client_order_id(order_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,36}", text)
    assert text == client_order_id(UUID(order_id.hex))
