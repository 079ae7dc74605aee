"""Balances, holds and where the money went."""

from decimal import Decimal

import pytest

from trading_system.simulator.accounts import Accounts
from trading_system.simulator.model import Refused


@pytest.fixture
def accounts():
    accounts = Accounts()
    accounts.open("ann", {"USDT": Decimal(100)}, maker_bips=5, taker_bips=10)
    return accounts


def test_holding_moves_free_to_locked_and_releasing_moves_it_back(accounts):
    accounts.hold(1, "ann", "USDT", Decimal(30))
    accounts.hold(1, "ann", "USDT", Decimal(10))
    assert accounts.held(1) == 40
    assert accounts.balances("ann") == {"USDT": (60, 40)}
    accounts.keep(1, Decimal(25))
    assert accounts.balances("ann") == {"USDT": (75, 25)}
    accounts.keep(1, Decimal(50))
    assert accounts.held(1) == 25
    accounts.release(1)
    assert accounts.balances("ann") == {"USDT": (100, 0)}


def test_a_fill_is_paid_from_the_hold_and_the_fee_comes_off_what_is_received(accounts):
    accounts.hold(1, "ann", "USDT", Decimal(50))
    accounts.exchange(1, pays=Decimal(50), receives=Decimal(2), asset="BTC", fee=Decimal("0.002"))
    assert accounts.balances("ann") == {"USDT": (50, 0), "BTC": (Decimal("1.998"), 0)}
    assert accounts.fees == {"BTC": Decimal("0.002")}
    assert accounts.outside == {"USDT": 50, "BTC": -2}


def test_more_than_is_free_cannot_be_required(accounts):
    accounts.require("ann", "USDT", Decimal(100))
    with pytest.raises(Refused, match="insufficient balance"):
        accounts.require("ann", "USDT", Decimal("100.01"))
    with pytest.raises(Refused, match="insufficient balance"):
        accounts.require("ann", "BTC", Decimal(1))


def test_asking_for_an_asset_never_held_does_not_list_it(accounts):
    assert accounts.free("ann", "BTC") == accounts.total("ann", "BTC") == 0
    assert list(accounts.balances("ann")) == ["USDT"]


def test_rates_are_basis_points(accounts):
    assert accounts.rate("ann", maker=True) == Decimal("0.0005")
    assert accounts.rate("ann", maker=False) == Decimal("0.001")


def test_an_account_opens_once_and_strangers_have_none(accounts):
    with pytest.raises(ValueError, match="open already"):
        accounts.open("ann", {}, maker_bips=0, taker_bips=0)
    with pytest.raises(KeyError):
        accounts.balances("bob")
