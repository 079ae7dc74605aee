"""Accepted futures commands in a file of their own, so that positions outlive the process.

The core is deterministic: handling the same commands at the same times makes it the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import cast

from trading_system.simulator.command_file import CommandFile
from trading_system.simulator.futures.model import (
    CancelAlgo,
    CancelAll,
    CancelAllAlgos,
    CancelOrder,
    Command,
    ModifyOrder,
    OrderType,
    PlaceAlgo,
    PlaceOrder,
    SetLeverage,
    TimeInForce,
)
from trading_system.simulator.model import Side
from trading_system.simulator.self_trades import SelfTradePrevention

_COMMANDS: dict[str, Callable[..., Command]] = {
    kind.__name__: kind
    for kind in (
        *(PlaceOrder, ModifyOrder, CancelOrder, CancelAll),
        *(PlaceAlgo, CancelAlgo, CancelAllAlgos, SetLeverage),
    )
}
_READERS: dict[str, Callable[[str], object]] = {
    "side": Side,
    "type": OrderType,
    "time_in_force": TimeInForce,
    "stp": SelfTradePrevention,
    "quantity": Decimal,
    "price": Decimal,
    "trigger_price": Decimal,
    "activation": Decimal,
    "callback_rate": Decimal,
}


class FuturesLog:
    """Append-only; `replay` first, then `append`. `market`: see CommandFile."""

    def __init__(self, path: Path, market: Mapping[str, object], *, now: int) -> None:
        """Read when the log was begun; raises CommandLogError when that cannot be read."""
        self._file = CommandFile(path, market, now=now)

    @property
    def opened(self) -> int:
        """When its market was first opened, ms UTC."""
        return self._file.opened

    def replay(self) -> Iterator[tuple[Command, int]]:
        """The commands kept so far, each with its time in ms; raises CommandLogError."""
        for number, entry in self._file.entries():
            try:
                command, now = decode(entry), cast("int", entry["now"])
            except (KeyError, ValueError, TypeError, ArithmeticError) as damage:
                raise self._file.damaged(number) from damage
            yield command, now

    def append(self, command: Command, now: int) -> None:
        """Keep one more command."""
        self._file.append(encode(command) | {"now": now})

    def close(self) -> None:
        self._file.close()


def encode(command: Command) -> dict[str, object]:
    """A command as plain values; what was not sent is left out."""
    values = {field.name: getattr(command, field.name) for field in fields(command)}
    sent = {name: value for name, value in values.items() if value is not None}
    return {"command": type(command).__name__, **sent}


def decode(entry: Mapping[str, object]) -> Command:
    """The command of `encode`; KeyError, ValueError or TypeError for anything else."""
    kind = _COMMANDS[str(entry["command"])]
    sent = {name: value for name, value in entry.items() if name not in {"command", "now"}}
    return kind(**{name: _value(name, value) for name, value in sent.items()})


def _value(name: str, value: object) -> object:
    read = _READERS.get(name)
    return value if read is None else read(str(value))
