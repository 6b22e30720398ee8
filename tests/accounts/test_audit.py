import ast
import re
from collections.abc import Iterator

import pytest
from django.apps import apps

from accounts.audit import ACTIONS, DISCOVERY, entry_of
from accounts.ids import new_uuid7
from accounts.models import AdminAudit, Stoppable
from accounts.tenancy import tenant
from tests.accounts.pages import text_of
from tests.architecture.project import is_test, list_python
from tests.conftest import Cast, client_of

AN_ID = "298a3db9-2bbd-4373-ae0a-158c95792cb0"


def write_rows(cast: Cast, count: int) -> None:
    with tenant(cast.organisation.id):
        for number in range(count):
            AdminAudit.objects.create(
                id=new_uuid7(1_800_000_000_000_000 + number),
                organisation=cast.organisation,
                actor="alice",
                action="tried",
                target=f"row <{number}>",
                detail={"n": 1},
            )


def test_an_admin_reads_the_audit_page_by_page_newest_first(cast: Cast) -> None:
    write_rows(cast, 120)
    client, address, seen = client_of(cast.alice), "/app/acme/audit/", []
    while True:
        page = client.get(address).content.decode()
        seen += [int(number) for number in re.findall(r"row &lt;(\d+)&gt;", page)]
        older = re.search(r'href="(\?before=[^"]+)"', page)
        if older is None:
            break
        address = "/app/acme/audit/" + older[1]
    assert seen == list(range(119, -1, -1))


def test_a_cursor_that_means_nothing_shows_the_newest(cast: Cast) -> None:
    write_rows(cast, 1)
    assert "row <0>" in text_of(client_of(cast.alice).get("/app/acme/audit/?before=yesterday"))


def test_only_admins_read_the_audit(cast: Cast) -> None:
    refused = client_of(cast.pam).get("/app/acme/audit/")
    assert refused.status_code == 403
    assert "Only an admin of this organisation can do this." in text_of(refused)
    assert "Nothing was changed" not in text_of(refused)
    assert client_of(cast.alice).get("/app/acme/audit/").status_code == 200


def recorded_actions() -> Iterator[str]:
    """Every code that the source gives to `record_audit`; one with a hole is of each thing that can be stopped."""
    stoppable = [model._meta.model_name for model in apps.get_models() if issubclass(model, Stoppable)]
    for path in list_python():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if not is_test(path) else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record_audit":
                action = next(each.value for each in node.keywords if each.arg == "action")
                if isinstance(action, ast.JoinedStr):
                    yield from (f"{name}{ast.literal_eval(action.values[-1])}" for name in stoppable)
                else:
                    yield ast.literal_eval(action)


def test_every_action_that_is_recorded_has_words() -> None:
    assert set(recorded_actions()) == set(ACTIONS)


NAMES = [f"tool{number}" for number in range(50)]


@pytest.mark.parametrize(
    ("action", "detail", "shown"),
    [
        ("policy.publish", {"note": "Two coins", "version": 2}, ["Version: 2", "Note: Two coins"]),
        ("policy.publish", {"note": "", "version": 1}, ["Version: 1"]),
        ("grant.mint", {"policy": "", "last_four": "oak1"}, ["Policy: none", "Token ends in: oak1"]),
        ("grant.expire", {"expires_at": None}, ["Expires: never"]),
        ("grant.expire", {"expires_at": "2026-11-24T05:29:05.009683+02:00"}, ["Expires: 24 Nov 2026, 03:29 UTC"]),
        ("member.role", {"to": "policy_manager", "from": "viewer"}, ["From: Viewer", "To: Policy manager"]),
        ("organisation.rename", {"to": "viewer", "from": "Acme"}, ["From: Acme", "To: viewer"]),
        ("organisation.quotas", {"calls": 7, "streams": None}, ["Calls on their way: 7", "Open streams: the usual"]),
        ("tools.discovered", {"gone": 1, "gone_tools": ["exportAll"]}, ["Gone: exportAll"]),
        ("tools.discovered", {"added": 328, "added_tools": NAMES}, ["Added: first 50 of 328 / " + ", ".join(NAMES)]),
        ("server.deleted", {"grants": NAMES[:6], "policies": []}, ["Grants: 6 / " + ", ".join(NAMES[:6])]),
        (
            "tool.reviewed",
            {"level": "high", "was": {"is_reviewed": False, "level": "low"}},
            ["Level: high", "Before: low, not reviewed"],
        ),
        ("tried", {"odd_key": 1, "version": 2}, ["Version: 2", "Odd key: 1"]),
    ],
)
def test_facts_are_told_in_words_and_in_one_order(action: str, detail: dict[str, object], shown: list[str]) -> None:
    entry = entry_of(AdminAudit(actor=DISCOVERY, action=action, target="x", detail={**detail, "id": AN_ID}))
    told = [f"{fact.label}: {' / '.join(filter(None, (fact.summary, fact.text)))}" for fact in entry.facts]
    assert told == shown
    assert [(each.label, each.text) for each in entry.ids] == [("Id", AN_ID)]
    assert entry.actor == "Tool discovery"


def test_an_action_without_words_is_shown_by_its_code(cast: Cast) -> None:
    write_rows(cast, 1)
    assert '<th scope="row" title="tried">tried</th>' in text_of(client_of(cast.alice).get("/app/acme/audit/"))
