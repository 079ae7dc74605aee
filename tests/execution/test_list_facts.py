"""What a leg is judged by: the legs before it count, and a leg that waits has what they bring."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.fakes.safety import NOON
from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import Leg, ListKind, OrderListRequest
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.execution.list_facts import beside
from trading_system.risk.facts import Exposure, Facts

BTC = Symbol("BTC", "USDT")
BUY = OrderRequest(
    symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(2), price=Decimal(90)
)
MAKER = replace(BUY, side=Side.SELL, type=OrderType.LIMIT_MAKER, price=Decimal(110))
STOP = replace(MAKER, type=OrderType.STOP_LOSS, price=None, stop_price=Decimal(80))
OCO = OrderListRequest(kind=ListKind.OCO, legs={Leg.ABOVE: MAKER, Leg.BELOW: STOP})
OTOCO = OrderListRequest(
    kind=ListKind.OTOCO, legs={Leg.WORKING: BUY, Leg.ABOVE: MAKER, Leg.BELOW: STOP}
)
FACTS = Facts(
    now=NOON,
    request=BUY,
    free={"USDT": Decimal(1000)},
    exposures={BTC: Exposure(held=Decimal(1), buying=Decimal(3), selling=Decimal(1))},
    open_orders=4,
    orders_last_minute=1,
)


@pytest.mark.parametrize(
    ("request_", "leg", "before"),
    [(OCO, Leg.ABOVE, 0), (OCO, Leg.BELOW, 1), (OTOCO, Leg.ABOVE, 1), (OTOCO, Leg.BELOW, 2)],
)
def test_every_leg_before_counts_as_an_order(request_, leg, before) -> None:
    facts = beside(FACTS, request_, leg)
    assert (facts.open_orders, facts.orders_last_minute) == (4 + before, 1 + before)


@pytest.mark.parametrize(("request_", "leg"), [(OCO, Leg.BELOW), (OTOCO, Leg.WORKING)])
def test_a_partner_of_a_pair_ties_up_nothing_more(request_, leg) -> None:
    facts = beside(FACTS, request_, leg)
    assert (facts.free, facts.exposures) == (FACTS.free, FACTS.exposures)


def test_a_leg_behind_a_purchase_sells_what_is_bought() -> None:
    facts = beside(FACTS, OTOCO, Leg.BELOW)
    assert facts.free == {"USDT": Decimal(820), "BTC": Decimal(2)}
    assert facts.exposure.buying == 5
    assert facts.exposure.selling == 1


def test_a_leg_behind_a_sale_spends_what_is_earned() -> None:
    selling = replace(BUY, side=Side.SELL)
    request = OrderListRequest(kind=ListKind.OTO, legs={Leg.WORKING: selling, Leg.PENDING: BUY})
    facts = beside(FACTS, request, Leg.PENDING)
    assert facts.free == {"USDT": Decimal(1180), "BTC": Decimal(-2)}
    assert (facts.exposure.buying, facts.exposure.selling) == (3, 3)


def test_what_nobody_knows_stays_unknown() -> None:
    assert beside(replace(FACTS, free=None), OTOCO, Leg.ABOVE).free is None
