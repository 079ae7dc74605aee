"""The exchange as its users meet it: commands in, events and refusals out."""

from decimal import Decimal as D

from trading_system.simulator.model import Status


def test_a_market_buy_takes_the_best_levels_first(floor, story):
    events = floor.do(floor.command("BUY", "2.5", None))
    assert story(events) == [
        "NEW 1",
        "TRADE 1 1@100.10",
        "TRADE 1 1.5@100.20",
        "BALANCE ann BTC USDT",
    ]
    order = floor.venue.order("ann", "BTCUSDT", order_id=1)
    assert order.status is Status.FILLED
    assert order.executed_quote == D("250.40")
    assert floor.balance("BTC") == (D("12.4975"), D(0))
    assert floor.balance("USDT") == (D("9749.60"), D(0))
