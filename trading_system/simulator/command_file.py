"""The file that keeps commands: JSON objects, one a line, flushed to the operating system.

The first line says what they belong to and when they were begun. A last line that was torn by a
crash is dropped; any other damage is told with what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

import orjson

FORMAT = 1

Entry = dict[str, object]


class CommandLogError(Exception):
    """The file cannot be used; the text says what to do."""


class CommandFile:
    """Append-only; `entries` first, then `append`.

    `market` is what the commands depend on, `opened` (ms UTC) when this market was first opened:
    of a file that goes on, the time it began with, for a recording that was moved to end then.
    """

    def __init__(self, path: Path, market: Mapping[str, object], *, now: int) -> None:
        """Read when the file was begun; raises CommandLogError when that cannot be read."""
        self._path = path
        self._market = {"format": FORMAT, **market}
        self._file: BinaryIO | None = None
        lines = self._whole_lines()
        self.opened = cast("int", self._parse(1, lines[0]).get("opened", now)) if lines else now

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Everything kept so far, each with the number of its line.

        Raises CommandLogError when the file belongs to another market or is damaged.
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
            yield number, self._parse(number, line)

    def append(self, entry: Mapping[str, object]) -> None:
        """Keep one more."""
        if self._file is None:
            self._file = self._open()
        self._file.write(orjson.dumps(entry, default=str) + b"\n")
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def damaged(self, number: int) -> CommandLogError:
        """What to raise for a line that means nothing."""
        return CommandLogError(
            f"{self._path} is damaged in line {number}. Remove or rename the file to begin anew."
        )

    def _header(self) -> Entry:
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

    def _parse(self, number: int, line: bytes) -> Entry:
        try:
            entry = orjson.loads(line)
        except ValueError as damage:
            raise self.damaged(number) from damage
        if not isinstance(entry, dict):
            raise self.damaged(number)
        return entry
