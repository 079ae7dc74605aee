"""Price-time priority and icebergs in the users' own book."""

from decimal import Decimal

import pytest

from trading_system.simulator.book import Book
from trading_system.simulator.model import Level, Order, OrderType, Side, TimeInForce


@pytest.fixture
def rest():
    """Add orders (id, side, price, quantity[, iceberg]) to a fresh book."""

    def build(*rows):
        book = Book()
        orders = {}
        for id_, side, price, quantity, *iceberg in rows:
            orders[id_] = Order(
                order_id=id_,
                client_order_id=str(id_),
                account="ann",
                symbol="BTCUSDT",
                side=Side(side),
                type=OrderType.LIMIT,
                time_in_force=TimeInForce.GTC,
                price=Decimal(price),
                quantity=Decimal(quantity),
                iceberg_quantity=Decimal(iceberg[0]) if iceberg else None,
                time=0,
                updated=0,
            )
            book.add(orders[id_])
        return book, orders

    return build


def queue(book, side):
    return [(order.order_id, int(quantity)) for order, quantity in book.queue(Side(side))]


def fill(book, order, quantity):
    order.executed += quantity
    book.reduce(order, Decimal(quantity))


def test_better_prices_come_first_and_then_earlier_orders(rest):
    book, _ = rest(
        (1, "BUY", 99, 1), (2, "BUY", 101, 1), (3, "BUY", 99, 2), (4, "BUY", 100, 1),
        (5, "SELL", 103, 1), (6, "SELL", 102, 1), (7, "SELL", 103, 2),
    )  # fmt: skip
    assert queue(book, "BUY") == [(2, 1), (4, 1), (1, 1), (3, 2)]
    assert queue(book, "SELL") == [(6, 1), (5, 1), (7, 2)]
    assert (book.best(Side.BUY), book.best(Side.SELL)) == (101, 102)
    assert book.levels(Side.BUY) == [Level(101, 1), Level(100, 1), Level(99, 3)]


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_an_order_removed_leaves_the_others_in_their_order(rest, side):
    book, orders = rest((1, side, 100, 1), (2, side, 101, 1), (3, side, 101, 1), (4, side, 102, 1))
    book.remove(orders[2])
    assert sorted(queue(book, side)) == [(1, 1), (3, 1), (4, 1)]
    for id_ in (3, 1, 4):
        assert book
        book.remove(orders[id_])
    assert not book
    assert book.best(Side(side)) is None


def test_a_partial_fill_keeps_its_place_and_a_full_one_leaves(rest):
    book, orders = rest((1, "SELL", 100, 3), (2, "SELL", 100, 1))
    fill(book, orders[1], 2)
    assert queue(book, "SELL") == [(1, 1), (2, 1)]
    fill(book, orders[1], 1)
    assert queue(book, "SELL") == [(2, 1)]


def test_an_iceberg_shows_its_tip_and_refills_behind_the_queue(rest):
    book, orders = rest((1, "SELL", 100, 5, 2), (2, "SELL", 100, 3))
    assert book.levels(Side.SELL) == [Level(100, 5)]
    assert queue(book, "SELL") == [(1, 2), (2, 3), (1, 2), (1, 1)]
    fill(book, orders[1], 1)
    assert queue(book, "SELL") == [(1, 1), (2, 3), (1, 2), (1, 1)]
    fill(book, orders[1], 1)
    assert queue(book, "SELL") == [(2, 3), (1, 2), (1, 1)]
    fill(book, orders[2], 3)
    fill(book, orders[1], 2)
    assert queue(book, "SELL") == [(1, 1)]
