from datetime import UTC, datetime

import pytest

from trading_system.simulator.seeded.intervals import INTERVALS, Interval

HOUR = 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("name", "offset", "time", "opened"),
    [
        ("1s", 0, "2024-02-29T13:37:42.999", "2024-02-29T13:37:42"),
        ("3m", 0, "2024-02-29T13:37:42", "2024-02-29T13:36:00"),
        ("1h", 0, "2024-02-29T13:37:42", "2024-02-29T13:00:00"),
        ("1h", 5.5, "2024-02-29T13:37:42", "2024-02-29T13:30:00"),
        ("15m", 5.75, "2024-02-29T13:37:42", "2024-02-29T13:30:00"),
        ("8h", 0, "2024-02-29T13:37:42", "2024-02-29T08:00:00"),
        ("1d", 0, "2024-02-29T13:37:42", "2024-02-29T00:00:00"),
        ("1d", 8, "2024-02-29T17:00:00", "2024-02-29T16:00:00"),
        ("1d", -3, "2024-02-29T02:00:00", "2024-02-28T03:00:00"),
        ("3d", 0, "1970-01-06T02:00:00", "1970-01-05T00:00:00"),
        ("1w", 0, "2024-02-29T13:37:42", "2024-02-26T00:00:00"),
        ("1w", 8, "2024-02-25T17:00:00", "2024-02-25T16:00:00"),
        ("1M", 0, "2024-02-29T13:37:42", "2024-02-01T00:00:00"),
        ("1M", 8, "2024-02-29T17:37:42", "2024-02-29T16:00:00"),
    ],
)
def test_candles_open_where_the_venue_opens_them(name, offset, time, opened):
    interval = Interval.named(name, int(offset * HOUR))
    assert interval.opens(interval.number(ms(time)), 1).tolist() == [ms(opened)]


@pytest.mark.parametrize("name", INTERVALS)
def test_candles_follow_each_other_without_gap_or_overlap(name):
    interval = Interval.named(name, 2 * HOUR)
    opens = interval.opens(interval.number(ms("2023-11-30T12:00")), 50)
    assert [interval.number(int(time)) for time in opens] == list(
        range(interval.number(int(opens[0])), interval.number(int(opens[0])) + 50)
    )
    assert [interval.number(int(time) - 1) for time in opens[1:]] == [
        interval.number(int(time)) for time in opens[:-1]
    ]


@pytest.mark.parametrize("name", ["1", "1H", "2w", "", "60m"])
def test_an_interval_nobody_knows_is_a_key_error(name):
    with pytest.raises(KeyError):
        Interval.named(name)
