"""Carrying policies about through the REST API: import, export, duplicate; and running their saved tests."""

from uuid import uuid4

import pytest

from accounts.models import Role
from accounts.tenancy import tenant
from policies.models import Policy
from servers.models import Server
from tests.conftest import Cast
from tests.policies.conftest import (
    NOTHING,
    PACED,
    READS,
    WRONG,
    WRONG_AT,
    Api,
    ApiOf,
    body_of,
    make_policy,
    make_server,
    pointers_of,
)

TEST = {"name": "Tickers", "tool": "getTickers", "arguments": "{}", "expected_outcome": "allow"}
SPELLED = '{ "version":"1",\n "default" : "deny", "tools":{"getTickers":{"rate_limit":{"max":1e1,"window":60}}} }\n'


def names_of(cast: Cast) -> set[str]:
    with tenant(cast.organisation.id):
        return set(Policy.objects.values_list("name", flat=True))


def test_what_is_exported_is_imported_letter_for_letter(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server, document=SPELLED)
    exported = admin.get("export", policy.id)
    assert exported.status_code == 200
    assert exported.content.decode() == SPELLED
    assert exported["Content-Type"] == "application/json; charset=utf-8"
    assert exported["Content-Disposition"] == 'attachment; filename="agents-v1.json"'
    second = make_server(cast.organisation, "Second")
    body = {"server": str(second.id), "name": "Agents", "document": exported.content.decode(), "note": "From Bybit"}
    imported = admin.post("import", body=body)
    assert imported.status_code == 201
    version = body_of(imported)
    assert (version["number"], version["note"], version["document"]) == (1, "From Bybit", SPELLED)
    assert admin.get("export", version["policy"]).content.decode() == SPELLED


def test_an_import_replaces_the_version_that_it_names_and_no_other(admin: Api, server: Server) -> None:
    body = {"server": str(server.id), "name": "Agents", "document": READS}
    first = admin.post("import", body=body)
    assert (first.status_code, body_of(first)["number"]) == (201, 1)
    again = admin.post("import", body={**body, "document": PACED})
    assert (again.status_code, pointers_of(again)) == (409, ["/expected"])
    second = admin.post("import", body={**body, "document": PACED, "expected": 1})
    assert (second.status_code, body_of(second)["number"]) == (201, 2)
    assert body_of(second)["policy"] == body_of(first)["policy"]
    same = admin.post("import", body={**body, "document": PACED, "expected": 2})
    assert (same.status_code, body_of(same)["number"]) == (200, 2)
    assert admin.post("import", body={**body, "expected": 1}).status_code == 409


def test_a_copy_that_nobody_published_is_published_by_an_import(cast: Cast, admin: Api, server: Server) -> None:
    copy = body_of(admin.post("duplicate", make_policy(cast, server).id))
    body = {"server": str(server.id), "name": copy["name"], "document": PACED}
    imported = admin.post("import", body=body)
    assert (imported.status_code, body_of(imported)["policy"], body_of(imported)["number"]) == (201, copy["id"], 1)


def test_an_import_that_is_refused_leaves_no_policy_behind(cast: Cast, admin: Api, server: Server) -> None:
    body: dict[str, object] = {"server": str(server.id), "name": "New", "document": WRONG}
    refused = admin.post("import", body=body)
    assert (refused.status_code, pointers_of(refused)) == (422, [WRONG_AT])
    absent = admin.post("import", body={**body, "document": READS, "expected": 3})
    assert (absent.status_code, pointers_of(absent)) == (409, ["/expected"])
    assert names_of(cast) == set()
    assert admin.post("import", body={**body, "document": READS}).status_code == 201
    assert names_of(cast) == {"New"}


def test_an_import_is_judged_by_the_saved_tests(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    admin.post("tests", policy.id, body=TEST)
    body = {"server": str(server.id), "name": "Agents", "expected": 1}
    assert admin.post("import", body={**body, "document": NOTHING}).status_code == 422
    assert admin.post("import", body={**body, "document": PACED}).status_code == 201


def test_one_key_imports_and_duplicates_once(cast: Cast, admin: Api, server: Server) -> None:
    body = {"server": str(server.id), "name": "Agents", "document": READS}
    key = str(uuid4())
    policy = body_of(admin.post("import", body=body, key=key))["policy"]
    assert admin.post("import", body={**body, "name": "Other"}, key=key).status_code == 422
    key = str(uuid4())
    assert admin.post("duplicate", policy, key=key).status_code == 201
    assert admin.post("duplicate", policy, body={"again": 1}, key=key).status_code == 422
    assert names_of(cast) == {"Agents", "Agents (copy)"}


def test_a_duplicate_has_the_tests_and_is_not_published(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    admin.post("tests", policy.id, body=TEST)
    made = admin.post("duplicate", policy.id)
    copy = body_of(made)
    assert (made.status_code, copy["name"], copy["current"], copy["server"]) == (
        201,
        "Agents (copy)",
        0,
        str(server.id),
    )
    assert [test["name"] for test in body_of(admin.get("tests", copy["id"]))["items"]] == ["Tickers"]
    assert body_of(admin.get("versions", copy["id"]))["items"] == []


def test_what_was_never_published_is_neither_exported_nor_duplicated_nor_run(
    cast: Cast, admin: Api, server: Server
) -> None:
    policy = make_policy(cast, server, document=None)
    for answer in (
        admin.get("export", policy.id),
        admin.post("duplicate", policy.id),
        admin.post("run_tests", policy.id),
    ):
        assert (answer.status_code, pointers_of(answer)) == (409, [""])
        assert body_of(answer)["detail"] == "This policy has no published version yet."
    assert body_of(admin.post("run_tests", policy.id, body={"document": READS}))["is_passed"] is True


def test_saved_tests_are_run_against_a_document_or_what_is_in_force(cast: Cast, api_of: ApiOf, server: Server) -> None:
    admin, viewer = api_of(Role.ADMIN), api_of(Role.VIEWER)
    policy = make_policy(cast, server)
    test = body_of(admin.post("tests", policy.id, body=TEST))
    in_force = body_of(viewer.post("run_tests", policy.id))
    assert in_force == {
        "version": 1,
        "is_passed": True,
        "results": [
            {
                "test": test,
                "is_passed": True,
                "got": "allow",
                "got_rule": "/tools/getTickers",
                "sentence": "“Tickers” (getTickers): expected allow, got allow by /tools/getTickers.",
            }
        ],
    }
    draft = body_of(viewer.post("run_tests", policy.id, body={"document": NOTHING}))
    assert (draft["version"], draft["is_passed"]) == (None, False)
    assert [(each["is_passed"], each["got"], each["got_rule"]) for each in draft["results"]] == [
        (False, "deny", "(default)")
    ]
    # Nothing of it was published.
    assert body_of(viewer.get("policy", policy.id))["current"] == 1


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"document": WRONG}, 422, WRONG_AT),
        ({"document": {"version": "1"}}, 400, "/document"),
        ({"document": ""}, 400, "/document"),
        ({"documnet": READS}, 400, "/documnet"),
    ],
)
def test_a_document_that_cannot_be_judged_runs_no_test(
    cast: Cast, admin: Api, server: Server, body: dict[str, object], status: int, pointer: str
) -> None:
    policy = make_policy(cast, server)
    answer = admin.post("run_tests", policy.id, body=body)
    assert (answer.status_code, pointers_of(answer)) == (status, [pointer])
    assert admin.post("run_tests", policy.id, body={"document": READS}).status_code == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"expected": -1}, "/expected"),
        ({"name": ""}, "/name"),
        ({"server": str(uuid4())}, "/server"),
        ({"document": None}, "/document"),
    ],
)
def test_a_wrong_member_of_an_import_is_400_with_its_pointer(
    admin: Api, server: Server, change: dict[str, object], pointer: str
) -> None:
    body: dict[str, object] = {"server": str(server.id), "name": "Agents", "document": READS}
    answer = admin.post("import", body={**body, **change})
    assert (answer.status_code, pointers_of(answer)) == (400, [pointer])
    assert admin.post("import", body=body).status_code == 201


def test_another_organisations_policy_is_out_of_reach(cast: Cast, charlies: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    for answer in (
        charlies.get("export", policy.id),
        charlies.post("duplicate", policy.id),
        charlies.post("run_tests", policy.id),
    ):
        assert answer.status_code == 404
    body = {"server": str(server.id), "name": "Agents", "document": READS}
    assert pointers_of(charlies.post("import", body=body)) == ["/server"]
