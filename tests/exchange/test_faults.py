"""Every code of the venue and every failure of the network is one class of ours, by one table."""

from __future__ import annotations

import asyncio
import socket
import ssl
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

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
from trading_system.exchange.faults import HalfDone, fault, transport_fault

NOW = 1_700_000_000_000
HTML = "<html>"
"""No JSON: an error page, nothing at all, or an answer cut short. ccxt hands all on as None."""

NO_ANSWER = (Unreachable, OutcomeUnknown)
"""Safe to repeat where nothing was to be changed, to be looked up where something was."""

REJECTED_BY_NUMBER = [
    (401, -1002), (400, -1013), (400, -1014), (400, -1016), (400, -1020), (400, -1021),
    (400, -1022), (400, -1100), (400, -1101), (400, -1102), (400, -1103), (400, -1104),
    (400, -1105), (400, -1106), (400, -1108), (400, -1111), (400, -1112), (400, -1114),
    (400, -1115), (400, -1116), (400, -1117), (400, -1118), (400, -1119), (400, -1120),
    (400, -1122), (400, -1125), (400, -1127), (400, -1128), (400, -1130), (400, -1131),
    (400, -1134), (400, -1135), (400, -1139), (400, -1145), (400, -1151), (400, -1158),
    (400, -1168), (400, -1194), (400, -1196), (400, -1199), (400, -1220), (401, -2014),
    (401, -2015), (400, -2016), (400, -2035), (400, -2036),
    (400, -2038), (400, -2039), (400, -2042), (400, -2043), (400, -9999), (403, -2015),
]  # fmt: skip

ANSWERS = [
    # status, code (or no JSON), message, class for a read, class for a change
    *((status, code, "its words", Rejected, ...) for status, code in REJECTED_BY_NUMBER),
    (400, -1121, "Invalid symbol.", UnknownSymbol, UnknownSymbol),
    (400, -2010, "Account has insufficient balance for requested action.", InsufficientFunds, ...),
    (400, -2010, "Duplicate order sent.", DuplicateOrder, ...),
    (400, -2010, "Order would immediately match and take.", Rejected, ...),
    (400, -2010, "Market is closed.", Rejected, ...),
    (400, -2011, "Unknown order sent.", OrderNotFound, ...),
    (400, -2011, "Order was not canceled due to cancel restrictions.", Rejected, ...),
    (400, -2013, "Order does not exist.", OrderNotFound, ...),
    (400, -2026, "Order was archived.", OrderNotFound, ...),
    (409, -2021, "Order cancel-replace partially failed.", HalfDone, ...),
    (400, -2022, "Order cancel-replace failed.", HalfDone, ...),
    # too much
    (429, -1003, "Too much request weight used", RateLimited, ...),
    (418, -1003, "Way too much request weight used", RateLimited, ...),
    (429, -1015, "Too many new orders", RateLimited, ...),
    (400, -1034, "Too many connections", RateLimited, ...),
    (429, HTML, "", RateLimited, ...),
    (418, HTML, "", RateLimited, ...),
    (403, HTML, "", RateLimited, ...),
    # nobody knows what happened
    *(
        (status, code, "unknown", *NO_ANSWER)
        for code in (-1000, -1001, -1006, -1007, -1008)
        for status in (400, 500, 503)
    ),
    *((status, HTML, "", *NO_ANSWER) for status in (408, 500, 502, 503, 504, 520)),
    (500, -2010, "Duplicate order sent.", *NO_ANSWER),
    # no answer in spite of its status
    (200, HTML, "", Unreadable, OutcomeUnknown),
    (302, HTML, "", Unreadable, OutcomeUnknown),
    (400, HTML, "", Unreadable, OutcomeUnknown),
    (404, HTML, "", Unreadable, OutcomeUnknown),
    (410, HTML, "", Unreadable, OutcomeUnknown),
    (414, HTML, "", Unreadable, OutcomeUnknown),
]  # fmt: skip

KEY = ConnectionKey("venue", 443, True, True, None, None, None)
REFUSED = ConnectionRefusedError(111, "refused")

TRANSPORT = [
    ("refused", aiohttp.ClientConnectorError(KEY, REFUSED), Unreachable, Unreachable),
    ("refused, plain", REFUSED, Unreachable, Unreachable),
    ("no such host", aiohttp.ClientConnectorDNSError(KEY, OSError("?")), Unreachable, Unreachable),
    ("no such host, plain", socket.gaierror(-2, "?"), Unreachable, Unreachable),
    ("TLS", aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError("bad")), Unreachable, Unreachable),
    (
        "certificate",
        aiohttp.ClientConnectorCertificateError(KEY, ValueError("expired")),
        Unreachable,
        Unreachable,
    ),
    ("no connection in time", aiohttp.ConnectionTimeoutError(), Unreachable, Unreachable),
    ("no answer in time", TimeoutError(), *NO_ANSWER),
    ("no answer in time, by aiohttp", aiohttp.SocketTimeoutError(), *NO_ANSWER),
    ("reset", ConnectionResetError(104, "reset"), *NO_ANSWER),
    ("reset, by aiohttp", aiohttp.ClientOSError(104, "reset"), *NO_ANSWER),
    ("closed before the answer", aiohttp.ServerDisconnectedError(), *NO_ANSWER),
    ("closed within the answer", aiohttp.ClientPayloadError("cut"), *NO_ANSWER),
    (
        "garbage",
        aiohttp.ClientResponseError(SimpleNamespace(real_url="http://venue"), (), status=400),
        *NO_ANSWER,
    ),
]


def read(status, code=HTML, message="", headers=None, *, changing=False):
    answer = None if code is HTML else {"code": code, "msg": message}
    return fault(status, headers or {}, answer, state_changing=changing, now_ms=NOW)


@pytest.mark.parametrize(("status", "code", "message", "reading", "changing"), ANSWERS)
def test_every_answer_is_one_class(status, code, message, reading, changing) -> None:
    error = read(status, code, message)
    assert type(error) is reading
    assert type(read(status, code, message, changing=True)) is (
        reading if changing is ... else changing
    )
    if isinstance(error, Rejected):
        assert (error.code, error.reason) == (code, message)


@pytest.mark.parametrize(("name", "cause", "reading", "changing"), TRANSPORT)
def test_every_failure_on_the_way_is_one_class(name, cause, reading, changing) -> None:
    wrapped = RuntimeError("as ccxt wraps it")
    wrapped.__cause__ = cause
    for failure in (cause, wrapped):
        assert type(transport_fault(failure, state_changing=False)) is reading, name
        assert type(transport_fault(failure, state_changing=True)) is changing, name


@pytest.mark.parametrize("answer", [{"symbol": "X"}, [], {}, [1], {"codes": 1}])
@pytest.mark.parametrize("changing", [True, False])
def test_a_good_answer_is_no_fault(answer, changing) -> None:
    assert fault(200, {}, answer, state_changing=changing, now_ms=NOW) is None


@pytest.mark.parametrize("answer", [{"code": "x"}, {"code": None}, "text"])
def test_a_code_that_is_no_number_is_none(answer) -> None:
    assert type(fault(400, {}, answer, state_changing=False, now_ms=NOW)) is Unreadable


def test_a_code_in_quotes_is_a_number() -> None:
    error = fault(400, {}, {"code": "-1013", "msg": "?"}, state_changing=False, now_ms=NOW)
    assert isinstance(error, Rejected)
    assert error.code == -1013


@pytest.mark.parametrize(("code", "only_orders"), [(-1015, True), (-1003, False), (HTML, False)])
def test_too_many_orders_are_no_reason_to_ask_for_nothing_else(code, only_orders) -> None:
    error = read(429, code)
    assert isinstance(error, RateLimited)
    assert error.only_orders == only_orders


def pause(*answer, **headers):
    error = read(*answer, headers={name.replace("_", "-"): text for name, text in headers.items()})
    assert isinstance(error, RateLimited)
    return error.retry_after


BANNED = f"Way too much request weight used; IP banned until {NOW + 90_000}."


def test_how_long_to_wait_is_in_a_header() -> None:
    assert pause(429, -1003, Retry_After="17") == 17
    assert pause(418, -1003, BANNED, retry_after="17") == 17


def test_or_in_the_text_of_a_ban() -> None:
    assert pause(418, -1003, BANNED) == 90
    assert pause(418, -1003, BANNED.replace(str(NOW + 90_000), str(NOW - 1))) == 0


def test_or_else_it_is_a_window() -> None:
    assert pause(429, -1003, retry_after="soon", content_type="x") == 60


def test_the_firewalls_page_is_a_limit_of_five_minutes() -> None:
    assert pause(403) == 300


def test_a_failure_without_a_cause_speaks_for_itself() -> None:
    assert str(transport_fault(TimeoutError(), state_changing=False)) == "TimeoutError"
    assert str(transport_fault(REFUSED, state_changing=False)).startswith("ConnectionRefusedError")


async def test_garbage_on_the_wire_is_no_answer(impatient) -> None:
    """The table names what aiohttp raises; this shows that it does."""
    from trading_system.exchange.client import Client
    from trading_system.exchange.endpoints import trading_endpoints

    async def babble(reader, writer):
        await reader.readline()
        writer.write(b"\x00\x01 garbage \r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    endpoints = trading_endpoints(f"http://127.0.0.1:{port}")
    client = Client(endpoints=endpoints, clock=impatient, timeout_seconds=5)
    try:
        with pytest.raises(OutcomeUnknown):
            await client.call("order", method="POST")
        with pytest.raises(Unreachable):
            await client.call("time")
    finally:
        await client.close()
        server.close()
