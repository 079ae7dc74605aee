"""Rows of klines that are made anew: of the trades that are left, of shorter rows, or changed.

A row has the twelve fields of feeds.KlineRow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from trading_system.simulator.feeds import KlineRow
from trading_system.simulator.mischief.market import What
from trading_system.simulator.model import MarketTrade
from trading_system.simulator.wire import amount

_OPEN_TIME, _CLOSE_TIME, _COUNT = 0, 6, 8
_OPEN, _HIGH, _LOW, _CLOSE = _PRICES = 1, 2, 3, 4
_AMOUNTS = _VOLUME, _QUOTE, _BUYS, _BUYS_QUOTE = 5, 7, 9, 10


def times(row: KlineRow) -> tuple[int, int]:
    """Its first and its last millisecond."""
    return int(str(row[_OPEN_TIME])), int(str(row[_CLOSE_TIME]))


def page(
    ask: Callable[[int | None, int | None, int], list[KlineRow]],
    change: Callable[[KlineRow], KlineRow | None],
    *,
    start: int | None,
    end: int | None,
    limit: int,
) -> list[KlineRow]:
    """As many rows as were asked for, however many of them `change` takes away.

    `ask` gives rows by start, end and limit as feeds.Feed.klines does.
    """
    kept: list[KlineRow] = []
    while (wanted := limit - len(kept)) > 0:
        rows = ask(start, end, wanted)
        left = [changed for row in rows if (changed := change(row)) is not None]
        kept = left + kept if start is None else kept + left
        if len(rows) < wanted:
            break
        if start is None:
            end = times(rows[0])[0] - 1
        else:
            start = times(rows[-1])[0] + 1
    return kept


def of_trades(row: KlineRow, trades: Sequence[MarketTrade]) -> KlineRow | None:
    """The same candle with these trades alone; None without any."""
    if not trades:
        return None
    prices = [trade.price for trade in trades]
    volume, quote = _sums(trades)
    buys, buys_quote = _sums(trade for trade in trades if not trade.buyer_is_maker)
    return _row(
        row,
        prices=(prices[0], max(prices), min(prices), prices[-1]),
        amounts=(volume, quote, buys, buys_quote),
        count=len(trades),
    )


def of_rows(row: KlineRow, parts: Sequence[KlineRow]) -> KlineRow | None:
    """The same candle put together of shorter ones; None without any."""
    if not parts:
        return None
    return _row(
        row,
        prices=(
            _decimal(parts[0], _OPEN),
            max(_decimal(part, _HIGH) for part in parts),
            min(_decimal(part, _LOW) for part in parts),
            _decimal(parts[-1], _CLOSE),
        ),
        amounts=[sum((_decimal(part, at) for part in parts), Decimal(0)) for at in _AMOUNTS],
        count=sum(int(str(part[_COUNT])) for part in parts),
    )


def rewritten(row: KlineRow, what: What, factor: Decimal, tick: Decimal) -> KlineRow:
    """The same candle with its volume or its prices multiplied, prices to whole ticks."""
    new = list(row)
    for at in _PRICES if what is What.PRICES else _AMOUNTS:
        value = _decimal(row, at) * factor
        new[at] = amount(round(value / tick) * tick if what is What.PRICES else value)
    return new


def _row(
    row: KlineRow, *, prices: Iterable[Decimal], amounts: Iterable[Decimal], count: int
) -> KlineRow:
    new = list(row)
    for at, value in [*zip(_PRICES, prices, strict=True), *zip(_AMOUNTS, amounts, strict=True)]:
        new[at] = amount(value)
    new[_COUNT] = count
    return new


def _sums(trades: Iterable[MarketTrade]) -> tuple[Decimal, Decimal]:
    base, quote = Decimal(0), Decimal(0)
    for trade in trades:
        base += trade.quantity
        quote += trade.quantity * trade.price
    return base, quote


def _decimal(row: KlineRow, at: int) -> Decimal:
    return Decimal(str(row[at]))
