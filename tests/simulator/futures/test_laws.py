"""What must hold whatever is done: money adds up, and the same commands make the same account."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator.futures.conftest import Pit
from trading_system.simulator.futures.command_log import decode, encode
from trading_system.simulator.futures.venue import FuturesVenue
from trading_system.simulator.model import Refused, Side

SIDES = st.sampled_from(["BUY", "SELL"])
WHO = st.sampled_from(["ann", "bob"])
QUANTITIES = st.sampled_from(["0.1", "1", "2.5", "9"])
PRICES = st.sampled_from(["99.50", "99.95", "100.00", "100.10", "100.30", "101.00"])
STEPS = st.one_of(
    st.tuples(st.just("limit"), WHO, SIDES, QUANTITIES, PRICES, st.booleans()),
    st.tuples(st.just("market"), WHO, SIDES, QUANTITIES, st.booleans()),
    st.tuples(st.just("stop"), WHO, SIDES, QUANTITIES, PRICES, st.booleans()),
    st.tuples(st.just("modify"), WHO, QUANTITIES, PRICES),
    st.tuples(st.just("cancel"), WHO),
    st.tuples(st.just("leverage"), st.sampled_from([1, 5, 50])),
    st.tuples(st.just("print"), PRICES, QUANTITIES),
)


class Recorder(Pit):
    """Remembers what was accepted, when, and all that was told."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted = []
        self.events = []

    def do(self, command):
        events = super().do(command)
        self.events += events
        self.accepted.append((command, self.now))
        return events

    def step(self, what, *how):
        with suppress(Refused):
            getattr(self, f"do_{what}")(*how)

    def do_limit(self, account, side, quantity, price, reduce_only):
        self.place(
            account=account, side=side, quantity=quantity, price=price, reduce_only=reduce_only
        )

    def do_market(self, account, side, quantity, reduce_only):
        self.place(account=account, side=side, quantity=quantity, reduce_only=reduce_only)

    def do_stop(self, account, side, quantity, price, close):
        amount = {"close_position": True} if close else {"quantity": quantity}
        self.wait(side, "STOP_MARKET", account=account, trigger_price=price, **amount)

    def do_modify(self, account, quantity, price):
        for order in self.venue.open_orders(account)[:1]:
            self.modify(order, price, quantity)

    def do_cancel(self, account):
        for order in self.venue.open_orders(account)[:1]:
            self.cancel(order)

    def do_leverage(self, leverage):
        self.leverage(leverage)

    def do_print(self, price, quantity):
        self.print(price, quantity)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_every_wallet_is_what_its_fills_have_made_of_it(steps):
    pit = Recorder()
    for step in steps:
        pit.step(*step)
    for account in ("ann", "bob"):
        fills = pit.venue.fills(account, "BTCUSDT")
        earned = sum((fill.realised - fill.commission for fill in fills), Decimal(0))
        assert pit.wallet(account) == 1000 + earned
        signed = sum(
            (fill.quantity if fill.side is Side.BUY else -fill.quantity for fill in fills),
            Decimal(0),
        )
        assert pit.venue.accounts.position(account, "BTCUSDT").amount == signed


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_no_order_fills_beyond_itself_and_the_book_never_crosses(steps):
    pit = Recorder()
    for step in steps:
        pit.step(*step)
        bids, asks = pit.venue.books.depth("BTCUSDT", pit.now)[1:]
        assert not bids or not asks or bids[0].price < asks[0].price
        for account in ("ann", "bob"):
            for order in pit.venue.all_orders(account, "BTCUSDT"):
                assert 0 <= order.executed <= order.quantity
                assert order.status.is_open == (order in pit.venue.open_orders(account))
                assert order.executed == sum(fill.quantity for fill in order.executions)
                facing = pit.venue.accounts.position(account, "BTCUSDT").facing(order.side)
                assert not (order.reduce_only and order.status.is_open and not facing)


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_the_accepted_commands_as_kept_make_the_same_account_again(steps):
    pit = Recorder()
    for step in steps:
        pit.step(*step)
    again = FuturesVenue(pit.feed)
    for account in ("ann", "bob"):
        again.open_account(account, Decimal(1000))
    events = []
    for command, now in pit.accepted:
        kept = command if type(command).__name__ == "Advance" else decode(encode(command))
        assert kept == command
        events += again.handle(kept, now)
    assert events == pit.events
