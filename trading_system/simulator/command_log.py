"""Accepted commands in a file, so that accounts and orders outlive the process.

One JSON line each, flushed to the operating system; the first line says what market they belong
to. The venue is deterministic: handling the same commands at the same times makes it the same
again, so nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.list_model import CancelList, ListCommand, Pair, PlaceList
from trading_system.simulator.model import (
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

FORMAT = 1
_COMMANDS: dict[str, Callable[..., Command | ListCommand | Pair]] = {
    kind.__name__: kind
    for kind in (
        *(PlaceOrder, CancelOrder, CancelAll, CancelReplace, AmendOrder, Deposit),
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


class CommandLogError(Exception):
    """The file cannot be used; the text says what to do."""


class CommandLog:
    """Append-only; `replay` first, then `append`.

    `market` is what the commands depend on, `opened` (ms UTC) when this market was first opened:
    of a log that goes on, the time it began with, for a recording that was moved to end then.
    """

    def __init__(self, path: Path, market: Mapping[str, object], *, now: int = 0) -> None:
        """Read when the log was begun; raises CommandLogError when that cannot be read."""
        self._path = path
        self._market = {"format": FORMAT, **market}
        self._file: BinaryIO | None = None
        lines = self._whole_lines()
        self.opened = cast("int", self._parse(1, lines[0]).get("opened", now)) if lines else now

    def replay(self) -> Iterator[tuple[Command | ListCommand, int]]:
        """The commands kept so far, each with its time in ms.

        Raises CommandLogError when the file belongs to another market or is damaged; a last line
        that was torn by a crash is dropped from the file.
        """
        lines = self._whole_lines()
        if not lines:
            return
        if self._parse(1, lines[0]) != self._header():
            raise CommandLogError(
                f"{self._path} belongs to another market: it begins with {lines[0].decode()}, "
                f"wanted is {orjson.dumps(self._header()).decode()}. Remove or rename the file to "
                "begin anew."
            )
        for number, line in enumerate(lines[1:], start=2):
            yield self._command(number, line)

    def append(self, command: Command | ListCommand, now: int) -> None:
        """Keep one more command."""
        if self._file is None:
            self._file = self._open()
        self._file.write(orjson.dumps(encode(command) | {"now": now}, default=str) + b"\n")
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _header(self) -> dict[str, object]:
        return {**self._market, "opened": self.opened}

    def _open(self) -> BinaryIO:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("ab")
        if not file.tell():
            file.write(orjson.dumps(self._header()) + b"\n")
        return file

    def _whole_lines(self) -> list[bytes]:
        """The file's lines; whatever follows the last line's end is cut off."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        end = content.rfind(b"\n") + 1
        if end < len(content):
            with self._path.open("r+b") as file:
                file.truncate(end)
        return content[:end].splitlines()

    def _command(self, number: int, line: bytes) -> tuple[Command | ListCommand, int]:
        entry = self._parse(number, line)
        try:
            command = decode(entry)
            if isinstance(command, Pair):
                raise self._damaged(number)
            return command, cast("int", entry["now"])
        except (KeyError, ValueError, TypeError, ArithmeticError) as damage:
            raise self._damaged(number) from damage

    def _parse(self, number: int, line: bytes) -> dict[str, object]:
        try:
            entry = orjson.loads(line)
        except ValueError as damage:
            raise self._damaged(number) from damage
        if not isinstance(entry, dict):
            raise self._damaged(number)
        return entry

    def _damaged(self, number: int) -> CommandLogError:
        return CommandLogError(
            f"{self._path} is damaged in line {number}. Remove or rename the file to begin anew."
        )


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
