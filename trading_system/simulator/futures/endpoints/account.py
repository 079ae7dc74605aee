"""The account as it stands: its wallet, its positions and the margin they bind."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from trading_system.simulator.futures import wire
from trading_system.simulator.futures.clearing import Account
from trading_system.simulator.futures.endpoints.request import Request
from trading_system.simulator.futures.model import MARGIN_ASSET
from trading_system.simulator.futures.positions import (
    Margins,
    largest_notional,
)
from trading_system.simulator.futures.wire import Json, money

_ALIAS = "SgsR"  # of the account, which clients show and nobody needs
_ZERO = Decimal(0)


def balance(request: Request) -> list[Json]:
    """GET v2/balance and v3/balance: the one asset there is."""
    request.exchange.advance(request.now)
    wallet, margins = _wallet(request)
    profit = _sum(each.unrealised for each in margins.values())
    free = _free(request)
    return [
        {
            "accountAlias": _ALIAS,
            "asset": MARGIN_ASSET,
            "balance": money(wallet.balance),
            "crossWalletBalance": money(wallet.balance),
            "crossUnPnl": money(profit),
            "availableBalance": money(free),
            "maxWithdrawAmount": money(free),
            "marginAvailable": True,
            "updateTime": wallet.updated,
        }
    ]


def account(request: Request) -> Json:
    """GET v3/account: only symbols with a position or an open order."""
    request.exchange.advance(request.now)
    _, margins = _wallet(request)
    return {
        **_totals(request),
        "assets": [_asset(request)],
        "positions": [_position_of_account(request, s, each) for s, each in margins.items()],
    }


def account_v2(request: Request) -> Json:
    """GET v2/account: every symbol, and what the account may do."""
    request.exchange.advance(request.now)
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "tradeGroupId": -1,
        "updateTime": 0,
        "multiAssetsMargin": False,
        **_totals(request),
        "assets": [_asset(request) | {"marginAvailable": True}],
        "positions": [
            _position_of_account(request, rules.symbol, _margins(request, rules.symbol))
            | _settings_of_position(request, rules.symbol)
            for rules in request.chosen()
        ],
    }


def position_risk(request: Request) -> list[Json]:
    """GET v3/positionRisk: symbols with a position or an open order."""
    symbol = request.symbol()
    request.exchange.advance(request.now)
    _, margins = _wallet(request)
    return [
        wire.position_risk(each, margins[each], request.scale(each))
        for each in margins
        if symbol in {None, each}
    ]


def position_risk_v2(request: Request) -> list[Json]:
    """GET v2/positionRisk: every symbol."""
    request.exchange.advance(request.now)
    return [
        _risk_v2(request, rules.symbol, _margins(request, rules.symbol))
        for rules in request.chosen()
    ]


def _wallet(request: Request) -> tuple[Account, dict[str, Margins]]:
    clearing = request.exchange.venue.accounts
    return (
        clearing.account(request.account),
        clearing.all_margins(request.account, request.now),
    )


def _margins(request: Request, symbol: str) -> Margins:
    return request.exchange.venue.accounts.margins(request.account, symbol, request.now)


def _free(request: Request) -> Decimal:
    available = request.exchange.venue.accounts.available(request.account, request.now)
    return max(available, _ZERO)


def _totals(request: Request) -> Json:
    wallet, margins = _wallet(request)
    each = margins.values()
    profit = _sum(one.unrealised for one in each)
    return {
        "totalInitialMargin": money(_sum(one.initial for one in each)),
        "totalMaintMargin": money(_sum(one.maintenance for one in each)),
        "totalWalletBalance": money(wallet.balance),
        "totalUnrealizedProfit": money(profit),
        "totalMarginBalance": money(wallet.balance + profit),
        "totalPositionInitialMargin": money(_sum(one.of_position for one in each)),
        "totalOpenOrderInitialMargin": money(_sum(one.of_orders for one in each)),
        "totalCrossWalletBalance": money(wallet.balance),
        "totalCrossUnPnl": money(profit),
        "availableBalance": money(_free(request)),
        "maxWithdrawAmount": money(_free(request)),
    }


def _asset(request: Request) -> Json:
    totals = _totals(request)
    return {
        "asset": MARGIN_ASSET,
        "walletBalance": totals["totalWalletBalance"],
        "unrealizedProfit": totals["totalUnrealizedProfit"],
        "marginBalance": totals["totalMarginBalance"],
        "maintMargin": totals["totalMaintMargin"],
        "initialMargin": totals["totalInitialMargin"],
        "positionInitialMargin": totals["totalPositionInitialMargin"],
        "openOrderInitialMargin": totals["totalOpenOrderInitialMargin"],
        "crossWalletBalance": totals["totalCrossWalletBalance"],
        "crossUnPnl": totals["totalCrossUnPnl"],
        "availableBalance": totals["availableBalance"],
        "maxWithdrawAmount": totals["maxWithdrawAmount"],
        "updateTime": request.exchange.venue.accounts.account(request.account).updated,
    }


def _position_of_account(request: Request, symbol: str, margins: Margins) -> Json:
    held = margins.position
    return {
        "symbol": symbol,
        "positionSide": wire.ONE_WAY,
        "positionAmt": request.scale(symbol).quantity(held.amount),
        "unrealizedProfit": money(margins.unrealised),
        "isolatedMargin": money(_ZERO),
        "notional": money(margins.notional),
        "isolatedWallet": money(_ZERO),
        "initialMargin": money(margins.initial),
        "maintMargin": money(margins.maintenance),
        "updateTime": held.updated,
    }


def _settings_of_position(request: Request, symbol: str) -> Json:
    margins = _margins(request, symbol)
    return {
        "positionInitialMargin": money(margins.of_position),
        "openOrderInitialMargin": money(margins.of_orders),
        "leverage": str(margins.leverage),
        "isolated": False,
        "entryPrice": wire.plain(margins.position.entry_price),
        "breakEvenPrice": wire.plain(margins.position.break_even_price),
        "maxNotional": f"{largest_notional(margins.leverage):f}",
        "bidNotional": money(margins.bids),
        "askNotional": money(margins.asks),
    }


def _risk_v2(request: Request, symbol: str, margins: Margins) -> Json:
    held = margins.position
    return {
        "symbol": symbol,
        "positionAmt": request.scale(symbol).quantity(held.amount),
        "entryPrice": wire.plain(held.entry_price),
        "breakEvenPrice": wire.plain(held.break_even_price),
        "markPrice": money(margins.mark),
        "unRealizedProfit": money(margins.unrealised),
        "liquidationPrice": "0",
        "leverage": str(margins.leverage),
        "maxNotionalValue": f"{largest_notional(margins.leverage):f}",
        "marginType": "cross",
        "isolatedMargin": money(_ZERO),
        "isAutoAddMargin": "false",
        "positionSide": wire.ONE_WAY,
        "notional": money(margins.notional),
        "isolatedWallet": "0",
        "updateTime": held.updated,
    }


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _ZERO)
