"""A rule while it is in force: what it has done so far, and how it ends."""

from __future__ import annotations

from fnmatch import fnmatchcase
from random import Random

import orjson

from trading_system.simulator.interference import Frame, Link
from trading_system.simulator.mischief.connections import Drop, HalfOpen
from trading_system.simulator.mischief.pushes import Reordered
from trading_system.simulator.mischief.rules import Aim, PushEffect, Rule

_USER = "user"


class ActiveRule:
    """`began` and `ends` are ms of the exchange's undisturbed clock.

    Its luck is its own, so that no other rule and no other call changes what it decides.
    """

    def __init__(self, rule: Rule, *, id_: str, began: int, seed: int) -> None:
        self.rule = rule
        self.id = id_
        self.began = began
        self.ends = None if rule.seconds is None else began + round(rule.seconds * 1000)
        self.luck = Random(f"{seed}/{id_}")
        self.done = 0
        self._held: dict[Link, Frame] = {}
        self._silenced: list[Link] = []

    @property
    def is_spent(self) -> bool:
        """It has happened as often as it may, and nothing is held back."""
        return self._used_up and not self._held

    @property
    def _used_up(self) -> bool:
        return self.rule.times is not None and self.done >= self.rule.times

    def strikes(self, subject: str) -> bool:
        """Whether it happens to this one; counted."""
        if self._used_up or not fnmatchcase(subject, self.rule.target):
            return False
        if self.rule.probability < 1 and self.luck.random() >= self.rule.probability:
            return False
        self.done += 1
        return True

    def touch(self, link: Link) -> None:
        """Break this connection, if it is one of those."""
        effect = self.rule.effect
        if isinstance(effect, Drop | HalfOpen) and self.strikes(link.kind):
            effect.begin(link)
            if isinstance(effect, HalfOpen):
                self._silenced.append(link)

    def passed(self, link: Link, frame: Frame, effect: PushEffect) -> tuple[Frame, ...]:
        """What goes out in place of this frame."""
        is_user = frame.stream == _USER
        if isinstance(effect, Reordered) and is_user and link in self._held:
            return (frame, self._held.pop(link))
        if is_user != (self.rule.aim is Aim.EVENTS) or not frame.stream:
            return (frame,)
        if not self.strikes(user_event(frame).get("e", "") if is_user else frame.stream):
            return (frame,)
        if isinstance(effect, Reordered):
            self._held[link] = frame
            return ()
        return tuple(effect.instead(frame))

    def forget(self, link: Link) -> None:
        """It has gone."""
        self._held.pop(link, None)
        if link in self._silenced:
            self._silenced.remove(link)

    def end(self) -> None:
        """Give back what was held, and speech to those that were silenced."""
        for link, frame in self._held.items():
            link.send(frame)
        for link in self._silenced:
            HalfOpen().end(link)

    def told(self) -> dict[str, object]:
        """As JSON."""
        ends = {} if self.ends is None else {"ends": self.ends}
        return {"id": self.id, **self.rule.told(), "done": self.done, **ends}


def user_event(frame: Frame) -> dict[str, str]:
    """The event in a frame of a user's stream."""
    told = orjson.loads(frame.text)
    event: dict[str, str] = told.get("event", told)
    return event
