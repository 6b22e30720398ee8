"""One row of each tenant table, for tests of row-level security; a new tenant model needs its line here."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.db.models import Model
from django.utils import timezone

from accounts.models import AdminAudit, ApiKey, Membership, Organisation, Role, User
from policies.models import DecisionRecord, Grant, Policy, PolicyTest, PolicyVersion
from servers.models import Server, ServerHeader, SimulatorAccount, Tool


def tenant_models() -> list[type[Model]]:
    """Every model with an organisation, found by its field, and the organisation itself."""
    found = [model for model in apps.get_models() if any(f.name == "organisation" for f in model._meta.get_fields())]
    return [Organisation, *(model for model in found if model is not Organisation)]


def _server(organisation: Organisation) -> Server:
    return Server.objects.create(organisation=organisation, name=uuid4().hex, kind="http", url="http://127.0.0.1:9/")


def _policy(organisation: Organisation) -> Policy:
    return Policy.objects.create(organisation=organisation, server=_server(organisation), name=uuid4().hex)


def _membership(organisation: Organisation) -> Membership:
    user = User.objects.create_user(f"{uuid4().hex}@example.com", "a long enough password")
    return Membership.objects.create(organisation=organisation, user=user, role=Role.VIEWER.value)


def _version(organisation: Organisation) -> PolicyVersion:
    policy = _policy(organisation)
    return PolicyVersion.objects.create(organisation=organisation, policy=policy, number=1, document="{}", author="a")


def _test(organisation: Organisation) -> PolicyTest:
    return PolicyTest.objects.create(
        organisation=organisation,
        policy=_policy(organisation),
        name="t",
        tool="tool",
        arguments="{}",
        expected_outcome="deny",
    )


def _key(organisation: Organisation) -> ApiKey:
    return ApiKey.objects.create(
        organisation=organisation, label="k", role=Role.VIEWER.value, token_hash=uuid4().bytes * 2, last_four="0000"
    )


def _grant(organisation: Organisation) -> Grant:
    server = _server(organisation)
    return Grant.objects.create(
        organisation=organisation, server=server, label="g", token_hash=uuid4().bytes * 2, last_four="0000"
    )


def _tool(organisation: Organisation) -> Tool:
    return Tool.objects.create(
        organisation=organisation,
        server=_server(organisation),
        name="tool",
        input_schema="{}",
        definition="{}",
        fingerprint="0" * 64,
        category="read",
        level="low",
    )


def _header(organisation: Organisation) -> ServerHeader:
    server = _server(organisation)
    return ServerHeader.objects.create(
        organisation=organisation, server=server, name="X-Key", sealed=b"sealed", key_version=1
    )


def _record(organisation: Organisation) -> DecisionRecord:
    return DecisionRecord.objects.create(
        at=timezone.now(),
        organisation=organisation,
        server=uuid4(),
        grant=uuid4(),
        era="legacy",
        method="tools/call",
        outcome="deny",
        rule="(no policy)",
        status="refused",
    )


MAKERS: dict[type[Model], Callable[[Organisation], Any]] = {
    Organisation: lambda organisation: organisation,
    Membership: _membership,
    ApiKey: _key,
    AdminAudit: lambda o: AdminAudit.objects.create(organisation=o, actor="a", action="b", target="c"),
    Server: _server,
    ServerHeader: _header,
    Tool: _tool,
    SimulatorAccount: lambda o: SimulatorAccount.objects.create(server=_server(o), organisation=o),
    Policy: _policy,
    PolicyVersion: _version,
    PolicyTest: _test,
    Grant: _grant,
    DecisionRecord: _record,
}
