from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.simulator.arguments import Arguments, required
from trading_system.simulator.model import Refused

NOW = 1_767_614_400_250


def refusal(read):
    with pytest.raises(Refused) as caught:
        read()
    return caught.value.code, caught.value.message


def of(**values):
    return Arguments(values)


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1)))
def test_whatever_a_client_encodes_is_read_back(values):
    arguments = Arguments.parse(urlencode(values))
    assert {name: arguments.text(name) for name in values} == values


def test_the_query_wins_over_the_body():
    arguments = Arguments.parse("a=1&b=2", "b=3&c=4")
    assert [arguments.text(name) for name in "abcd"] == ["1", "2", "4", None]


def test_a_name_sent_twice_in_one_place_is_refused():
    read = lambda: Arguments.parse("symbol=A&symbol=B")  # noqa: E731
    assert refusal(read) == (-1101, "Duplicate values for parameter 'symbol' detected.")


def test_stray_ampersands_are_nothing():
    assert Arguments.parse("&a=1&&").text("a") == "1"


@pytest.mark.parametrize(
    ("query", "known", "expected"),
    [
        ("a=1", {"a", "b"}, None),
        ("", set(), None),
        ("x=1", set(), (-1101, "Too many parameters; expected '0' and received '1'.")),
        (
            "a=1&x=1&y=1",
            {"a"},
            (-1104, "Not all sent parameters were read; read '1' parameter(s) but was sent '3'."),
        ),
    ],
)
def test_parameters_that_nobody_reads_are_refused(query, known, expected):
    arguments = Arguments.parse(query)
    if expected is None:
        arguments.expect(known)
    else:
        assert refusal(lambda: arguments.expect(known)) == expected


def test_an_empty_parameter_is_refused():
    assert refusal(lambda: of(side="").text("side")) == (-1105, "Parameter 'side' was empty.")


def test_a_missing_parameter_is_refused_where_it_is_required():
    assert refusal(lambda: required("side", None)) == (
        -1102,
        "Mandatory parameter 'side' was not sent, was empty/null, or malformed.",
    )
    assert required("limit", 0) == 0


DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


@pytest.mark.parametrize("text", ["0", "1.5", "00.10", "9" * 20 + "." + "9" * 20])
def test_decimals_are_read_exactly(text):
    assert of(price=text).decimal("price") == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "+1",
        "1.",
        ".5",
        "1e5",
        "1,5",
        " 1",
        "1\n",
        "NaN",
        "Infinity",
        "٣",
        "9" * 21,
        "0." + "1" * 21,
    ],
)
def test_anything_else_is_no_decimal(text):
    assert refusal(lambda: of(price=text).decimal("price")) == (
        -1100,
        f"Illegal characters found in parameter 'price'; legal range is '{DECIMAL}'.",
    )


@pytest.mark.parametrize("text", ["-1", "1.0", "1\n", "abc", "1" * 21])
def test_anything_but_digits_is_no_whole_number(text):
    assert refusal(lambda: of(orderId=text).whole("orderId")) == (
        -1100,
        "Illegal characters found in parameter 'orderId'; legal range is '^[0-9]{1,20}$'.",
    )


def test_a_whole_number_beyond_64_bits_overflows():
    assert of(id=str(2**63 - 1)).whole("id") == 2**63 - 1
    assert refusal(lambda: of(id=str(2**63)).whole("id")) == (-1108, "Parameter 'id' overflowed.")


@pytest.mark.parametrize("symbol", ["BTCUSDT", "1000SATSUSDT", "币安人生USDT", "A-B_C.D"])
def test_symbols_may_be_written_in_any_script(symbol):
    assert Arguments.parse(urlencode({"symbol": symbol})).symbol() == symbol


@pytest.mark.parametrize("symbol", ["btcusdt", "BTC/USDT", "BTC USDT", "A" * 51])
def test_symbols_have_no_small_latin_letters_and_no_signs(symbol):
    assert refusal(of(symbol=symbol).symbol)[0] == -1100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["BTCUSDT","ETHUSDT"]', ["BTCUSDT", "ETHUSDT"]),
        ("[]", []),
        ('["BTCUSDT", "ETHUSDT"]', -1100),
        ('["BTCUSDT"', -1100),
        ("BTCUSDT", -1100),
        ('["BTCUSDT","BTCUSDT"]', -1151),
    ],
)
def test_lists_of_symbols_are_strict_json(text, expected):
    arguments = of(symbols=text)
    if isinstance(expected, list):
        assert arguments.symbols() == expected
    else:
        assert refusal(arguments.symbols)[0] == expected


def test_flags_are_true_or_false_in_any_case():
    assert of(x="TRUE").flag("x", default=False) is True
    assert of(x="false").flag("x", default=True) is False
    assert of().flag("x", default=True) is True
    assert refusal(lambda: of(x="1").flag("x", default=True))[0] == -1100


class Fruit(StrEnum):
    APPLE = "APPLE"


def test_choices_are_exact_words():
    assert of(fruit="APPLE").choice("fruit", Fruit) is Fruit.APPLE
    assert of().choice("fruit", Fruit) is None
    assert refusal(lambda: of(fruit="apple").choice("fruit", Fruit)) == (
        -1130,
        "Data sent for parameter 'fruit' is not valid.",
    )
    named = Refused(-1, "No such fruit.")
    assert refusal(lambda: of(fruit="PEAR").choice("fruit", Fruit, named)) == (-1, "No such fruit.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (str(NOW), NOW),
        (str(NOW * 1000 + 999), NOW),
        ("0", 1_483_228_800_000),
        (str(NOW + 10_000), NOW + 10_000),
        (str(NOW + 10_001), NOW + 10_000),
    ],
)
def test_times_are_ms_or_us_and_moved_into_what_is_served(text, expected):
    assert of(startTime=text).moment("startTime", NOW) == expected


def test_no_time_is_no_time():
    assert of().moment("startTime", NOW) is None


@pytest.mark.parametrize(("text", "expected"), [("0", 1), ("7", 7), ("9999", 1000)])
def test_limits_are_moved_into_their_range(text, expected):
    assert of(limit=text).limit(default=500, largest=1000) == expected
    assert of().limit(default=500, largest=1000) == 500
