"""Answers that come at the wrong time, and orders that the exchange seems not to know yet.

Each class is one kind of rule: its docstring is what a user is told. Seconds and milliseconds are
those of the exchange's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import orjson

from trading_system.simulator.mischief.scene import Follow, Scene
from trading_system.simulator.mischief.witness import name_in, names_in
from trading_system.simulator.rest import Answer, Call

_OK = 200
_HEAD_START_SECONDS = 0.05  # of the machine: a frame that is queued needs a moment to be sent


class Distribution(StrEnum):
    """How latencies are spread around `ms`."""

    FIXED = "fixed"
    UNIFORM = "uniform"
    NORMAL = "normal"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The call is executed `ms` later: fixed, uniform or normal (+- spread_ms) or exponential."""

    ms: float = 200.0
    spread_ms: float = 0.0
    distribution: Distribution = Distribution.FIXED

    def __post_init__(self) -> None:
        """Raise ValueError for times that run backwards."""
        if self.ms < 0 or self.spread_ms < 0:
            raise ValueError("ms and spread_ms must not be negative")

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:
        await scene.pause(max(0.0, self._draw(scene)) / 1000)
        return await follow(call)

    def _draw(self, scene: Scene) -> float:
        match self.distribution:
            case Distribution.UNIFORM:
                return scene.luck.uniform(self.ms - self.spread_ms, self.ms + self.spread_ms)
            case Distribution.NORMAL:
                return scene.luck.gauss(self.ms, self.spread_ms)
            case Distribution.EXPONENTIAL:
                return scene.luck.expovariate(1 / self.ms) if self.ms else 0.0
        return self.ms


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLate:
    """The call is executed at once, its answer comes after_seconds later, past any timeout."""

    after_seconds: float = 30.0

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:
        answer = await follow(call)
        await scene.pause(self.after_seconds)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUnknown:
    """For hidden_seconds after an order was accepted, asking for it is answered with -2013."""

    hidden_seconds: float = 5.0

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:
        answer = await follow(call)
        accepted = scene.witness.accepted_at(names_in(call, "orderId", "origClientOrderId"))
        if answer is None or answer.status != _OK or accepted is None:
            return answer
        if scene.shown() >= accepted + self.hidden_seconds * 1000:
            return answer
        body = orjson.dumps({"code": -2013, "msg": "Order does not exist."})
        return answer._replace(status=400, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class FillFirst:
    """The answer to a new order waits until a fill of it was pushed, or most_seconds."""

    most_seconds: float = 10.0

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:
        with scene.witness.listening() as told:
            answer = await follow(call)
            placed = None if answer is None or answer.status != _OK else name_in(answer)
            if placed is not None:
                await scene.await_until(told.fill_of(placed), self.most_seconds)
                await scene.pause(_HEAD_START_SECONDS * scene.speed)
            return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCrossesFill:
    """A cancel is held until its order has filled, or most_seconds, and only then executed."""

    most_seconds: float = 10.0

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:
        with scene.witness.ending(names_in(call, "orderId", "origClientOrderId")) as ended:
            await scene.await_until(ended, self.most_seconds)
        return await follow(call)
