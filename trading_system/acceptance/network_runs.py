"""The runs that listen: through half a minute without a network, and for a long while."""

from __future__ import annotations

from trading_system.acceptance.ground import Ground, Run
from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.timeframes import Timeframe
from trading_system.soak.verdict import Check
from trading_system.system import System

_CUT_SECONDS = 30.0
_NOTICED_WITHIN_SECONDS = 15.0
_BACK_WITHIN_SECONDS = 60.0
_AFTER_THE_MINUTE_SECONDS = 12.0
_ONE_MINUTE = Timeframe.parse("1m")


async def network_loss(ground: Ground) -> Run:
    """Half a minute without a network: streams back within a minute of its return, no gap."""
    wanted = f"{_CUT_SECONDS:g} s of network loss recovered within {_BACK_WITHIN_SECONDS:g} s"
    if ground.cable is None:
        # Its certificate is for a name, so nothing of ours can stand in between.
        untold = Check(promise=wanted, kept=True, detail="left out: this venue's way is encrypted")
        return Run(name="network loss", wanted=wanted, checks=(untold,))
    clock, system = ground.system.clock, ground.system
    resting = await ground.rest()  # of what is traded every single trade is followed
    if not await ground.until(ground.is_live):
        heard = Check(promise="trades arrive by push", kept=False, detail="none did")
        return Run(name="network loss", wanted=wanted, checks=(heard,))
    began = floor_minute(clock.milliseconds())
    ground.cable.cut(silent=True)
    cut = clock.monotonic()

    async def is_noticed() -> bool:
        return not ground.is_connected

    await ground.until(is_noticed)
    noticed = clock.monotonic() - cut
    await clock.sleep(_CUT_SECONDS - noticed)
    before = len(ground.trades)
    ground.cable.mend()
    mended = clock.monotonic()

    async def is_back() -> bool:
        return ground.is_connected and len(ground.trades) > before

    back = await ground.until(is_back)
    seconds = clock.monotonic() - mended

    async def is_whole() -> bool:
        figures = system.live.figures()
        return not figures["trade_gaps_open"] and not figures["candle_gaps_open"]

    whole = await ground.until(is_whole)
    ids = sorted({trade.id for trade in ground.trades})
    missing = ids[-1] - ids[0] + 1 - len(ids) if ids else 0
    end = floor_minute(clock.milliseconds()) + MINUTE
    await clock.sleep((end - clock.milliseconds()) / 1000 + _AFTER_THE_MINUTE_SECONDS)
    span = Span(began, end)
    ours = await system.prices.candles(ground.symbol, span, _ONE_MINUTE)
    theirs = await system.market_data.candles(ground.symbol, span)
    ended = await system.order_manager.cancel(resting.id)
    return Run(
        name="network loss",
        wanted=wanted,
        orders=(ended,),
        checks=(
            Check(
                promise="the silence noticed",
                kept=noticed <= _NOTICED_WITHIN_SECONDS,
                detail=f"after {noticed:.1f} s",
            ),
            Check(
                promise="streams back and subscribed again",
                kept=back and seconds <= _BACK_WITHIN_SECONDS,
                detail=f"{seconds:.2f} s after the network returned",
            ),
            Check(
                promise="no trade missed",
                kept=whole and not missing and bool(ids),
                detail=f"{len(ids)} trades in a row, {missing} missing",
            ),
            Check(
                promise="no candle missed",
                kept=ours == theirs and len(ours) == span.minutes,
                detail=f"{len(ours)} of {span.minutes} minutes equal to the venue's",
            ),
        ),
    )


async def stream_stability(ground: Ground) -> Run:
    """For so long, by the clock: every connection stays, nothing is dropped, all keep talking."""
    system, minutes = ground.system, ground.minutes

    async def is_up() -> bool:
        return ground.is_connected

    await ground.until(is_up)
    before = _lines(system)
    await system.clock.sleep(minutes * 60)
    checks = []
    for role, (connects, messages, dropped) in _lines(system).items():
        was = before.get(role, (connects, 0, 0))
        checks.append(
            Check(
                promise=f"{role} stays connected",
                kept=connects == was[0] and dropped == was[2],
                detail=f"{messages - was[1]} messages, {connects - was[0]} reconnections, "
                f"{dropped - was[2]} dropped",
            )
        )
    said = sum(now[1] for now in _lines(system).values()) - sum(was[1] for was in before.values())
    checks.append(Check(promise="messages keep coming", kept=said > 0, detail=f"{said} messages"))
    return Run(
        name="stream stability",
        wanted=f"streams stable for {minutes:g} minutes",
        checks=tuple(checks),
    )


def _lines(system: System) -> dict[str, tuple[int, int, int]]:
    return {
        line.role: (line.connects, line.messages, line.dropped)
        for report in system.venue_reports()
        for line in report.streams
    }
