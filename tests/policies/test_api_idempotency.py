"""Idempotency-Key: one key creates once, whatever happens; commits are real here."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from django.conf import settings as django_settings
from django.core.cache import cache
from django.urls import reverse

from accounts.models import Role
from policies.api.idempotency import KEPT_SECONDS
from servers.models import Server
from tests.conftest import Cast
from tests.policies.conftest import Api, ApiOf, body_of, make_server, pointers_of

pytestmark = pytest.mark.django_db(transaction=True)


def names_kept_for(organisation_id: UUID) -> list[str]:
    with redis.Redis.from_url(str(django_settings.CACHES["default"]["LOCATION"])) as client:
        names = [name.decode() for name in client.scan_iter(f"*{organisation_id}:idempotency:*", count=10_000)]
    return [name.removeprefix("pl:cache:1:") for name in names]


def labels_of(api: Api) -> list[str]:
    return [grant["label"] for grant in body_of(api.get("grants"))["items"]]


def test_the_same_request_creates_once(admin: Api, server: Server) -> None:
    body, key = {"server": str(server.id), "name": "Agents"}, str(uuid4())
    first = admin.post("policies", body=body, key=key)
    second = admin.post("policies", body=body, key=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert body_of(second) == body_of(first)
    assert ("Idempotency-Replayed" in first, second["Idempotency-Replayed"]) == (False, "true")
    assert len(body_of(admin.get("policies"))["items"]) == 1


def test_a_token_is_not_kept_for_the_repetition(admin: Api, server: Server) -> None:
    body, key = {"server": str(server.id), "label": "Laptop"}, str(uuid4())
    first = body_of(admin.post("grants", body=body, key=key))
    second = body_of(admin.post("grants", body=body, key=key))
    assert first["token"].startswith("plg_")
    assert second == {**first, "token": None}
    assert labels_of(admin) == ["Laptop"]


def test_another_request_under_the_same_key_is_422(admin: Api, server: Server) -> None:
    key = str(uuid4())
    body = {"server": str(server.id), "label": "Laptop"}
    assert admin.post("grants", body=body, key=key).status_code == 201
    assert admin.post("grants", body={**body, "label": "Desktop"}, key=key).status_code == 422
    assert admin.post("policies", body={"server": str(server.id), "name": "A"}, key=key).status_code == 422
    assert labels_of(admin) == ["Laptop"]
    assert admin.post("grants", body={**body, "label": "Desktop"}, key=str(uuid4())).status_code == 201


def test_a_refused_request_may_be_mended_under_its_key(admin: Api, server: Server) -> None:
    key = str(uuid4())
    assert admin.post("grants", body={"server": str(server.id)}, key=key).status_code == 400
    assert admin.post("grants", body={"server": str(server.id), "label": "Laptop"}, key=key).status_code == 201


def test_keys_of_organisations_do_not_meet(cast: Cast, admin: Api, charlies: Api, server: Server) -> None:
    key = str(uuid4())
    theirs = make_server(cast.other)
    assert admin.post("grants", body={"server": str(server.id), "label": "Laptop"}, key=key).status_code == 201
    assert charlies.post("grants", body={"server": str(theirs.id), "label": "Laptop"}, key=key).status_code == 201


def test_a_request_that_still_runs_is_not_run_twice(admin: Api, server: Server) -> None:
    body, key = {"server": str(server.id), "label": "Laptop"}, str(uuid4())
    assert admin.post("grants", body=body, key=key).status_code == 201
    (name,) = names_kept_for(server.organisation_id)
    kept = cache.get(name)
    cache.set(name, kept.replace('"status": 201', '"status": 0'), KEPT_SECONDS)
    assert admin.post("grants", body=body, key=key).status_code == 409
    assert labels_of(admin) == ["Laptop"]


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb", "é"])
def test_a_key_is_printable_and_short(admin: Api, server: Server, key: str) -> None:
    url = reverse("policies:api:grants")
    body = {"server": str(server.id), "label": "Laptop"}
    answer = admin.client.post(url, body, content_type="application/json", headers={"Idempotency-Key": key})
    assert (answer.status_code, pointers_of(answer)) == (400, [""])
    assert labels_of(admin) == []


def test_without_redis_a_keyed_request_is_503_and_creates_nothing(api_of: ApiOf, server: Server, settings: Any) -> None:
    admin = api_of(Role.ADMIN)
    body = {"server": str(server.id), "label": "Laptop"}
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9"}}
    assert admin.post("grants", body=body, key=str(uuid4())).status_code == 503
    assert labels_of(admin) == []
    assert admin.post("grants", body=body).status_code == 201
