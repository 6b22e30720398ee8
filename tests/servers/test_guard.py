"""Hostile addresses: as URLs, as resolved addresses, and where the socket opens. Nothing leaves loopback."""

import socket
from collections.abc import Iterator
from typing import Any

import httpcore
import httpx
import pytest

from servers.upstream.guard import (
    AddressRefusedError,
    AddrInfo,
    GuardedBackend,
    GuardedTransport,
    check_answers,
    check_url,
    is_simulator_url,
    open_socket,
)
from tests.servers.hostile import ADDRESSES, PUBLIC, URLS
from tests.servers.upstreams import Toolbox, make_tool, serve


def info_of(address: str, port: int = 443) -> AddrInfo:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    tail: tuple[Any, ...] = (0, 0) if family == socket.AF_INET6 else ()
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, *tail))


@pytest.fixture
def no_private(settings: Any) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = False


@pytest.fixture
def recorder() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        yield listener


def heard(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_the_table_holds_every_form_that_is_known_to_slip_through() -> None:
    assert len(set(ADDRESSES)) >= 66


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.usefixtures("no_private")
def test_it_opens_no_socket_to_a_hostile_address(address: str) -> None:
    with pytest.raises(AddressRefusedError, match=r"is .*\. Give the https address"):
        open_socket(info_of(address))


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.usefixtures("no_private")
def test_it_makes_a_socket_for_a_public_address(address: str) -> None:
    # Made, never connected: nothing is sent.
    open_socket(info_of(address)).close()
    open_socket(info_of(address, 8443)).close()
    with pytest.raises(AddressRefusedError, match="Port 22 is not allowed"):
        open_socket(info_of(address, 22))


@pytest.mark.parametrize(
    "address", [address for address in ADDRESSES if not address.startswith("127.") and address != "::1"]
)
def test_allowing_private_upstreams_allows_this_machine_and_nothing_else(settings: Any, address: str) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    with pytest.raises(AddressRefusedError):
        open_socket(info_of(address))


def test_allowing_private_upstreams_allows_any_port_of_this_machine(settings: Any) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    for address in ("127.0.0.1", "127.1.2.3", "::1"):
        open_socket(info_of(address, 3000)).close()


@pytest.mark.usefixtures("no_private")
def test_a_scoped_address_is_refused() -> None:
    with pytest.raises(AddressRefusedError):
        open_socket((socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1%eth0", 443, 0, 2)))


@pytest.mark.usefixtures("no_private")
def test_a_unix_socket_is_refused() -> None:
    with pytest.raises(AddressRefusedError):
        open_socket((socket.AF_UNIX, socket.SOCK_STREAM, 0, "", ("/run/x.sock", 443)))
    with pytest.raises(AddressRefusedError):
        GuardedBackend().connect_unix_socket("/run/x.sock")


@pytest.mark.usefixtures("no_private")
def test_one_bad_answer_spoils_the_name() -> None:
    assert len(check_answers([info_of("8.8.8.8"), info_of("1.1.1.1")])) == 2
    with pytest.raises(AddressRefusedError):
        check_answers([info_of("8.8.8.8"), info_of("10.0.0.1")])


@pytest.mark.parametrize("url", URLS)
@pytest.mark.usefixtures("no_private")
def test_it_refuses_a_hostile_url_with_a_sentence(url: str) -> None:
    with pytest.raises(AddressRefusedError) as caught:
        check_url(url)
    assert str(caught.value).endswith(".")
    assert "password" not in url or "password@" not in str(caught.value)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.usefixtures("no_private")
def test_it_refuses_a_url_of_a_hostile_address(address: str) -> None:
    with pytest.raises(AddressRefusedError):
        check_url(f"https://[{address}]/mcp" if ":" in address else f"https://{address}/mcp")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://mcp.example.com/mcp", "https://mcp.example.com/mcp"),
        ("https://MCP.Example.COM", "https://mcp.example.com/"),
        ("HTTPS://mcp.example.com:443/a", "https://mcp.example.com/a"),
        ("https://mcp.example.com.:8443/a?b=c", "https://mcp.example.com:8443/a?b=c"),
        ("https://bücher.example/mcp", "https://xn--bcher-kva.example/mcp"),
        ("https://BÜCHER.example/mcp", "https://xn--bcher-kva.example/mcp"),
        ("https://8.8.8.8/mcp", "https://8.8.8.8/mcp"),
        ("https://[2A00:1450:4001:0::1]/mcp", "https://[2a00:1450:4001::1]/mcp"),
        ("https://1.example.com/", "https://1.example.com/"),
    ],
)
@pytest.mark.usefixtures("no_private")
def test_it_keeps_one_spelling_of_a_public_url(typed: str, kept: str) -> None:
    assert check_url(typed).geturl() == kept


@pytest.mark.parametrize("url", ["http://localhost:3000/mcp", "http://127.0.0.1:3000/mcp", "http://[::1]:3000/mcp"])
def test_this_machine_is_allowed_only_by_the_operator(settings: Any, url: str) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    assert check_url(url).geturl() == url
    settings.ALLOW_PRIVATE_UPSTREAMS = False
    with pytest.raises(AddressRefusedError, match="own machine"):
        check_url(url)


@pytest.mark.parametrize("url", ["http://10.0.0.1/mcp", "https://192.168.1.1/mcp", "http://example.com/mcp"])
def test_other_private_addresses_are_refused_even_then(settings: Any, url: str) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    with pytest.raises(AddressRefusedError):
        check_url(url)


@pytest.mark.usefixtures("no_private")
def test_the_simulators_own_address_is_always_allowed(settings: Any) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:4567"
    parts = check_url("http://127.0.0.1:4567/mcp/x/y")
    assert is_simulator_url(parts)
    open_socket(info_of("127.0.0.1", 4567)).close()
    with pytest.raises(AddressRefusedError):
        open_socket(info_of("127.0.0.1", 4568))
    with pytest.raises(AddressRefusedError):
        check_url("http://127.0.0.1:4568/")


@pytest.mark.usefixtures("no_private")
def test_the_transport_opens_no_connection_to_a_refused_address(recorder: socket.socket) -> None:
    port = recorder.getsockname()[1]
    with httpx.Client(transport=GuardedTransport(), trust_env=False) as client:
        for host in ("127.0.0.1", "localhost", "[::1]", "0x7f.1"):
            with pytest.raises(AddressRefusedError):
                client.get(f"http://{host}:{port}/")
    assert not heard(recorder)


@pytest.mark.usefixtures("no_private")
def test_a_name_that_leads_to_this_machine_is_refused_where_the_socket_opens(recorder: socket.socket) -> None:
    with pytest.raises(AddressRefusedError):
        GuardedBackend().connect_tcp("localhost", recorder.getsockname()[1])
    assert not heard(recorder)


def test_an_allowed_address_is_reached_by_the_same_path(recorder: socket.socket, settings: Any) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    GuardedBackend().connect_tcp("127.0.0.1", recorder.getsockname()[1]).close()
    assert heard(recorder)


def test_an_unknown_name_is_a_connection_error() -> None:
    with pytest.raises(httpcore.ConnectError):
        GuardedBackend().connect_tcp("a" * 64 + ".invalid", 443)


def test_it_follows_no_redirect_and_keeps_the_names_host(settings: Any) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    with serve(Toolbox(make_tool("x")).app()) as running, httpx.Client(transport=GuardedTransport()) as client:
        client.get(running.url)
        assert running.seen[0].headers["host"] == f"localhost:{running.port}"
