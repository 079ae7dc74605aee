from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.research.questions import configuration, history
from trading_system.backtest.rules import FillRule, Rules, Sizing
from trading_system.domain.errors import InvalidRequest
from trading_system.research.configuration import Configuration, read_instant, written
from trading_system.strategies.base import build
from trading_system.strategies.bollinger_reversion import BollingerReversion
from trading_system.strategies.grid import Grid
from trading_system.strategies.registry import strategies
from trading_system.strategies.sma_cross import SmaCross

ASKED = configuration(stop_loss=0.02, fill=FillRule.CLOSE, sizing=Sizing.FIXED, short=True)


def test_what_is_written_is_read_again():
    again = Configuration.from_json(ASKED.to_json())
    assert again == ASKED
    assert type(again.rules.fill) is FillRule


def test_a_strategy_is_built_again_as_it_was():
    grid = build(Grid, {"low": "90", "high": "110.5", "quantity": "0.0100", "spacing": "geometric"})
    asked = configuration(grid)
    assert asked.strategy_among(strategies()) == grid
    assert asked.to_json()["parameters"]["quantity"] == "0.01"


def test_every_parameter_is_there_also_those_nobody_named():
    assert written(SmaCross(fast=5)) == {"fast": "5", "slow": "50", "short": "no"}


@pytest.mark.parametrize(
    "texts", [{"width": "2"}, {"width": "2.0"}, {"width": "2e0"}, {"width": 2}]
)
def test_the_same_question_is_the_same_text(texts):
    assert written(build(BollingerReversion, texts))["width"] == "2.0"


def test_whole_numbers_in_rules_are_the_same_question():
    assert configuration(capital=500).to_json() == configuration(capital=500.0).to_json()
    assert type(configuration(capital=500).to_json()["rules"]["capital"]) is float


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"end": "2025-06-01T00:00:00Z"}, "must be before"),
        ({"start": "yesterday"}, "'yesterday' is no instant"),
        ({"timeframe": "1y"}, "'1y' is not a timeframe"),
        ({"symbol": "btc-usdt"}, "'btc-usdt' is written BTC/USDT"),
        ({"symbol": "BTC"}, "is not a symbol"),
        ({"rules": {}}, "no configuration"),
        ({"rules": None}, "no configuration"),
        ({"rules": ASKED.to_json()["rules"] | {"fill": "yesterday"}}, "no configuration"),
        ({"rules": ASKED.to_json()["rules"] | {"luck": 1}}, "no configuration"),
        ({"rules": ASKED.to_json()["rules"] | {"stop_loss": 2}}, "stop_loss=2 is a share"),
        ({"more": 1}, "no configuration"),
    ],
)
def test_what_is_no_question_is_told(changed, reason):
    with pytest.raises(InvalidRequest, match=reason):
        Configuration.from_json(ASKED.to_json() | changed)


def test_a_symbol_may_be_written_as_people_write_it():
    candles = history()
    asked = Configuration.of(
        SmaCross(),
        symbol="btc-usdt",
        timeframe="1h",
        start=candles.start,
        end=candles.end,
        rules=Rules(),
    )
    assert asked.symbol == "BTC/USDT"


@pytest.mark.parametrize(
    "text",
    ["2025-06-01", "2025-06-01T00:00Z", "2025-06-01T02:00:00+02:00", "2025-06-01 00:00:00"],
)
def test_instants_are_utc_unless_they_say_otherwise(text):
    assert read_instant(text) == datetime(2025, 6, 1, tzinfo=UTC)
    assert read_instant(text).utcoffset().total_seconds() == 0
