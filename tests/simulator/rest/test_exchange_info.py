"""Rules that only some symbols have are told by those alone."""

from __future__ import annotations

from decimal import Decimal

from trading_system.simulator.exchange_info import asset_filters, symbol_filters
from trading_system.simulator.filters import ExchangeLimits
from trading_system.simulator.model import SymbolRules

TODAY = SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT")
OLDER = SymbolRules(
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    percent_multiplier_up=Decimal(5),
    percent_multiplier_down=Decimal("0.2"),
    least_worth=Decimal(10),
)


def test_older_symbols_tell_their_older_filters() -> None:
    told = {each["filterType"]: each for each in symbol_filters(OLDER)}
    assert told["PERCENT_PRICE"]["multiplierUp"] == "5"
    assert told["MIN_NOTIONAL"]["minNotional"] == "10.00000000"
    names = {each["filterType"] for each in symbol_filters(TODAY)}
    assert not {"PERCENT_PRICE", "MIN_NOTIONAL"} & names


def test_the_most_an_order_may_move_is_told_by_asset() -> None:
    limits = ExchangeLimits(max_asset={"BTC": Decimal(2), "ETH": Decimal(1)})
    assert asset_filters(TODAY, limits) == [
        {"filterType": "MAX_ASSET", "asset": "BTC", "limit": "2.00000000"}
    ]
    assert asset_filters(TODAY, ExchangeLimits()) == []
