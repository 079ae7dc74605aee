from __future__ import annotations

import sys

import numpy as np
import pytest
from pyarrow import parquet

from tests.research.sweeps import question
from trading_system.domain.errors import ConfigurationError, StorageError
from trading_system.research.space import Axis, Space
from trading_system.research.sweep_table import write
from trading_system.research.trial import ROW, judge
from trading_system.strategies.grid import Grid


def test_the_table_has_parameters_and_metrics_of_every_row(tmp_path):
    asked = question(
        Grid, ["levels=5,9", "spacing=geometric,arithmetic", "quantity=0.1,0.2", "atr_width=4,8.5"]
    )
    rows = judge(asked)(range(16))
    write(tmp_path / "table.parquet", asked.space, rows, '{"a":1}')
    table = parquet.read_table(tmp_path / "table.parquet")
    assert table.schema.metadata[b"sweep"] == b'{"a":1}'
    assert [str(table.schema.field(name).type) for name in table.column_names[:6]] == [
        "int64", "int64", "string", "string", "double", "int64",
    ]  # fmt: skip
    for number, found in enumerate(table.to_pylist()):
        values = asked.space.values(number)
        assert found["combination"] == number
        assert found["levels"] == values["levels"]
        assert found["spacing"] == str(values["spacing"])
        assert found["quantity"] == str(values["quantity"])
        assert found["atr_width"] == values["atr_width"]
        assert [found[name] for name in ROW.names[1:]] == pytest.approx(
            list(rows[number].item()[1:]), abs=0, nan_ok=True
        )


def test_rows_are_written_a_group_at_a_time_and_the_same_rows_give_the_same_bytes(tmp_path):
    asked = question(axes=["fast=2:8", "slow=30,40"])
    rows = judge(asked)(range(14))
    for name in ("one", "two"):
        write(tmp_path / name, asked.space, rows, "{}", group=4)
    assert parquet.ParquetFile(tmp_path / "one").num_row_groups == 4
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert parquet.read_table(tmp_path / "one")["combination"].to_pylist() == list(range(14))


def test_a_parameter_with_the_name_of_a_metric_stands_beside_it(tmp_path):
    axes = (Axis(name="fees", values=(True, False)),)
    write(tmp_path / "t", Space(axes=axes, defaults={}), np.zeros(1, ROW), "{}")
    (row,) = parquet.read_table(tmp_path / "t").to_pylist()
    assert (row["parameter_fees"], row["fees"]) == (True, 0.0)


def test_a_sweep_without_rows_has_an_empty_table(tmp_path):
    write(tmp_path / "t", question().space, np.zeros(0, ROW), "{}")
    assert parquet.read_table(tmp_path / "t").num_rows == 0


def test_where_nothing_can_be_written_that_is_told(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="table cannot be written"):
        write(tmp_path / "file" / "table", question().space, np.zeros(0, ROW), "{}")


def test_without_the_extra_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'trading-system\[backtest\]'"):
        write(tmp_path / "t", question().space, np.zeros(0, ROW), "{}")
