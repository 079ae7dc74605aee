"""A question to a futures endpoint, and the readers that several endpoints share."""

from __future__ import annotations

from typing import NamedTuple

from trading_system.simulator.arguments import Arguments, required
from trading_system.simulator.futures.exchange import FuturesExchange
from trading_system.simulator.futures.rules import ContractRules, contracts
from trading_system.simulator.futures.wire import Scale


class Request(NamedTuple):
    """Asked at `now`, ms UTC; `account` is that of the key, empty where none was sent."""

    exchange: FuturesExchange
    arguments: Arguments
    now: int
    account: str = ""

    def rules(self) -> ContractRules:
        """Those of the mandatory parameter `symbol`."""
        return self.exchange.venue.rules(required("symbol", self.arguments.symbol()))

    def symbol(self) -> str | None:
        """The optional parameter `symbol`, which must be listed where it is sent."""
        symbol = self.arguments.symbol()
        return None if symbol is None else self.exchange.venue.rules(symbol).symbol

    def chosen(self) -> list[ContractRules]:
        """The contract of `symbol`, or every one that is listed."""
        symbol = self.arguments.symbol()
        if symbol is not None:
            return [self.exchange.venue.rules(symbol)]
        return list(contracts(self.exchange.feed).values())

    def scale(self, symbol: str) -> Scale:
        return Scale(self.exchange.venue.rules(symbol))

    def span(self) -> tuple[int | None, int | None]:
        """Times startTime and endTime in ms, either may be missing."""
        arguments = self.arguments
        return arguments.moment("startTime", self.now), arguments.moment("endTime", self.now)
