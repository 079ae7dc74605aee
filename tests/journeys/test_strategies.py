"""Strategies that trade through the whole system: real processes, desk, stops and exchange."""

from __future__ import annotations

from decimal import Decimal

OWN = '''
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True, slots=True, kw_only=True)
class EveryOther:
    """Long in every other minute."""

    name: ClassVar[str] = "every_other"

    @property
    def warmup(self):
        return 3

    def targets(self, frame):
        return (frame.open_time // 60_000 % 2).astype(float)
'''

ALWAYS = OWN.replace("every_other", "always").replace("// 60_000 % 2", "> 0")


async def test_a_strategy_of_ones_own_trades_goes_on_after_a_restart_and_its_wallet_is_the_account(
    exchange, at, live, tmp_path
):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "every_other.py").write_text(OWN)
    async with exchange() as running:
        settings = at(running, streams="off", strategies_dir=tmp_path / "mine")
        async with live(settings) as day:
            before = await balances(day)
            path = await started(
                day,
                name="every_other",
                stop={"kind": "trailing", "distance_percent": "15"},
                sizing={"kind": "equity", "amount": "50"},
            )
            await decided(day, path, "ordered", 1)
            await guarded(day)
        async with live(settings) as day:
            await decided(day, path, "ordered", 4)
            stopped = await day.http.post(f"{path}/stop", params={"flatten": "true"})
            assert stopped.json()["state"] == "stopping"
            told = await state(day, path, "stopped")
            signals = await of(day, path)
            bars = [each["bar"] for each in signals]
            assert bars == sorted(set(bars), reverse=True)
            orders = [each["order_id"] for each in signals if each["order_id"]]
            assert len(orders) == len(set(orders)) >= 4
            sent = {each["id"]: each for each in (await day.http.get("/orders")).json()}
            assert set(orders) <= sent.keys()
            others = [each for id_, each in sent.items() if id_ not in orders]
            sold = [each for each in others if "STOP" not in each["type"]]
            assert [each["side"] for each in sold] in ([], ["SELL"]), "it was asked to sell once"
            (position,) = told["positions"]
            assert Decimal(position["quantity"]) < Decimal("0.00001")
            after = await balances(day)
            assert Decimal(told["cash"]) - 1000 == after["USDT"] - before["USDT"]
            assert Decimal(position["quantity"]) == after["BTC"] - before["BTC"]
            page = await day.http.get(path.replace("/strategies", "/plot/strategies"))
            assert page.status_code == 200


async def test_a_kill_with_flatten_leaves_wallet_and_account_alike_and_it_starts_again_once_armed(
    exchange, at, live, tmp_path
):
    """Beside a position that is nobody's, which the same kill closes."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "always.py").write_text(ALWAYS)
    async with exchange() as running:
        settings = at(running, streams="off", strategies_dir=tmp_path / "mine")
        async with live(settings) as day:
            before = await balances(day)
            path = await started(day, name="always")
            await decided(day, path, "ordered", 1)
            await decided(day, path, "unchanged", 1)
            assert await holds(day, path)
            bought = await day.order(symbol="BTC/USDT", side="BUY", type="market", quantity="0.01")
            assert bought.json()["status"] == "FILLED"
            wish = {"reason": "mad", "flatten": True}
            assert (await day.http.post("/control/kill", json=wish)).status_code == 200
            await kill_done(day)
            stopped = await state(day, path, "stopped")
            assert stopped["reason"] == "kill switch: mad"
            await same_coins(day, path, before)
            refused = await day.http.post(f"{path}/start")
            assert refused.status_code == 403
            assert "trading was killed: mad: arm it" in refused.json()["detail"]
        async with live(settings) as day:
            assert (await day.http.post("/control/arm", json={})).json()["state"] == "RUNNING"
            await beats(day, 1)
            assert (await day.http.get(path)).json()["state"] == "stopped"
            assert (await day.http.post(f"{path}/start")).json()["state"] == "running"
            await decided(day, path, "ordered", 2)
            assert await holds(day, path) > Decimal("0.001")
            await beats(day, 2)
            await day.http.post(f"{path}/stop", params={"flatten": "true"})
            assert (await state(day, path, "stopped"))["reason"] is None
            await same_coins(day, path, before)
            (report,) = (await day.http.get(f"{path}/parity")).json()
            assert report["clean"], report
            told = [(pair["side"], pair["cause"]) for pair in report["fills"]]
            assert told == [("BUY", None), ("SELL", "asked"), ("BUY", None), ("SELL", "unseen")]


async def test_a_grid_rests_in_the_book_and_is_withdrawn_when_it_is_stopped(exchange, at, live):
    async with exchange() as running, live(at(running, streams="off")) as day:
        grid = {"levels": 5, "quantity": "0.001", "atr_period": 3, "atr_width": 3}
        path = await started(day, name="grid", parameters=grid)
        await decided(day, path, "kept", 1)

        async def rests():
            found = (await day.http.get("/orders", params={"status": "NEW"})).json()
            return found if len(found) == 4 else None

        orders = await day.until(rests, "an order a cell")
        assert {each["type"] for each in orders} == {"LIMIT"}
        change = {"quantity": "0.0005"}
        refused = await day.http.patch(f"/orders/{orders[0]['id']}", json=change)
        assert f"is of strategy {path.rpartition('/')[2]}" in refused.json()["detail"]
        await day.http.delete(path)
        await state(day, path, "ended")
        assert (await day.http.get("/orders", params={"status": "NEW"})).json() == []


async def started(day, **wishes) -> str:
    registered = await day.http.post("/symbols", json={"symbol": "BTC/USDT"})
    await day.backfilled(registered.json()["backfill"]["id"])
    body = {"symbols": ["BTC/USDT"], "timeframe": "1m", "capital": "1000"} | wishes
    made = await day.http.post("/strategies", json=body)
    assert made.status_code == 201, made.text
    path = made.headers["Location"]
    assert (await day.http.post(f"{path}/start")).json()["state"] == "running"
    return path


async def of(day, path) -> list[dict]:
    asked = {"strategy_id": path.rpartition("/")[2]}
    return (await day.http.get("/signals", params=asked)).json()["signals"]


async def decided(day, path, outcome, count) -> None:
    """Beat after beat, until so many decisions have come to this, and none is under way."""
    while True:
        await beats(day, 1)

        async def settled():
            await day.clock.advance(0.1)
            signals = await of(day, path)
            done = signals and signals[0]["outcome"] != "pending"
            waiting = (await day.http.get(path)).json()["waiting"]
            return signals if done and not waiting else None

        signals = await day.until(settled, "a decision that is carried out")
        if sum(each["outcome"] == outcome for each in signals) >= count:
            return


async def beats(day, count) -> None:
    """So many more, each once it is known when it is due, and nothing of the last is under way."""

    async def due():
        await day.clock.advance(0.1)
        at = day.system.heartbeat.statistics.next_due
        return at is not None and at > day.clock.now()

    for _ in range(count):
        await day.until(due, "the next beat is due")
        await day.beats(1)


async def guarded(day) -> None:
    async def active():
        await day.clock.advance(0.1)
        return [
            each for each in (await day.http.get("/stops")).json() if each["status"] == "active"
        ]

    assert len(await day.until(active, "a stop")) == 1


async def state(day, path, wanted) -> dict:
    async def there():
        await day.clock.advance(0.1)
        found = (await day.http.get(path)).json()
        return found if found["state"] == wanted else None

    return await day.until(there, f"the strategy is {wanted}")


async def balances(day) -> dict[str, Decimal]:
    told = (await day.http.get("/balances")).json()
    return {each["asset"]: Decimal(each["free"]) + Decimal(each["locked"]) for each in told}


async def holds(day, path) -> Decimal:
    positions = (await day.http.get(path)).json()["positions"]
    return sum((Decimal(each["quantity"]) for each in positions), Decimal(0))


async def kill_done(day) -> None:
    async def done():
        await day.clock.advance(1)
        return (await day.http.get("/control")).json()["kill"]["done"]

    await day.until(done, "the kill is carried out")


async def same_coins(day, path, before) -> None:
    """All was sold but for less than a step, and of that the wallet knows."""
    left = await holds(day, path)
    assert 0 <= left < Decimal("0.00001")
    assert (await balances(day))["BTC"] - before["BTC"] == left
