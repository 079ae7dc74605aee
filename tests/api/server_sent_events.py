"""Reads server-sent events as WHATWG HTML section 9.2.6 says, and fails where that is lenient."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

FIELDS = {"id", "event", "data", "retry"}


@dataclass
class Told:
    """One event that arrived whole."""

    id: str
    event: str
    data: Any

    @property
    def sequence(self) -> int:
        return int(self.id.rpartition("-")[2])


@dataclass
class Reader:
    """Feed it bytes as they come; an event counts once the empty line after it is there."""

    events: list[Told] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    last_id: str = ""
    retry: int | None = None
    _rest: bytes = b""
    _block: dict[str, str] = field(default_factory=dict)

    def feed(self, received: bytes) -> list[Told]:
        """The events that are whole now."""
        before = len(self.events)
        *lines, self._rest = (self._rest + received).split(b"\n")
        for line in lines:
            self._line(line.decode())
        return self.events[before:]

    def hang_up(self) -> None:
        """Half a line or half an event is forgotten."""
        self._rest, self._block = b"", {}

    def _line(self, line: str) -> None:
        assert "\r" not in line
        if not line:
            self._dispatch()
        elif line.startswith(":"):
            self.comments.append(line[1:].strip())
        else:
            name, colon, value = line.partition(": ")
            assert colon, line
            assert name in FIELDS - self._block.keys(), line
            self._block[name] = value

    def _dispatch(self) -> None:
        block, self._block = self._block, {}
        assert block, "an empty line ends nothing"
        if "retry" in block:
            self.retry = int(block["retry"])
        self.last_id = block.get("id", self.last_id)
        assert ("event" in block) == ("data" in block), block
        if "data" in block:
            self.events.append(Told(self.last_id, block["event"], json.loads(block["data"])))
