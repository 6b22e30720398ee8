"""Counts what belongs to no organisation and so has no decision record; keeps no token and no address."""

import logging
from collections import Counter
from time import monotonic
from typing import Final

log = logging.getLogger(__name__)

SAMPLE_SECONDS: Final = 10.0


class Metrics:
    """Counters by name, and a log line now and then instead of one for each refusal."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._told: dict[str, tuple[float, int]] = {}

    def count_refusal(self, why: str, server: str) -> None:
        """Count a request that was refused before anybody was known; at most one line a reason in SAMPLE_SECONDS."""
        self.counts[why] += 1
        now = monotonic()
        told_at, told = self._told.get(why, (-SAMPLE_SECONDS, 0))
        if now - told_at >= SAMPLE_SECONDS:
            self._told[why] = (now, self.counts[why])
            log.warning("%s: %d refused, the last for server %.36r", why, self.counts[why] - told, server)
