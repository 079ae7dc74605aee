"""Our record beside the venue's: what has to be booked, adopted or looked up. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import InvalidTransition, Order, apply
from trading_system.domain.reports import Fill, Report, VenueFill, VenueOrder
from trading_system.execution.adoption import foreign_id
from trading_system.ports import RecordedFill

_At = tuple[Symbol, str]
"""A symbol and the venue's id of an order: how fills name their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the venue's record tells beyond ours.

    `shown` are those of our orders that it shows at all. `reports` are news of orders on our
    record, with the fills that we have not heard of. `strangers` are orders that nobody here placed
    or adopted, each with the fills shown of it. `look_up` are orders of ours that are not shown
    although they have not ended or a fill of them is, and those whose fills do not add up even with
    the reports. `unheard` fills are not on our record, `loose` ones are of orders that are on
    neither.
    """

    shown: frozenset[UUID]
    reports: tuple[Report, ...]
    strangers: tuple[VenueOrder, ...]
    look_up: tuple[Order, ...]
    unheard: tuple[VenueFill, ...]
    loose: tuple[VenueFill, ...]


def compare(
    ours: Sequence[Order],
    our_fills: Sequence[RecordedFill],
    venues: Sequence[VenueOrder],
    venue_fills: Sequence[VenueFill],
) -> Comparison:
    """Lay the venue's orders and fills beside ours; of an order shown twice the later one counts.

    `our_fills` are all that we know of these orders. The venue may show less than there is: what
    it does not show is to be looked up, never taken for gone.
    """
    shown: dict[_At, VenueOrder] = {_at(each): each for each in venues}
    known = _pairs(ours, shown)
    owner = {
        (order.request.symbol, order.venue_order_id): order for order in ours
    } | known  # fills may be shown of orders that are not

    heard = {(each.symbol, each.fill.trade_id, each.order_id) for each in our_fills}
    unheard = tuple(
        each
        for each in venue_fills
        if (order := owner.get((each.symbol, each.venue_order_id))) is None
        or (each.symbol, each.fill.trade_id, order.id) not in heard
    )
    fills = _by_order(unheard)
    told = {at: _told(order, shown[at].report, fills.get(at, ())) for at, order in known.items()}
    return Comparison(
        shown=frozenset(order.id for order in known.values()),
        reports=tuple(
            report for at, report in told.items() if report.fills or _is_news(known[at], report)
        ),
        strangers=tuple(
            replace(each, report=replace(each.report, fills=fills.get(at, ())))
            for at, each in shown.items()
            if at not in known
        ),
        look_up=_to_look_up(
            ours,
            our_fills,
            told={known[at].id: told[at] for at in known},
            late={owner[at].id for at in fills if at in owner and at not in known},
        ),
        unheard=unheard,
        loose=tuple(
            each
            for each in unheard
            if (at := (each.symbol, each.venue_order_id)) not in shown and at not in owner
        ),
    )


def _at(shown: VenueOrder) -> _At:
    return shown.symbol, str(shown.report.venue_order_id)


def _pairs(ours: Sequence[Order], shown: Mapping[_At, VenueOrder]) -> dict[_At, Order]:
    """Each shown order that is on our record: ours by the id we gave, others by what they are.

    A client id of somebody else may name another order tomorrow.
    """
    own = {order.client_order_id: order for order in ours if not order.foreign}
    foreign = {order.id: order for order in ours if order.foreign}
    pairs = {
        at: own.get(each.report.client_order_id) or foreign.get(foreign_id(each))
        for at, each in shown.items()
    }
    return {at: order for at, order in pairs.items() if order is not None}


def _told(order: Order, report: Report, fills: tuple[Fill, ...]) -> Report:
    """The venue's word under the id that our record has for the order."""
    return replace(report, client_order_id=order.client_order_id, fills=fills)


def _by_order(fills: Iterable[VenueFill]) -> dict[_At, tuple[Fill, ...]]:
    grouped: defaultdict[_At, list[Fill]] = defaultdict(list)
    for each in fills:
        grouped[each.symbol, each.venue_order_id].append(each.fill)
    return {at: tuple(found) for at, found in grouped.items()}


def _is_news(order: Order, report: Report) -> bool:
    try:
        return apply(order, report) != order
    except InvalidTransition:
        return True  # whoever books it has to tell


def _to_look_up(
    ours: Sequence[Order],
    our_fills: Sequence[RecordedFill],
    *,
    told: Mapping[UUID, Report],
    late: Collection[UUID],
) -> tuple[Order, ...]:
    quantities: defaultdict[UUID, Decimal] = defaultdict(Decimal)
    for each in our_fills:
        quantities[each.order_id] += each.fill.quantity
    asked = []
    for order in ours:
        report = told.get(order.id)
        executed = order.executed_quantity
        if report is not None:
            executed = max(executed, report.executed_quantity)
            quantities[order.id] += sum((fill.quantity for fill in report.fills), Decimal(0))
        unsure = order.id in late or (report is None and not order.status.is_final)
        if unsure or quantities[order.id] < executed:
            asked.append(order)
    return tuple(asked)
