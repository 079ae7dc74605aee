from __future__ import annotations

import gzip
import json
import re
from importlib.resources import files

import pytest

from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.errors import StorageError
from trading_system.domain.instruments import Symbol
from trading_system.ports import ComponentHealth

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
NOON = 1_767_268_800_000


def figure(page: str) -> dict:
    return json.loads(page.split('id="figure">')[1].partition("</script>")[0])


def minutes(first: int, count: int) -> list[int]:
    return [first + number * MINUTE for number in range(count)]


@pytest.mark.parametrize("path", ["/", "/live", "/docs", "/plot/prices"])
async def test_pages_load_only_from_here_and_cannot_be_framed(client, path):
    response = await client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    links = re.findall(r'(?:src|href)="([^"]*)"', response.text)
    assert links
    assert all(link.startswith("/") and not link.startswith("//") for link in links)
    for link in links:
        assert (await client.get(link)).status_code == 200, link


async def test_home_leads_to_every_page(client):
    home = (await client.get("/")).text
    for path in ("/live", "/docs", "/plot/prices", "/health", "/metrics"):
        assert f'href="{path}"' in home


async def test_home_leads_to_the_page_of_every_symbol_strategy_and_backtest(client):
    """Whose addresses hold ids that nobody can guess."""
    home = (await client.get("/")).text
    script = (await client.get("/static/home.js")).text
    for name in ("symbols", "strategies", "backtests"):
        assert f'<table id="{name}">' in home
        assert f'fill("{name}", "/{name}"' in script
    assert "linked(each, `/plot/strategies/${id}?symbol=${slug(each)}`)" in script
    assert "linked(asked.strategy, plot)" in script


async def test_our_own_scripts_ask_nobody_else(client):
    for name in ("home.js", "live.js", "docs.js", "chart.js", "style.css"):
        response = await client.get(f"/static/{name}")
        assert response.status_code == 200
        assert "://" not in response.text, name


@pytest.mark.parametrize(
    "name", ["home.html", "no.js", "../pages.py", "..%2Fpages.py", "plotly-0.min.js"]
)
async def test_nothing_else_is_served(client, name):
    response = await client.get(f"/static/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("encoding", ["gzip, br", "identity"])
async def test_plotly_is_served_from_here_for_ever(client, encoding):
    (url,) = set(re.findall(r"/static/plotly-[^\"]*", (await client.get("/plot/prices")).text))
    response = await client.get(url, headers={"Accept-Encoding": encoding})
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.content == files("plotly").joinpath("package_data/plotly.min.js").read_bytes()
    assert response.headers.get("Content-Encoding") == ("gzip" if "gzip" in encoding else None)
    if "gzip" in encoding:
        assert int(response.headers["Content-Length"]) < 2_000_000
        again = await client.get(url, headers={"Accept-Encoding": encoding})
        assert gzip.compress(again.content)[:2] == b"\x1f\x8b"


async def test_the_chart_shows_every_symbol_with_all_it_has_on_a_log_scale(client, system, clock):
    await system.store(BTC, *minutes(NOON, 10))
    await system.store(ETH, *minutes(NOON + 60 * MINUTE, 5))
    await system.symbols.add(Symbol("NEW", "USDT"), clock.now())
    drawn = figure((await client.get("/plot/prices")).text)
    assert [(trace["name"], trace["type"]) for trace in drawn["data"]] == [
        ("BTC/USDT", "scatter"),
        ("ETH/USDT", "scatter"),
    ]
    assert drawn["layout"]["yaxis"]["type"] == "log"
    assert drawn["layout"]["title"]["text"].endswith("· 1m")
    assert {span for span in system.prices.reads if span.minutes} == {
        Span(NOON, NOON + 10 * MINUTE),
        Span(NOON + 60 * MINUTE, NOON + 65 * MINUTE),
    }


async def test_the_chart_shows_what_is_asked_for(client, system):
    await system.store(BTC, *minutes(NOON, 10))
    await system.store(ETH, *minutes(NOON, 10))
    query = {"symbols": "ETH-USDT,btc/usdt", "kind": "candles", "scale": "linear"}
    query |= {"start": NOON + 1, "end": NOON + 4 * MINUTE}
    drawn = figure((await client.get("/plot/prices", params=query)).text)
    assert [trace["name"] for trace in drawn["data"]] == ["ETH/USDT", "BTC/USDT"]
    assert {trace["type"] for trace in drawn["data"]} == {"candlestick"}
    assert drawn["layout"]["yaxis"]["type"] == "linear"
    assert set(system.prices.reads) == {Span(NOON + MINUTE, NOON + 4 * MINUTE)}


async def test_symbols_may_be_repeated(client, system):
    await system.store(BTC, NOON)
    await system.store(ETH, NOON)
    page = await client.get("/plot/prices?symbols=BTC-USDT&symbols=ETH-USDT,BTC-USDT")
    assert [trace["name"] for trace in figure(page.text)["data"]] == ["BTC/USDT", "ETH/USDT"]


async def test_long_spans_are_drawn_in_longer_candles(client, system):
    await system.store(BTC, *minutes(NOON, 5_000))
    drawn = figure((await client.get("/plot/prices")).text)
    assert drawn["layout"]["title"]["text"] == "BTC/USDT · 5m"


async def test_a_chart_of_nothing_says_so(client):
    drawn = figure((await client.get("/plot/prices")).text)
    assert drawn["layout"]["title"]["text"] == "No prices yet"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("symbols=SOL-USDT", 404),
        ("symbols=", 422),
        ("symbols=BTC", 422),
        ("kind=pie", 422),
        ("scale=cubic", 422),
        (f"start={NOON}&end={NOON}", 422),
    ],
)
async def test_a_chart_that_cannot_be_drawn_is_a_problem(client, query, status):
    response = await client.get(f"/plot/prices?{query}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


async def test_health_is_200_while_every_part_is_well(client):
    response = await client.get("/health")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "time": "2026-01-01T12:00:30Z",
        "components": {
            "venue": {"ok": True, "detail": "", "figures": {"since": "2026-01-01T12:00:00+00:00"}},
            "database": {"ok": True, "detail": "", "figures": {"answer_ms": 0.4}},
        },
    }


async def test_health_is_503_as_soon_as_one_part_is_not_well(client, system):
    system.components = {
        "venue": ComponentHealth(ok=False, detail="connection refused"),
        "database": ComponentHealth(ok=True),
    }
    response = await client.get("/health")
    assert (response.status_code, response.json()["status"]) == (503, "degraded")
    assert response.json()["components"]["venue"]["detail"] == "connection refused"


async def test_metrics_are_prometheus_text(client):
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "trading_beats 42.0" in response.text


async def test_a_database_that_is_gone_is_503(client, system):
    async def gone(**_):
        raise StorageError("the disk is full")

    system.symbols.all = gone
    assert (await client.get("/symbols")).status_code == 503
