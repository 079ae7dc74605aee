"""Recorded files are read to the last digit, or refused with the place that is wrong."""

from __future__ import annotations

import gzip
import zipfile

import pytest

from trading_system.simulator.replay.reader import read

HEADER = "timestamp_ms,open,high,low,close,volume"
FIRST = "1619323200000,50000.01,50001.5,49999,50000.1,12.345678"
NEXT = "1619323260000,50000.1,50002,50000,50001,0.00000001"


def write(path, *lines):
    text = "\n".join(lines)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside.csv", text)
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "symbol", "interval"),
    [
        ("BTCUSDT-1m-2024-10.csv", "BTCUSDT", "1m"),
        ("BTCUSDT_1m_2021-04-20_2021-05-20.csv.gz", "BTCUSDT", "1m"),
        ("spot-klines-ETHBTC-4h-2024-10-28.zip", "ETHBTC", "4h"),
        ("BTCUSDT_1h_2024-10-28_official.zip", "BTCUSDT", "1h"),
        ("BRDBTC_1M_dirty.csv", "BRDBTC", "1M"),
    ],
)
def test_symbol_and_interval_are_told_by_the_name(tmp_path, name, symbol, interval) -> None:
    (recording,) = read([write(tmp_path / name, FIRST, NEXT)])
    assert (recording.symbol, recording.interval, len(recording.times)) == (symbol, interval, 2)


def test_numbers_keep_every_digit(tmp_path) -> None:
    (recording,) = read([write(tmp_path / "BTCUSDT-1m.csv", HEADER, FIRST, NEXT)])
    assert recording.values.tolist() == [
        [5000001000000, 5000150000000, 4999900000000, 5000010000000, 1234567800],
        [5000010000000, 5000200000000, 5000000000000, 5000100000000, 1],
    ]


def test_the_later_of_two_rows_of_one_minute_counts(tmp_path) -> None:
    changed = FIRST.replace("12.345678", "13")
    (recording,) = read([write(tmp_path / "BTCUSDT-1m.csv", FIRST, NEXT, changed)])
    assert recording.values[0][4] == 13 * 10**8
    assert recording.times.tolist() == sorted(recording.times.tolist())


def test_all_columns_are_read_where_there_are_twelve(tmp_path) -> None:
    row = "1619323200000,1,2,0.5,1.5,10,1619323259999,15,7,4,6,0"
    (recording,) = read([write(tmp_path / "BTCUSDT-1m.csv", row)])
    assert recording.values[0].tolist()[5:] == [15 * 10**8, 7, 4 * 10**8, 6 * 10**8]


def test_microseconds_of_newer_archives_are_milliseconds(tmp_path) -> None:
    row = FIRST.replace("1619323200000", "1619323200000000")
    (recording,) = read([write(tmp_path / "BTCUSDT-1m-2025-01.csv", row)])
    assert recording.times.tolist() == [1619323200000]


def test_a_folder_is_all_its_files_put_together(tmp_path) -> None:
    write(tmp_path / "BTCUSDT-1m-2021-04.zip", FIRST)
    write(tmp_path / "BTCUSDT-1m-2021-05.csv", NEXT)
    write(tmp_path / "ETHUSDT-1m-2021-05.csv", NEXT)
    (tmp_path / "notes.txt").write_text("not a recording")
    found = {each.symbol: len(each.times) for each in read([tmp_path])}
    assert found == {"BTCUSDT": 2, "ETHUSDT": 1}


@pytest.mark.parametrize(
    ("name", "lines", "said"),
    [
        ("candles.csv", [FIRST], "does not tell symbol and interval"),
        ("BTCUSDT-7m.csv", [FIRST], "does not tell symbol and interval"),
        ("BTCUSDT-1m.csv", [FIRST, "x,1,2,3,4,5"], "line 2"),
        ("BTCUSDT-1m.csv", [FIRST, "1619323260000,1,2,3"], "line 2"),
        ("BTCUSDT-1m.csv", ["1619323260000,1,2,3,4,5,6"], "7 columns"),
        ("BTCUSDT-1m.csv", ["1619323260000,1,2,3,4,0.123456789"], "more than 8 decimals"),
        ("BTCUSDT-1m.csv", [HEADER], "holds no candle"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(tmp_path, name, lines, said) -> None:
    with pytest.raises(ValueError, match=said):
        read([write(tmp_path / name, *lines)])


def test_zeros_after_the_eighth_decimal_are_no_digits(tmp_path) -> None:
    row = "1619323260000,1.0000000000,2,1,2,5"
    (recording,) = read([write(tmp_path / "BTCUSDT-1m.csv", row)])
    assert recording.values[0][0] == 10**8


def test_a_broken_file_an_empty_folder_and_no_file_are_told(tmp_path) -> None:
    broken = tmp_path / "BTCUSDT-1m.zip"
    broken.write_bytes(b"no zip")
    with pytest.raises(ValueError, match="cannot be read"):
        read([broken])
    with pytest.raises(ValueError, match="no recording"):
        read([tmp_path / "nothing.csv"])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="holds no recording"):
        read([empty])


def test_of_two_intervals_of_a_symbol_the_finer_counts(tmp_path) -> None:
    write(tmp_path / "BTCUSDT-1m.csv", FIRST)
    write(tmp_path / "BTCUSDT-1h.csv", FIRST)
    write(tmp_path / "BTCUSDT-PERP_1m.csv", FIRST)
    assert [(each.symbol, each.interval) for each in read([tmp_path])] == [("BTCUSDT", "1m")]
