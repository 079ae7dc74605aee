"""From files and folders to the history of each symbol in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from trading_system.simulator.replay.assembly import assembled
from trading_system.simulator.replay.history import History
from trading_system.simulator.replay.reader import Recording, files, read
from trading_system.simulator.seeded.intervals import Interval

_MINUTE = 60_000


def histories(paths: Iterable[Path], *, shift: bool, now: int) -> dict[str, History]:
    """Each symbol from the files of its shortest interval alone, in the order they are given.

    With `shift`, all history moves together by whole candles of the longest interval in use, at
    least minutes, so that its last candle ends at `now` or less than such a candle before: candles
    stay aligned, while hours and weekdays become other ones. ValueError tells what is wrong with a
    file.
    """
    chosen = _chosen(paths)
    recorded = {
        symbol: [read(path, interval) for path in several]
        for symbol, (interval, several) in chosen.items()
    }
    lengths = {symbol: interval.length for symbol, (interval, _) in chosen.items()}
    moved = _distance(recorded, lengths, now) if shift else 0
    return {
        symbol: History(assembled(symbol, several, shift=moved), lengths[symbol])
        for symbol, several in recorded.items()
    }


def _chosen(paths: Iterable[Path]) -> dict[str, tuple[Interval, list[Path]]]:
    """Which files to read for each symbol, and what they hold."""
    found: defaultdict[str, defaultdict[Interval, list[Path]]]
    found = defaultdict(lambda: defaultdict(list))
    for path, name in files(paths):
        found[name.symbol][Interval.named(name.interval)].append(path)
    return {symbol: min(several.items()) for symbol, several in found.items()}


def _distance(
    recorded: Mapping[str, Sequence[Recording]], lengths: Mapping[str, int], now: int
) -> int:
    """How far history moves, ms."""
    ends = [
        int(each.start.max()) + lengths[symbol]
        for symbol, several in recorded.items()
        for each in several
        if len(each.start)
    ]
    step = max(_MINUTE, *lengths.values())
    return (now - max(ends, default=now)) // step * step
