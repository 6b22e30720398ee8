"""Two organisations with one of everything each, and what a parameter of an address stands for in each of them."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access import member_for
from accounts.models import ApiKey, Organisation, Role, User
from accounts.services import mint_api_key
from accounts.tenancy import tenant
from policies.models import DecisionRecord, Grant, Policy, PolicyTest, PolicyVersion
from servers.models import Server, Tool
from tests.conftest import Cast, client_of
from tests.permissions.walk import Address

DOCUMENT = '{"version": "1", "default": "deny"}'
PEOPLE = ("anonymous", "charlie", "bob", "pam", "alice")
KEY_ROLES = {"charlie": Role.ADMIN, "bob": Role.VIEWER, "pam": Role.POLICY_MANAGER, "alice": Role.ADMIN}
# What addresses name that no organisation owns: facts of the catalogue, and the host's messages.
PUBLIC = {
    "catalog:server": "bybit-exchange-trading-mcp",
    "catalog:tool": "createOrder",
    "accounts:message": "00000000-0000-4000-8000-000000000000",
    "catalog:attack": "runaway-loop",
    "catalog:document": "quick-start",
    "catalog:before": "2.1.7",
    "catalog:after": "2.1.8",
    "accounts:tenant_id": "00000000-0000-4000-8000-000000000000",
    "policies:known": "bybit-exchange-trading-mcp",
    "policies:tool": "createOrder",
    "policies:way": "block",
}


@dataclass(frozen=True, slots=True)
class Things:
    """What one organisation owns, by the name of the parameter that stands for it."""

    organisation: str
    server: str
    policy: str
    grant: str
    record: str
    person: str
    key: str
    test: str
    number: int = 1

    def value_of(self, parameter: str) -> Any:
        return getattr(self, parameter)

    def without(self, parameter: str) -> Any:
        """A value of the same form that stands for nothing anywhere."""
        return {"organisation": "nobody-at-all", "number": 999}.get(parameter, str(uuid4()))


@dataclass(frozen=True, slots=True)
class World:
    acme: Things
    other: Things
    browsers: dict[str, Client]
    scripts: dict[str, Client]

    def client_for(self, address: Address, who: str) -> Client:
        return (self.scripts if address.is_api else self.browsers)[who]


def build_world(cast: Cast) -> World:
    people: dict[str, User | None] = {
        "anonymous": None,
        "charlie": cast.charlie,
        "bob": cast.bob,
        "pam": cast.pam,
        "alice": cast.alice,
    }
    scripts = {"anonymous": Client()}
    for who, role in KEY_ROLES.items():
        admin = member_for(*((cast.charlie, "other") if who == "charlie" else (cast.alice, "acme")))
        with tenant(admin.organisation.id):
            token = mint_api_key(member=admin, label=who, role=role).token
        scripts[who] = Client(headers={"Authorization": f"Bearer {token}"})
    return World(
        acme=make_things(cast.organisation, cast.bob),
        other=make_things(cast.other, cast.charlie),
        browsers={who: client_of(user) for who, user in people.items()},
        scripts=scripts,
    )


def make_things(organisation: Organisation, person: User) -> Things:
    with tenant(organisation.id):
        server = Server.objects.create(organisation=organisation, name="One", kind="http", url="http://127.0.0.1:9/")
        Tool.objects.create(
            organisation=organisation,
            server=server,
            name="tool",
            input_schema='{"type": "object"}',
            definition='{"name": "tool"}',
            fingerprint="0" * 64,
            category="read",
            level="low",
        )
        policy = Policy.objects.create(organisation=organisation, server=server, name="One", current=1)
        PolicyVersion.objects.create(
            organisation=organisation, policy=policy, number=1, document=DOCUMENT, author=person.email
        )
        grant = Grant.objects.create(
            organisation=organisation,
            server=server,
            policy=policy,
            label="One",
            token_hash=uuid4().bytes * 2,
            last_four="0000",
        )
        record = make_record(organisation, grant)
        test = PolicyTest.objects.create(
            organisation=organisation, policy=policy, name="One", tool="tool", arguments="{}", expected_outcome="deny"
        )
        key = ApiKey.objects.create(
            organisation=organisation, label="One", role="viewer", token_hash=uuid4().bytes * 2, last_four="0000"
        )
    return Things(
        organisation=organisation.slug,
        server=str(server.id),
        policy=str(policy.id),
        grant=str(grant.id),
        record=str(record.id),
        person=str(person.id),
        key=str(key.id),
        test=str(test.id),
    )


def make_record(organisation: Organisation, grant: Grant) -> DecisionRecord:
    return DecisionRecord.objects.create(
        at=timezone.now(),
        organisation=organisation,
        server=grant.server_id,
        grant=grant.id,
        era="legacy",
        method="tools/call",
        tool="tool",
        outcome="deny",
        rule="(default)",
        reason="no rule",
        policy=grant.policy_id,
        policy_version=1,
        status="refused",
    )


def url_of(address: Address, things: Things, **instead: Any) -> str:
    values = {}
    for parameter in address.parameters:
        public = PUBLIC.get(f"{address.name.split(':')[0]}:{parameter}")
        values[parameter] = instead.get(parameter, public or things.value_of(parameter))
    return reverse(address.name, kwargs=values)
