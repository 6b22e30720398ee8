"""Prices, books and candles of every instrument at an instant; pure functions of the market's seed and the time."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal

from servers.simulator import instruments
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.instruments import COINS, STRIKE_STEPS, Instrument
from servers.simulator.options import Quote, quote_option
from servers.simulator.paths import Path, seed_of, unit
from servers.simulator.values import CENT, ONE, cut, floor_to

YEAR_MS = 31_536_000_000
INTERVALS = {"1": 60, "3": 180, "5": 300, "15": 900, "30": 1800, "60": 3600, "120": 7200, "240": 14400, "360": 21600,
             "720": 43200, "D": 86400, "W": 604800, "M": 2592000}  # fmt: skip
FUNDING_MS = 28_800_000
Levels = list[tuple[Decimal, Decimal]]


class Market:
    """The simulated exchange as everybody sees it; two markets of one seed are the same market."""

    def __init__(self, seed: str = "bybit") -> None:
        self.seed = seed
        self._paths = {
            name: Path(seed_of(seed, name), coin.base, coin.swing) for name, coin in COINS.items() if coin.swing
        }

    def instrument(self, category: str, symbol: str, now: int) -> Instrument:
        found = self.find(category, symbol)
        if found is None:
            raise SimulatorError(170121) if category == "spot" else param_error(f"symbol invalid {symbol}")
        if found.delivery and found.delivery <= now:
            raise SimulatorError(110074)
        return found

    def find(self, category: str, symbol: str) -> Instrument | None:
        standing = instruments.STANDING.get((category, symbol))
        if standing is not None or category == "spot":
            return standing
        return instruments.option(symbol) if category == "option" else instruments.dated(category, symbol)

    def listed(self, category: str, now: int) -> list[Instrument]:
        """Every instrument of the category that trades now, in a fixed order."""
        if category == "option":
            found = [instruments.option(symbol) for symbol in self._option_symbols(now)]
        else:
            found = [item for (kind, _), item in instruments.STANDING.items() if kind == category]
            if category != "spot":
                found += [instruments.dated(category, symbol) for symbol in instruments.dated_symbols(category, now)]
        return [item for item in found if item is not None]

    def _option_symbols(self, now: int) -> list[str]:
        symbols = []
        for base, step in STRIKE_STEPS.items():
            for day in instruments.fridays(now):
                anchor = self._paths[base].at(int(day.timestamp()) - 28 * 86400)
                middle = round(anchor / step) * step
                for offset in (-8, -4, -2, 0, 2, 4, 8):
                    strike = middle + offset * step
                    symbols += [f"{base}-{instruments.code_of(day)}-{strike}-{side}-USDT" for side in "CP"]
        return symbols

    def usd(self, coin: str, now: int) -> Decimal:
        """Index price of one coin in US dollars; the stable coins and their wrappers are worth exactly one."""
        path = self._paths.get(coin)
        if path is None:
            if coin not in COINS and coin not in ("USD", "BYUSDT"):
                raise param_error(f"coin {coin} is not supported")
            return ONE
        return Decimal(path.at(now // 1000)).quantize(self._index_step(coin), rounding=ROUND_HALF_EVEN)

    @staticmethod
    def _index_step(coin: str) -> Decimal:
        return CENT if COINS[coin].base > 50 else Decimal("0.00001")

    def quantise(self, item: Instrument, raw: float) -> Decimal:
        ticks = (Decimal(raw * item.factor) / item.tick).to_integral_value(rounding=ROUND_HALF_EVEN)
        return max(ticks, ONE) * item.tick

    def last(self, item: Instrument, now: int) -> Decimal:
        """Last traded price; the best bid equals it and the best ask is one tick above."""
        if item.is_option:
            return self.option(item, now).mark
        return self.quantise(item, self._paths[item.base].at(now // 1000))

    def mark(self, item: Instrument, now: int) -> Decimal:
        if item.is_option:
            return self.option(item, now).mark
        nudge = 1 + self.premium(item, now)
        ticks = (self.usd(item.base, now) * Decimal(nudge) / item.tick).to_integral_value(rounding=ROUND_HALF_EVEN)
        return max(ticks, ONE) * item.tick

    def option(self, item: Instrument, now: int) -> Quote:
        return quote_option(item, float(self.usd(item.base, now)), now)

    def premium(self, item: Instrument, now: int) -> float:
        """How far the mark price stands above the index, as a fraction; steady within each minute."""
        noise = unit(seed_of(self.seed, "premium", item.symbol) ^ (now // 60_000)) - 0.5
        return (item.factor - 1) * 0.5 + noise * 0.00008

    def funding_rate(self, item: Instrument, at: int) -> Decimal:
        """Rate that holds for the eight hours ending at the next multiple of eight hours at or after `at`."""
        period = -(-at // FUNDING_MS)
        noise = unit(seed_of(self.seed, "funding", item.symbol) ^ period) - 0.35
        return Decimal(0.0002 * noise).quantize(Decimal("0.00000001"), rounding=ROUND_HALF_EVEN)

    def extremes(self, item: Instrument, first: int, last: int) -> tuple[Decimal, Decimal]:
        """Lowest and highest last price over the seconds from `first` to `last`, given in seconds."""
        low, high = self._paths[item.base].extremes(first, last)
        return self.quantise(item, low), self.quantise(item, high)

    def first_hit(self, item: Instrument, span: tuple[int, int], price: Decimal, *, is_fall: bool) -> int | None:
        """First second of `span` (both ends included) at which the last price has fallen or risen to `price`."""
        if item.is_option:
            return self._first_option_hit(item, span, price, is_fall)

        def is_hit(raw: float) -> bool:
            value = self.quantise(item, raw)
            return value <= price if is_fall else value >= price

        return self._paths[item.base].first(span[0], span[1], is_hit)

    def _first_option_hit(self, item: Instrument, span: tuple[int, int], price: Decimal, is_fall: bool) -> int | None:
        # Option values have no nested candles: looked at on at most 60 evenly spaced seconds.
        stride = max(1, (span[1] - span[0]) // 60)
        for second in range(span[1] - (span[1] - span[0]) // stride * stride, span[1] + 1, stride):
            value = self.last(item, second * 1000)
            if value <= price if is_fall else value >= price:
                return second
        return None

    def book(self, item: Instrument, now: int, depth: int) -> tuple[Levels, Levels]:
        """Bids and asks, best first, as (price, size)."""
        last = self.last(item, now)
        gap = max(item.tick, floor_to(last * Decimal("0.00002"), item.tick))
        key = seed_of(self.seed, item.category, item.symbol) ^ (now // 1000 * 4096)
        value = 2_000 if item.is_option else 60_000
        unit_size = Decimal(value) if item.is_inverse else Decimal(value) / max(self.usd(item.base, now), CENT)
        bids: Levels = []
        asks: Levels = []
        for level in range(depth):
            for side, levels in ((0, bids), (1, asks)):
                size = unit_size * Decimal(round(0.3 + 1.4 * unit(key + level * 2 + side) + level * 0.15, 6))
                price = last + item.tick + gap * level if side else last - gap * level
                if price > 0:
                    levels.append((price, max(floor_to(size, item.step), item.min_qty)))
        return bids, asks

    def best(self, item: Instrument, now: int) -> tuple[Decimal, Decimal]:
        last = self.last(item, now)
        return last, last + item.tick

    def candle(self, item: Instrument, start: int, end: int, now: int) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Open, high, low, close over [start, end) in seconds, as far as `now` (seconds) has come."""
        path = self._paths[item.base]
        until = min(end, now)
        opened, closed = path.at(start), path.at(until)
        low, high = path.extremes(start, max(start, until - 1))
        top, bottom = self.quantise(item, max(high, closed)), self.quantise(item, min(low, closed))
        return self.quantise(item, opened), top, bottom, self.quantise(item, closed)

    def volume(self, item: Instrument, start: int, end: int) -> Decimal:
        """Base coin traded over [start, end) in seconds; adds up exactly over neighbouring intervals."""
        return self._traded(item, end) - self._traded(item, start)

    def _traded(self, item: Instrument, second: int) -> Decimal:
        rate = (4_000.0 if item.category != "spot" else 900.0) / COINS[item.base].base
        phase = unit(seed_of(self.seed, "volume", item.symbol)) * 6.28
        total = float(second)
        for amplitude, period in ((0.45, 86400.0), (0.25, 5400.0), (0.2, 420.0)):
            turn = 2 * math.pi / period
            total += amplitude / turn * math.sin(turn * second + phase)
        return cut(Decimal(rate * total), Decimal("0.0001"))

    def day_ago(self, item: Instrument, now: int) -> tuple[Decimal, Decimal, Decimal]:
        """Price 24 hours ago, and the highest and lowest since."""
        second = now // 1000
        low, high = self.extremes(item, second - 86400, second)
        return self.last(item, now - 86_400_000), high, low
