"""The WebSocket of console pages: it says that something happened on a server, and the page fetches what it may see.

Must never carry content: rights are judged where content is fetched. Nothing is taken from the browser here.
"""

import asyncio
from typing import Any, Final

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.sessions.backends.db import SessionStore
from django.http import Http404

from accounts.access import member_for
from accounts.models import Organisation, User
from gateway.hints import group_of

CHECK_SECONDS: Final = 10.0
# Private codes (RFC 6455, section 7.4.2).
ENDED: Final = 4403
UNASKED: Final = 4400


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """One open page. Closed within CHECK_SECONDS after its person signs out or is no member any more."""

    _group = ""
    _watch: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        organisation = await self._find_organisation()
        if organisation is None:
            await self.close()
            return
        self._group = group_of(organisation.id)
        await self.channel_layer.group_add(self._group, self.channel_name)
        await self.accept()
        self._watch = asyncio.create_task(self._keep_watch(organisation))

    async def disconnect(self, code: int) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._group:
            await self.channel_layer.group_discard(self._group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        await self.close(UNASKED)

    async def live_hint(self, event: dict[str, Any]) -> None:
        await self.send_json({"happened": event["happened"], "server": event["server"]})

    async def _keep_watch(self, organisation: Organisation) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if await self._find_organisation() != organisation:
                await self.close(ENDED)
                return

    async def _find_organisation(self) -> Organisation | None:
        # Read anew each time: the session in the scope is the one of the handshake.
        known: Any = self.scope["session"]
        scope: Any = {"session": SessionStore(known.session_key)}
        user: Any = await get_user(scope)
        if not isinstance(user, User):
            return None
        slug: str = self.scope["url_route"]["kwargs"]["organisation"]
        return await database_sync_to_async(_find_for)(user, slug)


def _find_for(user: User, slug: str) -> Organisation | None:
    try:
        return member_for(user, slug).organisation
    except Http404:
        return None
