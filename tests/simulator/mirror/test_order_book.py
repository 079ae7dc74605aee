from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.mirror.order_book import LEVELS, MirroredBook
from trading_system.simulator.model import Level

SNAPSHOT = {"lastUpdateId": 10, "bids": [["99", "1"], ["98", "2"]], "asks": [["101", "1"]]}


def update(first, last, bids=(), asks=()):
    return {"U": first, "u": last, "b": bids, "a": asks}


def whole(*updates) -> MirroredBook:
    book = MirroredBook()
    assert book.begin(SNAPSHOT)
    assert all(book.apply(each) for each in updates)
    return book


def test_changes_that_came_before_the_snapshot_are_made_after_it() -> None:
    book = MirroredBook()
    for number in (9, 10, 11, 12):
        assert book.apply(update(number, number, [["99", str(number)]]))
    assert not book.is_whole
    assert book.begin(SNAPSHOT)
    assert book.depth().bids[0] == Level(Decimal(99), Decimal(12))


def test_a_snapshot_older_than_what_is_known_is_no_beginning() -> None:
    """The changes that wait are kept, so that a newer snapshot can be met by them."""
    book = MirroredBook()
    book.apply(update(13, 13, [["99", "5"]]))
    book.apply(update(14, 14, [["98", "0"]]))
    assert not book.begin(SNAPSHOT)
    assert not book.is_whole
    assert book.begin({**SNAPSHOT, "lastUpdateId": 12})
    assert book.depth().bids == [Level(Decimal(99), Decimal(5))]


def test_a_gap_loses_the_book_until_another_snapshot() -> None:
    book = whole(update(11, 11, [["99", "3"]]))
    assert not book.apply(update(13, 13, [["97", "1"]]))
    assert not book.is_whole
    assert book.begin({**SNAPSHOT, "lastUpdateId": 12})
    assert [level.price for level in book.depth().bids] == [99, 98, 97]


def test_a_change_that_is_in_the_book_already_does_nothing() -> None:
    book = whole(update(11, 12, [["99", "3"]]))
    assert book.apply(update(11, 12, [["99", "7"]]))
    assert book.depth().bids[0].quantity == 3


def test_a_quantity_of_zero_ends_a_level_even_one_that_is_not_there() -> None:
    book = whole(update(11, 11, [["99.00", "0"], ["42", "0"]]))
    assert book.depth().bids == [Level(Decimal(98), Decimal(2))]


def test_a_depth_is_the_same_object_until_something_changes() -> None:
    book = whole()
    before = book.depth()
    assert book.depth() is before
    book.apply(update(11, 11, [["100", "1"]]))
    assert book.depth().last_update_id == 11
    assert book.depth().bids[0].price == 100


@pytest.mark.parametrize("side", ["bids", "asks"])
def test_a_quote_is_the_top_of_the_depth_and_an_empty_side_is_empty(side) -> None:
    book = whole()
    assert getattr(book.quote(), side) == getattr(book.depth(), side)[:1]
    book.begin({**SNAPSHOT, side: []})
    assert getattr(book.quote(), side) == []


def test_no_more_levels_are_shown_than_a_snapshot_brings() -> None:
    book = whole(update(11, 11, asks=[[str(200 + place), "1"] for place in range(LEVELS)]))
    asks = book.depth().asks
    assert (len(asks), asks[0].price, asks[-1].price) == (LEVELS, 101, 200 + LEVELS - 2)
