"""Who may open a connection: a new client beside the address guard fails here, until somebody says where it leads."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.project import APPS, is_test, list_python, name_of

# Everything that can open a connection: the standard library's clients, and those that are or might be installed.
CLIENTS: Final = frozenset(
    (
        *("aiohttp", "anyio", "ftplib", "grpc", "http.client", "httpcore", "httpx", "imaplib", "nntplib", "poplib"),
        *("pycurl", "requests", "smtplib", "socket", "socketserver", "telnetlib", "trio", "urllib.request", "urllib3"),
        *("websockets", "xmlrpc.client", "mcp", "fastmcp", "aiosmtplib", "paramiko", "asyncssh", "httplib2"),
        *("psycopg", "redis", "django.core.mail"),
    )
)
OPENERS: Final = frozenset(
    {"create_connection", "open_connection", "create_datagram_endpoint", "sock_connect", "create_unix_connection"}
)
# They reach what a tenant typed, and so the guard decides where their sockets open.
GUARDED: Final[dict[str, set[str]]] = {
    "servers/upstream/exchange.py": {"httpx", "socket"},
    "servers/upstream/guard.py": {"httpcore", "httpx", "socket"},
    "servers/upstream/http.py": {"aiohttp", "socket"},
}
# They reach what the operator configured (PostgreSQL, Redis, the mail server), or nothing but this machine.
OPERATORS: Final[dict[str, set[str]]] = {
    "accounts/apps.py": {"psycopg"},
    "accounts/contact/limits.py": {"redis"},
    "accounts/contact/mail.py": {"django.core.mail"},
    "accounts/epochs.py": {"redis"},
    "accounts/operator/checks.py": {"redis"},
    "accounts/operator/registry.py": {"redis"},
    "accounts/outbox.py": {"django.core.mail"},
    "accounts/tasks.py": {"redis"},
    "catalog/stamp.py": {"redis"},
    "gateway/health.py": {"redis"},
    "gateway/hints.py": {"redis"},
    "gateway/knock.py": {"redis"},
    "gateway/ledger.py": {"psycopg"},
    "gateway/log_writer.py": {"redis", "socket"},
    "gateway/readiness.py": {"redis"},
    "gateway/snapshots.py": {"redis"},
    "gateway/wire.py": {"create_connection", "redis"},
    "policies/api/idempotency.py": {"redis"},
    "servers/management/commands/simulator.py": {"socket"},
    "servers/marks.py": {"redis"},
    # A server of the SDK's, and no client.
    "servers/simulator/app.py": {"mcp"},
}
LAUNCHER: Final = "config/launcher/"


def find_clients(text: str) -> set[str]:
    """The clients that a module imports, by their names in CLIENTS, and the openers that it calls."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute) and node.attr in OPENERS:
            found.add(node.attr)
        found |= {client for client in CLIENTS for name in names if f"{name}.".startswith(f"{client}.")}
    return found


def product_sources() -> Iterator[tuple[str, str]]:
    for path in list_python():
        name = name_of(path)
        if path.parts[-1] and name.split("/")[0] in APPS and not is_test(Path(path)) and not name.startswith(LAUNCHER):
            yield name, path.read_text(encoding="utf-8")


def test_nothing_opens_connections_but_what_is_listed() -> None:
    found = {name: clients for name, text in product_sources() if (clients := find_clients(text))}
    assert found == GUARDED | OPERATORS


@pytest.mark.parametrize(
    ("line", "clients"),
    [
        ("import httpx", {"httpx"}),
        ("import http.client", {"http.client"}),
        ("from http import client", {"http.client"}),
        ("from urllib.request import urlopen", {"urllib.request"}),
        ("from urllib import request", {"urllib.request"}),
        ("from aiohttp.client import ClientSession", {"aiohttp"}),
        ("async def f():\n    await asyncio.open_connection('x', 1)", {"open_connection"}),
        ("import httpx_stub\nfrom urllib.parse import urlsplit\nfrom http import HTTPStatus", set()),
    ],
)
def test_a_client_is_found_however_it_is_imported(line: str, clients: set[str]) -> None:
    assert find_clients(line) == clients


def calls_in(name: str) -> dict[str, list[dict[str, str]]]:
    """Every call of a guarded module by what is called, with its keyword arguments as they are written."""
    text = next(text for source, text in product_sources() if source == name)
    found: dict[str, list[dict[str, str]]] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            keywords = {one.arg or "**": ast.unparse(one.value) for one in node.keywords}
            found.setdefault(ast.unparse(node.func), []).append(keywords)
    return found


def test_the_guarded_clients_are_made_with_the_guard_and_nothing_of_the_environment() -> None:
    exchange = calls_in("servers/upstream/exchange.py")
    [client] = exchange["httpx.Client"]
    assert (client["transport"], client["trust_env"], client["follow_redirects"]) == (
        "GuardedTransport()",
        "False",
        "False",
    )
    calls = calls_in("servers/upstream/http.py")
    [connector] = calls["TidyConnector"]
    assert (connector["resolver"], connector["use_dns_cache"], connector["socket_factory"]) == (
        "GuardedResolver()",
        "False",
        "open_socket",
    )
    [session] = calls["aiohttp.ClientSession"]
    assert (session["connector"], session["trust_env"]) == ("connector", "False")
    [request] = calls["self._session.request"]
    assert request["allow_redirects"] == "False"
    # No other way of theirs to send anything.
    for made in (exchange, calls):
        kinds = {
            "httpx.get",
            "httpx.post",
            "httpx.stream",
            "httpx.request",
            "httpx.AsyncClient",
            "aiohttp.request",
            "aiohttp.TCPConnector",
        }
        assert kinds.isdisjoint(made)
