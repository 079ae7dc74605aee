"""Self-trade prevention: what happens when an account would trade with itself."""

from decimal import Decimal

import pytest

from trading_system.simulator.events import OrderEvent
from trading_system.simulator.model import Level, Status
from trading_system.simulator.self_trades import PreventedMatch, SelfTradePrevention, mode_of


@pytest.fixture
def own(floor):
    """Ann's bids 1.2 at 100.05 and 2 at 100.04 meet ann's own sale."""

    def meet(stp, quantity="2", **more):
        makers = [floor.buy("1.2", "100.05"), floor.buy("2", "100.04")]
        more.setdefault("price", "100.04")
        taker = floor.sell(quantity, stp=stp, **more)
        return [(o.status.value, str(o.executed), str(o.prevented)) for o in (taker, *makers)]

    return meet


@pytest.mark.parametrize(
    ("stp", "taker", "first", "second"),
    [
        ("NONE", ("FILLED", "2.0", "0"), ("FILLED", "1.2", "0"), ("PARTIALLY_FILLED", "0.8", "0")),
        ("EXPIRE_TAKER", ("EXPIRED_IN_MATCH", "0", "2"), ("NEW", "0", "0"), ("NEW", "0", "0")),
        (
            "EXPIRE_MAKER",
            ("NEW", "0", "0"),
            ("EXPIRED_IN_MATCH", "0", "1.2"),
            ("EXPIRED_IN_MATCH", "0", "2"),
        ),
        (
            "EXPIRE_BOTH",
            ("EXPIRED_IN_MATCH", "0", "2"),
            ("EXPIRED_IN_MATCH", "0", "1.2"),
            ("NEW", "0", "0"),
        ),
        (
            "DECREMENT",
            ("EXPIRED_IN_MATCH", "0", "2.0"),
            ("EXPIRED_IN_MATCH", "0", "1.2"),
            ("NEW", "0", "0.8"),
        ),
        (
            "TRANSFER",
            ("EXPIRED_IN_MATCH", "0", "2.0"),
            ("EXPIRED_IN_MATCH", "0", "1.2"),
            ("NEW", "0", "0.8"),
        ),
    ],
)
def test_the_takers_mode_decides_who_gives_way(floor, own, stp, taker, first, second):
    assert own(stp) == [taker, first, second]
    locked = sum(o.remaining * o.price for o in floor.venue.open_orders("ann") if o.side == "BUY")
    assert floor.balance("USDT")[1] == locked


def test_another_account_is_no_self(floor):
    maker = floor.buy("1", "100.05", account="bob")
    assert floor.sell("1", "100.05", stp="EXPIRE_BOTH").status is Status.FILLED
    assert maker.status is Status.FILLED


def test_an_iceberg_of_ones_own_expires_whole(floor):
    maker = floor.buy("3", "100.05", iceberg_quantity="1")
    floor.buy("1", "100.05", account="bob")
    taker = floor.sell("2", "100.05", stp="EXPIRE_MAKER")
    assert (maker.status, maker.prevented) == (Status.EXPIRED_IN_MATCH, 3)
    assert (taker.status, taker.executed) == (Status.PARTIALLY_FILLED, 1)


def test_a_market_order_whose_only_partner_is_itself_expires_for_want_of_others(floor, story):
    floor.feed.bids.clear()
    floor.buy("1", "100.05")
    told = story(floor.do(floor.command("SELL", "1", stp="EXPIRE_MAKER")))
    assert told == ["NEW 2", "TRADE_PREVENTION 1", "EXPIRED 2", "BALANCE ann BTC USDT"]


@pytest.mark.parametrize(
    ("stp", "status", "executed", "prevented"),
    [
        ("EXPIRE_TAKER", Status.EXPIRED_IN_MATCH, "1", "0"),
        ("DECREMENT", Status.EXPIRED, "9", "0.5"),
        ("NONE", Status.EXPIRED, "9.5", "0"),
    ],
)
def test_self_trades_of_a_market_order_by_quote(floor, stp, status, executed, prevented):
    floor.buy("1", "100.05", account="bob")
    floor.buy("0.5", "100.04")
    order = floor.sell(quote_quantity="5000", stp=stp)
    assert order.status is status
    assert (order.executed, order.prevented) == (Decimal(executed), Decimal(prevented))
    assert floor.balance("BTC")[1] == 0


def test_a_market_order_by_quote_can_end_in_a_self_trade(floor):
    floor.feed.bids.clear()
    floor.buy("2", "100")
    order = floor.sell(quote_quantity="100", stp="DECREMENT")
    assert (order.status, order.prevented) == (Status.EXPIRED_IN_MATCH, 1)
    floor.feed.bids.append(Level(Decimal("101.00"), Decimal(1)))
    floor.now += 1000
    order = floor.sell(quote_quantity="500", stp="DECREMENT")
    assert (order.status, order.executed, order.prevented) == (Status.EXPIRED, 1, 1)


def test_a_market_order_by_quote_that_meets_its_own_account_first_expires(floor):
    floor.buy("1", "100.05")
    order = floor.sell(quote_quantity="100", stp="EXPIRE_TAKER")
    assert (order.status, order.quantity) == (Status.EXPIRED_IN_MATCH, 0)


def prevented(events):
    """Each prevention: whose, its number, the other order, how much in all and this time."""
    return [
        (
            e.order.order_id,
            e.prevented.id,
            e.prevented.counter_order_id(e.order.order_id),
            str(e.order.prevented),
            str(e.prevented.off(e.order.order_id)),
        )
        for e in events
        if isinstance(e, OrderEvent) and e.prevented is not None
    ]


@pytest.mark.parametrize(
    ("stp", "expected"),
    [
        ("EXPIRE_TAKER", [(3, 1, 1, "2", "2")]),
        ("EXPIRE_MAKER", [(1, 1, 3, "1.2", "1.2"), (2, 2, 3, "2", "2")]),
        ("EXPIRE_BOTH", [(1, 1, 3, "1.2", "1.2"), (3, 1, 1, "2", "2")]),
        (
            "DECREMENT",
            [
                (3, 1, 1, "1.2", "1.2"),
                (1, 1, 3, "1.2", "1.2"),
                (3, 2, 2, "2.0", "0.8"),
                (2, 2, 3, "0.8", "0.8"),
            ],
        ),
    ],
)
def test_both_sides_know_a_prevented_match_by_one_number(floor, stp, expected):
    floor.buy("1.2", "100.05")
    floor.buy("2", "100.04")
    events = floor.do(floor.command("SELL", "2", "100.04", stp=stp))
    assert prevented(events) == expected
    latest = floor.venue.order("ann", floor.symbol, order_id=expected[-1][0])
    assert latest.prevented_matches[-1].id == expected[-1][1]


MODES = tuple(SelfTradePrevention)


@pytest.mark.parametrize("maker", MODES)
@pytest.mark.parametrize("taker", MODES)
def test_the_mode_in_effect_is_the_takers_but_transfer_takes_two(taker, maker):
    """The table of Binance's STP FAQ."""
    expected = "DECREMENT" if (taker == "TRANSFER") and (maker != "TRANSFER") else taker
    assert mode_of(taker=taker, maker=maker) == expected


@pytest.mark.parametrize(
    ("taker", "maker", "told", "off_taker", "off_maker"),
    [
        ("EXPIRE_TAKER", "NONE", "EXPIRE_TAKER", "3", "0"),
        ("EXPIRE_MAKER", "TRANSFER", "EXPIRE_MAKER", "0", "2"),
        ("EXPIRE_BOTH", "DECREMENT", "EXPIRE_BOTH", "3", "2"),
        ("DECREMENT", "TRANSFER", "DECREMENT", "2", "2"),
        ("TRANSFER", "DECREMENT", "DECREMENT", "2", "2"),
        ("TRANSFER", "TRANSFER", "TRANSFER", "2", "2"),
    ],
)
def test_a_prevented_match_is_one_record_of_both_orders(
    floor, taker, maker, told, off_taker, off_maker
):
    resting = floor.buy("2", "100.05", stp=maker)
    floor.now += 7
    coming = floor.sell("3", "100.04", stp=taker)
    (match,) = coming.prevented_matches
    assert resting.prevented_matches == [match]
    assert match == PreventedMatch(
        id=1,
        symbol="BTCUSDT",
        mode=SelfTradePrevention(told),
        taker_order_id=2,
        maker_order_id=1,
        price=Decimal("100.05"),
        quantity=Decimal(2),
        off_taker=Decimal(off_taker),
        off_maker=Decimal(off_maker),
        time=floor.now,
    )
    assert (coming.prevented, resting.prevented) == (match.off(2), match.off(1))
    assert (match.counter_order_id(1), match.counter_order_id(2)) == (2, 1)


def test_an_event_tells_what_had_been_prevented_until_then(floor):
    floor.buy("1", "100.05")
    floor.buy("1", "100.05")
    events = floor.do(floor.command("SELL", "3", "100.05", stp="DECREMENT"))
    told = [len(event.order.prevented_matches) for event in events[:-1]]
    # the sale is new, then it and a bid lose one, then it and the other
    assert told == [0, 1, 1, 2, 1]


def test_a_trade_that_nobody_prevents_leaves_no_record(floor):
    resting = floor.buy("2", "100.05", stp="TRANSFER")
    assert floor.sell("2", "100.05", stp="NONE").prevented_matches == []
    assert resting.prevented_matches == []
