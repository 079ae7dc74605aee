from decimal import Decimal
from itertools import pairwise

import pytest

from trading_system.simulator.catalogue import MOST, catalogue, character_of
from trading_system.simulator.model import SymbolRules

ALL = catalogue(MOST)


def test_the_pairs_everybody_asks_for_come_first():
    assert list(catalogue(3)) == ["BTCUSDT", "ETHUSDT", "BNBUSDT"]
    wanted = {"SOLUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT", "ETHBTC", "BTCUSDC"}
    assert wanted <= set(catalogue(30))


def test_a_longer_list_begins_with_the_shorter():
    for shorter, longer in pairwise([1, 29, 31, 500, MOST]):
        assert list(catalogue(longer).items())[:shorter] == list(catalogue(shorter).items())


def test_three_thousand_symbols_have_names_of_their_own():
    assert len(ALL) == MOST
    assert all(rules.symbol == symbol == rules.base + rules.quote for symbol, rules in ALL.items())


@pytest.mark.parametrize("count", [0, -1, MOST + 1])
def test_other_counts_are_refused(count):
    with pytest.raises(ValueError, match="1 to 3000"):
        catalogue(count)


def is_power_of_ten(number: Decimal) -> bool:
    return number.normalize().as_tuple().digits == (1,)


def test_rules_are_such_that_one_can_trade():
    for rules in ALL.values():
        price = Decimal(character_of(rules).price)
        assert is_power_of_ten(rules.tick_size)
        assert is_power_of_ten(rules.step_size)
        assert rules.tick_size >= Decimal("1e-8")
        assert rules.step_size >= Decimal("1e-8")
        assert 1_000 * rules.tick_size < price < rules.max_price / 10
        assert rules.min_price <= price
        assert rules.max_quantity % rules.step_size == 0
        assert rules.market_max_quantity % rules.step_size == 0
        assert rules.min_notional < rules.market_max_quantity * price
        assert rules.step_size * price < 2 * rules.min_notional, rules.symbol


def test_every_pair_has_a_believable_character():
    for rules in ALL.values():
        character = character_of(rules)
        assert 0.3 <= character.volatility <= 1.5
        assert character.launch > 300 * float(rules.tick_size)
        assert character.quote_volume > 0
        assert 5 <= character.trades <= 600


def test_a_symbol_that_is_not_listed_has_a_character_too():
    rules = SymbolRules(symbol="MINEXYZ", base="MINE", quote="XYZ", tick_size=Decimal("0.001"))
    character = character_of(rules)
    assert 1 < character.price < 1_000
    assert character == character_of(rules)
