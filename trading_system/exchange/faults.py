"""What went wrong, from the venue's number or the network's failure to one class of our error tree.

Only here: ccxt's own exception classes depend on the host name and on earlier calls, so they are
never looked at. Codes: Binance's Spot and USD-M Futures errors documentation.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from trading_system.domain.errors import (
    DuplicateOrder,
    ExchangeError,
    InsufficientFunds,
    OrderNotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    TradingError,
    UnknownSymbol,
    Unreachable,
    Unreadable,
)

UNKNOWN_SYMBOL = -1121
TIMESTAMP = -1021

_NEVER_SENT = (
    aiohttp.ClientConnectorError,  # refused, no such host, or TLS that does not come about
    aiohttp.ConnectionTimeoutError,
    ConnectionRefusedError,
    socket.gaierror,
)
STATUS_UNKNOWN = frozenset({-1000, -1001, -1006, -1007, -1008})
_SUCCESS = 300  # HTTP statuses below it
_TOO_MUCH = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT})
_TOO_MANY_ORDERS = -1015
_LIMITS = frozenset({-1003, _TOO_MANY_ORDERS, -1034})
_NOT_FOUND = frozenset({-2011, -2013, -2026})
_FIREWALL_PAUSE = 300.0  # the web firewall's 403 is a limit of its own, about five minutes
_DEFAULT_PAUSE = 60.0  # weight windows are a minute long
_BANNED_UNTIL = re.compile(r"until (\d{13})")
_SERVER_ERROR = 500
_TIMEOUT = HTTPStatus.REQUEST_TIMEOUT
_CLIENT_ERROR = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanings:
    """What an API's refusals mean beyond what all of them share.

    `failed` codes and `failed_texts` say that nothing happened where others would leave it open;
    `halves` are of one call for two things; `advice` is what to change, where the venue's own words
    do not say so.
    """

    failed: frozenset[int] = frozenset()
    failed_texts: frozenset[str] = frozenset()
    insufficient: frozenset[int] = frozenset()
    duplicate: frozenset[int] = frozenset()
    halves: frozenset[int] = frozenset()
    advice: Mapping[int, str] = field(default_factory=dict)


SPOT_MEANINGS = Meanings(halves=frozenset({-2021, -2022}))
FUTURES_MEANINGS = Meanings(
    failed=frozenset({-1008}),  # throttled: "did not execute" is documented here, not on spot
    failed_texts=frozenset({"Service Unavailable."}),
    insufficient=frozenset({-2018, -2019}),
    duplicate=frozenset({-4116}),
    advice={
        -2019: "lower the quantity or raise the leverage",
        -2022: "there is no position that it would reduce",
        -2027: "lower the leverage or the position",
        -2028: "lower the leverage, or close some of the position",
        -4028: "the symbol does not allow this leverage",
        -4061: "switch the account to one-way mode",
        -4120: "conditional orders have an endpoint of their own",
    },
)


class HalfDone(Rejected):
    """A cancelReplace of which at least one half failed; `data` tells of both."""

    def __init__(self, code: int, reason: str, data: Mapping[str, Any]) -> None:
        super().__init__(code, reason)
        self.data = data


def fault(
    status: int,
    headers: Mapping[str, str],
    answer: Any,
    *,
    state_changing: bool,
    now_ms: int,
    meanings: Meanings = SPOT_MEANINGS,
) -> TradingError | None:
    """The error this HTTP answer stands for, or None when it is a good one.

    `answer` is the decoded JSON body, None when it was empty or no JSON.
    """
    code, reason = _code_and_reason(answer)
    if code is not None and code >= 0 and status < _SUCCESS:
        return None  # futures say "success" with a code of 200
    if status in _TOO_MUCH or code in _LIMITS:
        return RateLimited(
            reason or f"HTTP {status}",
            retry_after=_pause(headers, reason, now_ms),
            only_orders=code == _TOO_MANY_ORDERS,
        )
    if status == HTTPStatus.FORBIDDEN and code is None:
        return RateLimited("the venue's firewall refuses us", retry_after=_FIREWALL_PAUSE)
    failed = code in meanings.failed or reason in meanings.failed_texts
    if failed or status >= _SERVER_ERROR or status == _TIMEOUT or code in STATUS_UNKNOWN:
        return _no_answer(reason or f"HTTP {status}", state_changing=state_changing and not failed)
    if code is not None:
        return _refusal(code, reason, meanings, answer.get("data"))
    if status >= _CLIENT_ERROR:
        # Whoever stands before the venue may have said so after the venue did it.
        lost = OutcomeUnknown if state_changing else Unreadable
        return lost(f"HTTP {status} without an error code")
    if answer is None:
        lost = OutcomeUnknown if state_changing else Unreadable
        return lost("the venue answered with nothing readable")
    return None


def transport_fault(failure: BaseException, *, state_changing: bool) -> ExchangeError:
    """The error for a call that got no HTTP answer at all.

    Where no connection came about, nothing can have happened; everywhere else it may have.
    """
    cause = failure.__cause__ or failure
    reason = f"{type(cause).__name__}: {cause}".rstrip(": ")
    if isinstance(cause, _NEVER_SENT):
        return Unreachable(reason)
    return _no_answer(reason, state_changing=state_changing)


def _no_answer(reason: str, *, state_changing: bool) -> ExchangeError:
    return OutcomeUnknown(reason) if state_changing else Unreachable(reason)


def _refusal(code: int, reason: str, meanings: Meanings, data: object) -> TradingError:
    if code in meanings.halves:
        return HalfDone(code, reason, data if isinstance(data, dict) else {})
    if code == UNKNOWN_SYMBOL:
        return UnknownSymbol("the venue lists no such symbol")
    advice = meanings.advice.get(code)
    told = f"{reason.rstrip('.')}: {advice}" if advice else reason
    return _refusal_class(code, reason, meanings)(code, told)


def _refusal_class(code: int, reason: str, meanings: Meanings) -> Callable[[int, str], Rejected]:
    if "insufficient balance" in reason or code in meanings.insufficient:
        return InsufficientFunds
    if "Duplicate order" in reason or code in meanings.duplicate:
        return DuplicateOrder
    if code in _NOT_FOUND and "restrictions" not in reason:
        return OrderNotFound
    return Rejected


def _code_and_reason(answer: Any) -> tuple[int | None, str]:
    if isinstance(answer, dict) and "code" in answer:
        try:
            return int(answer["code"]), str(answer.get("msg", ""))
        except (TypeError, ValueError):
            return None, ""
    return None, ""


def _pause(headers: Mapping[str, str], reason: str, now_ms: int) -> float:
    for name, value in headers.items():
        if name.lower() == "retry-after" and value.isdigit():
            return float(value)
    banned = _BANNED_UNTIL.search(reason)
    if banned:
        return max(0.0, (int(banned[1]) - now_ms) / 1000)
    return _DEFAULT_PAUSE
