"""The review, and what holds for every order and every limit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.risk.conftest import BTC, NOW, REQUEST
from trading_system.domain.control import ControlState
from trading_system.domain.orders import Side
from trading_system.risk.facts import Exposure, Facts
from trading_system.risk.gate import Approved, Refused, review
from trading_system.risk.limits import RiskLimits

amounts = st.decimals("0.001", "1000", places=3)
maybe = st.none() | amounts
SIZES = {"order quantity", "order notional", "exposure", "exposure of symbol", "balance"}


def test_an_order_that_passes_every_rule_is_approved_as_it_is(facts, limits):
    assert review(facts(), limits) == Approved(request=REQUEST)


def test_the_first_rule_that_says_no_is_the_answer(facts, limits):
    verdict = review(facts(control=ControlState.KILLED, free=None, open_orders=9), limits)
    assert isinstance(verdict, Refused)
    assert (verdict.request, verdict.refusal.check) == (REQUEST, "control")


@st.composite
def situations(draw):
    """Some facts and limits; what is held may be owed where that is possible."""
    may_short = draw(st.booleans())
    held = draw(amounts) * draw(st.sampled_from([1, -1] if may_short else [1]))
    exposure = Exposure(
        held=held,
        buying=draw(amounts),
        selling=draw(amounts),
        price=draw(amounts),
        may_short=may_short,
    )
    facts = Facts(
        now=NOW,
        request=replace(
            REQUEST,
            side=draw(st.sampled_from(Side)),
            price=draw(maybe),
            quantity=draw(amounts),
        ),
        may_short=may_short,
        price=draw(amounts),
        price_age_seconds=1.0,
        free={"BTC": draw(amounts), "USDT": draw(amounts)},
        exposures={BTC: exposure},
        open_orders=draw(st.integers(0, 5)),
    )
    limits = RiskLimits(
        max_order_notional=draw(maybe),
        max_order_quantity={BTC: limit} if (limit := draw(maybe)) else {},
        max_exposure_per_symbol=draw(maybe),
        max_exposure=draw(maybe),
        max_open_orders=draw(st.none() | st.integers(0, 5)),
        max_price_deviation_percent=None,
    )
    return facts, limits


@given(situations(), amounts)
def test_where_an_order_is_too_large_no_larger_one_is_approved(situation, more):
    facts, limits = situation
    verdict = review(facts, limits)
    if isinstance(verdict, Refused) and verdict.refusal.check in SIZES:
        larger = replace(facts.request, quantity=facts.request.quantity + more)
        assert isinstance(review(replace(facts, request=larger), limits), Refused)


TIGHTEST = {
    "max_order_notional": Decimal(0),
    "max_exposure": Decimal(0),
    "max_open_orders": 0,
}


@given(situations(), st.sampled_from(sorted(TIGHTEST)))
def test_a_tighter_limit_approves_nothing_that_a_wider_one_refuses(situation, name):
    facts, limits = situation
    if isinstance(review(facts, limits), Refused):
        wide = getattr(limits, name)
        for tight in (TIGHTEST[name], wide and wide / 2):
            verdict = review(facts, replace(limits, **{name: tight}))
            assert tight is None or isinstance(verdict, Refused)


@given(situations())
def test_nothing_is_approved_while_killed_paused_or_unarmed(situation):
    facts, limits = situation
    for state in (ControlState.KILLED, ControlState.PAUSED):
        assert isinstance(review(replace(facts, control=state), limits), Refused)
    assert isinstance(review(replace(facts, armed=False), limits), Refused)


@given(situations())
def test_what_is_approved_leaves_no_exposure_above_its_limit_unless_it_reduces(situation):
    facts, limits = situation
    if isinstance(review(facts, limits), Approved) and not facts.reduces:
        after = facts.exposure_after.value
        for limit in (limits.max_exposure, limits.max_exposure_per_symbol):
            assert limit is None or after <= limit


@given(situations())
def test_a_refusal_names_what_it_went_by(situation):
    verdict = review(*situation)
    if isinstance(verdict, Refused):
        assert verdict.refusal.reason
        assert verdict.refusal.figures


@given(situations())
def test_what_reduces_never_makes_the_largest_position_larger(situation):
    facts, _ = situation
    if facts.reduces:
        assert facts.exposure_after.quantity <= max(
            facts.exposure.quantity, abs(facts.exposure.held)
        )


def test_figures_stay_decimals(facts, limits):
    verdict = review(facts(free={"USDT": Decimal("199.5")}), limits)
    assert verdict.refusal.figures["free"] == Decimal("199.5")
