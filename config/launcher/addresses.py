"""The sockets that the web server serves, opened early, so that a port that is taken is told before anything starts."""

import errno
import socket

from config.launcher.errors import LaunchError


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listens on the host; on both loopback addresses for localhost. Port 0 lets the system choose one."""
    if host != "localhost":
        return [listen_on(*resolve(host), port)]
    first = listen_on(socket.AF_INET, "127.0.0.1", port)
    try:
        return [first, listen_on(socket.AF_INET6, "::1", first.getsockname()[1])]
    except NoAddressError:
        return [first]
    except LaunchError:
        first.close()
        if port == 0:
            return open_sockets(host, port)
        raise


class NoAddressError(LaunchError):
    """This machine does not have the address."""


def resolve(host: str) -> tuple[socket.AddressFamily, str]:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise NoAddressError(f"{host} is no address of this machine: name one with --host.") from None
    return family, str(address[0])


def listen_on(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    try:
        opened = socket.socket(family)
    except OSError:
        raise NoAddressError(f"{address} cannot be used on this machine: name another with --host.") from None
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address, port))
        opened.listen(2048)
    except OSError as error:
        opened.close()
        raise explain(error, address, port) from None
    return opened


def explain(error: OSError, address: str, port: int) -> LaunchError:
    if error.errno == errno.EADDRINUSE:
        return LaunchError(f"port {port} is taken: choose another with --port, or 0 for any free one.")
    if error.errno == errno.EACCES:
        return LaunchError(f"port {port} may only be used by root: choose one above 1023 with --port.")
    return NoAddressError(f"{address} is no address of this machine: name one with --host.")
