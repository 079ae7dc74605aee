from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.research.conditions import condition
from trading_system.strategies.grid import Spacing

VALUES = {
    "fast": 5,
    "slow": 20,
    "width": 2.5,
    "quantity": Decimal("0.5"),
    "short": False,
    "spacing": Spacing.GEOMETRIC,
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("fast < slow", True),
        ("slow <= fast", False),
        ("5 <= fast < slow <= 20", True),
        ("5 <= fast < slow < 20", False),
        ("slow - fast == 15 and slow % fast == 0", True),
        ("slow / fast == 4 or slow // 0 == 1", True),
        ("not short", True),
        ("short", False),
        ("short == no and not short == yes", True),
        ("spacing == 'geometric'", True),
        ("spacing != 'geometric'", False),
        ("quantity * 2 == 1", True),
        ("width * -fast + 12.5 >= 0", True),
        ("(fast + 1) * 4 > slow", True),
    ],
)
def test_conditions_mean_what_python_means_by_them(text, holds):
    assert condition(text, VALUES).holds(VALUES) is holds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no condition"),
        ("fast <", "is no condition"),
        ("fats < slow", "there is no parameter 'fats' but fast, quantity"),
        ("__import__('os')", "is neither arithmetic nor a comparison"),
        ("fast.real < 1", "'fast.real' is neither"),
        ("fast ** 999999999", "is neither"),
        ("fast if short else slow", "is neither"),
        ("[fast]", "is neither"),
        ("fast < (lambda: 1)", "is neither"),
        ("fast in slow", "is neither"),
        ("fast == b'5'", "is neither"),
        ("+fast", "is neither"),
        ("(" * 150 + "fast", "is no condition"),
        ("fast < " + "1" * 300, "is too long"),
    ],
)
def test_what_is_no_condition_is_refused_when_it_is_read(text, reason):
    with pytest.raises(InvalidRequest, match=reason):
        condition(text, VALUES)


@pytest.mark.parametrize("text", ["fast / 0 > 1", "fast < 'a'", "-spacing == 1", "'a' * 9 == 1"])
def test_a_condition_without_a_value_is_an_error_of_whoever_wrote_it(text):
    with pytest.raises(InvalidRequest, match="has no value"):
        condition(text, VALUES).holds(VALUES)
