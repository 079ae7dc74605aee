"""Who owns what: free and locked balances, holds for open orders, and where every unit went.

Money is never made or lost: what leaves an account enters another one, the fees or the market
outside, and the sum over all of them stands still. Nothing here knows prices or orders' fates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from trading_system.simulator.model import Refused

_ZERO = Decimal(0)
_BIP = Decimal("0.0001")


@dataclass(slots=True, kw_only=True)
class _Account:
    maker_rate: Decimal
    taker_rate: Decimal
    free: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    locked: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


@dataclass(slots=True, kw_only=True)
class _Hold:
    account: _Account
    asset: str
    amount: Decimal
    needs: dict[int, Decimal] = field(default_factory=dict)  # by order id; one, unless it is shared


class Accounts:
    """Every account's balances; `fees` and `outside` are the other ends of what they paid.

    `outside` is what the feed's market gained (negative: gave) by asset. Unknown accounts raise
    KeyError.
    """

    def __init__(self) -> None:
        self.fees: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.outside: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._accounts: dict[str, _Account] = {}
        self._holds: dict[int, _Hold] = {}

    def open(
        self, name: str, balances: Mapping[str, Decimal], *, maker_bips: int, taker_bips: int
    ) -> None:
        """Open an account with these free balances; the rates are basis points of what it gets."""
        if name in self._accounts:
            raise ValueError(f"account {name!r} is open already")
        account = _Account(maker_rate=maker_bips * _BIP, taker_rate=taker_bips * _BIP)
        account.free.update(balances)
        self._accounts[name] = account

    def balances(self, name: str) -> dict[str, tuple[Decimal, Decimal]]:
        """Every asset the account ever held: (free, locked)."""
        account = self._accounts[name]
        return {
            asset: (free, account.locked.get(asset, _ZERO)) for asset, free in account.free.items()
        }

    def free(self, name: str, asset: str) -> Decimal:
        return self._accounts[name].free.get(asset, _ZERO)

    def total(self, name: str, asset: str) -> Decimal:
        """Free and locked together."""
        account = self._accounts[name]
        return account.free.get(asset, _ZERO) + account.locked.get(asset, _ZERO)

    def rate(self, name: str, *, maker: bool) -> Decimal:
        """The commission as a fraction of what is received."""
        account = self._accounts[name]
        return account.maker_rate if maker else account.taker_rate

    def deposit(self, name: str, asset: str, amount: Decimal) -> None:
        """Money from the world outside."""
        _move(self.outside, self._accounts[name].free, asset, amount)

    def require(self, name: str, asset: str, amount: Decimal) -> None:
        """Raise Refused unless this much is free."""
        if self.free(name, asset) < amount:
            raise Refused(-2010, "Account has insufficient balance for requested action.")

    def hold(self, order_id: int, name: str, asset: str, amount: Decimal) -> None:
        """Lock this much more for an order, or raise Refused when it is not free."""
        self.require(name, asset, amount)
        account = self._accounts[name]
        _move(account.free, account.locked, asset, amount)
        hold = self._holds.setdefault(order_id, _Hold(account=account, asset=asset, amount=_ZERO))
        hold.amount += amount
        hold.needs[order_id] = hold.amount

    def share(self, order_id: int, other_id: int, amount: Decimal) -> None:
        """Let an order draw on what another one holds, which grows to `amount` where it is less.

        Only one of the two will ever trade, so together they lock what the dearer one needs.
        """
        hold = self._holds[order_id] = self._holds[other_id]
        more = max(amount - hold.amount, _ZERO)
        _move(hold.account.free, hold.account.locked, hold.asset, more)
        hold.amount += more
        hold.needs[order_id] = amount

    def held(self, order_id: int) -> Decimal:
        return self._holds[order_id].amount

    def keep(self, order_id: int, needed: Decimal) -> None:
        """Free whatever an order holds beyond what it still needs, or one that shares its hold."""
        hold = self._holds[order_id]
        hold.needs[order_id] = needed
        _shrink(hold)

    def release(self, order_id: int) -> None:
        """Free all an order holds and no other one needs: it is over."""
        hold = self._holds.pop(order_id)
        del hold.needs[order_id]
        _shrink(hold)

    def exchange(
        self, order_id: int, *, pays: Decimal, receives: Decimal, asset: str, fee: Decimal
    ) -> None:
        """One fill: pay from the order's hold, receive `asset` less the fee.

        The other side is always the world outside; where two accounts meet, both of them call and
        the outside comes out even.
        """
        hold = self._holds[order_id]
        _move(hold.account.locked, self.outside, hold.asset, pays)
        hold.amount -= pays
        _move(self.outside, hold.account.free, asset, receives - fee)
        _move(self.outside, self.fees, asset, fee)


def _shrink(hold: _Hold) -> None:
    """Free what nobody who shares the hold needs."""
    excess = hold.amount - max(hold.needs.values(), default=_ZERO)
    if excess > 0:
        _move(hold.account.locked, hold.account.free, hold.asset, excess)
        hold.amount -= excess


def _move(
    source: defaultdict[str, Decimal],
    target: defaultdict[str, Decimal],
    asset: str,
    amount: Decimal,
) -> None:
    source[asset] -= amount
    target[asset] += amount
