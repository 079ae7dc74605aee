"""Publishes: everything is computed and written once, however many listen, and only if one does.

Time goes in steps of 100 ms of the exchange's clock and never back: while that clock shows a time
that was told already, nothing is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Protocol

from trading_system.simulator.streams import frames
from trading_system.simulator.streams.names import StreamName
from trading_system.simulator.streams.sources import Recorded, Source

TICK = 100
"""ms of the exchange's clock."""

_log = logging.getLogger(__name__)


class Subscriber(Protocol):
    """Who listens, and the form it wants frames in."""

    @property
    def combined(self) -> bool:
        """Wrapped in the name of the stream."""
        ...

    @property
    def microseconds(self) -> bool:
        """Times in us."""
        ...

    def deliver(self, text: str, stream: str) -> None:
        """Send it."""
        ...


class _Stream:
    """A stream somebody listens to; without a source it tells nothing of its own."""

    __slots__ = ("name", "source", "subscribers")

    def __init__(self, name: StreamName, source: Source | None) -> None:
        self.name = name
        self.source = source
        self.subscribers: dict[Subscriber, None] = {}

    @property
    def period(self) -> int:
        """The pace; what was recorded has its own."""
        return TICK if isinstance(self.source, Recorded) else self.name.period


class Hub:
    """Who listens to what; `tick` makes the market speak.

    `open_source` gives the events of a stream after a time; LookupError where there are none yet.
    """

    def __init__(self, open_source: Callable[[StreamName, int], Source], now: int) -> None:
        self._open_source = open_source
        self._now = now // TICK * TICK
        self._streams: dict[str, _Stream] = {}

    def subscribe(self, subscriber: Subscriber, name: StreamName) -> None:
        """Deliver what happens from now on; unknown symbols are as silent as on Binance."""
        stream = self._streams.get(name.text)
        if stream is None:
            stream = self._streams[name.text] = _Stream(name, self._open(name))
        stream.subscribers[subscriber] = None

    def unsubscribe(self, subscriber: Subscriber, name: StreamName) -> None:
        """Deliver no more of it; whom nobody listens to does not compute either."""
        stream = self._streams.get(name.text)
        if stream is not None:
            stream.subscribers.pop(subscriber, None)
            if not stream.subscribers:
                del self._streams[name.text]

    def tick(self, now: int) -> Iterator[None]:
        """Tell what is due at `now`, ms UTC, stream after stream: to be iterated to its end."""
        now = now // TICK * TICK
        if now <= self._now:
            return
        before, self._now = self._now, now
        for stream in list(self._streams.values()):
            period = stream.period
            if now // period > before // period:
                yield from self._tell(stream, now // period * period)
                yield

    def publish(self, stream: str, frame: object) -> None:
        """Send one frame (in ms) to everybody who listens to this stream."""
        if stream in self._streams:
            _send(self._streams[stream], frame)

    def _open(self, name: StreamName) -> Source | None:
        try:
            return self._open_source(name, self._now)
        except LookupError:
            return None

    def _tell(self, stream: _Stream, now: int) -> Iterator[None]:
        """Send what the source has to tell; None is where it takes a breath."""
        if stream.source is None:
            stream.source = self._open(stream.name)
            return
        try:
            for frame in stream.source(now):
                if frame is None:
                    yield
                else:
                    _send(stream, frame)
        except LookupError:
            stream.source = None  # not listed any more, or too young to have a price
        except Exception:  # noqa: BLE001 -- one stream's bug must not silence the others
            _log.exception("%s could not go on", stream.name.text)


def _send(stream: _Stream, frame: object) -> None:
    """Write each form that somebody wants once, and send it to whoever wants it."""
    name, told = stream.name.text, {False: "", True: ""}
    wrapped = dict(told)
    for subscriber in list(stream.subscribers):
        finer = subscriber.microseconds
        told[finer] = told[finer] or frames.text(frame, microseconds=finer)
        if subscriber.combined:
            wrapped[finer] = wrapped[finer] or frames.combined(name, told[finer])
        subscriber.deliver(wrapped[finer] if subscriber.combined else told[finer], name)
