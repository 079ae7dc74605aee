"""The tree of commands; without one, the system is served."""

from __future__ import annotations

import typer

from trading_system.cli import (
    acceptance,
    audit,
    backtest,
    candles,
    control,
    database,
    doctor,
    export,
    instruments,
    live,
    mischief,
    order_lists,
    orders,
    parity,
    portfolio,
    reconciliation,
    rerun,
    serve,
    simulator,
    soak,
    strategies,
    strategy,
    sweep,
    symbols,
)

app = typer.Typer(
    name="trading-system",
    help=(
        "A self-hosted crypto trading system. Without a command it runs: heartbeat, REST API and, "
        "unless VENUE says otherwise, an embedded exchange. Settings: environment or .env, see "
        ".env.example."
    ),
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """Serve when no command is named."""
    if context.invoked_subcommand is None:
        serve.serve()


app.command()(serve.serve)
app.command()(simulator.simulate)
app.add_typer(mischief.app, name="mischief")
app.command("import")(candles.import_archives)
app.command()(candles.backfill)
app.command()(export.export)
orders.app.command()(order_lists.oco)
orders.app.command()(order_lists.oto)
orders.app.command()(order_lists.otoco)
orders.app.command("list")(order_lists.show_list)
orders.app.command("cancel-list")(order_lists.cancel_list)
app.add_typer(orders.app, name="order")
app.command()(instruments.instrument)
app.command()(reconciliation.reconcile)
app.command()(control.pause)
app.command()(control.resume)
app.command()(control.kill)
app.command()(control.arm)
app.command()(control.control)
app.add_typer(symbols.app, name="symbols")
app.command()(live.tickers)
app.command()(live.book)
app.command()(live.events)
app.command()(live.venue)
app.command()(portfolio.positions)
app.command()(portfolio.portfolio)
app.add_typer(portfolio.app, name="stops")
app.command()(doctor.doctor)
app.command()(soak.soak)
app.command()(acceptance.acceptance)
app.add_typer(database.app, name="db")
app.command()(audit.audit)
app.add_typer(strategy.app, name="strategy")
app.command()(strategies.strategies)
app.command()(strategies.check)
app.command()(backtest.backtest)
app.command()(rerun.rerun)
app.command()(sweep.sweep)
app.command()(parity.parity)
