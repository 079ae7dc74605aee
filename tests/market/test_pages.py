from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.candles import MINUTE, Span
from trading_system.market.pages import PAGE_MINUTES, Page, cut, together

steps = st.lists(st.tuples(st.integers(1, 1500), st.integers(1, 2500)), max_size=12)


def spans(steps):
    """Ascending spans from pairs of distance and length in minutes."""
    at, result = 0, []
    for distance, length in steps:
        result.append(Span((at + distance) * MINUTE, (at + distance + length) * MINUTE))
        at += distance + length
    return result


def minutes(several):
    """How many minutes the spans have together."""
    return sum(span.minutes for span in several)


@given(steps)
def test_cutting_changes_no_minute_and_leaves_no_piece_longer_than_a_page(steps):
    pieces = list(cut(spans(steps)))
    assert minutes(pieces) == minutes(spans(steps))
    assert all(0 < piece.minutes <= PAGE_MINUTES for piece in pieces)
    assert pieces == sorted(pieces)


@given(steps)
def test_pages_hold_every_missing_minute_once_and_only_a_lone_span_is_longer(steps):
    missing = spans(steps)
    pages = together(missing)
    assert sum(page.missing for page in pages) == minutes(missing)
    for page in pages:
        inside = [span for span in missing if page.span.start <= span.start < page.span.end]
        assert minutes(inside) == page.missing
        assert page.span == Span(inside[0].start, inside[-1].end)
        assert page.span.minutes <= PAGE_MINUTES or len(inside) == 1


def test_a_month_is_cut_into_full_pages_and_a_rest():
    month = Span(0, 43_200 * MINUTE)
    pages = together(cut([month]))
    assert [page.missing for page in pages] == [1000] * 43 + [200]
    assert (pages[0].span.start, pages[-1].span.end) == (month.start, month.end)


def test_scattered_minutes_share_a_page():
    scattered = [Span(at * MINUTE, (at + 1) * MINUTE) for at in (0, 500, 999, 1000, 1001)]
    assert together(scattered) == [
        Page(Span(0, 1000 * MINUTE), 3),
        Page(Span(1000 * MINUTE, 1002 * MINUTE), 2),
    ]


def test_nothing_missing_needs_no_page():
    assert together(cut([])) == []
