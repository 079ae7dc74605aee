"""GET /instruments: what the venue lists, and the rules that orders must pass there."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Query

from trading_system.api.dependencies import Limit, SymbolInPath, System
from trading_system.api.documentation import problems
from trading_system.api.scalars import DecimalOut, SymbolText
from trading_system.api.schemas import Out, example
from trading_system.domain.errors import UnknownSymbol, Unreachable
from trading_system.domain.instruments import Instrument

router = APIRouter(prefix="/instruments", tags=["symbols"])


class InstrumentOut(Out):
    """A symbol with the venue's rules; null where it sets no bound.

    Prices go in steps of `tick_size`, quantities of `step_size`; those that begin with `market_`
    are of market orders. `order_lists` are the kinds of lists that are taken.
    """

    model_config = example(
        symbol="BTC/USDT",
        venue_id="BTCUSDT",
        tradable=True,
        order_types=["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"],
        order_lists=["OCO", "OTO", "OTOCO"],
        tick_size="0.01",
        min_price="0.01",
        max_price="1000000",
        step_size="0.00001",
        min_quantity="0.00001",
        max_quantity="9000",
        market_step_size=None,
        market_min_quantity=None,
        market_max_quantity="107.3",
        min_notional="5",
        max_notional="9000000",
        iceberg_parts=100,
        trailing_delta_above=[10, 2000],
        trailing_delta_below=[10, 2000],
        quote_quantity_allowed=True,
    )

    symbol: SymbolText
    venue_id: str
    tradable: bool
    order_types: list[str]
    order_lists: list[str]
    tick_size: DecimalOut
    min_price: DecimalOut | None
    max_price: DecimalOut | None
    step_size: DecimalOut
    min_quantity: DecimalOut
    max_quantity: DecimalOut
    market_step_size: DecimalOut | None
    market_min_quantity: DecimalOut | None
    market_max_quantity: DecimalOut | None
    min_notional: DecimalOut | None
    max_notional: DecimalOut | None
    iceberg_parts: int | None
    trailing_delta_above: tuple[int, int]
    trailing_delta_below: tuple[int, int]
    quote_quantity_allowed: bool

    @classmethod
    def of(cls, instrument: Instrument) -> Self:
        """Made from the instrument; a bound of zero is none."""
        return cls(
            symbol=instrument.symbol,
            venue_id=instrument.venue_id,
            tradable=instrument.tradable,
            order_types=sorted(instrument.order_types),
            order_lists=sorted(instrument.list_kinds),
            tick_size=instrument.tick_size,
            min_price=instrument.min_price or None,
            max_price=instrument.max_price or None,
            step_size=instrument.step_size,
            min_quantity=instrument.min_quantity,
            max_quantity=instrument.max_quantity,
            market_step_size=instrument.market_step_size or None,
            market_min_quantity=instrument.market_min_quantity or None,
            market_max_quantity=instrument.market_max_quantity or None,
            min_notional=instrument.min_notional,
            max_notional=instrument.max_notional,
            iceberg_parts=instrument.iceberg_parts,
            trailing_delta_above=instrument.trailing_above,
            trailing_delta_below=instrument.trailing_below,
            quote_quantity_allowed=instrument.quote_quantity_allowed,
        )


@router.get("", summary="What the venue lists", responses=problems(Unreachable))
async def list_instruments(
    parts: System,
    quote: Annotated[
        str | None, Query(description="Only pairs with this quote asset", examples=["USDT"])
    ] = None,
    limit: Limit = 500,
) -> list[InstrumentOut]:
    """Every pair of the venue that trades, sorted by name, with its rules."""
    listed = await parts.listing.instruments()
    wanted = sorted(symbol for symbol in listed if quote is None or symbol.quote == quote.upper())
    return [InstrumentOut.of(listed[symbol]) for symbol in wanted[:limit]]


@router.get(
    "/{symbol}", summary="The rules of one pair", responses=problems(UnknownSymbol, Unreachable)
)
async def get_instrument(parts: System, symbol: SymbolInPath) -> InstrumentOut:
    """Steps, minimums and allowed types, as the venue has told them last."""
    listed = await parts.listing.instruments()
    if symbol not in listed:
        raise UnknownSymbol(f"the venue lists no {symbol}")
    return InstrumentOut.of(listed[symbol])
