"""Errors by what the caller may do about them; one root.

TradingError
├── ConfigurationError      fix the settings and start again
├── InvalidRequest          change the request
│   ├── UnknownSymbol       the venue has no such symbol
│   ├── NotRegistered       register the symbol first
│   ├── AlreadyRegistered   nothing to do
│   ├── NotFound            no order or job with that id
│   ├── StopTooLate         the price is beyond that stop already
│   ├── Unfit               the venue's filters would refuse it; see `filters`
│   ├── NotAllowed          our own rules refuse it; nothing was sent
│   │   └── RiskRefused     a rule of the risk gate does, and says which
│   └── KeyReused           an Idempotency-Key came back with another body
├── StorageError            the database cannot be used
└── ExchangeError
    ├── Unreachable         nothing happened there; safe to retry
    ├── OutcomeUnknown      it may have happened; ask, never resend
    ├── RateLimited         wait `retry_after` seconds
    ├── CircuitOpen         we stopped asking, for `retry_after` seconds
    ├── Unreadable          an answer that is no answer
    └── Rejected            the venue said no, with its code and reason
        ├── InsufficientFunds
        ├── OrderNotFound
        └── DuplicateOrder
"""

from __future__ import annotations

from collections.abc import Mapping


class TradingError(Exception):
    """Root of every error this program raises on purpose."""


class ConfigurationError(TradingError):
    """A setting is wrong; the text says which and what to do."""


class InvalidRequest(TradingError):
    """The request cannot be served as it stands; change it."""


class UnknownSymbol(InvalidRequest):
    """The venue lists no such symbol."""


class NotRegistered(InvalidRequest):
    """The symbol is not registered here."""


class AlreadyRegistered(InvalidRequest):
    """The symbol is registered and active already."""


class NotFound(InvalidRequest):
    """There is nothing under that id."""


class StopTooLate(InvalidRequest):
    """A stop would trigger at once: the price is beyond it already."""


class NotAllowed(InvalidRequest):
    """Our own rules refuse it; nothing was sent."""


class NotHeld(NotAllowed):
    """The account has less than is believed to be held there; somebody has to mend that first."""


class RiskRefused(NotAllowed):
    """The risk gate refuses an order: which `check`, and the `figures` it went by."""

    def __init__(
        self, reason: str, check: str = "", figures: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(reason)
        self.check = check
        self.figures = figures or {}


class KeyReused(InvalidRequest):
    """An Idempotency-Key came back with a different request."""


class StorageError(TradingError):
    """The database cannot be opened, locked or trusted."""


class ExchangeError(TradingError):
    """Something between us and the venue."""


class Unreachable(ExchangeError):
    """The venue did not answer and nothing happened there; safe to retry."""


class OutcomeUnknown(ExchangeError):
    """A state-changing call may or may not have happened; look it up, never resend."""


class RateLimited(ExchangeError):
    """The venue refuses for `retry_after` seconds; `only_orders`: new orders and nothing else."""

    def __init__(self, message: str, *, retry_after: float, only_orders: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.only_orders = only_orders


class CircuitOpen(ExchangeError):
    """We do not ask the venue for `retry_after` seconds, after repeated failures."""

    def __init__(self, message: str, *, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreadable(ExchangeError):
    """The venue answered with something that is not an answer."""


class Rejected(ExchangeError):
    """The venue refused: `code` is its number, `reason` its words."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason} ({code})")
        self.code = code
        self.reason = reason


class InsufficientFunds(Rejected):
    """Not enough free balance."""


class OrderNotFound(Rejected):
    """The venue knows no such order (a single such answer is no proof)."""


class DuplicateOrder(Rejected):
    """An open order already carries this client order id."""
