"""/strategies, /signals and their plot, over a trader with a real database and a venue on paper."""

from __future__ import annotations

import json
from decimal import Decimal
from uuid import UUID

import pytest

from tests.fakes.trader import BTC, PaperStops, PaperVenue
from tests.trader.conftest import World, running

BODY = {"name": "above", "symbols": ["BTC-USDT"], "timeframe": "1m", "capital": "1000"}
NOBODY = UUID(int=404)


@pytest.fixture
async def bench(system, clock, tmp_path):
    """The trader behind the API."""
    world = World(clock, tmp_path / "api.db", PaperVenue(clock), PaperStops())
    async with running(world) as program:
        system.strategies = program.strategies
        yield program


@pytest.fixture
async def strategy(client, bench):
    """One that runs; its path."""
    made = await client.post("/strategies", json=BODY)
    await client.post(f"{made.headers['Location']}/start")
    await bench.settle()
    return made.headers["Location"]


async def test_a_strategy_is_made_with_all_that_was_said_and_begins_stopped(client, bench):
    body = BODY | {
        "name": "grid",
        "parameters": {"levels": 3, "low": 80.5, "high": "100", "spacing": "geometric"},
    }
    made = await client.post("/strategies", json=body)
    assert made.status_code == 201
    told = made.json()
    assert made.headers["Location"] == f"/strategies/{told['id']}"
    assert told | body == told | {"symbols": ["BTC-USDT"], "parameters": body["parameters"]}
    assert told["parameters"] == {
        "levels": "3",
        "low": "80.5",
        "high": "100",
        "spacing": "geometric",
    }
    assert (told["symbols"], told["state"], told["cash"]) == (["BTC/USDT"], "stopped", "1000")
    assert (told["equity"], told["profit"], told["positions"]) == ("1000", "0", [])
    assert (await client.get(made.headers["Location"])).json() == told
    assert (await client.get("/strategies")).json() == [told]


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"capital": 1000}, 422, "send decimals as strings"),
        ({"capital": "99999"}, 403, "more than the 10000 free"),
        ({"symbols": ["XRP/USDT"]}, 404, "lists no XRP/USDT"),
        ({"timeframe": "1y"}, 422, "is not a timeframe"),
        ({"name": "magic"}, 422, "there is no strategy 'magic'"),
        ({"parameters": {"short": True}}, 422, "sold short"),
        ({"sizing": {"kind": "luck", "amount": "1"}}, 422, "equity"),
        ({"stop": {"kind": "time", "distance_percent": "1"}}, 422, "fixed or trailing"),
        ({"stop": {"kind": "fixed", "distance_percent": "100"}}, 422, "less than 100"),
        ({"leverage": 3}, 422, "Extra inputs"),
    ],
)
async def test_what_cannot_be_is_refused(client, bench, change, status, text):
    refused = await client.post("/strategies", json=BODY | change)
    assert refused.status_code == status
    assert text in refused.json()["detail"]
    assert (await client.get("/strategies")).json() == []


async def test_it_trades_once_started_and_shows_what_it_holds(client, bench, strategy):
    await bench.beat(101)
    told = (await client.get(strategy)).json()
    assert (told["state"], told["begins"]) == ("running", "2026-01-01T12:00:00Z")
    (holding,) = told["positions"]
    assert (holding["symbol"], holding["fees"]) == ("BTC/USDT", {"BTC": "0.009783"})
    assert Decimal(holding["average_price"]) > 101
    assert Decimal(told["profit"]) == Decimal(told["equity"]) - 1000


async def test_capital_sizing_and_stop_are_changed_and_nothing_else(client, bench, strategy):
    change = {
        "capital": "2000",
        "sizing": {"kind": "quote", "amount": "500"},
        "stop": {"kind": "fixed", "distance_percent": "5"},
    }
    changed = await client.patch(strategy, json=change)
    assert changed.json() | change == changed.json()
    same = await client.patch(strategy, json={})
    assert same.json() | change == same.json()
    refused = await client.patch(strategy, json={"timeframe": "1h", "name": "grid"})
    assert refused.status_code == 422
    assert "name, timeframe cannot be changed: make a new" in refused.json()["detail"]


@pytest.mark.parametrize(("flatten", "sides"), [("false", ["BUY"]), ("true", ["BUY", "SELL"])])
@pytest.mark.parametrize(("verb", "path"), [("POST", "/stop"), ("DELETE", "")])
async def test_what_it_holds_is_kept_unless_it_is_to_be_closed(
    client, bench, strategy, flatten, sides, verb, path
):
    await bench.beat(101)
    answer = await client.request(verb, f"{strategy}{path}", params={"flatten": flatten})
    assert answer.json()["state"] in {"stopping", "ending"}
    await bench.settle()
    assert [side for side, _, _ in bench.venue.sent] == sides
    assert (await client.get(strategy)).json()["state"] in {"stopped", "ended"}


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/start"),
        ("POST", "/stop"),
    ],
)
async def test_one_there_is_not_is_not_found(client, bench, verb, path):
    body = {} if verb == "PATCH" else None
    answer = await client.request(verb, f"/strategies/{NOBODY}{path}", json=body)
    assert answer.status_code == 404
    assert (await client.get(f"/plot/strategies/{NOBODY}")).status_code == 404


async def test_a_deleted_one_says_so(client, bench, strategy):
    await client.delete(strategy)
    await bench.settle()
    refused = await client.post(f"{strategy}/start")
    assert (refused.status_code, "was deleted" in refused.json()["detail"]) == (403, True)


async def test_signals_come_newest_first_with_price_indicators_and_order(client, bench, strategy):
    for price in (95, 101, 102):
        await bench.beat(price)
    page = (await client.get("/signals")).json()
    assert [each["outcome"] for each in page["signals"]] == ["unchanged", "ordered", "fitted"]
    ordered = page["signals"][1]
    order = await bench.orders.get(UUID(ordered.pop("order_id")))
    assert order.request.symbol == BTC
    assert ordered == {
        "strategy_id": strategy.rpartition("/")[2],
        "symbol": "BTC/USDT",
        "bar": "2026-01-01T12:01:00Z",
        "price": 101.0,
        "target": 1.0,
        "lines": {"twice": 202.0},
        "outcome": "ordered",
        "reason": None,
        "decided_at": "2026-01-01T12:02:30Z",
    }
    assert page["next"] is None


async def test_signals_are_filtered_and_paged(client, bench, strategy):
    for price in (95, 101, 102, 103):
        await bench.beat(price)

    async def bars(**params):
        answer = (await client.get("/signals", params=params)).json()
        return [each["bar"][14:16] for each in answer["signals"]], answer["next"]

    assert await bars(outcome=["ordered", "fitted"]) == (["01", "00"], None)
    assert await bars(symbol="ETH-USDT") == ([], None)
    assert await bars(strategy_id=str(NOBODY)) == ([], None)
    assert await bars(start="2026-01-01T12:01:00Z", end="2026-01-01T12:03:00Z") == (
        ["02", "01"],
        None,
    )
    first, after = await bars(limit=3)
    assert first == ["03", "02", "01"]
    assert await bars(limit=3, after=after) == (["00"], None)


@pytest.mark.parametrize("after", ["yesterday", "1_2_3", "1_2"])
async def test_a_page_after_nothing_is_refused(client, bench, after):
    refused = await client.get("/signals", params={"after": after})
    assert refused.status_code == 422
    assert "page before" in refused.json()["detail"] or "symbol" in refused.json()["detail"]


async def test_the_plot_shows_price_indicators_signals_fills_and_equity(client, bench, strategy):
    for price in (95, 101, 102, 94):
        await bench.beat(price)
    page = await client.get(strategy.replace("/strategies", "/plot/strategies"))
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    figure = json.loads(page.text.split('id="figure">')[1].partition("</script>")[0])
    traces = {trace["name"]: trace for trace in figure["data"]}
    assert list(traces) == ["price", "twice", "signal", "buy", "sell", "equity"]
    assert traces["price"]["y"] == [95.0, 101.0, 102.0, 94.0]
    assert traces["signal"]["text"] == ["target 0", "target 1", "target 0"]
    assert (traces["buy"]["y"], traces["sell"]["y"]) == ([101.0], [94.0])
    assert traces["equity"]["y"][:2] == [1000.0, 1000.0]
    assert traces["price"]["x"] == traces["equity"]["x"]  # at the closes, when it was decided
    other = await client.get(
        strategy.replace("/strategies", "/plot/strategies"), params={"symbol": "ETH-USDT"}
    )
    assert (other.status_code, "does not trade" in other.text) == (422, True)
