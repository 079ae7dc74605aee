"""Judges a soak: pure comparisons of what we have with what the exchange has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from trading_system.domain.candles import Candle
from trading_system.domain.orders import Order
from trading_system.domain.venues import StreamStatus
from trading_system.ports import RecordedFill

_MEMORY_GROWTH = 0.05
_WARM_MINUTES = 10.0
_JUDGED_MINUTES = 19.0  # twenty, but for the pause before the last sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The running system at one moment; `minutes` since the beginning, by the exchange's clock."""

    minutes: float
    memory_mb: float
    exchange_memory_mb: float
    loop_stall_ms: float
    messages: int
    dropped: int
    lag_ms: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One promise, whether it was kept, and the figures."""

    promise: str
    kept: bool
    detail: str


def judge_streams(streams: Iterable[StreamStatus]) -> Check:
    """Every connection was made once and nothing was dropped from a buffer."""
    lines, kept = [], True
    for stream in streams:
        kept = kept and stream.connects == 1 and stream.dropped == 0
        lines.append(f"{stream.role}: {stream.connects} connection(s), {stream.dropped} dropped")
    return Check(promise="no unplanned drop", kept=kept and bool(lines), detail="; ".join(lines))


def judge_candles(pairs: Mapping[str, tuple[Sequence[Candle], Sequence[Candle]]]) -> Check:
    """Per symbol, ours and the exchange's over the same minutes: equal to the last bit."""
    wrong = {name: _differences(*pair) for name, pair in pairs.items()}
    different = {name: count for name, count in wrong.items() if count}
    compared = sum(len(theirs) for _, theirs in pairs.values())
    return Check(
        promise="every minute's candle in the database equal to the exchange's",
        kept=not different and compared > 0,
        detail=f"{compared} candles of {len(pairs)} symbols compared, different: {different or 0}",
    )


def judge_orders(
    orders: Iterable[Order],
    fills: Iterable[RecordedFill],
    *,
    theirs: Mapping[str, Mapping[str, Any]],
    their_trades: Mapping[tuple[str, str], Mapping[str, Any]],
) -> Check:
    """Each order in the exchange's final state, each of its fills here once, and none besides."""
    ours = {order.client_order_id: order for order in orders}
    wrong = [key for key in ours.keys() ^ theirs.keys() if not _was_never_there(ours.get(key))]
    wrong += [key for key in ours.keys() & theirs.keys() if not _agree(ours[key], theirs[key])]
    mine = {(str(row.symbol), row.fill.trade_id) for row in fills}
    missing = mine ^ their_trades.keys()
    return Check(
        promise="orders and fills equal to the exchange's",
        kept=not wrong and not missing and bool(ours),
        detail=(
            f"{len(ours)} orders and {len(mine)} fills compared, orders that differ: {len(wrong)}, "
            f"fills that differ: {len(missing)}"
        ),
    )


def judge_events(*, pushed: int, received: int) -> Check:
    """As many order events reached us as another listener counted."""
    return Check(
        promise="no order event missed",
        kept=pushed == received and pushed > 0,
        detail=f"{pushed} pushed, {received} received",
    )


def judge_memory(samples: Sequence[Sample]) -> Check | None:
    """Memory flat after ten minutes: the last third of them against the first.

    None for a run of less than twenty minutes, in which everything is still warming up.
    """
    if not samples or samples[-1].minutes < _JUDGED_MINUTES:
        return None
    warm = [sample.memory_mb for sample in samples if sample.minutes >= _WARM_MINUTES]
    third = len(warm) // 3
    first, last = median(warm[:third]), median(warm[-third:])
    growth = last / first - 1
    return Check(
        promise=f"memory grows by less than {_MEMORY_GROWTH:.0%} after {_WARM_MINUTES:g} minutes",
        kept=growth < _MEMORY_GROWTH,
        detail=f"{first:.1f} MB, later {last:.1f} MB ({growth:+.1%})",
    )


def judge_refusals(refusals: int) -> Check:
    """The exchange never had to tell us to slow down."""
    return Check(
        promise="nothing refused for asking too much",
        kept=refusals == 0,
        detail=f"{refusals} answers 429 or 418",
    )


def _differences(ours: Sequence[Candle], theirs: Sequence[Candle]) -> int:
    mine = {candle.open_time: candle for candle in ours}
    other = {candle.open_time: candle for candle in theirs}
    return sum(mine.get(at) != other.get(at) for at in mine.keys() | other.keys())


def _was_never_there(order: Order | None) -> bool:
    """Refused orders have no row at the exchange."""
    return order is not None and order.status == "REJECTED"


def _agree(order: Order, row: Mapping[str, Any]) -> bool:
    return (
        order.status == row["status"]
        and order.executed_quantity == Decimal(row["executedQty"])
        and order.executed_quote == Decimal(row["cummulativeQuoteQty"])
    )
