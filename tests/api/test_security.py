from __future__ import annotations

import pytest
from pydantic import SecretStr

from trading_system.api.security import ApiOptions, Guard

LOCAL = ApiOptions()
NAMED = ApiOptions(host="trading.lan", port=8000, token=SecretStr("t0ken"))
SIX = ApiOptions(host="fd00::1", port=8000, token=SecretStr("t0ken"))
OPEN = ApiOptions(host="0.0.0.0", port=8000, token=SecretStr("t0ken"))  # noqa: S104
PORT_80 = ApiOptions(port=80)
ANY_PORT = ApiOptions(port=0)
AUTHORIZED = {"Authorization": "Bearer t0ken"}


@pytest.mark.parametrize(
    ("options", "host", "status"),
    [
        (LOCAL, "localhost:8000", 200),
        (LOCAL, "LOCALHOST:8000", 200),
        (LOCAL, "127.0.0.1:8000", 200),
        (LOCAL, "127.0.0.1", 200),
        (LOCAL, "[::1]:8000", 200),
        (LOCAL, "[::1]", 200),
        (LOCAL, "localhost:8001", 403),
        (LOCAL, "evil.example", 403),
        (LOCAL, "evil.example:8000", 403),
        (LOCAL, "localhost.evil.example:8000", 403),
        (LOCAL, "127.0.0.1.evil.example", 403),
        (LOCAL, "192.168.1.5:8000", 403),
        (LOCAL, "localhost:8000@evil.example", 403),
        (LOCAL, "localhost:8000:8000", 403),
        (LOCAL, "localhost:", 403),
        (LOCAL, "", 403),
        (LOCAL, "::1", 403),
        (NAMED, "trading.lan:8000", 200),
        (NAMED, "trading.lan:80", 403),
        (NAMED, "other.lan:8000", 403),
        (SIX, "[fd00::1]:8000", 200),
        (OPEN, "192.168.1.5:8000", 200),
        (OPEN, "[fe80::1]:8000", 200),
        (OPEN, "evil.example:8000", 403),
    ],
)
async def test_only_our_own_names_are_a_host(connect, options, host, status):
    response = await connect(options).get("/metrics", headers={"Host": host} | AUTHORIZED)
    assert response.status_code == status
    if status == 403:
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("options", "origin", "status"),
    [
        (LOCAL, "http://127.0.0.1:8000", 200),
        (LOCAL, "http://localhost:8000", 200),
        (LOCAL, "http://[::1]:8000", 200),
        (LOCAL, "http://localhost", 403),
        (LOCAL, "http://localhost:3000", 403),
        (LOCAL, "https://127.0.0.1:8000", 403),
        (LOCAL, "https://evil.example", 403),
        (LOCAL, "http://evil.example:8000", 403),
        (LOCAL, "null", 403),
        (LOCAL, "", 403),
        (LOCAL, "http://", 403),
        (LOCAL, "http://[::1]", 403),
        (PORT_80, "http://localhost", 200),
        (PORT_80, "http://[::1]", 200),
        (PORT_80, "http://localhost:80", 200),
        (NAMED, "http://trading.lan:8000", 200),
        (OPEN, "http://evil.example:8000", 403),
    ],
)
async def test_no_foreign_web_page_gets_through(connect, options, origin, status):
    client = connect(options, base_url=f"http://127.0.0.1:{options.port}")
    response = await client.get("/metrics", headers={"Origin": origin} | AUTHORIZED)
    assert response.status_code == status


@pytest.mark.parametrize("header", ["Host", "Origin"])
async def test_two_hosts_or_origins_are_one_too_many(client, header):
    good = {"Host": "127.0.0.1:8000", "Origin": "http://127.0.0.1:8000"}[header]
    headers = [(header, good), (header, "http://evil.example")]
    assert (await client.get("/health", headers=headers)).status_code == 403


async def test_with_a_port_chosen_by_the_system_the_bound_one_counts(connect):
    client = connect(ANY_PORT, base_url="http://127.0.0.1:49152")
    assert (await client.get("/health")).status_code == 200
    other = await client.get("/health", headers={"Host": "127.0.0.1:8000"})
    assert other.status_code == 403


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer t0ken", 200),
        ("bearer t0ken", 200),
        ("Bearer  t0ken ", 200),
        ("Bearer t0ke", 401),
        ("Bearer t0ken2", 401),
        ("Bearer", 401),
        ("t0ken", 401),
        ("Basic t0ken", 401),
        ("Bearer t\u00f6ken", 401),
        ("", 401),
    ],
)
async def test_with_a_token_set_it_must_be_sent(connect, authorization, status):
    options = ApiOptions(token=SecretStr("t0ken"))
    headers = {"Authorization": authorization.encode("latin-1")}
    response = await connect(options).get("/metrics", headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.headers["content-type"] == "application/problem+json"


PATHS = ["/", "/docs", "/openapi.json", "/symbols", "/plot/prices", "/static/style.css", "/nowhere"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_but_health_needs_the_token(connect, path):
    client = connect(ApiOptions(token=SecretStr("t0ken")))
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers=AUTHORIZED)).status_code != 401


async def test_health_needs_no_token_but_our_own_host(connect):
    client = connect(ApiOptions(token=SecretStr("t0ken")))
    assert (await client.get("/health")).status_code == 200
    assert (await client.get("/health", headers={"Host": "evil.example"})).status_code == 403
    assert (await client.get("/health/")).status_code == 401


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("APPLICATION/JSON", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonp", 415),
        (None, 415),
    ],
)
async def test_a_body_is_json_or_refused(client, content_type, status):
    """The types a web page may send without asking first are none of these."""
    headers = {"Content-Type": content_type} if content_type else {}
    response = await client.post("/symbols", content=b'{"symbol":"BTC/USDT"}', headers=headers)
    assert response.status_code == status


async def test_a_body_sent_in_chunks_is_a_body_too(client):
    async def chunks():
        yield b'{"symbol":"BTC/USDT"}'

    assert (await client.post("/symbols", content=chunks())).status_code == 415


async def test_a_delete_needs_no_content_type(client):
    await client.post("/symbols", json={"symbol": "BTC/USDT"})
    assert (await client.delete("/symbols/BTC-USDT")).status_code == 200


async def test_answers_are_not_sniffed(client):
    assert (await client.get("/health")).headers["X-Content-Type-Options"] == "nosniff"


async def test_what_is_no_request_passes_by():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    await Guard(app, options=LOCAL)({"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]
