"""A venue on a market that changes between two looks, and the same venue from its journal."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import orjson
import pytest

from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.command_log import CommandLogError
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.mirror.feed import MirrorFeed
from trading_system.simulator.mirror.log import MirrorLog
from trading_system.simulator.mirror.looks import Looks
from trading_system.simulator.model import (
    CancelOrder,
    CancelReplace,
    OrderType,
    PlaceOrder,
    Refused,
    Side,
    TimeInForce,
)

FUNDS = {"main": {"USDT": Decimal(100_000), "BTC": Decimal(1)}}
SYMBOL = "BTCUSDT"


class Paper:
    """An exchange on a mirrored market that a test moves by hand."""

    def __init__(self, path, *, symbols=1, market="m") -> None:
        self.now = 1_000_000
        self.feed = MirrorFeed(catalogue(symbols), lambda: self.now)
        self.looks = Looks(self.feed)
        self.log = MirrorLog(path, {"market": market}, self.looks, now=self.now)
        self.exchange = Exchange(self.looks, FUNDS, log=self.log)
        self.venue = self.exchange.venue

    def open(self, symbol=SYMBOL, price=100):
        pair = self.feed.want(symbol)
        pair.open(pair.streams)
        pair.catch_up([self.row(1, price)], self.now, complete=True)
        pair.hear("avgPrice", {"w": str(price)}, self.now)
        self.book(price, symbol=symbol)
        return pair

    def book(self, price, *, number=1, symbol=SYMBOL):
        asks = [[f"{price + place}", "1"] for place in range(1, 200)]
        bids = [[f"{price - place}", "1"] for place in range(1, 90)]
        told = {"lastUpdateId": number, "bids": bids, "asks": asks}
        self.feed.pairs[symbol].book.begin(told)

    @staticmethod
    def row(number, price, quantity="1") -> dict:
        return {"a": number, "p": str(price), "q": quantity, "T": 0, "m": False}

    def trade(self, price, quantity="1", symbol=SYMBOL):
        """A public trade; then the market goes on."""
        pair = self.feed.pairs[symbol]
        self.now += 100
        assert pair.hear("aggTrade", self.row(pair.tape.last.id + 1, price, quantity), self.now)
        self.exchange.advance(self.now)

    def place(self, side, quantity, price=None, **more):
        self.now += 100
        type_ = more.pop("type", OrderType.LIMIT if price else OrderType.MARKET)
        if type_ is OrderType.LIMIT:
            more.setdefault("time_in_force", TimeInForce.GTC)
        command = PlaceOrder(
            account="main",
            symbol=more.pop("symbol", SYMBOL),
            side=side,
            type=type_,
            quantity=Decimal(quantity),
            price=None if price is None else Decimal(price),
            **more,
        )
        self.exchange.handle(command, self.now)
        return self.venue.all_orders("main", command.symbol)[-1]

    def state(self):
        return (
            self.venue.balances("main"),
            self.venue.all_orders("main", SYMBOL),
            self.venue.fills("main", SYMBOL),
            self.venue.open_orders("main"),
            self.exchange.updated,
        )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "paper.jsonl"


@pytest.fixture
def paper(path):
    made = Paper(path)
    made.open()
    return made


def entries(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()[1:]]


def test_every_kind_of_event_is_the_same_again(paper, path) -> None:
    """Its market is gone: all there is to know is in the journal."""
    paper.place(Side.BUY, "2.5")
    paper.book(110, number=2)
    paper.place(Side.SELL, "0.5")
    resting = paper.place(Side.BUY, "1", "95")
    paper.trade("94", "0.4")
    paper.trade("200")
    paper.place(Side.SELL, "0.2", type=OrderType.STOP_LOSS, stop_price=Decimal(90))
    paper.place(Side.SELL, "0.2", type=OrderType.STOP_LOSS, trailing_delta=1_000)
    paper.trade("210")
    paper.book(180, number=3)
    paper.trade("189")
    paper.trade("89", "0.1")
    cancel = CancelOrder(account="main", symbol=SYMBOL, order_id=resting.order_id)
    with pytest.raises(Refused):
        paper.place(Side.BUY, "5000", "95")
    paper.exchange.handle(cancel, paper.now)
    again = Paper(path)
    assert again.state() == paper.state()
    assert {order.status for order in paper.venue.all_orders("main", SYMBOL)} == {
        "FILLED",
        "CANCELED",
    }
    assert again.feed.pairs == {}


def test_an_order_that_the_whole_book_could_not_fill_is_the_same_again(paper, path) -> None:
    thin = {"lastUpdateId": 2, "bids": [["99", "1"]], "asks": [["101", "1"], ["102", "1"]]}
    paper.feed.pairs[SYMBOL].book.begin(thin)
    order = paper.place(Side.BUY, "2.5")
    assert (order.status, order.executed) == ("EXPIRED", 2)
    assert Paper(path).state() == paper.state()


def test_a_step_of_the_market_that_did_nothing_is_not_kept(paper, path) -> None:
    paper.place(Side.BUY, "1", "95")
    for price in ("99", "105", "96"):
        paper.trade(price)
    assert [entry["command"] for entry in entries(path)] == ["PlaceOrder"]
    paper.trade("95", "0.25")
    assert entries(path)[1]["seen"][SYMBOL]["trades"] == [[5, "95", "0.25", paper.now, False]]


def test_of_a_book_only_what_was_looked_at_is_kept(paper, path) -> None:
    paper.place(Side.BUY, "2.5")
    paper.place(Side.BUY, "0.1", "95")
    books = [entry["seen"][SYMBOL]["book"] for entry in entries(path)]
    assert books[0] == [1, [], [["101", "1"], ["102", "1"], ["103", "1"]]]
    assert len(books[1][2]) <= 4


def test_rules_are_kept_once_and_again_when_they_change(paper, path) -> None:
    paper.place(Side.BUY, "0.1", "95")
    paper.place(Side.BUY, "0.1", "95")
    rules = paper.feed.rules[SYMBOL]
    paper.feed.rules = {SYMBOL: replace(rules, min_notional=Decimal(50))}
    paper.place(Side.BUY, "0.6", "95")
    kept = [entry["seen"][SYMBOL].get("rules", {}).get("min_notional") for entry in entries(path)]
    assert kept == ["5", None, "50"]
    again = Paper(path)
    assert again.state() == paper.state()


def test_trades_met_before_a_refusal_are_kept_with_it(paper, path) -> None:
    """The market had gone on when the command came, and nobody would tell of that again."""
    paper.place(Side.BUY, "1", "95")
    paper.now += 100
    paper.feed.pairs[SYMBOL].hear("aggTrade", paper.row(2, "94", "0.5"), paper.now)
    with pytest.raises(Refused):
        paper.place(Side.BUY, "5000", "95")
    assert [entry["command"] for entry in entries(path)] == ["PlaceOrder", "Advance"]
    assert Paper(path).venue.fills("main", SYMBOL) == paper.venue.fills("main", SYMBOL) != []


def test_half_of_a_replacement_is_half_done_again(paper, path) -> None:
    resting = paper.place(Side.BUY, "1", "95")
    place = PlaceOrder(
        account="main",
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        quantity=Decimal(5_000),
        price=Decimal(95),
    )
    cancel = CancelOrder(account="main", symbol=SYMBOL, order_id=resting.order_id)
    with pytest.raises(Refused) as refusal:
        paper.exchange.handle(
            CancelReplace(cancel=cancel, place=place, allow_failure=False), paper.now
        )
    assert refusal.value.code == -2021
    again = Paper(path)
    assert again.state() == paper.state()
    assert again.venue.open_orders("main") == []


def test_orders_of_several_symbols_meet_their_trades_in_the_same_order(path) -> None:
    paper = Paper(path, symbols=2)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        paper.open(symbol)
        paper.place(Side.BUY, "1", "95", symbol=symbol)
    paper.now += 100
    for symbol in ("ETHUSDT", "BTCUSDT"):
        for number in (2, 3):
            paper.feed.pairs[symbol].hear("aggTrade", paper.row(number, "94", "0.5"), paper.now)
    paper.exchange.advance(paper.now)
    again = Paper(path, symbols=2)
    assert again.state() == paper.state()
    assert again.venue.fills("main", "ETHUSDT") == paper.venue.fills("main", "ETHUSDT")
    assert len(again.venue.fills("main", "ETHUSDT")) == 2


def test_orders_wait_for_the_trade_after_the_last_one_that_was_shown(paper, path) -> None:
    paper.place(Side.BUY, "1", "95")
    paper.trade("99")
    paper.trade("94", "0.5")
    assert Paper(path).looks.last_ids == {SYMBOL: 3}


def test_what_was_traded_and_is_listed_no_more_is_known_and_closed(paper, path) -> None:
    order = paper.place(Side.BUY, "1", "95")
    again = Paper(path, symbols=1)
    again.feed.rules = {}
    assert again.looks.symbols[SYMBOL].status == "BREAK"
    assert again.looks.symbols is again.looks.symbols
    assert again.venue.open_orders("main", SYMBOL)[0].order_id == order.order_id
    with pytest.raises(Refused, match="Market is closed"):
        again.place(Side.BUY, "1", "95")
    again.exchange.handle(
        CancelOrder(account="main", symbol=SYMBOL, order_id=order.order_id), again.now
    )
    assert again.venue.open_orders("main") == []


def test_looks_between_two_commands_are_nobodys(paper, path) -> None:
    """A book that is shown is that of the moment, also in the middle of a day of orders."""
    paper.place(Side.BUY, "0.1", "95")
    paper.book(120, number=7)
    assert paper.venue.depth(SYMBOL, paper.now).asks[0].price == 121
    assert paper.looks.last_trade(SYMBOL, now=paper.now).price == 100
    assert paper.looks.average_price(SYMBOL, minutes=5, now=paper.now) == 100
    assert paper.looks.quote(SYMBOL, now=paper.now).asks[0].price == 121
    cancel = CancelOrder(account="main", symbol=SYMBOL, order_id=1)
    paper.exchange.handle(cancel, paper.now)
    assert entries(path)[1]["seen"] == {}


@pytest.mark.parametrize(
    "line",
    [
        b'{"command":"Advance","now":5}',
        b'{"command":"Advance","now":5,"seen":[]}',
        b'{"command":"Advance","now":5,"seen":{"BTCUSDT":{"rules":{"moon":1}}}}',
        b'{"command":"Advance","now":5,"seen":{"BTCUSDT":{"trades":[[1,"x","1",5,true]]}}}',
        b'{"command":"Pair","above":null,"below":null,"seen":{},"now":5}',
        b'{"command":"Dance","now":5,"seen":{}}',
    ],
)
def test_a_damaged_line_is_told_with_its_number(paper, path, line) -> None:
    paper.place(Side.BUY, "0.1", "95")
    paper.log.close()
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(CommandLogError, match="damaged in line 3"):
        Paper(path)


def test_a_command_that_looks_elsewhere_today_is_told(paper, path) -> None:
    paper.place(Side.BUY, "0.1", "95")
    paper.log.close()
    path.write_bytes(path.read_bytes().replace(b'"last"', b'"lost"'))
    with pytest.raises(CommandLogError, match=r"\(BTCUSDT, last\).*Remove or rename"):
        Paper(path)


@pytest.mark.parametrize("question", ["klines", "trades", "trades_from", "latest_trades"])
def test_other_questions_pass_through(paper, question) -> None:
    more = {
        "klines": {"start": None, "end": None, "limit": 1},
        "trades": {"start": 0, "end": 1},
        "trades_from": {"first_id": 1, "limit": 1},
        "latest_trades": {"limit": 1},
    }[question]
    words = (SYMBOL, "1m") if question == "klines" else (SYMBOL,)
    with pytest.raises(Refused, match="Market is closed"):
        getattr(paper.looks, question)(*words, now=paper.now, **more)
