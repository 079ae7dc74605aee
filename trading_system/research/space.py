"""Which combinations of parameters there are: written "fast=5:100:5", numbered, never listed.

A combination is its number, so that a million of them take no memory and travel as integers.
Refuses a value that its parameter does not allow; which combinations make no sense, the strategy
and the conditions say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.errors import InvalidRequest
from trading_system.research.conditions import Condition, condition
from trading_system.strategies.base import (
    Parameter,
    Strategy,
    Value,
    assignments,
    parameters,
)

_MOST_VALUES = 100_000
_MOST_COMBINATIONS = 2**62  # their numbers are int64


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The values one parameter is to have, in the order they were written."""

    name: str
    values: tuple[Value, ...]

    @property
    def column(self) -> NDArray[Any]:
        """The values as numbers or booleans where they are such, else as texts."""
        plain = all(isinstance(value, bool | int | float) for value in self.values)
        return np.array(self.values if plain else [str(value) for value in self.values])


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """All combinations of the axes' values, numbered from 0 on, the last axis turning fastest."""

    axes: tuple[Axis, ...]
    defaults: Mapping[str, Value]
    conditions: tuple[Condition, ...] = ()

    @property
    def size(self) -> int:
        """How many combinations there are, those that will be refused among them."""
        return math.prod(len(axis.values) for axis in self.axes)

    def values(self, combination: int) -> dict[str, Value]:
        """The parameters of the combination with that number, by name, in the order of the axes."""
        found: dict[str, Value] = {}
        for axis in reversed(self.axes):
            combination, place = divmod(combination, len(axis.values))
            found[axis.name] = axis.values[place]
        return {axis.name: found[axis.name] for axis in self.axes}

    def columns(self, combinations: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """The parameters of n combinations, shape (n,) each; what is no number is text."""
        rest, found = combinations, dict[str, NDArray[Any]]()
        for axis in reversed(self.axes):
            rest, places = np.divmod(rest, len(axis.values))
            found[axis.name] = axis.column[places]
        return {axis.name: found[axis.name] for axis in self.axes}

    def number(self, places: Sequence[int]) -> int:
        """The number of the combination that has these places on the axes."""
        number = 0
        for axis, place in zip(self.axes, places, strict=True):
            number = number * len(axis.values) + place
        return number

    def build(self, kind: type[Strategy], combination: int) -> Strategy:
        """The strategy with these parameters, each of which was checked when it was read.

        Raises InvalidRequest where the strategy refuses them together.
        """
        parameters: dict[str, Any] = self.values(combination)
        return kind(**parameters)

    def strategy(self, kind: type[Strategy], combination: int) -> Strategy | None:
        """The same; None where the strategy or a condition refuses them."""
        known = {**self.defaults, **self.values(combination)}
        if not all(each.holds(known) for each in self.conditions):
            return None
        try:
            return self.build(kind, combination)
        except InvalidRequest:
            return None

    def sample(self, count: int, seed: int) -> Sequence[int]:
        """`count` different combinations at random; all, in order, when there are no more."""
        if count >= self.size:
            return range(self.size)
        return Random(seed).sample(range(self.size), count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is known of a list of combinations before any of them has run."""

    accepted: int
    refused: int
    warmup: int
    """The longest warm-up, in bars."""


def space(kind: type[Strategy], texts: Iterable[str], conditions: Iterable[str] = ()) -> Space:
    """Read axes like "fast=5:100:5" or "spacing=arithmetic,geometric", and conditions.

    An axis is a list of values and ranges, low:high, low:high:step or low:high:*factor, both ends
    included. Raises InvalidRequest for what cannot be read, for unknown parameters, and for values
    that a parameter does not allow.
    """
    known = {each.name: each for each in parameters(kind)}
    written = assignments(texts)
    for name in written:
        if name not in known:
            names = ", ".join(known) or "no parameters"
            raise InvalidRequest(f"{kind.name} has no parameter {name!r}; it has {names}")
    found = Space(
        axes=tuple(_axis(known[name], text) for name, text in written.items()),
        defaults={name: each.default for name, each in known.items()},
        conditions=tuple(condition(text, known) for text in conditions),
    )
    if found.size > _MOST_COMBINATIONS:
        raise InvalidRequest(f"{found.size:.1e} combinations are too many to be numbered")
    return found


def written(value: Value) -> str:
    """A value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def said(values: Mapping[str, Value]) -> str:
    """A combination as people write it."""
    return ", ".join(f"{name}={written(value)}" for name, value in values.items())


def accepted(
    kind: type[Strategy], among: Space, combinations: Iterable[int]
) -> Iterator[tuple[int, Strategy]]:
    """Those that neither the strategy nor a condition refuses, and the strategies they make."""
    for combination in combinations:
        strategy = among.strategy(kind, combination)
        if strategy is not None:
            yield combination, strategy


def survey(kind: type[Strategy], among: Space, combinations: Sequence[int]) -> Survey:
    """Count what is accepted, and what it needs; InvalidRequest when nothing is."""
    count = warmup = 0
    for _, strategy in accepted(kind, among, combinations):
        count += 1
        warmup = max(warmup, strategy.warmup)
    if not count:
        raise InvalidRequest(f"{kind.name} and the conditions refuse all combinations")
    return Survey(accepted=count, refused=len(combinations) - count, warmup=warmup)


def _axis(parameter: Parameter, text: str) -> Axis:
    values: list[Value] = []
    for part in text.split(","):
        values += _range(parameter, part) if ":" in part else [parameter.parse(part)]
        if len(values) > _MOST_VALUES:
            raise InvalidRequest(f"{parameter.name}={text}: more than {_MOST_VALUES} values")
    for value in values:
        parameter.check(value)
    if len(set(values)) < len(values):
        raise InvalidRequest(f"{parameter.name}={text}: a value is there twice")
    return Axis(name=parameter.name, values=tuple(values))


def _range(parameter: Parameter, text: str) -> list[Value]:
    """The values of low:high[:step | :*factor]; steps are decimals, so that none drifts."""
    kind = type(parameter.default)
    if kind not in (int, float, Decimal):
        raise InvalidRequest(f"{parameter.name} has no ranges: it is {parameter.range}")
    low_text, high_text, step_text = (*text.split(":", 2), "1")[:3]
    factor = step_text.strip().startswith("*")
    try:
        low, high, step = (
            Decimal(each.strip().removeprefix("*")) for each in (low_text, high_text, step_text)
        )
    except InvalidOperation:
        raise _no_range(parameter, text) from None
    grows = step > 1 and low > 0 if factor else step > 0
    if not (low.is_finite() and high.is_finite() and step.is_finite() and low <= high and grows):
        raise _no_range(parameter, text)
    return [_of_kind(parameter, each) for each in _steps(low, high, step, factor=factor)]


def _steps(low: Decimal, high: Decimal, step: Decimal, *, factor: bool) -> Iterator[Decimal]:
    """At most one more than an axis may have."""
    value = low
    for count in range(1, _MOST_VALUES + 2):
        if value > high:
            return
        yield value
        value = value * step if factor else low + step * count


def _of_kind(parameter: Parameter, value: Decimal) -> Value:
    if isinstance(parameter.default, int):
        if value != int(value):
            raise InvalidRequest(f"{parameter.name} is a whole number, not {value}")
        return int(value)
    return float(value) if isinstance(parameter.default, float) else value


def _no_range(parameter: Parameter, text: str) -> InvalidRequest:
    return InvalidRequest(
        f"{parameter.name}={text} is no range: write it like 5:100:5, or 1:64:*2 to multiply"
    )
