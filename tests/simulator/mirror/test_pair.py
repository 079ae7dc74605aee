from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.mirror.pair import AVERAGE, BOOK, TRADES, Pair

SNAPSHOT = {"lastUpdateId": 10, "bids": [["99", "1"]], "asks": [["101", "1"]]}
NOW = 1_000


def row(number, price="100"):
    return {"a": number, "p": price, "q": "1", "T": 0, "m": False}


@pytest.fixture
def pair():
    made = Pair("BTCUSDT")
    made.open(made.streams)
    return made


@pytest.fixture
def live(pair):
    pair.catch_up([row(5)], NOW, complete=True)
    pair.book.begin(SNAPSHOT)
    pair.hear(AVERAGE, {"w": "100.5"}, NOW)
    return pair


def test_it_listens_to_trades_book_and_average() -> None:
    assert Pair("BTCUSDT").streams == (
        "btcusdt@aggTrade",
        "btcusdt@depth@100ms",
        "btcusdt@avgPrice",
    )


def test_it_is_live_when_everything_is_known(live) -> None:
    assert live.is_live
    assert live.average == Decimal("100.5")


@pytest.mark.parametrize("missing", ["trades", "none traded", "book", "average", "a stream"])
def test_without_any_part_of_it_the_market_is_closed(missing) -> None:
    pair = Pair("BTCUSDT")
    pair.open(pair.streams[1:] if missing == "a stream" else pair.streams)
    if missing != "trades":
        pair.catch_up([] if missing == "none traded" else [row(5)], NOW, complete=True)
    if missing != "book":
        pair.book.begin(SNAPSHOT)
    if missing != "average":
        pair.hear(AVERAGE, {"w": "1"}, NOW)
    assert not pair.is_live


@pytest.mark.parametrize("lost", range(3))
def test_losing_any_stream_closes_it_until_it_was_caught_up(live, lost) -> None:
    """An answer that was on its way when the connection broke does not open it."""
    live.lose(live.streams[lost : lost + 1])
    assert not live.is_live
    live.catch_up([], NOW, complete=True)
    live.book.begin(SNAPSHOT)
    assert not live.is_live
    live.open(live.streams)
    assert live.is_live


def test_it_is_lost_from_a_cut_until_all_of_it_is_heard_again(live) -> None:
    assert not live.is_lost
    live.changed.clear()
    live.lose(live.streams[:2])
    assert live.is_lost
    assert live.changed.is_set()
    live.open(live.streams[:1])
    assert live.is_lost
    live.open(live.streams[1:2])
    assert not live.is_lost


def test_trades_heard_while_the_missed_ones_are_asked_for_come_after_them(live) -> None:
    live.lose(live.streams)
    live.open(live.streams)
    assert live.hear(TRADES, row(8), NOW)
    assert live.next_id == 6
    live.catch_up([row(6), row(7)], NOW, complete=True)
    assert live.follows
    assert live.tape.last.id == 8


def test_an_incomplete_answer_is_no_end(live) -> None:
    live.lose(live.streams)
    live.catch_up([row(6)], NOW, complete=False)
    assert not live.follows
    assert live.next_id == 7


def test_a_record_that_lags_behind_the_stream_is_asked_again(live) -> None:
    live.lose(live.streams)
    live.hear(TRADES, row(9), NOW)
    live.catch_up([row(6)], NOW, complete=True)
    assert not live.follows
    live.catch_up([row(7), row(8)], NOW, complete=True)
    assert (live.follows, live.tape.last.id) == (True, 9)


def test_a_missing_frame_is_told_and_closes_the_market(live) -> None:
    assert live.hear(TRADES, row(6), NOW)
    assert not live.hear(TRADES, row(8), NOW)
    assert not live.is_live
    live.catch_up([row(7)], NOW, complete=True)
    assert live.is_live
    assert live.tape.last.id == 8
    assert not live.hear(BOOK, {"U": 12, "u": 12, "b": [], "a": []}, NOW)
    assert not live.is_live


def test_it_goes_on_from_where_orders_wait_or_from_the_newest_trade() -> None:
    assert Pair("BTCUSDT").next_id is None
    assert Pair("BTCUSDT", after=41).next_id == 42
