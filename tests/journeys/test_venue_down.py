"""A venue that is down: the system comes up degraded, keeps its promises and heals itself."""

from __future__ import annotations

from pydantic import SecretStr

from tests.ports import free_port
from trading_system.simulator.server import SimulatorOptions, serve


async def test_a_venue_that_is_down_at_the_start_is_found_when_it_comes(
    exchange, settings, live, clock
):
    port = free_port()
    wanted = settings(
        venue=f"http://127.0.0.1:{port}",
        binance_api_key=SecretStr("k" * 64),
        binance_secret_key=SecretStr("s" * 64),
    )
    async with live(wanted) as day:
        degraded = await day.http.get("/health")
        assert degraded.status_code == 503
        assert degraded.json()["components"]["venue"]["ok"] is False
        refused = await day.passing(day.http.post("/symbols", json={"symbol": "BTC/USDT"}))
        assert refused.status_code == 503
        assert (await day.http.get("/symbols")).json() == []
        async with exchange_at(clock, port):

            async def healthy():
                await clock.advance(2)
                return (await day.http.get("/health")).status_code == 200

            async def registered():
                await clock.advance(2)  # the breaker of market data may open later than the other's
                answer = await day.http.post("/symbols", json={"symbol": "BTC/USDT"})
                return answer if answer.status_code == 201 else None

            await day.until(healthy, "the venue is found")
            answer = await day.until(registered, "registration")
            job = await day.backfilled(answer.json()["backfill"]["id"])
            assert job["stored"] == 180


async def test_minutes_without_a_venue_are_made_up_for(exchange, at, live, clock):
    port = free_port()
    async with exchange(port=port) as running:
        wanted = at(running)
        async with live(wanted) as day:
            answer = await day.http.post("/symbols", json={"symbol": "BTC/USDT"})
            await day.backfilled(answer.json()["backfill"]["id"])
            await running.stop()
            await day.beats(3)
            assert day.system.heartbeat.statistics.failed == 3
            async with exchange_at(clock, port, running):
                await day.beats(1)
                gaps = (await day.http.get("/gaps/BTC-USDT")).json()
                assert gaps["expected"] == gaps["stored"] == 184


def exchange_at(clock, port, like=None):
    keys = {"api_key": "k" * 64, "secret": "s" * 64}
    if like is not None:
        keys = {"api_key": reveal(like.api_key), "secret": reveal(like.secret)}
    return serve(SimulatorOptions(port=port, clock=clock.milliseconds, **keys))


def reveal(key) -> str:
    return key if isinstance(key, str) else key.get_secret_value()
