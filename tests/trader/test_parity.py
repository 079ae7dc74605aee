"""What was done beside what a backtest does over the same candles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.candles import Candle
from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.mandates import Mandate, SizeKind, Sizing, StopRule, Terms
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Fill
from trading_system.domain.stops import StopKind
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Frame
from trading_system.trader.causes import Cause
from trading_system.trader.fill_pairs import Execution
from trading_system.trader.parity import parity

BTC = Symbol("BTC", "USDT")
MINUTE = 60_000
START = 1_760_000_040_000
FEE = 0.001
INSTRUMENT = Instrument(
    symbol=BTC,
    venue_id="BTCUSDT",
    tradable=True,
    order_types=frozenset(),
    tick_size=Decimal("0.01"),
    step_size=Decimal("0.01"),
    min_quantity=Decimal("0.01"),
    max_quantity=Decimal(1000),
    min_notional=None,
    max_notional=None,
)
PRICES = [100, 110, 120, 100, 90, 95, 100, 120]
"""Opens; each bar closes at the next one's open."""


@dataclass(frozen=True)
class Rising:
    """All in after a bar that rose, else out; says so of the bar before when it is `late`."""

    name: ClassVar[str] = "rising"
    late: bool = False
    warmup: int = 1

    def targets(self, frame):
        rose = (frame.close > frame.open).astype(np.float64)
        if self.late:
            rose = np.concatenate([[0.0], rose[:-1]])
        rose[0] = 0.0
        return rose


@pytest.fixture
def frame():
    opens = np.array(PRICES, np.float64)
    closes = np.append(opens[1:], 130.0)
    times = START + MINUTE * np.arange(len(opens))
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    return Frame.from_array(np.column_stack([times, opens, high, low, closes, opens]))


MANDATE = Mandate(
    id=uuid4(),
    strategy="rising",
    symbols=(BTC,),
    timeframe=Timeframe.parse("1m"),
    parameters={},
    capital=Decimal(1000),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    updated_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def decisions(frame, first=1):
    """As a run that never slept stores them."""
    acted = 0.0
    for row in range(first, len(frame)):
        target = float(Rising().targets(frame)[row])
        bar = Candle(*(getattr(frame, name)[row].item() for name in Candle._fields))
        outcome = Outcome.UNCHANGED if target == acted else Outcome.ORDERED
        acted = target
        yield Decision(
            mandate_id=MANDATE.id, symbol=BTC, bar=bar, target=target, at=0, outcome=outcome
        )


def execution(row, quantity, price, *, fee="0", asset="USDT", middle=None, ordered=None, **more):
    """An order decided at the bar of `row`, filled two seconds after it closed."""
    amount = Decimal(str(abs(quantity)))
    paid = Decimal(str(price))
    time = datetime.fromtimestamp((START + MINUTE * (row + 1) + 2000) / 1000, UTC)
    request = OrderRequest(
        symbol=BTC,
        side=Side.BUY if quantity > 0 else Side.SELL,
        type=OrderType.MARKET,
        quantity=amount if ordered is None else Decimal(str(ordered)),
    )
    order = Order(
        id=UUID(int=row),
        client_order_id=str(row),
        request=request,
        status=OrderStatus.FILLED,
        mid_price=None if middle is None else Decimal(str(middle)),
        created_at=time,
        updated_at=time,
    )
    fill = Fill(
        trade_id=str(row),
        price=paid,
        quantity=amount,
        quote_quantity=amount * paid,
        fee=Decimal(fee),
        fee_asset=asset,
        maker=False,
        time=time,
    )
    return Execution(
        bar=START + MINUTE * row, order=order, fills=(fill,), **{"is_stop": False} | more
    )


def compared(frame, executions, *, mandate=MANDATE, strategy=None, stored=None, terms=()):
    return parity(
        mandate,
        INSTRUMENT,
        frame=frame,
        replayed=(strategy or Rising()).targets(frame),
        decisions=list(decisions(frame)) if stored is None else stored,
        executions=executions,
        fee=FEE,
        terms=terms,
    )


IN, OUT = execution(1, 8.32, 120, fee="0.9984"), execution(2, -8.32, 100, fee="0.832")
"""What the backtest does first: 1,000 buy 8.32 at 120 after a fee of 0.1 %."""
AGAIN = execution(4, 8.74, 95, fee="0.8303")


def test_a_run_that_did_what_a_backtest_does_is_clean(frame):
    told = compared(frame, [IN, OUT, AGAIN])
    assert told.is_clean
    assert (told.decisions, told.differing, told.not_acted) == (7, (), 0)
    for pair in told.fills:
        assert pair.replayed_quantity == pytest.approx(pair.quantity)
        assert pair.replayed_price == pair.price
        parts = (pair.latency, pair.slippage, pair.fee, pair.size, pair.partial)
        assert parts == pytest.approx((0, 0, 0, 0, 0), abs=1e-9)
        assert pair.delay_ms == 2000
    assert told.profit == pytest.approx(told.replayed_profit)


def test_a_decision_that_the_candles_do_not_lead_to_is_named(frame):
    told = compared(frame, [IN, OUT, AGAIN], strategy=Rising(late=True))
    assert not told.is_clean
    assert [(each.bar, each.stored, each.replayed) for each in told.differing] == [
        (START + 2 * MINUTE, 0.0, 1.0),
        (START + 4 * MINUTE, 1.0, 0.0),
    ]


def test_a_decision_off_by_the_last_bit_differs(frame):
    stored = list(decisions(frame))
    stored[0] = replace(stored[0], target=np.nextafter(1.0, 0.0).item())
    assert [each.bar for each in compared(frame, [], stored=stored).differing] == [START + MINUTE]


def test_what_the_run_paid_more_is_laid_out_in_parts(frame):
    bought = execution(1, 4, 122, fee="1", middle=121, ordered=5)
    told = compared(frame, [bought]).fills[0]
    assert told.replayed_quantity == pytest.approx(8.32)
    assert told.latency == pytest.approx(4 * (121 - 120))
    assert told.slippage == pytest.approx(4 * (122 - 121))
    assert told.fee == pytest.approx(1 - 8.32 * 120 * FEE)
    assert told.size == pytest.approx((5 - 8.32) * 120)
    assert told.partial == pytest.approx((4 - 5) * 120)


@given(
    quantity=st.integers(1, 800).map(lambda cents: cents / 100),
    ordered=st.integers(800, 900).map(lambda cents: cents / 100),
    price=st.integers(50, 200),
    middle=st.none() | st.integers(50, 200),
)
def test_the_parts_add_up_to_the_whole(quantity, ordered, price, middle):
    made = execution(1, quantity, price, fee="1", middle=middle, ordered=ordered)
    candles = np.array(
        [[START + MINUTE * row, p, 200, 50, p + 1, 1] for row, p in enumerate(PRICES)]
    )
    (told, *_) = compared(Frame.from_array(candles), [made]).fills
    whole = (quantity * price + 1) - told.replayed_quantity * told.replayed_price * (1 + FEE)
    parts = told.latency + told.slippage + told.fee + told.size + told.partial
    assert parts == pytest.approx(whole)


@pytest.mark.parametrize(("asset", "fee"), [("BTC", 0.01 * 120 - 0.9984), ("BNB", None)])
def test_fees_are_counted_in_the_quote_asset_where_their_worth_is_known(frame, asset, fee):
    bought = execution(1, 8.32, 120, fee="0.01", asset=asset)
    told = compared(frame, [bought]).fills[0].fee
    assert told == (None if fee is None else pytest.approx(fee))


def test_fills_that_only_one_of_both_made_are_told_and_not_clean(frame):
    told = compared(frame, [IN, execution(5, 1, 100)])
    assert not told.is_clean
    assert [(pair.order_id, pair.price, pair.replayed_price) for pair in told.fills] == [
        (UUID(int=1), 120, 120),
        (None, None, 100),
        (None, None, 95),
        (UUID(int=5), 100, None),
    ]


def test_a_decision_that_was_missed_is_left_out_of_the_backtest_and_counted(frame):
    stored = [
        replace(each, outcome=Outcome.MISSED) if 1 <= row <= 2 else each
        for row, each in enumerate(decisions(frame))
    ]
    told = compared(frame, [IN], stored=stored)
    assert told.not_acted == 2
    assert [pair.bar for pair in told.fills] == [START + MINUTE]


def test_an_order_that_nobody_filled_changed_nothing(frame):
    first, *others = decisions(frame)
    stored = [replace(first, order_id=UUID(int=1)), *others]
    told = compared(frame, [], stored=stored)
    assert told.not_acted == 1
    assert [pair.bar for pair in told.fills] == [START + 4 * MINUTE]
    assert compared(frame, [IN], stored=stored).not_acted == 0


def test_what_was_decided_last_is_not_judged_before_the_next_bar_has_closed(frame):
    short = Frame.from_array(np.column_stack([getattr(frame, name)[:2] for name in Candle._fields]))
    told = compared(short, [IN], stored=[next(decisions(frame))])
    assert [(pair.order_id, pair.cause) for pair in told.fills] == [(UUID(int=1), Cause.UNSEEN)]
    assert told.is_clean, "but the fill is told, since it is in the profit"


def test_a_stop_in_a_bar_that_has_not_closed_is_not_judged_before_it_has(frame):
    """While a run goes on, a stop is hit within a bar that nobody has seen to its end."""
    guarded = replace(MANDATE, stop=StopRule(kind=StopKind.FIXED, distance_percent=Decimal(20)))
    short = Frame.from_array(np.column_stack([getattr(frame, name)[:3] for name in Candle._fields]))
    stored = [each for each, _ in zip(decisions(frame), range(2), strict=False)]
    stopped = execution(3, -8.32, 96, is_stop=True)
    told = compared(short, [IN, stopped], mandate=guarded, stored=stored)
    assert [pair.cause for pair in told.fills] == [None, Cause.UNSEEN]
    assert told.is_clean


def test_a_quote_amount_is_bought_again_and_again(frame):
    fixed = replace(MANDATE, sizing=Sizing(kind=SizeKind.QUOTE, amount=Decimal(500)))
    bought = [pair.replayed_quantity for pair in compared(frame, [], mandate=fixed).fills]
    assert bought == pytest.approx([4.16, 4.16, 5.25])


def test_where_a_backtest_cannot_size_alike_it_takes_the_quantity_that_was_ordered(frame):
    fixed = replace(MANDATE, sizing=Sizing(kind=SizeKind.QUANTITY, amount=Decimal(1)))
    told = compared(frame, [execution(1, 1, 121, fee="0.121")], mandate=fixed)
    assert told.replayed_profit is None
    pair = told.fills[0]
    assert (pair.replayed_quantity, pair.size, pair.partial) == (1.0, 0.0, 0.0)
    assert pair.fee == pytest.approx(0.121 - 0.12)


def test_after_a_change_of_capital_each_order_is_sized_by_what_it_was_computed_from(frame):
    """Doubled while it was flat: an order made at the very moment of the change came before it."""
    stored = [
        replace(each, order_id=UUID(int=row) if row in {1, 2, 4} else None)
        for row, each in enumerate(decisions(frame), 1)
    ]
    again = execution(4, 19.26, 95, fee="1.8297")
    before = Terms(
        until=START + MINUTE * 3 + 2000, capital=Decimal(1000), sizing=MANDATE.sizing, stop=None
    )
    doubled = replace(MANDATE, capital=Decimal(2000))
    told = compared(frame, [IN, OUT, again], mandate=doubled, stored=stored, terms=[before])
    assert told.is_clean
    for pair in told.fills:
        parts = (pair.latency, pair.slippage, pair.fee, pair.size, pair.partial)
        assert parts == pytest.approx((0, 0, 0, 0, 0), abs=1e-9)
    assert told.profit == pytest.approx(told.replayed_profit)


def test_where_an_earlier_size_was_none_a_backtest_has_there_is_no_profit_to_compare(frame):
    before = Terms(
        until=START + 10 * MINUTE,
        capital=Decimal(1000),
        sizing=Sizing(kind=SizeKind.QUANTITY, amount=Decimal(1)),
        stop=None,
    )
    told = compared(frame, [execution(1, 1, 120, fee="0.12")], terms=[before])
    assert told.replayed_profit is None
    assert (told.fills[0].replayed_quantity, told.fills[0].size) == (1.0, 0.0)


@pytest.mark.parametrize("kind", [StopKind.FIXED, StopKind.TRAILING])
def test_a_stop_is_compared_with_the_stop_inside_that_bar(frame, kind):
    guarded = replace(MANDATE, stop=StopRule(kind=kind, distance_percent=Decimal(10)))
    stopped = execution(2, -8.32, 107, is_stop=True)
    told = compared(frame, [IN, stopped, AGAIN], mandate=guarded)
    assert [(pair.is_stop, pair.replayed_price) for pair in told.fills][:2] == [
        (False, 120),
        (True, pytest.approx(108)),
    ]
    assert [pair.delay_ms for pair in told.fills][:2] == [2000, None], "no bar decided the stop"


def test_what_somebody_closed_by_hand_is_in_the_profit_and_beside_no_backtest(frame):
    closed = replace(execution(3, -8.32, 130), bar=None)
    told = compared(frame, [IN, OUT, AGAIN, closed])
    assert told.is_clean
    assert told.profit == pytest.approx(told.replayed_profit + 8.32 * (130 - 130))


@pytest.mark.parametrize("closed_in", [5, 6])
def test_what_was_closed_while_it_was_long_the_backtest_closes_too(frame, closed_in):
    """Bought with bar 5, closed in that or the next one, and bought again with bar 7."""
    stored = [
        replace(each, outcome=Outcome.ORDERED, order_id=UUID(int=row)) if row in {4, 6} else each
        for row, each in enumerate(decisions(frame), 1)
    ]
    left = 8.74 * 100 * (1 - FEE) + 1000 - 8.32 * (120 * (1 + FEE) - 100 * (1 - FEE))
    left -= 8.74 * 95 * (1 + FEE)
    bought = round(left / (120 * (1 + FEE)) - 0.005, 2)
    fee = 8.74 * 100 * FEE
    closed = replace(execution(closed_in - 1, -8.74, 100, fee=f"{fee:.4f}"), bar=None)
    closed = replace(closed, order=replace(closed.order, id=UUID(int=99)))
    again = execution(6, bought, 120, fee=f"{bought * 120 * FEE:.6f}")
    told = compared(frame, [IN, OUT, AGAIN, closed, again], stored=stored)
    assert told.is_clean
    assert [(pair.bar - START) // MINUTE for pair in told.fills] == [1, 2, 4, 5, 6]
    asked = told.fills[3]
    assert (asked.cause, asked.side, asked.delay_ms) == (Cause.ASKED, Side.SELL, None)
    for pair in told.fills:
        parts = (pair.latency, pair.slippage, pair.fee, pair.size, pair.partial)
        assert parts == pytest.approx((0, 0, 0, 0, 0), abs=1e-4)
    assert told.profit == pytest.approx(told.replayed_profit, abs=1e-3)


def test_closed_and_bought_again_within_a_bar_it_is_held_on_by_a_backtest(frame):
    """Which does one thing a bar; why the purchase lacks its like is said."""
    stored = [
        replace(each, outcome=Outcome.ORDERED, order_id=UUID(int=row)) if row in {4, 5} else each
        for row, each in enumerate(decisions(frame), 1)
    ]
    closed = replace(execution(4, -8.74, 100), bar=None)
    closed = replace(closed, order=replace(closed.order, id=UUID(int=99)))
    told = compared(frame, [IN, OUT, AGAIN, closed, execution(5, 8.7, 100)], stored=stored)
    assert told.is_clean
    (caused,) = [pair for pair in told.fills if pair.cause is not None]
    assert (caused.order_id, caused.cause) == (UUID(int=5), Cause.FOLLOWS)
    sold = compared(frame, [IN, OUT, AGAIN, closed, execution(5, -8.7, 100)], stored=stored)
    assert not sold.is_clean, "another sale does not come of it"


@pytest.mark.parametrize("row", [7, 9])
def test_what_was_closed_in_no_bar_that_was_seen_to_its_end_is_unseen(frame, row):
    closed = replace(execution(row, -8.74, 130), bar=None)
    told = compared(frame, [IN, OUT, AGAIN, closed])
    assert told.is_clean
    *judged, unseen = told.fills
    assert [pair.cause for pair in judged] == [None] * 3
    assert (unseen.cause, unseen.price, unseen.delay_ms) == (Cause.UNSEEN, 130.0, None)


def test_a_run_that_has_decided_nothing_yet_is_clean(frame):
    told = compared(frame, [], stored=[])
    assert told.is_clean
    assert (told.decisions, told.fills, told.profit) == (0, (), 0.0)


def test_a_sale_is_not_the_like_of_a_purchase(frame):
    told = compared(frame, [execution(1, -8.32, 120), OUT, AGAIN])
    assert not told.is_clean
    assert {(pair.side, pair.replayed_price) for pair in told.fills[:2]} == {
        (Side.BUY, 120),
        (Side.SELL, None),
    }
