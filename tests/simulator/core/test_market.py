"""How one symbol trades: takers, makers, the merged book, the tape and icebergs."""

from dataclasses import replace
from decimal import Decimal

import pytest

from trading_system.simulator.model import Level, Status, SymbolRules

RULES = SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT")


def depth(floor):
    bids, asks = floor.venue.depth("BTCUSDT", floor.now)[1:]
    return [tuple(map(str, level)) for level in bids], [tuple(map(str, level)) for level in asks]


def outcome(order):
    return order.status, str(order.executed), order.expiry_reason


# Takers


@pytest.mark.parametrize(
    ("force", "price", "expected"),
    [
        ("GTC", "100.20", (Status.PARTIALLY_FILLED, "3", None)),
        ("IOC", "100.20", (Status.EXPIRED, "3", "UNFILLED_IOC_QUANTITY_EXPIRED")),
        ("FOK", "100.20", (Status.EXPIRED, "0", "UNFILLED_FOK_ORDER_EXPIRED")),
        ("GTC", "100.30", (Status.FILLED, "4", None)),
        ("IOC", "100.30", (Status.FILLED, "4", None)),
        ("FOK", "100.30", (Status.FILLED, "4", None)),
        ("GTC", "100.00", (Status.NEW, "0", None)),
        ("IOC", "100.00", (Status.EXPIRED, "0", "UNFILLED_IOC_QUANTITY_EXPIRED")),
    ],
)
def test_time_in_force_decides_about_what_cannot_fill_at_once(floor, force, price, expected):
    order = floor.buy("4", price, time_in_force=force)
    assert outcome(order) == expected
    still = (Decimal(4) - order.executed) * order.price if order.status.is_open else 0
    assert floor.balance("USDT")[1] == still


def test_a_limit_order_is_filled_at_better_prices_and_gets_the_difference_back(floor):
    order = floor.buy("2", "105")
    assert [(str(f.price), str(f.quantity)) for f in order.fills] == [
        ("100.10", "1"),
        ("100.20", "1"),
    ]
    assert floor.balance("USDT") == (Decimal("9799.70"), 0)


def test_a_market_order_beyond_the_book_expires_with_what_it_got(floor):
    order = floor.sell("9")
    assert outcome(order) == (Status.EXPIRED, "8", "INSUFFICIENT_LIQUIDITY")
    assert floor.balance("BTC") == (2, 0)


def test_a_market_order_on_an_empty_book_is_refused(floor):
    floor.feed.asks.clear()
    told = (-1112, "No orders on book for symbol.")
    assert floor.refusal(floor.do, floor.command("BUY", "1")) == told
    assert floor.refusal(floor.do, floor.command("BUY", None, quote_quantity="50")) == told


@pytest.mark.parametrize(
    ("side", "quote", "executed", "executed_quote"),
    [
        ("BUY", "200.30", "2", "200.30"),
        ("BUY", "100.1005", "1", "100.10"),
        ("BUY", "100", "0.99900", "99.9999"),
        ("SELL", "199.70", "2", "199.70"),
        ("SELL", "100", "1.00100", "99.99980"),
    ],
)
def test_a_market_order_by_quote_trades_whole_lots_for_at_most_that_much(
    floor, side, quote, executed, executed_quote
):
    order = floor.place(floor.command(side, None, quote_quantity=quote))
    assert order.status is Status.FILLED
    assert (order.executed, order.quantity) == (Decimal(executed), Decimal(executed))
    assert order.executed_quote == Decimal(executed_quote)
    assert {locked for _, locked in floor.venue.balances("ann").values()} == {0}


def test_a_market_order_by_quote_is_expired_not_filled_when_the_book_ends(floor):
    order = floor.buy(quote_quantity="2000")
    assert outcome(order) == (Status.EXPIRED, "8", "INSUFFICIENT_LIQUIDITY")
    assert [f.quantity for f in order.fills] == [1, 2, 5]
    assert floor.balance("USDT") == (Decimal("9198.00"), 0)


@pytest.mark.parametrize("quote", ["300.50", "300.4999"])
def test_a_market_order_by_quote_that_just_empties_the_book_is_filled(floor, quote):
    del floor.feed.asks[2:]
    order = floor.buy(quote_quantity=quote)
    assert order.status is Status.FILLED


def test_a_market_order_by_quote_needs_the_whole_amount_free(floor):
    told = floor.refusal(floor.do, floor.command("BUY", None, quote_quantity="10000.01"))
    assert told == (-2010, "Account has insufficient balance for requested action.")


def test_a_market_order_by_quote_must_come_to_a_lot(make_floor):
    floor = make_floor(replace(RULES, min_quantity=Decimal("0.5"), min_notional=Decimal(0)))
    told = floor.refusal(floor.do, floor.command("BUY", None, quote_quantity="50"))
    assert told == (-1013, "Filter failure: LOT_SIZE")
    floor.feed.asks[:] = [Level(Decimal(100), Decimal("0.4"))]
    floor.now += 1000
    told = floor.refusal(floor.do, floor.command("BUY", None, quote_quantity="50"))
    assert told == (
        -2010,
        "Order book liquidity is less than LOT_SIZE filter minimum quantity.",
    )


@pytest.mark.parametrize(
    ("side", "quantity", "price"),
    [("BUY", "8", "1260"), ("BUY", "81", None), ("SELL", "10.00001", None), ("SELL", "11", "150")],
)
def test_nobody_trades_with_money_he_has_not(make_floor, side, quantity, price):
    floor = make_floor(replace(RULES, bid_multiplier_up=Decimal(20)))
    floor.feed.asks.append(Level(Decimal(200), Decimal(100)))
    told = floor.refusal(floor.do, floor.command(side, quantity, price))
    assert told == (-2010, "Account has insufficient balance for requested action.")


@pytest.mark.parametrize(("side", "takes"), [("BUY", "100.10"), ("SELL", "99.90")])
def test_limit_maker_never_takes(floor, side, takes):
    told = floor.refusal(floor.do, floor.command(side, "1", takes, type="LIMIT_MAKER"))
    assert told == (-2010, "Order would immediately match and take.")
    order = floor.place(floor.command(side, "1", "100", type="LIMIT_MAKER"))
    assert outcome(order) == (Status.NEW, "0", None)


def test_fees_are_rounded_as_recorded(make_floor):
    rules = SymbolRules(
        symbol="LTCBTC", base="LTC", quote="BTC", tick_size=Decimal("0.00001"),
        min_price=Decimal("0.00001"), min_notional=Decimal(0), bid_multiplier_down=Decimal(0),
        ask_multiplier_down=Decimal(0),
    )  # fmt: skip
    floor = make_floor(rules, balances={"LTC": "1"})
    floor.feed.bids[:] = [Level(Decimal("0.01519"), Decimal(5))]
    fill = floor.sell("0.2", "0.01519").fills[0]
    assert (str(fill.commission), fill.commission_asset) == ("0.00000304", "BTC")
    assert floor.balance("BTC") == (Decimal("0.00303496"), 0)


def test_quote_amounts_are_whole_cents_and_locks_cover_them(make_floor):
    rules = replace(RULES, quote_precision=2, min_notional=Decimal(0))
    floor = make_floor(rules)
    order = floor.buy("0.00015", "100")
    assert floor.balance("USDT")[1] == Decimal("0.02")
    floor.print("100")
    assert order.executed_quote == Decimal("0.01")
    assert floor.balance("USDT") == (Decimal("9999.99"), 0)


# The merged book


def test_users_orders_and_the_feeds_levels_make_one_book(floor):
    floor.buy("3", "99.80")
    floor.sell("2", "100.25", account="bob")
    assert depth(floor) == (
        [("99.90", "1"), ("99.80", "5"), ("99.70", "5")],
        [("100.10", "1"), ("100.20", "2"), ("100.25", "2"), ("100.30", "5")],
    )


def test_at_one_price_the_feed_was_there_first_and_then_users_in_their_order(floor, story):
    floor.sell("1", "100.20", account="bob")
    floor.sell("1", "100.20", account="ann", stp="NONE")
    told = story(floor.do(floor.command("BUY", "4.5", account="bob", stp="NONE")))
    assert told == [
        "NEW 3",
        "TRADE 3 1@100.10",
        "TRADE 3 2@100.20",
        "TRADE 3 1@100.20",
        "TRADE 1 1@100.20",
        "TRADE 3 0.5@100.20",
        "TRADE 2 0.5@100.20",
        "BALANCE bob BTC USDT",
        "BALANCE ann BTC USDT",
    ]


def test_two_users_of_one_trade_share_its_id_and_pay_their_own_rates(make_floor):
    floor = make_floor()
    floor.venue.open_account("cleo", {"BTC": Decimal(1)}, maker_bips=0, taker_bips=50)
    ask = floor.sell("1", "100.05", account="cleo")
    bid = floor.buy("1", "100.05")
    (sold,), (bought,) = ask.fills, bid.fills
    assert sold.trade_id == bought.trade_id
    assert (sold.maker, sold.commission, sold.commission_asset) == (True, 0, "USDT")
    assert (bought.maker, bought.commission) == (False, Decimal("0.001"))
    assert floor.venue.balances("cleo") == {"BTC": (0, 0), "USDT": (Decimal("100.05"), 0)}


def test_what_was_taken_from_the_feed_stays_taken_until_its_book_changes(floor):
    floor.buy("1.5")
    assert depth(floor)[1] == [("100.20", "1.5"), ("100.30", "5")]
    floor.now += 999
    assert floor.buy("1").fills[0].price == Decimal("100.20")
    floor.now += 1
    assert depth(floor)[1] == [("100.10", "1"), ("100.20", "2"), ("100.30", "5")]
    assert floor.buy("1").fills[0].price == Decimal("100.10")
    assert depth(floor)[1] == [("100.20", "2"), ("100.30", "5")]


@pytest.mark.parametrize(
    ("side", "price", "bids", "asks"),
    [
        ("BUY", "100.20", [("100.20", "7"), ("99.90", "1")], [("100.30", "5")]),
        ("SELL", "99.80", [("99.70", "5")], [("99.80", "7"), ("100.10", "1")]),
    ],
)
def test_an_order_that_ate_its_way_in_hides_what_would_cross_it(floor, side, price, bids, asks):
    floor.place(floor.command(side, "10", price))
    floor.now += 1000
    now_bids, now_asks = depth(floor)
    assert (now_bids[: len(bids)], now_asks[: len(asks)]) == (bids, asks)


# The tape


@pytest.mark.parametrize(
    ("side", "price", "misses", "fills"),
    [("BUY", "99.95", "99.96", "99.95"), ("SELL", "100.05", "100.04", "100.05"),
     ("BUY", "99.95", "99.96", "90"), ("SELL", "100.05", "100.04", "110")],
)  # fmt: skip
def test_a_public_trade_at_or_through_the_price_fills_at_the_orders_price(
    floor, story, side, price, misses, fills
):
    order = floor.place(floor.command(side, "1", price))
    assert floor.print(misses) == []
    assert story(floor.print(fills)) == [f"TRADE 1 1@{price}", "BALANCE ann BTC USDT"]
    assert (order.status, order.fills[0].maker) == (Status.FILLED, True)
    assert order.fills[0].time == floor.now


def test_a_public_trade_is_shared_in_price_time_priority(floor, story):
    floor.buy("1", "99.95")
    floor.buy("1", "99.96", account="bob")
    floor.buy("1", "99.95", account="bob")
    assert story(floor.print("99.90", "2.5"))[:3] == [
        "TRADE 2 1@99.96",
        "TRADE 1 1@99.95",
        "TRADE 3 0.5@99.95",
    ]
    assert story(floor.print("99.90", "0.5"))[0] == "TRADE 3 0.5@99.95"


def test_a_large_order_fills_over_several_trades_and_none_counts_twice(floor):
    order = floor.buy("3", "99.95")
    floor.print("99.95", "1")
    for _ in range(3):
        floor.now += 1
        floor.do(floor.command("BUY", "0.1"))
    assert (order.status, order.executed) == (Status.PARTIALLY_FILLED, 1)
    floor.print("99.95", "1")
    assert floor.balance("USDT")[1] == Decimal("99.95")
    floor.print("99.95", "1")
    assert order.status is Status.FILLED


def test_trades_before_an_order_was_placed_do_not_fill_it(floor):
    floor.feed.print("BTCUSDT", "99", "10", floor.now)
    order = floor.buy("1", "99.50")
    floor.print("99.60")
    assert order.status is Status.NEW


def test_an_iceberg_shows_its_tip_and_queues_again_for_each_part(floor, story):
    floor.sell("3", "100.05", iceberg_quantity="1")
    floor.sell("1", "100.05", account="bob")
    assert depth(floor)[1][0] == ("100.05", "2")
    assert story(floor.print("100.05", "2.5"))[:3] == [
        "TRADE 1 1@100.05",
        "TRADE 2 1@100.05",
        "TRADE 1 0.5@100.05",
    ]
    assert depth(floor)[1][0] == ("100.05", "0.5")
    order = floor.buy("2", "100.05", account="bob")
    assert [str(fill.quantity) for fill in order.fills] == ["0.5", "1"]
    assert depth(floor)[0][0] == ("100.05", "0.5")
