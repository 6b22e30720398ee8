"""The REST API's door, tried on a resource of the tests' own."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import member_for
from accounts.models import AdminAudit, ApiKey, Role, User
from accounts.services import mint_api_key
from accounts.tenancy import tenant
from tests.conftest import Cast, client_of

pytestmark = pytest.mark.urls("tests.accounts.api_urls")
PROBLEM = "application/problem+json"


def key_of(cast: Cast, role: Role, by: User | None = None) -> str:
    person = by or cast.alice
    member = member_for(person, "other" if person == cast.charlie else "acme")
    with tenant(member.organisation.id):
        return mint_api_key(member=member, label="script", role=role).token


def ask(token: str, method: str = "GET", body: object = None, scheme: str = "Bearer") -> Any:
    return Client().generic(
        method,
        "/probe/",
        b"" if body is None else json.dumps(body).encode(),
        content_type="application/json",
        headers={"Authorization": f"{scheme} {token}"},
    )


def test_a_key_reads_its_own_organisation(cast: Cast) -> None:
    answer = ask(key_of(cast, Role.VIEWER))
    assert answer.status_code == 200
    assert answer.json() == {"name": "API key script", "members": 3}
    assert ask(key_of(cast, Role.VIEWER, cast.charlie)).json()["members"] == 1


def test_the_scheme_is_read_in_any_case(cast: Cast) -> None:
    assert ask(key_of(cast, Role.VIEWER), scheme="bearer").status_code == 200


def test_no_key_is_asked_for_one(cast: Cast) -> None:
    answer = Client().get("/probe/")
    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)
    assert answer["WWW-Authenticate"] == 'Bearer realm="PolicyLayer API"'
    assert answer.json()["status"] == 401


def test_a_session_is_no_key(cast: Cast) -> None:
    assert client_of(cast.alice).get("/probe/").status_code == 401


def revoke(key: ApiKey) -> None:
    key.revoked_at = timezone.now()


def expire(key: ApiKey) -> None:
    key.expires_at = timezone.now() - timedelta(seconds=1)


@pytest.mark.parametrize("end", [revoke, expire])
def test_a_key_that_ended_is_refused_like_an_unknown_one(cast: Cast, end: Callable[[ApiKey], None]) -> None:
    token = key_of(cast, Role.ADMIN)
    assert ask(token).status_code == 200
    with tenant(cast.organisation.id):
        key = ApiKey.objects.get()
        end(key)
        key.save()
    ended, unknown = ask(token), ask("pla_" + "0" * 33)
    assert (ended.status_code, ended["Content-Type"]) == (401, PROBLEM)
    assert ended["WWW-Authenticate"] == 'Bearer realm="PolicyLayer API", error="invalid_token"'
    assert ended.content == unknown.content
    assert token not in ended.content.decode()


@pytest.mark.parametrize("token", ["", "x", "plg_" + "0" * 33, "pla_é"])
def test_something_else_is_refused(cast: Cast, token: str) -> None:
    assert ask(token).status_code == 401
    assert ask(key_of(cast, Role.ADMIN), scheme="Basic").status_code == 401


def test_a_role_that_may_not_write_is_refused_and_one_that_may_is_not(cast: Cast) -> None:
    refused = ask(key_of(cast, Role.POLICY_MANAGER), "POST", {"name": "x"})
    assert (refused.status_code, refused["Content-Type"]) == (403, PROBLEM)
    assert ask(key_of(cast, Role.ADMIN), "POST", {"name": "x"}).status_code == 200


def test_a_method_that_is_not_there_is_405(cast: Cast) -> None:
    answer = ask(key_of(cast, Role.VIEWER), "DELETE")
    assert (answer.status_code, answer["Content-Type"]) == (405, PROBLEM)


def test_fields_are_named_by_pointer(cast: Cast) -> None:
    answer = ask(key_of(cast, Role.ADMIN), "POST", {"name": "too long", "sizes": [1, "x"]})
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/name", "/sizes/1"]
    assert set(answer.json()) == {"type", "title", "status", "detail", "errors"}


def test_a_problem_of_the_handlers_own_keeps_its_suggestions(cast: Cast) -> None:
    answer = ask(key_of(cast, Role.ADMIN), "POST", {"name": "odd"})
    assert answer.json()["detail"] == "It is odd."
    assert answer.json()["errors"] == [{"pointer": "/name", "message": "Too odd.", "suggestion": "even"}]


@pytest.mark.parametrize(("name", "written"), [("fine", 1), ("lost", 0), ("odd", 0), ("too long", 0)])
def test_a_problem_rolls_back_what_the_handler_wrote(cast: Cast, name: str, written: int) -> None:
    ask(key_of(cast, Role.ADMIN), "POST", {"name": name})
    with tenant(cast.organisation.id):
        assert AdminAudit.objects.filter(action="probe").count() == written


def test_a_missing_object_tells_nothing_about_itself(cast: Cast) -> None:
    answer = ask(key_of(cast, Role.ADMIN), "POST", {"name": "lost"})
    assert answer.status_code == 404
    assert "secret" not in answer.content.decode()


def test_a_body_that_is_not_json_is_a_problem(cast: Cast) -> None:
    token = key_of(cast, Role.ADMIN)
    answer = Client().post(
        "/probe/", "{", content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
