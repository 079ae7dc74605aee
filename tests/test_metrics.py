"""Figures for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from trading_system.bus import Bus
from trading_system.domain.events import OrderChanged, OrderRefused, VenueChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.metrics import Metrics

REQUEST = OrderRequest(
    symbol=Symbol("BTC", "USDT"), side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(1)
)


def test_what_orders_do_is_counted_and_gauges_are_read_when_asked_for() -> None:
    bus, value = Bus(), {"beats": ("How many", 1.0)}
    metrics = Metrics(bus=bus, gauges=lambda: value)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    order = Order(
        id=UUID(int=1),
        client_order_id="a",
        request=REQUEST,
        status=OrderStatus.FILLED,
        created_at=now,
        updated_at=now,
    )
    bus.publish(OrderChanged(order=order, source="answer"))
    bus.publish(OrderChanged(order=order, source="stream", latency_ms=20))
    bus.publish(OrderRefused(request=REQUEST, reason="no"))
    bus.publish(VenueChanged(part="breaker trading", state="open"))
    value["beats"] = ("How many", 2.0)
    text = metrics.render().decode()
    assert 'trading_order_changes_total{status="FILLED"} 2.0' in text
    assert 'trading_order_push_latency_seconds_bucket{le="0.025"} 1.0' in text
    assert "trading_order_push_latency_seconds_count 1.0" in text
    assert 'trading_venue_changes_total{part="breaker trading",state="open"} 1.0' in text
    assert "trading_order_refusals_total 1.0" in text
    assert "trading_beats 2.0" in text


def test_two_systems_in_one_process_count_apart() -> None:
    first, second = Bus(), Bus()
    ones = Metrics(bus=first, gauges=dict)
    others = Metrics(bus=second, gauges=dict)
    first.publish(OrderRefused(request=REQUEST, reason="no"))
    assert b"refusals_total 1.0" in ones.render()
    assert b"refusals_total 0.0" in others.render()
