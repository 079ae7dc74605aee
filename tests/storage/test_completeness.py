from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.candles import MINUTE, Span
from trading_system.storage.completeness import digestible, merged, split


def spans(limit=40):
    """Lists of small spans, in any order, overlapping or empty."""
    edges = st.tuples(st.integers(0, limit), st.integers(0, limit)).map(sorted)
    return st.lists(edges.map(lambda edge: Span(edge[0] * MINUTE, edge[1] * MINUTE)), max_size=8)


def minutes(several):
    """Every minute of the spans, as often as it occurs."""
    return [at for span in several for at in range(span.start, span.end, MINUTE)]


@given(spans())
def test_merging_keeps_every_minute_once_in_spans_that_do_not_touch(several):
    result = merged(several)
    assert minutes(result) == sorted(set(minutes(several)))
    assert all(before.end < after.start for before, after in pairwise(result))


@given(spans(), spans())
def test_splitting_sorts_every_minute_of_the_gaps_to_one_side(gaps, holes):
    inside, outside = split(merged(gaps), merged(holes))
    assert set(minutes(inside)) == set(minutes(gaps)) & set(minutes(holes))
    assert set(minutes(outside)) == set(minutes(gaps)) - set(minutes(holes))
    assert minutes(inside) == sorted(set(minutes(inside)))
    assert minutes(outside) == sorted(set(minutes(outside)))


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 1.0, 1e-4, 9.99e-5, 1e-5, 1e15, 1e16, 123456789.12345678, 10.00005]),
)


@given(st.lists(st.tuples(st.integers(0, 2**45), *[numbers] * 5), min_size=1, max_size=5))
def test_digested_lines_are_the_numbers_as_python_spells_them(rows):
    expected = "".join(",".join(repr(number) for number in row) + "\n" for row in rows)
    assert digestible(rows).decode() == expected


@given(st.tuples(st.integers(0, 2**45), *[numbers] * 5))
def test_digested_numbers_read_back_the_same(row):
    read = [float(text) for text in digestible([row]).decode().strip().split(",")]
    assert all(
        math.copysign(1, a) == math.copysign(1, b) and a == b
        for a, b in zip(read, row, strict=True)
    )


@pytest.mark.parametrize("size", [1, 2, 4000])
def test_each_row_is_one_line(size):
    text = digestible([(60_000 * i, 1.5, 2.5, 0.5, 1.0, 7.25) for i in range(size)])
    assert text.count(b"\n") == size
    assert text.splitlines()[-1] == b"%d,1.5,2.5,0.5,1.0,7.25" % (60_000 * (size - 1))
