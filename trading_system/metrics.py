"""Figures for Prometheus: counters fed by the bus and gauges read when somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from trading_system.bus import Bus
from trading_system.domain.events import OrderChanged, OrderRefused

Gauges = Callable[[], Mapping[str, tuple[str, float]]]
"""Name -> (what it means, value now)."""


class Metrics:
    """One registry of this system's own figures; nothing global, so that tests can have many."""

    def __init__(self, *, bus: Bus, gauges: Gauges) -> None:
        self._registry = CollectorRegistry()
        changes = Counter(
            "trading_order_changes",
            "Steps that orders took, by the status reached",
            ["status"],
            registry=self._registry,
        )
        refusals = Counter(
            "trading_order_refusals",
            "Requests our own rules refused",
            registry=self._registry,
        )
        self._registry.register(_OnLook(gauges))
        bus.subscribe(OrderChanged, lambda event: changes.labels(event.order.status).inc())
        bus.subscribe(OrderRefused, lambda _: refusals.inc())

    def render(self) -> bytes:
        """The text a Prometheus server reads."""
        return generate_latest(self._registry)


class _OnLook(Collector):
    """Reads the gauges at the moment they are asked for."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        for name, (meaning, value) in self._gauges().items():
            yield GaugeMetricFamily(f"trading_{name}", meaning, value=value)
