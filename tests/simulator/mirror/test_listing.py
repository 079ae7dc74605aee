from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal

import orjson
import pytest

from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.exchange_info import ExchangeInfo
from trading_system.simulator.filters import ExchangeLimits
from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.mirror.listing import decode, encode, listed
from trading_system.simulator.model import OrderType
from trading_system.simulator.seeded.feed import SeededFeed

NOW = 1_767_614_400_250
OTHER = replace(
    catalogue(1)["BTCUSDT"],
    status="BREAK",
    order_types=(OrderType.LIMIT, OrderType.MARKET),
    max_num_iceberg_orders=3,
    max_position=Decimal(100),
    percent_multiplier_up=Decimal("1.5"),
    percent_multiplier_down=Decimal("0.5"),
    least_worth=Decimal(7),
    least_worth_of_market=False,
    apply_max_to_market=True,
    amend_allowed=False,
)


def told(*rules):
    feed = SeededFeed(1, {each.symbol: each for each in rules})
    info = ExchangeInfo(feed, LimitSettings(), ExchangeLimits())
    return orjson.loads(info.whole(NOW))


@pytest.mark.parametrize("rules", [*catalogue(3).values(), OTHER], ids=lambda rules: rules.status)
def test_rules_are_read_as_they_are_told(rules) -> None:
    assert listed(told(rules)) == {rules.symbol: rules}


def test_a_filter_that_is_absent_does_not_bind() -> None:
    info = told(OTHER)
    info["symbols"][0]["filters"] = []
    rules = listed(info)["BTCUSDT"]
    assert rules.max_num_orders == rules.max_num_algo_orders == rules.iceberg_parts == 0
    assert rules.min_notional == rules.max_notional == rules.market_max_quantity == 0
    assert rules.bid_multiplier_down == 0


def test_what_this_exchange_does_not_know_it_does_not_offer() -> None:
    info = told(OTHER)
    entry = info["symbols"][0]
    entry["orderTypes"].append("TELEPATHY")
    entry["allowedSelfTradePreventionModes"].append("EXPIRE_NEIGHBOUR")
    entry["filters"].append({"filterType": "MAX_MOON_PHASE", "limit": 3})
    entry["filters"].append({"filterType": "MAX_NUM_ORDERS", "limit": 3})  # another field's name
    assert listed(info) == {"BTCUSDT": OTHER}


@pytest.mark.parametrize("rules", [catalogue(2)["ETHUSDT"], OTHER], ids=["usual", "other"])
def test_rules_survive_a_journal(rules) -> None:
    assert decode(orjson.loads(orjson.dumps(encode(rules), default=str))) == rules
    assert set(encode(rules)) == {field.name for field in fields(rules)}
