from __future__ import annotations

from decimal import Decimal

from trading_system.simulator.command_log import decode, encode
from trading_system.simulator.events import BalanceEvent, DepositEvent
from trading_system.simulator.model import Deposit

TEN = Deposit(account="ann", asset="BTC", amount=Decimal("10.5"))


def test_money_that_comes_in_is_told_with_the_new_balance(floor):
    told, balance = floor.do(TEN)
    assert told == DepositEvent(account="ann", asset="BTC", amount=Decimal("10.5"), time=floor.now)
    free = Decimal("20.5")
    assert balance == BalanceEvent(
        account="ann", balances={"BTC": (free, Decimal(0))}, time=floor.now
    )
    assert floor.balance("BTC") == (free, 0)
    assert floor.balance("BTC", "bob") == (10, 0)


def test_an_asset_may_be_new_to_the_account(floor):
    floor.do(Deposit(account="ann", asset="BNB", amount=Decimal(1)))
    assert floor.balance("BNB") == (1, 0)


def test_deposits_outlive_the_process(floor):
    assert decode(encode(TEN)) == TEN
