"""The rules of symbols, as an exchangeInfo tells them and as a journal keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any

from trading_system.simulator.model import OrderType, SymbolRules
from trading_system.simulator.self_trades import SelfTradePrevention

Json = Mapping[str, Any]

_FILTERS: dict[str, dict[str, str]] = {
    "PRICE_FILTER": {"minPrice": "min_price", "maxPrice": "max_price", "tickSize": "tick_size"},
    "LOT_SIZE": {"minQty": "min_quantity", "maxQty": "max_quantity", "stepSize": "step_size"},
    "MARKET_LOT_SIZE": {
        "minQty": "market_min_quantity",
        "maxQty": "market_max_quantity",
        "stepSize": "market_step_size",
    },
    "NOTIONAL": {
        "minNotional": "min_notional",
        "maxNotional": "max_notional",
        "applyMinToMarket": "apply_min_to_market",
        "applyMaxToMarket": "apply_max_to_market",
        "avgPriceMins": "avg_price_mins",
    },
    "MIN_NOTIONAL": {"minNotional": "least_worth", "applyToMarket": "least_worth_of_market"},
    "PERCENT_PRICE": {
        "multiplierUp": "percent_multiplier_up",
        "multiplierDown": "percent_multiplier_down",
    },
    "PERCENT_PRICE_BY_SIDE": {
        "bidMultiplierUp": "bid_multiplier_up",
        "bidMultiplierDown": "bid_multiplier_down",
        "askMultiplierUp": "ask_multiplier_up",
        "askMultiplierDown": "ask_multiplier_down",
        "avgPriceMins": "avg_price_mins",
    },
    "ICEBERG_PARTS": {"limit": "iceberg_parts"},
    "TRAILING_DELTA": {
        "minTrailingAboveDelta": "min_trailing_above_delta",
        "maxTrailingAboveDelta": "max_trailing_above_delta",
        "minTrailingBelowDelta": "min_trailing_below_delta",
        "maxTrailingBelowDelta": "max_trailing_below_delta",
    },
    "MAX_NUM_ORDERS": {"maxNumOrders": "max_num_orders"},
    "MAX_NUM_ALGO_ORDERS": {"maxNumAlgoOrders": "max_num_algo_orders"},
    "MAX_NUM_ICEBERG_ORDERS": {"maxNumIcebergOrders": "max_num_iceberg_orders"},
    "MAX_NUM_ORDER_LISTS": {"maxNumOrderLists": "max_num_order_lists"},
    "MAX_NUM_ORDER_AMENDS": {"maxNumOrderAmends": "max_num_order_amends"},
    "MAX_POSITION": {"maxPosition": "max_position"},
}
"""Where each figure of a filter is kept; filters nobody here knows do not bind here."""

_ABSENT: dict[str, Any] = {
    "market_min_quantity": Decimal(0),
    "market_max_quantity": Decimal(0),
    "min_notional": Decimal(0),
    "max_notional": Decimal(0),
    "bid_multiplier_up": Decimal(10**9),
    "bid_multiplier_down": Decimal(0),
    "ask_multiplier_up": Decimal(10**9),
    "ask_multiplier_down": Decimal(0),
    "iceberg_parts": 0,
    "max_num_orders": 0,
    "max_num_algo_orders": 0,
}
"""What a symbol without the filter has: no bound, whatever the usual one is."""


def listed(info: Json) -> dict[str, SymbolRules]:
    """Every symbol of an exchangeInfo, by name; KeyError, ValueError or ArithmeticError if bad."""
    return {entry["symbol"]: _rules(entry) for entry in info["symbols"]}


def encode(rules: SymbolRules) -> dict[str, object]:
    """As plain values for JSON; amounts become texts."""
    return asdict(rules)


def decode(entry: Json) -> SymbolRules:
    """The rules of `encode`, read back from JSON; ValueError or the like for anything else."""
    return SymbolRules(**{name: _READERS[name](value) for name, value in entry.items()})


def _rules(entry: Json) -> SymbolRules:
    told: dict[str, Any] = dict(_ABSENT)
    for each in entry["filters"]:
        for name, ours in _FILTERS.get(each["filterType"], {}).items():
            if name in each:
                told[ours] = _READERS[ours](each[name])
    return SymbolRules(
        symbol=entry["symbol"],
        base=entry["baseAsset"],
        quote=entry["quoteAsset"],
        status=entry["status"],
        base_precision=entry["baseAssetPrecision"],
        quote_precision=entry["quoteAssetPrecision"],
        amend_allowed=entry.get("amendAllowed", False),
        order_types=_known(OrderType, entry["orderTypes"]),
        stp_modes=_known(SelfTradePrevention, entry["allowedSelfTradePreventionModes"]),
        default_stp=SelfTradePrevention(entry["defaultSelfTradePreventionMode"]),
        **told,
    )


def _known(kind: Callable[[str], Any], names: Iterable[str]) -> tuple[Any, ...]:
    """Those this exchange has: what it does not know it cannot offer."""
    found = []
    for name in names:
        try:
            found.append(kind(name))
        except ValueError:
            continue
    return tuple(found)


def _reader(kind: str) -> Callable[[Any], Any]:
    return {
        "Decimal": lambda value: Decimal(str(value)),
        "tuple[OrderType, ...]": lambda value: _known(OrderType, value),
        "tuple[SelfTradePrevention, ...]": lambda value: _known(SelfTradePrevention, value),
        "SelfTradePrevention": SelfTradePrevention,
    }.get(kind, lambda value: value)


_READERS = {field.name: _reader(str(field.type)) for field in fields(SymbolRules)}
