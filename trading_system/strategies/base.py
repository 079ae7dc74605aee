"""What a strategy is, what its parameters may be, and how one is built from what somebody wrote.

A strategy is a frozen dataclass: its fields are its parameters. It is pure: it knows no exchange,
no clock and no database, and the same candles give the same targets, to the last bit.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, ClassVar, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Column, Frame

Targets = Column | NDArray[np.int8]
"""The wanted exposure by bar; int8 where none is but 1, 0 and -1, which is an eighth to read."""

Value = bool | int | float | Decimal | StrEnum
"""What a parameter may be; the type of its default says which."""

_T = TypeVar("_T", bound=bool | int | float | Decimal | StrEnum)
_KEY = "parameter"
_WORDS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_KINDS: dict[type, str] = {
    bool: "yes or no",
    int: "a whole number",
    float: "a number",
    Decimal: "a number",
}


class Strategy(Protocol):
    """Candles to exposures. Law: `targets(frame)[:n]` equals `targets(first n candles)`.

    What a target depends on may reach back to the first candle of the frame (a position that is
    held, an average that never quite forgets), so a run must go on with the frame it began with.
    """

    name: ClassVar[str]

    @property
    def warmup(self) -> int:
        """How many bars come before the first target that means something."""
        ...

    def targets(self, frame: Frame) -> Targets:
        """The wanted exposure by bar, shape (n,), in [-1, 1]: all short .. flat (0) .. all long.

        A target is decided at the close of its bar; bars without enough history are flat.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a strategy; `low` and `high` are included, None is no bound."""

    name: str
    default: Value
    low: float | None
    high: float | None
    help: str

    @property
    def range(self) -> str:
        """What it may be, for people."""
        if isinstance(self.default, StrEnum):
            return " | ".join(type(self.default))
        if isinstance(self.default, bool):
            return "yes | no"
        low, high = ("" if bound is None else f"{bound:g}" for bound in (self.low, self.high))
        return f"{low}..{high}"

    @property
    def written(self) -> str:
        """The default as `parse` reads it."""
        if isinstance(self.default, bool):
            return "yes" if self.default else "no"
        return str(self.default)

    def parse(self, text: str) -> Value:
        """Read a value as somebody wrote it; InvalidRequest when it is of another type."""
        kind = type(self.default)
        try:
            return _WORDS[text.strip().lower()] if kind is bool else kind(text.strip())
        except (ValueError, KeyError, InvalidOperation):
            raise self._of_another_type(text) from None

    def check(self, value: object) -> None:
        """Raise InvalidRequest for a value of another type or out of range."""
        kind = type(self.default)
        allowed = (int, float) if kind is float else (kind,)
        if type(value) not in allowed:
            raise self._of_another_type(value)
        if isinstance(value, bool | StrEnum):
            return
        number = cast("int | float | Decimal", value)
        if not _finite(number) or not self._contains(number):
            raise InvalidRequest(f"{self.name}={value} is out of range: {self.range}")

    def _contains(self, number: float | Decimal) -> bool:
        low, high = self.low, self.high
        return (low is None or number >= low) and (high is None or number <= high)

    def _of_another_type(self, value: object) -> InvalidRequest:
        wanted = _KINDS.get(type(self.default)) or f"one of {self.range}"
        return InvalidRequest(f"{self.name} is {wanted}, not {str(value)!r}")


def _finite(number: float | Decimal) -> bool:
    return number.is_finite() if isinstance(number, Decimal) else math.isfinite(number)


def parameter(
    default: _T,
    *,
    help: str,  # noqa: A002 -- the word that argparse and typer use for it
    low: float | None = None,
    high: float | None = None,
) -> _T:
    """A field of a strategy; the default's type is the parameter's type."""
    about = {"low": low, "high": high, "help": help}
    return dataclasses.field(default=default, metadata={_KEY: about})


def parameters(kind: type[Strategy]) -> tuple[Parameter, ...]:
    """The parameters of a strategy in the order they were written."""
    return tuple(
        Parameter(name=field.name, default=cast("Value", field.default), **field.metadata[_KEY])
        for field in dataclasses.fields(cast("Any", kind))
    )


def validate(strategy: Strategy) -> None:
    """Check every parameter by its type and range; for `__post_init__`. Raises InvalidRequest."""
    for each in parameters(type(strategy)):
        each.check(getattr(strategy, each.name))


def assignments(texts: Iterable[str]) -> dict[str, str]:
    """Split "fast=20" into name and value; InvalidRequest for other texts and for a name twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise InvalidRequest(f"{text!r} is no parameter: write it like fast=20")
        if name in found:
            raise InvalidRequest(f"{name} is given twice: {found[name]} and {value}")
        found[name] = value
    return found


def build(kind: type[Strategy], values: Mapping[str, object]) -> Strategy:
    """A strategy with these parameters, the others by default; texts are read as their type.

    Raises InvalidRequest for a parameter that is unknown, of another type or out of range, and for
    a combination that the strategy itself refuses.
    """
    known = {each.name: each for each in parameters(kind)}
    for name in values:
        if name not in known:
            names = ", ".join(known) or "no parameters"
            raise InvalidRequest(f"{kind.name} has no parameter {name!r}; it has {names}")
    read = {
        name: known[name].parse(value) if type(value) is str else value
        for name, value in values.items()
    }
    strategy = kind(**read)
    validate(strategy)  # also where the strategy does not do it itself
    return strategy


def first(frame: Frame, bars: int) -> Frame:
    """The first bars of a frame, without copying."""
    return Frame(
        open_time=frame.open_time[:bars],
        open=frame.open[:bars],
        high=frame.high[:bars],
        low=frame.low[:bars],
        close=frame.close[:bars],
        volume=frame.volume[:bars],
    )


def lines_of(strategy: Strategy, frame: Frame) -> dict[str, Column]:
    """What a strategy decides by, by name, each of shape (n,): for charts and stored signals.

    A strategy may have a method `lines(frame)` that says so; without it there are none.
    """
    lines = getattr(strategy, "lines", None)
    return {} if lines is None else lines(frame)


def targets_on(kind: type[Strategy], frame: Frame) -> Callable[[Any], Targets]:
    """A function that gives the targets of any parameters on one frame, for sweeps.

    What all parameters share is computed once, where the strategy says what that is: a static
    method `prepared(frame)` whose result its `targets_from(prepared)` takes instead of the frame.
    """
    prepared = getattr(kind, "prepared", None)
    if prepared is None:
        return lambda strategy: strategy.targets(frame)
    shared = prepared(frame)
    return lambda strategy: strategy.targets_from(shared)
