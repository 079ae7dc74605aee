"""A backtest whose capital was changed on the way, beside one that counts it out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_system.backtest.rules import Rules
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate, SizeKind, Sizing
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Frame
from trading_system.trader.replay import Acted, replay

MINUTE = 60_000
FEE, STEP = 0.001, 0.01
RULES = Rules(capital=1000.0, fee_taker=FEE, fee_maker=FEE, lot_step=STEP)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MANDATE = Mandate(
    id=uuid4(),
    strategy="any",
    symbols=(Symbol("BTC", "USDT"),),
    timeframe=Timeframe.parse("1m"),
    parameters={},
    capital=Decimal(1000),
    created_at=NOW,
    updated_at=NOW,
)
QUOTE = Sizing(kind=SizeKind.QUOTE, amount=Decimal(300))


def frame_of(prices):
    """Each bar closes where the next one opens."""
    opens, closes = np.array(prices, float), np.array([*prices[1:], prices[-1]], float)
    times = MINUTE * np.arange(len(prices))
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    return Frame.from_array(np.column_stack([times, opens, high, low, closes, opens]))


def acted_on(rows):
    """(target, mandate) of each bar from the first on."""
    found, before = {}, 0.0
    for row, (target, mandate) in enumerate(rows):
        found[row * MINUTE] = Acted(target=target, mandate=mandate, ordered=target != before)
        before = target
    return found


def played(prices, rows):
    return replay(frame_of(prices), acted_on(rows), RULES, "1m", first=0)


def quantities(run):
    return [round(float(fill.quantity), 9) for fill in run.fills]


def with_capital(amount, **more):
    return replace(MANDATE, capital=Decimal(amount), **more)


@pytest.mark.parametrize(
    ("then", "bought"),
    [(with_capital(2000), 19.26), (with_capital(500), 3.48), (MANDATE, 8.74)],
)
def test_what_is_bought_after_a_change_of_capital_is_sized_by_all_that_is_there_then(then, bought):
    """8.32 at 120 and out at 100 have cost 168.2304; the rest buys at 95, after a fee of 0.1 %."""
    prices = [110, 120, 100, 95, 95]
    run = played(prices, [(1.0, MANDATE), (0.0, MANDATE), (1.0, then), (1.0, then), (1.0, then)])
    assert quantities(run) == [8.32, -8.32, bought]
    assert run.equity[-1] - run.capital == pytest.approx(-168.2304 - bought * 95 * FEE)


def test_a_change_while_something_is_held_changes_nothing_before_the_next_order():
    prices = [100, 100, 110, 120, 100]
    twice = with_capital(2000)
    rows = [(1.0, MANDATE), (1.0, twice), (0.0, twice), (1.0, twice), (1.0, twice)]
    run = played(prices, rows)
    assert quantities(run) == [9.99, -9.99, 21.95]
    assert run.fills.bar.tolist() == [1, 3, 4]


def test_an_order_at_the_same_target_is_one_that_was_sized_anew():
    rows = {0: (1.0, MANDATE), MINUTE: (1.0, with_capital(2000))}
    acted = {
        bar: Acted(target=target, mandate=mandate, ordered=True)
        for bar, (target, mandate) in rows.items()
    }
    run = replay(frame_of([100, 100, 100, 100]), acted, RULES, "1m", first=0)
    assert quantities(run) == [9.99, 9.98]


def test_what_is_held_counts_at_the_price_that_the_order_is_filled_at():
    """19.98 bought at 100 are worth 197.8 more at the open of 110 than the close of 100 told."""
    frame = replace(frame_of([100, 100, 110, 110]), close=np.array([100.0, 100.0, 110.0, 110.0]))
    acted = {
        row * MINUTE: Acted(target=1.0, mandate=with_capital(capital), ordered=True)
        for row, capital in enumerate((2000, 1500))
    }
    assert quantities(replay(frame, acted, RULES, "1m", first=0)) == [19.98, 15.41 - 19.98]


def test_an_amount_is_turned_round_whole():
    """Counted in equity it would be less by the fee of the way out."""
    rules = replace(RULES, lot_step=0.001, short=True)
    quote = with_capital(1000, sizing=QUOTE)
    acted = acted_on([(1.0, quote), (-1.0, quote), (-1.0, quote)])
    run = replay(frame_of([100] * 3), acted, rules, "1m", first=0)
    assert quantities(run) == [2.997, -5.994]


def test_an_amount_stays_what_it_is_and_becomes_what_it_was_changed_to():
    quote, more = with_capital(1000, sizing=QUOTE), with_capital(4000)
    prices = [100] * 5
    rows = [(1.0, quote), (0.0, quote), (1.0, more), (0.0, more), (0.0, more)]
    assert quantities(played(prices, rows))[::2] == [2.99, 39.95]
    rows = [(1.0, quote), (0.0, quote), (1.0, quote), (0.0, quote), (0.0, quote)]
    assert quantities(played([100, 100, 200, 100, 100], rows)) == [2.99, -2.99, 2.99, -2.99]


def test_of_an_amount_no_more_is_bought_than_there_is():
    poor = with_capital(100, sizing=QUOTE)
    rows = [(1.0, poor), (0.0, poor), (1.0, poor), (1.0, poor)]
    assert quantities(played([100, 100, 50, 100], rows)) == [0.99, -0.99, 0.5]


def test_where_less_than_nothing_is_left_nothing_is_bought():
    """All but a hundredth was lost, and then most of the capital was taken out."""
    rows = [(1.0, MANDATE), (0.0, MANDATE), (1.0, with_capital(5)), (1.0, with_capital(5))]
    assert quantities(played([100, 100, 1, 1], rows)) == [9.99, -9.99]


def test_the_target_itself_is_played_where_no_terms_ever_changed():
    """Another float, by its last bit, would be another target and another order."""
    third = [(1 / 3, MANDATE)] * 30
    prices = [100 + math.sin(row) * 30 for row in range(30)]
    acted = {bar: replace(each, ordered=True) for bar, each in acted_on(third).items()}
    run = replay(frame_of(prices), acted, RULES, "1m", first=0)
    assert len(run.fills) == 1


def test_before_anything_was_acted_on_nothing_is_played():
    run = replay(frame_of([100, 100]), {}, RULES, "1m", first=1)
    assert (len(run.fills), run.capital) == (0, 1000.0)


def counted_out(prices, rows):
    """Bar after bar with the money of then: what was decided at a close is filled at the open."""
    earned = held = 0.0
    before, fills = 0.0, []
    for row, (target, mandate) in enumerate(rows[:-1]):
        price = prices[row + 1]
        if target != before and target:
            equity = float(mandate.capital) + earned
            lots = max(math.floor(target * equity / (price * (1 + FEE)) / STEP + 1e-9), 0)
            quantity = lots * STEP
        else:
            quantity = -held if target != before else 0.0
        if quantity:
            earned -= quantity * price + abs(quantity) * price * FEE
            held += quantity
            fills.append(round(quantity, 9))
        before = target
    return fills, earned + held * prices[-1]


# In and out, the capital changed at will in between.
TURNS = st.lists(
    st.tuples(st.sampled_from([0.25, 0.5, 1.0]), st.integers(100, 5000), st.integers(1, 3)),
    min_size=1,
    max_size=8,
)


@given(turns=TURNS, seed=st.integers(0, 2**32))
@settings(max_examples=60)
def test_however_capital_is_changed_it_is_as_if_it_had_been_counted_out(turns, seed):
    rows = []
    for target, capital, bars in turns:
        rows += [(target, with_capital(capital))] * bars + [(0.0, with_capital(capital))]
    rows.append(rows[-1])
    prices = np.random.default_rng(seed).integers(50, 150, len(rows)).tolist()
    run = played(prices, rows)
    fills, earned = counted_out(prices, rows)
    assert quantities(run) == fills
    assert run.equity[-1] - run.capital == pytest.approx(earned, abs=1e-6)
