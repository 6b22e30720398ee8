"""The form on a web server as ./run starts it: stores that are away, and proxies that are trusted or not."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx
import pytest

from tests.accounts.contact import SENT, filled, stored
from tests.gateway.stores import environment_of_subprocess, free_port
from tests.launcher.instance import poll

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@contextmanager
def web_server(**settings: str) -> Iterator[httpx.Client]:
    environment = environment_of_subprocess() | settings
    with socket.create_server(("127.0.0.1", 0)) as listening:
        argv = [sys.executable, "-m", "config.launcher.web", "1", str(listening.fileno())]
        process = subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL, pass_fds=[listening.fileno()])
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            with httpx.Client(base_url=url, timeout=60, follow_redirects=True) as client:
                assert poll(lambda: is_alive(client), 60)
                yield client
        finally:
            process.terminate()
            process.wait(timeout=30)


def is_alive(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def away() -> str:
    return f"127.0.0.1:{free_port()}"


def test_without_redis_a_message_is_kept() -> None:
    with web_server(REDIS_URL=f"redis://{away()}/0") as client:
        assert client.get("/contact/").status_code == 200
        assert SENT in client.post("/contact/", data=filled()).text
    assert len(stored()) == 1


def test_without_any_store_what_was_typed_comes_back() -> None:
    database = urlsplit(environment_of_subprocess()["DATABASE_URL"])
    place = database._replace(netloc=f"{database.username}:{database.password}@{away()}", query="")
    with web_server(REDIS_URL=f"redis://{away()}/0", DATABASE_URL=urlunsplit(place)) as client:
        assert client.get("/contact/").status_code == 200
        back = client.post("/contact/", data=filled())
    assert back.status_code == 503
    assert "Your message cannot be kept just now. Send it again in a few minutes." in back.text
    assert "Does it work with my server?" in back.text and 'value="Zoë Müller"' in back.text


@pytest.mark.parametrize(("proxies", "senders"), [("127.0.0.1", 3), ("192.0.2.1", 1)], ids=["trusted", "not trusted"])
def test_a_proxy_says_who_sends_only_if_it_is_trusted(proxies: str, senders: int) -> None:
    network = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}"
    # Redis would still count what an earlier run sent from loopback.
    with web_server(TRUSTED_PROXIES=proxies, REDIS_URL=f"redis://{away()}/0") as client:
        for number in range(3):
            headers = {"X-Forwarded-For": f"{network}::{number + 1}"}
            assert SENT in client.post("/contact/", data=filled(), headers=headers).text
    assert len({message.address_mark for message in stored()}) == senders
    assert len({message.network_mark for message in stored()}) == 1
