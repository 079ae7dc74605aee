"""Which requests make a span complete: pages of 1000 minutes, known before the first is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trading_system.domain.candles import MINUTE, Span

PAGE_MINUTES = 1_000


@dataclass(frozen=True, slots=True)
class Page:
    """One thing to ask the venue for; `missing` of its minutes are not stored yet."""

    span: Span
    missing: int


def cut(spans: Iterable[Span]) -> Iterator[Span]:
    """The same minutes in pieces of at most a page, so that they can be fetched concurrently."""
    for span in spans:
        for start in range(span.start, span.end, PAGE_MINUTES * MINUTE):
            yield Span(start, min(start + PAGE_MINUTES * MINUTE, span.end))


def together(spans: Iterable[Span]) -> list[Page]:
    """Neighbouring ascending spans as one page where they fit into it; a longer one stays whole."""
    pages: list[Page] = []
    for span in spans:
        if pages and span.end - pages[-1].span.start <= PAGE_MINUTES * MINUTE:
            before = pages.pop()
            pages.append(Page(Span(before.span.start, span.end), before.missing + span.minutes))
        else:
            pages.append(Page(span, span.minutes))
    return pages
