"""What an account may set, and what is set for it: leverage, modes, brackets, rates, limits."""

from __future__ import annotations

from trading_system.simulator.arguments import required
from trading_system.simulator.futures import commands
from trading_system.simulator.futures.endpoints.request import Request
from trading_system.simulator.futures.order_counts import ORDER_LIMITS
from trading_system.simulator.futures.positions import (
    BRACKETS,
    MAKER_RATE,
    TAKER_RATE,
    largest_notional,
)
from trading_system.simulator.futures.wire import Json
from trading_system.simulator.model import Refused

_MARGIN_TYPES = {"CROSSED", "ISOLATED"}


def set_leverage(request: Request) -> Json:
    """POST leverage."""
    command = commands.set_leverage(request.arguments, request.account)
    request.exchange.handle(command, request.now)
    return {
        "leverage": command.leverage,
        "maxNotionalValue": f"{largest_notional(command.leverage):f}",
        "symbol": command.symbol,
    }


def set_margin_type(request: Request) -> Json:
    """POST marginType: there is cross margin only, which every symbol has already."""
    request.rules()
    kind = required("marginType", request.arguments.text("marginType"))
    if kind not in _MARGIN_TYPES:
        raise Refused(-1130, "Data sent for parameter 'marginType' is not valid.")
    if kind == "CROSSED":
        raise Refused(-4046, "No need to change margin type.")
    raise Refused(-1020, "This operation is not supported.")


def position_mode(_: Request) -> Json:
    """GET positionSide/dual: one-way mode."""
    return {"dualSidePosition": False}


def set_position_mode(request: Request) -> Json:
    """POST positionSide/dual: there is one-way mode only."""
    required("dualSidePosition", request.arguments.text("dualSidePosition"))
    if request.arguments.flag("dualSidePosition", default=False):
        raise Refused(-1020, "This operation is not supported.")
    raise Refused(-4059, "No need to change position side.")


def assets_mode(_: Request) -> Json:
    """GET multiAssetsMargin: the margin asset only."""
    return {"multiAssetsMargin": False}


def symbol_config(request: Request) -> list[Json]:
    """GET symbolConfig."""
    return [
        {
            "symbol": rules.symbol,
            "marginType": "CROSSED",
            "isAutoAddMargin": False,
            "leverage": _leverage(request, rules.symbol),
            "maxNotionalValue": f"{largest_notional(_leverage(request, rules.symbol)):f}",
        }
        for rules in request.chosen()
    ]


def account_config(_: Request) -> Json:
    """GET accountConfig."""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": False,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def leverage_brackets(request: Request) -> list[Json]:
    """GET leverageBracket: one table for every symbol."""
    return [
        {
            "symbol": rules.symbol,
            "notionalCoef": 1.0,
            "brackets": [
                {
                    "bracket": number,
                    "initialLeverage": bracket.leverage,
                    "notionalCap": int(bracket.cap),
                    "notionalFloor": int(bracket.floor),
                    "maintMarginRatio": float(bracket.rate),
                    "cum": float(bracket.cumulative),
                }
                for number, bracket in enumerate(BRACKETS, start=1)
            ],
        }
        for rules in request.chosen()
    ]


def commission_rate(request: Request) -> Json:
    """GET commissionRate."""
    return {
        "symbol": request.rules().symbol,
        "makerCommissionRate": f"{MAKER_RATE:f}",
        "takerCommissionRate": f"{TAKER_RATE:f}",
    }


def order_limits(_: Request) -> list[Json]:
    """GET rateLimit/order."""
    return [dict(limit.row) for limit in ORDER_LIMITS]


def _leverage(request: Request, symbol: str) -> int:
    return request.exchange.venue.accounts.leverage(request.account, symbol)
