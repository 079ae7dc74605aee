"""`trading-system audit` on a record that is whole and on one that is not."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from trading_system.storage.database import Database

ORDER = """
INSERT INTO orders (id, client_order_id, request_digest, symbol, side, type, status,
    executed_quantity, executed_quote, created_at, updated_at)
VALUES ('7', 'ts-7', 'd', 'BTC/USDT', 'BUY', 'MARKET', 'NEW', '0', '0', 0, 0)
"""


@pytest.fixture
def path(monkeypatch, tmp_path):
    path = tmp_path / "my.db"
    monkeypatch.setenv("DB_PATH", str(path))

    async def make():
        async with Database.opened(path):
            pass

    asyncio.run(make())
    return path


def test_a_whole_record_prints_count_and_head(cli, path) -> None:
    result = cli("audit")
    assert result.exit_code == 0
    assert result.output.splitlines() == ["0 rows are whole.", "head none"]


def test_a_broken_record_is_exit_code_1_with_the_first_bad_row(cli, path) -> None:
    with sqlite3.connect(path) as shell:
        shell.execute(ORDER)
        shell.execute(
            "INSERT INTO order_transitions (id, order_id, to_status, source, at) "
            "VALUES (1, '7', 'NEW', 'desk', 0)"
        )
    shell.close()
    result = cli("audit")
    assert result.exit_code == 1
    assert "row 1 was changed or does not follow row 0: order 7, None -> NEW" in result.output
    assert "0 rows before that are whole" in result.output


def test_a_noted_head_that_is_gone_is_exit_code_1(cli, path) -> None:
    result = cli("audit", "--noted", "ab" * 32)
    assert result.exit_code == 1
    assert "no row has the hash abab" in result.output


def test_no_database_is_told(cli) -> None:
    assert cli("audit").exit_code == 1
