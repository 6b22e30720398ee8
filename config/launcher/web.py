"""Runs uvicorn on sockets that the launcher opened: `python -m config.launcher.web WORKERS DESCRIPTOR...`."""

import socket
import sys

from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess

from config import settings


def main() -> None:
    workers, *descriptors = (int(word) for word in sys.argv[1:])
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    proxies = settings.TRUSTED_PROXIES
    config = Config(
        "config.asgi:application",
        loop="uvloop",
        http="httptools",
        lifespan="on",
        workers=workers,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        # Below what the supervisor waits; streams end at once, so this is for calls on their way.
        timeout_graceful_shutdown=8,
        # Pages have nothing to say over theirs.
        ws_max_size=4096,
    )
    if workers > 1:
        Multiprocess(config, sockets=sockets).run()
    else:
        Server(config).run(sockets)


if __name__ == "__main__":
    main()
