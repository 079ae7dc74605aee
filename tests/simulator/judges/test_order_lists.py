"""Order lists as each client understands them, and as the real exchange once answered."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.simulator.judges.judge import Refusal

RECORDED = Path(__file__).parents[4] / "shared/data/rest/spot_orders_basana.json"
BTC = {"symbol": "BTCUSDT"}


@pytest.fixture
def at(feed, clock):
    """The last price times a factor, in whole units."""
    last = feed.last_trade("BTCUSDT", now=clock.now).price
    return lambda factor: str((last * Decimal(factor)).quantize(Decimal(1)))


@pytest.fixture
def oco(at):
    pair = {"aboveType": "LIMIT_MAKER", "abovePrice": at("1.3"), "belowType": "STOP_LOSS_LIMIT"}
    pair |= {"belowPrice": at("0.7"), "belowStopPrice": at("0.75"), "belowTimeInForce": "GTC"}
    return BTC | {"side": "SELL", "quantity": "0.01"} | pair


@pytest.fixture
def oto(at):
    def oto(factor):
        working = {"workingType": "LIMIT", "workingSide": "BUY", "workingTimeInForce": "GTC"}
        working |= {"workingPrice": at(factor), "workingQuantity": "0.01"}
        pending = {"pendingType": "MARKET", "pendingSide": "SELL", "pendingQuantity": "0.005"}
        return BTC | working | pending

    return oto


@pytest.fixture
def otoco(oto, at):
    fields = oto("0.8")
    del fields["pendingType"]
    pair = {"pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": at("1.3")}
    pair |= {"pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": at("0.7")}
    return fields | pair


def outcomes(answer):
    """Type and status of each order that is reported."""
    return [(report["type"], report["status"]) for report in answer["orderReports"]]


async def test_a_pair_is_placed_found_and_cancelled(judge, oco):
    placed = await judge.lists("oco", **oco)
    assert outcomes(placed) == [("STOP_LOSS_LIMIT", "NEW"), ("LIMIT_MAKER", "NEW")]
    free, locked = await judge.balance("BTC")
    assert locked == Decimal("0.01")
    number = placed["orderListId"]
    found = await judge.lists("one", orderListId=number)
    assert (found["contingencyType"], found["listOrderStatus"]) == ("OCO", "EXECUTING")
    assert [each["orderListId"] for each in await judge.lists("open")] == [number]
    assert len(await judge.open_orders("BTCUSDT")) == 2
    gone = await judge.lists("cancel", **BTC, orderListId=number)
    assert [status for _, status in outcomes(gone)] == ["CANCELED"] * 2
    assert await judge.lists("open") == []
    assert [each["listStatusType"] for each in await judge.lists("all")] == ["ALL_DONE"]
    assert await judge.balance("BTC") == (free + locked, 0)


async def test_the_second_order_waits_for_the_first(judge, oto):
    placed = await judge.lists("oto", **oto("0.8"))
    assert outcomes(placed) == [("LIMIT", "NEW"), ("MARKET", "PENDING_NEW")]
    done = await judge.lists("oto", **oto("1.1"))
    assert outcomes(done) == [("LIMIT", "FILLED"), ("MARKET", "PENDING_NEW")]
    second = done["orders"][1]["orderId"]
    assert (await judge.find("BTCUSDT", second)).status == "FILLED"


async def test_a_pair_waits_for_the_first(judge, otoco):
    placed = await judge.lists("otoco", **otoco)
    assert outcomes(placed) == [
        ("LIMIT", "NEW"),
        ("STOP_LOSS", "PENDING_NEW"),
        ("LIMIT_MAKER", "PENDING_NEW"),
    ]
    gone = await judge.lists("cancel", **BTC, orderListId=placed["orderListId"])
    assert [status for _, status in outcomes(gone)] == ["CANCELED"] * 3


async def test_a_pair_on_the_wrong_sides_is_refused_with_its_code(judge, oco, at):
    # A client of its time knows which types may be above: prices are left to the exchange.
    crossed = oco | {"abovePrice": at("0.9")}
    with pytest.raises(Refusal) as caught:
        await judge.lists("oco", **crossed)
    assert (caught.value.code, caught.value.message) == (
        -2010,
        "The relationship of the prices for the orders is not correct.",
    )
    with pytest.raises(Refusal) as caught:
        await judge.lists("cancel", **BTC, orderListId=9)
    assert caught.value.code == -2011


@pytest.mark.parametrize("kind", ["ACK", "RESULT", "FULL"])
async def test_lists_fit_the_official_models_whatever_is_told(official, oco, oto, otoco, kind):
    for question, fields in (("oco", oco), ("oto", oto("0.8")), ("otoco", otoco)):
        told = await official.lists(question, **fields, newOrderRespType=kind)
        assert ("fills" in told["orderReports"][0]) == (kind == "FULL")
        await official.lists("cancel", **BTC, orderListId=told["orderListId"])


@pytest.mark.recorded
@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded answers beside the project")
async def test_lists_have_every_recorded_field(official, at):
    """Recorded in 2022 of an OCO that was placed, cancelled and asked for."""
    bodies = [entry["body"] for entry in json.loads(RECORDED.read_text())]
    lists = [b for b in bodies if isinstance(b, dict) and "contingencyType" in b]
    order = BTC | {"side": "SELL", "quantity": "0.01", "price": at("1.3"), "stopPrice": at("0.75")}
    stop = {"stopLimitPrice": at("0.7"), "stopLimitTimeInForce": "GTC"}
    answers = [
        await official.lists("old oco", **order, **stop),
        await official.lists("cancel", **BTC, orderListId=1),
        await official.lists("one", orderListId=1),
    ]
    ours = {kind(answer): answer for answer in answers}
    assert {kind(told) for told in lists} == ours.keys()
    for told in lists:
        assert shape(told) <= shape(ours[kind(told)])
        types = [[r["type"] for r in b.get("orderReports", [])] for b in (told, ours[kind(told)])]
        assert types[0] == types[1]


def kind(answer):
    """What tells the three recorded answers apart."""
    return answer["listStatusType"], "orderReports" in answer


def shape(value, path=""):
    """Every leaf's path and JSON type; list elements by their place."""
    if isinstance(value, dict):
        return {leaf for key, inner in value.items() for leaf in shape(inner, f"{path}/{key}")}
    if isinstance(value, list):
        return {leaf for i, inner in enumerate(value) for leaf in shape(inner, f"{path}[{i}]")}
    return {(path, type(value).__name__)}
