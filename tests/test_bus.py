"""Observers hear what they asked for, and cannot hurt anybody."""

from __future__ import annotations

from dataclasses import dataclass

from trading_system.bus import Bus


@dataclass(frozen=True)
class Rang:
    times: int


def test_an_event_reaches_its_observers_in_their_order() -> None:
    bus, heard = Bus(), []
    bus.subscribe(Rang, lambda event: heard.append(("first", event.times)))
    bus.subscribe(Rang, lambda event: heard.append(("second", event.times)))
    bus.publish(Rang(2))
    assert heard == [("first", 2), ("second", 2)]


def test_an_event_nobody_asked_for_is_no_error() -> None:
    Bus().publish(Rang(1))


def test_an_observer_that_raises_hurts_nobody() -> None:
    bus, heard = Bus(), []

    def broken(_event) -> None:
        raise RuntimeError("broken")

    bus.subscribe(Rang, broken)
    bus.subscribe(Rang, heard.append)
    bus.publish(Rang(3))
    assert heard == [Rang(3)]
