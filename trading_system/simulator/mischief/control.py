"""What goes wrong on request: switched on and off at run time, the same for the same seed.

Rules are asked in the order in which they were added, each with its own luck. Their time is that of
the exchange's clock, without what they do to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from aiohttp import web

from trading_system.simulator.events import Event
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.feeds import Feed
from trading_system.simulator.interference import Frame, Link
from trading_system.simulator.mischief import endpoint
from trading_system.simulator.mischief.active import ActiveRule, user_event
from trading_system.simulator.mischief.answers import banned
from trading_system.simulator.mischief.connections import Drop, Shutdown
from trading_system.simulator.mischief.rules import (
    CallEffect,
    ClockEffect,
    LinkEffect,
    MarketEffect,
    PushEffect,
    Rule,
)
from trading_system.simulator.mischief.scene import Follow, Scene
from trading_system.simulator.mischief.shown import ShownFeed
from trading_system.simulator.mischief.witness import Witness
from trading_system.simulator.rest import Answer, Call

PATH = endpoint.PATH


class Mischief:
    """See interference.Interference; does nothing until it is asked for.

    `clock` is the exchange's as it should be, ms UTC.
    """

    def __init__(self, *, seed: int, speed: float, clock: Callable[[], int]) -> None:
        self._seed = seed
        self._speed = speed
        self._clock = clock
        self._active: list[ActiveRule] = []
        self._idle = True
        self._next_end: int | None = None
        self._banned_until = 0
        self._pending = 0
        self._added = 0
        self._links: list[Link] = []
        self._witness = Witness()
        self._shown: ShownFeed | None = None
        self.done: Counter[str] = Counter()
        """How often each kind of rule has struck, from the beginning."""
        self.refused: Counter[int] = Counter()
        """How often the exchange's own limits have answered 418 and 429: they keep it."""
        self._shut_down: Callable[[float], None] | None = None

    @property
    def rules(self) -> Sequence[ActiveRule]:
        """Those in force."""
        self._expire(self._clock())
        return tuple(self._active)

    @property
    def links(self) -> Counter[str]:
        """How many connections of each kind are open."""
        return Counter(link.kind for link in self._links)

    def add(self, rules: Iterable[Rule]) -> list[ActiveRule]:
        """Put these in force."""
        added = []
        for rule in rules:
            self._added += 1
            active = ActiveRule(rule, id_=str(self._added), began=self._clock(), seed=self._seed)
            self._active.append(active)
            self._begin(active)
            added.append(active)
        self._settle()
        return added

    def remove(self, id_: str | None = None) -> int:
        """End this rule, or all of them and every ban; how many that were."""
        gone = [active for active in self._active if id_ in {None, active.id}]
        if id_ is None:
            self._banned_until = 0
        self._end(gone)
        return len(gone)

    def market(self, feed: Feed) -> Feed:
        """The feed as it is shown while something is wrong with the market."""
        self._shown = ShownFeed(feed)
        return self._shown

    def watch(self, exchange: Exchange, *, shut_down: Callable[[float], None]) -> None:
        """Learn what becomes of orders; `shut_down` ends all connections after so many seconds."""
        exchange.observers.append(self._observe)
        self.refused = exchange.limits.refused
        self._shut_down = shut_down

    async def control(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request to /mischief."""
        return await endpoint.respond(self, request)

    def time(self, now: int) -> int:
        if self._idle:
            return now
        self._expire(now)
        return self._shifted(now)

    async def answer(self, call: Call, serve: Callable[[Call], Answer]) -> Answer | None:
        if self._idle:
            return serve(call)
        now = self._clock()
        self._expire(now)
        if now < self._banned_until:
            self.done["banned"] += 1
            offset = self._shifted(now) - now
            return banned(self._banned_until + offset, now + offset)
        self._pending += 1
        try:
            return await self._follower(call, serve)(call)
        finally:
            self._pending -= 1
            self._settle()

    def opened(self, link: Link) -> None:
        self._links.append(link)
        for active in self.rules:
            if isinstance(active.rule.effect, Drop):
                self._touch(active, [link])

    def closed(self, link: Link) -> None:
        self._links.remove(link)
        for active in self._active:
            active.forget(link)

    def outgoing(self, link: Link, frame: Frame) -> Sequence[Frame]:
        if self._idle:
            return (frame,)
        self._expire(self._clock())
        if self._shown is not None and self._shown.hides(_symbol_of(frame)):
            return ()
        if frame.stream == "user":
            self._witness.push(user_event(frame))
        frames: list[Frame] = [frame]
        for active in tuple(self._active):
            effect = active.rule.effect
            if isinstance(effect, PushEffect):
                before = active.done
                frames = [out for one in frames for out in active.passed(link, one, effect)]
                self.done[active.rule.kind] += active.done - before
                self._retire(active)
        return frames

    def _follower(self, call: Call, serve: Callable[[Call], Answer]) -> Follow:
        """How this call is answered: by the exchange inside, by the first rule outside."""

        async def by_exchange(call: Call) -> Answer | None:
            return serve(call)

        follow: Follow = by_exchange
        subject = f"{call.method} {call.path}"
        for active in reversed(self._active.copy()):
            effect = active.rule.effect
            if isinstance(effect, CallEffect) and active.strikes(subject):
                follow = _around(effect, follow, self._scene(active))
                self.done[active.rule.kind] += 1
                self._retire(active)
        return follow

    def _observe(self, events: Sequence[Event]) -> None:
        if not self._idle:
            self._witness.observe(events)

    def _begin(self, active: ActiveRule) -> None:
        match active.rule.effect:
            case effect if isinstance(effect, LinkEffect):
                self._touch(active, self._links)
                if isinstance(effect, Drop) and active.ends is None and active in self._active:
                    self._end([active])
            case effect if isinstance(effect, MarketEffect):
                if self._shown is not None:
                    now = self._shifted(active.began)
                    self._shown.begin(active.id, effect, active.rule.target, now)
                self.done[active.rule.kind] += 1
            case Shutdown(grace_seconds=seconds):
                if self._shut_down is not None:
                    self._shut_down(seconds)
                self.done[active.rule.kind] += 1
                self._end([active])

    def _touch(self, active: ActiveRule, links: Iterable[Link]) -> None:
        before = active.done
        for link in tuple(links):
            active.touch(link)
        self.done[active.rule.kind] += active.done - before
        if isinstance(active.rule.effect, Drop):
            self._retire(active)

    def _retire(self, active: ActiveRule) -> None:
        """End it when it has happened often enough."""
        if active.is_spent:
            self._end([active])

    def _expire(self, now: int) -> None:
        if self._next_end is not None and now >= self._next_end:
            self._end([a for a in self._active if a.ends is not None and now >= a.ends])

    def _end(self, gone: Sequence[ActiveRule]) -> None:
        now = self._clock()
        for active in gone:
            if self._shown is not None and isinstance(active.rule.effect, MarketEffect):
                ended = now if active.ends is None else min(now, active.ends)
                self._shown.end(active.id, self._shifted(ended))
            self._active.remove(active)
            active.end()
        self._settle()

    def _settle(self) -> None:
        ends = [active.ends for active in self._active if active.ends is not None]
        if self._clock() < self._banned_until:
            ends.append(self._banned_until)
        self._next_end = min(ends, default=None)
        self._idle = not (self._active or ends or self._pending)

    def _ban(self, seconds: float) -> None:
        self._banned_until = max(self._banned_until, self._clock() + round(seconds * 1000))
        self._settle()

    def _shifted(self, now: int) -> int:
        return now + sum(
            active.rule.effect.offset(now - active.began)
            for active in self._active
            if isinstance(active.rule.effect, ClockEffect)
        )

    def _scene(self, active: ActiveRule) -> Scene:
        return Scene(
            shown=lambda: self._shifted(self._clock()),
            luck=active.luck,
            speed=self._speed,
            witness=self._witness,
            ban=self._ban,
        )


def _symbol_of(frame: Frame) -> str:
    return frame.stream.partition("@")[0].upper()


def _around(effect: CallEffect, follow: Follow, scene: Scene) -> Follow:
    async def answer(call: Call) -> Answer | None:
        return await effect.answer(call, follow, scene)

    return answer
