"""A local book ends as the venue's, however its changes arrive, or says that it cannot."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.market import BTC
from trading_system.domain.market import BookUpdate, OrderBook, PriceLevel
from trading_system.market.local_book import BookGap, LocalBook


def levels(*rows):
    return tuple(PriceLevel(Decimal(price), Decimal(quantity)) for price, quantity in rows)


def snapshot(bids=(), asks=(), update_id=10):
    return OrderBook(
        symbol=BTC, update_id=update_id, bids=levels(*bids), asks=levels(*asks), received_at=1
    )


def update(first, last, bids=(), asks=()):
    return BookUpdate(BTC, first, last, levels(*bids), levels(*asks), 0, last)


@pytest.fixture
def book():
    return LocalBook(snapshot(bids=[(99, 1), (98, 2)], asks=[(101, 3), (102, 4)]), asked=100)


def test_the_best_levels_come_first(book):
    assert book.best() == levels((99, 1), (101, 3))
    assert book.top(1).bids == levels((99, 1))
    assert book.top(5).bids == levels((99, 1), (98, 2))
    assert book.top(5).asks == levels((101, 3), (102, 4))


def test_a_book_without_any_level_has_no_best():
    assert LocalBook(snapshot(), asked=100).best() == (None, None)


def test_levels_are_added_replaced_and_removed(book):
    assert book.apply(update(11, 12, bids=[(100, 7), (98, 0), (97, 0)], asks=[(101, "3.5")]))
    top = book.top(9)
    assert top.bids == levels((100, 7), (99, 1))
    assert top.asks == levels((101, "3.5"), (102, 4))
    assert (top.update_id, top.received_at) == (12, 12)


def test_trailing_zeros_make_no_other_price(book):
    book.apply(update(11, 11, bids=[("99.000", 0)], asks=[("101.00", 8)]))
    assert book.best() == levels((98, 2), (101, 8))


@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [
        (1, 9, "older"),
        (9, 10, "older"),
        (9, 11, "applied"),
        (11, 11, "applied"),
        (11, 15, "applied"),
        (12, 12, "gap"),
        (20, 30, "gap"),
    ],
)
def test_an_update_is_dropped_applied_or_a_gap_by_its_ids(book, first, last, verdict):
    change = update(first, last, bids=[(99, 9)])
    if verdict == "gap":
        with pytest.raises(BookGap, match="BTC/USDT 10 -> "):
            book.apply(change)
        return
    assert book.apply(change) is (verdict == "applied")
    assert book.update_id == (last if verdict == "applied" else 10)
    assert book.best()[0].quantity == (9 if verdict == "applied" else 1)


def test_a_crossed_book_is_a_gap_too(book):
    with pytest.raises(BookGap, match="crossed"):
        book.apply(update(11, 11, bids=[(101, 1)]))


def test_a_snapshot_that_was_not_full_is_certain_to_any_depth(book):
    assert book.certain_levels() is None


def test_a_full_snapshot_is_certain_no_deeper_than_it_went():
    book = LocalBook(snapshot(bids=[(99, 1), (98, 1)], asks=[(101, 1), (102, 1)]), asked=2)
    assert book.certain_levels() == 2
    book.apply(update(11, 11, bids=[(97, 1), ("98.5", 1)], asks=[(103, 1)]))
    assert book.certain_levels() == 2
    book.apply(update(12, 12, asks=[(102, 0)]))
    assert book.certain_levels() == 1
    book.apply(update(13, 13, bids=[(99, 0), ("98.5", 0), (98, 0)]))
    assert book.certain_levels() == 0


def test_one_side_that_came_whole_bounds_nothing():
    book = LocalBook(snapshot(bids=[(99, 1)], asks=[(101, 1), (102, 1)]), asked=2)
    book.apply(update(11, 11, bids=[(99, 0)]))
    assert book.certain_levels() == 2


# The venue: every id changes one level; bids lie below 50, asks above.
CHANGES = st.lists(
    st.tuples(st.integers(1, 99).filter(lambda price: price != 50), st.integers(0, 3)),
    min_size=1,
    max_size=60,
)


def at(changes, update_id):
    """The venue's book after this many changes."""
    quantities = dict(changes[:update_id])
    held = [(price, quantity) for price, quantity in sorted(quantities.items()) if quantity]
    return snapshot(
        bids=[level for level in held if level[0] < 50][::-1],
        asks=[level for level in held if level[0] > 50],
        update_id=update_id,
    )


def told(changes, first, last):
    """The changes first .. last as one update: the newest quantity of each level."""
    newest = dict(changes[first - 1 : last]).items()
    return update(
        first,
        last,
        bids=[level for level in newest if level[0] < 50],
        asks=[level for level in newest if level[0] > 50],
    )


@st.composite
def streams(draw):
    """A venue's changes, the id of a snapshot, and the stream cut into updates at random."""
    changes = draw(CHANGES)
    cuts = draw(st.lists(st.booleans(), min_size=len(changes) - 1, max_size=len(changes) - 1))
    ends = [at for at, cut in enumerate(cuts, start=1) if cut] + [len(changes)]
    starts = [1] + [end + 1 for end in ends[:-1]]
    return changes, draw(st.integers(0, len(changes))), list(zip(starts, ends, strict=True))


@given(streams())
def test_any_split_of_the_changes_ends_in_the_venues_book(stream):
    changes, taken, spans = stream
    book = LocalBook(at(changes, taken), asked=1_000)
    for first, last in spans:
        book.apply(told(changes, first, last))
    assert book.top(100).bids == at(changes, len(changes)).bids
    assert book.top(100).asks == at(changes, len(changes)).asks
    assert book.update_id == len(changes)


@given(streams(), st.data())
def test_duplicates_and_late_ones_change_nothing(stream, data):
    changes, taken, spans = stream
    book = LocalBook(at(changes, taken), asked=1_000)
    for number, span in enumerate(spans):
        book.apply(told(changes, *span))
        late = data.draw(st.sampled_from(spans[: number + 1]))
        before = book.top(100)
        assert book.apply(told(changes, *late)) is False
        assert book.top(100) == before
    assert book.top(100).bids == at(changes, len(changes)).bids
    assert book.top(100).asks == at(changes, len(changes)).asks


@given(streams(), st.data())
def test_a_missing_update_is_always_noticed(stream, data):
    changes, taken, spans = stream
    lost = data.draw(st.integers(0, len(spans) - 1))
    book = LocalBook(at(changes, taken), asked=1_000)
    noticed = False
    for number, (first, last) in enumerate(spans):
        if number == lost:
            continue
        try:
            book.apply(told(changes, first, last))
        except BookGap:
            noticed = True
            break
    behind = spans[lost][1] > taken and lost < len(spans) - 1
    assert noticed == behind


@given(streams())
def test_each_step_is_the_venues_book_of_that_id(stream):
    changes, taken, spans = stream
    book = LocalBook(at(changes, taken), asked=1_000)
    for first, last in spans:
        if book.apply(told(changes, first, last)):
            assert book.top(100).bids == at(changes, last).bids
            assert book.top(100).asks == at(changes, last).asks
