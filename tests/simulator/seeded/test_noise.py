import numpy as np
import pytest

from trading_system.simulator.seeded.noise import Noise

PLACES = np.arange(100_000)


def test_noise_depends_on_nothing_but_seed_symbol_topic_and_place():
    alone = Noise(1, "BTCUSDT").normals(3, np.array([77]))
    among_others = Noise(1, "BTCUSDT").normals(3, PLACES.reshape(100, 1000))
    assert among_others.ravel()[77] == alone[0]


@pytest.mark.parametrize(
    ("seed", "symbol", "topic"), [(2, "BTCUSDT", 3), (1, "ETHUSDT", 3), (1, "BTCUSDT", 4)]
)
def test_another_seed_symbol_or_topic_is_unrelated(seed: int, symbol: str, topic: int):
    one = Noise(1, "BTCUSDT").normals(3, PLACES)
    other = Noise(seed, symbol).normals(topic, PLACES)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


def test_these_very_numbers_are_the_market_of_everyone_who_has_this_version():
    lanes = Noise(1, "BTCUSDT").lanes(5, np.array([0, 1_700_000_000_000]))
    assert (lanes * 65_536 - 0.5).astype(int).T.tolist() == [
        [60109, 29196, 43806, 58610],
        [49221, 40520, 51658, 7916],
    ]


def test_uniforms_are_strictly_inside_0_and_1_and_even():
    lanes = Noise(1, "X").lanes(0, PLACES)
    assert lanes.shape == (4, len(PLACES))
    assert lanes.min() > 0
    assert lanes.max() < 1
    assert abs(lanes.mean(axis=1) - 0.5).max() < 0.005
    assert abs(np.corrcoef(lanes) - np.eye(4)).max() < 0.02


def test_normals_have_mean_0_and_variance_1_and_no_memory():
    normals = Noise(1, "X").normals(0, PLACES)
    assert abs(normals.mean()) < 0.02
    assert abs(normals.var() - 1) < 0.02
    assert abs(np.corrcoef(normals[1:], normals[:-1])[0, 1]) < 0.02
