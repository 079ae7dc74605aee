"""What the doctor says of the database."""

from __future__ import annotations

import asyncio

import pytest

from trading_system.cli.doctor import _to_be_made
from trading_system.config import Settings
from trading_system.storage.database import Database


def test_a_database_of_another_venue_is_told_with_what_to_do(cli, monkeypatch, tmp_path) -> None:
    path = tmp_path / "live.db"

    async def traded_live() -> None:
        async with (
            Database.opened(path, "VENUE=live MARKET_TYPE=spot") as database,
            database.transaction() as writer,
        ):
            await writer.execute("INSERT INTO symbols VALUES (1, 'BTC/USDT', 1, 0)")

    asyncio.run(traded_live())
    monkeypatch.setenv("VENUE", "http://127.0.0.1:9")
    monkeypatch.setenv("DB_PATH", str(path))
    result = cli("doctor")
    assert result.exit_code == 1
    assert "VENUE=live MARKET_TYPE=spot" in result.stdout
    assert "set DB_PATH to another file" in result.stdout


@pytest.mark.parametrize(("folder", "well"), [("", True), ("file", False)])
def test_a_database_that_is_not_there_is_well_where_it_can_be_made(tmp_path, folder, well) -> None:
    (tmp_path / "file").write_text("no folder")
    wanted = Settings(_env_file=None, db_path=tmp_path / folder / "t.db")
    finding = _to_be_made(wanted, tmp_path / folder)
    assert finding.ok is well
    assert ("made at the first start" in finding.detail) is well
