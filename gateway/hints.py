"""Hints to the console pages of an organisation that something happened on a server; a hint holds no content.

Sent after the fact and never waited for by a call; one that is lost costs a page some seconds.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

import redis
from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer

if TYPE_CHECKING:
    # Apps are loaded before models are.
    from policies.models import PolicyVersion

log = logging.getLogger(__name__)

TYPE: Final = "live.hint"


class Happened(StrEnum):
    """`decision`: a record was written; `knock`: a request came to no grant; `publication`: of a policy's version."""

    DECISION = "decision"
    KNOCK = "knock"
    PUBLICATION = "publication"


@dataclass(frozen=True, slots=True)
class Hint:
    """What happened, and on which server."""

    organisation: UUID
    server: UUID
    happened: Happened


def group_of(organisation: UUID) -> str:
    """The channel group of an organisation's open pages."""
    return f"live.{organisation}"


def tell_publication(sender: object, *, version: "PolicyVersion", **_: object) -> None:
    """Tell the open pages of its organisation that a version was published."""
    hint = Hint(version.organisation_id, version.policy.server_id, Happened.PUBLICATION)
    async_to_sync(send_hints)([hint])


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
