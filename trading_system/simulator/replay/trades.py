"""The tape of a recorded stream of trades."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from trading_system.simulator.replay.reader import units_of
from trading_system.simulator.replay.recording import StreamRecording, Track
from trading_system.simulator.replay.tape import Tape

Rows = list[tuple[int, ...]]
"""Id, time, price, quantity, whether the buyer was the maker; as whole numbers."""


def recorded_trades(recording: StreamRecording, symbol: str) -> Tape:
    """What the trade stream of a symbol told, else its aggTrade stream; maybe nothing."""
    for topic, rows_of in (("trade", _single), ("aggTrade", _parts)):
        track = recording.track(symbol, topic)
        if track is not None:
            return _tape(track, rows_of)
    return Tape(*np.zeros((5, 0), np.int64))


def _tape(track: Track, rows_of: Callable[[dict[str, Any]], Rows]) -> Tape:
    rows = (row for text in track.texts for row in rows_of(orjson.loads(text)))
    by_id = {row[0]: row for row in rows}  # a reconnecting recorder hears some twice
    return Tape(*np.array([by_id[each] for each in sorted(by_id)], np.int64).T)


def _single(trade: dict[str, Any]) -> Rows:
    return [
        (trade["t"], trade["T"], units_of(trade["p"]), units_of(trade["q"]), int(trade["m"])),
    ]


def _parts(aggregate: dict[str, Any]) -> Rows:
    """As many trades as it is of, about equal: their number and sum are told, their sizes not."""
    first, count = aggregate["f"], aggregate["l"] - aggregate["f"] + 1
    share, rest = divmod(units_of(aggregate["q"]), count)
    price, time, maker = units_of(aggregate["p"]), aggregate["T"], int(aggregate["m"])
    return [
        (first + place, time, price, share + (rest if place == count - 1 else 0), maker)
        for place in range(count)
    ]
