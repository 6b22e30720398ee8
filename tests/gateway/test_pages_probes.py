"""The probes that a launcher, a load balancer and a person's curl ask."""

from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.db import connections
from django.test import Client

DEAD_REDIS = "redis://127.0.0.1:1/0"


def ready() -> tuple[int, list[str]]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()["reasons"]


def test_the_process_is_alive() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_it_is_ready_with_all_its_parts() -> None:
    call_command("load_catalog", verbosity=0)
    assert ready() == (200, [])


@pytest.mark.django_db
def test_an_empty_catalogue_is_not_ready() -> None:
    assert ready() == (503, ["The catalogue is empty: run load_catalog."])


@pytest.mark.django_db
def test_redis_away_is_not_ready_and_tells_no_address(settings: Any) -> None:
    call_command("load_catalog", verbosity=0)
    settings.REDIS_URL = DEAD_REDIS
    assert ready() == (503, ["Redis does not answer (ConnectionError)."])


@pytest.mark.django_db(transaction=True)
def test_a_missing_migration_is_not_ready() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT id, app, name, applied FROM django_migrations ORDER BY id DESC LIMIT 1")
        row = cursor.fetchone()
        assert row is not None
        cursor.execute("DELETE FROM django_migrations WHERE id = %s", [row[0]])
        try:
            assert ready() == (503, ["1 migrations are not applied: run migrate as the owner."])
        finally:
            cursor.execute("INSERT INTO django_migrations (id, app, name, applied) VALUES (%s, %s, %s, %s)", row)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not configured.OWNER_URL, reason="needs the owner's URL")
def test_the_owner_as_serving_role_is_not_ready() -> None:
    serving = connections["default"]
    kept = {name: serving.settings_dict[name] for name in ("USER", "PASSWORD")}
    serving.close()
    serving.settings_dict.update({name: configured.DATABASES["owner"][name] for name in kept})
    try:
        status, reasons = ready()
    finally:
        serving.close()
        serving.settings_dict.update(kept)
    assert status == 503
    assert reasons[0].startswith("The serving role owns tables")


@pytest.mark.django_db(transaction=True)
def test_postgresql_away_is_not_ready() -> None:
    serving = connections["default"]
    kept = {name: serving.settings_dict[name] for name in ("HOST", "PORT")}
    serving.close()
    serving.settings_dict.update({"HOST": "127.0.0.1", "PORT": "1"})
    try:
        status, reasons = ready()
    finally:
        serving.close()
        serving.settings_dict.update(kept)
    assert (status, reasons) == (503, ["PostgreSQL does not answer (OperationalError)."])
