"""How long a WebSocket may live and what it may do, as arithmetic: time is passed in, seconds.

Source: Binance's web-socket-streams.md, "General WSS information"; the WebSocket API's are the
same. How far behind a reader may fall is not documented: here it is a number of frames.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from math import inf

POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRules:
    """Durations in seconds, all of them divided by `speed`."""

    ping_every: float = 20.0
    pong_within: float = 60.0
    life: float = 24 * 3600.0
    most_messages: int = 5
    message_window: float = 1.0
    most_attempts: int = 300
    attempt_window: float = 300.0
    most_waiting: int = 10_000
    """Frames not taken by the reader yet; one more and it is disconnected."""

    def sped_up(self, speed: float) -> LinkRules:
        """The same where time runs `speed` times as fast."""
        return LinkRules(
            ping_every=self.ping_every / speed,
            pong_within=self.pong_within / speed,
            life=self.life / speed,
            most_messages=self.most_messages,
            message_window=self.message_window / speed,
            most_attempts=self.most_attempts,
            attempt_window=self.attempt_window / speed,
            most_waiting=self.most_waiting,
        )


class Due(Enum):
    """What a connection needs now."""

    NOTHING = auto()
    PING = auto()
    NO_PONG = auto()
    TOO_OLD = auto()


class Pulse:
    """The pings and the age of one connection, and how often its client speaks."""

    def __init__(self, rules: LinkRules, now: float) -> None:
        self._rules = rules
        self._opened = now
        self._next_ping = now + rules.ping_every
        self._unanswered: dict[bytes, float] = {}
        self._heard: deque[float] = deque(maxlen=rules.most_messages)

    def heard(self, now: float) -> bool:
        """Note an incoming message, ping or pong; False when it is one too many."""
        window = self._rules.message_window
        too_many = len(self._heard) == self._heard.maxlen and now - self._heard[0] < window
        self._heard.append(now)
        return not too_many

    def due(self, now: float) -> Due:
        """What has to happen now; a ping is due once, until `pinged` says that it was sent."""
        if now - self._opened >= self._rules.life:
            return Due.TOO_OLD
        if any(now - sent >= self._rules.pong_within for sent in self._unanswered.values()):
            return Due.NO_PONG
        return Due.PING if now >= self._next_ping else Due.NOTHING

    def pinged(self, payload: bytes, now: float) -> None:
        """A ping has gone out."""
        self._unanswered[payload] = now
        self._next_ping = now + self._rules.ping_every

    def ponged(self, payload: bytes) -> None:
        """A pong came in: it answers its ping and those before it; an unsolicited one nothing."""
        if payload not in self._unanswered:
            return
        for earlier in list(self._unanswered):
            del self._unanswered[earlier]
            if earlier == payload:
                return

    def rest(self, now: float) -> None:
        """Nothing is sent for now: no answer is waited for, and the next ping comes later."""
        self._unanswered.clear()
        self._next_ping = now + self._rules.ping_every

    def next(self) -> float:
        """When to ask `due` again at the latest."""
        overdue = min(self._unanswered.values(), default=inf) + self._rules.pong_within
        return min(self._next_ping, self._opened + self._rules.life, overdue)


class Attempts:
    """Who has opened how many connections lately."""

    def __init__(self, rules: LinkRules) -> None:
        self._rules = rules
        self._made: dict[str, deque[float]] = {}

    def admit(self, address: str, now: float) -> bool:
        """Count an attempt; False when the address has made too many."""
        made = self._made.setdefault(address, deque())
        _drop(made, before=now - self._rules.attempt_window)
        made.append(now)
        return len(made) <= self._rules.most_attempts

    def seconds_left(self, address: str, now: float) -> float:
        """How long until the oldest attempt that counts no longer does."""
        return self._made[address][0] + self._rules.attempt_window - now


def _drop(times: deque[float], *, before: float) -> None:
    while times and times[0] <= before:
        times.popleft()
