"""Streams as they were recorded: what was sent when, and nothing made up."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import orjson

_TIMES = ("E", "T", "O", "C")  # of the event, its trade, and the span of a ticker


class Snapshot(NamedTuple):
    """A book as REST told it."""

    symbol: str
    last_update_id: int
    bids: list[list[str]]
    asks: list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One stream: when each frame was sent by the exchange's clock, ascending, and its data."""

    times: list[int]
    texts: list[str]

    def extend(self, later: Track) -> None:
        """Add the frames of another file; raises ValueError where they are not all later."""
        if self.times and later.times[0] < self.times[-1]:
            raise ValueError("two files tell of one stream at one time")
        self.times.extend(later.times)
        self.texts.extend(later.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRecording:
    """Every stream by its name, and the books that were asked for meanwhile.

    It is a feeds.RecordedFrames as well.
    """

    tracks: Mapping[str, Track]
    snapshots: list[Snapshot]

    @property
    def symbols(self) -> list[str]:
        """Whatever has a stream of its own, in the order of the first frames."""
        return list(dict.fromkeys(symbol_of(stream) for stream in self.tracks if stream[0] != "!"))

    @property
    def start(self) -> int:
        """When the first frame was sent, ms UTC."""
        return min(track.times[0] for track in self.tracks.values())

    @property
    def end(self) -> int:
        """When the last one was."""
        return max(track.times[-1] for track in self.tracks.values())

    def track(self, symbol: str, *topics: str) -> Track | None:
        """The first of these topics (trade, depth@100ms) that was recorded of a symbol."""
        names = (f"{symbol.lower()}@{topic}" for topic in topics)
        return next((self.tracks[name] for name in names if name in self.tracks), None)

    def has(self, stream: str, *, now: int) -> bool:
        return stream in self.tracks and now <= self.end

    def due(self, stream: str, *, after: int, until: int) -> list[str]:
        track = self.tracks[stream]
        first, past = bisect_right(track.times, after), bisect_right(track.times, until)
        return track.texts[first:past]

    def moved(self, shift: int) -> StreamRecording:
        """The same so many ms later: frames differ in their times and in nothing else."""
        if not shift:
            return self
        tracks = {
            stream: Track(
                times=[time + shift for time in track.times],
                texts=[_moved(text, shift) for text in track.texts],
            )
            for stream, track in self.tracks.items()
        }
        return replace(self, tracks=tracks)


def symbol_of(stream: str) -> str:
    """BTCUSDT of btcusdt@trade."""
    return stream.partition("@")[0].upper()


def _moved(text: str, shift: int) -> str:
    data = orjson.loads(text)
    for each in data if isinstance(data, list) else [data]:
        _move(each, _TIMES, shift)
        if "k" in each:
            _move(each["k"], ("t", "T"), shift)
    return orjson.dumps(data).decode()


def _move(fields: dict[str, Any], names: Iterable[str], shift: int) -> None:
    for name in names:
        if isinstance(fields.get(name), int):
            fields[name] += shift
