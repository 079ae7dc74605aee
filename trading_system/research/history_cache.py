"""Candles that were fetched before, as files of our own: one a symbol, timeframe and range.

An entry is named after the SHA-256 of the minutes it was made of, so whoever has those minutes can
say whether it still holds. Refuses to fail: what cannot be read or written is fetched again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

from trading_system.domain.candles import Span
from trading_system.domain.errors import StorageError
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import COLUMNS, Frame
from trading_system.research.whole_files import whole

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Candles of a span, all of them closed; `digest` as `PriceRepository.coverage` gives it."""

    path: Path
    span: Span
    digest: str


class HistoryCache:
    """The entries in a folder; several processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, symbol: Symbol, timeframe: Timeframe, span: Span) -> Entry | None:
        """The shortest entry with min <= start and max >= end; None when there is none."""
        covering = [
            entry
            for entry in self._entries(symbol, timeframe)
            if entry.span.start <= span.start and span.end <= entry.span.end
        ]
        return min(covering, key=lambda entry: entry.span.minutes, default=None)

    def load(self, entry: Entry) -> Frame | None:
        """Its candles; None when the file is gone or damaged."""
        try:
            return Frame.from_array(np.load(entry.path, allow_pickle=False))
        except (OSError, ValueError, TypeError, EOFError) as error:
            log.warning("cached candles cannot be read", path=str(entry.path), reason=str(error))
            return None

    def put(
        self, symbol: Symbol, timeframe: Timeframe, span: Span, digest: str, frame: Frame
    ) -> None:
        """Keep the candles of a span, instead of the entries that lie within it."""
        within = [
            entry
            for entry in self._entries(symbol, timeframe)
            if span.start <= entry.span.start and entry.span.end <= span.end
        ]
        name = f"{symbol.slug}_{timeframe.name}_{span.start}_{span.end}_{digest}.npy"
        path = self._folder / name
        try:
            with whole(path) as file:
                np.save(file, np.column_stack([getattr(frame, column) for column in COLUMNS]))
        except StorageError as error:
            log.warning("candles are not cached", reason=str(error))
            return
        for entry in within:
            if entry.path != path:
                self.forget(entry)

    def forget(self, entry: Entry) -> None:
        """Delete an entry whose candles were corrected since."""
        try:
            entry.path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("cached candles stay", path=str(entry.path), reason=str(error))

    def _entries(self, symbol: Symbol, timeframe: Timeframe) -> Iterator[Entry]:
        # A name that is not one of ours has no three parts to unpack, or no span in them.
        for path in self._folder.glob(f"{symbol.slug}_{timeframe.name}_*.npy"):
            try:
                start, end, digest = path.stem.rsplit("_", 3)[1:]
                yield Entry(path=path, span=Span(int(start), int(end)), digest=digest)
            except ValueError:
                continue
