from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.risk.conftest import NOW, worth
from trading_system.risk.limits import RiskLimits
from trading_system.risk.losses import Losses, step

TWENTY = RiskLimits(max_drawdown_percent=Decimal(20))


def looks(limits, *equities):
    """The losses after looking at these equities, ten minutes apart."""
    losses = None
    for number, total in enumerate(equities):
        at = NOW + timedelta(minutes=10 * number)
        losses = step(losses, worth(total, at=at), limits)
    return losses


def test_nothing_is_lost_at_the_first_look():
    losses = looks(TWENTY, "700")
    assert (losses.peak, losses.drawdown_percent, losses.stopped_at) == (700, 0, None)


def test_the_peak_only_rises():
    losses = looks(TWENTY, "1000", "1200", "1100")
    assert losses.peak == 1200
    assert losses.drawdown_percent == Decimal(100) / 12


def test_the_breaker_opens_at_the_limit_and_not_above_it():
    assert looks(TWENTY, "1000", "800.01").stopped_at is None
    assert looks(TWENTY, "1000", "800").stopped_at == NOW + timedelta(minutes=10)


def test_it_stays_open_from_its_first_moment_on_though_equity_recovers():
    losses = looks(TWENTY, "1000", "800", "999", "700")
    assert losses.stopped_at == NOW + timedelta(minutes=10)
    assert losses.resumes_at(TWENTY) == NOW + timedelta(minutes=70)


def test_after_the_cool_down_it_counts_from_what_is_left():
    cooled = looks(TWENTY, "1000", "800", "790", "780", "770", "760", "750", "740")
    assert (cooled.stopped_at, cooled.peak) == (None, 740)
    again = step(cooled, worth("592", at=NOW + timedelta(minutes=80)), TWENTY)
    assert again.stopped_at == NOW + timedelta(minutes=80)


def test_without_a_limit_the_peak_is_kept_and_nothing_stops():
    losses = looks(RiskLimits(), "1000", "1")
    assert (losses.peak, losses.stopped_at) == (1000, None)


def test_losses_of_the_day_count_from_its_start():
    losses = step(None, worth("970", day_start="1000"), TWENTY)
    assert losses.today == 30


def test_who_owns_nothing_has_no_drawdown():
    losses = Losses(equity=worth("0"), peak=Decimal(0))
    assert losses.drawdown_percent == 0
    assert replace(losses, peak=Decimal(-1)).drawdown_percent == 0
    assert replace(losses, peak=Decimal(1)).drawdown_percent == 100


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=30))
def test_while_the_breaker_is_closed_the_drawdown_is_below_its_limit(equities):
    losses = looks(TWENTY, *map(str, equities))
    assert losses.stopped_at is not None or losses.drawdown_percent < 20
    assert losses.peak >= losses.equity.total
