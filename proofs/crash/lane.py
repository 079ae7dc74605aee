"""One exchange and one program that dies again and again in front of it."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from proofs.crash.driver import Driver
from proofs.crash.ledger import Findings, compared, recorded
from proofs.crash.program import Program, started
from proofs.crash.steps import By, Death
from trading_system.simulator.events import Event, Execution, OrderEvent
from trading_system.simulator.mischief.rules import read_rule
from trading_system.simulator.options import SimulatorOptions
from trading_system.simulator.server import RunningSimulator, serve

_ACCOUNT, _SYMBOL = "main", "BTCUSDT"
_ORDERS = "POST /api/v3/order*"
_SETTLES_WITHIN = 90.0
_LIFE_SECONDS = 8.0  # a step that is not reached until then is struck at that moment
_WEATHER: Sequence[dict[str, object]] = (
    {"kind": "latency", "ms": 60, "probability": 0.3},
    {"kind": "server-error", "status": 500, "executed": True, "calls": _ORDERS},
    {"kind": "server-error", "status": 503, "calls": "* /api/v3/order*"},
    {"kind": "answer-lost", "calls": _ORDERS},
    {"kind": "answer-lost", "calls": "DELETE /api/v3/order*"},
    {"kind": "empty-body", "calls": _ORDERS},
    {"kind": "error", "code": -1007, "executed": True, "calls": _ORDERS},
    {"kind": "fill-first", "most_seconds": 0.5},
    {"kind": "cancel-crosses-fill", "most_seconds": 0.5},
    {"kind": "event-duplicated"},
    {"kind": "event-reordered"},
    {"kind": "event-missed"},
)
_OFTEN = 0.25
_ALWAYS = {"kind": "latency", "ms": 300, "calls": "POST /api/v3/order/cancelReplace"}
"""Time for the market to trade what is about to be replaced."""


@dataclass(slots=True)
class Outcome:
    """What one lane has shown."""

    kills: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)  # at the step itself, not for lack of it
    orders: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    mischief: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=lambda: Findings((), (), ()))


class Lane:
    """Runs deaths one after the other on one database, then settles and compares."""

    def __init__(
        self, folder: Path, seed: int, deaths: Sequence[Death], tell: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._luck = Random(seed)
        self._deaths = deaths
        self._tell = tell
        self._driver = Driver(Random(seed + 1))
        self._outcome = Outcome()

    async def run(self) -> Outcome:
        """All deaths, then one life to settle; raises RuntimeError when it ends by itself."""
        async with serve(SimulatorOptions(mischief_seed=self._luck.randrange(2**31))) as exchange:
            environment = self._environment(exchange)
            for number, death in enumerate(self._deaths, 1):
                await self._die(exchange, environment, death)
                self._tell(f"{number} of {len(self._deaths)}: killed at {death.step.name!r}")
            async with started(environment, None, self._log) as program:
                findings = await self._settled(exchange, program)
            venues = exchange.exchange.venue.all_orders(_ACCOUNT, _SYMBOL)
            self._outcome.orders = len(venues)
            self._outcome.asked.update(self._driver.asked)
            self._outcome.mischief.update(exchange.mischief.done)
            self._outcome.findings = findings
        return self._outcome

    async def _die(
        self, exchange: RunningSimulator, environment: dict[str, str], death: Death
    ) -> None:
        rules = [
            read_rule(rule | {"probability": rule.get("probability", _OFTEN)})
            for rule in self._luck.sample(_WEATHER, k=3)
        ]
        async with started(environment, death, self._log) as program:
            exchange.mischief.add([*rules, read_rule(_ALWAYS)])
            trading = asyncio.create_task(self._driver.trade(program.http, death.step.name))
            try:
                with self._watching(exchange, program, death):
                    await self._killed(program, death)
                    await program.ended()
                await trading
            finally:
                trading.cancel()
                await asyncio.gather(trading, return_exceptions=True)
                exchange.mischief.remove()
        self._outcome.kills[death.step.name] += 1

    async def _killed(self, program: Program, death: Death) -> None:
        """Wait for the step, or for the moment; a step that does not come is not waited for."""
        patience = death.seconds if death.step.by is By.CHANCE else _LIFE_SECONDS
        try:
            async with asyncio.timeout(patience):
                await program.ended()
        except TimeoutError:
            program.kill()
            self._outcome.struck[death.step.name] += death.step.by is By.CHANCE
        else:
            self._outcome.struck[death.step.name] += 1

    @contextmanager
    def _watching(self, exchange: RunningSimulator, program: Program, death: Death):
        """Where the exchange notices the step: kill from inside of it, before it goes on."""
        if death.step.by is not By.EXCHANGE:
            yield
            return
        left = death.passed

        def strike() -> None:
            nonlocal left
            if left == 0:
                program.kill()
            left -= 1

        def accepted(events: Sequence[Event]) -> None:
            for event in events:
                if isinstance(event, OrderEvent) and event.execution is Execution.NEW:
                    strike()

        handle = exchange.exchange.handle

        def arrived(command, now):
            strike()
            return handle(command, now)

        if death.step.name == "during send":
            exchange.exchange.handle = arrived  # type: ignore[method-assign]
        else:
            exchange.exchange.observers.append(accepted)
        try:
            yield
        finally:
            exchange.exchange.handle = handle  # type: ignore[method-assign]
            if accepted in exchange.exchange.observers:
                exchange.exchange.observers.remove(accepted)

    async def _settled(self, exchange: RunningSimulator, program: Program) -> Findings:
        """What differs in the end, once nothing is in doubt any more."""
        await self._driver.ask_again(program.http)
        findings = self._compared(exchange)
        try:
            async with asyncio.timeout(_SETTLES_WITHIN):
                while not findings.is_clean:
                    await asyncio.sleep(0.5)
                    findings = self._compared(exchange)
        except TimeoutError:
            return findings
        return findings

    def _compared(self, exchange: RunningSimulator) -> Findings:
        venues = exchange.exchange.venue.all_orders(_ACCOUNT, _SYMBOL)
        return compared(recorded(self._folder / "trading.db"), venues, self._driver.wishes)

    @property
    def _log(self) -> Path:
        return self._folder / "program.log"

    def _environment(self, exchange: RunningSimulator) -> dict[str, str]:
        return {
            "VENUE": exchange.url,
            "BINANCE_API_KEY": exchange.api_key,
            "BINANCE_SECRET_KEY": exchange.secret,
            "DB_PATH": str(self._folder / "trading.db"),
            "LOG_DIR": str(self._folder / "logs"),
            "BUDGET_DIR": str(self._folder),
            "API_PORT": str(_free_port()),
            "BACKFILL_MINUTES": "1",
            "RECONCILE_PATIENCE_SECONDS": "5",
            "PYTHONDONTWRITEBYTECODE": "",
        }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
