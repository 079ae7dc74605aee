"""Everything behind the endpoints, in one place: market, venue, limits and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Protocol

from trading_system.simulator.command_log import CommandLogError
from trading_system.simulator.events import BalanceEvent, Event, OrderEvent
from trading_system.simulator.exchange_info import ExchangeInfo
from trading_system.simulator.feeds import Feed, RecordedFrames
from trading_system.simulator.filters import ExchangeLimits
from trading_system.simulator.limits import Limits, LimitSettings
from trading_system.simulator.list_model import ListCommand, PlaceList
from trading_system.simulator.model import (
    Advance,
    CancelReplace,
    Command,
    PlaceOrder,
    Refused,
    SymbolRules,
)
from trading_system.simulator.tickers import RollingWindows
from trading_system.simulator.venue import Venue

HALF_DONE = -2021
"""The one refusal after which something has changed: half of a cancelReplace was carried out."""

MAKER_BIPS = 10
TAKER_BIPS = 10


class Log(Protocol):
    """Keeps commands; see command_log."""

    def replay(self) -> Iterator[tuple[Command | ListCommand, int]]: ...

    def watching(self) -> AbstractContextManager[None]: ...

    def append(self, command: Command | ListCommand, now: int) -> None: ...

    def close(self) -> None: ...


class Exchange:
    """Commands go through here, so that none is handled without being counted and kept."""

    def __init__(
        self,
        feed: Feed,
        accounts: Mapping[str, Mapping[str, Decimal]],
        *,
        settings: LimitSettings | None = None,
        filters: ExchangeLimits | None = None,
        log: Log | None = None,
        frames: RecordedFrames | None = None,
    ) -> None:
        """Open the accounts and do again what the log has; raises CommandLogError."""
        self.feed = feed
        self.frames = frames
        """What streams told while the market was recorded, where it was."""
        self.filters = filters or ExchangeLimits()
        self.venue = Venue(feed, limits=self.filters)
        self.settings = settings or LimitSettings()
        self.limits = Limits(self.settings)
        self.windows = RollingWindows(feed)
        self.info = ExchangeInfo(feed, self.settings, self.filters)
        self.updated = dict.fromkeys(accounts, 0)
        self.observers: list[Callable[[Sequence[Event]], None]] = []
        """Told of everything that happens to accounts and orders, in order, when it happens."""
        for account, balances in accounts.items():
            self.venue.open_account(account, balances, maker_bips=MAKER_BIPS, taker_bips=TAKER_BIPS)
        self._replay(log)
        self._log = log

    def rules(self, symbol: str) -> SymbolRules:
        """The rules of a listed symbol, or Refused."""
        rules = self.feed.symbols.get(symbol)
        if rules is None:
            raise Refused(-1121, "Invalid symbol.")
        return rules

    def handle(self, command: Command | ListCommand, now: int) -> list[Event]:
        """Have the venue carry it out; count it, and keep it when it changed something."""
        try:
            events = self._carry_out(command, now)
        except Refused as refusal:
            if refusal.data is not None:
                self._count(command, now)  # even where the new order was not attempted
            if refusal.code == HALF_DONE:
                self._keep(command)
                self.advance(now)
            else:
                self._keep(Advance())  # the market had gone on before
            raise
        self._count(command, now)
        self._keep(command)
        self._absorb(events, now)
        return events

    def advance(self, now: int) -> None:
        """Let the market run on for whoever has orders in it."""
        events = self._carry_out(Advance(), now)
        self._keep(Advance())
        self._absorb(events, now)

    @property
    def has_open_orders(self) -> bool:
        return any(self.venue.open_orders(account) for account in self.updated)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    def _carry_out(self, command: Command | ListCommand, now: int) -> list[Event]:
        with nullcontext() if self._log is None else self._log.watching():
            return self.venue.handle(command, now)

    def _replay(self, log: Log | None) -> None:
        for command, now in log.replay() if log else ():
            try:
                events = self.venue.handle(command, now)
            except Refused as refusal:
                if refusal.code != HALF_DONE:
                    raise CommandLogError(
                        f"a kept command is refused today ({refusal}): the exchange has changed. "
                        "Remove or rename its journal to begin anew."
                    ) from refusal
                events = self.venue.handle(Advance(), now)
            self._note_balances(events)

    def _count(self, command: Command | ListCommand, now: int) -> None:
        if isinstance(command, PlaceOrder):
            self.limits.count_order(command.account, now)
        elif isinstance(command, CancelReplace):
            self.limits.count_order(command.place.account, now)
        elif isinstance(command, PlaceList):
            self.limits.count_order(command.account, now, orders=len(command.orders))

    def _keep(self, command: Command | ListCommand) -> None:
        # The venue's own time: the clock may have gone back, its time never does.
        if self._log is not None:
            self._log.append(command, self.venue.now)

    def _absorb(self, events: Iterable[Event], now: int) -> None:
        events = list(events)
        self._note_balances(events)
        for event in events:
            if not isinstance(event, OrderEvent) or event.fill is None:
                continue
            if len(event.order.fills) == 1:
                self.limits.give_back(event.order.account, now, maker=event.fill.maker)
        for observe in self.observers if events else ():
            observe(events)

    def _note_balances(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, BalanceEvent):
                self.updated[event.account] = event.time
