"""Rows of candles in text files, whatever their timeframe."""

from __future__ import annotations

import gzip
import math

import numpy as np
import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.market.candle_files import chunks, judged, table

HOUR = 3_600_000
START = 1_730_073_600_000


def rows(count=3, step=HOUR):
    return np.array([[START + i * step, 100.5, 101, 99, 100, 1.25] for i in range(count)])


def text(table, unit=1):
    lines = (f"{int(row[0]) * unit},{','.join(map(repr, row[1:].tolist()))}\n" for row in table)
    return "open_time,open,high,low,close,volume\n" + "".join(lines)


@pytest.mark.parametrize("unit", [1, 1_000], ids=["ms", "µs"])
def test_candles_of_any_length_are_read(tmp_path, unit):
    path = tmp_path / "hours.csv.gz"
    path.write_bytes(gzip.compress(text(rows(), unit).encode()))
    read = np.concatenate([table(path, chunk) for chunk in chunks(path, 2)])
    np.testing.assert_array_equal(read, rows())


def test_a_wrong_row_is_told_with_its_line(tmp_path):
    path = tmp_path / "hours.csv"
    path.write_text(text(rows()).replace(",99.0,100.0", ",99.0,98.0", 2))
    with pytest.raises(InvalidRequest, match=r"hours\.csv, line 2: 0 < low <= open"):
        table(path, next(chunks(path, 10)))


@pytest.mark.parametrize(
    ("column", "value"),
    [(0, START + 1), (0, 0), (0, math.nan), (1, math.nan), (2, math.inf), (3, 0), (5, -1)],
)
def test_a_row_that_is_no_candle_is_refused(column, value):
    wrong = rows()
    wrong[1, column] = value
    with pytest.raises(ValueError, match=r"time is not the start|does not hold"):
        judged(wrong)
