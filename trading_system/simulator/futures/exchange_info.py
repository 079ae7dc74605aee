"""GET exchangeInfo of futures: the contracts and the rules they trade by."""

from __future__ import annotations

from collections.abc import Iterable

from trading_system.simulator.futures.exchange import WEIGHT_PER_MINUTE
from trading_system.simulator.futures.model import MARGIN_ASSET, OrderType, TimeInForce
from trading_system.simulator.futures.order_counts import ORDER_LIMITS
from trading_system.simulator.futures.rules import (
    MOST_ALGOS,
    MOST_ORDERS,
    PRICE_DOWN,
    PRICE_UP,
    ContractRules,
)
from trading_system.simulator.futures.wire import Json

_PERPETUAL = 4_133_404_800_000
_ONBOARD = 1_569_398_400_000


def exchange_info(listed: Iterable[ContractRules], now: int) -> Json:
    """Everything that is listed, told at `now`, ms UTC."""
    return {
        "timezone": "UTC",
        "serverTime": now,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": WEIGHT_PER_MINUTE,
            },
            *(limit.row for limit in reversed(ORDER_LIMITS)),
        ],
        "exchangeFilters": [],
        "assets": [{"asset": MARGIN_ASSET, "marginAvailable": True, "autoAssetExchange": "0"}],
        "symbols": [_symbol(rules) for rules in listed],
    }


def _symbol(rules: ContractRules) -> Json:
    spot = rules.spot
    return {
        "symbol": rules.symbol,
        "pair": rules.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _PERPETUAL,
        "onboardDate": _ONBOARD,
        "status": "TRADING" if spot.status == "TRADING" else "SETTLING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": spot.base,
        "quoteAsset": spot.quote,
        "marginAsset": MARGIN_ASSET,
        "pricePrecision": rules.price_precision,
        "quantityPrecision": rules.quantity_precision,
        "baseAssetPrecision": spot.base_precision,
        "quotePrecision": spot.quote_precision,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "filters": _filters(rules),
        "orderTypes": list(OrderType),
        "timeInForce": list(TimeInForce),
        "permissionSets": ["GRID", "COPY"],
    }


def _filters(rules: ContractRules) -> list[Json]:
    spot = rules.spot
    return [
        {
            "minPrice": f"{spot.min_price:f}",
            "maxPrice": f"{spot.max_price:f}",
            "filterType": "PRICE_FILTER",
            "tickSize": f"{spot.tick_size:f}",
        },
        _lot("LOT_SIZE", rules, f"{spot.max_quantity:f}"),
        _lot("MARKET_LOT_SIZE", rules, f"{rules.market_max_quantity:f}"),
        {"limit": MOST_ORDERS, "filterType": "MAX_NUM_ORDERS"},
        {"limit": MOST_ALGOS, "filterType": "MAX_NUM_ALGO_ORDERS"},
        {"notional": f"{rules.min_notional:f}", "filterType": "MIN_NOTIONAL"},
        {
            "multiplierDown": f"{PRICE_DOWN:.4f}",
            "multiplierUp": f"{PRICE_UP:.4f}",
            "multiplierDecimal": "4",
            "filterType": "PERCENT_PRICE",
        },
    ]


def _lot(name: str, rules: ContractRules, largest: str) -> Json:
    return {
        "stepSize": f"{rules.spot.step_size:f}",
        "filterType": name,
        "maxQty": largest,
        "minQty": f"{rules.spot.min_quantity:f}",
    }
