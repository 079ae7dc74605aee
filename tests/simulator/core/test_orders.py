"""Finding orders again, and the ids nobody chose."""

import pytest

from trading_system.simulator.model import CancelOrder
from trading_system.simulator.orders import cancel_id


def test_made_up_ids_look_like_the_real_ones_and_never_repeat(floor):
    ids = [floor.buy("0.1").client_order_id for _ in range(20)]
    assert len(set(ids)) == 20
    assert all(len(id_) == 22 and id_.isalnum() and id_.isascii() for id_ in ids)


def test_made_up_ids_are_the_same_in_every_run(floor, make_floor):
    assert floor.buy("0.1").client_order_id == make_floor().buy("0.1").client_order_id


def test_the_id_of_a_cancel_is_the_users_or_made_up_from_the_order(floor):
    order = floor.buy("1", "90")
    chosen = CancelOrder(account="ann", symbol="BTCUSDT", cancel_client_order_id="bye")
    assert cancel_id(chosen, order) == "bye"
    assert cancel_id(None, order) != order.client_order_id
    assert len(cancel_id(None, order)) == 22


def test_an_order_is_found_by_either_id(floor):
    order = floor.buy("1", "90", client_order_id="mine")
    assert floor.venue.order("ann", "BTCUSDT", order_id=order.order_id) is order
    assert floor.venue.order("ann", "BTCUSDT", client_order_id="mine") is order
    both = {"order_id": order.order_id, "client_order_id": "mine"}
    assert floor.venue.order("ann", "BTCUSDT", **both) is order


@pytest.mark.parametrize(
    ("account", "symbol", "ids", "expected"),
    [
        ("ann", "BTCUSDT", {"order_id": 99}, (-2013, "Order does not exist.")),
        ("ann", "BTCUSDT", {"client_order_id": "his"}, (-2013, "Order does not exist.")),
        ("bob", "BTCUSDT", {"order_id": 1}, (-2013, "Order does not exist.")),
        ("bob", "BTCUSDT", {"client_order_id": "mine"}, (-2013, "Order does not exist.")),
        (
            "ann",
            "BTCUSDT",
            {"order_id": 1, "client_order_id": "his"},
            (-2039, "Client order ID is not correct for this order ID."),
        ),
        (
            "ann",
            "BTCUSDT",
            {},
            (
                -1102,
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            ),
        ),
        ("ann", "NOPE", {"order_id": 1}, (-1121, "Invalid symbol.")),
    ],
)
def test_looking_for_the_wrong_order_is_refused(floor, account, symbol, ids, expected):
    floor.buy("1", "90", client_order_id="mine")
    assert floor.refusal(floor.venue.order, account, symbol, **ids) == expected


def test_a_client_id_is_free_again_when_its_order_is_over_and_finds_the_newest(floor):
    first = floor.buy("1", "90", client_order_id="mine")
    again = floor.command("BUY", "1", "91", client_order_id="mine")
    assert floor.refusal(floor.do, again) == (-2010, "Duplicate order sent.")
    floor.cancel(first)
    second = floor.place(again)
    assert floor.venue.order("ann", "BTCUSDT", client_order_id="mine") is second
    assert floor.venue.all_orders("ann", "BTCUSDT") == [first, second]


def test_accounts_and_symbols_share_client_ids_without_a_clash(floor):
    floor.buy("1", "90", client_order_id="mine")
    assert floor.buy("1", "90", client_order_id="mine", account="bob").account == "bob"


def test_open_orders_and_fills_belong_to_one_account(floor):
    resting = floor.buy("1", "90")
    floor.buy("1.5")
    floor.sell("1", account="bob")
    assert floor.venue.open_orders("ann") == [resting]
    assert floor.venue.open_orders("ann", "BTCUSDT") == [resting]
    assert floor.venue.open_orders("bob") == []
    assert [str(fill.price) for fill in floor.venue.fills("ann", "BTCUSDT")] == ["100.10", "100.20"]
    assert [fill.trade_id for fill in floor.venue.fills("bob", "BTCUSDT")] == [3]
