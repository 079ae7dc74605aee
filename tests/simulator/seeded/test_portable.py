import numpy as np
import pytest

from trading_system.simulator.seeded.portable import exp, log


@pytest.mark.parametrize(("ours", "numpys"), [(exp, np.exp), (log, np.log)])
def test_results_have_no_more_bits_than_every_processor_agrees_about(ours, numpys):
    values = np.linspace(0.01, 20, 10_000)
    results = ours(values)
    assert (results == results.astype(np.float32)).all()
    assert np.allclose(results, numpys(values), rtol=1e-7)
