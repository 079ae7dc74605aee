from __future__ import annotations

import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.errors import InvalidRequest
from trading_system.research.space import Axis, Space, accepted, space, survey
from trading_system.strategies.ema_cross import EmaCross
from trading_system.strategies.grid import Grid, Spacing
from trading_system.strategies.sma_cross import SmaCross


@pytest.mark.parametrize(
    ("kind", "text", "values"),
    [
        (SmaCross, "fast=5:25:5", (5, 10, 15, 20, 25)),
        (SmaCross, "fast=5:24:5", (5, 10, 15, 20)),
        (SmaCross, "fast=3:5", (3, 4, 5)),
        (SmaCross, "fast=1:64:*4", (1, 4, 16, 64)),
        (SmaCross, "fast=7", (7,)),
        (SmaCross, "fast=5, 10,20:30:5", (5, 10, 20, 25, 30)),
        (SmaCross, "short=yes,no", (True, False)),
        (Grid, "spacing=geometric,arithmetic", (Spacing.GEOMETRIC, Spacing.ARITHMETIC)),
        (Grid, "atr_width=0.1:0.5:0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        (Grid, "atr_width=0.5:8:*2", (0.5, 1.0, 2.0, 4.0, 8.0)),
        (Grid, "quantity=0.1:0.3:0.1", (Decimal("0.1"), Decimal("0.2"), Decimal("0.3"))),
    ],
)
def test_an_axis_is_written_as_values_and_ranges_of_which_both_ends_count(kind, text, values):
    (axis,) = space(kind, [text]).axes
    assert axis.values == values
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (SmaCross, "fats=5:10", "sma_cross has no parameter 'fats'; it has fast, slow, short"),
        (SmaCross, "fast", "is no parameter"),
        (SmaCross, "fast=5:x", "fast=5:x is no range: write it like 5:100:5"),
        (SmaCross, "fast=10:5", "is no range"),
        (SmaCross, "fast=5:10:0", "is no range"),
        (SmaCross, "fast=5:10:-1", "is no range"),
        (SmaCross, "fast=5:10:*1", "is no range"),
        (SmaCross, "fast=1:inf", "is no range"),
        (SmaCross, "fast=1:2:0.5", "fast is a whole number, not 1.5"),
        (SmaCross, "fast=0:10:5", "fast=0 is out of range"),
        (SmaCross, "fast=5,5", "a value is there twice"),
        (SmaCross, "fast=x", "fast is a whole number, not 'x'"),
        (SmaCross, "short=yes:no", "short has no ranges: it is yes | no"),
        (Grid, "atr_width=0:1:*2", "is no range"),
        (Grid, "low=0:1:0.000001", "more than 100000 values"),
    ],
)
def test_what_is_no_axis_is_refused(kind, text, reason):
    with pytest.raises(InvalidRequest, match=reason.replace("|", r"\|")):
        space(kind, [text])


def test_more_combinations_than_can_be_numbered_are_refused():
    wide = [f"{name}=1:50000:0.5" for name in ("low", "high", "atr_width")]
    with pytest.raises(InvalidRequest, match="too many"):
        space(
            Grid,
            [
                *(text.replace("atr_width=1:50000", "atr_width=1:999") for text in wide),
                "levels=2:1000",
                "atr_period=1:1000",
            ],
        )


sizes = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@given(sizes)
def test_every_combination_has_one_number_and_the_last_axis_turns_fastest(lengths):
    axes = tuple(Axis(name=f"a{i}", values=tuple(range(n))) for i, n in enumerate(lengths))
    whole = Space(axes=axes, defaults={})
    places = [tuple(whole.values(number).values()) for number in range(whole.size)]
    assert places == sorted(set(places))
    assert [whole.number(each) for each in places] == list(range(whole.size))


@given(sizes, st.integers(1, 100), st.integers(0, 5))
def test_a_sample_has_different_combinations_and_the_same_seed_gives_it_again(lengths, count, seed):
    axes = tuple(Axis(name=f"a{i}", values=tuple(range(n))) for i, n in enumerate(lengths))
    whole = Space(axes=axes, defaults={})
    sample = whole.sample(count, seed)
    assert list(sample) == list(whole.sample(count, seed))
    assert len(set(sample)) == len(sample) == min(count, whole.size)
    assert set(sample) <= set(range(whole.size))


def test_what_the_strategy_or_a_condition_refuses_is_counted_and_passed_over():
    asked = space(SmaCross, ["fast=10:40:10", "slow=20,30"], ["slow - fast != 20"])
    survived = [tuple(asked.values(n).values()) for n, _ in accepted(SmaCross, asked, range(8))]
    assert survived == [(10, 20), (20, 30)]
    found = survey(SmaCross, asked, range(asked.size))
    assert (found.accepted, found.refused, found.warmup) == (2, 6, 29)


def test_conditions_know_parameters_that_are_not_varied():
    asked = space(SmaCross, ["fast=10:40:10"], ["fast * 2 < slow"])  # slow is 50
    assert [asked.values(n)["fast"] for n, _ in accepted(SmaCross, asked, range(4))] == [10, 20]


def test_the_longest_warm_up_counts_wherever_it_is():
    asked = space(EmaCross, ["slow=30,90,60"])
    assert survey(EmaCross, asked, range(3)).warmup == 450


def test_a_space_of_which_nothing_is_left_is_an_error():
    asked = space(SmaCross, ["fast=60:70"])
    with pytest.raises(InvalidRequest, match="sma_cross and the conditions refuse all"):
        survey(SmaCross, asked, range(asked.size))


def test_a_space_travels_with_its_conditions():
    asked = space(SmaCross, ["fast=10:40:10"], ["fast != 20"])
    arrived = pickle.loads(pickle.dumps(asked))  # noqa: S301 -- our own bytes
    assert [n for n, _ in accepted(SmaCross, arrived, range(4))] == [0, 2, 3]
