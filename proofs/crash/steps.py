"""The moments at which the program is killed: every step of an order's way, and any other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class By(StrEnum):
    """Who notices that the moment has come: the program, the exchange, or nobody."""

    PROGRAM = "program"
    EXCHANGE = "exchange"
    CHANCE = "chance"


@dataclass(frozen=True, slots=True)
class Step:
    """A moment, and by whom it is noticed."""

    name: str
    by: By


STEPS = (
    Step("before save", By.PROGRAM),
    Step("after save", By.PROGRAM),
    Step("before send", By.PROGRAM),
    Step("during send", By.EXCHANGE),
    Step("accepted by the exchange", By.EXCHANGE),
    Step("answered", By.PROGRAM),
    Step("after booking", By.PROGRAM),
    Step("report read", By.PROGRAM),
    Step("report booked", By.PROGRAM),
    Step("any moment", By.CHANCE),
)
"""In the order of an order's way."""

MOST_PASSED = 4


@dataclass(frozen=True, slots=True)
class Death:
    """Kill at this step once it was passed `passed` times; by chance `seconds` after the start."""

    step: Step
    passed: int
    seconds: float


def deaths(kills: int, seed: int) -> list[Death]:
    """Every step equally often, in an order and at moments that depend on the seed alone."""
    luck = Random(seed)
    chosen = [STEPS[number % len(STEPS)] for number in range(kills)]
    luck.shuffle(chosen)
    return [
        Death(step, passed=luck.randrange(MOST_PASSED), seconds=luck.uniform(0.01, 1.2))
        for step in chosen
    ]
