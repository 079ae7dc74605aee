"""An open connection without a subscription, ready to take over from one that is lost."""

from __future__ import annotations

from trading_system.exchange.streams.dialling import Dialler, Redial
from trading_system.exchange.streams.standing import Standing
from trading_system.exchange.streams.supervision import Connection, Timing
from trading_system.exchange.translate import Json
from trading_system.ports import Clock
from trading_system.waiting import rest

_SHUTDOWN = "serverShutdown"
_GLANCE = 1.0


def announces_shutdown(frame: Json) -> bool:
    """Whether the venue says with this that it is about to close the connection."""
    return _SHUTDOWN in {frame.get("e"), str(frame.get("stream", "")).lstrip("!")}


class Standby:
    """Keeps one ready; `take` hands it over, and the next is dialled."""

    def __init__(
        self,
        standing: Standing,
        *,
        dialler: Dialler,
        backoff: Redial,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self.standing = standing
        self._dialler = dialler
        self._backoff = backoff
        self._clock = clock
        self._timing = timing
        self._ready: Connection | None = None

    def take(self) -> Connection | None:
        """The connection, or None while there is none that has shown itself alive just now."""
        ready = self._ready
        if ready is None or ready.ended.done():
            return None
        # Whatever cut the other connection may have cut this one too, and nobody noticed yet.
        if ready.silent_for > self._timing.ping_every + 2 * _GLANCE:
            return None
        self._ready = None
        self.standing.enter("connecting", "the last one took over")
        return ready

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            connection = await self._dialler.dial(
                self._on_frame,
                self._backoff,
                lambda why: self.standing.enter("connecting", why),
            )
            self._ready = connection
            self.standing.connects += 1
            self.standing.enter("ready")
            await self._keep(connection)

    async def _keep(self, connection: Connection) -> None:
        """Return when another one is needed."""
        try:
            while self._ready is connection and not connection.ended.done():
                if connection.age >= self._timing.life:
                    connection.abort("it is old")
                await rest(self._clock, _GLANCE, connection.ended)
        finally:
            if connection.age >= self._timing.steady:
                self._backoff.reset()
            if self._ready is connection:
                await connection.close()
        if self._ready is connection:
            self._ready = None
            self.standing.enter("connecting", connection.ended.result())

    def _on_frame(self, frame: Json) -> None:
        if announces_shutdown(frame) and self._ready is not None:
            self._ready.abort("the venue is about to close it")
