"""Frames of another exchange's streams, passed on as they are to whoever listens here.

Books are not among them: they are told with the users' own orders in them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, KeysView
from dataclasses import dataclass, field

from trading_system.simulator.streams.names import Topic, parse

_PASSED = {
    *(Topic.TRADE, Topic.AGGREGATE_TRADE, Topic.KLINE),
    *(Topic.TICKER, Topic.MINI_TICKER, Topic.AVERAGE_PRICE),
}
_MOST = 10_000


@dataclass(slots=True)
class _Heard:
    used: int
    frames: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=_MOST))


class PassedFrames:
    """As feeds.RecordedFrames; `listed` are the symbols, `clock` tells ms UTC."""

    def __init__(self, listed: Callable[[], Container[str]], clock: Callable[[], int]) -> None:
        self._listed = listed
        self._clock = clock
        self._heard: dict[str, _Heard] = {}
        self.on_wanted: Callable[[str], None] = lambda _: None
        """Told of every stream that somebody listens to for the first time."""

    @property
    def streams(self) -> KeysView[str]:
        """Those that somebody listens to."""
        return self._heard.keys()

    def has(self, stream: str, *, now: int) -> bool:  # noqa: ARG002 -- as long as it is listed
        """Whether it is passed on; it will be listened to from now on."""
        name = parse(stream)
        if name.topic not in _PASSED:
            return False
        if name.symbol is not None and name.symbol not in self._listed():
            return False
        if stream not in self._heard:
            self._heard[stream] = _Heard(self._clock())
            self.on_wanted(stream)
        return True

    def due(self, stream: str, *, after: int, until: int) -> list[str]:
        """What was heard of it from one time up to another; nothing is told twice.

        Of the very moment `after` something may still have come when it had been asked for.
        """
        heard = self._heard[stream]
        heard.used = self._clock()
        due = []
        while heard.frames and heard.frames[0][0] <= until:
            time, text = heard.frames.popleft()
            if time >= after:
                due.append(text)
        return due

    def hear(self, stream: str, text: str) -> None:
        """Keep a frame until somebody asks for it."""
        heard = self._heard.get(stream)
        if heard is not None:
            heard.frames.append((self._clock(), text))

    def forget(self, *, before: int) -> list[str]:
        """Drop the streams nobody has asked for since this time (ms UTC), and say which."""
        idle = [stream for stream, heard in self._heard.items() if heard.used < before]
        for stream in idle:
            del self._heard[stream]
        return idle
