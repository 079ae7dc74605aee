"""/strategies/{id}/parity: figures as numbers, what is missing as null."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.errors import ConfigurationError, InvalidRequest, NotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Side
from trading_system.trader.causes import Cause
from trading_system.trader.fill_pairs import FillPair
from trading_system.trader.parity import Differing, DifferingLevel, Parity

ME = UUID(int=77)
NOON = 1_767_268_800_000
ALONE = FillPair(
    bar=NOON,
    side=Side.SELL,
    is_stop=True,
    order_id=None,
    quantity=0.0,
    price=None,
    replayed_quantity=1.5,
    replayed_price=99.0,
)
REPORT = Parity(
    symbol=Symbol("BTC", "USDT"),
    decisions=3,
    differing=(Differing(bar=NOON, stored=math.nan, replayed=0.5),),
    not_acted=1,
    fills=(ALONE,),
    profit=-1.25,
    replayed_profit=None,
)


class FakeParities:
    """Tells one report, or raises; remembers the fee it was asked with."""

    def __init__(self, answer=(REPORT,)) -> None:
        self.answer, self.fees = answer, []

    async def of(self, mandate_id, *, fee):
        assert mandate_id == ME
        self.fees.append(fee)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def parities(system):
    system.parities = FakeParities()
    return system.parities


async def test_a_report_tells_what_differs_and_what_is_alone(client, parities):
    (told,) = (await client.get(f"/strategies/{ME}/parity", params={"fee": 0.002})).json()
    assert (told["symbol"], told["clean"], told["decisions"]) == ("BTC/USDT", False, 3)
    assert told["differing"] == [{"bar": "2026-01-01T12:00:00Z", "stored": None, "replayed": 0.5}]
    (pair,) = told["fills"]
    assert (pair["side"], pair["is_stop"], pair["order_id"], pair["price"]) == (
        "SELL",
        True,
        None,
        None,
    )
    assert (told["profit"], told["replayed_profit"]) == (-1.25, None)
    assert parities.fees == [0.002]


async def test_of_a_grid_cells_causes_and_levels_are_told(client, parities):
    grid = replace(
        REPORT,
        differing=(),
        fills=(replace(ALONE, cell=3, alone=-2.5, cause=Cause.TOUCHED),),
        levels=(DifferingLevel(level=2, stored=Decimal("99.01"), replayed=None),),
    )
    parities.answer = (grid,)
    (told,) = (await client.get(f"/strategies/{ME}/parity")).json()
    assert told["clean"] is False
    assert told["levels"] == [{"level": 2, "stored": "99.01", "replayed": None}]
    (pair,) = told["fills"]
    assert [pair[name] for name in ("cell", "number", "maker", "cause", "alone")] == [
        3,
        None,
        None,
        "touched",
        -2.5,
    ]
    parities.answer = (replace(grid, levels=()),)
    (told,) = (await client.get(f"/strategies/{ME}/parity")).json()
    assert told["clean"] is True


async def test_every_cause_is_explained_where_the_call_is(client, parities):
    document = (await client.get("/openapi.json")).text
    assert [cause for cause in Cause if f"{cause}: {cause.meaning}" not in document] == []


async def test_a_fee_is_a_share_and_has_a_default(client, parities):
    await client.get(f"/strategies/{ME}/parity")
    assert parities.fees == [0.001]
    assert (await client.get(f"/strategies/{ME}/parity", params={"fee": 1})).status_code == 422


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound("gone"), 404), (InvalidRequest("a fee"), 422), (ConfigurationError("extra"), 500)],
)
async def test_what_cannot_be_compared_is_a_problem(client, parities, error, status):
    parities.answer = error
    assert (await client.get(f"/strategies/{ME}/parity")).status_code == status
