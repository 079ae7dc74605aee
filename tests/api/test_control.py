"""/control, /risk and /refusals, over the real parts with fakes behind them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from tests.fakes.execution import FakeOrders
from tests.fakes.safety import (
    FakeCommitments,
    FakeControlLog,
    FakeDrawdown,
    FakeHoldings,
    FakePrices,
    FakeRefusals,
    FakeWallet,
)
from trading_system.domain.errors import RiskRefused, StorageError
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.execution.control import Arming, Control
from trading_system.execution.kill_switch import Progress
from trading_system.execution.safety import safety
from trading_system.risk.limits import RiskLimits

BTC = Symbol("BTC", "USDT")
REQUEST = OrderRequest(
    symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal("0.10"), price=Decimal(90)
)


@pytest.fixture
def control_log():
    return FakeControlLog()


@pytest.fixture
def make_safe(system, control_log, clock):
    """Give the system its safety, with these limits."""

    async def build(arming=Arming.FREE, **limits):
        control = Control(log=control_log, clock=clock, bus=system.bus, arming=arming)
        with capture_logs() as logs:
            await control.load()
        wallet, prices = FakeWallet(), FakePrices()
        prices.tell(BTC, 100.0)
        system.safety = safety(
            control,
            manager=None,
            limits=RiskLimits(**limits),
            trading=wallet,
            market_data=None,
            holdings=FakeHoldings({BTC: Decimal("1.5")}),
            live=prices,
            orders=FakeOrders(),
            commitments=FakeCommitments(FakeOrders()),
            refusals=FakeRefusals(),
            drawdown=FakeDrawdown(),
            clock=clock,
            bus=system.bus,
            is_pushed=lambda: False,
            resting=lambda: None,
            currency="USDT",
            may_short=False,
            margin=None,
            ready=None,
            stakes=None,
        )
        return system.safety, logs

    return build


async def test_a_pause_and_its_end_are_decided_and_told(client, make_safe):
    await make_safe()
    assert (await client.get("/control")).json()["state"] == "RUNNING"
    paused = await client.post("/control/pause", json={"reason": "lunch", "who": "ann"})
    assert paused.status_code == 200
    body = paused.json()
    assert (body["state"], body["reason"], body["who"]) == ("PAUSED", "lunch", "ann")
    assert (body["armed"], body["arming"], body["kill"]) == (True, "free", None)
    resumed = (await client.post("/control/resume", json={})).json()
    assert resumed["state"] == "RUNNING"
    assert [each["reason"] for each in resumed["log"]] == ["no reason given", "lunch"]


async def test_a_kill_is_answered_before_it_is_carried_out(client, make_safe):
    safe, _ = await make_safe()
    body = (await client.post("/control/kill", json={"reason": "mad", "flatten": True})).json()
    assert (body["state"], body["flatten"]) == ("KILLED", True)
    assert body["kill"] == {
        "done": False,
        "open_orders": None,
        "positions": [],
        "left_over": {},
        "failed": {},
    }
    safe.kill_switch._progress = Progress(
        kill=safe.control.entry,
        positions=(BTC,),
        left_over={Symbol("ETH", "USDT"): "too little"},
        failed={BTC: "no book"},
    )
    assert (await client.get("/control")).json()["kill"] == {
        "done": False,
        "open_orders": 0,
        "positions": ["BTC/USDT"],
        "left_over": {"ETH/USDT": "too little"},
        "failed": {"BTC/USDT": "no book"},
    }
    refused = await client.post("/control/resume", json={})
    assert refused.status_code == 403
    assert "arm it" in refused.json()["detail"]
    assert (await client.post("/control/arm", json={})).json()["state"] == "RUNNING"


async def test_a_kill_that_could_not_be_written_says_so_and_counts(client, make_safe, control_log):
    await make_safe()
    control_log.failure = StorageError("disk full")
    assert (await client.post("/control/kill", json={})).status_code == 503
    assert (await client.get("/control")).json()["state"] == "KILLED"


async def test_real_money_is_armed_with_the_code_of_the_log_which_no_answer_tells(
    client, make_safe
):
    _, logs = await make_safe(Arming.CODE)
    (code,) = (each["arm_with"].split()[-1] for each in logs if "arm_with" in each)
    before = await client.get("/control")
    assert before.json()["armed"] is False
    wrong = await client.post("/control/arm", json={"code": "0" * 16})
    assert wrong.status_code == 403
    right = await client.post("/control/arm", json={"code": code, "who": "ann"})
    assert right.json()["armed"] is True
    for answer in (before, wrong, right, await client.get("/control")):
        assert code not in answer.text


async def test_without_the_setting_no_code_arms(client, make_safe):
    await make_safe(Arming.SETTING)
    answer = await client.post("/control/arm", json={"code": "x"})
    assert answer.status_code == 403
    assert "LIVE_TRADING_ARMED=yes" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("pause", {"reason": ""}),
        ("pause", {"reason": "x" * 201}),
        ("kill", {"flatten": "perhaps"}),
        ("kill", {"flat": True}),
        ("arm", {"code": 1}),
    ],
)
async def test_what_is_no_decision_decides_nothing(client, make_safe, path, body):
    await make_safe()
    assert (await client.post(f"/control/{path}", json=body)).status_code == 422
    assert (await client.get("/control")).json()["state"] == "RUNNING"


async def test_the_limits_and_how_much_is_used(client, make_safe):
    safe, _ = await make_safe(
        allowed_symbols=frozenset({BTC}),
        max_order_quantity={BTC: Decimal(2)},
        max_exposure=Decimal(500),
        daily_loss_limit=Decimal(50),
    )
    body = (await client.get("/risk")).json()
    assert (body["free"], body["equity"], body["lost_today"]) == (None, None, None)
    await safe.losses.look()
    await safe.gate.prepare(REQUEST)
    body = (await client.get("/risk")).json()
    assert body["limits"]["allowed_symbols"] == ["BTC/USDT"]
    assert body["limits"]["max_order_quantity"] == {"BTC/USDT": "2"}
    assert (body["limits"]["max_exposure"], body["limits"]["cool_down_minutes"]) == ("500", 60)
    assert body["exposures"] == [
        {"symbol": "BTC/USDT", "held": "1.5", "buying": "0", "selling": "0", "value": "150.00"}
    ]
    assert (body["exposure"], body["currency"]) == ("150.00", "USDT")
    assert body["free"] == {"USDT": "1000", "BTC": "5"}
    assert (body["equity"], body["lost_today"], body["drawdown_percent"]) == ("1000", "0", 0.0)
    safe.gate._live.known.clear()
    body = (await client.get("/risk")).json()
    assert (body["exposure"], body["exposures"][0]["value"]) == (None, None)


async def test_refusals_are_listed_with_their_figures(client, make_safe, clock):
    safe, _ = await make_safe()
    figures = {"price": "90", "reference": "120"}
    await safe.refusals.add(
        REQUEST, check="price", reason="too far", figures=figures, at=clock.now()
    )
    (row,) = (await client.get("/refusals", params={"symbol": "BTC-USDT"})).json()
    assert (row["check"], row["reason"], row["figures"]) == ("price", "too far", figures)
    assert (row["symbol"], row["quantity"], row["price"]) == ("BTC/USDT", "0.10", "90")
    assert (await client.get("/refusals", params={"symbol": "ETH-USDT"})).json() == []


async def test_a_refused_order_is_answered_with_the_rule_and_its_figures(place, system):
    system.orders.script = RiskRefused("too far", "price", {"percent": "33"})
    answer = await place()
    assert answer.status_code == 403
    body = answer.json()
    assert (body["detail"], body["check"], body["figures"]) == (
        "too far",
        "price",
        {"percent": "33"},
    )
