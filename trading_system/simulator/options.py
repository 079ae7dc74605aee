"""What somebody who starts the exchange may choose."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path

from trading_system.simulator.filters import ExchangeLimits
from trading_system.simulator.limits import LimitSettings

SEEDED = "seed"

_MILLION = 1_000_000


def milliseconds() -> int:
    """The wall clock, ms UTC."""
    return time.time_ns() // _MILLION


def running_at(speed: float, *, origin: int | None = None) -> Callable[[], int]:
    """A wall clock that from `origin` (ms UTC; now) on runs so much faster than the machine's."""
    if speed == 1:
        return milliseconds
    begin = milliseconds() if origin is None else origin
    return lambda: begin + round((time.time_ns() / _MILLION - begin) * speed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """The exchange whose public market is mirrored: the roots of its REST API and its streams.

    An order waits at most `patience` seconds for a market that has only just begun to be heard;
    by then its signature must still be young enough.
    """

    rest: str
    streams: str
    patience: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """What to serve, where, and to whom. Port 0 takes a free one; keys not given are made up.

    `market` is "seed" or the path of a recording, which `shift` moves so that candles end and raw
    streams begin now; `symbols` is how many pairs a seeded market lists. With `mirrored` the market
    is another exchange's instead, and there are no futures. `funds` (asset to amount)
    replaces the usual generous ones, `futures_wallet` is what the futures account holds of USDT.
    With a `public_key` (PEM, Ed25519 or RSA) requests are signed by what belongs to it and there is
    no secret; without `any_logon` only Ed25519 keys may log on to the WebSocket API, as it is
    documented. `journal` is the file that keeps accounts and orders, those of futures in another
    one beside it. `clock` tells ms UTC; where it runs faster than the machine's, `speed` says how
    much, so that pauses get shorter too. `mischief` are rules to begin with, as they are posted to
    /mischief; `mischief_seed` makes their luck repeatable.
    """

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 42
    market: str = SEEDED
    mirrored: Mirrored | None = None
    symbols: int = 24
    shift: bool = False
    journal: Path | None = None
    funds: Mapping[str, Decimal] | None = None
    futures_wallet: Decimal = Decimal(10_000)
    api_key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    public_key: str | None = None
    any_logon: bool = True
    limits: LimitSettings = field(default_factory=LimitSettings)
    filters: ExchangeLimits = field(default_factory=ExchangeLimits)
    clock: Callable[[], int] = milliseconds
    speed: float = 1.0
    mischief: Sequence[Mapping[str, object]] = ()
    mischief_seed: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for an address that other machines could reach, or a mirrored speed."""
        if self.mirrored is not None and self.speed != 1:
            raise ValueError("a mirrored market runs as fast as it does: the speed must be 1")
        if not _is_loopback(self.host):
            raise ValueError(
                f"{self.host} is not loopback: this exchange serves only the machine it runs on"
            )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
