"""The order as a state machine."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations, product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    TRANSITIONS,
    InvalidTransition,
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


def report(status, executed="0", *, seconds=1, quote=None, **more) -> Report:
    return Report(
        client_order_id="ts-7",
        status=status,
        source="answer",
        time=NOW + timedelta(seconds=seconds),
        executed_quantity=Decimal(executed),
        executed_quote=Decimal(quote if quote is not None else executed) * 100,
        **more,
    )


@pytest.mark.parametrize(("start", "end"), list(product(S, S)))
def test_an_order_takes_a_listed_step_and_refuses_or_ignores_every_other(start, end) -> None:
    before = order(start)
    if end in TRANSITIONS[start]:
        assert apply(before, report(end)).status is end
    elif start is end or (start.is_final and not end.is_final and start is not S.REJECTED):
        assert apply(before, report(end)).status is start
    elif end is S.UNKNOWN:
        # The answer got lost, but another report has told already.
        assert apply(before, report(end)).status is start
    else:
        with pytest.raises(InvalidTransition, match=f"from {start} to {end}"):
            apply(before, report(end))


def test_an_impossible_step_names_both_states_and_keeps_the_report() -> None:
    impossible = report(S.REJECTED)
    with pytest.raises(InvalidTransition) as raised:
        apply(order(S.FILLED), impossible)
    assert raised.value.report is impossible
    assert raised.value.order.status is S.FILLED


def test_an_order_that_arrived_after_we_had_given_it_up_lives() -> None:
    """Our patience is no proof; the venue's word is."""
    resting = apply(order(S.REJECTED), report(S.NEW))
    assert resting.status is S.NEW
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


def test_an_older_report_that_arrives_late_takes_nothing_back() -> None:
    filled_some = apply(order(), report(S.PARTIALLY_FILLED, "1", seconds=5))
    assert apply(filled_some, report(S.NEW, seconds=1)) == filled_some


def test_a_refusal_keeps_code_and_reason() -> None:
    after = apply(order(), report(S.REJECTED, reject_code=-2010, reject_reason="no money"))
    assert (after.reject_code, after.reject_reason) == (-2010, "no money")


def test_the_venues_own_id_is_kept_once_known() -> None:
    known = apply(order(), report(S.NEW, venue_order_id="12"))
    assert apply(known, report(S.CANCELED)).venue_order_id == "12"


def test_the_average_price_is_quote_over_base() -> None:
    assert order().average_price is None
    assert order(executed="2", quote="201").average_price == Decimal("100.5")


LIFE = [report(S.NEW), report(S.PARTIALLY_FILLED, "1", seconds=2), report(S.FILLED, "2", seconds=3)]


@pytest.mark.parametrize("life", list(permutations(LIFE)))
def test_any_order_of_reports_ends_in_the_venues_state(life) -> None:
    result = order()
    for each in life:
        result = apply(result, each)
    assert (result.status, result.executed_quantity) == (S.FILLED, Decimal(2))


@given(st.lists(st.sampled_from(LIFE), min_size=1, max_size=12))
def test_executed_amounts_never_shrink(reports) -> None:
    result = order()
    for each in reports:
        after = apply(result, each)
        assert after.executed_quantity >= result.executed_quantity
        assert after.executed_quote >= result.executed_quote
        result = after
    assert result.executed_quantity == max(each.executed_quantity for each in reports)


@given(st.uuids())
def test_the_client_order_id_is_valid_at_the_venue_and_made_of_the_uuid_alone(order_id) -> None:
    text = client_order_id(order_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,36}", text)
    assert text == client_order_id(UUID(order_id.hex))
