"""From a decision to its order: once, and only while it is known how things stand.

The order goes out under a key made of the mandate, the symbol and the bar, so that a decision taken
up again after a crash finds the order it had sent and sends no other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Protocol
from uuid import UUID

import structlog

from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.errors import InvalidRequest, TradingError, UnknownSymbol
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.mandates import Mandate
from trading_system.domain.orders import Order, OrderRequest
from trading_system.execution.valuation import exact
from trading_system.ports import DecisionRepository, MarketData, OwnOrders
from trading_system.trader.deciding import Run
from trading_system.trader.guards import Guards
from trading_system.trader.pauses import Pauses
from trading_system.trader.sizes import Means, close_all, order_for
from trading_system.trader.wallets import Wallet, Wallets

log = structlog.get_logger(__name__)


class Desk(Protocol):
    """The one door for orders."""

    async def place(
        self, request: OrderRequest, idempotency_key: str | None = None, /
    ) -> Order: ...


class Canceller(Protocol):
    """Cancels an order; raises TradingError when that could not be done."""

    async def cancel(self, order_id: UUID, /) -> Order: ...


class NotYet(TradingError):
    """Nothing may be sent at the moment; the text says why, and it is tried again."""


class Actor:
    """Carries out decisions, and closes what a mandate holds.

    `may_trade` says why nothing may be traded for a mandate, if so; `ready` returns once our record
    is known to be the venue's, or raises what keeps it from being known.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        canceller: Canceller,
        own: OwnOrders,
        decisions: DecisionRepository,
        wallets: Wallets,
        guards: Guards,
        market_data: MarketData,
        pauses: Pauses,
        may_short: bool,
        may_trade: Callable[[Mandate], str | None],
        ready: Callable[[], Awaitable[None]],
    ) -> None:
        self._desk = desk
        self._canceller = canceller
        self._own = own
        self._decisions = decisions
        self._wallets = wallets
        self._guards = guards
        self._market_data = market_data
        self._pauses = pauses
        self._may_short = may_short
        self._may_trade = may_trade
        self._ready = ready

    async def act(self, mandate: Mandate, run: Run, decision: Decision) -> Decision:
        """The decision with what came of it, written down; PENDING where it is to wait.

        Only after `recall`. Raises StorageError.
        """
        after = await self._acted(mandate, run, decision, _key(mandate, decision))
        if after != decision:
            await self._note(mandate, run, after)
        return after

    async def recall(self, mandate: Mandate, run: Run) -> None:
        """Write down of what is pending that its order was sent, by whoever could not do it then.

        Before anything newer is decided, for that would make it missed. Raises StorageError.
        """
        for decision in list(run.pending.values()):
            key = _key(mandate, decision)
            order = (await self._own.under([key])).get(key)
            if order is not None:
                sent = replace(decision, outcome=Outcome.ORDERED, order_id=order.id, reason=None)
                await self._note(mandate, run, sent)

    async def withdraw(self, mandate: Mandate) -> dict[str, str]:
        """Cancel what the mandate has open, but for what guards it.

        By symbol, what is still open, or has not said all that it did.
        """
        for order in await self._unsettled(mandate):
            if not order.status.is_final:
                try:
                    await self._canceller.cancel(order.id)
                except TradingError as error:
                    log.warning("not withdrawn", order=str(order.id), error=str(error))
        left = await self._unsettled(mandate)
        return {str(order.request.symbol): _unsettled_text(order) for order in left}

    async def close(self, mandate: Mandate, symbols: Iterable[Symbol]) -> dict[str, str]:
        """Close all that is held of these; by symbol, what there is still to do."""
        left = {}
        for symbol in symbols:
            try:
                order = await self._closed(mandate, symbol)
            except TradingError as error:
                left[str(symbol)] = str(error)
            else:
                if order is not None:
                    left[str(symbol)] = f"order {order.id} is {order.status}"
        return left

    async def _closed(self, mandate: Mandate, symbol: Symbol) -> Order | None:
        """The order that closes what is held of the symbol; None where nothing is left to sell."""
        await self._require_settled(mandate, (symbol,))
        await self._guards.release(mandate, symbol)
        held = (await self._wallets.of(mandate.id)).position(symbol).quantity
        request = close_all(held, await self._instrument(symbol))
        if request is None:
            return None
        if self._pauses.lasts(mandate.id, symbol):
            raise NotYet("closing was refused and is tried again after a while")
        self._pauses.begin(mandate.id, symbol)
        return await self._desk.place(request, await self._next_closing_key(mandate, symbol))

    async def require_trading(self, mandate: Mandate) -> None:
        """Raise NotYet, or what keeps our record from being known, while nothing may be sent."""
        reason = self._may_trade(mandate)
        if reason is not None:
            raise NotYet(reason)
        await self._ready()

    async def _acted(self, mandate: Mandate, run: Run, decision: Decision, key: str) -> Decision:
        try:
            request = await self._request(mandate, run, decision)
            if isinstance(request, str):
                return replace(decision, outcome=Outcome.FITTED, reason=request)
            order = await self._desk.place(request, key)
        except InvalidRequest as refused:
            return replace(decision, outcome=Outcome.REFUSED, reason=str(refused))
        except TradingError as error:
            return replace(decision, outcome=Outcome.PENDING, reason=str(error))
        return replace(decision, outcome=Outcome.ORDERED, order_id=order.id, reason=None)

    async def _request(self, mandate: Mandate, run: Run, decision: Decision) -> OrderRequest | str:
        symbol = decision.symbol
        await self.require_trading(mandate)
        # What is bought of one symbol is cash that another cannot have; to be flat takes none.
        await self._require_settled(mandate, mandate.symbols if decision.target else (symbol,))
        request = await self._sized(mandate, run, decision)
        if isinstance(request, str):
            return request
        # Its coins are tied up by the stop's order, which may have sold some of them meanwhile.
        await self._guards.release(mandate, symbol)
        await self.require_trading(mandate)  # that took its time
        return await self._sized(mandate, run, decision)

    async def _sized(self, mandate: Mandate, run: Run, decision: Decision) -> OrderRequest | str:
        instrument = await self._instrument(decision.symbol)
        wallet = await self._wallets.of(mandate.id)
        assert decision.target is not None  # noqa: S101 -- warm-up is never pending
        # Where nothing can be sold short that is as flat as it gets, as in a backtest.
        target = decision.target if self._may_short else max(decision.target, 0.0)
        means = _means(mandate, wallet, run, decision.symbol)
        return order_for(mandate, exact(target), means, instrument)

    async def _require_settled(self, mandate: Mandate, symbols: Collection[Symbol]) -> None:
        """What is held, and spent, is known only when every order has said all that it did."""
        for order in await self._unsettled(mandate):
            if order.request.symbol in symbols:
                raise NotYet(_unsettled_text(order))

    async def _unsettled(self, mandate: Mandate) -> list[Order]:
        """But for what guards it, which is released by itself."""
        every = await self._own.unsettled()
        return [each.order for each in every if each.mandate_id == mandate.id and not each.guards]

    async def _note(self, mandate: Mandate, run: Run, after: Decision) -> None:
        """Write down what came of a decision, then let the run know."""
        await self._decisions.settle(after)
        key, symbol = _key(mandate, after), after.symbol
        log.info("decision", outcome=after.outcome, key=key, reason=after.reason)
        if after.outcome is Outcome.PENDING:
            run.pending[symbol] = after
        else:
            run.pending.pop(symbol, None)
        if after.outcome in {Outcome.ORDERED, Outcome.FITTED}:
            run.acted[symbol] = after

    async def _instrument(self, symbol: Symbol) -> Instrument:
        instrument = (await self._market_data.instruments()).get(symbol)
        if instrument is None:
            raise UnknownSymbol(f"the venue lists no {symbol}")
        return instrument

    async def _next_closing_key(self, mandate: Mandate, symbol: Symbol) -> str:
        """Numbered on from what was sent since the last start, all of which has ended."""
        number = 0
        while True:
            key = mandate.key(symbol, f"close:{mandate.started}:{number}")
            if not await self._own.under([key]):
                return key
            number += 1


def _key(mandate: Mandate, decision: Decision) -> str:
    return mandate.key(decision.symbol, str(decision.bar.open_time))


def _unsettled_text(order: Order) -> str:
    return f"order {order.id} is {order.status} and not settled yet"


def _means(mandate: Mandate, wallet: Wallet, run: Run, symbol: Symbol) -> Means:
    worth = {each: wallet.position(each).value(run.closes[each]) for each in run.closes}
    return Means(
        equity=mandate.capital - wallet.spent + sum(worth.values()),
        others=sum((abs(worth[each]) for each in worth if each != symbol), Decimal(0)),
        held=wallet.position(symbol).quantity,
        price=run.closes[symbol],
    )
