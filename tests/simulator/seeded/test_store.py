from trading_system.simulator.seeded.store import Store


def test_a_value_is_made_once_and_the_one_used_longest_ago_is_forgotten():
    made = []
    store: Store[str] = Store(2)

    def get(key: str) -> str:
        return store.get(key, lambda: made.append(key) or key.upper())

    assert [get(key) for key in "abacab"] == ["A", "B", "A", "C", "A", "B"]
    assert made == ["a", "b", "c", "b"]
    assert len(store) == 2
