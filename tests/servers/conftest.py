"""Registered servers of the cast, loaded catalogue, and upstreams that are real MCP servers on loopback."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.access import Member
from accounts.models import Role
from accounts.tenancy import tenant
from catalog.services import load_catalog
from servers.models import Server
from servers.services import register_server
from tests.conftest import Cast, client_of
from tests.servers.upstreams import App, Upstream, serve

# Binds the tasks to the Celery app, as every process of the product does.
import_module("config.celery")


@pytest.fixture
def upstream() -> Iterator[Callable[[App], Upstream]]:
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(serve(app))


@pytest.fixture
def catalogue(db: None) -> None:
    load_catalog()


@pytest.fixture
def alice(cast: Cast) -> Client:
    return client_of(cast.alice)


def admin_of(cast: Cast) -> Member:
    return Member(cast.organisation, Role.ADMIN, cast.alice.email, cast.alice)


class Registrar:
    """Registers servers as alice and runs what that queues, as a worker would."""

    def __init__(self, cast: Cast, capture: DjangoCaptureOnCommitCallbacks) -> None:
        self.cast = cast
        self.capture = capture

    def register(self, url: str, *, name: str = "Mine", headers: tuple[tuple[str, str], ...] = ()) -> Server:
        with self.capture(execute=True), tenant(self.cast.organisation.id):
            server = register_server(member=admin_of(self.cast), name=name, kind="http", url=url, headers=headers)
        return self.reload(server)

    def reload(self, server: Server) -> Server:
        with tenant(self.cast.organisation.id):
            return Server.objects.select_related("organisation").get(id=server.id)


@pytest.fixture
def registrar(cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Registrar:
    return Registrar(cast, django_capture_on_commit_callbacks)
