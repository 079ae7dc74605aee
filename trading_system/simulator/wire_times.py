"""Answers whose times are wanted in microseconds, as X-MBX-TIME-UNIT asks for.

They are found by their names, so that whoever writes an answer need not know. Source: Binance's
rest-api.md, "General Information on Endpoints", and recorded answers.
"""

from __future__ import annotations

_TIMES = frozenset(
    {
        "T",
        "openTime",
        "serverTime",
        "time",
        "timestamp",
        "trailingTime",
        "transactTime",
        "transactionTime",
        "updateTime",
        "workingTime",
    }
)
_MINUTE = 60_000
_KLINE_FIELDS = 12
_KLINE_CLOSE = 6


def in_microseconds(answer: object) -> object:
    """The same answer with every time in us.

    A closing time at the last ms of a minute becomes the last us of it.
    """
    if isinstance(answer, dict):
        return {name: _in_microseconds(name, value) for name, value in answer.items()}
    if isinstance(answer, list):
        if len(answer) == _KLINE_FIELDS and isinstance(answer[0], int):
            return _kline_in_microseconds(answer)
        return [in_microseconds(value) for value in answer]
    return answer


def _in_microseconds(name: str, value: object) -> object:
    if not isinstance(value, int):
        return in_microseconds(value)
    if name == "closeTime":
        return _closing(value)
    return value * 1000 if name in _TIMES and value >= 0 else value


def _kline_in_microseconds(row: list[object]) -> list[object]:
    row = list(row)
    opening, closing = row[0], row[_KLINE_CLOSE]
    assert isinstance(opening, int)  # noqa: S101 -- KlineRow
    assert isinstance(closing, int)  # noqa: S101 -- KlineRow
    row[0], row[_KLINE_CLOSE] = opening * 1000, closing * 1000 + 999
    return row


def _closing(value: int) -> int:
    return value * 1000 + (999 if (value + 1) % _MINUTE == 0 else 0)
