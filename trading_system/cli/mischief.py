"""`trading-system mischief`: have a running exchange of ours misbehave, and stop it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from typer.core import TyperCommand, TyperGroup

from trading_system.cli.running import console, explained, run
from trading_system.domain.errors import ConfigurationError, InvalidRequest, Unreachable

_TIMEOUT_SECONDS = 10.0
_OK = 200

_COMMON = """\
Every kind takes seconds=N (how long it stays, by the exchange's clock). Those aimed at calls, \
events, streams or links also take probability=0.5 and times=N (how often at most). Calls are \
matched as "METHOD /path" with * for anything; events by their name (executionReport), streams by \
theirs (btcusdt@trade), links as streams or ws-api, symbols as BTCUSDT. The same rules in the same \
order have the same luck, as long as the exchange was started with the same seed."""


class _TeachingGroup(TyperGroup):
    """A help that ends with the table of kinds, made only when somebody reads it."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        _teach()


class _TeachingCommand(TyperCommand):
    """The same for one command."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        _teach()


app = typer.Typer(
    help="Have a running exchange of ours misbehave: list, add or clear rules of mischief.",
    no_args_is_help=True,
    cls=_TeachingGroup,
)

Url = Annotated[
    str,
    typer.Option(
        help="Where the exchange listens; that of an embedded one is told by GET /venue of the API."
    ),
]
_URL = "http://127.0.0.1:9000"


@app.command("list")
@explained
def show(url: Url = _URL) -> None:
    """Show the rules in force and what was done so far."""
    run(_show(url))


@app.command(cls=_TeachingCommand)
@explained
def add(
    kind: Annotated[str, typer.Argument(help="One of the kinds below, such as latency.")],
    options: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="ms=300 probability=0.5")
    ] = None,
    url: Url = _URL,
) -> None:
    """Add a rule: `mischief add answer-lost "calls=POST /api/v3/order" times=1`."""
    run(_add(url, {"kind": kind, **dict(_read(option) for option in options or ())}))


@app.command()
@explained
def clear(
    id_: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Of one rule; without it, all end.")
    ] = None,
    url: Url = _URL,
) -> None:
    """End one rule or all of them, and every ban."""
    run(_clear(url, id_))


def read_rules(text: str | None) -> list[dict[str, Any]]:
    """The rules in a JSON text or in a file of that name; ConfigurationError for anything else."""
    if text is None:
        return []
    try:
        if not text.lstrip().startswith(("[", "{")):
            text = Path(text).read_text(encoding="utf-8")
        rules = json.loads(text)
    except (OSError, ValueError) as wrong:
        raise ConfigurationError(f"--mischief is neither a file nor JSON: {wrong}") from wrong
    return rules if isinstance(rules, list) else [rules]


def _read(option: str) -> tuple[str, object]:
    """A number, true or false where it is one; a text otherwise."""
    name, equals, value = option.partition("=")
    if not equals:
        raise InvalidRequest(f"{option} is no KEY=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


async def _show(url: str) -> None:
    state = await _ask("GET", url)
    table = Table("id", "kind", "options", "done", title=None if state["rules"] else "no rule")
    for rule in state["rules"]:
        known = {"id", "kind", "done", "ends"}
        options = " ".join(f"{name}={value}" for name, value in rule.items() if name not in known)
        table.add_row(rule["id"], rule["kind"], escape(options), str(rule["done"]))
    console.print(table)
    done = ", ".join(f"{kind} {count}" for kind, count in state["done"].items()) or "nothing"
    console.print(f"done so far: {done}", highlight=False)
    refused = ", ".join(f"{status}: {count}" for status, count in state["refused"].items())
    console.print(f"refused by the exchange's own limits: {refused}", highlight=False)
    links = ", ".join(f"{kind}: {count}" for kind, count in state["links"].items())
    console.print(f"open connections: {links}", highlight=False)


async def _add(url: str, rule: dict[str, object]) -> None:
    answer = await _ask("POST", url, rule)
    for added in answer["rules"]:
        console.print(f"rule {added['id']}: {added['kind']}", highlight=False)


async def _clear(url: str, id_: str | None) -> None:
    answer = await _ask("DELETE", url, **({} if id_ is None else {"id": id_}))
    console.print(f"ended: {answer['removed']}", highlight=False)


async def _ask(method: str, url: str, content: object = None, **query: str) -> dict[str, Any]:
    """The exchange's answer; Unreachable or InvalidRequest with a text that helps."""
    import httpx

    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            answer = await client.request(
                method, f"{url.rstrip('/')}/mischief", json=content, params=query
            )
        told: dict[str, Any] = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as wrong:
        raise Unreachable(
            f"no exchange of ours answers at {url}: start one with `trading-system simulate`, or "
            "name another --url"
        ) from wrong
    if answer.status_code != _OK:
        raise InvalidRequest(str(told.get("error", told)))
    return told


def _teach() -> None:
    from trading_system.simulator.mischief.rules import KINDS

    table = Table("kind", "what it does", "options and their defaults", show_lines=False)
    for name, kind in KINDS.items():
        table.add_row(name, escape(kind.explanation), escape("\n".join(kind.options)))
    console.print(table)
    console.print(escape(_COMMON), highlight=False)
