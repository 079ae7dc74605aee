"""The rules of a backtest once more: slow, obvious, bar by bar, written against `Rules` alone."""

from __future__ import annotations

import math


class Reference:
    """One run: `fills` as (bar, reason, quantity, price, fee), `trades` and `equity` by bar."""

    def __init__(self, frame, targets, rules):
        self.frame, self.rules = frame, rules
        self.cash, self.units = rules.capital, 0.0
        self.fills, self.trades, self.equity = [], [], []
        self.trade = None
        self.ruined = False
        previous = 0.0
        wish = None
        for bar in range(len(targets)):
            if wish is not None:
                self.order(bar, frame.open[bar], wish)
                wish = None
            self.stops(bar)
            target = targets[bar] if rules.short else max(targets[bar], 0.0)
            if target != previous:
                if rules.fill == "close":
                    self.order(bar, frame.close[bar], target)
                else:
                    wish = target
            previous = target
            self.short_of_everything(bar)
            self.equity.append(self.cash + self.units * frame.close[bar])
        if self.trade:
            self.end(bar, "open", self.units, frame.close[bar])

    def order(self, bar, price, target):
        if self.ruined:
            return
        rules, fee = self.rules, 1 + self.rules.fee_taker
        worth = self.worth(target, self.cash + self.units * price)
        distance = worth / (price * fee) - self.units
        buy = distance > 0
        paid = self.slipped(bar, price, buy, abs(distance))
        if self.units * target < 0:
            leaving = abs(self.units) * paid * rules.fee_taker
            worth = self.worth(target, self.cash + self.units * paid - leaving)
        wanted = worth / (paid * fee)
        if rules.lot_step:
            lots = math.floor(abs(wanted) / rules.lot_step + 1e-9)
            wanted = math.copysign(lots * rules.lot_step, wanted)
        quantity = wanted - self.units
        against = quantity <= 0 if buy else quantity >= 0
        if not against and abs(quantity) * paid >= rules.min_notional:
            self.execute(bar, "signal", quantity, paid, rules.fee_taker)

    def worth(self, target, equity):
        basis = self.rules.capital if self.rules.sizing == "fixed" else equity
        return math.copysign(max(min(abs(target) * basis, equity), 0), target)

    def slipped(self, bar, price, buy, quantity):
        rules, volume = self.rules, self.frame.volume[bar]
        share = min(quantity / volume, 1) if volume > 0 else 1
        slippage = (rules.slippage_bps + rules.spread_bps / 2) / 10_000
        slippage = slippage + rules.impact * share * share
        return price * (1 + slippage) if buy else price * (1 - slippage)

    def stops(self, bar):
        if not self.units:
            return
        rules, trade = self.rules, self.trade
        opened, high, low = (c[bar] for c in (self.frame.open, self.frame.high, self.frame.low))
        long = self.units > 0
        entry = trade["entry_value"] / trade["entered"]
        away = (lambda share: 1 - share) if long else (lambda share: 1 + share)
        stops = []
        if rules.stop_loss:
            stops.append((entry * away(rules.stop_loss), "stop_loss"))
        if rules.trailing_stop:
            stops.append((trade["best"] * away(rules.trailing_stop), "trailing_stop"))
        if stops:
            nearest = max if long else min
            stop, reason = nearest(stops, key=lambda pair: pair[0])
            if (low <= stop) if long else (high >= stop):
                price = min(opened, stop) if long else max(opened, stop)
                price = self.slipped(bar, price, not long, abs(self.units))
                self.execute(bar, reason, -self.units, price, rules.fee_taker)
                return
        if rules.take_profit:
            aim = entry * away(-rules.take_profit)
            if (high >= aim) if long else (low <= aim):
                self.execute(bar, "take_profit", -self.units, aim, rules.fee_maker)
                return
        trade["best"] = max(trade["best"], high) if long else min(trade["best"], low)

    def short_of_everything(self, bar):
        close = self.frame.close[bar]
        if self.units < 0 and self.cash + self.units * close <= 0:
            price = self.slipped(bar, close, True, -self.units)
            self.execute(bar, "ruin", -self.units, price, self.rules.fee_taker)
            self.ruined = True

    def execute(self, bar, reason, quantity, price, rate):
        """Split a flip into what ends the old trade and what begins the new one."""
        self.fills.append((bar, reason, quantity, price, abs(quantity) * price * rate))
        if self.units * quantity < 0 and abs(quantity) > abs(self.units):
            parts = [-self.units, quantity + self.units]
        else:
            parts = [quantity]
        for part in parts:
            fee = abs(part) * price * rate
            self.cash -= part * price + fee
            if self.trade is None:
                self.trade = {"entry_bar": bar, "best": price, "fees": 0.0} | dict.fromkeys(
                    ("entered", "entry_value", "exited", "exit_value"), 0.0
                )
            kind = "entered" if self.units * part >= 0 else "exited"
            value = "entry_value" if self.units * part >= 0 else "exit_value"
            before = self.units
            self.trade[kind] += abs(part)
            self.trade[value] += abs(part) * price
            self.trade["fees"] += fee
            self.units += part
            if self.units == 0:
                self.end(bar, reason, before)

    def end(self, bar, reason, units, price=None):
        trade, self.trade = self.trade, None
        if price is not None:
            trade["exited"] += abs(units)
            trade["exit_value"] += abs(units) * price
        side = 1 if units > 0 else -1
        self.trades.append(
            (
                trade["entry_bar"],
                bar,
                side,
                trade["entered"],
                trade["entry_value"] / trade["entered"],
                trade["exit_value"] / trade["exited"],
                side * (trade["exit_value"] - trade["entry_value"]) - trade["fees"],
                trade["fees"],
                reason,
            )
        )
