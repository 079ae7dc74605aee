"""Compares what the program has on record with the exchange's own ledger, order by order."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from proofs.crash.driver import Wish
from trading_system.simulator.model import Order as VenueOrder

_SETTLED = {"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "NEW", "PARTIALLY_FILLED"}

Fills = tuple[tuple[str, Decimal, Decimal, Decimal, str], ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An order in our database."""

    id: str
    client_order_id: str
    key: str | None
    status: str
    executed: Decimal
    fills: Fills
    replaces: str | None
    wanted_in_all: Decimal | None
    planned_at: Decimal | None
    """Executed of the order it replaces when that was about to be replaced."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What differs, each a line of text; nothing in any of them is what must be shown.

    `crossed` are the orders that filled some more while another took their place.
    """

    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    wrong: tuple[str, ...]
    crossed: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing."""
        return not (self.lost or self.doubled or self.wrong)


def recorded(database: Path) -> dict[str, Recorded]:
    """Every order of ours by client order id, read past the program."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        fills = defaultdict(list)
        for order_id, *fill in connection.execute(
            "SELECT order_id, trade_id, price, quantity, fee, fee_asset FROM fills"
        ):
            trade_id, price, quantity, fee, asset = fill
            fills[order_id].append(
                (trade_id, Decimal(price), Decimal(quantity), Decimal(fee), asset)
            )
        rows = connection.execute(
            "SELECT id, client_order_id, idempotency_key, status, executed_quantity, replaces, "
            "wanted_in_all, (SELECT executed_quantity FROM order_transitions "
            "WHERE order_id = replaces AND reason = 'to be replaced by ' || orders.id) FROM orders"
        )
        return {
            client_id: Recorded(
                id_,
                client_id,
                key,
                status,
                Decimal(executed),
                tuple(sorted(fills[id_])),
                replaces,
                wanted and Decimal(wanted),
                planned_at and Decimal(planned_at),
            )
            for id_, client_id, key, status, executed, replaces, wanted, planned_at in rows
        }


def compared(
    ours: Mapping[str, Recorded], venues: Iterable[VenueOrder], wishes: Iterable[Wish]
) -> Findings:
    """Both records and what was asked for, side by side."""
    theirs: dict[str, list[VenueOrder]] = defaultdict(list)
    for order in venues:
        theirs[order.client_order_id].append(order)
    return Findings(
        lost=tuple(_lost(ours, theirs, wishes)),
        doubled=tuple(_doubled(ours, theirs)),
        wrong=(*_wrong(ours, theirs), *_too_large(ours, theirs)),
        crossed=sum(
            order.planned_at is not None and old.executed > order.planned_at
            for order, old, _ in _replaced(ours, theirs)
        ),
    )


def _lost(
    ours: Mapping[str, Recorded],
    theirs: Mapping[str, list[VenueOrder]],
    wishes: Iterable[Wish],
) -> Iterable[str]:
    ids = {order.id for order in ours.values()}
    for wish in wishes:
        if wish.order_id is not None and wish.order_id not in ids:
            yield f"{wish.key}: {wish.order_id} was told to the client and is not on record"
    for client_id in theirs.keys() - ours.keys():
        yield f"{client_id}: the exchange has it, we do not"
    for order in ours.values():
        if order.status == "REJECTED":
            if order.client_order_id in theirs:
                yield f"{order.client_order_id}: taken for refused, the exchange has it"
        elif order.status not in _SETTLED:
            yield f"{order.client_order_id}: still {order.status}"
        elif order.client_order_id not in theirs:
            yield f"{order.client_order_id}: {order.status} here, unknown to the exchange"


def _doubled(ours: Mapping[str, Recorded], theirs: Mapping[str, list[VenueOrder]]) -> Iterable[str]:
    for client_id, orders in theirs.items():
        if len(orders) > 1:
            yield f"{client_id}: {len(orders)} orders at the exchange"
    keys = Counter(
        order.key for order in ours.values() if order.key and order.client_order_id in theirs
    )
    for key, times in keys.items():
        if times > 1:
            yield f"{key}: asked for once, {times} orders at the exchange"
    for order, old, new in _replaced(ours, theirs):
        if old.status.is_open and new.status.is_open:
            yield f"{order.client_order_id}: alive beside {old.client_order_id}"


def _replaced(
    ours: Mapping[str, Recorded], theirs: Mapping[str, list[VenueOrder]]
) -> Iterable[tuple[Recorded, VenueOrder, VenueOrder]]:
    """Each order that took another's place, with both as the exchange has them."""
    by_id = {order.id: order for order in ours.values()}
    for order in ours.values():
        before = by_id.get(order.replaces or "")
        if before and before.client_order_id in theirs and order.client_order_id in theirs:
            (old, *_), (new, *_) = theirs[before.client_order_id], theirs[order.client_order_id]
            yield order, old, new


def _too_large(
    ours: Mapping[str, Recorded], theirs: Mapping[str, list[VenueOrder]]
) -> Iterable[str]:
    for order, old, new in _replaced(ours, theirs):
        may_execute = old.executed + (new.quantity if new.status.is_open else new.executed)
        if order.wanted_in_all is not None and may_execute > order.wanted_in_all:
            both = f"with {old.client_order_id} {may_execute}"
            yield f"{order.client_order_id}: {both}, wanted were {order.wanted_in_all}"


def _wrong(ours: Mapping[str, Recorded], theirs: Mapping[str, list[VenueOrder]]) -> Iterable[str]:
    for order in ours.values():
        for their in theirs.get(order.client_order_id, ())[:1]:
            if order.status != their.status:
                yield f"{order.client_order_id}: {order.status} here, {their.status} there"
            if order.executed != their.executed:
                yield f"{order.client_order_id}: {order.executed} here, {their.executed} there"
            if order.fills != _fills(their):
                yield f"{order.client_order_id}: {len(order.fills)} fills here, others there"


def _fills(order: VenueOrder) -> Fills:
    return tuple(
        sorted(
            (str(fill.trade_id), fill.price, fill.quantity, fill.commission, fill.commission_asset)
            for fill in order.fills
        )
    )
