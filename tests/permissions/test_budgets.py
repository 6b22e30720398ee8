"""Every page that a person can open costs fewer than ten queries, however much there is to show, and less than 150 KB
of compressed script, as it is sent.

A query here is a statement that reads or writes a table; three of them say who is asking (session, person,
memberships). The statements around them carry no data: BEGIN and COMMIT of the two transactions, and one `set_config`
in each, which row-level security needs. They are six, cannot be fewer while who is asking must be known before the
organisation's rows may be seen, and are held to that number here.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as project
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organisation, Role, User
from accounts.tenancy import tenant
from config.launcher.front_end import DIST
from policies.models import Grant, Policy, PolicyTest, PolicyVersion
from servers.models import Server, ServerHeader, Tool
from tests.conftest import Cast
from tests.permissions.table import TABLE
from tests.permissions.walk import Address, addresses
from tests.permissions.world import DOCUMENT, World, build_world, make_record, url_of

QUERIES = 9
AROUND = 6
SCRIPT_BYTES = 150_000
LATER_BYTES = 14_000
# What is not worth compressing.
TINY_BYTES = 200
MANY = 12
# Each script that another one asks for while the page opens, and what on the page makes it do so.
MARKS = {
    "src/editor.ts": re.compile(r"<textarea[^>]* data-editor"),
    "src/builder/mount.ts": re.compile(r" data-builder"),
    "../node_modules/htmx.org/dist/htmx.esm.js": re.compile(r" hx-(?:get|post|put|patch|delete|boost)="),
}
# Asked for when somebody goes to write, opens a rule or the palette.
LATER = {"src/builder/RulePanel.tsx", "src/completion.ts", "src/palette.ts"}
OPENED = [row.name for row in TABLE if row.method == "GET" and row.expected("alice") == 200]
OURS = [address for address in addresses() if address.name in OPENED and not address.is_api]
ALLAUTH = [address for address in addresses() if address.is_allauth]
WHO = ("anonymous", "alice")


@dataclass(frozen=True)
class Page:
    statements: list[str]
    html: str

    @property
    def queries(self) -> list[str]:
        return [text for text in self.statements if not is_around(text)]


def is_around(statement: str) -> bool:
    return statement in ("BEGIN", "COMMIT") or statement.startswith("SELECT set_config(")


def test_what_counts_as_a_query() -> None:
    around = ("BEGIN", "COMMIT", "SELECT set_config('policylayer.person', 'x', true)")
    assert all(map(is_around, around))
    others = ("SELECT 1", "SAVEPOINT x", "SELECT coalesce(current_setting('x', true), '')", "UPDATE t SET a = 1")
    assert not any(map(is_around, others))


@pytest.fixture
def crowded(transactional_db: None, cast: Cast, settings: Any) -> World:
    settings.EMBEDDED = True
    call_command("load_catalog", verbosity=0)
    world = build_world(cast)
    with tenant(cast.organisation.id):
        fill(cast, Server.objects.get(id=world.acme.server), Policy.objects.get(id=world.acme.policy))
    return world


def fill(cast: Cast, server: Server, policy: Policy) -> None:
    """More than one of whatever a page lists."""
    organisation = cast.organisation
    grant = Grant.objects.get(policy=policy)
    for number in range(2, MANY + 2):
        user = User.objects.create_user(f"{number}@example.com", "a long enough password")
        Membership.objects.create(organisation=organisation, user=user, role=Role.VIEWER.value)
        other = Server.objects.create(
            organisation=organisation, name=f"S{number}", kind="http", url="http://127.0.0.1:9/"
        )
        for owner, name in ((other, "tool"), (server, f"tool{number}")):
            make_tool(organisation, owner, name, number)
        ServerHeader.objects.create(
            organisation=organisation, server=server, name=f"X-{number}", sealed=b"sealed", key_version=1
        )
        version = {"organisation": organisation, "document": DOCUMENT, "author": "a"}
        PolicyVersion.objects.create(policy=policy, number=number, **version)
        beside = Policy.objects.create(organisation=organisation, server=server, name=f"P{number}", current=1)
        PolicyVersion.objects.create(policy=beside, number=1, **version)
        PolicyTest.objects.create(
            organisation=organisation, policy=policy, name=f"T{number}", tool="tool", expected_outcome="deny"
        )
        make_grant(organisation, server, policy if number % 2 else beside, number)
        make_record(organisation, grant)
    policy.current = MANY + 1
    policy.save()


def make_tool(organisation: Organisation, server: Server, name: str, number: int) -> None:
    definition = json.dumps({"name": name, "inputSchema": {"type": "object"}})
    Tool.objects.create(
        organisation=organisation,
        server=server,
        name=name,
        input_schema='{"type": "object"}',
        definition=definition,
        offered=definition.replace("object", "array"),
        fingerprint="0" * 64,
        category="read",
        level="low",
        state=("active", "changed")[number % 2],
    )


def make_grant(organisation: Organisation, server: Server, policy: Policy, number: int) -> None:
    Grant.objects.create(
        organisation=organisation,
        server=server,
        policy=policy,
        label=f"G{number}",
        token_hash=uuid4().bytes * 2,
        last_four="0000",
        created_at=timezone.now(),
    )


def open_page(world: World, address: Address, who: str) -> Page | None:
    """The page as somebody sees it who was here before; None where there is none for them."""
    client = world.client_for(address, who)
    if address.is_allauth:
        values = {"key": "none", "uidb36": "0", "pk": 1}
        url = reverse(address.name, kwargs={name: values[name] for name in address.parameters})
    else:
        url = url_of(address, world.acme)
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        answer: Any = client.get(url)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if answer.status_code != 200:
        return None
    return Page([query["sql"] for query in captured.captured_queries], body.decode())


def test_every_page_keeps_to_its_budget(crowded: World) -> None:
    """In one test, because what there is to show is made once."""
    pages = {(address.name, who): open_page(crowded, address, who) for address in (*OURS, *ALLAUTH) for who in WHO}
    seen = {name: page for (name, who), page in pages.items() if page is not None}
    assert {address.name for address in OURS} <= set(seen)
    assert {"account_login", "account_signup", "account_email"} <= set(seen)
    costly = [(name, len(page.queries), *page.queries) for name, page in seen.items() if len(page.queries) > QUERIES]
    assert costly == []
    # The rows of an export are read in a transaction of their own, while they are sent.
    framed = {name: page for name, page in seen.items() if name != "gateway:export"}
    assert [name for name, page in framed.items() if len(page.statements) - len(page.queries) > AROUND] == []
    weights = {name: sum(weigh(file) for file in files_of(page.html)) for name, page in seen.items()}
    assert {name: weight for name, weight in weights.items() if weight >= SCRIPT_BYTES} == {}
    chunks = manifest()
    heaviest = files_of(seen["policies:detail"].html)
    assert {chunks[name]["file"] for name in ("src/main.ts", "src/editor.ts", "src/builder/mount.ts")} <= heaviest
    # Brotli is what every browser takes where the connection is safe.
    in_all = heaviest.union(*(follow(chunks, name) for name in LATER))
    assert sum(weigh(file, "br") for file in in_all) < SCRIPT_BYTES


def test_each_script_that_comes_later_is_known_here() -> None:
    asked = {name for chunk in manifest().values() for name in chunk.get("dynamicImports", [])}
    assert asked == {*MARKS, *LATER}
    for name in LATER:
        assert weigh(manifest()[name]["file"]) < LATER_BYTES


def manifest() -> dict[str, Any]:
    path = DIST / ".vite" / "manifest.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def weigh(file: str, encoding: str = "gzip") -> int:
    """The bytes that a browser gets which accepts this encoding."""
    answer: Any = Client().get(f"{project.STATIC_URL}{file}", headers={"accept-encoding": encoding})
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding") == encoding or (DIST / file).stat().st_size < TINY_BYTES
    return len(b"".join(answer.streaming_content))


def files_of(html: str) -> set[str]:
    """The scripts that a page loads while it opens, with all that these import."""
    chunks = manifest()
    linked = re.findall(rf'<script[^>]* src="{re.escape(project.STATIC_URL)}([^"]+)"', html)
    entries = [name for name, chunk in chunks.items() if chunk["file"] in linked]
    assert len(entries) == len(linked), linked
    asked = [name for name, mark in MARKS.items() if mark.search(html)] if entries else []
    return {file for name in (*entries, *asked) for file in follow(chunks, name)}


def follow(chunks: dict[str, Any], name: str) -> Iterator[str]:
    yield chunks[name]["file"]
    for inner in chunks[name].get("imports", []):
        yield from follow(chunks, inner)
