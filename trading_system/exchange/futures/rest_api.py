"""The REST API of USD-M futures, most of it at version 1."""

from __future__ import annotations

from trading_system.exchange.faults import FUTURES_MEANINGS
from trading_system.exchange.futures import weights
from trading_system.exchange.rest_api import RestApi

FUTURES = RestApi(
    name="futures",
    public={"fapiPublic": "/fapi/v1"},
    private={"fapiPrivate": "/fapi/v1", "fapiPrivateV3": "/fapi/v3"},
    sections=dict.fromkeys(("account", "balance", "positionRisk"), "fapiPrivateV3"),
    cost=weights.cost,
    cost_of_success=weights.cost_of_success,
    meanings=FUTURES_MEANINGS,
)
