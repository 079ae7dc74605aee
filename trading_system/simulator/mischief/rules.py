"""Rules of mischief: what they do, to what, how often and how long; read from JSON.

`KINDS` is the one table of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields
from enum import StrEnum
from inspect import getdoc
from types import NoneType
from typing import Any, NamedTuple, get_args, get_type_hints

from trading_system.simulator.mischief import (
    answers,
    clocks,
    connections,
    market,
    pushes,
    timing,
)

CallEffect = (
    timing.Latency
    | timing.AnswerLate
    | timing.OrderUnknown
    | timing.FillFirst
    | timing.CancelCrossesFill
    | answers.ServerError
    | answers.TooManyRequests
    | answers.Banned
    | answers.Forbidden
    | answers.ErrorCode
    | answers.EmptyBody
    | answers.TruncatedBody
    | answers.AnswerLost
    | answers.RequestLost
)
PushEffect = pushes.Duplicated | pushes.Reordered | pushes.Missed | pushes.Frozen
LinkEffect = connections.Drop | connections.HalfOpen
ClockEffect = clocks.ClockSkew | clocks.ClockJump
MarketEffect = market.Halt | market.Delisted | market.Hole | market.Rewritten
Effect = CallEffect | PushEffect | LinkEffect | ClockEffect | MarketEffect | connections.Shutdown


class Aim(StrEnum):
    """What a rule is aimed at; the word is the name of the glob that narrows it down."""

    CALLS = "calls"
    EVENTS = "events"
    STREAMS = "streams"
    LINKS = "links"
    SYMBOLS = "symbols"
    EVERYTHING = "everything"


class Kind(NamedTuple):
    """A kind of rule, and what it is aimed at unless told otherwise."""

    effect: type[Effect]
    aim: Aim
    target: str = "*"

    @property
    def explanation(self) -> str:
        """What it does, in one line."""
        return " ".join((getdoc(self.effect) or "").split())

    @property
    def options(self) -> list[str]:
        """Its own fields with their defaults, and the name of its glob."""
        told = [_option(each) for each in fields(self.effect)]
        return told if self.aim is Aim.EVERYTHING else [f"{self.aim}={self.target}", *told]


KINDS: dict[str, Kind] = {
    "latency": Kind(timing.Latency, Aim.CALLS),
    "server-error": Kind(answers.ServerError, Aim.CALLS),
    "too-many-requests": Kind(answers.TooManyRequests, Aim.CALLS),
    "banned": Kind(answers.Banned, Aim.CALLS),
    "forbidden": Kind(answers.Forbidden, Aim.CALLS),
    "error": Kind(answers.ErrorCode, Aim.CALLS),
    "empty-body": Kind(answers.EmptyBody, Aim.CALLS),
    "truncated-body": Kind(answers.TruncatedBody, Aim.CALLS),
    "answer-lost": Kind(answers.AnswerLost, Aim.CALLS),
    "request-lost": Kind(answers.RequestLost, Aim.CALLS),
    "answer-late": Kind(timing.AnswerLate, Aim.CALLS),
    "order-unknown": Kind(timing.OrderUnknown, Aim.CALLS, "GET /api/v3/order"),
    "fill-first": Kind(timing.FillFirst, Aim.CALLS, "POST /api/v3/order"),
    "cancel-crosses-fill": Kind(timing.CancelCrossesFill, Aim.CALLS, "DELETE /api/v3/order"),
    "event-duplicated": Kind(pushes.Duplicated, Aim.EVENTS),
    "event-reordered": Kind(pushes.Reordered, Aim.EVENTS),
    "event-missed": Kind(pushes.Missed, Aim.EVENTS),
    "stream-frozen": Kind(pushes.Frozen, Aim.STREAMS),
    "drop": Kind(connections.Drop, Aim.LINKS),
    "half-open": Kind(connections.HalfOpen, Aim.LINKS),
    "shutdown": Kind(connections.Shutdown, Aim.EVERYTHING),
    "clock-skew": Kind(clocks.ClockSkew, Aim.EVERYTHING),
    "clock-jump": Kind(clocks.ClockJump, Aim.EVERYTHING),
    "halt": Kind(market.Halt, Aim.SYMBOLS),
    "delisted": Kind(market.Delisted, Aim.SYMBOLS),
    "hole": Kind(market.Hole, Aim.SYMBOLS),
    "rewritten": Kind(market.Rewritten, Aim.SYMBOLS),
}
_BY_CHANCE = {Aim.CALLS, Aim.EVENTS, Aim.STREAMS, Aim.LINKS}
"""Only what happens again and again can be left to chance or counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`target` is a glob over what `aim` says: "POST /api/v3/order", executionReport, BTC*.

    It strikes with this `probability`, at most so many `times`, and stays for so many `seconds` of
    the exchange's clock; None is without end.
    """

    kind: str
    effect: Effect
    aim: Aim
    target: str
    probability: float = 1.0
    times: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what could never happen."""
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability must be above 0 and at most 1, not {self.probability}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be at least 1, not {self.times}")
        if self.seconds is not None and self.seconds <= 0:
            raise ValueError(f"seconds must be above 0, not {self.seconds}")
        if self.aim not in _BY_CHANCE and (self.probability < 1 or self.times is not None):
            raise ValueError(f"{self.kind} knows neither probability nor times")

    def told(self) -> dict[str, object]:
        """As JSON, without what is at rest."""
        common = {"probability": self.probability, "times": self.times, "seconds": self.seconds}
        aimed = {} if self.aim is Aim.EVERYTHING else {self.aim.value: self.target}
        told = {"kind": self.kind, **aimed, **asdict(self.effect), **common}
        return {name: value for name, value in told.items() if value is not None}


def read_rule(given: object) -> Rule:
    """The rule in a JSON object; raises ValueError with a text for whoever wrote it."""
    if not isinstance(given, Mapping) or "kind" not in given:
        raise ValueError('a rule is an object with a kind: {"kind": "latency", "ms": 200}')
    rest = dict(given)
    name = rest.pop("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"no such kind: {name}; there are {', '.join(KINDS)}")
    try:
        return _rule(name, kind, rest)
    except ValueError as wrong:
        raise ValueError(f"{name}: {wrong}") from None


def _rule(name: str, kind: Kind, rest: dict[str, Any]) -> Rule:
    common = _taken(Rule, {"probability", "times", "seconds"}, rest)
    target = kind.target
    if kind.aim is not Aim.EVERYTHING:
        target = _fitting(kind.aim, rest.pop(kind.aim, target), str)
    own = {each.name for each in fields(kind.effect)}
    if unknown := rest.keys() - own:
        known = ", ".join([*kind.options, "probability", "times", "seconds"])
        raise ValueError(f"does not know {', '.join(sorted(unknown))}; it takes {known}")
    for each in fields(kind.effect):
        if each.default is MISSING and each.name not in rest:
            raise ValueError(f"{each.name} is missing")
    effect = kind.effect(**_taken(kind.effect, own, rest))
    return Rule(kind=name, effect=effect, aim=kind.aim, target=target, **common)


def _taken(type_: type, names: set[str], rest: dict[str, Any]) -> dict[str, Any]:
    """These fields out of `rest`, of the right types."""
    hints = get_type_hints(type_)
    return {name: _fitting(name, rest.pop(name), hints[name]) for name in names & rest.keys()}


def _fitting(name: str, value: object, hint: Any) -> Any:
    wanted = get_args(hint) or (hint,)
    for kind in wanted:
        if kind is NoneType and value is None:
            return None
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        if kind is float and type(value) is int:
            return float(value)
        if issubclass(kind, StrEnum) and value in list(kind):
            return kind(value)
    allowed = " or ".join(_told_type(kind) for kind in wanted if kind is not NoneType)
    raise ValueError(f"{name} must be {allowed}, not {value!r}")


def _told_type(kind: type) -> str:
    if issubclass(kind, StrEnum):
        return ", ".join(kind)
    return {int: "a whole number", float: "a number", bool: "true or false"}.get(kind, "a text")


def _option(each: Field[Any]) -> str:
    if each.default is MISSING:
        return f"{each.name}=..."
    default = str(each.default).lower() if isinstance(each.default, bool) else each.default
    return each.name if default is None else f"{each.name}={default}"
