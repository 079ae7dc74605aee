"""Candles of the database in a file, and the same numbers from it again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.research.minutes import BEGIN, minutes
from trading_system.research.history_files import from_file

RANGE = ("--start", "2025-06-02T10:00", "--end", "2025-06-02T20:00Z")


@pytest.fixture
def stored(cli):
    """A day of minutes in the database, and the file that they came from."""
    path = Path("BTCUSDT-1m-2025-06-02.csv")
    rows = minutes(1440).tolist()
    path.write_text("".join(f"{int(row[0])},{','.join(map(repr, row[1:]))}\n" for row in rows))
    assert cli("import", str(path)).exit_code == 0
    return path


@pytest.fixture
def export(cli):
    """Export ten hours of BTC/USDT, unless told otherwise."""

    def call(out, *words, symbol="btc-usdt", span=RANGE):
        return cli("export", "--symbol", symbol, *span, "--out", out, *words)

    return call


def digest(path, warmup=0):
    return from_file(
        Path(path),
        symbol="BTC/USDT",
        timeframe="1h",
        start=BEGIN + timedelta(hours=10),
        end=BEGIN + timedelta(hours=20),
        warmup=warmup,
    ).digest


@pytest.mark.parametrize("name", ["a.csv", "new/a.csv.gz", "a.parquet"])
def test_what_is_exported_gives_the_numbers_of_the_minutes(export, stored, name):
    said = export(name, "--warmup", "3")
    assert said.exit_code == 0
    assert said.stdout == f"{name}: 13 candles of BTC/USDT 1h, 0 missing\n"
    assert said.stderr == ""
    assert digest(name, warmup=3) == digest(stored, warmup=3)


def test_any_timeframe_is_exported(export, stored):
    export("a.csv", "--timeframe", "15m")
    assert len(Path("a.csv").read_text().splitlines()) == 1 + 40
    assert digest("a.csv") == digest(stored)


def test_a_file_is_replaced_only_when_that_is_asked_for(export, stored):
    Path("a.csv").write_text("precious")
    said = export("a.csv")
    assert (said.exit_code, said.stderr) == (1, "a.csv is there already; --force replaces it\n")
    assert Path("a.csv").read_text() == "precious"
    assert export("a.csv", "--force").exit_code == 0
    assert digest("a.csv") == digest(stored)


def test_what_cannot_be_written_is_said_before_anything_is_fetched(export):
    said = export("a.xlsx")
    assert (said.exit_code, said.stderr) == (
        1,
        "a.xlsx ends in none of .csv, .csv.gz, .parquet\n",
    )
    assert not Path("data").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"symbol": "ETH/USDT"},
            "ETH/USDT is not registered; register it first: trading-system symbols add ETH/USDT",
        ),
        ({"symbol": "BTC"}, "'BTC' is not a symbol"),
        ({"span": ("--start", "June", "--end", "2025-06-03")}, "'June' is no instant"),
        ({"span": ("--start", "2025-06-03", "--end", "2025-06-02")}, "no 1h candle opens from"),
        ({"span": ("--start", "2025-06-02", "--end", "2999-01-01")}, "candles of 1h have closed"),
    ],
)
def test_what_there_cannot_be_is_told_in_one_line(export, stored, changes, reason):
    said = export("a.csv", **changes)
    assert said.exit_code == 1
    assert said.stderr.startswith(reason)
    assert said.stderr.count("\n") == 1
    assert not Path("a.csv").exists()
