"""Field names and JSON types against what the real exchange has told of its futures.

The real one has added fields over the years, so every recorded field must be here, of the same
type, while ours may have newer ones too; what was recorded in 2026 must be matched exactly.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from trading_system.simulator.futures import user_events
from trading_system.simulator.futures.stream_names import Road, parse
from trading_system.simulator.futures.stream_sources import open_source

DATA = Path(__file__).parents[4] / "shared/data"

pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not DATA.exists(), reason="no recorded answers beside the project"),
]


def recorded(name):
    path = DATA / name
    return json.loads(gzip.open(path).read() if path.suffix == ".gz" else path.read_text())


def answers(method):
    """Recorded answers by ccxt's name of the call; ids there are texts, as ccxt had made them."""
    for entry in recorded("rest/ccxt_recorded_responses.json"):
        if entry["ccxt_method"] == method and "/fapi/" in entry["endpoint_guess"]:
            yield entry["endpoint_guess"], entry["httpResponse"]


def shape(value, path=""):
    """Every leaf's path and JSON type; list elements share one path."""
    if isinstance(value, dict):
        return {leaf for key, inner in value.items() for leaf in shape(inner, f"{path}/{key}")}
    if isinstance(value, list):
        return {leaf for inner in value for leaf in shape(inner, f"{path}[]")}
    return {(path, type(value).__name__)}


def names(value):
    return {leaf for leaf, _ in shape(value)}


# REST


@pytest.mark.parametrize("day", ["2021-07-22", "2021-08-02"])
def test_exchange_info_has_the_recorded_shape(desk, day):
    theirs = recorded(f"rest/um_exchangeInfo_{day}.json.gz")
    empty = {("/symbols[]/underlyingSubType[]", "str"), ("/symbols[]/deliveryDate", "int")}
    assert shape(theirs) - shape(desk.get("v1/exchangeInfo")) - empty == set()


def test_filters_have_the_recorded_fields(desk):
    def fields(info):
        (symbol,) = (each for each in info["symbols"] if each["symbol"] == "BTCUSDT")
        return {each["filterType"]: shape(each) for each in symbol["filters"]}

    theirs = recorded("rest/um_exchangeInfo_2021-08-02.json.gz")
    assert fields(desk.get("v1/exchangeInfo")) == fields(theirs)


def test_orders_have_the_recorded_shape(desk):
    placed = desk.buy()
    ids = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    changed = desk.ask("PUT", "v1/order", **ids, side="BUY", price="70001", quantity="0.01")
    found = desk.ask("GET", "v1/openOrder", **ids)
    (_, (theirs,)) = next(answers("createOrders"))
    assert shape(theirs) == shape(placed)
    (_, (theirs,)) = next(answers("editOrders"))
    assert shape(theirs) == shape(changed)
    (_, theirs) = next(answers("fetchOpenOrder"))
    assert names(theirs) == names(found)
    for thread in recorded("rest/um_batchOrders_partial_error.json"):
        assert shape(thread["body"][1]) <= shape(placed)


def test_a_post_only_order_that_would_take_is_refused_in_the_recorded_words(desk):
    theirs = recorded("rest/um_batchOrders_partial_error.json")[1]["body"][0]
    best = desk.get("v1/depth", symbol="BTCUSDT", limit=5)["asks"][0][0]
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTX"}
    _, ours = desk.signed("POST", "v1/order", **order, quantity="0.01", price=best)
    assert ours == theirs


def test_refusals_are_in_the_recorded_words(desk):
    theirs = {}
    for each in recorded("rest/errors_seen_in_issues.json"):
        if "/fapi/" in str(each.get("context")) and each["body"].startswith('{"code"'):
            body = json.loads(each["body"])
            theirs.setdefault(body["code"], set()).add(body["msg"])
    order = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.01"}
    asked = {
        -2019: order | {"quantity": "9"},
        -2022: order | {"reduceOnly": "true"},
        -4003: order | {"quantity": "0"},
        -4061: order | {"positionSide": "SHORT"},
        -4164: order | {"quantity": "0.00001"},
    }
    for code, fields in asked.items():
        _, ours = desk.signed("POST", "v1/order", **fields)
        assert ours["code"] == code
        assert ours["msg"] in theirs[code]
    _, ours = desk.signed("POST", "v1/marginType", symbol="BTCUSDT", marginType="CROSSED")
    assert ours["msg"] in theirs[-4046]


def test_the_account_has_the_recorded_shape(desk):
    desk.buy(price=None)
    for guess, theirs in answers("fetchPositions"):
        path = guess.removeprefix("GET /fapi/")
        assert names(theirs) - names(desk.ask("GET", path)) == set()
    for guess, theirs in answers("fetchBalance"):
        path = guess.removeprefix("GET /fapi/")
        assert names(theirs) - names(desk.ask("GET", path)) <= {""}
    (_, (theirs,)) = next(answers("fetchMyTrades"))
    assert names(theirs) == names(desk.ask("GET", "v1/userTrades", symbol="BTCUSDT")[0])
    (_, (theirs,)) = next(answers("fetchMarginMode"))
    assert names(theirs) == names(desk.ask("GET", "v1/symbolConfig", symbol="BTCUSDT")[0])


def test_brackets_have_the_recorded_fields(desk):
    tiers = recorded("rest/um_leverage_tiers_2025-07.json.gz")
    theirs = names(next(iter(tiers.values()))[0]["info"])
    (ours,) = desk.ask("GET", "v1/leverageBracket", symbol="BTCUSDT")
    assert theirs == names(ours["brackets"][0])


def test_candles_and_books_have_the_recorded_shape(desk):
    (_, theirs) = next(answers("fetchOHLCV"))
    ours = desk.get("v1/klines", symbol="BTCUSDT", interval="1m", limit=3)
    types = [[type(each).__name__ for each in row[1:6]] for row in (theirs[0], ours[0])]
    assert types[0] == types[1]
    assert len(theirs[0]) == len(ours[0])
    (_, theirs) = next(answers("fetchOrderBook"))
    assert names(theirs) == names(desk.get("v1/depth", symbol="BTCUSDT", limit=5))


# Market streams


def recorded_frames():
    path = DATA / "ws/um_depth100ms_bookTicker_kline1m_aggTrade_2021-07-22.jsonl.gz"
    with gzip.open(path, "rt") as lines:
        for line in lines:
            message = json.loads(line).get("m")
            if message:
                yield message["stream"].partition("@")[2], message["data"]


def test_frames_have_the_recorded_shape(desk):
    theirs: dict[str, set] = {}
    for stream, frame in recorded_frames():
        theirs.setdefault(stream, set()).update(shape(frame))
    assert len(theirs) == 4
    for stream, leaves in theirs.items():
        road = Road.MARKET if stream in {"kline_1m", "aggTrade"} else Road.PUBLIC
        source = open_source(desk.exchange, parse(f"btcusdt@{stream}", road), desk.now)
        frames = [frame for step in range(1, 40) for frame in source(desk.now + 250 * step)]
        ours = {leaf for frame in frames for leaf in shape(json.loads(json.dumps(frame)))}
        newer = {("/nq", "str")} if stream == "aggTrade" else set()
        assert ours - newer == leaves, stream


# User streams


def sequences():
    return {each["name"]: each["messages"] for each in recorded("ws/um_user_data_sequences.json")}


def told(pit, events):
    return [json.loads(json.dumps(event)) for event in user_events.told(events, "ann", pit.now + 1)]


def lines(messages):
    """What happened, message by message."""
    return [(each["e"], each["o"].get("x", ""), each["o"]["X"]) for each in messages]


def without_accounts(messages):
    """The recorded sequences were kept without the account's own events."""
    return [each for each in messages if each["e"] != "ACCOUNT_UPDATE"]


def market_filled(pit):
    pit.buy("1")
    return told(pit, pit.told)


def limit_filled(pit):
    pit.buy("1", "100.20")
    return told(pit, pit.told)


def limit_cancelled(pit):
    order = pit.buy("1", "99")
    return told(pit, pit.told) + told(pit, pit.cancel(order))


def stop_market_filled_in_parts(pit):
    pit.wait("BUY", "STOP_MARKET", quantity="2", trigger_price="101")
    return told(pit, pit.told) + told(pit, pit.print("101"))


def stop_market_cancelled(pit):
    algo = pit.wait("BUY", "STOP_MARKET", quantity="1", trigger_price="101")
    return told(pit, pit.told) + told(pit, pit.give_up(algo))


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("WebSocketFutureMarketSubmittedFilled", market_filled),
        ("WebSocketFutureLimitSubmittedFilled", limit_filled),
        ("WebSocketFutureLimitSubmittedCancelled", limit_cancelled),
        ("WebSocketFutureStopMarketSubmitPartiallyFilledFilled", stop_market_filled_in_parts),
        ("WebSocketFutureStopMarketSubmittedCanceled", stop_market_cancelled),
    ],
)
def test_a_life_is_told_in_the_recorded_order_with_the_recorded_fields(pit, name, act):
    theirs, ours = sequences()[name], without_accounts(act(pit))
    assert lines(ours) == lines(theirs)
    for our, their in zip(ours, theirs, strict=True):
        assert shape(our) == shape(their)
        assert list(our["o"]) == list(their["o"])


def test_a_stop_with_a_limit_lives_and_is_rejected_as_recorded(pit):
    """Two lives are mixed in the recording: one fills, one has not enough margin."""
    theirs = sequences()["WebSocketFutureStopLimitSubmittedFilled"]
    pit.wait("BUY", "STOP", quantity="1", trigger_price="101", price="99.95")
    first = told(pit, pit.told)
    first += told(pit, pit.print("101"))
    first += without_accounts(told(pit, pit.print("99.95")))
    pit.wait("BUY", "STOP", quantity="500", trigger_price="103", price="103")
    pit.told.clear()
    second = told(pit, pit.print("103"))
    rejected = [each for each in theirs if each["o"].get("rm") or each["o"]["s"] == ""]
    assert shape(second[-1]) == shape(rejected[0])
    assert second[-1]["o"]["rm"] == rejected[0]["o"]["rm"]
    other = {each["o"]["aid"] for each in rejected}
    mine = [each for each in theirs if each["o"].get("aid") not in other]
    assert lines(first) == lines(mine)
    for our, their in zip(first, mine, strict=True):
        assert shape(our) == shape(their)


def test_account_updates_have_the_recorded_fields(pit):
    pit.buy("1")
    (ours,) = (each for each in told(pit, pit.told) if each["e"] == "ACCOUNT_UPDATE")
    messages = recorded("ws/user_data_single_messages.json")
    theirs = [each["message"] for each in messages if each["name"] == "ACCOUNT_UPDATE"]
    assert len(theirs) == 3
    for each in theirs:
        assert shape(each) - shape(ours) == set()


def test_an_expired_key_has_the_documented_fields():
    messages = recorded("ws/user_data_single_messages.json")
    (theirs,) = (each["message"] for each in messages if each["name"] == "listenKeyExpired")
    assert names(theirs["data"]) == names(user_events.listen_key_expired("key", 1))
