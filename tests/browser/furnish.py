"""Fills a running installation with one of every state that a page can show. Runs inside it, by `./run manage shell`,
through the services that the pages use; knows nothing of browsers."""

import copy
import json
import sys
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.utils import timezone

from accounts.access import Member, member_of
from accounts.contact.limits import sender_of
from accounts.contact.services import Written, store_message
from accounts.models import Membership, Role, User
from accounts.services import create_organisation, create_verified_user, mint_api_key, revoke_api_key, stop_organisation
from accounts.tenancy import tenant
from catalog.datafile import parse_data_file
from catalog.services import DATA_FOLDER, import_server
from policies.models import Policy
from policies.saved_tests import Expectation
from policies.services import create_policy, mint_grant, publish_policy, revoke_grant, rotate_grant, save_test
from servers.access import server_for
from servers.models import Kind, Server
from servers.services import register_server
from servers.tasks import discover_server

PASSWORD: Final = "correct horse battery"
OWNER: Final = "olivia.overington-fitzwilliam@treasury.example.com"
VIEWER: Final = "vic@example.com"
NEWCOMER: Final = "nora@example.com"
SECURED: Final = "sam@example.com"
GUARDED: Final = "greta@example.com"
HOST: Final = "hosts-of-the-installation@treasury.example.com"
LONG_NAME: Final = "Treasury operations, derivatives and liquidity desk, night shift"
LONG_LABEL: Final = "Rebalancing agent of the derivatives desk, on the laptop in the night office"

FIRST: Final = {"version": "1", "default": "deny", "risk": {"low": {}}}
SECOND: Final = {
    "version": "1",
    "default": "deny",
    "hide": ["wsBatchCancelOrders"],
    "risk": {"low": {}},
    "all_tools": {"limits": [{"counter": "calls", "window": 3600, "max": 600, "scope": "organisation"}]},
    "tools": {
        "getTickers": {"rate_limit": {"max": 2, "window": 60}},
        "createOrder": {
            "require": [
                {
                    "conditions": [{"path": "args.symbol", "op": "in", "value": ["BTCUSDT", "ETHUSDT"]}],
                    "on_deny": "Only BTCUSDT and ETHUSDT are traded here.",
                }
            ],
            "deny_if": [{"conditions": [{"path": "args.side", "op": "eq", "value": "Sell"}]}],
            "rate_limit": {"max": 10, "window": 3600},
        },
        "cancelAllOrders": {"action": "deny", "reason": "A person cancels everything, never an agent."},
    },
}


def furnish(upstream: str) -> None:
    """Make all of it, and write as one line of JSON what the parameters of addresses stand for."""
    owner, viewer = (create_verified_user(email=email, password=PASSWORD) for email in (OWNER, VIEWER))
    for email in (NEWCOMER, SECURED):
        create_verified_user(email=email, password=PASSWORD)
    User.objects.create_superuser(HOST, PASSWORD)
    full = create_organisation(user=owner, name=LONG_NAME)
    empty = create_organisation(user=owner, name="Empty desk")
    stopped = create_organisation(user=owner, name="Stopped desk")
    with tenant(stopped.id):
        stop_organisation(member=member_of(owner, stopped))
    member = member_of(owner, full)
    with tenant(full.id):
        Membership.objects.create(organisation=full, user=viewer, role=Role.VIEWER.value)
        key = mint_api_key(member=member, label="Old script", role=Role.ADMIN).key
        revoke_api_key(member=member, key=key)
        mint_api_key(member=member, label="Nightly report", role=Role.VIEWER, expires_at=timezone.now())
    found = {"organisation": full.slug, "empty": empty.slug, "stopped": stopped.slug, "person": str(viewer.id)}
    found |= {"number": "1", "tool": "createOrder", "key": str(key.id)}
    found |= {"known": "bybit-exchange-trading-mcp", "attack": "fat-finger-order", "document": "policy-language"}
    servers = [
        _server(member, "Bybit", Kind.SIMULATOR, ""),
        _server(member, "Ledger of the back office, read-only replica", Kind.HTTP, upstream),
        _server(member, "Down for months", Kind.HTTP, "http://127.0.0.1:9/mcp"),
    ]
    found |= {name: str(server.id) for name, server in zip(("server", "drifting", "broken"), servers, strict=True)}
    with tenant(full.id):
        found |= _rule(member, servers[0])
    found |= {"recovery": _guard(), "message": _write_to_host()} | _publish_releases()
    sys.stdout.write(json.dumps(found))


def _server(member: Member, name: str, kind: Kind, url: str) -> Server:
    with tenant(member.organisation.id):
        server = register_server(member=member, name=name, kind=kind.value, url=url)
    deadline = time.monotonic() + 60
    while server.discovery not in ("done", "failed"):
        assert time.monotonic() < deadline, f"{name} was not discovered"
        # A worker may be at it already; then this does nothing.
        discover_server(str(member.organisation.id), str(server.id))
        with tenant(member.organisation.id):
            server = server_for(server.id)
    return server


def _rule(member: Member, server: Server) -> dict[str, str]:
    policy = create_policy(member=member, server=server, name="Watch and trade a little", document=_text(FIRST))
    publish_policy(member=member, policy=policy, document=_text(SECOND), note="Two coins, buying only, ten an hour")
    draft = create_policy(member=member, server=server, name="Never published")
    fresh = create_policy(member=member, server=server, name="Written just now")
    blocked = create_policy(member=member, server=server, name="Blocked by a test", document=_text(FIRST))
    _save_tests(member, policy, blocked)
    minted = mint_grant(member=member, server=server, label=LONG_LABEL, policy=policy)
    ended = mint_grant(member=member, server=server, label="Trial of June", policy=policy, expires_at=timezone.now())
    gone = mint_grant(member=member, server=server, label="Lost laptop")
    revoke_grant(member=member, grant=gone.grant)
    turned = mint_grant(member=member, server=server, label="Research agent", policy=draft)
    rotate_grant(member=member, grant=turned.grant, overlap=timedelta(days=1))
    return {
        "policy": str(policy.id),
        "draft": str(draft.id),
        "fresh": str(fresh.id),
        "blocked": str(blocked.id),
        "grant": str(minted.grant.id),
        "expired": str(ended.grant.id),
        "revoked": str(gone.grant.id),
        "rotated": str(turned.grant.id),
        "token": minted.token,
    }


def _save_tests(member: Member, policy: Policy, blocked: Policy) -> None:
    sells = Expectation(name="Never sells", tool="createOrder", arguments='{"side": "Sell"}', expected_outcome="deny")
    save_test(member=member, policy=policy, wanted=sells)
    fails = replace(sells, name="Sells whatever it likes", expected_outcome="allow")
    save_test(member=member, policy=blocked, wanted=fails)


def _guard() -> str:
    """A person with a second factor; returns the recovery code to sign in with."""
    guarded = create_verified_user(email=GUARDED, password=PASSWORD)
    TOTP.activate(guarded, generate_totp_secret())
    code: str = RecoveryCodes.activate(guarded).get_unused_codes()[0]
    return code


def _write_to_host() -> str:
    """A message of long words, one of few, and one that is taken for spam; returns the first one's number."""
    long = "Clara von Überlang-Doppelname zu Hinterwald", "clara@example.com", "Does it work? " * 60 + "x" * 200
    short = "Ben", "ben@example.com", "Where is the invoice?"
    for name, email, text in (short, long):
        written = Written(uuid4(), name, email, text)
        store_message(written=written, sender=sender_of("192.0.2.1"))
    spam = Written(uuid4(), "Buy now", "buy@example.com", "Buy", "It was sent faster than a person writes.")
    store_message(written=spam, sender=sender_of("192.0.2.2"))
    return str(written.id)


def _publish_releases() -> dict[str, str]:
    """Two releases of one more known server: tools added, gone and changed."""
    shipped = json.loads(next(DATA_FOLDER.glob("*.json")).read_text(encoding="utf-8"))
    tools: list[dict[str, Any]] = shipped["tools"]
    after = copy.deepcopy([*tools[:5], tools[7]])
    after[0]["risk"] = "critical"
    after[1]["input_schema"]["properties"]["note"] = {"type": "string"}
    for release, some in (("1.0.0", tools[:6]), ("1.1.0", after)):
        about = shipped["server"] | {"slug": "ledger-desk-mcp", "name": "Ledger desk MCP", "release": release}
        raw = json.dumps({"server": about, "tools": some}).encode()
        import_server(parse_data_file(raw, release))
    return {"releases": "ledger-desk-mcp", "before": "1.0.0", "after": "1.1.0"}


def _text(document: object) -> str:
    return json.dumps(document, indent=2)
