"""What an account can afford, what its fills cost and what its leverage may be."""

from __future__ import annotations

from decimal import Decimal

import pytest


def test_a_fill_pays_its_commission_and_books_its_profit(pit):
    pit.buy("1")
    fee = Decimal("100.10") * Decimal("0.0005")
    assert pit.wallet() == 1000 - fee
    pit.now += 1_000
    pit.sell("1")
    (_, closing) = pit.venue.fills("ann", "BTCUSDT")
    assert closing.realised == Decimal("99.90") - Decimal("100.10")
    assert closing.commission == Decimal("99.90") * Decimal("0.0005")
    assert pit.wallet() == 1000 - fee + closing.realised - closing.commission


def test_makers_pay_less(pit):
    pit.buy("1", "99.95")
    pit.print("99.95")
    assert pit.wallet() == 1000 - Decimal("99.95") * Decimal("0.0002")


def test_what_is_available_is_the_wallet_with_losses_less_what_is_bound(pit):
    pit.buy("1")
    pit.buy("2", "99")
    pit.print("99.50")
    margins = pit.venue.accounts.margins("ann", "BTCUSDT", pit.now)
    assert (margins.bids, margins.asks) == (198, 0)
    assert margins.unrealised == Decimal("-0.60")
    assert margins.initial == (Decimal("99.50") + 198) / 20
    assert pit.available() == pit.wallet() + margins.unrealised - margins.initial


def test_positions_of_all_symbols_hang_on_one_wallet(pit):
    pit.buy("1")
    before = pit.available()
    pit.buy("1", symbol="ETHUSDT")
    fee = Decimal("100.10") * Decimal("0.0005")
    assert before - pit.available() == 5 + fee + Decimal("0.10")


@pytest.mark.parametrize(
    ("quantity", "price", "code"),
    [
        ("199.0", "100.00", None),
        ("200.1", "100.00", -2019),
        ("199.0", "104.99", -2019),  # it would lose 4.99 each at once
        ("199.0", "95.00", None),
    ],
)
def test_an_order_costs_its_margin_and_what_it_loses_at_once(make_pit, quantity, price, code):
    """20 times 1,000 USDT, at a mark price of 100 and an empty book."""
    pit = make_pit()
    pit.feed.asks.clear()
    if code is None:
        pit.buy(quantity, price)
    else:
        assert pit.code(pit.buy, quantity, price) == code


def test_a_sale_below_the_mark_loses_too(make_pit):
    pit = make_pit()
    pit.feed.bids.clear()
    assert pit.code(pit.sell, "199", "95.01") == -2019
    pit.sell("199", "100.50")


def test_a_market_order_costs_what_it_would_be_filled_at(pit):
    pit.leverage(1)
    pit.feed.asks[-1] = pit.feed.asks[-1]._replace(quantity=Decimal(100))
    assert pit.code(pit.buy, "10") == -2019
    pit.buy("9.9")


def test_closing_needs_no_margin_even_when_nothing_is_available(pit):
    pit.feed.asks[-1] = pit.feed.asks[-1]._replace(quantity=Decimal(100))
    pit.buy("100")
    pit.print("94.00")
    pit.feed.asks.clear()
    pit.feed.bids.clear()
    assert pit.available() < 0
    assert pit.code(pit.buy, "1", "94.00") == -2019
    pit.sell("50", "94.00", reduce_only=True)
    pit.sell("50", "94.00")
    assert len(pit.venue.open_orders("ann")) == 2


def test_orders_that_only_reduce_bind_nothing(pit):
    pit.buy("1")
    before = pit.available()
    pit.sell("9", "101", reduce_only=True)
    assert pit.available() == before


def test_a_position_may_not_grow_beyond_what_its_leverage_allows(make_pit):
    pit = make_pit(wallet="10000000")
    pit.leverage(125)
    pit.feed.asks.clear()
    assert pit.code(pit.buy, "501", "100") == -2027
    pit.buy("500", "100")


@pytest.mark.parametrize("leverage", [0, 126, 1_000])
def test_a_leverage_that_does_not_exist_is_refused(pit, leverage):
    assert pit.refusal(pit.leverage, leverage) == (-4028, f"Leverage {leverage} is not valid")


def test_another_leverage_is_told_and_binds_another_margin(pit, story):
    pit.buy("1")
    before = pit.available()
    assert story(pit.leverage(10)) == ["LEVERAGE BTCUSDT 10"]
    assert before - pit.available() == 5
    assert pit.venue.accounts.leverage("ann", "BTCUSDT") == 10
    assert pit.venue.accounts.leverage("ann", "ETHUSDT") == 20


def test_a_leverage_the_account_cannot_bear_is_refused(pit):
    pit.buy("8")
    pit.buy("5", "99")
    assert pit.code(pit.leverage, 1) == -2028
    pit.leverage(2)


def test_a_leverage_too_high_for_the_position_is_refused(make_pit):
    pit = make_pit(wallet="10000000")
    pit.feed.asks.clear()
    pit.buy("600", "100")
    pit.print("100")
    pit.print("100")
    pit.print("100", "500")
    assert pit.position()[0] == "600"
    assert pit.code(pit.leverage, 125) == -2027


def test_an_account_is_opened_once(pit):
    with pytest.raises(ValueError, match="open already"):
        pit.venue.open_account("ann", Decimal(1))
