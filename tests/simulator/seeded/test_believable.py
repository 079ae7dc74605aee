"""The seeded market looks like a market: the stylised facts of returns, over three months."""

import numpy as np
import pytest

from tests.simulator.seeded.markets import LISTED
from trading_system.simulator.seeded.candles import Candles
from trading_system.simulator.seeded.intervals import Interval
from trading_system.simulator.seeded.path import SeededPath

DAY = 86_400_000
START = 1_735_689_600_000  # 2025-01-01
DAYS = 90

MARKETS = [(seed, symbol) for seed in (1, 2) for symbol in ("BTCUSDT", "XRPUSDT", "ETHBTC")]


def quarter(seed: int, symbol: str, interval: str = "1m") -> Candles:
    path, grid = SeededPath(seed, LISTED[symbol]), Interval.named(interval)
    first = grid.number(START)
    count = grid.number(START + DAYS * DAY) - first
    return path.page(grid, first, count, START + 1000 * DAY).candles


def returns(candles: Candles) -> np.ndarray:
    return np.diff(np.log(candles.close))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1])


@pytest.fixture(scope="module", params=MARKETS, ids=lambda market: f"{market[1]}-{market[0]}")
def minutes(request) -> Candles:
    return quarter(*request.param)


def test_returns_have_fat_tails(minutes):
    moves = returns(minutes)
    assert ((moves - moves.mean()) ** 4).mean() / moves.var() ** 2 > 5


def test_volatility_clusters_but_returns_cannot_be_foretold(minutes):
    moves = returns(minutes)
    assert correlation(abs(moves[60:]), abs(moves[:-60])) > 0.05
    assert abs(correlation(moves[1:], moves[:-1])) < 0.1
    assert abs(correlation(moves[5:], moves[:-5])) < 0.1


def test_volume_goes_with_the_range(minutes):
    volume, span = minutes.volume.sum(axis=0), minutes.high - minutes.low
    assert correlation(np.log(volume), np.log(span + 1)) > 0.3
    assert correlation(volume, span) > 0.2


def test_takers_buy_when_the_price_rises(minutes):
    share = minutes.volume[0] / minutes.volume.sum(axis=0)
    assert correlation(share, np.sign(minutes.close - minutes.open)) > 0.1


def test_the_day_has_a_rhythm(minutes):
    hour = minutes.start[1:] // 3_600_000 % 24
    size = np.array([abs(returns(minutes))[hour == k].mean() for k in range(24)])
    assert size[13:17].mean() > 1.5 * size[1:5].mean()


def test_volatility_is_the_same_by_the_minute_and_by_the_day(minutes):
    by_minute = (returns(minutes) ** 2).sum()
    by_hour = (np.diff(np.log(minutes.close[59::60])) ** 2).sum()
    by_day = (np.diff(np.log(minutes.close[1439::1440])) ** 2).sum()
    assert 0.6 < by_hour / by_minute < 1.6
    assert 0.4 < by_day / by_minute < 2.5


def test_volatility_is_of_a_usual_size(minutes):
    assert 0.2 < np.sqrt((returns(minutes) ** 2).sum() * 365 / DAYS) < 2.0


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "ADAUSDT", "ETHBTC", list(LISTED)[50]])
def test_the_years_are_30_to_150_percent_volatile(symbol):
    path, grid = SeededPath(1, LISTED[symbol]), Interval.named("1d")
    days = path.page(grid, grid.number(START) - 1500, 2000, START + 1000 * DAY).candles
    assert 0.3 < returns(days).std() * np.sqrt(365) < 1.5


def test_well_known_pairs_trade_often_and_small_ones_now_and_then():
    assert 200 < quarter(1, "BTCUSDT").trades.mean() < 600
    assert 5 < quarter(1, list(LISTED)[50]).trades.mean() < 60


def test_every_minute_trades_and_most_move(minutes):
    assert minutes.trades.min() > 0
    assert (minutes.high > minutes.low).mean() > 0.9
