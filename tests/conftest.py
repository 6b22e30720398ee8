"""Databases and the fixed cast; must not patch anything of the product."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client
from psycopg import sql

from accounts.models import Membership, Organisation, Role, User
from accounts.tenancy import tenant


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """A database made and migrated by the owner; the tests run as the serving role, under row-level security."""
    owner, serving = settings.DATABASES["owner"], settings.DATABASES["default"]
    name = f"policylayer_test_{os.getpid()}"
    home = owner["NAME"]
    with _connect(owner, home) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    for alias in ("owner", "default"):
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = settings.DATABASES[alias]["NAME"] = name
    with django_db_blocker.unblock():
        call_command("migrate", database="owner", verbosity=0)
        connections["owner"].close()
    with _connect(owner, name) as connection:
        # Only so that tests that commit can be cleaned up after; the product's role cannot truncate.
        role = sql.Identifier(serving["USER"])
        connection.execute(sql.SQL("GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO {}").format(role))
    yield
    for alias in ("owner", "default"):
        connections[alias].close()
    with _connect(owner, home) as connection:
        # Not WITH (FORCE): the owner may not end the serving role's connections; plain, it waits 5 s for them to go.
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _connect(database: dict[str, Any], name: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=database["HOST"],
        port=database["PORT"] or None,
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=name,
        autocommit=True,
    )


@pytest.fixture(autouse=True)
def quick_settings(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CELERY_TASK_ALWAYS_EAGER = True
    settings.ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]


@dataclass(frozen=True)
class Cast:
    """alice (admin), pam (policy manager) and bob (viewer) of one organisation; charlie is admin of another."""

    organisation: Organisation
    other: Organisation
    alice: User
    pam: User
    bob: User
    charlie: User


def make_organisation(name: str) -> Organisation:
    organisation = Organisation(id=uuid4(), name=name, slug=name.lower())
    with tenant(organisation.id):
        organisation.save(force_insert=True)
    return organisation


def make_member(organisation: Organisation, name: str, role: Role) -> User:
    user = User.objects.create_user(f"{name}@example.com", "a long enough password", last_organisation=organisation.id)
    with tenant(organisation.id):
        Membership.objects.create(organisation=organisation, user=user, role=role.value)
    return user


@pytest.fixture
def cast(db: None) -> Cast:
    acme, other = make_organisation("Acme"), make_organisation("Other")
    return Cast(
        organisation=acme,
        other=other,
        alice=make_member(acme, "alice", Role.ADMIN),
        pam=make_member(acme, "pam", Role.POLICY_MANAGER),
        bob=make_member(acme, "bob", Role.VIEWER),
        charlie=make_member(other, "charlie", Role.ADMIN),
    )


def client_of(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client
