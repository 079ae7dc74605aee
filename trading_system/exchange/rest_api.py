"""What differs between Binance's REST APIs, as one value each: everything else is shared code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trading_system.exchange import weights
from trading_system.exchange.faults import SPOT_MEANINGS, Meanings
from trading_system.resilience.limits import Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class RestApi:
    """One API: where its calls go, what they cost, and what its refusals mean.

    `public` and `private` map ccxt's names of the API's sections to paths under the venue's root;
    the first section of each is the one that a call goes to unless `sections` names another.
    """

    name: str
    public: Mapping[str, str]
    private: Mapping[str, str]
    cost: Callable[[str, str, Mapping[str, object]], Cost]
    """Of method, path and parameters, unless the call is one that succeeds for nothing."""
    cost_of_success: Callable[[str, str, Cost], Cost]
    meanings: Meanings
    sections: Mapping[str, str] = field(default_factory=dict)

    def section(self, path: str, *, signed: bool) -> str:
        """Ccxt's name of the section this call belongs to."""
        return self.sections.get(path) or next(iter(self.private if signed else self.public))


SPOT = RestApi(
    name="spot",
    public={"public": "/api/v3"},
    private={"private": "/api/v3"},
    cost=weights.cost,
    cost_of_success=weights.cost_of_success,
    meanings=SPOT_MEANINGS,
)
