"""A venue's WebSocket side, scripted: it does what a test tells it to, over real sockets."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web


@dataclass(eq=False)
class Peer:
    """One connection as the venue sees it."""

    socket: web.WebSocketResponse
    request: web.BaseRequest
    streams: set[str] = field(default_factory=set)
    messages: list[dict] = field(default_factory=list)
    pings: int = 0
    pongs: int = 0
    frozen: set[str] = field(default_factory=set)
    mute: bool = False
    """Half open: nothing that arrives is answered and nothing is sent."""
    open: bool = True

    async def send(self, **frame) -> None:
        if not self.mute:
            await self.socket.send_str(json.dumps(frame))

    async def tell(self, stream, **data) -> None:
        """A combined frame, if it is subscribed and flows."""
        if stream in self.streams - self.frozen:
            await self.send(stream=stream, data=data)

    def cut(self) -> None:
        self.request.transport.abort()


class SocketVenue:
    """`answers` maps a method to what is answered instead of null; `refuses` names bad streams."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.answers: dict = {}
        self.refuses: set[str] = set()
        self.frozen: set[str] = set()
        self.closed_doors: dict | None = None
        """Headers of a refusal to connect, while set."""
        self.deaf: set[str] = set()
        """Methods that are never answered."""
        self.willing = asyncio.Event()
        """Answers wait for it."""
        self.willing.set()

    @property
    def open_peers(self) -> list[Peer]:
        return [peer for peer in self.peers if peer.open]

    def carrying(self, stream) -> list[Peer]:
        return [peer for peer in self.open_peers if stream in peer.streams]

    async def tell(self, stream, **data) -> None:
        for peer in self.carrying(stream):
            await peer.tell(stream, **data)

    async def accept(self, request):
        if self.closed_doors is not None:
            return web.Response(status=429, headers=self.closed_doors)
        socket = web.WebSocketResponse(autoping=False, timeout=0.5)
        await socket.prepare(request)
        peer = Peer(socket, request, frozen=set(self.frozen))
        self.peers.append(peer)
        try:
            await self._serve(peer)
        finally:
            peer.open = False
        return socket

    async def _serve(self, peer: Peer) -> None:
        async for message in peer.socket:
            if peer.mute:
                continue
            if message.type is WSMsgType.PING:
                peer.pings += 1
                await peer.socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                peer.pongs += 1
            elif message.type is WSMsgType.TEXT:
                asked = json.loads(message.data)
                peer.messages.append(asked)
                await self._answer(peer, asked)
        while peer.mute and not peer.request.transport.is_closing():  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0.01)

    async def _answer(self, peer: Peer, asked: dict) -> None:
        method, params = asked["method"], asked["params"]
        await self.willing.wait()
        if method in self.deaf:
            return
        if method in self.answers:
            answer = self.answers[method]
            answer = answer(asked) if callable(answer) else answer
            await peer.send(id=asked["id"], **answer)
            return
        if method == "SUBSCRIBE":
            if self.refuses.intersection(params):
                error = {"code": 2, "msg": "Invalid request: invalid stream"}
                await peer.send(id=asked["id"], error=error)
                return
            peer.streams |= set(params)
        elif method == "UNSUBSCRIBE":
            peer.streams -= set(params)
        await peer.send(id=asked["id"], result=None)


async def until(condition, clock=None, *, step: float = 0.25, patience: float = 60.0):
    """Wait for real sockets to get there; with a clock, time passes in steps meanwhile."""
    async with asyncio.timeout(patience):
        while not (result := condition()):
            await asyncio.sleep(0.002)
            if clock is not None:
                await clock.advance(step)
    return result


async def pass_time(clock, seconds: float, *, step: float = 0.5) -> None:
    """Let this much time pass, slowly enough for sockets to do in it what they would."""
    for _ in range(round(seconds / step)):
        await clock.advance(step)
        await asyncio.sleep(0.002)
