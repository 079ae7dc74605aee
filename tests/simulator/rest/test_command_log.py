from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.command_log import CommandLog, CommandLogError, decode, encode
from trading_system.simulator.list_model import CancelList, Pair, PlaceList
from trading_system.simulator.model import (
    CancelAll,
    CancelOrder,
    CancelReplace,
    OrderType,
    PlaceOrder,
    Side,
    TimeInForce,
)
from trading_system.simulator.self_trades import SelfTradePrevention

MARKET = {"seed": 7, "market": "seed"}
amounts = st.none() | st.decimals("0.00000001", 10**12, places=8)
texts = st.none() | st.text(min_size=1, max_size=36)
numbers = st.none() | st.integers(0, 2**63 - 1)
places = st.builds(
    PlaceOrder,
    account=st.just("main"),
    symbol=st.text(min_size=1),
    side=st.sampled_from(Side),
    type=st.sampled_from(OrderType),
    time_in_force=st.none() | st.sampled_from(TimeInForce),
    quantity=amounts,
    quote_quantity=amounts,
    price=amounts,
    stop_price=amounts,
    trailing_delta=numbers,
    iceberg_quantity=amounts,
    client_order_id=texts,
    stp=st.none() | st.sampled_from(SelfTradePrevention),
    strategy_id=numbers,
    strategy_type=numbers,
)
cancels = st.builds(
    CancelOrder,
    account=st.just("main"),
    symbol=st.text(min_size=1),
    order_id=numbers,
    client_order_id=texts,
    cancel_client_order_id=texts,
    restriction=texts,
)
pairs = st.builds(Pair, above=places, below=places)
commands = (
    places
    | cancels
    | st.builds(CancelAll, account=st.just("main"), symbol=st.text())
    | st.builds(
        AmendOrder,
        account=st.just("main"),
        symbol=st.text(min_size=1),
        quantity=st.decimals("0.00000001", 10**12, places=8),
        order_id=numbers,
        client_order_id=texts,
        new_client_order_id=texts,
    )
    | st.builds(CancelReplace, cancel=cancels, place=places, allow_failure=st.booleans())
    | st.builds(PlaceList, rest=pairs, client_order_id=texts)
    | st.builds(PlaceList, working=places, rest=places | pairs, client_order_id=texts)
    | st.builds(
        CancelList,
        account=st.just("main"),
        symbol=st.text(min_size=1),
        list_id=numbers,
        client_order_id=texts,
        cancel_client_order_id=texts,
    )
)


@given(commands)
def test_a_command_comes_back_as_it_was(command):
    text = json.dumps(encode(command), default=str)
    assert decode(json.loads(text)) == command


@given(st.lists(st.tuples(commands, st.integers(0, 2**53)), max_size=5))
def test_commands_come_back_in_order_with_their_times(tmp_path_factory, kept):
    path = tmp_path_factory.mktemp("log") / "kept.jsonl"
    log = CommandLog(path, MARKET)
    for command, now in kept:
        log.append(command, now)
    log.close()
    assert list(CommandLog(path, MARKET).replay()) == kept


CANCEL = CancelAll(account="main", symbol="BTCUSDT")


def written(path, *commands):
    log = CommandLog(path, MARKET)
    for command in commands:
        log.append(command, 1)
    log.close()
    return path


def test_what_is_appended_is_in_the_file_at_once(tmp_path):
    log = CommandLog(tmp_path / "deep" / "kept.jsonl", MARKET)
    log.append(CANCEL, 5)
    lines = (tmp_path / "deep" / "kept.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"format": 1, "seed": 7, "market": "seed", "opened": 0},
        {"command": "CancelAll", "account": "main", "symbol": "BTCUSDT", "now": 5},
    ]
    log.close()
    log.close()


def test_amounts_are_kept_as_texts(tmp_path):
    order = PlaceOrder(
        account="main",
        symbol="BTCUSDT",
        side=Side.BUY,
        type=OrderType.MARKET,
        quantity=Decimal("0.10"),
    )
    assert '"quantity":"0.10"' in written(tmp_path / "kept.jsonl", order).read_text()


def test_a_log_goes_on_after_a_restart(tmp_path):
    path = written(tmp_path / "kept.jsonl", CANCEL)
    written(path, CANCEL, CANCEL)
    assert len(list(CommandLog(path, MARKET).replay())) == 3


def test_nothing_was_kept_where_there_is_no_file(tmp_path):
    assert list(CommandLog(tmp_path / "none.jsonl", MARKET).replay()) == []
    (tmp_path / "empty.jsonl").touch()
    assert list(CommandLog(tmp_path / "empty.jsonl", MARKET).replay()) == []


def test_another_market_is_refused_and_told_how_to_go_on(tmp_path):
    path = written(tmp_path / "kept.jsonl", CANCEL)
    with pytest.raises(CommandLogError, match="Remove or rename the file"):
        list(CommandLog(path, MARKET | {"seed": 8}).replay())


def test_a_log_knows_when_its_market_was_first_opened(tmp_path):
    path = tmp_path / "kept.jsonl"
    log = CommandLog(path, MARKET, now=5)
    assert log.opened == 5
    log.append(CANCEL, 6)
    log.close()
    again = CommandLog(path, MARKET, now=9)
    assert again.opened == 5
    assert list(again.replay()) == [(CANCEL, 6)]


def test_a_file_that_is_no_log_is_told_at_once(tmp_path):
    path = tmp_path / "kept.jsonl"
    path.write_text("hello\n")
    with pytest.raises(CommandLogError, match="damaged in line 1"):
        CommandLog(path, MARKET)


@pytest.mark.parametrize("torn", [b'{"command":"Can', b"{}", b"\xff\x00"])
def test_a_torn_last_line_is_dropped(tmp_path, torn):
    path = written(tmp_path / "kept.jsonl", CANCEL)
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert list(CommandLog(path, MARKET).replay()) == [(CANCEL, 1)]
    assert path.read_bytes() == whole
    written(path, CANCEL)
    assert len(list(CommandLog(path, MARKET).replay())) == 2


def test_even_a_torn_first_line_is_dropped(tmp_path):
    path = tmp_path / "kept.jsonl"
    path.write_bytes(b'{"format":1,"se')
    assert list(CommandLog(path, MARKET).replay()) == []
    assert written(path, CANCEL).read_bytes().count(b"\n") == 2


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"command":"Dance","now":1}',
        b'{"command":"CancelAll","account":"main"}',
        b'{"command":"CancelAll","account":"main","symbol":"A"}',
        b'{"command":"CancelAll","account":"main","symbol":"A","now":1,"more":2}',
        b'{"command":"PlaceOrder","account":"main","symbol":"A","side":"UP","type":"LIMIT","now":1}',
        b'{"command":"CancelReplace","cancel":{},"now":1}',
        b'{"command":"Pair","above":1,"below":2,"now":1}',
        b'{"command":"PlaceOrder","price":"much","now":1}',
    ],
)
def test_a_damaged_line_in_between_is_told_by_its_number(tmp_path, line):
    path = written(tmp_path / "kept.jsonl", CANCEL)
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(CommandLogError, match="damaged in line 3"):
        list(CommandLog(path, MARKET).replay())
