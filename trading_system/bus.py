"""Tell whoever may be interested; what must happen is called, never published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

import structlog

Event = TypeVar("Event")

log = structlog.get_logger(__name__)


class Bus:
    """Publishes events to observers by type; one that raises is logged and fails nobody else."""

    def __init__(self) -> None:
        self._observers: defaultdict[type, list[Callable[[Any], None]]] = defaultdict(list)

    def subscribe(self, kind: type[Event], observer: Callable[[Event], None]) -> None:
        """Call `observer` with every event of exactly this type."""
        self._observers[kind].append(observer)

    def publish(self, event: object) -> None:
        """Hand the event to its observers, in the order they subscribed."""
        for observer in self._observers[type(event)]:
            try:
                observer(event)
            except Exception:
                log.exception("observer failed", event_type=type(event).__name__)
