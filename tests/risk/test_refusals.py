"""Amounts in a refusal are written as people write them, and what nobody knows is a no."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.risk.refusals import at_most, plain

D = Decimal


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0E-8", "0"),
        ("0.00000000", "0"),
        ("1E-1", "0.1"),
        ("10.00", "10"),
        ("1E+3", "1000"),
        ("0.123456789", "0.12345679"),
        ("-2.50", "-2.5"),
        ("Infinity", "Infinity"),
    ],
)
def test_an_amount_is_written_plainly(amount, text):
    assert plain(D(amount)) == text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("10", None),
        ("10.0", None),
        ("10.00000001", "it would be 10.00000001; 10 may be"),
        (None, "it cannot be told without a price"),
    ],
)
def test_up_to_the_limit_and_no_further(facts, value, words):
    known = None if value is None else D(value)
    refusal = at_most("size", "it", facts(), known, D(10))
    assert (None if refusal is None else refusal.reason) == words
