"""From the recordings of one symbol to its candles: one scale, one row a time, nothing unknown."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from trading_system.simulator.model import SymbolRules
from trading_system.simulator.replay.candles import Candles, Scale
from trading_system.simulator.replay.digits import Column
from trading_system.simulator.replay.reader import UNKNOWN, Recording
from trading_system.simulator.replay.rules import derived
from trading_system.simulator.replay.tape import grid, least_lots, typical_quote
from trading_system.simulator.seeded.noise import Ints

_AT_ONCE = 50_000  # candles; a tape takes some hundred bytes for each
_LARGEST = 2.0**62


class Assembled(NamedTuple):
    """A symbol's whole history."""

    candles: Candles
    scale: Scale
    rules: SymbolRules


def assembled(symbol: str, recordings: Sequence[Recording], *, shift: int) -> Assembled:
    """All rows, `shift` ms later; of several with one open time the last one, as files are given.

    What six columns do not tell is made up to go with the tape. Raises ValueError where numbers
    do not fit into 64 bits, or nothing was recorded.
    """
    rows = _rows(recordings)
    if not rows.start.size:
        raise ValueError(f"the files of {symbol} hold no candles")
    scale = _scale(rows)
    candles = _candles(rows, scale, shift)
    if (least_lots(candles) > candles.volume)[candles.volume > 0].any():
        # Fewer lots than prices to trade at: smaller ones then.
        scale = scale._replace(volume=scale.volume + 1)
        candles = _candles(rows, scale, shift)
    rules = derived(
        symbol,
        price_digits=rows.prices.digits,
        volume_digits=rows.volume.digits,
        largest=Decimal(int(rows.volume.values.max())).scaleb(-rows.volume.digits),
    )
    return Assembled(_completed(candles), scale, rules)


def _rows(recordings: Sequence[Recording]) -> Recording:
    """All rows in one, ascending; the later of two rows with one open time."""
    start = np.concatenate([each.start for each in recordings])
    order = start.argsort(kind="stable")
    ends = np.append(np.diff(start[order]) > 0, [True] * bool(len(start)))
    kept = order[ends]

    def joined(columns: Sequence[Column]) -> Column:
        digits = max(column.digits for column in columns)
        values = np.concatenate([column.at(digits) for column in columns], axis=-1)
        return Column(values[..., kept], digits)

    return Recording(
        start=start[kept],
        prices=joined([each.prices for each in recordings]),
        volume=joined([each.volume for each in recordings]),
        trades=np.concatenate([each.trades for each in recordings])[kept],
        quote=joined([each.quote for each in recordings]),
        taker_volume=joined([each.taker_volume for each in recordings]),
        taker_quote=joined([each.taker_quote for each in recordings]),
    )


def _scale(rows: Recording) -> Scale:
    """Units fine enough for every column, where a tick times a lot is the unit of quote amounts."""
    amounts = max(rows.quote.digits, rows.taker_quote.digits)
    price = rows.prices.digits
    return Scale(price, max(rows.volume.digits, rows.taker_volume.digits, amounts - price))


def _candles(rows: Recording, scale: Scale, shift: int) -> Candles:
    largest = float(rows.prices.values.max()) * float(rows.volume.values.max())
    if largest * 10.0 ** (scale.volume - rows.volume.digits) >= _LARGEST:
        raise ValueError("prices and volumes are too large for their many digits")
    opened, high, low, close = rows.prices.values
    return Candles(
        start=rows.start + shift,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=rows.volume.at(scale.volume),
        quote=rows.quote.at(scale.quote),
        trades=rows.trades,
        taker_volume=rows.taker_volume.at(scale.volume),
        taker_quote=rows.taker_quote.at(scale.quote),
        first_id=np.zeros_like(rows.start),
    )


def _completed(candles: Candles) -> Candles:
    """With what six columns do not tell, and with the ids of the tape."""
    parts = [
        _with_amounts(candles.part(first, first + _AT_ONCE))
        for first in range(0, candles.size, _AT_ONCE)
    ]
    completed, counts = (np.concatenate(each, axis=-1) for each in zip(*parts, strict=True))
    whole = Candles._make(completed)
    # Tickers subtract the number of trades told from the last id: it must not fall below the first.
    first = 1 + max(0, int(whole.trades.sum() - counts.sum()))
    return whole._replace(first_id=first + counts.cumsum() - counts)


def _with_amounts(candles: Candles) -> tuple[Ints, Ints]:
    """The completed columns, and how many trades each candle has on the tape."""
    unknown = candles.trades == UNKNOWN
    told = candles._replace(
        quote=np.where(unknown, typical_quote(candles), candles.quote),
        taker_volume=np.where(unknown, candles.volume // 2, candles.taker_volume),
    )
    trades = grid(told)
    counts: Ints = (trades.quantity > 0).sum(axis=1)
    bought = trades.quantity * trades.taker_buys
    completed = told._replace(
        trades=np.where(unknown, counts, told.trades),
        taker_volume=np.where(unknown, bought.sum(axis=1), told.taker_volume),
        taker_quote=np.where(unknown, (bought * trades.price).sum(axis=1), told.taker_quote),
    )
    return np.stack(completed), counts
