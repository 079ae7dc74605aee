"""Stop orders: which way they wait, when they fire, how they trail."""

from decimal import Decimal

import pytest

from trading_system.simulator.model import Status

IMMEDIATELY = (-2010, "Order would trigger immediately.")


@pytest.mark.parametrize(
    ("side", "type_", "stop", "wrong", "near", "touch"),
    [
        ("BUY", "STOP_LOSS", "101", "100", "100.99", "101"),
        ("SELL", "TAKE_PROFIT", "101", "100", "100.99", "101.50"),
        ("SELL", "STOP_LOSS", "99", "100", "99.01", "99"),
        ("BUY", "TAKE_PROFIT", "99", "100", "99.01", "98.50"),
    ],
)
def test_a_stop_order_waits_on_its_side_and_fires_at_its_price(
    floor, story, side, type_, stop, wrong, near, touch
):
    too_late = floor.command(side, "0.5", type=type_, stop_price=wrong)
    assert floor.refusal(floor.do, too_late) == IMMEDIATELY
    order = floor.place(floor.command(side, "0.5", type=type_, stop_price=stop))
    assert (order.is_working, order.working_time, order.status) == (False, -1, Status.NEW)
    assert floor.print(near) == []
    price = "100.10" if side == "BUY" else "99.90"
    assert story(floor.print(touch)) == ["NEW 1", f"TRADE 1 0.5@{price}", "BALANCE ann BTC USDT"]
    assert (order.is_working, order.working_time) == (True, floor.now)
    assert order.status is Status.FILLED
    assert floor.print(touch) == []


def test_a_stop_limit_order_rests_when_its_price_is_not_there(floor, story):
    order = floor.sell("1", "99.95", type="STOP_LOSS_LIMIT", stop_price="99")
    assert story(floor.print("98")) == ["NEW 1", "BALANCE ann BTC USDT"]
    assert order.status is Status.NEW
    assert floor.venue.depth("BTCUSDT", floor.now).asks[0] == (Decimal("99.95"), 1)
    assert floor.print("99.94") == []
    assert story(floor.print("99.95"))[0] == "TRADE 1 1@99.95"


def test_only_trades_after_the_order_can_fire_it(floor):
    floor.print("98")
    floor.print("100")
    order = floor.sell("1", type="STOP_LOSS", stop_price="99")
    floor.print("99.50")
    assert order.status is Status.NEW


def trail(floor, prices):
    """How many trades it took to fire order 1, None when none did."""
    order = floor.venue.order("ann", "BTCUSDT", order_id=1)
    for number, price in enumerate(prices, 1):
        floor.print(price)
        if order.is_working:
            return number
    return None


# Scenarios of Binance's trailing stop FAQ, prices divided by 400.
@pytest.mark.parametrize(
    ("side", "type_", "stop", "bips", "limit", "prices", "fires_at"),
    [
        ("BUY", "STOP_LOSS_LIMIT", "110", 500, "112", ["92.5", "110", "115", "105", "110.24",
         "110.25"], 6),
        ("SELL", "STOP_LOSS_LIMIT", "97.5", 1000, "95", ["103.75", "97.5", "92.5", "102.5",
         "92.26", "92.25"], 6),
        ("BUY", "TAKE_PROFIT_LIMIT", "95", 850, "96", ["105", "95", "92.5", "97.5", "95",
         "100.37"], 6),
        ("SELL", "TAKE_PROFIT_LIMIT", "105", 750, "102", ["103", "97.5", "105", "112.5", "110",
         "116.25", "107.53"], 7),
        ("SELL", "STOP_LOSS_LIMIT", None, 700, "97.5", ["100", "105", "98.75", "113.75",
         "105.78"], 5),
        ("BUY", "TAKE_PROFIT_LIMIT", None, 700, "97.5", ["100", "95", "106", "101.65"], 3),
    ],
)  # fmt: skip
def test_a_trailing_order_follows_the_tape(floor, side, type_, stop, bips, limit, prices, fires_at):
    floor.place(floor.command(side, "1", limit, type=type_, stop_price=stop, trailing_delta=bips))
    assert trail(floor, prices) == fires_at


@pytest.mark.parametrize(
    ("side", "type_", "stop", "prices", "begins_at"),
    [
        ("SELL", "STOP_LOSS", None, ["100", "101"], 1),  # with the next trade
        ("SELL", "STOP_LOSS", "99", ["100", "98.5", "98"], 2),
        ("SELL", "TAKE_PROFIT", "101", ["100.5", "101", "103"], 2),
        ("BUY", "STOP_LOSS", "101", ["100.5", "102"], 2),
        ("BUY", "TAKE_PROFIT", "99", ["99.01", "99.5"], None),
    ],
)
def test_a_trailing_order_knows_since_when_it_tracks(floor, side, type_, stop, prices, begins_at):
    order = floor.place(floor.command(side, "1", type=type_, stop_price=stop, trailing_delta=1000))
    assert order.trailing_time == -1
    placed = floor.now
    for price in prices:
        floor.print(price)  # one millisecond each
    assert order.trailing_time == (-1 if begins_at is None else placed + begins_at)
    assert not order.is_working


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_trailing_order_asks_only_for_trades_that_matter(floor, side):
    floor.place(floor.command(side, "1", type="STOP_LOSS", trailing_delta=1000))
    floor.print("100")
    for price in ["100", "99" if side == "SELL" else "101"] * 20:
        floor.feed.print("BTCUSDT", price, "1", floor.now)
    floor.feed.questions = 0
    floor.print("100")
    assert floor.feed.questions == 1


def test_a_stop_order_can_be_cancelled_while_it_waits(floor, story):
    order = floor.buy("1", type="STOP_LOSS", stop_price="105")
    assert floor.balance("USDT") == (9895, 105)
    assert story(floor.cancel(order)) == ["CANCELED 1", "BALANCE ann BTC USDT"]
    assert floor.balance("USDT") == (10000, 0)
    assert floor.print("106") == []


@pytest.mark.parametrize(
    ("more", "locks"),
    [
        ({"type": "STOP_LOSS", "stop_price": "105"}, "210"),
        ({"type": "STOP_LOSS", "trailing_delta": 100}, "200"),
        ({"type": "STOP_LOSS_LIMIT", "stop_price": "105", "price": "106"}, "212"),
    ],
)
def test_a_waiting_buy_locks_its_limit_or_stop_or_last_price(floor, more, locks):
    floor.buy("2", **more)
    assert floor.balance("USDT")[1] == Decimal(locks)


def test_a_stop_buy_draws_on_free_money_where_the_market_ran_away(make_floor):
    floor = make_floor(balances={"USDT": "250"})
    order = floor.buy("2", type="TAKE_PROFIT", stop_price="95")  # locks 190, costs 200.30
    floor.print("94")
    assert order.status is Status.FILLED
    assert floor.balance("USDT") == (Decimal("49.70"), 0)


def test_a_stop_buy_that_nobody_can_pay_for_wholly_is_expired(make_floor):
    floor = make_floor(balances={"USDT": "191"})
    order = floor.buy("2", type="TAKE_PROFIT", stop_price="95")
    floor.print("94")
    assert (order.status, order.expiry_reason) == (Status.EXPIRED, "REJECTED")
    assert order.executed == Decimal("1.90718")  # 1 at 100.10 and what 90.90 buy at 100.20
    assert Decimal(0) <= floor.balance("USDT")[0] < Decimal("0.01")
    assert floor.balance("USDT")[1] == 0


def test_a_stop_order_that_finds_no_liquidity_is_expired(floor):
    order = floor.sell("9", type="STOP_LOSS", stop_price="99")
    floor.print("98")
    assert (order.status, order.executed) == (Status.EXPIRED, 8)
    assert order.expiry_reason == "INSUFFICIENT_LIQUIDITY"


def test_a_stop_sell_needs_no_quote(make_floor):
    floor = make_floor(balances={"BTC": "10"})
    order = floor.sell("5", type="STOP_LOSS", stop_price="99")
    floor.print("98")
    assert order.status is Status.FILLED


@pytest.mark.parametrize(
    ("side", "price", "stop"), [("BUY", "99.95", "90"), ("SELL", "100.05", "110")]
)
def test_far_stops_do_not_hide_near_trades_from_resting_orders(floor, side, price, stop):
    resting = floor.place(floor.command(side, "1", price))
    waiting = floor.place(floor.command(side, "1", type="TAKE_PROFIT", stop_price=stop))
    floor.print(price)
    assert (resting.status, waiting.status) == (Status.FILLED, Status.NEW)
    floor.place(floor.command(side, "1", {"BUY": "89", "SELL": "111"}[side]))
    floor.print(stop)
    assert waiting.status is Status.FILLED


def test_orders_fire_in_the_order_they_were_placed(floor, story):
    floor.sell("1", type="STOP_LOSS", stop_price="98")
    floor.sell("1", type="STOP_LOSS", stop_price="99", account="bob")
    told = story(floor.print("97"))
    assert told[:4] == ["NEW 1", "TRADE 1 1@99.90", "NEW 2", "TRADE 2 1@99.80"]
