"""What an OrderRepository promises, held by the fake of the tests and by SQLite alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from tests.fakes.execution import FakeOrders
from trading_system.domain.errors import KeyReused, NotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    apply,
    client_order_id,
)
from trading_system.domain.reports import Fill, Report
from trading_system.storage.database import Database
from trading_system.storage.orders import Orders

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")


@pytest.fixture(params=["fake", "sqlite"])
async def repository(request, tmp_path):
    if request.param == "fake":
        yield FakeOrders()
        return
    async with Database.opened(tmp_path / "orders.db") as database:
        yield Orders(database)


def order(symbol=BTC, minutes=0, **fields) -> Order:
    order_id = uuid4()
    at = NOW + timedelta(minutes=minutes)
    request = OrderRequest(
        symbol=symbol,
        side=Side.SELL,
        type=OrderType.LIMIT,
        quantity=Decimal("0.10000000"),
        price=Decimal("1E+5"),
        stop_price=Decimal("99.5"),
        time_in_force=TimeInForce.GTC,
        reduce_only=True,
    )
    return Order(
        id=order_id,
        client_order_id=client_order_id(order_id),
        request=replace(request, **fields),
        status=OrderStatus.PENDING_NEW,
        created_at=at,
        updated_at=at,
    )


def fill(trade_id, *, maker=None) -> Fill:
    return Fill(
        trade_id=trade_id,
        price=Decimal("100000.10"),
        quantity=Decimal("0.05"),
        quote_quantity=Decimal("5000.005"),
        fee=Decimal("0.00005"),
        fee_asset="BTC",
        maker=maker,
        time=NOW,
    )


def report(order, status, *fills, executed="0") -> Report:
    return Report(
        client_order_id=order.client_order_id,
        venue_order_id="42",
        status=status,
        source="answer",
        time=NOW + timedelta(seconds=1),
        executed_quantity=Decimal(executed),
        executed_quote=Decimal(executed) * 100_000,
        fills=fills,
    )


async def create(repository, made, key=None, digest="d"):
    return await repository.create(made, idempotency_key=key, digest=digest)


async def test_what_was_saved_comes_back_to_the_digit(repository):
    made = order()
    assert await create(repository, made) is None
    assert await repository.get(made.id) == made
    assert await repository.by_client_order_id(made.client_order_id) == made


async def test_an_order_by_quote_and_without_a_price_comes_back_too(repository):
    made = order(
        type=OrderType.MARKET,
        quantity=None,
        price=None,
        stop_price=None,
        time_in_force=None,
        quote_quantity=Decimal(7),
    )
    await create(repository, made)
    assert await repository.get(made.id) == made


async def test_everything_known_of_an_order_comes_back(repository):
    made = replace(
        order(trailing_delta=100, iceberg_quantity=Decimal("0.010")),
        mid_price=Decimal("93000.105"),
        replaces=uuid4(),
        wanted_in_all=Decimal("0.30"),
        list_id=uuid4(),
        foreign=True,
        latency_ms=12,
        venue_order_id="5",
        reject_code=-2010,
        reject_reason="no money",
    )
    await create(repository, made)
    assert await repository.get(made.id) == made


async def test_what_reports_change_is_stored(repository):
    made = order()
    await create(repository, made)
    amended = replace(made.request, quantity=Decimal("0.05"))
    told = report(made, "NEW")
    after = replace(apply(made, told), request=amended, latency_ms=7, reject_reason="why")
    assert await repository.record(made, after, told, at=NOW) == (after, False)
    assert await repository.get(made.id) == after


async def test_what_was_amended_by_hand_is_stored(repository):
    before = order()
    await repository.create(before, idempotency_key=None, digest="d")
    told = replace(
        report(before, "NEW"), source="lookup", quantity=Decimal(3), price=Decimal("90000.5")
    )
    await repository.record(before, apply(before, told), told, at=NOW)
    request = (await repository.get(before.id)).request
    assert (request.quantity, request.price) == (Decimal(3), Decimal("90000.5"))


async def test_fees_are_added_up_by_asset_over_all_fills(repository):
    made = order()
    await create(repository, made)
    stored = made
    for trade_id, asset, fee in (("1", "BNB", "0.1"), ("2", "BTC", "0"), ("3", "BNB", "0.2")):
        paid = replace(fill(trade_id), fee=Decimal(fee), fee_asset=asset)
        told = report(made, "PARTIALLY_FILLED", paid, executed="0.05")
        stored, _ = await repository.record(stored, apply(stored, told), told, at=NOW)
    assert stored.fees == (("BNB", Decimal("0.3")),)
    assert await repository.get(made.id) == stored


async def test_a_key_tells_its_order_and_refuses_another_wish(repository):
    assert await repository.by_key("key", "d") is None
    made = order()
    await create(repository, made, "key")
    assert await repository.by_key("key", "d") == made
    with pytest.raises(KeyReused):
        await repository.by_key("key", "another")


async def test_an_impossible_report_leaves_the_order_as_it_is(repository):
    made = order()
    await create(repository, made)
    await repository.keep_impossible(made, report(made, "FILLED", executed="9"), at=NOW)
    assert await repository.get(made.id) == made
    assert await repository.fills() == []


async def test_one_key_stands_for_one_order(repository):
    first, second = order(), order()
    assert await create(repository, first, "key") is None
    assert await create(repository, second, "key") == first
    with pytest.raises(NotFound):
        await repository.get(second.id)


async def test_one_key_for_two_wishes_is_refused_and_nothing_is_saved(repository):
    await create(repository, order(), "key")
    other = order()
    with pytest.raises(KeyReused):
        await create(repository, other, "key", digest="another")
    assert len(await repository.all()) == 1


async def test_orders_without_a_key_never_meet(repository):
    await create(repository, order())
    await create(repository, order())
    assert len(await repository.all()) == 2


async def test_a_report_is_stored_with_its_fills(repository):
    before = order()
    await create(repository, before)
    said = report(before, "PARTIALLY_FILLED", fill("t1"), executed="0.05")
    after = apply(before, said)
    stored, fills_more = await repository.record(before, after, said, at=NOW)
    assert fills_more
    assert stored == replace(after, fees=(("BTC", Decimal("0.00005")),))
    assert await repository.get(before.id) == stored
    (row,) = await repository.fills()
    assert (row.order_id, row.symbol, row.side, row.fill) == (before.id, BTC, "SELL", fill("t1"))


async def test_a_trade_is_booked_once_however_often_it_is_told(repository):
    before = order()
    await create(repository, before)
    said = report(before, "PARTIALLY_FILLED", fill("t1"), executed="0.05")
    for number in range(3):
        _, fills_more = await repository.record(before, apply(before, said), said, at=NOW)
        assert fills_more is (number == 0)
    assert len(await repository.fills()) == 1


async def test_orders_are_listed_newest_first_by_status_and_symbol(repository):
    old, new, other = order(minutes=0), order(minutes=1), order(ETH, minutes=2)
    for each in (old, new, other):
        await create(repository, each)
    said = report(old, "REJECTED")
    await repository.record(old, apply(old, said), said, at=NOW)
    assert [each.id for each in await repository.all()] == [other.id, new.id, old.id]
    assert [each.id for each in await repository.all(symbol=BTC)] == [new.id, old.id]
    pending = frozenset({OrderStatus.PENDING_NEW})
    assert [each.id for each in await repository.all(statuses=pending, symbol=BTC)] == [new.id]
    assert [each.id for each in await repository.all(limit=1)] == [other.id]
    assert await repository.all(statuses=frozenset()) == []


async def test_fills_are_listed_by_symbol_and_order(repository):
    one, two = order(), order(ETH)
    for each, trade in ((one, "a"), (two, "b")):
        await create(repository, each)
        said = report(each, "FILLED", fill(trade, maker=True), executed="0.1")
        await repository.record(each, apply(each, said), said, at=NOW)
    assert [row.fill.trade_id for row in await repository.fills(symbol=ETH)] == ["b"]
    assert [row.fill.trade_id for row in await repository.fills(order_id=one.id)] == ["a"]
    assert len(await repository.fills(limit=1)) == 1


async def test_what_is_not_there_is_not_found(repository):
    with pytest.raises(NotFound):
        await repository.get(UUID(int=0))
    with pytest.raises(NotFound):
        await repository.by_client_order_id("nobody")


async def test_every_step_is_kept_with_its_source(tmp_path):
    async with Database.opened(tmp_path / "orders.db") as database:
        repository = Orders(database)
        before = order()
        await create(repository, before)
        said = report(before, "NEW")
        after = apply(before, said)
        await repository.record(before, after, said, at=NOW)
        await repository.record(after, after, said, at=NOW)  # nothing new: no step
        async with database.reading() as connection:
            rows = await connection.execute_fetchall(
                "SELECT from_status, to_status, source FROM order_transitions ORDER BY id"
            )
    assert [tuple(row) for row in rows] == [
        (None, "PENDING_NEW", "desk"),
        ("PENDING_NEW", "NEW", "answer"),
    ]


async def test_orders_whose_fills_do_not_add_up_to_what_was_executed_are_named(repository):
    whole, short, bare, old = order(), order(), order(), order(minutes=-60)
    for each in (whole, short, bare, old):
        await repository.create(each, idempotency_key=None, digest="d")
    for number, (each, fills) in enumerate(
        ((whole, 2), (short, 1), (bare, 0), (old, 0)),
    ):
        told = report(
            each,
            "FILLED",
            *(fill(f"{number}.{part}") for part in range(fills)),
            executed="0.10",
        )
        at = each.created_at
        await repository.record(each, replace(apply(each, told), updated_at=at), told, at=NOW)
    found = await repository.short_of_fills(NOW)
    assert {each.id for each in found} == {short.id, bare.id}


async def test_an_order_that_never_filled_is_short_of_nothing(repository):
    await repository.create(order(), idempotency_key=None, digest="d")
    assert await repository.short_of_fills(NOW) == []


async def test_fills_that_are_told_later_make_an_order_whole(repository):
    """To the last digit: as floats these ten tenths would be less than one."""
    made = order()
    await repository.create(made, idempotency_key=None, digest="d")
    told = report(made, "FILLED", executed="1.0")
    filled = apply(made, told)
    await repository.record(made, filled, told, at=NOW)
    for part in range(10):
        assert [each.id for each in await repository.short_of_fills(NOW)] == [filled.id]
        tenth = replace(fill(str(part)), quantity=Decimal("0.1"))
        await repository.record(filled, filled, replace(told, fills=(tenth,)), at=NOW)
    assert await repository.short_of_fills(NOW) == []


async def test_asking_for_missing_fills_costs_no_more_on_a_busy_day(tmp_path):
    async with Database.opened(tmp_path / "orders.db") as database:
        repository = Orders(database)
        made = order()
        await repository.create(made, idempotency_key=None, digest="d")
        told = report(made, "FILLED", fill("0"), executed="0.05")
        await repository.record(made, apply(made, told), told, at=NOW)
        async with database.transaction() as connection:
            await connection.execute_fetchall("PRAGMA defer_foreign_keys = ON")
            await copy_rows(connection, "orders", {"id", "client_order_id"})
            await copy_rows(connection, "fills", {"order_id", "trade_id"})
        steps = []
        async with database.reading() as connection:
            await connection.set_progress_handler(lambda: steps.append(1), 100)
        assert await repository.short_of_fills(NOW) == []
    assert len(steps) < 10  # hundreds of SQLite's instructions; a thousand orders took many


async def copy_rows(connection, table, named):
    """A thousand copies of its only row, alike except for what names them."""
    columns = [row[1] for row in await connection.execute_fetchall(f"PRAGMA table_info ({table})")]
    chosen = ", ".join(
        f"printf('%08x', n) || substr({name}, 9)" if name in named else name for name in columns
    )
    await connection.execute(
        "WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted "  # noqa: S608 -- ours
        f"WHERE n < 1000) INSERT INTO {table} SELECT {chosen} FROM {table}, counted"
    )


async def test_a_venue_that_numbers_its_trades_anew_loses_us_no_fill(repository):
    """As Binance's testnet does about once a month."""
    for each in (order(), order()):
        await repository.create(each, idempotency_key=None, digest="d")
        told = report(each, "PARTIALLY_FILLED", fill("1"), executed="0.05")
        await repository.record(each, apply(each, told), told, at=NOW)
    assert len(await repository.fills()) == 2
    assert await repository.short_of_fills(NOW) == []


async def test_what_rests_in_the_place_of_another_is_found(repository):
    resting = {OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED}
    made = {}
    for status in OrderStatus:
        for total in (None, Decimal("0.2")):
            each = replace(order(), status=status, replaces=uuid4(), wanted_in_all=total)
            await create(repository, each)
            made[each.id] = each
    found = {each.id: each for each in await repository.replacements()}
    assert found == {
        key: each
        for key, each in made.items()
        if each.status in resting and each.wanted_in_all is not None
    }
    assert len(found) == 2
