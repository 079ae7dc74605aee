"""An option for every rule of a backtest, for each command that plays one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from inspect import Parameter
from typing import Annotated, Any

import typer

from trading_system.backtest.rules import FillRule, Rules, Sizing

_MONEY, _COSTS, _STOPS = "Money and fills", "Costs", "Stops"
_STANDARD = Rules()

_OPTIONS: dict[str, tuple[type, str, str]] = {
    "capital": (float, _MONEY, "In quote asset."),
    "sizing": (Sizing, _MONEY, "A target of 1 is worth all there is, or the capital."),
    "fill": (FillRule, _MONEY, "Decided at a close, done at the next open or at that close."),
    "short": (bool, _MONEY, "Go short below 0 instead of flat."),
    "lot_step": (float, _MONEY, "Quantities are multiples of it."),
    "min_notional": (float, _MONEY, "Orders worth less are skipped."),
    "fee_taker": (float, _COSTS, "Share paid for taking; 0.001 is 0.1 %."),
    "fee_maker": (float, _COSTS, "Share paid for resting."),
    "slippage_bps": (float, _COSTS, "Basis points of the price lost by taking."),
    "spread_bps": (float, _COSTS, "Half of it is lost by taking."),
    "impact": (float, _COSTS, "Lost by taking, times (quantity / volume)²."),
    "stop_loss": (float, _STOPS, "Share of the entry price; 0 for none."),
    "take_profit": (float, _STOPS, "Share of the entry price; 0 for none."),
    "trailing_stop": (float, _STOPS, "Share of the best price since; 0 for none."),
}
_FEE = "The share that both fees are, unless they are named."


def ruled(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes `rules` as one argument, with an option for each of them in its place.

    Raises InvalidRequest for rules that make no sense.
    """

    @wraps(command)
    def run(**given: Any) -> None:
        fee = given.pop("fee")
        rules = {name: given.pop(name) for name in _OPTIONS}
        for name in ("fee_taker", "fee_maker"):
            if rules[name] is None:
                rules[name] = getattr(_STANDARD, name) if fee is None else fee
        command(**given, rules=Rules(**rules))

    signature = inspect.signature(command, eval_str=True)
    own = [each for each in signature.parameters.values() if each.name != "rules"]
    vars(run)["__signature__"] = signature.replace(parameters=[*own, *_options()])
    return run


def _options() -> list[Parameter]:
    options = [_option("fee", float | None, None, _FEE, _COSTS)]
    for name, (kind, panel, words) in _OPTIONS.items():
        named = name.startswith("fee_")
        default = None if named else getattr(_STANDARD, name)
        options.append(_option(name, kind | None if named else kind, default, words, panel))
    return options


def _option(name: str, kind: Any, default: Any, words: str, panel: str) -> Parameter:
    flag = "--" + name.replace("_", "-")
    option = typer.Option(flag, help=words, rich_help_panel=panel)
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )
