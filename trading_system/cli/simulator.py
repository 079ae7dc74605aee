"""`trading-system simulate`: the exchange on its own, for any Binance client on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from trading_system.cli.mischief import read_rules
from trading_system.cli.running import explained, run, say
from trading_system.domain.errors import ConfigurationError


@explained
def simulate(
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 9000,
    seed: Annotated[int, typer.Option(help="Prices are a pure function of it.")] = 42,
    market: Annotated[
        str, typer.Option(help="`seed`, or a file or folder of recorded candles or streams.")
    ] = "seed",
    mirror: Annotated[
        str | None,
        typer.Option(help="Take the public market of `live`, `testnet` or a URL in place of it."),
    ] = None,
    symbols: Annotated[int, typer.Option(help="How many pairs are listed, up to 3000.")] = 24,
    shift: Annotated[
        bool, typer.Option("--shift", help="Candles end now, streams begin now.")
    ] = False,
    journal: Annotated[
        Path | None, typer.Option(help="Keep accounts and orders in this file over restarts.")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="SIM_API_KEY", help="Default: made up and printed.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option(envvar="SIM_SECRET_KEY", help="Default: made up and printed.")
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(help="Of an Ed25519 or RSA key (PEM) that signs instead of a secret."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=1, help="How much faster than the machine's its clock runs.")
    ] = 1.0,
    mischief: Annotated[
        str | None,
        typer.Option(help="Misbehave from the start: a file of rules or JSON; see `mischief -h`."),
    ] = None,
    mischief_seed: Annotated[int, typer.Option(help="Mischief has the same luck again.")] = 0,
) -> None:
    """Run a Binance Spot exchange on loopback until Ctrl-C and print how to reach it."""
    from trading_system.exchange.endpoints import data_endpoints
    from trading_system.simulator.command_log import CommandLogError
    from trading_system.simulator.options import Mirrored, running_at
    from trading_system.simulator.server import SimulatorOptions, serve

    rules = read_rules(mischief)
    there = None if mirror is None else data_endpoints(mirror)

    async def main() -> None:
        options = SimulatorOptions(
            port=port,
            seed=seed,
            market=market,
            symbols=symbols,
            shift=shift,
            mirrored=None if there is None else Mirrored(rest=there.public, streams=there.streams),
            journal=journal,
            api_key=api_key,
            secret=secret,
            public_key=None if public_key is None else public_key.read_text(),
            clock=running_at(speed),
            speed=speed,
            mischief=rules,
            mischief_seed=mischief_seed,
        )
        async with serve(options) as running:
            say(f"VENUE={running.url}")
            # Play money: these keys open nothing but this process.
            say(f"BINANCE_API_KEY={running.api_key}")
            if running.secret:
                say(f"BINANCE_SECRET_KEY={running.secret}")
            say("Ctrl-C ends it.")
            await asyncio.Event().wait()

    try:
        run(main())
    except (ValueError, OSError, CommandLogError) as wrong:
        raise ConfigurationError(f"the exchange cannot be served: {wrong}") from wrong
