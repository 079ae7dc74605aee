"""Accepted commands in a file, so that accounts and orders outlive the process.

The venue is deterministic: handling the same commands at the same times makes it the same
again, so nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import cast

from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.command_file import CommandFile, CommandLogError
from trading_system.simulator.list_model import CancelList, ListCommand, Pair, PlaceList
from trading_system.simulator.model import (
    Advance,
    CancelAll,
    CancelOrder,
    CancelReplace,
    Command,
    Deposit,
    OrderType,
    PlaceOrder,
    Side,
    TimeInForce,
)
from trading_system.simulator.self_trades import SelfTradePrevention

__all__ = ["CommandLog", "CommandLogError", "decode", "encode"]

_COMMANDS: dict[str, Callable[..., Command | ListCommand | Pair]] = {
    kind.__name__: kind
    for kind in (
        *(PlaceOrder, CancelOrder, CancelAll, CancelReplace, AmendOrder, Deposit, Advance),
        *(PlaceList, CancelList, Pair),
    )
}
_READERS: dict[str, Callable[[str], object]] = {
    "side": Side,
    "type": OrderType,
    "time_in_force": TimeInForce,
    "stp": SelfTradePrevention,
    "amount": Decimal,
    "quantity": Decimal,
    "quote_quantity": Decimal,
    "price": Decimal,
    "stop_price": Decimal,
    "iceberg_quantity": Decimal,
}


class CommandLog:
    """Append-only; `replay` first, then `append`. `market`, `opened`: see CommandFile."""

    def __init__(self, path: Path, market: Mapping[str, object], *, now: int = 0) -> None:
        """Read when the log was begun; raises CommandLogError when that cannot be read."""
        self._file = CommandFile(path, market, now=now)

    @property
    def opened(self) -> int:
        return self._file.opened

    def replay(self) -> Iterator[tuple[Command | ListCommand, int]]:
        """The commands kept so far, each with its time in ms; raises CommandLogError."""
        for number, entry in self._file.entries():
            try:
                command, now = decode(entry), cast("int", entry["now"])
            except (KeyError, ValueError, TypeError, ArithmeticError) as damage:
                raise self._file.damaged(number) from damage
            if isinstance(command, Pair):
                raise self._file.damaged(number)
            yield command, now

    def watching(self) -> AbstractContextManager[None]:
        """While the venue handles a command: its market says the same again whenever asked."""
        return nullcontext()

    def append(self, command: Command | ListCommand, now: int) -> None:
        """Keep one more command; Advance asks for what happens by itself."""
        if not isinstance(command, Advance):
            self._file.append(encode(command) | {"now": now})

    def close(self) -> None:
        self._file.close()


def encode(command: Command | ListCommand | Pair) -> dict[str, object]:
    """A command as plain values; what was not sent is left out."""
    entry: dict[str, object] = {"command": type(command).__name__}
    for field in fields(command):
        value = getattr(command, field.name)
        if isinstance(value, PlaceOrder | CancelOrder | Pair):
            value = encode(value)
        if value is not None:
            entry[field.name] = value
    return entry


def decode(entry: Mapping[str, object]) -> Command | ListCommand | Pair:
    """The command of `encode`; KeyError, ValueError or TypeError for anything else."""
    kind = _COMMANDS[str(entry["command"])]
    values = {
        name: _value(name, value) for name, value in entry.items() if name not in {"command", "now"}
    }
    return kind(**values)


def _value(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return decode(value)
    read = _READERS.get(name)
    return value if read is None else read(str(value))
