"""Files of recorded candles on their way into the database."""

from __future__ import annotations

import gzip
import io
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

from trading_system.domain.candles import MINUTE, Candle, Span
from trading_system.domain.errors import InvalidRequest, StorageError
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.market import archives
from trading_system.market.archives import ArchiveImporter, read_archive, split_symbol
from trading_system.storage.database import Database
from trading_system.storage.prices import Prices
from trading_system.storage.symbols import Symbols

BTC = Symbol("BTC", "USDT")
START = 1_730_073_600_000
RECORDED = Path(__file__).parents[3] / "shared/data/candles"
HEADER = "timestamp_ms,open,high,low,close,volume\n"


def row(minute=0, price="100.5", volume="1.25", micro=False):
    at = START + minute * MINUTE
    return f"{at * 1000 if micro else at},{price},101,99.00000000,100,{volume}\n"


def long_row(minute=0):
    return f"{row(minute).strip()},{START + minute * MINUTE + 59_999},125.1,7,0.5,50.2,0\n"


def candle(minute=0, price=100.5, volume=1.25):
    return Candle(START + minute * MINUTE, price, 101.0, 99.0, 100.0, volume)


def read(path, symbol=None):
    return [each for batch in read_archive(path, symbol).batches() for each in batch]


@pytest.fixture
def write(tmp_path):
    def write(text, name="BTCUSDT-1m-2024-10.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def importer(symbols, prices, clock):
    return ArchiveImporter(symbols=symbols, prices=prices, clock=clock)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(archives, "BATCH", 3)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT-1m-2024-10.zip", "BTC/USDT"),
        ("spot-klines-ETHBTC-1m-2024-10-28.zip", "ETH/BTC"),
        ("BTCUSDT_1m_2021-04-20_2021-05-20.csv.gz", "BTC/USDT"),
        ("BRDBTC_1m_2020-02-07_2020-03-08_dirty.csv.gz", "BRD/BTC"),
        ("USDCUSDT_1m_2020_12col.csv", "USDC/USDT"),
        ("btcfdusd_1m.csv", "BTC/FDUSD"),
        ("BTCUSD1-1m-2025-08.zip", "BTC/USD1"),
    ],
)
def test_the_name_tells_the_symbol(name, symbol):
    assert read_archive(Path(name)).symbol == Symbol.parse(symbol)


@pytest.mark.parametrize("name", ["candles.csv", "BTCUSDT-PERP_1m_2023.csv", "BTCUSDT.csv", "1m"])
def test_a_name_that_does_not_tell_is_refused_unless_the_symbol_is_said(name):
    with pytest.raises(InvalidRequest, match="say the symbol"):
        read_archive(Path(name))
    assert read_archive(Path(name), BTC).symbol == BTC


@pytest.mark.parametrize("name", ["USDT", "BTCXYZ"])
def test_a_symbol_without_known_quote_asset_is_refused(name):
    with pytest.raises(InvalidRequest, match=name):
        split_symbol(name)


@pytest.mark.parametrize("interval", ["1s", "5m", "1h", "1d", "1w", "1M", "1mo"])
def test_longer_or_shorter_candles_are_refused(interval):
    with pytest.raises(InvalidRequest, match=f"{interval} candles; only 1m"):
        read_archive(Path(f"BTCUSDT-{interval}-2024-10.zip"), BTC)


def test_a_name_without_interval_is_believed_when_minutes_follow_each_other(write):
    assert len(read(write(row(0) + row(0) + row(1) + row(70), "mine.csv"), BTC)) == 4
    assert len(read(write(row(0), "mine.csv"), BTC)) == 1
    with pytest.raises(InvalidRequest, match="no 1m candles"):
        read(write(row(0) + row(60) + row(120), "mine.csv"), BTC)


@pytest.mark.parametrize(
    "text",
    [
        row(0) + row(1),
        HEADER + row(0) + row(1),
        long_row(0) + long_row(1),
        row(0, micro=True) + row(1, micro=True),
        (row(0) + row(1)).replace("\n", "\r\n"),
        (row(0) + row(1)).rstrip("\n"),
        "\ufeff" + HEADER + row(0) + row(1),
    ],
    ids=["plain", "header", "twelve", "micro", "crlf", "no-end", "bom"],
)
def test_every_way_of_writing_it_reads_the_same(write, text):
    assert read(write(text)) == [candle(0), candle(1)]


def test_a_file_is_unpacked_as_its_content_asks(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-1m-2024-10.csv", row(0))
    for content in (row(0).encode(), gzip.compress(row(0).encode()), packed.getvalue()):
        path = tmp_path / "BTCUSDT-1m-2024-10.any"
        path.write_bytes(content)
        assert read(path) == [candle(0)]


def test_a_zip_of_several_files_is_refused(tmp_path):
    path = tmp_path / "BTCUSDT-1m-2024-10.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", row(0))
        archive.writestr("b.csv", row(1))
    with pytest.raises(InvalidRequest, match="2 files instead of one"):
        read(path)


@pytest.mark.parametrize(
    "content",
    [gzip.compress(row(0).encode())[:-12], b"PK\x03\x04 nothing", row(0).encode() + b"\xff\xfe"],
    ids=["cut", "no-zip", "no-text"],
)
def test_a_broken_file_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "BTCUSDT-1m-2024-10.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=f"{path.name} cannot be read"):
        read(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read(tmp_path / "BTCUSDT-1m-2024-10.zip")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("1730073660000,1,1,1,1\n", "6 columns"),
        ("\n", "6 columns"),
        (long_row(1), "6 columns"),
        (row(1, price="abc"), "not all numbers"),
        (row(1, price=""), "not all numbers"),
        (row(1, price="nan"), "does not hold"),
        (row(1, price="101.5"), "does not hold"),
        (row(1, price="98"), "does not hold"),
        (row(1, volume="-1"), "does not hold"),
        (row(1, volume="inf"), "does not hold"),
        (f"{START},0,0,0,0,0\n", "does not hold"),
        (f"{START + 1},100,100,100,100,1\n", "start of a minute"),
        (f"{START // 1000},100,100,100,100,1\n", "start of a minute"),
        (f"{START * 1_000_000},100,100,100,100,1\n", "start of a minute"),
        ("nan,100,100,100,100,1\n", "start of a minute"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_reason(write, bad, reason):
    with pytest.raises(InvalidRequest, match=f"line 3: .*{reason}"):
        read(write(HEADER + row(0) + bad + row(2)))


async def test_a_file_is_stored_and_counted(write, importer, prices, symbols, small_batches):
    heard = []
    path = write(HEADER + "".join(row(minute) for minute in range(7)))
    result = await importer.import_file(path, on_progress=heard.append)
    assert (result.symbol, result.read, result.stored, result.repeated) == (BTC, 7, 7, 0)
    assert (result.first, result.last) == (START, START + 6 * MINUTE)
    assert heard == [3, 6, 7]
    assert prices.writes == [3, 3, 1]
    assert list(prices.rows[BTC].values()) == [candle(minute) for minute in range(7)]


async def test_the_later_of_two_rows_wins(write, importer, prices, small_batches):
    path = write(row(0, volume="1") + row(0, volume="2") + row(1) + row(1, volume="3"))
    result = await importer.import_file(path)
    assert (result.read, result.stored, result.repeated) == (4, 2, 2)
    assert list(prices.rows[BTC].values()) == [candle(0, volume=2.0), candle(1, volume=3.0)]


async def test_the_same_file_twice_changes_nothing(write, importer, prices):
    path = write(row(0) + row(1))
    first = await importer.import_file(path)
    kept = dict(prices.rows[BTC])
    assert await importer.import_file(path) == first
    assert prices.rows[BTC] == kept


async def test_a_bad_batch_leaves_only_what_came_before(write, importer, prices, small_batches):
    path = write("".join(row(minute) for minute in range(5)) + "oops\n")
    with pytest.raises(InvalidRequest, match="line 6"):
        await importer.import_file(path)
    assert len(prices.rows[BTC]) == 3


async def test_a_file_bad_from_the_start_registers_nothing(write, importer, symbols):
    with pytest.raises(InvalidRequest, match="line 1"):
        await importer.import_file(write("1,2\n"))
    assert symbols.rows == {}


async def test_an_empty_file_is_no_error(write, importer):
    for text in ("", HEADER):
        result = await importer.import_file(write(text))
        assert (result.read, result.stored, result.first, result.last) == (0, 0, None, None)


async def test_a_database_that_fails_is_told(write, importer, prices, small_batches):
    prices.failures = [StorageError("disk full")]
    with pytest.raises(StorageError, match="disk full"):
        await importer.import_file(write("".join(row(minute) for minute in range(9))))
    assert prices.rows == {}


async def test_a_new_symbol_is_kept_without_being_collected(write, importer, symbols, clock):
    await importer.import_file(write(row(0)))
    registered = await symbols.get(BTC)
    assert not registered.active
    assert registered.registered_at == clock.now()


@pytest.mark.parametrize("active", [True, False])
async def test_a_registered_symbol_stays_as_it_is(write, importer, symbols, clock, active):
    await symbols.add(BTC, clock.now())
    if not active:
        await symbols.deactivate(BTC)
    await importer.import_file(write(row(0)))
    assert (await symbols.get(BTC)).active is active


async def test_a_symbol_that_is_said_counts_more_than_the_name(write, importer, prices):
    result = await importer.import_file(write(row(0)), symbol=Symbol("ETH", "EUR"))
    assert result.symbol == Symbol("ETH", "EUR")
    assert prices.rows[Symbol("ETH", "EUR")] == {START: candle(0)}


def recorded():
    names = (path for path in sorted(RECORDED.glob("*_1m_*")) if "PERP" not in path.name)
    return list(names) or [pytest.param(None, marks=pytest.mark.skip(reason="no recorded data"))]


@pytest.mark.recorded
@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.name if path else "absent")
async def test_recorded_candles_come_back_from_the_database_to_the_last_digit(
    path, tmp_path, clock
):
    with gzip.open(path, "rt") as file:
        lines = [line.split(",")[:6] for line in file][1:]
    told = {int(at): Candle(int(at), *map(float, rest)) for at, *rest in lines}
    async with Database.opened(tmp_path / "prices.db") as database:
        prices = Prices(database)
        importer = ArchiveImporter(symbols=Symbols(database), prices=prices, clock=clock)
        result = await importer.import_file(path)
        span = Span(result.first, result.last + MINUTE)
        stored = await prices.candles(result.symbol, span, Timeframe.parse("1m"))
    assert stored == [told[at] for at in sorted(told)]
    assert (result.read, result.repeated) == (len(lines), len(lines) - len(told))
    assert sum(b.open_time - a.open_time > MINUTE for a, b in pairwise(stored)) <= 3
