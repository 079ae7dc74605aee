from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from tests.simulator.seeded.markets import LISTED, candle
from trading_system.simulator.catalogue import character_of
from trading_system.simulator.seeded.units import Units


def row(units: Units, **changes: object) -> list[object]:
    fields = {
        "start": 60_000,
        "first_id": 1,
        "open": 101,
        "high": 1_234_567,
        "low": 7,
        "close": 100,
        "trades": 12,
        "volume": [3, 4],
        "quote": [30, 40],
    }
    return units.rows(candle(**(fields | changes)), np.array([119_999]))[0]


def test_a_row_is_as_on_the_wire():
    assert row(Units(Decimal("0.01"), Decimal("0.00001"))) == [
        60_000,
        "1.01000000",
        "12345.67000000",
        "0.07000000",
        "1.00000000",
        "0.00007000",
        119_999,
        "0.00000700",
        12,
        "0.00003000",
        "0.00000300",
        "0",
    ]


@pytest.mark.parametrize(
    ("tick", "lot", "quote", "text"),
    [
        ("0.00000001", "1", (1 << 61), "23058430092.13693952"),
        ("0.01", "0.00001", 0, "0.00000000"),
        ("1", "1000", 3, "3000.00000000"),
        ("0.5", "0.1", 7, "0.35000000"),
        ("0.01000000", "0.00001000", 5, "0.00000050"),
        ("1E+1", "1", 12, "120.00000000"),
    ],
)
def test_amounts_of_any_unit_have_eight_decimals(tick, lot, quote, text):
    assert row(Units(Decimal(tick), Decimal(lot)), quote=[quote, 0])[7] == text


@pytest.mark.parametrize("symbol", LISTED)
def test_lots_are_whole_steps_and_sums_fit_into_eight_decimals_and_int64(symbol):
    rules = LISTED[symbol]
    units = Units.of(rules, character_of(rules))
    assert units.lot % rules.step_size == 0
    assert units.tick * units.lot >= Decimal("1e-8")
    assert character_of(rules).quote_volume * 64 / units.cent < 1 << 62


def test_a_very_large_market_has_larger_lots():
    rules = LISTED["BTCUSDT"]
    character = replace(character_of(rules), quote_volume=1e13)
    assert Units.of(rules, character).lot > rules.step_size
