"""Which connection carries which symbols."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.instruments import Symbol
from trading_system.exchange.streams.roles import EXECUTION, MONITORING, assign, kinds, wanted

SYMBOLS = [Symbol(f"C{number}", "USDT") for number in range(1_200)]
SOME = st.sets(st.integers(0, 1_199), max_size=1_200).map(lambda found: {SYMBOLS[n] for n in found})


def names(role):
    return {kind.suffix for kind in kinds(role)}


def test_what_is_traded_gets_everything_and_what_is_watched_less():
    assert names("execution") == {"trade", "bookTicker", "depth@100ms", "kline_1m", "miniTicker"}
    assert names("monitoring 2") == {"kline_1m", "bookTicker", "miniTicker"}


def test_there_is_always_one_connection_for_each_purpose():
    assert assign({}, wanted((), ())) == {EXECUTION: frozenset(), MONITORING: frozenset()}


@given(first=SOME, second=SOME, traded=SOME)
def test_every_symbol_is_carried_once_within_the_limit_and_stays_where_it_is(first, second, traded):
    before = assign({}, wanted(first, ()))
    after = assign(before, wanted(second, traded))
    for roles in (before, after):
        for role, symbols in roles.items():
            assert len(symbols) * len(kinds(role)) <= 1_024
    watched = [found for role, found in after.items() if role.startswith(MONITORING)]
    executed = [found for role, found in after.items() if role.startswith(EXECUTION)]
    assert sorted(s for found in watched for s in found) == sorted(second - traded)
    assert sorted(s for found in executed for s in found) == sorted(traded)
    for role, symbols in before.items():
        assert symbols & (second - traded) <= after.get(role, frozenset())


def test_more_symbols_than_connections_are_refused():
    many = [Symbol(f"C{number}", "USDT") for number in range(40_000)]
    with pytest.raises(ValueError, match="40000"):
        assign({}, wanted(many, ()))
