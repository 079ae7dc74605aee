"""Figures for Prometheus: counters fed by the bus and gauges read when somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from trading_system.bus import Bus
from trading_system.domain.events import OrderChanged, OrderRefused, VenueChanged

_LATENCIES = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)

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
        latency = Histogram(
            "trading_order_push_latency_seconds",
            "From the venue's event to its arrival here, of steps told by push",
            buckets=_LATENCIES,
            registry=self._registry,
        )
        ways = Counter(
            "trading_venue_changes",
            "New states of the venue, the circuit breakers and the streams",
            ["part", "state"],
            registry=self._registry,
        )
        self._registry.register(_OnLook(gauges))
        bus.subscribe(OrderChanged, lambda event: changes.labels(event.order.status).inc())
        bus.subscribe(OrderChanged, lambda event: _observe(latency, event.latency_ms))
        bus.subscribe(OrderRefused, lambda _: refusals.inc())
        bus.subscribe(VenueChanged, lambda event: ways.labels(event.part, event.state).inc())

    def render(self) -> bytes:
        """The text a Prometheus server reads."""
        return generate_latest(self._registry)


def _observe(latency: Histogram, milliseconds: int | None) -> None:
    if milliseconds is not None:
        latency.observe(max(milliseconds, 0) / 1000)


class _OnLook(Collector):
    """Reads the gauges at the moment they are asked for."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        for name, (meaning, value) in self._gauges().items():
            yield GaugeMetricFamily(f"trading_{name}", meaning, value=value)
