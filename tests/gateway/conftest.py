"""The gateway under a real server on loopback, an upstream that records, and a Redis database of this run alone."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.urls import re_path

from accounts import epochs
from config.celery import app as celery
from gateway import knock
from gateway.endpoint import GatewayEndpoint
from gateway.lifespan import Lifespan
from gateway.log_writer import LogWriter
from tests.gateway.upstream import RecordingUpstream, serve
from tests.gateway.world import Agent, World, agent_of, make_world, shared_client

# The log's streams belong to nobody's organisation, so runs side by side need databases of their own.
DATABASES = range(9, 16)


@pytest.fixture(scope="module")
def rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Committed rows, which the gateway's own threads and connections see; every test makes an organisation of its own,
    so one clean-up a module is enough."""
    with django_db_blocker.unblock():
        yield
        connection.close()
        call_command(
            "flush",
            verbosity=0,
            interactive=False,
            reset_sequences=False,
            allow_cascade=False,
            inhibit_post_migrate=True,
        )


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    before = django_settings.REDIS_URL
    base = urlsplit(before)
    for number in DATABASES:
        url = base._replace(path=f"/{number}").geturl()
        client = redis.Redis.from_url(url)
        if client.set("pl:tests:claimed", 1, nx=True, ex=1800):
            break
        client.close()
    else:
        pytest.fail("no free Redis database for this run")
    django_settings.REDIS_URL = url
    epochs._client.cache_clear()
    knock._client.cache_clear()
    yield url
    django_settings.REDIS_URL = before
    for made in (epochs._client, knock._client):
        made().close()
        made.cache_clear()
    client.flushdb()
    client.close()


@pytest.fixture(scope="session")
def gateway(django_db_setup: None, redis_url: str) -> Iterator[str]:
    """The base address of a running gateway."""
    with serve(make_application(), lifespan="on") as port:
        yield f"http://127.0.0.1:{port}"
        shared_client().close()


def make_application() -> Any:
    # Bound before anything queues a task, as config/asgi.py does.
    celery.set_default()
    endpoint: Any = GatewayEndpoint()
    return ProtocolTypeRouter(
        {
            "http": URLRouter([re_path(r"^mcp/(?P<server>.+?)/?$", endpoint)]),
            "lifespan": Lifespan(endpoint),
        }
    )


@pytest.fixture(scope="session")
def recorder() -> Iterator[RecordingUpstream]:
    upstream = RecordingUpstream()
    with serve(upstream) as port:
        upstream.url = f"http://127.0.0.1:{port}/mcp"
        yield upstream


@pytest.fixture
def upstream(recorder: RecordingUpstream) -> RecordingUpstream:
    recorder.reset()
    return recorder


@pytest.fixture(scope="module")
def module_log_writer(redis_url: str, rows: None) -> Iterator[None]:
    yield from write_log(redis_url)


@pytest.fixture
def log_writer(redis_url: str, rows: None) -> Iterator[None]:
    yield from write_log(redis_url)


def write_log(redis_url: str) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=LogWriter(redis_url).run, args=(stop,), daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(timeout=20)
    assert not thread.is_alive()


@pytest.fixture
def build(rows: None, upstream: RecordingUpstream) -> Callable[..., World]:
    return lambda document=None: make_world(upstream.url, document)


@pytest.fixture(params=["legacy", "modern"])
def speak(request: Any, gateway: str) -> Callable[[World], Agent]:
    """An agent of the world's grant, once in each era."""
    return lambda world: agent_of(gateway, world, is_modern=request.param == "modern")
