"""Decides which upstream addresses may be reached, in the URL and again where the socket opens.

Every outbound path uses it: check_url when an address is typed, open_socket or GuardedTransport when it is used.
"""

import re
import socket
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpcore
import httpx
import idna
from django.conf import settings

from servers.upstream.addresses import describe_refusal, is_loopback, read_address

AddrInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]

MAX_URL: Final = 2000
# Tries of one connection: a name with hundreds of answers must not multiply the time-out.
MAX_ANSWERS: Final = 4
PUBLIC_PORTS: Final = frozenset({443, 8443})
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f\\]")
_NUMERIC: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_INTERNET: Final = "Give the https address of a server on the public internet."


class AddressRefusedError(OSError):
    """An upstream address that may not be reached; its text is one or two sentences for the person who typed it."""


def check_url(url: str) -> SplitResult:
    """The parts of an allowed upstream URL, its host in lower-case ASCII; their `geturl()` is what to keep and use.

    Allowed are https on 443 and 8443, and, where ALLOW_PRIVATE_UPSTREAMS says so, http or https on any port of this
    machine. The simulator's own address is always allowed. Raises AddressRefusedError. Looks nothing up: open_socket
    and GuardedTransport judge what a name resolves to.
    """
    parts = _split(url)
    host = normalise_host(parts.hostname or "")
    port = _port_of(parts)
    _check_place(parts.scheme, host, port)
    netloc = f"[{host}]" if ":" in host else host
    if port != _DEFAULT_PORTS[parts.scheme]:
        netloc += f":{port}"
    return parts._replace(netloc=netloc, path=parts.path or "/")


def normalise_host(host: str) -> str:
    """A host as ASCII in its one normal spelling; raises AddressRefusedError for odd spellings and non-names.

    Resolvers read 0x7f.1, 2130706433 and 0177.0.0.1 as addresses, so a host whose last label is a number is one, and
    has to be written with four plain decimals (WHATWG URL, host parsing; RFC 6943, section 3.1.1).
    """
    if ":" in host:
        return _normalise_ipv6(host)
    name = host if host.isascii() else _encode_name(host)
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        if read_address(name) is None:
            raise AddressRefusedError(f"{host} is an unusual spelling of an address. Write four decimal numbers.")
        return name
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefusedError("The address has no valid host name. Check it for typing mistakes.")
    return name


def is_simulator_url(parts: SplitResult) -> bool:
    """Whether checked parts lead to the operator's own simulator, which no tenant may register by its address."""
    simulator = urlsplit(settings.SIMULATOR_URL)
    if not simulator.hostname or _port_of(simulator) != _port_of(parts):
        return False
    hosts = (simulator.hostname, parts.hostname or "")
    return hosts[0] == hosts[1] or all(map(_is_own_machine, hosts))


def check_answers(infos: Iterable[AddrInfo]) -> list[AddrInfo]:
    """The answers of a resolver, if every one of them may be reached; raises AddressRefusedError when any may not."""
    answers = list(infos)
    for info in answers:
        check_socket_address(info)
    return answers


def check_socket_address(info: AddrInfo) -> None:
    """Raise AddressRefusedError unless a socket may be opened to exactly this address and port."""
    family, host, port = info[0], str(info[4][0]), int(info[4][1])
    address = read_address(host)
    if family not in (socket.AF_INET, socket.AF_INET6) or address is None:
        raise AddressRefusedError(f"An upstream is reached over the internet only. {_INTERNET}")
    if (settings.ALLOW_PRIVATE_UPSTREAMS and is_loopback(address)) or _is_simulator(host, port):
        return
    what = describe_refusal(address)
    if what:
        raise AddressRefusedError(f"{host} is {what}. {_INTERNET}")
    if port not in PUBLIC_PORTS:
        raise AddressRefusedError(f"Port {port} is not allowed. Use port 443 or 8443.")


def open_socket(addr_info: AddrInfo) -> socket.socket:
    """A new socket for this resolved address, for `aiohttp.TCPConnector(socket_factory=open_socket)`.

    Raises AddressRefusedError (an OSError) before any socket exists when the address may not be reached.
    """
    check_socket_address(addr_info)
    family, kind, protocol = addr_info[:3]
    return socket.socket(family=family, type=kind, proto=protocol)


class GuardedBackend(httpcore.NetworkBackend):
    """Resolves once, refuses if any answer is bad, and connects to the address that was checked."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} is not known to the name service") from error
        answers = check_answers(found)
        return self._connect_first(answers[:MAX_ANSWERS], timeout)

    def _connect_first(self, answers: Sequence[AddrInfo], timeout: float | None) -> httpcore.NetworkStream:
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for info in answers:
            try:
                # A literal address: the plain backend has nothing left to look up.
                return httpcore.SyncBackend().connect_tcp(str(info[4][0]), int(info[4][1]), timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("the name service gave no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        raise AddressRefusedError(f"An upstream is reached over the internet only. {_INTERNET}")


class GuardedTransport(httpx.HTTPTransport):
    """The only transport of the control plane: every request's URL and every new connection's address is checked.

    SNI and Host stay those of the name. Proxies, certificates and keys of the environment are not read. Use it with
    `follow_redirects=False`. Raises AddressRefusedError besides httpx's own errors.
    """

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        context = httpx.create_ssl_context(trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=GuardedBackend())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        check_url(str(request.url))
        return super().handle_request(request)


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL:
        raise AddressRefusedError(f"The address is longer than {MAX_URL} characters.")
    # Before urlsplit, which drops tabs and line breaks in silence and reads a backslash otherwise than others do.
    if _UNSAFE.search(url):
        raise AddressRefusedError("The address holds spaces, backslashes or other characters that no address may hold.")
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise AddressRefusedError("This is no address. Write it like https://mcp.example.com/mcp.") from None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise AddressRefusedError("Write the whole address, like https://mcp.example.com/mcp.")
    if "[" in parts.netloc and ":" not in host:
        raise AddressRefusedError("The address between the brackets is no plain IPv6 address.")
    if "@" in parts.netloc:
        raise AddressRefusedError("The address holds a user name or password. Send credentials in a request header.")
    if "#" in url:
        raise AddressRefusedError("The address holds a fragment (the part from #). Leave it out.")
    if not f"{parts.path}{parts.query}".isascii():
        raise AddressRefusedError("Percent-encode the letters of the path that are not plain ASCII.")
    return parts


def _port_of(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise AddressRefusedError("The port of the address is no number from 1 to 65535.")
    return _DEFAULT_PORTS[parts.scheme] if port is None else port


def _check_place(scheme: str, host: str, port: int) -> None:
    if _is_simulator_origin(scheme, host, port):
        return
    if _is_own_machine(host) and settings.ALLOW_PRIVATE_UPSTREAMS:
        return
    address = read_address("127.0.0.1" if host == "localhost" else host)
    what = describe_refusal(address) if address else ""
    if what:
        raise AddressRefusedError(f"{host} is {what}. {_INTERNET}")
    if scheme != "https":
        raise AddressRefusedError("Only https keeps what is sent secret on the way. Use an https address.")
    if port not in PUBLIC_PORTS:
        raise AddressRefusedError(f"Port {port} is not allowed. Use port 443 or 8443.")


def _is_own_machine(host: str) -> bool:
    address = read_address(host)
    return host == "localhost" or (address is not None and is_loopback(address))


def _normalise_ipv6(host: str) -> str:
    address = read_address(host)
    if address is None or "%" in host:
        raise AddressRefusedError("The address between the brackets is no plain IPv6 address.")
    return address.compressed


def _encode_name(host: str) -> str:
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise AddressRefusedError("The address has no valid host name. Check it for typing mistakes.") from None


def _is_simulator_origin(scheme: str, host: str, port: int) -> bool:
    parts = urlsplit(settings.SIMULATOR_URL)
    return bool(parts.hostname) and (scheme, host, port) == (parts.scheme, parts.hostname, _port_of(parts))


def _is_simulator(address: str, port: int) -> bool:
    """Whether the operator's SIMULATOR_URL leads to this address; looked up only for its own port."""
    parts = urlsplit(settings.SIMULATOR_URL)
    if not parts.hostname or _port_of(parts) != port:
        return False
    try:
        infos = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return False
    return address in {info[4][0] for info in infos}
