"""Runs the Bybit simulator on a loopback address until it is told to stop."""

from __future__ import annotations

import ipaddress
import signal
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from servers.simulator.app import SimulatorApp
from servers.simulator.exchange import Exchange
from servers.simulator.market import Market
from servers.simulator.services import DatabaseStore


class Command(BaseCommand):
    help = "Run the Bybit simulator. Without --port it listens where SIMULATOR_URL points."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
        parser.add_argument("--port", type=int, default=None, help="0 for a free one; the port is printed")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        if not _is_loopback(host):
            raise CommandError("The simulator listens on loopback addresses only.")
        if port is None:
            port = urlsplit(settings.SIMULATOR_URL).port or 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as opened:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                opened.bind((host, port))
            except OSError as error:
                raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror}.") from error
            self.stdout.write(str(opened.getsockname()[1]))
            self.stdout.flush()
            _serve(opened)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _serve(opened: socket.socket) -> None:
    app = SimulatorApp(Exchange(Market()), DatabaseStore(), settings.SIMULATOR_SECRET)
    config = uvicorn.Config(
        app, lifespan="on", log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3
    )
    # uvicorn ends gracefully on either signal and then raises it once more; being asked to stop is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    uvicorn.Server(config).run(sockets=[opened])
