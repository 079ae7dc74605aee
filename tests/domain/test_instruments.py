"""Symbols as people write them."""

from __future__ import annotations

import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Symbol


@pytest.mark.parametrize("text", ["BTC/USDT", "btc-usdt", " Btc/Usdt "])
def test_a_symbol_reads_in_any_usual_spelling(text) -> None:
    assert Symbol.parse(text) == Symbol("BTC", "USDT")


def test_a_symbol_prints_with_a_slash_and_goes_into_a_url_with_a_dash() -> None:
    symbol = Symbol("BTC", "USDT")
    assert (str(symbol), symbol.slug) == ("BTC/USDT", "BTC-USDT")


def test_a_name_of_other_letters_is_a_symbol_too() -> None:
    assert Symbol.parse("币安人生/USDT").base == "币安人生"


@pytest.mark.parametrize(
    "text", ["", "BTCUSDT", "BTC/", "/USDT", "BTC/USDT/X", "B TC/USDT", "a" * 50]
)
def test_anything_else_is_refused_with_an_example(text) -> None:
    with pytest.raises(InvalidRequest, match="write it like BTC/USDT"):
        Symbol.parse(text)
