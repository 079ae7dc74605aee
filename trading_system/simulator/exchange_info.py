"""GET exchangeInfo: what is listed, and the rules it trades by.

The full answer of thousands of symbols is written once and kept as bytes: only its time changes,
until the feed lists something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import orjson

from trading_system.simulator.feeds import Feed
from trading_system.simulator.filters import ExchangeLimits
from trading_system.simulator.limits import LimitSettings, rate_limits
from trading_system.simulator.model import SymbolRules
from trading_system.simulator.wire import Json, amount


class ExchangeInfo:
    """The catalogue as JSON, told at `now` ms UTC."""

    def __init__(
        self,
        feed: Feed,
        settings: LimitSettings,
        limits: ExchangeLimits,
    ) -> None:
        self._feed = feed
        self._head = {
            "rateLimits": rate_limits(settings),
            "exchangeFilters": exchange_filters(limits),
        }
        self._listed: Mapping[str, SymbolRules] | None = None
        self._whole = b""

    def whole(self, now: int) -> bytes:
        """Everything that is listed."""
        listed = self._feed.symbols
        if listed is not self._listed:
            self._whole = self._tail(listed.values(), permission_sets=True)
            self._listed = listed
        return _with_time(now, self._whole)

    def some(self, chosen: Iterable[SymbolRules], now: int, *, permission_sets: bool) -> bytes:
        """These symbols; without `permission_sets` that field stays empty."""
        return _with_time(now, self._tail(chosen, permission_sets=permission_sets))

    def _tail(self, chosen: Iterable[SymbolRules], *, permission_sets: bool) -> bytes:
        symbols = [_symbol(rules, permission_sets=permission_sets) for rules in chosen]
        return orjson.dumps(self._head | {"symbols": symbols})


def in_microseconds(answer: bytes) -> bytes:
    """The same answer with its one time in us."""
    return answer.replace(b',"rateLimits"', b'000,"rateLimits"', 1)


def exchange_filters(limits: ExchangeLimits) -> list[Json]:
    """Filters over the whole exchange, those that are in force."""
    filters: list[Json] = [
        {"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": limits.max_num_orders},
        {
            "filterType": "EXCHANGE_MAX_NUM_ALGO_ORDERS",
            "maxNumAlgoOrders": limits.max_num_algo_orders,
        },
        {
            "filterType": "EXCHANGE_MAX_NUM_ICEBERG_ORDERS",
            "maxNumIcebergOrders": limits.max_num_iceberg_orders,
        },
        {
            "filterType": "EXCHANGE_MAX_NUM_ORDER_LISTS",
            "maxNumOrderLists": limits.max_num_order_lists,
        },
    ]
    return [entry for entry in filters if 0 not in entry.values()]


def symbol_filters(rules: SymbolRules) -> list[Json]:
    """A symbol's filters, in the order and form of the real exchange."""
    filters: list[Json] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": amount(rules.min_price),
            "maxPrice": amount(rules.max_price),
            "tickSize": amount(rules.tick_size),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": amount(rules.min_quantity),
            "maxQty": amount(rules.max_quantity),
            "stepSize": amount(rules.step_size),
        },
        {"filterType": "ICEBERG_PARTS", "limit": rules.iceberg_parts},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": amount(rules.market_min_quantity),
            "maxQty": amount(rules.market_max_quantity),
            "stepSize": amount(rules.market_step_size),
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": rules.min_trailing_above_delta,
            "maxTrailingAboveDelta": rules.max_trailing_above_delta,
            "minTrailingBelowDelta": rules.min_trailing_below_delta,
            "maxTrailingBelowDelta": rules.max_trailing_below_delta,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": _multiplier(rules.bid_multiplier_up),
            "bidMultiplierDown": _multiplier(rules.bid_multiplier_down),
            "askMultiplierUp": _multiplier(rules.ask_multiplier_up),
            "askMultiplierDown": _multiplier(rules.ask_multiplier_down),
            "avgPriceMins": rules.avg_price_mins,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": amount(rules.min_notional),
            "applyMinToMarket": rules.apply_min_to_market,
            "maxNotional": amount(rules.max_notional),
            "applyMaxToMarket": rules.apply_max_to_market,
            "avgPriceMins": rules.avg_price_mins,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.max_num_orders},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": rules.max_num_order_lists},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": rules.max_num_algo_orders},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": rules.max_num_order_amends},
    ]
    if rules.max_num_iceberg_orders:
        icebergs = rules.max_num_iceberg_orders
        filters.append({"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": icebergs})
    if rules.max_position:
        filters.append({"filterType": "MAX_POSITION", "maxPosition": amount(rules.max_position)})
    if rules.percent_multiplier_up:
        filters.append(
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": _multiplier(rules.percent_multiplier_up),
                "multiplierDown": _multiplier(rules.percent_multiplier_down),
                "avgPriceMins": rules.avg_price_mins,
            }
        )
    if rules.least_worth:
        filters.append(
            {
                "filterType": "MIN_NOTIONAL",
                "minNotional": amount(rules.least_worth),
                "applyToMarket": rules.least_worth_of_market,
                "avgPriceMins": rules.avg_price_mins,
            }
        )
    return filters


def asset_filters(rules: SymbolRules, limits: ExchangeLimits) -> list[Json]:
    """MAX_ASSET of a symbol's two assets, which only myFilters tells."""
    return [
        {"filterType": "MAX_ASSET", "asset": asset, "limit": amount(limits.max_asset[asset])}
        for asset in (rules.base, rules.quote)
        if asset in limits.max_asset
    ]


def _symbol(rules: SymbolRules, *, permission_sets: bool) -> Json:
    return {
        "symbol": rules.symbol,
        "status": rules.status,
        "baseAsset": rules.base,
        "baseAssetPrecision": rules.base_precision,
        "quoteAsset": rules.quote,
        "quotePrecision": rules.quote_precision,
        "quoteAssetPrecision": rules.quote_precision,
        "baseCommissionPrecision": rules.base_precision,
        "quoteCommissionPrecision": rules.quote_precision,
        "orderTypes": rules.order_types,
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": rules.amend_allowed,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": symbol_filters(rules),
        "permissions": [],
        "permissionSets": [["SPOT"]] if permission_sets else [],
        "defaultSelfTradePreventionMode": rules.default_stp,
        "allowedSelfTradePreventionModes": rules.stp_modes,
    }


def _multiplier(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _with_time(now: int, tail: bytes) -> bytes:
    return b'{"timezone":"UTC","serverTime":%d,' % now + tail[1:]
