"""Account states in PostgreSQL: one transaction a call, under the account's row lock and its organisation's tenancy."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any, cast

import orjson
from django.db import connection
from django.utils import timezone

from accounts.tenancy import tenant
from servers.models import Kind, Server, SimulatorAccount
from servers.simulator.account import State, open_state
from servers.simulator.store import AccountKey, Answer, UnknownAccountError, weigh


def pack(state: State) -> dict[str, str]:
    """The state as the column keeps it: compressed, a tenth of the size, and with its members in their own order."""
    return {"packed": base64.b64encode(zlib.compress(orjson.dumps(state), 1)).decode()}


def unpack(kept: dict[str, Any]) -> State:
    return cast(State, orjson.loads(zlib.decompress(base64.b64decode(kept["packed"]))))


class DatabaseStore:
    """States in the table of simulator accounts; calls on one account run one after another."""

    def run(self, key: AccountKey, now: int, act: Callable[[State], Answer]) -> Answer:
        """Load the account, run `act` on its state and keep the result in the same transaction.

        Opens the account at the first call. Raises UnknownAccountError when the organisation has no such simulator
        server; whatever `act` raises leaves the stored state as it was.
        """
        # A connection that the database dropped while idle is opened anew.
        if connection.connection is not None and not connection.is_usable():
            connection.close()
        with tenant(key.organisation):
            account = _lock_account(key, now)
            state = unpack(account.state)
            before = weigh(state)
            answer = act(state)
            if weigh(state) != before:
                account.state = pack(state)
                account.updated_at = timezone.now()
                account.save(update_fields=["state", "updated_at"])
            return answer


def _lock_account(key: AccountKey, now: int) -> SimulatorAccount:
    found = SimulatorAccount.objects.select_for_update().filter(server_id=key.server).first()
    if found is not None:
        return found
    if not Server.objects.filter(id=key.server, organisation_id=key.organisation, kind=Kind.SIMULATOR.value).exists():
        raise UnknownAccountError(str(key.server))
    fresh = {"organisation_id": key.organisation, "state": pack(open_state(str(key.server), now))}
    SimulatorAccount.objects.get_or_create(server_id=key.server, defaults=fresh)
    return SimulatorAccount.objects.select_for_update().get(server_id=key.server)
