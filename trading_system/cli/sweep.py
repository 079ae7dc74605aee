"""`trading-system sweep`: many combinations of parameters, the best, and how real they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading_system.backtest.rules import Rules
from trading_system.cli.backtest import Data, End, Start, Symbol, Timeframe
from trading_system.cli.rule_options import ruled
from trading_system.cli.running import INTERRUPTED, console, errors, explained, settings
from trading_system.cli.strategies import Files, Folder, Name, chosen
from trading_system.research.engines.places import Place

if TYPE_CHECKING:
    from trading_system.research.objectives import Objective
    from trading_system.research.sweeping import Job, Plan, Progress
    from trading_system.strategies.base import Strategy

_SEARCH, _WHERE, _REAL = "Search", "Where it runs", "How real it is"

Axes = Annotated[
    list[str] | None,
    typer.Option("--param", help="An axis: fast=5:90:5, fast=1:64:*2, fast=5,10 or fast=20."),
]
Conditions = Annotated[
    list[str] | None,
    typer.Option("--where", help='A condition, like "fast * 2 < slow"; may be repeated.'),
]
Way = Annotated[
    str,
    typer.Option(
        "--search",
        help="grid: all; random: some; or a sampler of Optuna's, e.g. tpe.",
        rich_help_panel=_SEARCH,
    ),
]
Trials = Annotated[int, typer.Option(min=1, help="How many, unless all.", rich_help_panel=_SEARCH)]
Seed = Annotated[int, typer.Option(min=0, help="Of all chance.", rich_help_panel=_SEARCH)]
Study = Annotated[
    str | None,
    typer.Option(help="Optuna's storage: sqlite:///study.db …", rich_help_panel=_SEARCH),
]
Metric = Annotated[
    str, typer.Option("--objective", help="The metric to rank by.", rich_help_panel=_SEARCH)
]
Engine = Annotated[
    Place, typer.Option("--engine", help="All cores, or a cluster.", rich_help_panel=_WHERE)
]
Address = Annotated[
    str | None,
    typer.Option(help="Of the cluster; `local` starts one here.", rich_help_panel=_WHERE),
]
Windows = Annotated[
    str | None,
    typer.Option(
        "--walk-forward",
        help="train=90d,test=30d: choose on the one, trade the other; also …,anchored.",
        rich_help_panel=_REAL,
    ),
]
Permutations = Annotated[
    int,
    typer.Option(
        min=0, help="So many markets with shuffled bars tell the p-value.", rich_help_panel=_REAL
    ),
]
Best = Annotated[int, typer.Option(min=1, help="How many of the best to show.")]


@explained
@ruled
def sweep(
    strategy: Name,
    symbol: Symbol,
    start: Start,
    end: End,
    rules: Rules,
    timeframe: Timeframe = "1h",
    param: Axes = None,
    where: Conditions = None,
    data: Data = None,
    way: Way = "grid",
    trials: Trials = 100,
    seed: Seed = 0,
    study: Study = None,
    objective: Metric = "sharpe",
    engine: Engine = Place.LOCAL,
    address: Address = None,
    walk_forward: Windows = None,
    permutations: Permutations = 0,
    best: Best = 10,
    file: Files = None,
    folder: Folder = None,
) -> None:
    """Judge many combinations of parameters on the same candles.

    What a strategy refuses, like fast=50 slow=20, is passed over. Results go
    to a folder in RESULTS_DIR: a table (Parquet) with a row a combination,
    and a page with a heat map. A sweep that was stopped, even killed, goes
    on where it was when the same command is run again.

    The deflated Sharpe says whether the best is better than luck with as
    many trials; what lies beside it, whether it stands on a plateau.

    Example: trading-system sweep sma_cross --symbol BTC/USDT
    --start 2025-06-01 --end 2025-08-01
    --param fast=5:90:5 --param slow=20:300:10 --where "fast < slow"
    --walk-forward train=20d,test=10d --permutations 100
    """
    from trading_system.cli.sweep_tables import show
    from trading_system.research import sweep_table, sweeping
    from trading_system.research.backtest import ready
    from trading_system.research.engines.places import engine as opened_engine
    from trading_system.research.objectives import objective as read_objective
    from trading_system.research.sweep_record import opened
    from trading_system.research.walk_forward import lengths, require_walk

    ready()
    sweep_table.ready()
    plan = sweeping.Plan(way=way, trials=trials, seed=seed, study=study)
    windows = None if walk_forward is None else lengths(walk_forward)
    sweeping.check(plan, windows, permutations)
    ranked_by = read_objective(objective)
    job = _job(
        chosen(strategy, file, folder),
        (param or [], where or []),
        (symbol, timeframe, start, end),
        rules=rules,
        plan=plan,
        objective=ranked_by,
        data=data,
    )
    if windows is not None:
        require_walk(job.question, windows)
    here = opened(settings().results_dir, job.description)
    walked = scores = None
    stopped = False
    try:
        with opened_engine(engine, address) as machine, _progress() as progress:
            sweeping.judge(job, here, machine, progress)
            if windows is not None:
                walked = sweeping.walk(job, windows, machine, progress)
            if permutations:
                scores = sweeping.luck(job, permutations, here, machine, progress)
    except KeyboardInterrupt:
        stopped = True
    found = sweeping.answer(job, here, best, walked=walked, scores=scores)
    paths = sweeping.write(found, job, here)
    show(found, console)
    for path in paths:
        console.print(str(path), markup=False, highlight=False, soft_wrap=True)
    if stopped:
        errors.print("stopped: run the same command again to go on from here", markup=False)
        raise typer.Exit(INTERRUPTED)


def _job(
    kind: type[Strategy],
    axes: tuple[list[str], list[str]],
    span: tuple[str, str, str, str],
    *,
    rules: Rules,
    plan: Plan,
    objective: Objective,
    data: Path | None,
) -> Job:
    """The sweep that was asked for, with its candles."""
    from trading_system.cli.candle_source import candles
    from trading_system.research.configuration import Configuration, read_instant
    from trading_system.research.space import accepted, space, survey
    from trading_system.research.sweeping import Job
    from trading_system.research.trial import Question, code, recipe

    over = space(kind, *axes)
    candidates = plan.candidates(over)
    found = survey(kind, over, candidates)
    _, example = next(accepted(kind, over, candidates))
    symbol, timeframe, start, end = span
    configuration = Configuration.of(
        example,
        symbol=symbol,
        timeframe=timeframe,
        start=read_instant(start),
        end=read_instant(end),
        rules=rules,
    )
    question = Question(
        recipe=recipe(kind),
        space=over,
        history=candles(configuration, found.warmup, data),
        rules=rules,
        code=code(),
    )
    return Job(
        question=question,
        configuration=configuration,
        plan=plan,
        candidates=candidates,
        survey=found,
        objective=objective,
    )


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar for each stage, with the time that is left, on stderr."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    with Progress(*columns, console=errors) as bars:

        def begin(stage: str, total: int) -> Callable[[int], object]:
            bar = bars.add_task(stage, total=total)
            return lambda done: bars.update(bar, completed=done)

        yield begin
