"""Every code of the venue and every failure of the network is one class of ours."""

from __future__ import annotations

import aiohttp
import pytest

from trading_system.domain.errors import (
    DuplicateOrder,
    InsufficientFunds,
    OrderNotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    UnknownSymbol,
    Unreachable,
    Unreadable,
)
from trading_system.exchange.faults import fault, transport_fault

NOW = 1_700_000_000_000


def read(status, code=None, message="", headers=None, *, changing=False):
    answer = None if code is None else {"code": code, "msg": message}
    return fault(status, headers or {}, answer, state_changing=changing, now_ms=NOW)


def test_a_good_answer_is_no_fault() -> None:
    assert fault(200, {}, {"symbol": "X"}, state_changing=True, now_ms=NOW) is None
    assert fault(200, {}, [], state_changing=False, now_ms=NOW) is None
    assert fault(200, {}, {}, state_changing=True, now_ms=NOW) is None


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1008])
@pytest.mark.parametrize("status", [400, 500, 503])
def test_a_code_that_leaves_the_status_open_is_asked_about_never_resent(status, code) -> None:
    assert type(read(status, code, changing=True)) is OutcomeUnknown
    assert type(read(status, code)) is Unreachable


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_without_json_leaves_an_order_unknown(status) -> None:
    assert type(read(status, changing=True)) is OutcomeUnknown
    assert type(read(status)) is Unreachable


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (-1013, "Filter failure: LOT_SIZE", Rejected),
        (-1014, "Unsupported order combination.", Rejected),
        (-1021, "Timestamp for this request is outside of the recvWindow.", Rejected),
        (-1022, "Signature for this request is not valid.", Rejected),
        (-1100, "Illegal characters found in a parameter.", Rejected),
        (-1102, "Mandatory parameter 'x' was not sent.", Rejected),
        (-1111, "Parameter 'price' has too much precision.", Rejected),
        (-1121, "Invalid symbol.", UnknownSymbol),
        (-2010, "Account has insufficient balance for requested action.", InsufficientFunds),
        (-2010, "Duplicate order sent.", DuplicateOrder),
        (-2010, "Order would immediately match and take.", Rejected),
        (-2011, "Unknown order sent.", OrderNotFound),
        (-2011, "Order was not canceled due to cancel restrictions.", Rejected),
        (-2013, "Order does not exist.", OrderNotFound),
        (-2014, "API-key format invalid.", Rejected),
        (-2015, "Invalid API-key, IP, or permissions for action.", Rejected),
        (-2021, "Order cancel-replace partially failed.", Rejected),
        (-2026, "Order was archived.", OrderNotFound),
    ],
)
@pytest.mark.parametrize("changing", [True, False])
def test_a_refusal_is_told_apart_by_its_number(code, message, kind, changing) -> None:
    error = read(400, code, message, changing=changing)
    assert type(error) is kind
    if isinstance(error, Rejected):
        assert (error.code, error.reason) == (code, message)


@pytest.mark.parametrize(
    ("status", "code"), [(429, -1003), (418, -1003), (429, -1015), (400, -1034), (429, None)]
)
def test_too_many_requests_say_how_long_to_wait(status, code) -> None:
    error = read(status, code, headers={"Retry-After": "17"})
    assert isinstance(error, RateLimited)
    assert error.retry_after == 17


def test_a_ban_without_a_header_is_read_from_its_text() -> None:
    error = read(418, -1003, f"Way too much request weight used; IP banned until {NOW + 90_000}.")
    assert isinstance(error, RateLimited)
    assert error.retry_after == 90


def test_a_limit_that_says_nothing_lasts_a_window() -> None:
    error = read(429, -1003, headers={"retry-after": "soon"})
    assert isinstance(error, RateLimited)
    assert error.retry_after == 60


def test_the_firewalls_page_is_a_limit_of_five_minutes() -> None:
    error = read(403, changing=True)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 300


@pytest.mark.parametrize("answer", [{"code": "x"}, {"code": None}, "text", None])
def test_an_error_page_without_a_code_is_unreadable(answer) -> None:
    error = fault(410, {}, answer, state_changing=False, now_ms=NOW)
    assert type(error) is Unreadable


def test_an_empty_answer_to_an_order_is_no_answer() -> None:
    assert type(read(200, changing=True)) is OutcomeUnknown
    assert type(read(200)) is Unreadable


def caused(cause: BaseException) -> Exception:
    failure = RuntimeError("as ccxt wraps it")
    failure.__cause__ = cause
    return failure


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (aiohttp.ServerDisconnectedError(), OutcomeUnknown),
        (aiohttp.ClientPayloadError(), OutcomeUnknown),
        (ConnectionResetError(), OutcomeUnknown),
        (TimeoutError(), OutcomeUnknown),
        (aiohttp.ClientOSError(), OutcomeUnknown),
        (ConnectionRefusedError(), Unreachable),
    ],
)
def test_only_a_call_that_never_left_is_safe_to_repeat(cause, kind) -> None:
    assert type(transport_fault(caused(cause), state_changing=True)) is kind
    assert type(transport_fault(caused(cause), state_changing=False)) is Unreachable


def test_a_failure_without_a_cause_speaks_for_itself() -> None:
    assert str(transport_fault(TimeoutError(), state_changing=False)) == "TimeoutError"
