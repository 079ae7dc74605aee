"""`trading-system soak`: a long run beside the embedded exchange, judged at its end."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading_system.cli.running import FAILED, console, explained, run, say, settings

if TYPE_CHECKING:
    from trading_system.config import Settings
    from trading_system.soak.report import Soaked
    from trading_system.soak.verdict import Sample


@explained
def soak(
    minutes: Annotated[
        float, typer.Option(min=1, help="How long, by the exchange's clock.")
    ] = 60.0,
    symbols: Annotated[int, typer.Option(min=1, help="How many pairs are followed.")] = 20,
    speed: Annotated[
        float, typer.Option(min=1, max=60, help="How fast time runs for system and exchange.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="The exchange's prices are a function of it.")] = 42,
    report: Annotated[
        Path, typer.Option(help="The folder that the report (JSON and HTML) is written into.")
    ] = Path("reports"),
) -> None:
    """Run everything for a while, trade a little, and prove that nothing was lost.

    Starts a system and an exchange of its own in a temporary folder: candles, orders, memory and
    connections are compared at the end. Exit code 1 when a promise was broken.
    """
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        wanted = settings().model_copy(
            update={
                "venue": "sim",
                "data_venue": None,
                "sim_seed": seed,
                "sim_market": "seed",
                "db_path": Path(folder) / "soak.db",
                "budget_dir": Path(folder),
                "backfill_minutes": 60,
            }
        )
        soaked = run(_soak(wanted, minutes=minutes, symbols=symbols, speed=speed))
    from trading_system.soak.report import write

    for check in soaked.checks:
        word = "[green]kept  [/]" if check.kept else "[red]BROKEN[/]"
        console.print(f"{word} {check.promise}: {check.detail}")
    for path in write(soaked, report):
        console.print(f"written: {path}")
    if not soaked.passed:
        raise typer.Exit(FAILED)


async def _soak(wanted: Settings, *, minutes: float, symbols: int, speed: float) -> Soaked:
    import aiohttp

    from trading_system import logs
    from trading_system.cli.embedded import EmbeddedExchange
    from trading_system.clock import FastClock
    from trading_system.soak.endurance import Endurance, endure
    from trading_system.soak.witness import Witness
    from trading_system.system import opened

    logs.configure(level="WARNING", json=False, folder=None)
    origin = time.time_ns() // 1_000_000
    with EmbeddedExchange(wanted, symbols=24 + symbols, speed=speed, origin=origin) as exchange:
        here = await exchange.settings(wanted)
        clock = FastClock(speed, origin=origin)
        async with opened(here, clock) as system, aiohttp.ClientSession() as session:
            witness = Witness(
                session,
                url=here.venue,
                api_key=exchange.api_key.get_secret_value(),
                secret=exchange.secret.get_secret_value(),
                clock=clock.milliseconds,
            )
            return await endure(
                system,
                witness,
                Endurance(
                    minutes=minutes,
                    symbols=symbols,
                    speed=speed,
                    exchange_process=exchange.process_id,
                ),
                lambda sample: _tell(sample, minutes),
            )


def _tell(sample: Sample, minutes: float) -> None:
    say(
        f"minute {sample.minutes:.1f} of {minutes:g}: {sample.messages} messages, "
        f"{sample.memory_mb:.0f} MB, loop late by {sample.loop_stall_ms:.1f} ms"
    )
