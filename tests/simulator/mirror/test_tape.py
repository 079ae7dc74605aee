from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trading_system.simulator.mirror.tape import MOST, MirroredTape, read_trade
from trading_system.simulator.model import MarketTrade

ROW = {"a": 7, "p": "100.10", "q": "0.5", "f": 1, "l": 3, "T": 111, "m": True}


def trade(number, price="100", time=0):
    return MarketTrade(number, Decimal(price), Decimal(1), time, False)


def tape(*trades) -> MirroredTape:
    made = MirroredTape()
    made.extend(trades)
    return made


def reaching(made, after, below=None, above=None):
    found = made.first_reaching(
        after,
        at_or_below=None if below is None else Decimal(below),
        at_or_above=None if above is None else Decimal(above),
    )
    return None if found is None else found.id


def test_a_trade_has_the_time_it_was_heard_at() -> None:
    told = read_trade(ROW, heard=222)
    assert told == MarketTrade(7, Decimal("100.10"), Decimal("0.5"), 222, True)


def test_it_begins_anywhere_and_goes_on_with_what_follows() -> None:
    made = MirroredTape()
    assert made.last is None
    assert made.follow(trade(5))
    assert made.follow(trade(6))
    assert made.last == trade(6)


def test_a_missing_trade_is_noticed_and_nothing_is_added() -> None:
    made = tape(trade(5))
    assert not made.follow(trade(7))
    assert made.last == trade(5)


def test_a_trade_that_is_told_twice_counts_once() -> None:
    made = tape(trade(5, "90"), trade(6))
    assert made.follow(trade(5, "10"))
    made.extend([trade(6, "10"), trade(7, "95")])
    assert reaching(made, 0, below="50") is None
    assert reaching(made, 5, below="95") == 7


def test_the_exchanges_own_record_may_jump() -> None:
    made = tape(trade(5), trade(9))
    assert made.last == trade(9)


def test_either_bound_is_enough() -> None:
    made = tape(trade(1, "100"), trade(2, "110"), trade(3, "90"))
    assert reaching(made, 0, below="90", above="120") == 3
    assert reaching(made, 0, below="80", above="110") == 2
    assert reaching(made, 2, above="110") is None
    assert reaching(made, 0) is None


@given(
    prices=st.lists(st.integers(1, 9), max_size=30),
    questions=st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 9), st.integers(1, 10)), max_size=10
    ),
    told=st.integers(1, 5),
)
def test_asking_again_and_again_finds_what_asking_once_does(prices, questions, told) -> None:
    """The tape grows between the questions, and remembers how far it has looked for each."""
    made = MirroredTape()
    seen = []
    rows = iter([trade(number, str(price)) for number, price in enumerate(prices, start=1)])
    for after, below, above in questions:
        for _, row in zip(range(told), rows, strict=False):
            made.extend([row])
            seen.append(row)
        wanted = [t.id for t in seen if t.id > after and (t.price <= below or t.price >= above)]
        for _ in range(2):
            assert reaching(made, after, below, above) == next(iter(wanted), None)


def test_only_what_was_shown_long_ago_is_forgotten() -> None:
    """A thousand missed trades told at once stay until every order has met them."""
    made = tape(*(trade(number, "1", time=0) for number in range(1, MOST + 1)))
    made.extend(trade(number, "2", time=61_000) for number in range(MOST + 1, 2 * MOST + 2))
    assert reaching(made, 0, below="1") is None
    assert reaching(made, 0, below="2") == MOST + 1
    crowded = tape(*(trade(number, "1", time=0) for number in range(1, 2 * MOST + 2)))
    assert reaching(crowded, 0, below="1") == 1
