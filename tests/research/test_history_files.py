"""Candles from files that people have, and into files that come back the same."""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pyarrow import parquet

from tests.research.minutes import BEGIN, BEGIN_MS, minutes
from trading_system.domain.candles import MINUTE
from trading_system.domain.errors import ConfigurationError, InvalidRequest, StorageError
from trading_system.frames import COLUMNS, Frame
from trading_system.research.history import from_frame
from trading_system.research.history_files import FORMATS, export, from_file

RECORDED = Path(__file__).parents[3] / "shared/data/candles"
HEADER = ",".join(COLUMNS) + "\n"


def lines(rows, unit=1):
    return [f"{int(row[0]) * unit},{','.join(map(repr, row[1:]))}\n" for row in rows.tolist()]


def archive_lines(rows, unit=1):
    """As the exchange writes them: 12 columns, no header, the close time a millisecond before."""
    return [
        f"{line.strip()},{(int(row[0]) + MINUTE) * unit - 1},1.5,7,0.5,0.75,0\n"
        for line, row in zip(lines(rows, unit), rows.tolist(), strict=True)
    ]


def zipped(text):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-1m-2025-06.csv", text)
    return file.getvalue()


def built(rows, timeframe="1m"):
    """The history of these rows, all of them in the range but the first three bars."""
    frame = Frame.from_array(rows)
    step = int(frame.open_time[1] - frame.open_time[0])
    return from_frame(
        frame,
        symbol="BTC/USDT",
        timeframe=timeframe,
        start=at(frame.open_time[3]),
        end=at(frame.open_time[-1] + step),
        warmup=3,
    )


def at(milliseconds):
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(milliseconds))


def again(history, path, **changes):
    asked = {
        "symbol": history.symbol,
        "timeframe": history.timeframe,
        "start": history.start,
        "end": history.end,
        "warmup": history.warmup,
    }
    return from_file(path, **asked | changes)


@pytest.fixture
def history():
    return built(minutes(200, without=[50, 51]))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", lambda rows: (HEADER + "".join(lines(rows))).encode()),
        ("plain.txt", lambda rows: "".join(lines(rows)).encode()),
        ("micro.csv", lambda rows: "".join(lines(rows, 1_000)).encode()),
        ("windows.csv", lambda rows: (HEADER + "".join(lines(rows))).encode("utf-8-sig")),
        ("a.csv.gz", lambda rows: gzip.compress("".join(lines(rows)).encode())),
        ("BTCUSDT-1m-2025-06.zip", lambda rows: zipped("".join(archive_lines(rows)))),
        ("BTCUSDT-1m-2025-07.zip", lambda rows: zipped("".join(archive_lines(rows, 1_000)))),
        ("newest_first.csv", lambda rows: "".join(lines(rows)[::-1]).encode()),
        ("twice.csv", lambda rows: "".join(lines(rows) + lines(rows)[20:40]).encode()),
    ],
)
def test_files_of_every_kind_give_the_same_candles(tmp_path, history, name, content):
    path = tmp_path / name
    path.write_bytes(content(minutes(200, without=[50, 51])))
    found = again(history, path)
    assert (found.digest, found.missing) == (history.digest, 2)


def test_the_later_row_of_one_open_time_counts(tmp_path):
    """The first was recorded while its candle was still open."""
    rows = minutes(20)
    early = rows[7].copy()
    early[5] /= 2
    path = tmp_path / "a.csv"
    path.write_text("".join(lines(np.insert(rows, 7, early, axis=0))))
    assert again(built(rows), path).digest == built(rows).digest


@pytest.mark.parametrize("ending", FORMATS)
@settings(deadline=None, max_examples=50)  # the first one loads a library
@given(
    values=arrays(np.float64, (6, 4), elements=st.floats(5e-324, 1e300)),
    volumes=arrays(np.float64, 6, elements=st.floats(0, 1e300)),
)
def test_what_is_exported_comes_back_to_the_last_digit(tmp_path_factory, ending, values, volumes):
    rows = minutes(6)
    rows[:, 2], rows[:, 3] = values.max(axis=1), values.min(axis=1)
    rows[:, 1], rows[:, 4], rows[:, 5] = values[:, 0], values[:, 1], volumes
    history = built(rows)
    path = tmp_path_factory.mktemp("exported") / f"a{ending}"
    export(history, path, force=False)
    assert again(history, path).digest == history.digest


def test_the_same_candles_are_the_same_bytes(tmp_path, history):
    for name in ("one.csv.gz", "two.csv.gz"):
        export(history, tmp_path / name, force=False)
    packed = (tmp_path / "one.csv.gz").read_bytes()
    assert packed == (tmp_path / "two.csv.gz").read_bytes()
    assert packed[4:8] == bytes(4)  # when it was written, see RFC 1952


def test_csv_is_what_other_programs_read(tmp_path, history):
    export(history, tmp_path / "a.csv", force=False)
    header, first, *_ = (tmp_path / "a.csv").read_text().splitlines()
    assert header == "open_time,open,high,low,close,volume"
    assert first == lines(minutes(200))[0].strip()


def test_parquet_has_timestamps_and_says_whose_candles_they_are(tmp_path, history):
    export(history, tmp_path / "a.parquet", force=False)
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.column("open_time")[0].as_py() == BEGIN
    assert table.schema.metadata == {b"symbol": b"BTC/USDT", b"timeframe": b"1m"}
    with pytest.raises(InvalidRequest, match="holds candles of BTC/USDT, not of ETH/USDT"):
        again(history, tmp_path / "a.parquet", symbol="ETH/USDT")


def table(rows, **changes):
    return pa.table(
        {name: rows[:, i] for i, name in enumerate(COLUMNS)}
        | {"open_time": rows[:, 0].astype(np.int64)}
        | changes
    )


@pytest.mark.parametrize(
    "times",
    [
        lambda ms: ms,
        lambda ms: ms * 1000,
        lambda ms: pa.array(ms, pa.timestamp("ms", "UTC")),
        lambda ms: pa.array(ms * 1_000_000, pa.timestamp("ns")),
    ],
    ids=["ms", "µs", "aware", "ns"],
)
def test_parquet_of_other_programs_is_read(tmp_path, history, times):
    rows = minutes(200, without=[50, 51])
    made = table(rows, open_time=times(rows[:, 0].astype(np.int64)))
    parquet.write_table(made.append_column("more", [["x"] * len(rows)]), tmp_path / "a")
    assert again(history, tmp_path / "a").digest == history.digest


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda rows: table(rows).drop_columns("low"), "has no column low"),
        (lambda rows: table(rows, low=[*rows[:-1, 3], 1e9]), "low <= open"),
        (lambda rows: table(rows, low=[*rows[:-1, 3], None]), "low <= open"),
        (lambda rows: table(rows, low=["cheap"] * len(rows)), "cannot be read: Failed to parse"),
        (lambda rows: b"PAR1 and nothing more", "cannot be read"),
    ],
)
def test_parquet_that_is_no_candles_is_refused(tmp_path, history, content, reason):
    path = tmp_path / "a.parquet"
    made = content(minutes(200))
    if isinstance(made, bytes):
        path.write_bytes(made)
    else:
        parquet.write_table(made, path)
    with pytest.raises(InvalidRequest, match=reason):
        again(history, path)


def test_a_missing_extra_says_how_to_get_it(tmp_path, history, monkeypatch):
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    how = r"^Parquet needs pyarrow: pip install 'trading-system\[backtest\]'$"
    with pytest.raises(ConfigurationError, match=how):
        export(history, tmp_path / "a.parquet", force=False)
    assert not list(tmp_path.iterdir())
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(ConfigurationError, match=how):
        again(history, tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.csv", "absent.csv cannot be read: No such file"),
        ("", "cannot be read: Is a directory"),
        ("empty.csv", "empty.csv holds no candles"),
        ("garbage.parquet", "garbage.parquet holds no candles"),
        ("words.csv", "words.csv, line 1: not 12 columns"),
        ("ETHUSDT-1m-2025-06.csv", "holds candles of ETH/USDT, not of BTC/USDT"),
        ("spot-klines-ethbtc_1m_x.csv", "holds candles of ETH/BTC, not of BTC/USDT"),
    ],
)
def test_a_file_that_holds_other_things_is_refused(tmp_path, history, name, reason):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "garbage.parquet").write_text("not what it says")
    (tmp_path / "words.csv").write_text("1 word\n")
    for other in ("ETHUSDT-1m-2025-06.csv", "spot-klines-ethbtc_1m_x.csv"):
        (tmp_path / other).write_text("".join(lines(minutes(200))))
    with pytest.raises(InvalidRequest, match=reason):
        again(history, tmp_path / name)


@pytest.mark.parametrize("name", ["mine_1h.csv", "btc_1m.csv", "BTCUSDT_1m_2025.csv"])
def test_a_name_of_ones_own_making_tells_nothing(tmp_path, history, name):
    (tmp_path / name).write_text("".join(lines(minutes(200, without=[50, 51]))))
    assert again(history, tmp_path / name).digest == history.digest


def test_a_wrong_row_is_told_with_its_line(tmp_path, history):
    rows = lines(minutes(200))
    rows[120] = rows[120].replace(",", ";", 1)
    (tmp_path / "a.csv").write_text("".join(rows))
    with pytest.raises(InvalidRequest, match=r"a\.csv, line 121: not 6 columns"):
        again(history, tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("step", "timeframe"),
    [(60, "15m"), (7, "1h"), (1440, "1h"), (10080, "2d")],
)
def test_no_candles_are_built_from_those_that_do_not_fit(tmp_path, step, timeframe):
    rows = minutes(20)
    rows[:, 0] = BEGIN_MS + np.arange(20) * step * MINUTE
    (tmp_path / "a.csv").write_text("".join(lines(rows)))
    with pytest.raises(InvalidRequest, match=f"every {step} minutes: no {timeframe} ones"):
        from_file(
            tmp_path / "a.csv",
            symbol="BTC/USDT",
            timeframe=timeframe,
            start=BEGIN,
            end=BEGIN + timedelta(days=2),
            warmup=0,
        )


def test_candles_that_begin_at_odd_times_are_refused(tmp_path):
    rows = minutes(20, start=BEGIN_MS + 30 * MINUTE)
    rows[:, 0] = BEGIN_MS + 30 * MINUTE + np.arange(20) * 60 * MINUTE
    (tmp_path / "a.csv").write_text("".join(lines(rows)))
    with pytest.raises(InvalidRequest, match="no 1h ones"):
        again(built(minutes(20)), tmp_path / "a.csv", timeframe="1h")


def test_candles_that_the_file_has_a_part_of_only_are_left_out(tmp_path):
    """It begins at 00:30 and ends before 05:00, so that 01:00 to 04:00 is whole."""
    rows = minutes(270, start=BEGIN_MS + 30 * MINUTE)[:-1]
    path = tmp_path / "a.csv"
    path.write_text("".join(lines(rows)))
    asked = {"symbol": "BTC/USDT", "timeframe": "1h", "warmup": 0}
    whole = from_file(
        path, start=at(BEGIN_MS + 60 * MINUTE), end=BEGIN + timedelta(hours=4), **asked
    )
    assert whole.frame.volume[0] == pytest.approx(rows[30:90, 5].sum())
    for start, end in ((0, 4), (1, 5)):
        with pytest.raises(InvalidRequest, match=r"from 2025-06-02T01:00Z to 2025-06-02T04:00Z"):
            from_file(
                path,
                start=BEGIN + timedelta(hours=start),
                end=BEGIN + timedelta(hours=end),
                **asked,
            )


def test_a_file_is_not_replaced_unless_that_is_asked_for(tmp_path, history):
    path = tmp_path / "a.csv"
    path.write_text("precious")
    with pytest.raises(InvalidRequest, match=r"a\.csv is there already; --force replaces it"):
        export(history, path, force=False)
    assert path.read_text() == "precious"
    export(history, path, force=True)
    assert again(history, path).digest == history.digest


def test_an_unknown_ending_is_refused(tmp_path, history):
    with pytest.raises(InvalidRequest, match=r"a\.xlsx ends in none of \.csv, \.csv\.gz, \.parq"):
        export(history, tmp_path / "a.xlsx", force=False)


@pytest.mark.parametrize("ending", FORMATS)
def test_how_many_are_written_is_told(tmp_path, ending):
    history = built(minutes(25_000))
    heard = []
    export(history, tmp_path / f"a{ending}", force=False, on_progress=heard.append)
    assert heard == ([25_000] if ending == ".parquet" else [10_000, 20_000, 25_000])


def test_writing_that_fails_leaves_nothing(tmp_path, history):
    def full(_written):
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left"):
        export(history, tmp_path / "a.csv", force=False, on_progress=full)
    assert not list(tmp_path.iterdir())


@pytest.mark.recorded
@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded candles beside the project")
@pytest.mark.parametrize(
    ("name", "timeframe", "start", "end", "missing"),
    [
        ("BTCUSDT_1h_2017-08-17_2024-04-21.csv.gz", "1d", "2018-01-01", "2024-01-01", 0),
        ("BTCUSDT_1h_2017-08-17_2024-04-21.csv.gz", "1h", "2018-02-01", "2018-03-01", 33),
        ("BTCUSDT_1m_2024-03-01_2024-03-22_dirty.csv.gz", "4h", "2024-03-03", "2024-03-22", 0),
        ("BTCUSDT_1m_2021-05-15_2021-05-22_12col.csv.gz", "1h", "2021-05-17", "2021-05-22", 0),
    ],
)
def test_recorded_files_are_read(name, timeframe, start, end, missing):
    history = from_file(
        RECORDED / name,
        symbol="BTC/USDT",
        timeframe=timeframe,
        start=datetime.fromisoformat(start).replace(tzinfo=UTC),
        end=datetime.fromisoformat(end).replace(tzinfo=UTC),
        warmup=10,
    )
    assert history.missing == missing
    assert len(history.frame) > 10
