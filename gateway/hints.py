"""Hints to the console pages of an organisation that something happened on a server; a hint holds no content.

Sent after the fact and never waited for by a call; one that is lost costs a page some seconds.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import redis
from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer

log = logging.getLogger(__name__)

TYPE: Final = "live.hint"


class Happened(StrEnum):
    """`decision`: a record was written; `knock`: a request came to no grant."""

    DECISION = "decision"
    KNOCK = "knock"


@dataclass(frozen=True, slots=True)
class Hint:
    """What happened, and on which server."""

    organisation: UUID
    server: UUID
    happened: Happened


def group_of(organisation: UUID) -> str:
    """The channel group of an organisation's open pages."""
    return f"live.{organisation}"


async def send_hints(hints: Iterable[Hint]) -> None:
    """Send each hint to the open pages of its organisation; a Redis that is away only costs a few seconds."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        for hint in hints:
            event = {"type": TYPE, "happened": hint.happened.value, "server": str(hint.server)}
            await layer.group_send(group_of(hint.organisation), event)
    except (redis.RedisError, ChannelFull, OSError) as error:
        log.debug("pages are not told: %s", type(error).__name__)
