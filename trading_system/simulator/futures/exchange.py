"""Everything behind the futures endpoints: core, limits, listen keys and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from trading_system.simulator.command_log import CommandLogError
from trading_system.simulator.feeds import Feed
from trading_system.simulator.futures.events import Event
from trading_system.simulator.futures.listen_keys import ListenKeys
from trading_system.simulator.futures.model import (
    Advance,
    Command,
    ModifyOrder,
    PlaceAlgo,
    PlaceOrder,
)
from trading_system.simulator.futures.order_counts import OrderCounts
from trading_system.simulator.futures.venue import FuturesVenue
from trading_system.simulator.limits import Limits, LimitSettings
from trading_system.simulator.model import Refused
from trading_system.simulator.tickers import RollingWindows

WEIGHT_PER_MINUTE = 2_400


class Log(Protocol):
    """Keeps commands; see command_log."""

    def replay(self) -> Iterator[tuple[Command, int]]: ...

    def append(self, command: Command, now: int) -> None: ...

    def close(self) -> None: ...


class FuturesExchange:
    """Commands go through here, so that none is handled without being counted and kept."""

    def __init__(
        self,
        feed: Feed,
        accounts: Mapping[str, Decimal],
        *,
        log: Log | None = None,
    ) -> None:
        """Open the accounts (name to wallet) and do again what the log has: CommandLogError."""
        self.feed = feed
        self.venue = FuturesVenue(feed)
        self.limits = Limits(LimitSettings(weight_per_minute=WEIGHT_PER_MINUTE))
        self.order_counts = OrderCounts()
        self.listen_keys = ListenKeys()
        self.windows = RollingWindows(feed)
        self.observers: list[Callable[[Sequence[Event]], None]] = []
        """Told of everything that happens to accounts and orders, in order, when it happens."""
        self._accounts = tuple(accounts)
        for account, balance in accounts.items():
            self.venue.open_account(account, balance)
        for command, now in log.replay() if log else ():
            self._again(command, now)
        self._log = log

    def handle(self, command: Command, now: int) -> list[Event]:
        """Have the core carry it out; count it and keep it."""
        events = self.venue.handle(command, now)
        if isinstance(command, PlaceOrder | ModifyOrder | PlaceAlgo):
            self.order_counts.add(command.account, now)
        if self._log is not None:
            # The core's own time: the clock may have gone back, its time never does.
            self._log.append(command, self.venue.now)
        self._tell(events)
        return events

    def advance(self, now: int) -> None:
        """Let the market run on for whoever has orders in it."""
        self._tell(self.venue.handle(Advance(), now))

    @property
    def has_open_orders(self) -> bool:
        return any(
            self.venue.open_orders(account) or self.venue.open_algos(account)
            for account in self._accounts
        )

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    def _again(self, command: Command, now: int) -> None:
        try:
            self.venue.handle(command, now)
        except Refused as refusal:
            raise CommandLogError(
                f"a kept command is refused today ({refusal}): the exchange has changed. "
                "Remove or rename its journal to begin anew."
            ) from refusal

    def _tell(self, events: Sequence[Event]) -> None:
        for observe in self.observers if events else ():
            observe(events)
