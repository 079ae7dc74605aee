"""Reads recorded raw streams: lines of {"t": receipt, "m": frame}, gz or not.

A frame is of a combined connection, {"stream", "data"}; a book over REST may lie beside them.
Refuses what it does not understand, with file and line.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from trading_system.simulator.replay.recording import Snapshot, StreamRecording, Track, symbol_of

SUFFIXES = (".jsonl", ".jsonl.gz")

_MICROSECOND_DIGITS = 16  # of a time between 2001 and 2286


def is_recording(path: Path) -> bool:
    """Whether this is a file of raw streams, or a folder that holds one."""
    return bool(_files(path))


def read(paths: Iterable[Path]) -> StreamRecording:
    """The streams and books in these files and folders, as one recording; raises ValueError."""
    tracks: dict[str, Track] = {}
    snapshots: list[Snapshot] = []
    for file in (file for path in paths for file in _files(path)):
        for stream, track in _read(file, snapshots).items():
            tracks.setdefault(stream, Track(times=[], texts=[])).extend(track)
    if not tracks:
        raise ValueError("the recording holds no frame of any stream")
    return StreamRecording(tracks=tracks, snapshots=snapshots)


def _read(file: Path, snapshots: list[Snapshot]) -> dict[str, Track]:
    """The streams of one file, whose recorder had one clock; books go to the snapshots."""
    tracks: dict[str, Track] = {}
    books: list[tuple[dict[str, Any], str]] = []
    behind: list[int] = []
    for number, line in enumerate(_lines(file), start=1):
        try:
            record = orjson.loads(line)
            message = record.get("m")
            if message is None:
                continue  # the request that opened the connection
            if "lastUpdateId" in message:
                books.append((message, record.get("url", "")))
                continue
            received, data = _microseconds(record["t"]), message["data"]
            track = tracks.setdefault(message["stream"], Track(times=[], texts=[]))
            track.times.append(received)
            track.texts.append(orjson.dumps(data).decode())
            if "E" in data:
                behind.append(received - 1_000 * data["E"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file.name}, line {number}: {error!r}") from error
    # The recorder's clock is its own: the quickest frame is taken to have needed no time.
    least = min(behind, default=0)
    for track in tracks.values():
        sent = ((received - least) // 1_000 for received in track.times)
        track.times[:] = accumulate(sent, max)  # even if that clock was set back meanwhile
    symbols = {symbol_of(stream) for stream in tracks if stream[0] != "!"}
    snapshots += [_snapshot(file, symbols, *book) for book in books]
    return tracks


def _files(path: Path) -> list[Path]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in files if file.name.endswith(SUFFIXES)]


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            yield from (line for line in lines if not line.isspace())
    except (OSError, EOFError) as error:
        raise ValueError(f"{file.name} cannot be read: {error}") from error


def _microseconds(time: float) -> int:
    """A receipt time in s, ms, us or ns; a fraction is kept."""
    digits = len(str(int(time))) - _MICROSECOND_DIGITS
    return int(time) // 10**digits if digits > 0 else round(time * 10.0**-digits)


def _snapshot(file: Path, symbols: set[str], message: dict[str, Any], url: str) -> Snapshot:
    named = parse_qs(urlsplit(url).query).get("symbol") or list(symbols)
    if len(named) != 1:
        raise ValueError(f"{file.name} holds a book, but not whose it is")
    return Snapshot(named[0], message["lastUpdateId"], message["bids"], message["asks"])
