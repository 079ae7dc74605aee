"""What no strategy may be given to trade with, whatever the market does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import (
    Mandate,
    SizeKind,
    Sizing,
    Stake,
    StopRule,
    Terms,
    as_of,
    check,
    prefix,
)
from trading_system.domain.stops import StopKind
from trading_system.domain.timeframes import Timeframe

BTC, ETH, EURO = Symbol("BTC", "USDT"), Symbol("ETH", "USDT"), Symbol("ETH", "EUR")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MANDATE = Mandate(
    id=UUID(int=1),
    strategy="momentum",
    symbols=(BTC, ETH),
    timeframe=Timeframe.parse("1h"),
    parameters={},
    capital=Decimal(1000),
    created_at=NOON,
    updated_at=NOON,
)
TRAILING = StopRule(kind=StopKind.TRAILING, distance_percent=Decimal(2))


def sized(kind, amount, **more):
    return {"sizing": Sizing(kind=kind, amount=Decimal(amount)), **more}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"symbols": ()}, "at least one symbol"),
        ({"symbols": (BTC, ETH, BTC)}, "named twice"),
        ({"symbols": (BTC, EURO)}, r"share their quote asset, not \['EUR', 'USDT'\]"),
        (sized(SizeKind.RISK, 1), "needs a stop"),
        (sized(SizeKind.EQUITY, "100.1"), "100.1 % is more than there is"),
        (sized(SizeKind.RISK, 101, stop=TRAILING), "101 % is more"),
        ({"stop": replace(TRAILING, kind=StopKind.TIME)}, "fixed or trailing"),
        ({"parameters": {"short": "yes"}}, "sold short"),
        ({"parameters": {"short": "True"}}, "sold short"),
        ({"parameters": {"short": "on"}}, "sold short"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, told) -> None:
    with pytest.raises(InvalidRequest, match=told):
        check(replace(MANDATE, **changes), may_short=False)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        sized(SizeKind.EQUITY, 100),
        sized(SizeKind.QUOTE, 5000),
        sized(SizeKind.QUANTITY, 101),
        sized(SizeKind.RISK, 100, stop=TRAILING),
        {"stop": replace(TRAILING, kind=StopKind.FIXED)},
        {"parameters": {"short": "no"}},
    ],
)
def test_what_may_be_wanted_is_taken(changes) -> None:
    check(replace(MANDATE, **changes), may_short=False)


def test_where_more_can_be_sold_than_is_held_it_may_be_wanted() -> None:
    check(replace(MANDATE, parameters={"short": "yes"}), may_short=True)


def test_the_keys_of_a_mandates_orders_tell_them_from_all_others() -> None:
    other = replace(MANDATE, id=UUID(int=2))
    key = MANDATE.key(ETH, "17")
    assert key == f"strategy:{UUID(int=1).hex}:ETH/USDT:17"
    assert key.startswith(prefix(MANDATE.id))
    assert not key.startswith(prefix(other.id))


def test_its_capital_is_in_what_its_symbols_are_paid_with() -> None:
    assert replace(MANDATE, symbols=(EURO,)).quote == "EUR"


def test_what_is_sent_for_a_stake_is_the_mandates() -> None:
    stake = Stake(mandate_id=MANDATE.id, symbol=ETH, quantity=Decimal(1))
    assert stake.key("kill:1") == MANDATE.key(ETH, "kill:1")


@pytest.mark.parametrize(
    ("moment", "capital"), [(9, 100), (10, 100), (11, 200), (20, 200), (21, 1000)]
)
def test_terms_hold_up_to_the_moment_of_their_change_and_with_it(moment, capital) -> None:
    earlier = [
        Terms(until=until, capital=Decimal(was), sizing=Sizing(amount=Decimal(was)), stop=TRAILING)
        for until, was in ((10, 100), (20, 200))
    ]
    then = as_of(MANDATE, earlier, moment)
    assert then.capital == capital
    assert (then == MANDATE) == (capital == 1000)
    assert replace(then, capital=MANDATE.capital, sizing=MANDATE.sizing, stop=None) == MANDATE
