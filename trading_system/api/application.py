"""The FastAPI application: routes, errors, guard. It has no lifespan: the system runs beside it."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from trading_system.api import documentation, errors, pages
from trading_system.api.dependencies import Parts
from trading_system.api.routes import (
    account,
    backfills,
    backtests,
    book,
    control,
    events,
    gaps,
    health,
    instruments,
    leverage,
    order_lists,
    orders,
    parity,
    plots,
    portfolio,
    positions,
    prices,
    reconciliation,
    risk,
    stops,
    strategies,
    symbols,
    tickers,
    venue,
)
from trading_system.api.security import ApiOptions, Guard


def create_app(parts: Parts, options: ApiOptions) -> FastAPI:
    """The whole API over these parts, as an ASGI application."""
    app = FastAPI(
        title="Trading system",
        version=version("trading-system"),
        description=documentation.DESCRIPTION,
        docs_url=None,  # FastAPI's own pages load scripts from the internet
        redoc_url=None,
        responses=documentation.everywhere(),
    )
    app.state.parts = parts
    app.add_middleware(Guard, options=options)
    errors.install(app)
    documentation.install(app, secured=options.token is not None)
    for routes in (health, symbols, backfills, prices, gaps, plots, orders, account):
        app.include_router(routes.router)
    for routes in (reconciliation, leverage, tickers, book, events, venue):
        app.include_router(routes.router)
    for routes in (positions, portfolio, stops):
        app.include_router(routes.router)
    for routes in (control, risk, order_lists, instruments):
        app.include_router(routes.router)
    for routes in (strategies, parity, backtests):
        app.include_router(routes.router)
    app.include_router(pages.router)
    return app
