"""Each rule by a table: what it lets through to the last digit, and what it says to the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.risk.conftest import BTC, ETH, NOW, worth
from trading_system.domain.control import ControlState
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import MarketState
from trading_system.domain.orders import OrderType, Side
from trading_system.risk import bounds, capital, permissions
from trading_system.risk.checks import CHECKS
from trading_system.risk.facts import Exposure
from trading_system.risk.limits import RiskLimits
from trading_system.risk.losses import Losses

NO_LIMITS = RiskLimits(max_price_deviation_percent=None, max_price_age_seconds=None)
D = Decimal
SOL = Symbol("SOL", "USDT")
HUNDRED = D(100)
SELL = {"side": Side.SELL}
BY_QUOTE = {"type": OrderType.MARKET, "quantity": None, "price": None}
MARKET = {"type": OrderType.MARKET, "price": None}
NO_PRICE = {"price_age_seconds": None} | MARKET


@pytest.fixture
def refusals(facts, limits):
    """The names of the rules that say no."""

    def build(limits=limits, *, market_price=HUNDRED, **changes):
        given = replace(facts(**changes), price=market_price)
        found = [check(given, limits) for check in CHECKS]
        assert [refusal.check for refusal in found if refusal] == [
            check.__name__.replace("_", " ")
            for check, refusal in zip(CHECKS, found, strict=True)
            if refusal
        ]
        return {refusal.check: refusal for refusal in found if refusal}

    return build


def test_what_keeps_to_every_limit_exactly_passes(refusals):
    assert refusals() == {}


def test_without_limits_only_what_cannot_be_is_refused(refusals):
    assert refusals(NO_LIMITS, price=D(1_000), price_age_seconds=None, losses=None).keys() == {
        "balance"
    }


@pytest.mark.parametrize(
    ("changes", "reason", "figures"),
    [
        (
            {"control": ControlState.KILLED},
            "trading was killed: nothing is taken until it is armed again",
            {"state": "KILLED", "armed": "yes"},
        ),
        (
            {"control": ControlState.PAUSED},
            "trading is paused",
            {"state": "PAUSED", "armed": "yes"},
        ),
        (
            {"armed": False},
            "live trading is not armed: GET /control says what to do",
            {"state": "RUNNING", "armed": "no"},
        ),
    ],
)
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_nothing_is_taken_while_killed_paused_or_not_armed(
    refusals, changes, reason, figures, side
):
    refusal = refusals(side=side, **changes)["control"]
    assert refusal.reason == reason
    assert refusal.figures == figures


def test_only_allowed_symbols_are_taken_where_any_are_named(refusals, limits):
    refusal = refusals(symbol=ETH)["symbol"]
    assert refusal.reason == "ETH/USDT is not among the symbols that may be traded: BTC/USDT"
    assert refusal.figures == {"symbol": "ETH/USDT", "allowed": "BTC/USDT"}
    two = refusals(replace(limits, allowed_symbols=frozenset({SOL, BTC})), symbol=ETH)["symbol"]
    assert two.reason.endswith("may be traded: BTC/USDT, SOL/USDT")
    assert two.figures["allowed"] == "BTC/USDT, SOL/USDT"
    anything = replace(limits, allowed_symbols=frozenset())
    assert "symbol" not in refusals(anything, symbol=ETH)


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_venue_that_is_not_asked_takes_nothing(refusals, side):
    refusal = refusals(side=side, breaker="5 failures")["venue"]
    assert refusal.figures == {"breaker": "5 failures"}
    assert "5 failures" in refusal.reason


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, False),
        ({"market": MarketState.VOLATILE}, False),
        ({"market": MarketState.DEAD}, False),
        ({"market": MarketState.PANIC}, True),
        ({"market": MarketState.PANIC} | SELL, False),
        ({"market": MarketState.MAINTENANCE}, True),
        ({"market": MarketState.MAINTENANCE} | SELL, True),
        ({"tradable": False} | SELL, True),
    ],
)
def test_a_market_in_panic_lets_out_but_not_in_and_a_closed_one_neither(refusals, changes, refused):
    found = refusals(**changes)
    assert found.keys() == ({"market"} if refused else set())
    if refused:
        assert found["market"].figures == {
            "state": str(changes.get("market")),
            "tradable": "no" if "tradable" in changes else "yes",
        }
        assert ("panic" in found["market"].reason) == (changes.get("market") == MarketState.PANIC)
        assert "BTC/USDT" in found["market"].reason


@pytest.mark.parametrize(
    ("age", "market_price", "reason"),
    [
        (60.0, D(100), None),
        (60.1, D(100), "60.1 s old; 60 s may be"),
        (None, D(100), "no price of BTC/USDT is known"),
        (None, None, "no price of BTC/USDT is known"),
        (1.0, None, "no price of BTC/USDT is known"),
    ],
)
def test_an_order_is_judged_by_a_fresh_price_or_not_taken(refusals, age, market_price, reason):
    found = refusals(market_price=market_price, price_age_seconds=age).get("price age")
    assert (found is not None) == (reason is not None)
    if found is not None:
        assert reason in found.reason
        assert found.figures["limit_seconds"] == 60
        assert found.figures.get("age_seconds") == (age if "old" in reason else None)


@pytest.mark.parametrize(
    ("changes", "percent"),
    [
        ({"price": D(110)}, None),
        ({"price": D("110.01")}, D("10.01")),
        ({"price": D(90)}, None),
        ({"price": D("89.99")}, D("10.01")),
        ({"price": D(10)} | SELL, D(90)),
        (MARKET, None),
        # A stop order's price counts when the market is at its stop.
        ({"type": OrderType.STOP_LOSS_LIMIT, "price": D(50), "stop_price": D(51)} | SELL, None),
        (
            {"type": OrderType.TAKE_PROFIT_LIMIT, "price": D(100), "stop_price": D(200)} | SELL,
            D(50),
        ),
        ({"type": OrderType.STOP_LOSS, "price": None, "stop_price": D(10)} | SELL, None),
    ],
)
def test_a_price_too_far_away_either_way_is_a_slip_of_the_finger(refusals, changes, percent):
    found = refusals(**changes).get("price")
    assert (None if found is None else found.figures["percent"]) == percent
    if found is not None:
        own, stop = changes["price"], changes.get("stop_price")
        assert found.figures["price"] == own
        assert found.figures["reference"] == (stop or 100)
        assert found.figures["limit_percent"] == 10
        assert found.reason == (
            f"{own} is {percent:.2f} % away from {stop or 100}, the "
            f"{'stop' if stop else 'last'} price; 10 % may be"
        )


def test_a_deviation_is_told_to_four_decimals_and_said_to_two(refusals):
    refusal = refusals(price=D("110.123456"))["price"]
    assert str(refusal.figures["percent"]) == "10.1235"
    assert refusal.reason == ("110.123456 is 10.12 % away from 100, the last price; 10 % may be")


def test_a_stop_price_that_its_type_has_no_use_for_is_not_compared_with(refusals):
    refusal = refusals(type=OrderType.LIMIT, price=D(50), stop_price=D(51), **SELL)["price"]
    assert refusal.reason == "50 is 50.00 % away from 100, the last price; 10 % may be"


def test_a_price_that_cannot_be_compared_is_no_good_price(refusals):
    refusal = refusals(market_price=None)["price"]
    assert refusal.reason == "no price is known to compare with"
    assert refusal.figures == {"symbol": "BTC/USDT", "limit": 10}


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"quantity": D("2.001")}, D("2.001")),
        (BY_QUOTE | {"quote_quantity": D(200)}, None),
        (BY_QUOTE | {"quote_quantity": D(201)}, D("2.01")),
    ],
)
def test_no_order_is_larger_than_its_symbol_may_have(refusals, changes, value):
    found = refusals(**changes).get("order quantity")
    assert (None if found is None else found.figures) == (
        None if value is None else {"value": value, "limit": 2}
    )


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        ("2.001", "2.001"),
        ("2.10", "2.1"),
        ("3E+3", "3000"),
        ("2.123456785", "2.12345678"),
        ("2.1234567891", "2.12345679"),
        ("123456789012345678.5", "123456789012345678.5"),
        ("123456789012345678901.5", "123456789012345678901.5"),
        ("1E+25", "10000000000000000000000000"),
        ("Infinity", "Infinity"),
    ],
)
def test_amounts_are_said_in_plain_digits(refusals, quantity, said):
    refusal = refusals(quantity=D(quantity))["order quantity"]
    assert refusal.reason == f"the order's quantity would be {said}; 2 may be"


def test_a_symbol_without_a_size_of_its_own_has_no_largest(refusals, limits):
    assert "order quantity" not in refusals(
        replace(limits, max_order_quantity={ETH: D(1)}), quantity=D(9)
    )


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({}, None),
        ({"price": D("100.01")}, D("200.02")),
        ({"price": D(90), "quantity": D("2.3")}, D(207)),
        # A seller gets what is bid where his limit is lower.
        ({"price": D(90), "quantity": D("2.1")} | SELL, D(210)),
        ({"price": D(105)} | SELL, D(210)),
        (MARKET | {"quantity": D("2.5")}, D(250)),
        (
            {"type": OrderType.STOP_LOSS, "price": None, "stop_price": D(120)},
            D(240),
        ),
        (BY_QUOTE | {"quote_quantity": D(200)}, None),
        (BY_QUOTE | {"quote_quantity": D("200.01")}, D("200.01")),
        ({"rate": D("1.5")}, D(300)),
        ({"rate": D("0.5"), "quantity": D(4)}, None),
    ],
)
def test_no_order_is_about_more_money_than_may_be(refusals, changes, value):
    found = refusals(**changes).get("order notional")
    assert (None if found is None else found.figures) == (
        None if value is None else {"value": value, "limit": 200}
    )
    if found is not None:
        assert found.reason == f"what the order is about would be {value}; 200 may be"


@pytest.mark.parametrize("changes", [NO_PRICE, {"rate": None}])
def test_what_cannot_be_counted_in_money_is_too_much(refusals, changes):
    refusal = refusals(market_price=None if changes is NO_PRICE else D(100), **changes)[
        "order notional"
    ]
    assert "cannot be told without a price" in refusal.reason
    assert refusal.figures == {"symbol": "BTC/USDT", "limit": 200}


@pytest.mark.parametrize(
    ("changes", "figures"),
    [
        ({"free": {"USDT": D(200)}}, None),
        ({"free": {"USDT": D("199.99")}}, {"asset": "USDT", "needed": 200, "free": D("199.99")}),
        ({"free": {}}, {"asset": "USDT", "needed": 200, "free": 0}),
        ({"free": {"BTC": D(2)}} | SELL, None),
        ({"free": {"BTC": D(1)}} | SELL, {"asset": "BTC", "needed": 2, "free": 1}),
        ({"free": {"USDT": D(0)}, "may_short": True}, None),
        (
            BY_QUOTE | {"quote_quantity": D(10), "free": {"USDT": D(9)}},
            {"asset": "USDT", "needed": 10, "free": 9},
        ),
        (BY_QUOTE | {"quote_quantity": D(10), "free": {"BTC": D("0.1")}} | SELL, None),
        ({"free": None}, {"symbol": "BTC/USDT"}),
    ],
)
def test_what_is_paid_with_must_be_free(refusals, changes, figures):
    found = refusals(**changes).get("balance")
    assert (None if found is None else found.figures) == figures
    if figures and "free" in figures:
        asset, needed, free = figures["asset"], figures["needed"], figures["free"]
        assert found.reason == f"{needed} {asset} are needed, {free} are free"


def test_what_is_needed_must_be_known(refusals):
    refusal = refusals(market_price=None, **NO_PRICE)["balance"]
    assert refusal.reason == "what is free of USDT, or needed, is not known"


@pytest.mark.parametrize(("count", "refused"), [(2, False), (3, True), (4, True)])
def test_so_many_orders_may_be_open_and_so_many_placed_within_a_minute(refusals, count, refused):
    assert ("open orders" in refusals(open_orders=count)) is refused
    assert ("order rate" in refusals(orders_last_minute=count)) is refused
    if refused:
        opened = refusals(open_orders=count)["open orders"]
        assert opened.figures == {"open": count, "limit": 3}
        assert opened.reason == f"{count} orders are open; 3 may be"
        placed = refusals(orders_last_minute=count)["order rate"]
        assert placed.figures == {"last_minute": count, "limit": 3}
        assert placed.reason == f"{count} orders within the last minute; 3 may be"


@pytest.mark.parametrize(
    ("exposure", "changes", "value"),
    [
        (Exposure(held=D(3), price=D(100)), {}, None),
        (Exposure(held=D(3), buying=D(1), price=D(100)), {}, D(600)),
        (Exposure(held=D(3), selling=D(3), price=D(100)), {}, None),
        (Exposure(held=D(4), selling=D(4), price=D(100)), {}, D(600)),
        (Exposure(held=D(9), price=D(100)), SELL, None),
        # Priced at no less than the order may pay, nor than the market says.
        (Exposure(held=D(3), price=D(100)), {"price": D(101)}, D(505)),
        (Exposure(held=D(3), price=D(101)), {"price": D(99)}, D(505)),
        (Exposure(held=D(3)), {"price": D(101)}, D(505)),
        (Exposure(held=D(-4), price=D(100), may_short=True), SELL, D(600)),
        (Exposure(held=D(-4), price=D(100), may_short=True), {}, None),
        (Exposure(held=D(-1), price=D(100), may_short=True), {"quantity": D(7)}, D(600)),
        (Exposure(held=D(9), price=D(100), may_short=True), SELL, None),
        (Exposure(held=D(1), price=D(100), may_short=True), SELL | {"quantity": D(7)}, D(600)),
    ],
)
def test_a_position_is_no_larger_than_may_be_whatever_fills(refusals, exposure, changes, value):
    found = refusals(exposures={BTC: exposure}, may_short=exposure.may_short, **changes)
    assert (("exposure of symbol" in found), ("exposure" in found)) == 2 * (value is not None,)
    if value is not None:
        assert found["exposure of symbol"].figures == {"value": value, "limit": 500}
        assert found["exposure"].figures == {"value": value, "limit": 500}
        assert found["exposure of symbol"].reason == (
            f"the exposure to BTC/USDT would be {value}; 500 may be"
        )
        assert found["exposure"].reason == (
            f"the exposure to all symbols would be {value}; 500 may be"
        )


def test_all_positions_count_together_and_none_may_be_without_a_price(refusals):
    here = {BTC: Exposure(held=D(1), price=D(100))}
    fits = refusals(exposures=here | {ETH: Exposure(held=D(4), price=D(50))})
    assert fits == {}
    found = refusals(exposures=here | {ETH: Exposure(held=D(5), price=D(50))})
    assert found.keys() == {"exposure"}
    assert found["exposure"].figures == {"value": 550, "limit": 500}
    unknown = refusals(exposures=here | {ETH: Exposure(buying=D(1))})
    assert unknown.keys() == {"exposure"}
    assert "cannot be told" in unknown["exposure"].reason
    assert refusals(exposures=here | {ETH: Exposure()}) == {}
    assert refusals(exposures={}) == {}


@pytest.mark.parametrize("name", ["exposure of symbol", "exposure"])
def test_an_exposure_that_needs_a_price_nobody_has_is_too_much(refusals, name):
    wish = BY_QUOTE | {"quote_quantity": D(1)}
    assert name in refusals(market_price=None, exposures={}, **wish)
    assert name in refusals(rate=None, exposures={}, **wish)


@pytest.mark.parametrize(("total", "lost"), [("950.01", None), ("950", D(50)), ("900", D(100))])
def test_after_such_a_loss_in_a_day_only_what_reduces_is_taken(refusals, total, lost):
    losses = Losses(equity=worth(total), peak=D(1000))
    found = refusals(losses=losses)
    assert found.keys() == (set() if lost is None else {"daily loss"})
    if lost is not None:
        assert found["daily loss"].figures == {"lost": lost, "limit": 50}
        assert found["daily loss"].reason == (
            f"{lost} was lost since midnight UTC; the limit is 50"
        )
    assert refusals(losses=losses, **SELL) == {}


@pytest.mark.parametrize(("minutes", "refused"), [(0, True), (59, True), (60, False), (61, False)])
def test_a_drawdown_stops_all_but_what_reduces_until_it_has_cooled_down(refusals, minutes, refused):
    stopped_at = NOW - timedelta(minutes=minutes)
    losses = Losses(equity=worth("780", day_start="780"), peak=D(1000), stopped_at=stopped_at)
    found = refusals(losses=losses)
    assert found.keys() == ({"drawdown"} if refused else set())
    if refused:
        assert found["drawdown"].figures == {
            "percent": 22,
            "limit_percent": 20,
            "resumes_at": stopped_at + timedelta(hours=1),
        }
        assert "22.00 % below its peak" in found["drawdown"].reason
        assert (stopped_at + timedelta(hours=1)).isoformat() in found["drawdown"].reason
    assert refusals(losses=losses, **SELL) == {}
    assert refusals(losses=replace(losses, stopped_at=None)) == {}


def test_a_drawdown_is_told_to_four_decimals_and_said_to_two(refusals):
    losses = Losses(
        equity=worth("777.777777", day_start="777.777777"), peak=D(1000), stopped_at=NOW
    )
    refusal = refusals(losses=losses)["drawdown"]
    assert str(refusal.figures["percent"]) == "22.2222"
    assert refusal.reason == (
        "the account is 22.22 % below its peak and fell by 20 % or more; "
        "trading goes on at 2026-01-01T13:00:00+00:00"
    )


def test_losses_that_nobody_knows_stop_all_but_what_reduces(refusals):
    found = refusals(losses=None)
    assert found.keys() == {"daily loss", "drawdown"}
    assert found["daily loss"].figures == {"symbol": "BTC/USDT", "limit": 50}
    assert found["drawdown"].figures == {"symbol": "BTC/USDT", "limit": 20}
    assert {each.reason for each in found.values()} == {"the account's worth is not known"}
    assert refusals(losses=None, **SELL) == {}


@pytest.mark.parametrize(
    ("exposure", "changes", "reduces"),
    [
        (Exposure(), SELL, True),
        (Exposure(held=D(2), may_short=True), SELL, True),
        (Exposure(held=D(2), selling=D("0.1"), may_short=True), SELL, False),
        (Exposure(held=D("1.9"), may_short=True), SELL, False),
        (Exposure(held=D(-2), may_short=True), {}, True),
        (Exposure(held=D(-2), buying=D("0.1"), may_short=True), {}, False),
        (Exposure(held=D(2), may_short=True), {}, False),
        (Exposure(held=D(9)), {}, False),
        (Exposure(held=D(2), may_short=True), SELL | NO_PRICE | {"quantity": None}, False),
    ],
)
def test_what_reduces_is_at_most_what_is_left_of_a_position(facts, exposure, changes, reduces):
    assert facts(exposures={BTC: exposure}, **changes).reduces is reduces


CLOSING = SELL | MARKET | {"reduce_only": True}
NOTHING_ALLOWED = {
    "control": ControlState.PAUSED,
    "market": MarketState.PANIC,
    "price_age_seconds": None,
    "losses": None,
    "open_orders": 99,
    "orders_last_minute": 99,
}


def test_what_closes_a_position_passes_a_pause_and_every_limit(refusals, limits):
    tight = replace(
        limits,
        max_order_notional=D(1),
        max_order_quantity={BTC: D(1)},
        max_exposure=D(1),
        max_exposure_per_symbol=D(1),
    )
    assert refusals(tight, market_price=None, **CLOSING, **NOTHING_ALLOWED) == {}
    opening = CLOSING | {"reduce_only": False}
    assert refusals(tight, market_price=None, **opening, **NOTHING_ALLOWED).keys() == {
        "control",
        "price age",
        "order quantity",
        "order notional",
        "open orders",
        "order rate",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"control": ControlState.KILLED},
        {"armed": False},
        {"breaker": "5 failures"},
        {"tradable": False},
        {"free": {}},
    ],
)
def test_what_closes_is_held_to_what_cannot_be_done_or_was_ended(refusals, changes):
    assert len(refusals(**CLOSING | changes)) == 1


@pytest.mark.parametrize(
    ("exposure", "changes", "closable"),
    [
        (Exposure(held=D(2)), CLOSING, 2),
        (Exposure(held=D("1.9")), CLOSING, "1.9"),
        (Exposure(held=D(3), selling_unanswered=D("1.5")), CLOSING, "1.5"),
        (Exposure(held=D(3), selling=D(3), buying_unanswered=D(3)), CLOSING, 3),
        (Exposure(held=D(-2), may_short=True), CLOSING | {"side": Side.BUY}, 2),
        (
            Exposure(held=D(-2), buying_unanswered=D(1), may_short=True),
            CLOSING | {"side": Side.BUY},
            1,
        ),
        (Exposure(held=D(-2), may_short=True), CLOSING, 0),
        (Exposure(held=D(2)), CLOSING | {"side": Side.BUY}, 0),
    ],
)
def test_what_says_that_it_closes_asks_for_no_more_than_is_there(
    refusals, exposure, changes, closable
):
    found = refusals(NO_LIMITS, exposures={BTC: exposure}, **changes)
    if D(closable) >= 2:
        assert found == {}
    else:
        assert found["reduce only"].figures == {"symbol": "BTC/USDT", "closable": D(closable)}
        assert f"of which {closable} is there" in found["reduce only"].reason


def test_what_closes_is_asked_for_in_the_base_asset(facts):
    assert not facts(**CLOSING | {"quantity": None, "quote_quantity": D(1)}).closes


def test_every_rule_is_asked():
    rules = {
        each
        for kind in (permissions, bounds, capital)
        for name, each in vars(kind).items()
        if getattr(each, "__module__", "") == kind.__name__ and not name.startswith("_")
    }
    assert rules == set(CHECKS)
    assert len(CHECKS) == len(set(CHECKS)) == 16
