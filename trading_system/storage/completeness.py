"""What is missing from a span and whose fault it is, and a digest two databases can compare.

Pure: spans and rows in, spans and bytes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from trading_system.domain.candles import Span

Row = Sequence[float]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same minutes as ascending spans that neither overlap nor touch."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        elif span.minutes:
            result.append(span)
    return result


def split(gaps: Sequence[Span], holes: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """The minutes of `gaps` that lie in `holes`, and those that do not; all ascending, disjoint."""
    inside: list[Span] = []
    outside: list[Span] = []
    remaining = iter(holes)
    hole = next(remaining, None)
    for gap in gaps:
        start = gap.start
        while hole is not None and hole.end <= start:
            hole = next(remaining, None)
        while hole is not None and hole.start < gap.end:
            if start < hole.start:
                outside.append(Span(start, hole.start))
            until = min(hole.end, gap.end)
            inside.append(Span(max(start, hole.start), until))
            start = until
            if hole.end > gap.end:
                break
            hole = next(remaining, None)
        if start < gap.end:
            outside.append(Span(start, gap.end))
    return inside, outside


def digestible(rows: Sequence[Row]) -> bytes:
    """One line `open_time,open,high,low,close,volume` a row, numbers spelled as Python's repr."""
    text = orjson.dumps(rows)[2:-2].replace(b"],[", b"\n") + b"\n"
    # orjson spells as repr does, many times faster, but for exponents: 1e-05 comes as 0.00001.
    if b"e" in text or b"0.0000" in text:
        return b"".join(",".join(map(repr, row)).encode() + b"\n" for row in rows)
    return text
