"""Market streams and the WebSocket API through the typed models of Binance's own SDK.

Every field must be known to its model and every field of a model must be there.
"""

from __future__ import annotations

import asyncio
import json
import logging
from types import SimpleNamespace

import binance_common.utils
import pytest
import pytest_asyncio
from binance_common import websocket
from binance_common.configuration import ConfigurationWebSocketAPI, ConfigurationWebSocketStreams
from binance_sdk_spot.spot import Spot

from tests.simulator.judges.by_official_sdk import compare
from tests.simulator.judges.conftest import KEY, SECRET, SPEED

pytestmark = pytest.mark.asyncio(loop_scope="module")

BTC, ETH = "BTCUSDT", "ETHUSDT"
PATIENCE = 60.0

STREAMS = [
    ("trade", {}),
    ("agg_trade", {}),
    ("kline", {"interval": "1m"}),
    ("kline_offset", {"interval": "1d"}),
    ("mini_ticker", {}),
    ("all_mini_ticker", {}),
    ("ticker", {}),
    ("rolling_window_ticker", {"window_size": "1h"}),
    ("book_ticker", {}),
    ("partial_book_depth", {"levels": "5", "update_speed": "100ms"}),
    ("diff_book_depth", {"update_speed": "100ms"}),
    ("avg_price", {}),
]


@pytest.fixture(scope="module", autouse=True)
def complaints():
    """Whatever the SDK logs as a warning fails."""
    heard = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: heard.append(record.getMessage())
    logging.getLogger().addHandler(handler)
    yield heard
    logging.getLogger().removeHandler(handler)
    assert heard == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def streams(live):
    url = f"{live.url.replace('http', 'ws')}/stream"
    client = Spot(config_ws_streams=ConfigurationWebSocketStreams(stream_url=url))
    await client.websocket_streams.create_connection()
    yield client.websocket_streams
    await client.websocket_streams.close_connection()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(live, running_clock):
    url = f"{live.url.replace('http', 'ws')}/ws-api/v3"
    configuration = ConfigurationWebSocketAPI(api_key=KEY, api_secret=SECRET, stream_url=url)
    patch = pytest.MonkeyPatch()
    patch.setattr(binance_common.utils, "get_timestamp", running_clock)
    client = Spot(config_ws_api=configuration).websocket_api
    await client.create_connection()
    yield client
    await client.close_connection()
    patch.undo()


@pytest.fixture(scope="module", autouse=True)
def received():
    """Every text as the SDK decoded it, before its models saw it."""
    frames = []

    def loads(text):
        frames.append(json.loads(text))
        return json.loads(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(websocket, "json", SimpleNamespace(loads=loads, dumps=json.dumps))
        delay = websocket.SUBSCRIBE_MESSAGE_DELAY_SECONDS / SPEED
        patch.setattr(websocket, "SUBSCRIBE_MESSAGE_DELAY_SECONDS", delay)
        yield frames


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(streams, received):
    """Of every stream the model of its first frame, and the frame."""
    loop, told = asyncio.get_running_loop(), {}
    for name, more in STREAMS:
        symbol = {} if name.startswith("all_") else {"symbol": BTC.lower()}
        stream = await getattr(streams, name)(**symbol, **more)
        told[name] = came = loop.create_future()

        def hear(model, came=came):
            if not came.done():
                came.set_result((model, received[-1]["data"]))

        stream.on("message", hear)
    return {name: await asyncio.wait_for(came, PATIENCE) for name, came in told.items()}


@pytest.mark.parametrize("name", [name for name, _ in STREAMS])
async def test_every_stream_fills_its_model(told, name) -> None:
    assert compare(*told[name], optional=set()) == []


SOMETIMES_REPORTED = {
    *("d", "D", "j", "J", "v", "A", "B", "u", "U", "Cs", "pl", "pL", "pY", "b", "a", "k", "uS"),
    *("gP", "gOT", "gOV", "gp", "eR"),
}
"""Conditional fields of an executionReport: "Conditional Fields in Execution Report"."""

# Not exchangeInfo: the SDK's model of it over the socket is that of REST, without an envelope.
CALLS = [
    ("ping", {}),
    ("time", {}),
    ("klines", {"symbol": BTC, "interval": "1m", "limit": 3}),
    ("depth", {"symbol": BTC, "limit": 5}),
    ("trades_recent", {"symbol": BTC, "limit": 3}),
    ("avg_price", {"symbol": BTC}),
    ("ticker24hr", {"symbol": BTC}),
    ("ticker_price", {"symbol": BTC}),
    ("ticker_book", {"symbol": BTC}),
    ("account_status", {}),
    ("open_orders_status", {"symbol": ETH}),
    ("my_trades", {"symbol": ETH}),
    ("all_orders", {"symbol": ETH}),
    ("account_rate_limits_orders", {}),
]


def newest_answer(received):
    """The newest frame that answers a call: the streams of the other client push in between."""
    return next(frame for frame in reversed(received) if "status" in frame)


@pytest.mark.parametrize(("name", "more"), CALLS, ids=[name for name, _ in CALLS])
async def test_every_answer_fills_its_model(api, received, name, more) -> None:
    model = (await getattr(api, name)(**more)).data()
    assert compare(model, newest_answer(received)) == []


async def test_the_life_of_an_order_fills_its_models(api, received) -> None:
    await api.ticker_price(symbol=ETH)
    price = newest_answer(received)["result"]["price"]
    order = {"symbol": ETH, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 1}
    order["price"] = f"{float(price) * 0.8:.2f}"
    placed = (await api.order_place(**order, new_order_resp_type="FULL")).data()
    assert compare(placed, newest_answer(received)) == []
    found = (await api.order_status(symbol=ETH, order_id=placed.result.order_id)).data()
    assert compare(found, newest_answer(received)) == []
    replaced = await api.order_cancel_replace(
        **order, cancel_replace_mode="STOP_ON_FAILURE", cancel_order_id=placed.result.order_id
    )
    complaints = compare(replaced.data(), newest_answer(received))
    assert [each for each in complaints if "unknown" not in each] == []  # its model has no fills
    newer = newest_answer(received)["result"]["newOrderResponse"]["orderId"]
    cancelled = (await api.order_cancel(symbol=ETH, order_id=newer)).data()
    complaints = compare(
        cancelled, newest_answer(received)
    )  # its model is of an order and a list in one
    assert [each for each in complaints if "unknown" in each] == []
    assert newest_answer(received)["result"]["status"] == "CANCELED"


async def test_amendments_fill_their_models_and_are_heard_of(api, received) -> None:
    await api.ticker_price(symbol=ETH)
    price = f"{float(newest_answer(received)['result']['price']) * 0.8:.2f}"
    subscribed = await api.user_data_stream_subscribe_signature()
    replaced = asyncio.get_running_loop().create_future()

    def hear(model):
        frame = received[-1]["event"]
        if frame.get("x") == "REPLACED" and not replaced.done():
            replaced.set_result((model, frame))

    subscribed.stream.on("message", hear)
    order = {"symbol": ETH, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
    placed = (await api.order_place(**order, quantity=2, price=price)).data()
    which = {"symbol": ETH, "order_id": placed.result.order_id}
    amended = (await api.order_amend_keep_priority(**which, new_qty=1)).data()
    answer = newest_answer(received)
    assert compare(amended, answer) == []
    model, event = await asyncio.wait_for(replaced, PATIENCE)
    assert (event["I"], event["q"]) == (answer["result"]["executionId"], "1.00000000")
    event = {name: value for name, value in event.items() if name != "e"}  # it chose the model
    assert compare(model, event, optional=SOMETIMES_REPORTED) == []
    history = (await api.order_amendments(**which)).data()
    assert compare(history, newest_answer(received)) == []
    assert len(newest_answer(received)["result"]) == 1
    await api.order_cancel(**which)
    await api.user_data_stream_unsubscribe()


async def test_events_of_the_account_fill_their_models(api, received) -> None:
    events, done = [], asyncio.Event()

    def hear(model):
        events.append(model)
        if received[-1]["event"]["e"] == "outboundAccountPosition":
            done.set()

    subscription = await api.user_data_stream_subscribe_signature()
    received.clear()  # of the end of an earlier subscription, say
    subscription.stream.on("message", hear)
    await api.order_place(symbol=ETH, side="BUY", type="MARKET", quantity=1)
    await asyncio.wait_for(done.wait(), PATIENCE)
    frames = [each["event"] for each in received if "event" in each]
    assert [frame["e"] for frame in frames][:2] == ["executionReport"] * 2
    assert frames[-1]["e"] == "outboundAccountPosition"
    for model, frame in zip(events, frames, strict=True):
        del frame["e"]  # it chose the model
        assert compare(model, frame, optional=SOMETIMES_REPORTED) == []
