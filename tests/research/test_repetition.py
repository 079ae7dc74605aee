from __future__ import annotations

import dataclasses

import pytest

from tests.research.questions import history, record
from trading_system.research.record import Record
from trading_system.research.repetition import compared


@pytest.fixture(scope="module")
def kept():
    return record()


def with_question(kept: Record, **groups):
    """The same answer to a question that differs, under the id that this question has."""
    changed = dataclasses.replace(kept, **groups)
    from trading_system.research.record import _IDENTITY, _identified

    question = {name: getattr(changed, name) for name in _IDENTITY}
    return dataclasses.replace(changed, run_id=_identified(question))


def test_the_same_bytes_are_a_proof(kept):
    assert compared(kept, record()).proven


def test_the_same_question_with_another_answer_is_no_proof(kept):
    other = dataclasses.replace(kept, metrics=kept.metrics | {"sharpe": 1.0, "trades": -1})
    verdict = compared(kept, other)
    assert not verdict.proven
    assert verdict.reasons[0].startswith("the question is the same and the answer is not")
    assert f"metrics: sharpe: {kept.metrics['sharpe']} then, 1.0 now" in verdict.reasons


def test_one_bit_of_a_curve_is_seen(kept):
    equity = [*kept.curve["equity"][:-1], kept.curve["equity"][-1] * (1 + 2**-52)]
    other = dataclasses.replace(kept, curve=kept.curve | {"equity": equity})
    assert not compared(kept, other).proven


def test_a_file_changed_by_hand_is_told(kept):
    members = kept.configuration | {"symbol": "ETH/USDT"}
    verdict = compared(dataclasses.replace(kept, configuration=members), record())
    assert not verdict.proven
    assert "changed by hand" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ({"code": {"package": "9.9"}}, "code: the release is another one: "),
        ({"code": {"sources": "x"}}, "code: the strategies or what keeps results changed: "),
        ({"code": {"engine": "x"}}, "engine: its sources changed: "),
        ({"code": {"own_file": "x"}}, "code: the strategy's file changed: none then, x now"),
        ({"data": {"digest": "x"}}, "data: the candles are others: "),
        ({"data": {"missing": 3}}, "data: more or fewer candles are missing: 0 then, 3 now"),
        ({"configuration": {"symbol": "x"}}, "configuration: symbol: BTC/USDT then, x now"),
        ({"engine": "grid"}, "engine: targets then, grid now"),
    ],
)
def test_what_differs_in_the_question_is_named(kept, groups, reason):
    merged = {
        name: getattr(kept, name) | value if isinstance(value, dict) else value
        for name, value in groups.items()
    }
    verdict = compared(kept, with_question(kept, **merged))
    assert not verdict.proven
    assert verdict.reasons[0].startswith(reason)
    assert verdict.reasons[-1] == "the figures are the same"


def test_other_figures_are_told_as_such(kept):
    verdict = compared(kept, record(over=history(digest="e" * 64, seed=2)))
    assert verdict.reasons[-1] == "the figures are others, too"
