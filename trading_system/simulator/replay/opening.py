"""Opens what was recorded, candles or raw streams, as a market that goes on afterwards."""

from __future__ import annotations

from pathlib import Path

from trading_system.simulator.replay import candles, frames, reader, streams
from trading_system.simulator.replay.feed import ReplayFeed
from trading_system.simulator.replay.recording import StreamRecording
from trading_system.simulator.seeded.intervals import SECOND
from trading_system.simulator.seeded.levels import DAY, MINUTE

_REST = 10 * SECOND
"""How long at least nothing happens after a recording: nobody shall miss the end of a stream."""


def opened(
    path: Path, *, seed: int, shift: bool, now: int
) -> tuple[ReplayFeed, StreamRecording | None]:
    """The market of a file or a folder, and its streams where they are what was recorded.

    Raises ValueError. `shift` moves all of it to `now`: candles by whole days, so that the latest
    closes within the day before and the hour of the day stays what it was, streams by whole
    minutes, so that they begin within the minute before.
    """
    if frames.is_recording(path):
        return _streams(path, seed=seed, shift_to=now if shift else None)
    return _candles(path, seed=seed, shift_to=now if shift else None), None


def _candles(path: Path, *, seed: int, shift_to: int | None) -> ReplayFeed:
    recordings = reader.read([path])
    if shift_to is not None:
        latest = max(candles.History(each).end for each in recordings)
        days = (shift_to - latest) // DAY * DAY
        recordings = [each._replace(times=each.times + days) for each in recordings]
    return ReplayFeed(map(candles.History, recordings), seed=seed)


def _streams(path: Path, *, seed: int, shift_to: int | None) -> tuple[ReplayFeed, StreamRecording]:
    recording = frames.read([path])
    if shift_to is not None:
        recording = recording.moved((shift_to - recording.start) // MINUTE * MINUTE)
    end = -(-(recording.end + _REST) // MINUTE) * MINUTE
    return ReplayFeed(streams.markets(recording, end=end), seed=seed), recording
