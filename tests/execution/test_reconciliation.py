"""Our record beside the venue's, as a table: what each side may lack and what is made of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Fill, Report, VenueFill, VenueOrder
from trading_system.execution.adoption import adopted, foreign_id
from trading_system.execution.reconciliation import compare
from trading_system.ports import RecordedFill

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
S = OrderStatus


def ours(number=1, status=S.NEW, *, executed="0", **fields) -> Order:
    values = {
        "id": UUID(int=number),
        "client_order_id": f"ts-{number}",
        "request": OrderRequest(
            symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(2)
        ),
        "status": status,
        "executed_quantity": Decimal(executed),
        "executed_quote": Decimal(executed) * 100,
        "venue_order_id": str(number),
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Order(**(values | fields))


def shown(number=1, status="NEW", *, executed="0", client=None, symbol=BTC, **fields) -> VenueOrder:
    values = {
        "symbol": symbol,
        "side": "BUY",
        "type": "LIMIT",
        "time_in_force": "GTC",
        "quantity": Decimal(2),
        "quote_quantity": None,
        "price": Decimal(100),
        "stop_price": None,
        "created_at": NOON,
        "report": Report(
            client_order_id=client or f"ts-{number}",
            venue_order_id=str(number),
            status=status,
            source="reconciler",
            time=NOON,
            executed_quantity=Decimal(executed),
            executed_quote=Decimal(executed) * 100,
        ),
    }
    return VenueOrder(**(values | fields))


def fill(trade="t1", quantity="1") -> Fill:
    return Fill(
        trade_id=trade,
        price=Decimal(100),
        quantity=Decimal(quantity),
        quote_quantity=Decimal(quantity) * 100,
        fee=Decimal(0),
        fee_asset="BTC",
        maker=True,
        time=NOON,
    )


def theirs(number=1, trade="t1", quantity="1", symbol=BTC) -> VenueFill:
    return VenueFill(
        symbol=symbol, venue_order_id=str(number), side="BUY", fill=fill(trade, quantity)
    )


def known(number=1, trade="t1", quantity="1") -> RecordedFill:
    return RecordedFill(
        order_id=UUID(int=number), symbol=BTC, side="BUY", fill=fill(trade, quantity)
    )


def test_two_equal_records_leave_nothing_to_do():
    told = compare(
        [ours(status=S.PARTIALLY_FILLED, executed="1")],
        [known()],
        [shown(status="PARTIALLY_FILLED", executed="1")],
        [theirs()],
    )
    assert not any((told.reports, told.strangers, told.look_up, told.unheard, told.loose))


def test_a_step_that_we_missed_is_news_with_the_fill_that_made_it():
    told = compare([ours()], [], [shown(status="FILLED", executed="1")], [theirs()])
    (report,) = told.reports
    assert (report.status, report.fills) == ("FILLED", (fill(),))
    assert told.unheard == (theirs(),)
    assert told.look_up == ()


def test_a_fill_alone_is_news():
    """Our totals are right already: a report came whose fill did not."""
    order = ours(status=S.PARTIALLY_FILLED, executed="2")
    told = compare(
        [order],
        [known()],
        [shown(status="PARTIALLY_FILLED", executed="2")],
        [theirs(), theirs(trade="t2")],
    )
    (report,) = told.reports
    assert report.fills == (fill("t2"),)
    assert told.look_up == ()


def test_an_older_word_than_ours_is_no_news():
    order = ours(status=S.FILLED, executed="1")
    told = compare([order], [known()], [shown(status="NEW")], [])
    assert (told.reports, told.look_up) == ((), ())


def test_a_step_that_no_order_takes_is_handed_on_to_be_told():
    told = compare([ours(status=S.CANCELED)], [], [shown(status="EXPIRED")], [])
    assert [report.status for report in told.reports] == ["EXPIRED"]


def test_of_an_order_shown_twice_the_later_one_counts():
    told = compare([ours()], [], [shown(), shown(status="CANCELED")], [])
    assert [report.status for report in told.reports] == ["CANCELED"]


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        (S.PENDING_NEW, True),
        (S.UNKNOWN, True),
        (S.NEW, True),
        (S.PENDING_CANCEL, True),
        (S.CANCELED, False),
        (S.REJECTED, False),
    ],
)
def test_what_has_not_ended_and_is_not_shown_is_looked_up(status, asked):
    order = ours(status=status)
    assert compare([order], [], [], []).look_up == ((order,) if asked else ())


def test_an_order_whose_fills_do_not_add_up_is_looked_up():
    order = ours(status=S.FILLED, executed="2")
    assert compare([order], [known()], [], []).look_up == (order,)
    assert compare([order], [known(), known(trade="t2")], [], []).look_up == ()


def test_fills_that_fall_short_of_what_is_shown_are_looked_up():
    order = ours()
    told = compare([order], [], [shown(status="FILLED", executed="2")], [theirs()])
    assert told.look_up == (order,)
    assert len(told.reports) == 1


def test_a_fill_of_an_ended_order_that_is_not_shown_counts_as_unheard():
    order = ours(status=S.CANCELED)
    told = compare([order], [], [], [theirs()])
    assert told.unheard == (theirs(),)
    assert (told.loose, told.look_up) == ((), (order,))


def test_the_same_numbers_in_another_symbol_are_another_order():
    told = compare([ours()], [known()], [shown()], [theirs(symbol=ETH)])
    assert told.loose == (theirs(symbol=ETH),)


def test_an_order_that_nobody_here_placed_is_a_stranger_with_its_fills():
    told = compare([], [], [shown(client="by hand", executed="1")], [theirs()])
    (stranger,) = told.strangers
    assert stranger.report.fills == (fill(),)
    assert (told.reports, told.loose) == ((), ())


def test_a_stranger_that_was_adopted_is_told_by_what_it_is():
    """Its client id may be that of another order by now."""
    stranger = shown(5, client="web")
    order = replace(adopted(stranger), client_order_id="web#5", status=S.NEW)
    again = shown(6, client="web")
    told = compare([order], [], [shown(5, "CANCELED", client="web"), again], [])
    assert [(r.client_order_id, r.status) for r in told.reports] == [("web#5", "CANCELED")]
    assert told.strangers == (again,)


def test_a_strangers_client_id_is_never_taken_for_ours():
    order = replace(ours(), foreign=True)
    told = compare([order], [], [shown(7, client="ts-1")], [])
    assert len(told.strangers) == 1
    assert told.look_up == (order,)


def test_what_is_adopted_is_what_the_venue_shows():
    order = adopted(
        shown(9, client="x", type="STOP_LOSS_LIMIT", stop_price=Decimal(90), time_in_force="GTC")
    )
    assert order.foreign
    assert (order.client_order_id, order.venue_order_id) == ("x", "9")
    assert order.request.quantity == 2
    assert (order.request.price, order.request.stop_price) == (Decimal(100), Decimal(90))
    assert order.created_at == NOON


def test_an_order_by_quote_amount_has_no_quantity_of_its_own():
    order = adopted(
        shown(type="MARKET", quote_quantity=Decimal(50), price=None, time_in_force=None)
    )
    assert (order.request.quantity, order.request.quote_quantity) == (None, Decimal(50))
    assert order.request.time_in_force is None


def test_adopting_twice_gives_the_same_id_and_another_order_another():
    assert foreign_id(shown(1, client="x")) == foreign_id(shown(1, "FILLED", client="x"))
    numbers = {
        foreign_id(each)
        for each in (
            shown(1, client="x"),
            shown(2, client="x"),
            shown(1, client="y"),
            shown(1, client="x", symbol=ETH),
        )
    }
    assert len(numbers) == 4


def test_a_kind_of_order_without_a_word_for_it_cannot_be_adopted():
    with pytest.raises(ValueError, match="LIQUIDATION"):
        adopted(shown(type="LIQUIDATION"))
