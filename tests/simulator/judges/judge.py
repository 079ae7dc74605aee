"""What every judge tells in the same words, whatever its client calls it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple


class Market(NamedTuple):
    """A listed symbol as the client understood it."""

    tick: Decimal
    step: Decimal
    min_notional: Decimal
    active: bool


class Fill(NamedTuple):
    """One execution."""

    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str


@dataclass(kw_only=True)
class Outcome:
    """An order after a call: status in Binance's words."""

    id: int
    client_id: str
    status: str
    executed: Decimal
    quote: Decimal
    fills: list[Fill] = field(default_factory=list)


class Refusal(Exception):
    """The venue said no; a client that swallows the code tells None."""

    def __init__(self, code: int | None, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Clock:
    """The exchange's time: it stands still until moved."""

    def __init__(self, milliseconds: int) -> None:
        self.now = milliseconds

    def __call__(self) -> int:
        return self.now


def outcome(raw: dict) -> Outcome:
    """An order as the wire has it, for clients that do not translate."""
    return Outcome(
        id=raw["orderId"],
        client_id=raw.get("origClientOrderId") or raw["clientOrderId"],
        status=raw.get("status", "ACK"),
        executed=Decimal(raw.get("executedQty", "0")),
        quote=Decimal(raw.get("cummulativeQuoteQty", "0")),
        fills=[
            Fill(
                Decimal(f["price"]),
                Decimal(f["qty"]),
                Decimal(f["commission"]),
                f["commissionAsset"],
            )
            for f in raw.get("fills", [])
        ],
    )


def market(raw: dict) -> Market:
    """An exchangeInfo entry, for clients that do not translate."""
    filters = {entry["filterType"]: entry for entry in raw["filters"]}
    return Market(
        tick=Decimal(filters["PRICE_FILTER"]["tickSize"]),
        step=Decimal(filters["LOT_SIZE"]["stepSize"]),
        min_notional=Decimal(filters["NOTIONAL"]["minNotional"]),
        active=raw["status"] == "TRADING",
    )
