"""No order is looked for at another venue than the one it was sent to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.errors import StorageError
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reconciliations import Reconciliation
from trading_system.storage.database import Database
from trading_system.storage.orders import Orders
from trading_system.storage.reconciliations import Reconciliations
from trading_system.storage.symbols import Symbols

LIVE, SIM = "VENUE=live MARKET_TYPE=spot", "VENUE=sim MARKET_TYPE=spot"
BTC = Symbol("BTC", "USDT")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def symbol(database):
    await Symbols(database).add(BTC, NOW)


async def order(database):
    request = OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(1))
    order = Order(
        id=UUID(int=1),
        client_order_id="ts-1",
        request=request,
        status=OrderStatus.PENDING_NEW,
        created_at=NOW,
        updated_at=NOW,
    )
    await Orders(database).create(order, idempotency_key=None, digest="")


async def reconciled(database):
    """Balances are kept with it, and the equity that the drawdown is counted from."""
    done = Reconciliation(
        started=NOW,
        ended=NOW,
        asked=0,
        booked=0,
        adopted=0,
        unknown_left=0,
        fills=0,
        balances_compared=True,
        differences=(),
    )
    await Reconciliations(database).add(done)


@pytest.fixture
def opened(tmp_path):
    return lambda at=None: Database.opened(tmp_path / "t.db", at)


@pytest.mark.parametrize("keep", [symbol, order, reconciled])
async def test_what_was_kept_with_one_market_is_opened_with_no_other(opened, keep):
    async with opened(LIVE) as database:
        await keep(database)
    with pytest.raises(StorageError, match=f"{LIVE}.*{SIM}.*set DB_PATH to another file"):
        async with opened(SIM):
            pass
    async with opened(LIVE):
        pass


async def test_one_that_keeps_nothing_yet_may_be_used_with_another(opened):
    async with opened(SIM):
        pass
    async with opened(LIVE) as database:
        await symbol(database)
    with pytest.raises(StorageError, match="keeps what happened"):
        async with opened(SIM):
            pass


async def test_one_of_before_this_was_kept_is_at_home_where_it_is_opened_first(opened):
    """Who trades with it says where; who only reads or adds candles need not."""
    async with opened() as database:
        await order(database)
    async with opened(LIVE):
        pass
    async with opened():
        pass
    with pytest.raises(StorageError, match="keeps what happened"):
        async with opened(SIM):
            pass
