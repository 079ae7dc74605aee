"""What futures' refusals mean, where spot's would mean something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trading_system.domain.errors import (
    DuplicateOrder,
    InsufficientFunds,
    OrderNotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unreachable,
    Unreadable,
)
from trading_system.exchange.faults import FUTURES_MEANINGS, SPOT_MEANINGS, fault

RECORDED = Path(__file__).parents[4] / "shared/data/rest/errors_seen_in_issues.json"
HTML = "<html>"

REJECTED_BY_NUMBER = [
    -1111, -1116, -1125, -2020, -2021, -2022, -2023, -2024, -2025, -2027, -2028, -4003, -4004,
    -4005, -4014, -4015, -4023, -4028, -4046, -4059, -4061, -4118, -4120, -4131, -4164, -4531,
    -5021, -5022, -5027,
]  # fmt: skip

ANSWERS = [
    # status, code (or no JSON), message, class for a read, class for a change
    *((400, code, "its words", Rejected, Rejected) for code in REJECTED_BY_NUMBER),
    (400, -2018, "Balance is insufficient.", InsufficientFunds, InsufficientFunds),
    (400, -2019, "Margin is insufficient.", InsufficientFunds, InsufficientFunds),
    (400, -4116, "ClientOrderId is duplicated.", DuplicateOrder, DuplicateOrder),
    (400, -2011, "Unknown order sent.", OrderNotFound, OrderNotFound),
    (400, -2013, "Order does not exist.", OrderNotFound, OrderNotFound),
    (429, -1015, "Too many new orders", RateLimited, RateLimited),
    # a 503 has three meanings
    (503, -1000, "Unknown error, please check your request or try again later.",
     Unreachable, OutcomeUnknown),
    (503, -1001, "Internal error; unable to process your request.", Unreachable, OutcomeUnknown),
    (503, -1016, "Service Unavailable.", Unreachable, Unreachable),
    (503, -1008, "Server is currently overloaded with other requests.", Unreachable, Unreachable),
    (503, HTML, "", Unreachable, OutcomeUnknown),
    (408, HTML, "", Unreachable, OutcomeUnknown),
    (451, 0, "Service unavailable from a restricted location", Rejected, Rejected),
    (404, HTML, "", Unreadable, OutcomeUnknown),
    (200, HTML, "", Unreadable, OutcomeUnknown),
]  # fmt: skip


def read(status, code, message, *, changing=False, meanings=FUTURES_MEANINGS):
    answer = None if code is HTML else {"code": code, "msg": message}
    return fault(status, {}, answer, state_changing=changing, now_ms=0, meanings=meanings)


@pytest.mark.parametrize(("status", "code", "message", "reading", "changing"), ANSWERS)
def test_every_answer_is_one_class(status, code, message, reading, changing):
    error = read(status, code, message)
    assert type(error) is reading
    assert type(read(status, code, message, changing=True)) is changing
    if isinstance(error, Rejected):
        assert error.code == code
        assert error.reason.startswith(message.rstrip("."))


@pytest.mark.parametrize("code", ["200", 200, 0])
def test_a_success_that_has_a_code_is_no_fault(code):
    """As cancelled algo orders and changed margin types are answered."""
    assert read(200, code, "success", changing=True) is None
    assert read(200, code, "success", changing=True, meanings=SPOT_MEANINGS) is None
    assert isinstance(read(400, code, "?"), Rejected)


@pytest.mark.parametrize("code", FUTURES_MEANINGS.advice)
def test_a_refusal_says_what_to_change(code):
    error = read(400, code, "No.")
    assert str(error) == f"No: {FUTURES_MEANINGS.advice[code]} ({code})"
    assert read(400, code, "No.", meanings=SPOT_MEANINGS).reason == "No."


def test_overload_says_nothing_of_an_order_on_spot():
    words = "Server is currently overloaded with other requests."
    error = read(503, -1008, words, changing=True, meanings=SPOT_MEANINGS)
    assert type(error) is OutcomeUnknown


@pytest.mark.recorded
@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded answers beside the project")
def test_no_refusal_ever_seen_counts_as_a_good_answer():
    for seen in json.loads(RECORDED.read_text()):
        try:
            answer = json.loads(seen["body"])
        except ValueError:
            answer = None
        status = seen["http_status"] or 400
        error = fault(status, {}, answer, state_changing=True, now_ms=0, meanings=FUTURES_MEANINGS)
        assert error is not None, seen
        if "fapi" in seen["context"] and status != 503:
            assert isinstance(error, Rejected), seen
