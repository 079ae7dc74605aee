"""What the documents show is what the code gives, run ids included: see `proofs.example`."""

from __future__ import annotations

import pytest

from proofs import example


@pytest.mark.recorded
@pytest.mark.parametrize("path", example.DOCUMENTS, ids=lambda path: path.name)
def test_a_documented_backtest_is_what_the_code_gives(path):
    if not example.CANDLES.exists():
        pytest.skip("no recorded candles beside the project")
    assert not example.refresh(path, write=False), "python -m proofs.example --write"


def test_a_block_that_differs_is_noticed_and_written(tmp_path, monkeypatch):
    monkeypatch.setattr(example, "shown", lambda words: f"what {words} gives\n")
    path = tmp_path / "document.md"
    path.write_text("before\n<!-- example: a --x -->\nold\n<!-- end -->\nafter\n")
    assert example.refresh(path, write=False)
    assert "old" in path.read_text()
    assert example.refresh(path, write=True)
    assert path.read_text() == (
        "before\n<!-- example: a --x -->\nwhat a --x gives\n<!-- end -->\nafter\n"
    )
    assert not example.refresh(path, write=False)


def test_there_is_a_documented_backtest_of_each():
    text = "".join(path.read_text("utf-8") for path in example.DOCUMENTS)
    words = [block["words"] for block in example._BLOCK.finditer(text)]
    assert any("BTC/USDT" in each for each in words)
    assert any("ETH/USDT" in each for each in words)
    assert example.PICTURE.stat().st_size < 150_000
