"""Price paths: a pure function of seed and second, whose candles nest exactly at every interval.

Candles are made top down (day, hour, quarter, minute, second); floats are quantised before they meet money.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Final

Candle = tuple[float, float, float, float]

DAY: Final = 86400
SPANS: Final = (DAY, 3600, 900, 60)
_CHILDREN: Final = (24, 4, 15, 60)
_MASK: Final = (1 << 64) - 1
_OCTAVES: Final = ((1, 0.10), (3, 0.20), (9, 0.30), (27, 0.55), (81, 1.0))


def seed_of(*parts: object) -> int:
    joined = "\x1f".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest())


def unit(key: int) -> float:
    """A number in [0, 1) that depends on `key` alone (splitmix64)."""
    mixed = (key + 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((mixed ^ (mixed >> 31)) >> 11) / 9007199254740992.0


class Path:
    """One coin's price in US dollars at each whole second since 1970."""

    def __init__(self, seed: int, base: float, swing: float) -> None:
        self._seed = seed
        self._base = base
        self._swing = swing
        self._day = lru_cache(maxsize=4096)(self._make_day)
        self._children = lru_cache(maxsize=4096)(self._make_children)
        self._seconds = lru_cache(maxsize=512)(self._make_seconds)

    def at(self, second: int) -> float:
        return self._seconds(second // 60)[second % 60]

    def extremes(self, first: int, last: int) -> tuple[float, float]:
        """Lowest and highest price over the seconds `first` to `last`, both included."""
        low, high = math.inf, -math.inf
        for index in range(first // DAY, last // DAY + 1):
            below, above = self._scan(0, index, first, last)
            low, high = min(low, below), max(high, above)
        return low, high

    def first(self, start: int, last: int, is_hit: Callable[[float], bool]) -> int | None:
        """First second from `start` to `last` whose price satisfies a monotone predicate."""
        for index in range(start // DAY, last // DAY + 1):
            found = self._find(0, index, (start, last), is_hit)
            if found is not None:
                return found
        return None

    def _node(self, level: int, index: int) -> Candle:
        if level == 0:
            return self._day(index)
        count = _CHILDREN[level - 1]
        return self._children(level - 1, index // count)[index % count]

    def _scan(self, level: int, index: int, first: int, last: int) -> tuple[float, float]:
        begin = index * SPANS[level]
        end = begin + SPANS[level] - 1
        if first <= begin and end <= last:
            _, high, low, _ = self._node(level, index)
            return low, high
        if level == 3:
            part = self._seconds(index)[max(first, begin) - begin : min(last, end) - begin + 1]
            return min(part), max(part)
        low, high = math.inf, -math.inf
        span = SPANS[level + 1]
        for child in range(max(first, begin) // span, min(last, end) // span + 1):
            below, above = self._scan(level + 1, child, first, last)
            low, high = min(low, below), max(high, above)
        return low, high

    def _find(self, level: int, index: int, bounds: tuple[int, int], is_hit: Callable[[float], bool]) -> int | None:
        begin = index * SPANS[level]
        first, last = max(bounds[0], begin), min(bounds[1], begin + SPANS[level] - 1)
        _, high, low, _ = self._node(level, index)
        if not (is_hit(low) or is_hit(high)):
            return None
        if level == 3:
            prices = self._seconds(index)
            return next((second for second in range(first, last + 1) if is_hit(prices[second - begin])), None)
        span = SPANS[level + 1]
        for child in range(first // span, last // span + 1):
            found = self._find(level + 1, child, bounds, is_hit)
            if found is not None:
                return found
        return None

    def _close(self, day: int) -> float:
        total = 0.0
        for period, weight in _OCTAVES:
            slot, rest = divmod(day, period)
            left = unit(self._seed ^ (slot * 1_000_003 + period))
            right = unit(self._seed ^ ((slot + 1) * 1_000_003 + period))
            total += weight * (left + (right - left) * rest / period - 0.5)
        return self._base * math.exp(self._swing * total)

    def _make_day(self, day: int) -> Candle:
        opened, closed = self._close(day - 1), self._close(day)
        reach = self._swing * 0.04
        high = max(opened, closed) * (1 + reach * (0.2 + unit(self._seed ^ (day * 7919 + 11))))
        low = min(opened, closed) * (1 - reach * (0.2 + unit(self._seed ^ (day * 7919 + 13))))
        return opened, high, low, closed

    def _make_children(self, level: int, index: int) -> tuple[Candle, ...]:
        _, ceiling, floor, _ = node = self._node(level, index)
        key = self._seed ^ ((index * 5 + level) * 2_654_435_761)
        knots = _knots(node, _CHILDREN[level], key)
        children = []
        for place in range(_CHILDREN[level]):
            opened, closed = knots[place], knots[place + 1]
            top, bottom = max(opened, closed), min(opened, closed)
            high = top + (ceiling - top) * 0.2 * unit(key + place * 4 + 1)
            low = bottom - (bottom - floor) * 0.2 * unit(key + place * 4 + 2)
            children.append((opened, high, low, closed))
        return tuple(children)

    def _make_seconds(self, minute: int) -> tuple[float, ...]:
        key = self._seed ^ ((minute * 5 + 4) * 2_654_435_761)
        return tuple(_knots(self._node(3, minute), _CHILDREN[3], key))


def _knots(node: Candle, count: int, key: int) -> list[float]:
    """`count + 1` prices from open to close that touch the high and the low strictly inside."""
    opened, high, low, closed = node
    top = 1 + int(unit(key + 901) * (count - 1))
    bottom = 1 + int(unit(key + 902) * (count - 2))
    if bottom >= top:
        bottom += 1
    anchors = sorted([(0, opened), (top, high), (bottom, low), (count, closed)])
    knots = [opened]
    for (left, start), (right, end) in pairwise(anchors):
        for place in range(left + 1, right):
            straight = start + (end - start) * (place - left) / (right - left)
            wiggle = unit(key + place * 17 + 3) - 0.5
            knots.append(straight + wiggle * (high - straight if wiggle > 0 else straight - low))
        knots.append(end)
    return knots
