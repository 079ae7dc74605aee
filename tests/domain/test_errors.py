"""The tree of errors."""

from __future__ import annotations

from trading_system.domain import errors


def test_every_error_of_ours_has_one_root() -> None:
    classes = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and each.__module__ == errors.__name__
    ]
    assert errors.Rejected in classes
    assert all(issubclass(each, errors.TradingError) for each in classes)


def test_a_refusal_reads_as_reason_and_code() -> None:
    assert str(errors.Rejected(-1013, "Filter failure: LOT_SIZE")) == (
        "Filter failure: LOT_SIZE (-1013)"
    )


def test_a_circuit_says_when_to_try_again() -> None:
    assert errors.CircuitOpen("failed", retry_after=60).retry_after == 60
    assert errors.CircuitOpen("failed").retry_after == 5


def test_a_limit_says_how_long_to_wait() -> None:
    assert errors.RateLimited("slow down", retry_after=7).retry_after == 7
