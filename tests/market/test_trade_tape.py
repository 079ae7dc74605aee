"""A tape hands every trade on once and in order, or says which are missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.market import BTC
from trading_system.domain.market import Trade
from trading_system.market import trade_tape
from trading_system.market.trade_tape import TradeTape


def trade(number, time=None):
    return Trade(BTC, number, 100.0, 1.0, False, number if time is None else time, 0)


def ids(trades):
    return [each.id for each in trades]


@pytest.fixture
def tape():
    tape = TradeTape()
    assert ids(tape.add(trade(10))) == [10]
    return tape


def test_it_begins_with_the_first_trade():
    assert TradeTape().next_id is None
    assert TradeTape().missing == 0


def test_trades_in_order_pass_at_once(tape):
    assert [ids(tape.add(trade(number))) for number in (11, 12)] == [[11], [12]]
    assert not tape.is_waiting


def test_what_was_heard_before_is_not_handed_on_again(tape):
    assert tape.add(trade(10)) == []
    assert tape.add(trade(9)) == []
    assert tape.next_id == 11


def test_newer_trades_wait_for_missing_ones(tape):
    assert tape.add(trade(13)) == []
    assert tape.add(trade(14)) == []
    assert tape.missing == 2
    assert ids(tape.add(trade(11))) == [11]
    assert ids(tape.add(trade(12))) == [12, 13, 14]
    assert not tape.is_waiting
    assert tape.missing == 0


def test_a_page_fills_the_gap_and_may_reach_beyond_it(tape):
    tape.add(trade(13))
    tape.add(trade(16))
    assert ids(tape.fill([trade(number) for number in (11, 12, 13, 14)])) == [11, 12, 13, 14]
    assert tape.missing == 1
    assert ids(tape.fill([trade(15)])) == [15, 16]


def test_ids_that_the_venue_leaves_out_do_not_exist(tape):
    tape.add(trade(14))
    assert ids(tape.fill([trade(12), trade(14)])) == [12, 14]
    assert tape.next_id == 15


def test_a_page_of_old_trades_changes_nothing(tape):
    assert tape.fill([trade(8), trade(9), trade(10)]) == []
    assert tape.fill([]) == []


def test_giving_up_goes_on_with_what_waits(tape):
    tape.add(trade(13))
    tape.add(trade(15))
    assert ids(tape.give_up()) == [13]
    assert tape.missing == 1
    assert ids(tape.give_up()) == [15]
    assert tape.give_up() == []


def test_when_too_many_wait_they_are_let_go_to_be_fetched_again(tape, monkeypatch):
    monkeypatch.setattr(trade_tape, "HELD", 3)
    for number in (20, 21, 22, 23):
        tape.add(trade(number))
    assert tape.missing == 23 - 11
    assert ids(tape.fill([trade(number) for number in range(11, 23)])) == list(range(11, 24))


def test_ids_that_begin_anew_begin_a_new_tape(tape):
    tape.add(trade(15))
    assert ids(tape.add(trade(1, time=11))) == [1]
    assert ids(tape.add(trade(2, time=12))) == [2]
    assert not tape.is_waiting


@given(st.permutations(range(1, 12)), st.lists(st.integers(1, 11), max_size=10))
def test_any_order_and_any_duplicates_end_in_one_ascending_tape(order, duplicates):
    tape = TradeTape()
    handed = ids(tape.add(trade(0, time=1_000)))
    for number in [*order, *duplicates]:
        handed += ids(tape.add(trade(number, time=1_000)))
    assert handed == list(range(12))


@given(st.sets(st.integers(1, 30)), st.integers(1, 10))
def test_whatever_a_stream_loses_pages_bring_back(lost, page):
    tape = TradeTape()
    handed = ids(tape.add(trade(0)))
    for number in sorted({*range(1, 32)} - lost):
        handed += ids(tape.add(trade(number)))
        while tape.is_waiting:
            first = tape.next_id
            handed += ids(tape.fill([trade(each) for each in range(first, first + page)]))
    assert handed == list(range(len(handed)))
    assert len(handed) >= 32
