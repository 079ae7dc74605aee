"""Accepted commands of a mirrored market in a file, each with what the venue saw of the market.

A step of the market alone is kept as well where it did something: its trades will not come again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

from trading_system.simulator.command_file import CommandFile
from trading_system.simulator.command_log import decode, encode
from trading_system.simulator.list_model import ListCommand, Pair
from trading_system.simulator.mirror.looks import Looks
from trading_system.simulator.model import Advance, Command

_SEEN = "seen"


class MirrorLog:
    """As command_log.CommandLog; `replay` first, after which `looks` are live."""

    def __init__(self, path: Path, market: Mapping[str, object], looks: Looks, *, now: int) -> None:
        """Read when the log was begun; raises CommandLogError when that cannot be read."""
        self._file = CommandFile(path, market, now=now)
        self._looks = looks

    def replay(self) -> Iterator[tuple[Command | ListCommand, int]]:
        """The commands kept so far; what was seen with each is shown when it is handled."""
        for number, entry in self._file.entries():
            try:
                self._looks.show(cast("Mapping[str, Any]", entry.pop(_SEEN)))
                command, now = decode(entry), cast("int", entry["now"])
            except (KeyError, ValueError, TypeError, ArithmeticError, AttributeError) as damage:
                raise self._file.damaged(number) from damage
            if isinstance(command, Pair):
                raise self._file.damaged(number)
            yield command, now
        self._looks.live()

    def watching(self) -> AbstractContextManager[None]:
        """What the venue looks at within the block is kept by the next `append`."""
        return self._looks.watching()

    def append(self, command: Command | ListCommand, now: int) -> None:
        """Keep one more command; Advance only where trades of the market met orders."""
        if self._looks.moved or not isinstance(command, Advance):
            self._file.append(encode(command) | {"now": now, _SEEN: self._looks.take()})

    def close(self) -> None:
        self._file.close()
