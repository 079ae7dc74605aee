import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from trading_system.simulator.seeded.shares import apportion, centred, pour

totals = st.integers(0, 1 << 62)
weights = st.lists(st.floats(0.001, 1000), min_size=1, max_size=40)
rooms = st.lists(st.integers(0, 1 << 50), min_size=1, max_size=40)


@given(totals, weights)
@example((1 << 61) + 1, [1.0, 2.0, 3.0])
def test_shares_add_up_to_the_total_whatever_its_size(total, weights):
    shares = apportion(np.array([total]), np.array(weights))
    assert shares.sum() == total
    assert (shares >= 0).all()


@given(st.integers(0, 1 << 40), weights)
def test_no_share_is_more_than_a_unit_from_its_due(total, weights):
    due = total * np.array(weights) / sum(weights)
    assert abs(apportion(np.array([total]), np.array(weights)) - due).max() < 1.01


def test_a_weight_of_0_gets_nothing():
    assert apportion(np.array([7]), np.array([1.0, 0.0, 2.0, 0.0])).tolist() == [2, 0, 5, 0]


def test_rows_are_apportioned_each_for_itself():
    shares = apportion(np.array([[10], [3]]), np.array([[1.0, 1.0], [0.5, 1.0]]))
    assert shares.tolist() == [[5, 5], [1, 2]]


@given(st.integers(0, 1 << 50), rooms)
def test_poured_is_all_that_fits_and_no_vessel_overflows(amount, rooms):
    room = np.array(rooms)
    poured = pour(np.array([amount]), room)
    assert poured.sum() == min(amount, sum(rooms))
    assert ((poured >= 0) & (poured <= room)).all()


def test_vessels_fill_from_the_left():
    assert pour(np.array([7]), np.array([5, 0, 4, 9])).tolist() == [5, 0, 2, 0]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 1000)), min_size=1, max_size=20),
    st.floats(0, 1),
)
def test_centred_values_stay_in_bounds_and_have_the_mean_asked_for(pairs, target):
    values = np.array([pair[0] for pair in pairs])
    counts = np.array([pair[1] for pair in pairs])
    moved = centred(values, counts, np.array([target]))
    assert moved.min() >= 0
    assert moved.max() <= 1 + 1e-12
    assert abs((moved * counts).sum() / counts.sum() - target) < 1e-9
