"""Settings: the only reader of the environment. Only `system` and `cli` import it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from trading_system.domain.errors import ConfigurationError

_FUNDS = r"^[A-Z0-9]{1,20}=\d+(\.\d+)?( +[A-Z0-9]{1,20}=\d+(\.\d+)?)*$"
_Limit = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] | None
_OFF_WHEN_EMPTY = frozenset(
    {"risk_max_open_orders", "risk_max_price_deviation_percent", "risk_max_price_age_seconds"}
)
"""Limits that are there unless somebody takes them away."""


class LogFormat(StrEnum):
    """`console` for people, `json` for machines."""

    CONSOLE = "console"
    JSON = "json"


class Settings(BaseSettings):
    """Every setting, read from the environment first and `.env` second; see .env.example."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
    )

    venue: str = "sim"
    data_venue: str | None = None
    market_type: Literal["spot", "futures"] = "spot"
    live_trading_armed: Literal["yes", "no"] = "no"
    binance_api_key: SecretStr | None = None
    binance_secret_key: SecretStr | None = None
    recv_window: Annotated[int, Field(ge=1, le=60_000)] = 5_000

    streams: Literal["on", "off"] = "on"
    retry_cap_seconds: Annotated[float, Field(ge=1, le=3_600)] = 30.0
    stream_retry_cap_seconds: Annotated[float, Field(ge=1, le=3_600)] = 30.0
    budget_share_backfill: Annotated[float, Field(gt=0, le=1)] = 0.80
    budget_share_candles: Annotated[float, Field(gt=0, le=1)] = 0.95
    limit_weight_per_minute: Annotated[int, Field(ge=1)] | None = None
    limit_orders_per_10_seconds: Annotated[int, Field(ge=1)] | None = None
    limit_orders_per_day: Annotated[int, Field(ge=1)] | None = None
    budget_dir: Path | None = None
    market_states: str = ""

    strategies_dir: Path | None = None
    strategy_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0

    db_path: Path = Path("data/trading.db")
    results_dir: Path = Path("results")
    cache_dir: Path = Path("data/cache")
    log_dir: Path = Path("logs")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: LogFormat = LogFormat.CONSOLE

    reconcile_seconds: Annotated[float, Field(ge=5, le=86_400)] = 300.0
    reconcile_patience_seconds: Annotated[float, Field(ge=1, le=3_600)] = 60.0
    resend_proven_absent: Literal["yes", "no"] = "no"
    portfolio_quote: Annotated[str, Field(pattern=r"^\w{1,20}$")] = "USDT"

    risk_allowed_symbols: str = ""
    risk_max_order_notional: _Limit = None
    risk_max_order_quantity: str = ""
    risk_max_exposure_per_symbol: _Limit = None
    risk_max_exposure: _Limit = None
    risk_max_open_orders: Annotated[int, Field(ge=0)] | None = 200
    risk_max_orders_per_minute: Annotated[int, Field(ge=0)] | None = None
    risk_max_price_deviation_percent: _Limit = Decimal(15)
    risk_max_price_age_seconds: Annotated[float, Field(gt=0)] | None = 60.0
    risk_daily_loss_limit: _Limit = None
    risk_max_drawdown_percent: _Limit = None
    risk_cool_down_minutes: Annotated[float, Field(gt=0)] = 60.0

    backfill_minutes: Annotated[int, Field(ge=1, le=10_000_000)] = 1_440
    heartbeat_buffer_seconds: Annotated[float, Field(ge=0, le=55)] = 5.0

    api_host: str = "127.0.0.1"
    api_port: Annotated[int, Field(ge=0, le=65_535)] = 8_000
    api_token: SecretStr | None = None

    sim_seed: int = 42
    sim_market: str = "seed"

    paper_market: str = "live"
    paper_funds: Annotated[str, Field(pattern=_FUNDS)] = "USDT=10000"

    _named: str | None = PrivateAttr(default=None)
    """The venue as it was set, where its address has taken the place of its name."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty_ones(cls, told: dict[str, Any]) -> dict[str, Any]:
        """What is empty was not set; of a limit it says that there is none."""
        return {
            name: None if value == "" else value
            for name, value in told.items()
            if value != "" or name in _OFF_WHEN_EMPTY
        }

    @field_validator("venue", "data_venue")
    @classmethod
    def _known_venue(cls, value: str | None) -> str | None:
        if value is None or value in {"sim", "paper", "testnet", "live"}:
            return value
        if value.startswith(("http://", "https://")):
            return value.rstrip("/")
        raise ValueError(
            f"{value!r} is none of sim, paper, testnet, live or a URL like http://127.0.0.1:9000"
        )

    @field_validator("paper_market")
    @classmethod
    def _known_market(cls, value: str) -> str:
        if value in {"testnet", "live"} or value.startswith(("http://", "https://")):
            return value.rstrip("/")
        raise ValueError(f"{value!r} is none of live, testnet or a URL like http://127.0.0.1:9000")

    @model_validator(mode="after")
    def _safe_together(self) -> Self:
        if not _is_loopback(self.api_host) and self.api_token is None:
            raise ValueError(
                f"API_HOST={self.api_host} is reachable from outside: "
                "set API_TOKEN, or use 127.0.0.1"
            )
        if self.data_venue == "paper":
            raise ValueError("DATA_VENUE cannot be paper: leave it empty, or say whose prices")
        if self.venue == "paper" and self.data_venue == "sim":
            raise ValueError("VENUE=paper has the prices of PAPER_MARKET: leave DATA_VENUE empty")
        if (self.binance_api_key is None) != (self.binance_secret_key is None):
            raise ValueError("set BINANCE_API_KEY and BINANCE_SECRET_KEY together, or neither")
        return self

    @property
    def home(self) -> str:
        """Where what a database keeps under these settings happens, told as settings.

        An embedded exchange has another address every time; its name stays.
        """
        return f"VENUE={self._named or self.venue} MARKET_TYPE={self.market_type}"

    def found(self, **changed: object) -> Self:
        """These settings with addresses, and what belongs to them, in the place of names."""
        found = self.model_copy(update=changed)
        found._named = self._named or self.venue  # noqa: SLF001 -- one of us
        return found

    @property
    def risk(self) -> Mapping[str, Any]:
        """The limits of the risk gate, by their own names."""
        return {
            name.removeprefix("risk_"): value for name, value in self if name.startswith("risk_")
        }


def read_settings(**overrides: object) -> Settings:
    """Read the settings; raises ConfigurationError with one readable line per wrong setting."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as invalid:
        raise ConfigurationError("\n".join(_lines(invalid))) from None


def _lines(invalid: ValidationError) -> list[str]:
    lines = []
    for error in invalid.errors(include_url=False):
        name = "_".join(str(part) for part in error["loc"]).upper()
        text = error["msg"].removeprefix("Value error, ")
        # The value itself is not repeated: it may be a secret in the wrong place.
        lines.append(f"{name}: {text}" if name else text)
    return lines


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
