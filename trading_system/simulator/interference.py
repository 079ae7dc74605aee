"""Where the exchange's clock, answers and frames could go wrong; here nothing does.

The shells ask an `Interference` at every such point, so that mischief is one object handed in and
not a condition in every endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from trading_system.simulator.rest import Answer, Call


class Frame(NamedTuple):
    """A text to be sent over a WebSocket.

    `stream` names the market stream it belongs to (btcusdt@trade), is "user" for the events of an
    account and empty for answers and notices.
    """

    text: str
    stream: str = ""


class Link(Protocol):
    """An open WebSocket: `kind` is "streams" or "ws-api"."""

    kind: str
    silent: bool
    """While set, nothing is sent and nothing that arrives is read: half open."""

    def send(self, frame: Frame) -> None:
        """Put it into the queue of what goes out, without asking anybody."""
        ...

    def abort(self) -> None:
        """Cut the TCP connection without a closing handshake."""
        ...


class Interference(Protocol):
    """Asked by the shells; times in ms UTC."""

    def time(self, now: int) -> int:
        """What the exchange's clock shows when it should show `now`."""
        ...

    async def answer(self, call: Call, serve: Callable[[Call], Answer]) -> Answer | None:
        """The answer to a call over REST or the WebSocket API; None cuts the connection."""
        ...

    def opened(self, link: Link) -> None:
        """A WebSocket was opened."""
        ...

    def closed(self, link: Link) -> None:
        """It has gone."""
        ...

    def outgoing(self, link: Link, frame: Frame) -> Sequence[Frame]:
        """What goes out in place of this frame: usually itself, maybe nothing or more."""
        ...


class NoInterference:
    """Everything goes as it should."""

    def time(self, now: int) -> int:
        return now

    async def answer(self, call: Call, serve: Callable[[Call], Answer]) -> Answer | None:
        return serve(call)

    def opened(self, link: Link) -> None:
        """Nobody needs to know."""

    def closed(self, link: Link) -> None:
        """Nobody needs to know."""

    def outgoing(self, link: Link, frame: Frame) -> Sequence[Frame]:  # noqa: ARG002
        return (frame,)
